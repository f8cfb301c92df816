/* SPDX-License-Identifier: Apache-2.0 */
/* Results that may be taken again: written with a batch, read by key, and within a bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/journal/sqlite_blobs.h"
#include "core/journal/sqlite_cache.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/unit/journal/store_fixture.h"

static struct store_fixture fixture;
static struct journal_reader *reader;
static struct strbuf seen;

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    assert_int_equal(journal_reader_open(fixture.folder, &reader, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    journal_reader_close(reader);
    store_fixture_finish(&fixture);
    strbuf_finish(&seen);
    return 0;
}

static void add(struct batch *batch, const char *key, struct document *output, int64_t at,
                int64_t until)
{
    struct cache_entry entry = {.at_unix_ms = at, .until_unix_ms = until, .output = output};
    (void)snprintf(entry.key, sizeof(entry.key), "%s", key);
    entry.port = at % 2 == 0 ? STR("even") : STR("");
    batch_add_cache(batch, &entry);
    document_unref(output);
}

static void keep(const char *key, const char *json, int64_t at, int64_t until)
{
    struct batch batch = BATCH_INIT;
    add(&batch, key, pipeline_fixture_json(json), at, until);
    store_fixture_write(&fixture, &batch);
}

static int see(void *user, const struct journal_cache_row *row)
{
    (void)user;
    strbuf_append_format(&seen, "%lld %.*s %.*s", (long long)row->at, STR_ARG(row->port),
                         STR_ARG(row->output));
    if (row->items.n > 0) {
        strbuf_append_format(&seen, ", with %.*s", STR_ARG(row->items));
    }
    return 0;
}

static void expect_answer(const char *key, int64_t after, const char *expected)
{
    strbuf_clear(&seen);
    strbuf_append_text(&seen, "");
    assert_int_equal(journal_reader_cached(reader, str_from(key), after, see, NULL, NULL), 0);
    assert_string_equal(seen.p, expected);
}

static void test_journal_cache__the_last_result_under_a_key_is_found(void **state)
{
    (void)state;
    expect_answer("a", 0, "");
    keep("a", "{\"n\": 1}", 1000, 9000);
    keep("b", "[]", 1001, 9000);
    expect_answer("a", 0, "1000 even {\"n\":1}");
    keep("a", "{\"n\": 2}", 2001, 9000);
    expect_answer("a", 2001, "2001  {\"n\":2}");
    expect_answer("a", 2002, ""); /* too old */
    expect_answer("b", 0, "1001  []");
    store_fixture_close(&fixture);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    expect_answer("a", 0, "2001  {\"n\":2}");
}

static void test_journal_cache__two_of_one_batch_are_one(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    add(&batch, "a", pipeline_fixture_json("1"), 1, 9);
    add(&batch, "a", pipeline_fixture_json("2"), 3, 9);
    store_fixture_write(&fixture, &batch);
    expect_answer("a", 0, "3  2");
    store_fixture_expect(&fixture, "SELECT count(*), sum(bytes) FROM cache", "1|201");
}

static void test_journal_cache__a_large_result_is_none_and_ends_the_one_before(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    keep("a", "1", 1, 9);
    add(&batch, "a", store_fixture_text(SQLITE_CACHE_LARGEST, 'x'), 3, 9);
    add(&batch, "b", store_fixture_text(SQLITE_CACHE_LARGEST - 2, 'x'), 3, 9);
    store_fixture_write(&fixture, &batch);
    expect_answer("a", 0, "");
    store_fixture_expect(&fixture, "SELECT key, length(output) FROM cache", "b|65536");
}

/* Records of run 1 with these items, from seq 1 on. */
static void record_items(const char *const *items, size_t count)
{
    struct batch batch = BATCH_INIT;
    struct journal_new_run run = store_fixture_run(1, "run-1");
    store_fixture_start(&fixture, &run);
    for (size_t i = 0; i < count; i++) {
        struct record record = {.run_number = 1, .type = RECORD_ITEM, .seq = i + 1, .index = i};
        struct document *item = items[i] != NULL ? pipeline_fixture_json(items[i])
                                                 : store_fixture_text(SQLITE_CACHE_PART, 'x');
        record.output = item;
        store_fixture_record(&fixture, &batch, &record, "a");
        document_unref(item);
    }
    store_fixture_write(&fixture, &batch);
}

static void keep_with_items(const char *key, const char *seqs, int64_t at)
{
    struct batch batch = BATCH_INIT;
    add(&batch, key, pipeline_fixture_json("{\"n\": 1}"), at, 100);
    batch.caches[0].run_number = 1;
    batch.caches[0].items_bytes = 1000;
    batch.caches[0].items = pipeline_fixture_json(seqs);
    store_fixture_write(&fixture, &batch);
}

static void test_journal_cache__items_are_those_of_records(void **state)
{
    (void)state;
    static const char *const items[] = {"{\"a\": [1, 2.50, \"\\n\"]}", "\"x\"", "null", "17"};
    record_items(items, 4);
    keep_with_items("a", "[1, 2, 3]", 1);
    keep_with_items("b", "[]", 1);
    keep_with_items("c", "[4, 1]", 1);
    expect_answer("a", 0, "1  {\"n\":1}, with [{\"a\":[1,2.5,\"\\n\"]},\"x\",null]");
    expect_answer("b", 0, "1  {\"n\":1}, with []");
    expect_answer("c", 0, "1  {\"n\":1}, with [17,{\"a\":[1,2.5,\"\\n\"]}]");
    store_fixture_expect(&fixture, "SELECT sum(bytes) FROM cache", "3621");
    keep_with_items("a", "[2]", 3);
    expect_answer("a", 0, "3  {\"n\":1}, with [\"x\"]");
    keep("a", "1", 4, 100);
    expect_answer("a", 0, "4 even 1");
}

