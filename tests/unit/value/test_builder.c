/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "core/value/builder.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/value/read_json.h"

static struct document *finish(struct builder *b)
{
    struct document *document = NULL;
    struct error err = {0};
    if (builder_finish(b, &document, &err) != 0) {
        fail_msg("builder_finish: %s", err.message);
    }
    return document;
}

static void assert_fails(struct builder *b, int code, const char *message)
{
    struct document *document = NULL;
    struct error err = {0};
    assert_int_equal(builder_finish(b, &document, &err), code);
    assert_string_equal(err.message, message);
    assert_null(document);
}

static void test_builder__makes_every_kind(void **state)
{
    (void)state;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("s"), STR("text"));
    builder_member_int(b, STR("i"), INT64_MIN);
    builder_member_double(b, STR("d"), -0.0);
    builder_member_bool(b, STR("b"), true);
    builder_member_null(b, STR("n"));
    builder_key(b, STR("l"));
    builder_list_begin(b);
    builder_bool(b, false);
    builder_list_begin(b);
    builder_list_end(b);
    builder_string(b, str_make(NULL, 0));
    builder_list_end(b);
    builder_key(b, STR(""));
    builder_map_begin(b);
    builder_map_end(b);
    builder_map_end(b);
    cleanup_document struct document *document = finish(b);
    assert_json(document_root(document), "{\"s\":\"text\",\"i\":-9223372036854775808,\"d\":-0.0,"
                                         "\"b\":true,\"n\":null,\"l\":[false,[],\"\"],\"\":{}}");
    assert_int_equal(document_root(document)->depth, 3);
}

static void test_builder__a_scalar_may_be_the_root(void **state)
{
    (void)state;
    struct builder *b = builder_create();
    builder_int(b, 5);
    cleanup_document struct document *document = finish(b);
    assert_json(document_root(document), "5");
}

static void test_builder__refuses_a_doubled_key(void **state)
{
    (void)state;
    for (int count = 1; count < 30; count += 7) {
        struct builder *b = builder_create();
        builder_map_begin(b);
        for (int i = 0; i < count; i++) {
            builder_member_int(b, str_make("abcdefghijklmnopqrstuvwxyz0123", (size_t)i + 1), i);
        }
        builder_member_null(b, STR("a"));
        builder_map_end(b);
        builder_int(b, 1); /* nothing more counts after the failure */
        assert_fails(b, E_EXISTS, "the key 'a' is there twice");
    }
}

static void test_builder__refuses_what_json_lacks(void **state)
{
    (void)state;
    const double numbers[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < 3; i++) {
        struct builder *b = builder_create();
        builder_double(b, numbers[i]);
        assert_fails(b, E_INVALID,
                     "a number is not finite (NaN or infinity), and JSON has no such");
    }
    struct builder *b = builder_create();
    builder_string(b, STR("\xC3"));
    assert_fails(b, E_INVALID, "a string is not UTF-8");
    b = builder_create();
    builder_map_begin(b);
    builder_member_null(b, STR("\xFFz"));
    builder_map_end(b);
    assert_fails(b, E_INVALID, "a key is not UTF-8");
}

static void test_builder__the_first_failure_is_reported(void **state)
{
    (void)state;
    struct builder *b = builder_create();
    builder_list_begin(b);
    builder_string(b, STR("\xFF"));
    builder_double(b, (double)NAN);
    builder_map_end(b);
    assert_fails(b, E_INVALID, "a string is not UTF-8");
}

static void test_builder__depth_of_64_and_no_more(void **state)
{
    (void)state;
    struct builder *b = builder_create();
    for (int i = 0; i <= VALUE_MAX_DEPTH; i++) {
        builder_list_begin(b);
    }
    assert_fails(b, E_LIMIT, "nested deeper than 64 levels");
}

/* `levels` lists around what is there already. */
static struct document *wrap(struct document *inner, int levels)
{
    struct builder *b = builder_create();
    for (int i = 0; i < levels; i++) {
        builder_list_begin(b);
    }
    builder_embed(b, inner, document_root(inner));
    for (int i = 0; i < levels; i++) {
        builder_list_end(b);
    }
    struct document *document = NULL;
    (void)builder_finish(b, &document, NULL); /* NULL shows the failure */
    document_unref(inner);
    return document;
}

