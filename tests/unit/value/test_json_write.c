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

static void test_json_write__escapes_what_must_be(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    json_write_string(STR("\"\\/\b\f\n\r\t\x01\x1F\x7F\xC3\xA9\0"), &out);
    assert_string_equal(strbuf_str(&out).p,
                        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\xC3\xA9\\u0000\"");
    strbuf_clear(&out);
    json_write_string(str_make(NULL, 0), &out);
    assert_string_equal(strbuf_str(&out).p, "\"\"");
    strbuf_finish(&out);
}

static void test_json_write__escapes_at_every_place(void **state)
{
    (void)state;
    static const char specials[] = {'"', '\\', '\n', 0x00, 0x1F};
    for (size_t n = 1; n < 40; n++) {
        for (size_t at = 0; at < n; at++) {
            char text[40];
            memset(text, 'x', sizeof(text));
            text[at] = specials[(n + at) % sizeof(specials)];
            text[n / 2] = text[at];
            struct strbuf out = STRBUF_INIT;
            struct document *document = NULL;
            json_write_string(str_make(text, n), &out);
            assert_int_equal(json_read(strbuf_str(&out), NULL, &document, NULL), 0);
            assert_true(str_equal(value_str(document_root(document)), str_make(text, n)));
            document_unref(document);
            strbuf_finish(&out);
        }
    }
}

static void test_json_write__appends(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    strbuf_append_text(&out, "value = ");
    cleanup_document struct document *document = read_json("[1,2]");
    json_write(document_root(document), JSON_COMPACT, &out);
    json_write(document_root(document), JSON_COMPACT, &out);
    assert_string_equal(strbuf_str(&out).p, "value = [1,2][1,2]");
    strbuf_finish(&out);
}

static void test_json_write__pretty(void **state)
{
    (void)state;
    cleanup_document struct document *document =
        read_json("{\"a\":[],\"b\":{},\"c\":[1,{\"d\":\"e\"}],\"f\":-0.0}");
    struct strbuf out = STRBUF_INIT;
    json_write(document_root(document), JSON_PRETTY, &out);
    assert_string_equal(strbuf_str(&out).p, "{\n"
                                            "  \"a\": [],\n"
                                            "  \"b\": {},\n"
                                            "  \"c\": [\n"
                                            "    1,\n"
                                            "    {\n"
                                            "      \"d\": \"e\"\n"
                                            "    }\n"
                                            "  ],\n"
                                            "  \"f\": -0.0\n"
                                            "}");
    strbuf_clear(&out);
    json_write(document_root(document_empty_list()), JSON_PRETTY, &out);
    assert_string_equal(strbuf_str(&out).p, "[]");
    strbuf_finish(&out);
}

static void test_json_write__each_allocation_may_fail(void **state)
{
    (void)state;
    struct builder *b = builder_create();
    builder_list_begin(b);
    for (int i = 0; i < 300; i++) {
        builder_string(b, STR("some text\nwith \"escapes\""));
        builder_double(b, 0.1 * i);
        builder_bool(b, i % 2 == 0);
        builder_null(b);
    }
    builder_list_end(b);
    cleanup_document struct document *document = NULL;
    assert_int_equal(builder_finish(b, &document, NULL), 0);
    for (long n = 0;; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        json_write(document_root(document), n % 2 == 0 ? JSON_COMPACT : JSON_PRETTY, &out);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(strbuf_status(&out), is_reached ? E_NOMEM : 0);
        strbuf_finish(&out);
        if (!is_reached) {
            assert_true(n > 3);
            break;
        }
    }
}

static void test_json_write__writes_nothing_into_a_failed_buffer(void **state)
{
    (void)state;
    struct strbuf out = {.failed = true};
    json_write(document_root(document_empty_map()), JSON_COMPACT, &out);
    assert_int_equal(out.n, 0);
    assert_int_equal(strbuf_status(&out), E_NOMEM);
    strbuf_finish(&out);
}

static void test_json_write__deepest_value(void **state)
{
    (void)state;
    struct builder *b = builder_create();
    for (int i = 0; i < VALUE_MAX_DEPTH; i++) {
        builder_list_begin(b);
    }
    for (int i = 0; i < VALUE_MAX_DEPTH; i++) {
        builder_list_end(b);
    }
    cleanup_document struct document *document = NULL;
    assert_int_equal(builder_finish(b, &document, NULL), 0);
    struct strbuf out = STRBUF_INIT;
    json_write(document_root(document), JSON_COMPACT, &out);
    assert_int_equal(out.n, 2 * VALUE_MAX_DEPTH);
    strbuf_clear(&out);
    value_write_canonical(document_root(document), &out);
    assert_int_equal(out.n, 2 * VALUE_MAX_DEPTH);
    strbuf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_write__escapes_what_must_be),
        cmocka_unit_test(test_json_write__escapes_at_every_place),
        cmocka_unit_test(test_json_write__appends),
        cmocka_unit_test(test_json_write__pretty),
        cmocka_unit_test(test_json_write__each_allocation_may_fail),
        cmocka_unit_test(test_json_write__writes_nothing_into_a_failed_buffer),
        cmocka_unit_test(test_json_write__deepest_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