/* A result with large items and an output that is none is written in rows of some. */
static void test_journal_cache__many_items_are_many_rows(void **state)
{
    (void)state;
    static const char *const items[] = {NULL, "1", "2", NULL, "3"};
    struct batch batch = BATCH_INIT;
    record_items(items, 5);
    store_fixture_expect(&fixture, "SELECT count(*) FROM blobs", "1"); /* both are alike */
    add(&batch, "a", store_fixture_text(SQLITE_CACHE_LARGEST, 'x'), 1, 100);
    batch.caches[0].run_number = 1;
    batch.caches[0].items = pipeline_fixture_json("[1, 2, 3, 4, 5]");
    store_fixture_write(&fixture, &batch);
    store_fixture_expect(&fixture, "SELECT part, length(items) FROM cache_items ORDER BY part",
                         "0|65540\n1|65544\n2|3");
    store_fixture_expect(&fixture, "SELECT length(output) FROM cache", "65538");
    store_fixture_expect(&fixture, "SELECT items FROM cache_items WHERE part = 2", "[3]");
}

/* What was pruned, or a file that somebody has removed. */
static void test_journal_cache__a_result_without_all_its_items_is_none(void **state)
{
    (void)state;
    static const char *const items[] = {"1", NULL};
    record_items(items, 2);
    keep_with_items("a", "[1]", 1);
    keep_with_items("a", "[1, 3]", 1);
    expect_answer("a", 0, "");
    char *digest = store_fixture_ask(&fixture, "SELECT digest FROM blobs");
    assert_int_equal(sqlite_blobs_remove(fixture.folder, str_from(digest), NULL), 0);
    keep_with_items("b", "[1, 2]", 1);
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache", "0");
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache_items", "0");
    free(digest);
}

static void test_journal_cache__items_go_with_their_result(void **state)
{
    (void)state;
    static const char *const items[] = {"1", "2"};
    record_items(items, 2);
    keep_with_items("a", "[1, 2]", 1);
    keep("x", "1", 101, 200);
    store_fixture_expect(&fixture, "SELECT key FROM cache", "x");
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache_items", "0");
    journal_sqlite_bound_cache(fixture.journal, 1300);
    keep_with_items("a", "[1, 2]", 1);
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache_items", "0"); /* both had no room */
}

static void test_journal_cache__without_a_result_the_one_before_ends(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    keep("a", "1", 1, 9);
    add(&batch, "a", NULL, 3, 9);
    add(&batch, "b", NULL, 3, 9);
    store_fixture_write(&fixture, &batch);
    expect_answer("a", 0, "");
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache", "0");
}

static void test_journal_cache__nobody_may_take_it_any_more(void **state)
{
    char key[16];
    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        keep(key, "1", 1, 100);
    }
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache", "40");
    keep("x", "1", 101, 200); /* a few at a time */
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache", "25");
    keep("y", "1", 101, 200);
    keep("z", "1", 101, 200);
    store_fixture_expect(&fixture, "SELECT key FROM cache ORDER BY key", "x\ny\nz");
}

static void fill(int from, int to)
{
    struct batch batch = BATCH_INIT;
    char key[16];
    for (int i = from; i < to; i++) {
        (void)snprintf(key, sizeof(key), "k%03d", i);
        add(&batch, key, pipeline_fixture_json("1"), 1000 + i * 2 + 1, 1000000);
    }
    store_fixture_write(&fixture, &batch);
}

/* Each takes 201 bytes. */
static void test_journal_cache__what_has_no_room_goes_the_oldest_first(void **state)
{
    (void)state;
    journal_sqlite_bound_cache(fixture.journal, 10000);
    fill(0, 49);
    store_fixture_expect(&fixture, "SELECT count(*), min(key) FROM cache", "49|k000");
    fill(49, 50); /* 16 go at once */
    store_fixture_expect(&fixture, "SELECT count(*), min(key) FROM cache", "34|k016");
    fill(50, 150);
    store_fixture_expect(&fixture, "SELECT count(*) * 201 <= 10000, max(key) FROM cache", "1|k149");
    journal_sqlite_bound_cache(fixture.journal, 1);
    fill(150, 151);
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache", "0");
    journal_sqlite_bound_cache(fixture.journal, 0);
    fill(0, 100);
    store_fixture_expect(&fixture, "SELECT count(*) FROM cache", "100");
}

static void test_journal_cache__what_was_there_counts(void **state)
{
    (void)state;
    fill(0, 100);
    store_fixture_close(&fixture);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    journal_sqlite_bound_cache(fixture.journal, 10000);
    fill(100, 101);
    store_fixture_expect(&fixture, "SELECT count(*) * 201 <= 10000, max(key) FROM cache", "1|k100");
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_cache__the_last_result_under_a_key_is_found),
        FRESH(test_journal_cache__two_of_one_batch_are_one),
        FRESH(test_journal_cache__a_large_result_is_none_and_ends_the_one_before),
        FRESH(test_journal_cache__items_are_those_of_records),
        FRESH(test_journal_cache__many_items_are_many_rows),
        FRESH(test_journal_cache__a_result_without_all_its_items_is_none),
        FRESH(test_journal_cache__items_go_with_their_result),
        FRESH(test_journal_cache__without_a_result_the_one_before_ends),
        FRESH(test_journal_cache__nobody_may_take_it_any_more),
        FRESH(test_journal_cache__what_has_no_room_goes_the_oldest_first),
        FRESH(test_journal_cache__what_was_there_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