static void test_builder__embedded_depth_counts(void **state)
{
    (void)state;
    struct document *document = wrap(read_json("[1,{}]"), 60);
    assert_int_equal(document_root(document)->depth, 62);
    document = wrap(document, 2);
    assert_int_equal(document_root(document)->depth, 64);
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(document), JSON_COMPACT, &text);
    struct document *again = read_json(strbuf_str(&text).p);
    assert_true(value_equal(document_root(document), document_root(again)));
    assert_int_equal(document_root(again)->depth, 64);
    document_unref(again);
    strbuf_finish(&text);
    assert_null(wrap(document, 1));
}

static void test_builder__embed_shares_and_holds(void **state)
{
    (void)state;
    struct document *source = read_json("{\"list\":[1,[2]],\"short\":\"abc\",\"n\":1.5}");
    const struct value *list = value_get(document_root(source), STR("list"));
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_key(b, STR("a"));
    builder_embed(b, source, list);
    builder_key(b, STR("b"));
    builder_embed(b, source, list);
    builder_key(b, STR("c"));
    builder_embed(b, source, value_get(document_root(source), STR("short")));
    builder_key(b, STR("d"));
    builder_embed(b, source, value_get(document_root(source), STR("n")));
    builder_key(b, STR("e"));
    builder_embed(b, document_empty_map(), document_root(document_empty_map()));
    builder_map_end(b);
    cleanup_document struct document *document = finish(b);
    assert_ptr_equal(value_get(document_root(document), STR("a"))->as.items, list->as.items);
    document_unref(source);
    assert_json(document_root(document),
                "{\"a\":[1,[2]],\"b\":[1,[2]],\"c\":\"abc\",\"d\":1.5,\"e\":{}}");
}

static void test_builder__embed_keeps_lookup_in_large_maps(void **state)
{
    (void)state;
    struct document *source = read_json("{\"m\":{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,"
                                        "\"7\":7,\"8\":8,\"9\":9,\"10\":10}}");
    struct builder *b = builder_create();
    builder_embed(b, source, value_get(document_root(source), STR("m")));
    cleanup_document struct document *document = finish(b);
    document_unref(source);
    assert_int_equal(value_int(value_get(document_root(document), STR("10"))), 10);
    assert_null(value_get(document_root(document), STR("11")));
}

static void test_builder__embed_of_a_long_string_copies_nothing(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof(text));
    struct builder *b = builder_create();
    builder_string(b, str_make(text, sizeof(text)));
    struct document *source = finish(b);
    b = builder_create();
    builder_list_begin(b);
    builder_embed(b, source, document_root(source));
    builder_list_end(b);
    cleanup_document struct document *document = finish(b);
    const struct value *item = value_at(document_root(document), 0);
    assert_ptr_equal(item->as.text, document_root(source)->as.text);
    document_unref(source);
    assert_true(str_equal(value_str(item), str_make(text, sizeof(text))));
    assert_true(document_size_bytes(document) < 100);
}

static void test_builder__copy_stands_alone(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1,2.5,\"x\",null,true,[],{}],\"b\":{\"c\":{\"d\":\"e\"}},\"f\":-1}";
    struct document *source = read_json(text);
    struct builder *b = builder_create();
    builder_list_begin(b);
    builder_copy(b, document_root(source));
    builder_copy(b, value_get(document_root(source), STR("f")));
    builder_list_end(b);
    document_unref(source);
    cleanup_document struct document *document = finish(b);
    assert_json(value_at(document_root(document), 0), text);
    assert_int_equal(value_int(value_at(document_root(document), 1)), -1);
}

static void test_builder__copy_too_deep_fails(void **state)
{
    (void)state;
    struct document *deep = wrap(read_json("[]"), 63);
    struct builder *b = builder_create();
    builder_list_begin(b);
    builder_copy(b, document_root(deep));
    builder_list_end(b);
    assert_fails(b, E_LIMIT, "nested deeper than 64 levels");
    document_unref(deep);
}

static void test_builder__null_is_out_of_memory(void **state)
{
    (void)state;
    builder_map_begin(NULL);
    builder_key(NULL, STR("a"));
    builder_embed(NULL, document_null(), document_root(document_null()));
    builder_copy(NULL, document_root(document_null()));
    builder_map_end(NULL);
    assert_fails(NULL, E_NOMEM, "out of memory");
    builder_destroy(NULL);
}

static void test_builder__a_failure_that_is_told_stays(void **state)
{
    (void)state;
    struct builder *b = builder_create();
    builder_list_begin(b);
    builder_fail_nomem(b);
    builder_double(b, INFINITY);
    builder_list_end(b);
    assert_fails(b, E_NOMEM, "out of memory");
    builder_fail_nomem(NULL);
}

