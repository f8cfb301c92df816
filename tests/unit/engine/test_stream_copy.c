/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/error.h"
#include "core/engine/stand_in_items.h"
#include "core/engine/stream_copy.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"

static void add(struct stream_copy *copy, const char *json)
{
    struct document *item = pipeline_fixture_json(json);
    assert_int_equal(stream_copy_add(copy, item, 100 + copy->count), 0);
    document_unref(item);
}

static bool begins(const struct stream_copy *copy, const char *json)
{
    struct document *list = pipeline_fixture_json(json);
    bool is_alike = false;
    assert_int_equal(stream_copy_begins(copy, document_root(list), &is_alike), 0);
    document_unref(list);
    return is_alike;
}

static void expect_items(const struct stream_copy *copy, const char *json)
{
    struct document *list = NULL;
    assert_int_equal(stream_copy_read(strbuf_str(&copy->items), &list, NULL), 0);
    char *text = pipeline_fixture_text(list);
    assert_string_equal(text, json);
    free(text);
    document_unref(list);
}

static void test_stream_copy__knows_how_it_began(void **state)
{
    (void)state;
    struct stream_copy copy = {.keeps_items = false};
    assert_true(begins(&copy, "[]"));
    assert_true(begins(&copy, "[1]"));
    add(&copy, "{\"a\": 1, \"b\": [2]}");
    add(&copy, "12");
    assert_true(begins(&copy, "[{\"b\": [2.0], \"a\": 1}, 12]"));
    assert_true(begins(&copy, "[{\"a\": 1, \"b\": [2]}, 12, 3, 4]"));
    assert_false(begins(&copy, "[{\"a\": 1, \"b\": [2]}]"));
    assert_false(begins(&copy, "[{\"a\": 1, \"b\": [2]}, 1, 2]"));
    assert_false(begins(&copy, "[12, {\"a\": 1, \"b\": [2]}]"));
    assert_null(copy.items.p);
    stream_copy_clear(&copy);
    assert_true(begins(&copy, "[5]"));
    stream_copy_finish(&copy);
}

static void test_stream_copy__keeps_what_it_was_given(void **state)
{
    (void)state;
    struct stream_copy copy = {.keeps_items = true};
    expect_items(&copy, "[]");
    add(&copy, "1");
    add(&copy, "\"two\"");
    add(&copy, "null");
    expect_items(&copy, "[1,\"two\",null]");
    assert_int_equal(copy.items.n, 1 + 5 + 4 + 3);
    add(&copy, "{\"b\": \"a line\\nand another\", \"a\": [1.0, 9223372036854775807]}");
    expect_items(
        &copy, "[1,\"two\",null,{\"b\":\"a line\\nand another\",\"a\":[1.0,9223372036854775807]}]");
    stream_copy_clear(&copy);
    add(&copy, "4");
    expect_items(&copy, "[4]");
    stream_copy_finish(&copy);
}

static void expect_seqs(const struct stream_copy *copy, const char *json)
{
    struct document *list = NULL;
    assert_int_equal(stream_copy_list_seqs(copy, &list), 0);
    char *text = pipeline_fixture_text(list);
    assert_string_equal(text, json);
    free(text);
    document_unref(list);
}

static void test_stream_copy__knows_where_they_are(void **state)
{
    (void)state;
    struct stream_copy copy = {.keeps_seqs = true};
    expect_seqs(&copy, "[]");
    add(&copy, "\"a text\"");
    add(&copy, "[2]");
    expect_seqs(&copy, "[100,101]");
    assert_int_equal(copy.bytes, 9 + 4);
    assert_null(copy.items.p);
    stream_copy_clear(&copy);
    assert_int_equal(copy.bytes, 0);
    expect_seqs(&copy, "[]");
    stream_copy_finish(&copy);
}

static void test_stream_copy__too_many_are_none(void **state)
{
    (void)state;
    struct stream_copy copy = {.keeps_items = true, .keeps_seqs = true};
    for (int i = 0; i < STREAM_COPY_ITEMS; i++) {
        add(&copy, "0");
    }
    assert_int_equal(copy.bound, STREAM_COPY_WHOLE);
    add(&copy, "0");
    add(&copy, "0");
    assert_int_equal(copy.bound, STREAM_COPY_TOO_MANY);
    assert_int_equal(copy.count, STREAM_COPY_ITEMS + 2);
    assert_null(copy.items.p);
    assert_null(copy.seqs);
    stream_copy_clear(&copy);
    assert_int_equal(copy.bound, STREAM_COPY_WHOLE);
    stream_copy_finish(&copy);
}

/* All that takes memory: 0, or E_NOMEM. */
static int use(const struct document *item, const struct document *answer,
               const struct document *kept)
{
    struct stream_copy copy = {.keeps_items = true, .keeps_seqs = true};
    struct stand_in_parts parts = {0};
    struct document *seqs = NULL;
    bool is_alike = false;
    int status = stream_copy_add(&copy, item, 7);
    if (status == 0) {
        status = stream_copy_begins(&copy, document_root(answer), &is_alike);
    }
    if (status == 0) {
        status = stream_copy_list_seqs(&copy, &seqs);
        document_unref(seqs);
    }
    stream_copy_finish(&copy);
    if (status == 0) {
        status = stand_in_items_split(answer, &parts, NULL);
        stand_in_parts_finish(&parts);
    }
    if (status == 0) {
        status = stand_in_items_unwrap(kept, &parts, NULL);
        stand_in_parts_finish(&parts);
    }
    return status;
}

static void test_stream_copy__memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct document *item = pipeline_fixture_json("{\"a\": [1, 2, 3]}");
    struct document *answer =
        pipeline_fixture_json("[{\"a\": [1, 2, 3]}, \"a text of some size\"]");
    struct document *kept = pipeline_fixture_json("{\"output\": {}, \"items\": [[1,2], 3]}");
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        failing_alloc_arm(n);
        int status = use(item, answer, kept);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_in_range(n, 0, 1000);
    }
    document_unref(item);
    document_unref(answer);
    document_unref(kept);
}

static void expect_no_parts(int (*take)(const struct document *, struct stand_in_parts *,
                                        struct error *),
                            const char *json)
{
    struct document *document = pipeline_fixture_json(json);
    struct stand_in_parts parts = {0};
    struct error err = {0};
    assert_int_equal(take(document, &parts, &err), E_INVALID);
    assert_null(parts.output);
    assert_null(parts.items);
    document_unref(document);
}

static void test_stream_copy__what_has_no_items_is_refused(void **state)
{
    (void)state;
    static const char *const answers[] = {"null",           "5", "\"[]\"", "{}", "{\"stream\": {}}",
                                          "{\"items\": []}"};
    static const char *const kept[] = {"null",
                                       "[]",
                                       "{}",
                                       "{\"items\": []}",
                                       "{\"output\": 1}",
                                       "{\"output\": 1, \"items\": {}}",
                                       "{\"output\": 1, \"items\": \"1\\n\"}"};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        expect_no_parts(stand_in_items_split, answers[i]);
        expect_no_parts(stand_in_items_unwrap, kept[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_copy__knows_how_it_began),
        cmocka_unit_test(test_stream_copy__keeps_what_it_was_given),
        cmocka_unit_test(test_stream_copy__knows_where_they_are),
        cmocka_unit_test(test_stream_copy__too_many_are_none),
        cmocka_unit_test(test_stream_copy__memory_that_runs_out_is_told),
        cmocka_unit_test(test_stream_copy__what_has_no_items_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
