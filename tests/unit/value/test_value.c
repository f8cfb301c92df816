/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/value/builder.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/value/read_json.h"

static void test_value__type_names(void **state)
{
    (void)state;
    assert_string_equal(value_type_name(VALUE_NULL), "null");
    assert_string_equal(value_type_name(VALUE_DOUBLE), "double");
    assert_string_equal(value_type_name(VALUE_MAP), "map");
}

static void test_value__number(void **state)
{
    (void)state;
    cleanup_document struct document *document = read_json("[3,0.5,\"7\",null]");
    const struct value *root = document_root(document);
    assert_true(value_number(value_at(root, 0)) == 3.0);
    assert_true(value_number(value_at(root, 1)) == 0.5);
    assert_true(value_number(value_at(root, 2)) == 0.0);
    assert_true(value_number(NULL) == 0.0);
}

static void test_value__get_finds_members_of_maps_of_every_size(void **state)
{
    (void)state;
    for (int count = 0; count < 300; count += count < 20 ? 1 : 37) {
        struct builder *b = builder_create();
        builder_map_begin(b);
        for (int i = 0; i < count; i++) {
            struct strbuf key = STRBUF_INIT;
            strbuf_append_format(&key, "key-%d", i * i);
            builder_member_int(b, strbuf_str(&key), i);
            strbuf_finish(&key);
        }
        builder_map_end(b);
        cleanup_document struct document *document = NULL;
        assert_int_equal(builder_finish(b, &document, NULL), 0);
        const struct value *map = document_root(document);
        for (int i = 0; i < count; i++) {
            struct strbuf key = STRBUF_INIT;
            strbuf_append_format(&key, "key-%d", i * i);
            const struct value *value = value_get(map, strbuf_str(&key));
            assert_non_null(value);
            assert_int_equal(value_int(value), i);
            assert_true(
                str_equal(value_str(&value_member_at(map, (size_t)i)->key), strbuf_str(&key)));
            strbuf_finish(&key);
        }
        assert_null(value_get(map, STR("key-")));
        assert_null(value_get(map, STR("key-2")));
        assert_null(value_get(map, STR("")));
    }
}

static void test_value__get_of_no_map_is_null(void **state)
{
    (void)state;
    assert_null(value_get(NULL, STR("a")));
    assert_null(value_get(document_root(document_null()), STR("a")));
    assert_null(value_get(document_root(document_empty_list()), STR("a")));
    assert_null(value_get(document_root(document_empty_map()), STR("a")));
}

static const char pointer_text[] =
    "{\"foo\":[\"bar\",\"baz\",{\"x\":[[7]]}],\"\":0,\"a/b\":1,\"c%d\":2,\"m~n\":8,"
    "\"~1\":9,\"i\\\\j\":5,\" \":7,\"\xC3\xA9\":10,\"0\":11,\"g|h\":4}";

static void test_pointer__finds(void **state)
{
    (void)state;
    static const struct {
        const char *pointer;
        const char *text;
    } cases[] = {
        {"/foo/0", "\"bar\""}, {"/foo/2/x/0/0", "7"}, {"/", "0"},    {"/a~1b", "1"},
        {"/c%d", "2"},         {"/m~0n", "8"},        {"/~01", "9"}, {"/i\\j", "5"},
        {"/ ", "7"},           {"/\xC3\xA9", "10"},   {"/0", "11"},  {"/foo/2/x", "[[7]]"},
        {"/g|h", "4"},
    };
    cleanup_document struct document *document = read_json(pointer_text);
    const struct value *root = document_root(document);
    assert_ptr_equal(value_pointer(root, STR("")), root);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct value *found = value_pointer(root, str_from(cases[i].pointer));
        if (found == NULL) {
            fail_msg("'%s' is not found", cases[i].pointer);
        }
        assert_json(found, cases[i].text);
    }
}

static void test_pointer__refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "foo",    "/foo/",   "/foo/3",  "/foo/00",         "/foo/01",
        "/foo/-", "/foo/-1", "/foo/+1", "/foo/1e0",        "/foo/0/0",
        "/nope",  "/m~n",    "/m~",     "/m~2n",           "/foo/2/y",
        "//",     "#/foo",   "/foo/ 1", "/foo/4294967296", "/foo/18446744073709551616",
        "/~0",    "/~01~0",  "/foo/~0",
    };
    cleanup_document struct document *document = read_json(pointer_text);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (value_pointer(document_root(document), str_from(cases[i])) != NULL) {
            fail_msg("'%s' is found", cases[i]);
        }
    }
    assert_null(value_pointer(NULL, STR("/a")));
}

static void test_pointer__append_escapes(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    value_pointer_append(&out, STR("a/b"));
    value_pointer_append(&out, STR("~1"));
    value_pointer_append(&out, STR(""));
    value_pointer_append(&out, str_make(NULL, 0));
    value_pointer_append(&out, STR("plain"));
    assert_string_equal(strbuf_str(&out).p, "/a~1b/~01///plain");
    strbuf_finish(&out);
}