static void test_builder__destroy_in_the_middle_leaks_nothing(void **state)
{
    (void)state;
    struct document *source = read_json("[1]");
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_key(b, STR("a"));
    builder_embed(b, source, document_root(source));
    builder_destroy(b);
    document_unref(source);
}

/* Everything that allocates: a large map, many nodes, a held document, a deep copy. */
static int build_all(const struct document *source, struct document **out_document,
                     struct error *err)
{
    struct builder *b = builder_create();
    builder_list_begin(b);
    builder_embed(b, source, document_root(source));
    builder_copy(b, document_root(source));
    builder_map_begin(b);
    for (int i = 0; i < 60; i++) {
        char key[2] = {(char)('A' + i / 10), (char)('0' + i % 10)};
        builder_member_string(b, str_make(key, 2), STR("a text that fills the arena"));
    }
    builder_map_end(b);
    builder_list_end(b);
    return builder_finish(b, out_document, err);
}

static void test_builder__each_allocation_may_fail(void **state)
{
    (void)state;
    cleanup_document struct document *source = read_json("{\"a\":[1,\"b\"]}");
    for (long n = 0;; n++) {
        struct error err = {0};
        struct document *document = NULL;
        failing_alloc_arm(n);
        int status = build_all(source, &document, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            document_unref(document);
            assert_true(n > 5);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_int_equal(err.code, E_NOMEM);
        assert_null(document);
    }
}

static void assert_written(const struct value *value, enum json_style style, const char *text)
{
    struct strbuf out = STRBUF_INIT;
    json_write(value, style, &out);
    assert_string_equal(out.p, text);
    strbuf_finish(&out);
}

/* Of every kind of copy, too: a long string is shared, a short one copied. */
static void test_builder__what_is_hidden_stays_hidden(void **state)
{
    (void)state;
    char text[300];
    memset(text, 'x', sizeof(text));
    struct builder *b = builder_create();
    builder_hide(b); /* there is nothing yet */
    builder_list_begin(b);
    builder_string(b, STR("short"));
    builder_hide(b);
    builder_string(b, str_make(text, sizeof(text)));
    builder_hide(b);
    builder_int(b, 1);
    builder_hide(b); /* no text */
    builder_string(b, STR("open"));
    builder_list_end(b);
    struct document *first = finish(b);
    b = builder_create();
    builder_list_begin(b);
    for (size_t i = 0; i < 4; i++) {
        builder_embed(b, first, value_at(document_root(first), i));
    }
    builder_list_end(b);
    struct document *second = finish(b);
    b = builder_create();
    builder_copy(b, document_root(second));
    struct document *third = finish(b);
    struct document *const all[] = {first, second, third};
    for (size_t i = 0; i < 3; i++) {
        const struct value *root = document_root(all[i]);
        assert_written(root, JSON_COMPACT, "[\"***\",\"***\",1,\"open\"]");
        assert_written(value_at(root, 0), JSON_PRETTY, "\"***\"");
        assert_written(value_at(root, 0), JSON_OPEN, "\"short\"");
        assert_true(value_is_secret(value_at(root, 1)));
        assert_false(value_is_secret(value_at(root, 2)));
        assert_true(value_equal(root, document_root(first)));
        document_unref(i > 0 ? all[i] : NULL);
    }
    document_unref(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builder__makes_every_kind),
        cmocka_unit_test(test_builder__a_scalar_may_be_the_root),
        cmocka_unit_test(test_builder__refuses_a_doubled_key),
        cmocka_unit_test(test_builder__refuses_what_json_lacks),
        cmocka_unit_test(test_builder__the_first_failure_is_reported),
        cmocka_unit_test(test_builder__depth_of_64_and_no_more),
        cmocka_unit_test(test_builder__embedded_depth_counts),
        cmocka_unit_test(test_builder__embed_shares_and_holds),
        cmocka_unit_test(test_builder__embed_keeps_lookup_in_large_maps),
        cmocka_unit_test(test_builder__embed_of_a_long_string_copies_nothing),
        cmocka_unit_test(test_builder__copy_stands_alone),
        cmocka_unit_test(test_builder__copy_too_deep_fails),
        cmocka_unit_test(test_builder__what_is_hidden_stays_hidden),
        cmocka_unit_test(test_builder__null_is_out_of_memory),
        cmocka_unit_test(test_builder__a_failure_that_is_told_stays),
        cmocka_unit_test(test_builder__destroy_in_the_middle_leaks_nothing),
        cmocka_unit_test(test_builder__each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