static bool is_equal(const char *a, const char *b)
{
    cleanup_document struct document *x = read_json(a);
    cleanup_document struct document *y = read_json(b);
    bool is_same = value_equal(document_root(x), document_root(y));
    assert_int_equal(is_same, value_equal(document_root(y), document_root(x)));
    struct strbuf first = STRBUF_INIT;
    struct strbuf second = STRBUF_INIT;
    value_write_canonical(document_root(x), &first);
    value_write_canonical(document_root(y), &second);
    assert_int_equal(str_equal(strbuf_str(&first), strbuf_str(&second)), is_same);
    strbuf_finish(&first);
    strbuf_finish(&second);
    return is_same;
}

static void test_value__equal_and_canonical_agree_on_equal_values(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"null", "null"},
        {"1", "1.0"},
        {"1", "1e0"},
        {"100", "1.0e+2"},
        {"0", "-0"},
        {"0.0", "-0.0"},
        {"-9223372036854775808", "-9.223372036854775808e18"},
        {"1e300", "10e299"},
        {"\"a\\u0062\"", "\"ab\""},
        {"[1,[2,{}]]", "[1.0,[2.0,{}]]"},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}"},
        {"{\"a\":{\"x\":1,\"y\":2},\"b\":0}", "{\"b\":0,\"a\":{\"y\":2,\"x\":1}}"},
        {"{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,\"10\":10}",
         "{\"10\":10,\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!is_equal(cases[i][0], cases[i][1])) {
            fail_msg("%s and %s differ", cases[i][0], cases[i][1]);
        }
    }
}

static void test_value__equal_and_canonical_agree_on_different_values(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"null", "false"},
        {"true", "1"},
        {"false", "0"},
        {"\"1\"", "1"},
        {"1", "1.0000000000000002"},
        {"9007199254740993", "9007199254740992.0"},
        {"9223372036854775807", "9223372036854775808"},
        {"9223372036854775807", "1e300"},
        {"[]", "{}"},
        {"[]", "[[]]"},
        {"[[],[[]]]", "[[[]],[]]"},
        {"[1,2]", "[2,1]"},
        {"[1]", "[1,1]"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":1}", "{\"a\":2}"},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}"},
        {"{\"a\":[1,{\"b\":2}]}", "{\"a\":[1,{\"b\":3}]}"},
        {"{\"a\":null}", "{}"},
        {"\"a\"", "\"a\\u0000\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (is_equal(cases[i][0], cases[i][1])) {
            fail_msg("%s and %s are equal", cases[i][0], cases[i][1]);
        }
    }
}

static void test_value__canonical_form(void **state)
{
    (void)state;
    cleanup_document struct document *document = read_json(
        " { \"b\" : [ 1.0, -0.0, 0.5, 1e21, true, null ] , \"a\" : { \"z\":\"\\u000a\", \"\":{} } ,"
        "\"\xC3\xA9\":[],\"ab\":1 } ");
    struct strbuf out = STRBUF_INIT;
    value_write_canonical(document_root(document), &out);
    assert_string_equal(strbuf_str(&out).p,
                        "{\"a\":{\"\":{},\"z\":\"\\n\"},\"ab\":1,\"b\":[1,0,0.5,1e+21,true,null],"
                        "\"\xC3\xA9\":[]}");
    strbuf_finish(&out);
}

static void test_value__canonical_survives_failed_allocations(void **state)
{
    (void)state;
    cleanup_document struct document *document =
        read_json("{\"b\":{\"c\":{\"d\":[{\"e\":1}]}},\"a\":{\"f\":\"some longer text that makes "
                  "the buffer grow at least once, and then once more after that\"}}");
    for (long n = 0;; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        value_write_canonical(document_root(document), &out);
        bool is_reached = failing_alloc_disarm();
        if (!is_reached) {
            assert_int_equal(strbuf_status(&out), 0);
            strbuf_finish(&out);
            assert_true(n > 5);
            break;
        }
        /* qsort() may do without the memory that it asks for. */
        if (strbuf_status(&out) == 0) {
            struct document *again = NULL;
            assert_int_equal(json_read(strbuf_str(&out), NULL, &again, NULL), 0);
            assert_true(value_equal(document_root(document), document_root(again)));
            document_unref(again);
        }
        strbuf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value__type_names),
        cmocka_unit_test(test_value__number),
        cmocka_unit_test(test_value__get_finds_members_of_maps_of_every_size),
        cmocka_unit_test(test_value__get_of_no_map_is_null),
        cmocka_unit_test(test_pointer__finds),
        cmocka_unit_test(test_pointer__refuses),
        cmocka_unit_test(test_pointer__append_escapes),
        cmocka_unit_test(test_value__equal_and_canonical_agree_on_equal_values),
        cmocka_unit_test(test_value__equal_and_canonical_agree_on_different_values),
        cmocka_unit_test(test_value__canonical_form),
        cmocka_unit_test(test_value__canonical_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
