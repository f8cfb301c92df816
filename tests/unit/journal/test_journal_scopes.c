/* SPDX-License-Identifier: Apache-2.0 */
/* What breakers and limiters know: written with a batch, and read in the order of their keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/reader_query.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/unit/journal/store_fixture.h"

static struct store_fixture fixture;
static struct journal_reader *reader;
static struct strbuf seen;
static int stop_with;

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    assert_int_equal(journal_reader_open(fixture.folder, &reader, NULL), 0);
    stop_with = 0;
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

static void add_scope(struct batch *batch, const char *key, const char *json, int64_t at)
{
    struct document *known = json != NULL ? pipeline_fixture_json(json) : NULL;
    batch_add_scope(batch,
                    &(struct scope_change){
                        .kind = "breaker", .key = str_from(key), .state = known, .at_unix_ms = at});
    document_unref(known);
}

static void test_journal_scopes__they_are_what_was_said_last(void **state)
{
    (void)state;
    struct batch batch = BATCH_INIT;
    struct journal_new_run run = store_fixture_run(1, "run-1");
    const struct record record = {
        .run_number = 1, .type = RECORD_RUN_STARTED, .seq = 1, .node = RECORD_NO_NODE};
    store_fixture_start(&fixture, &run);
    store_fixture_record(&fixture, &batch, &record, NULL);
    add_scope(&batch, "http  https://a.example:443", "{\"state\": \"open\"}", 5);
    add_scope(&batch, "b", "{}", 6);
    add_scope(&batch, "c", NULL, 7); /* nobody knows it */
    store_fixture_write(&fixture, &batch);
    store_fixture_expect(
        &fixture, "SELECT * FROM scopes ORDER BY key",
        "breaker|b|{}|6\nbreaker|http  https://a.example:443|{\"state\":\"open\"}|5");
    add_scope(&batch, "b", "{\"n\": 1}", 8);
    add_scope(&batch, "http  https://a.example:443", NULL, 9);
    store_fixture_write(&fixture, &batch); /* without any record */
    store_fixture_expect(&fixture, "SELECT * FROM scopes", "breaker|b|{\"n\":1}|8");
    store_fixture_close(&fixture);
    assert_int_equal(store_fixture_open(&fixture, NULL), 0);
    store_fixture_expect(&fixture, "SELECT * FROM scopes", "breaker|b|{\"n\":1}|8");
}

static int see(void *user, const struct journal_scope_row *row)
{
    (void)user;
    strbuf_append_format(&seen, "%.*s %.*s %lld; ", STR_ARG(row->key), STR_ARG(row->state),
                         (long long)row->at);
    return stop_with;
}

static void expect_list(const char *kind, int status, const char *expected)
{
    strbuf_clear(&seen);
    strbuf_append_text(&seen, "");
    assert_int_equal(journal_reader_scopes(reader, str_from(kind), see, NULL, NULL), status);
    assert_string_equal(seen.p, expected);
}

static void write_three(void)
{
    struct batch batch = BATCH_INIT;
    struct document *known = pipeline_fixture_json("{\"n\": 7}");
    add_scope(&batch, "b", "{}", 2);
    add_scope(&batch, "a", "{\"n\": 7}", 3);
    batch_add_scope(&batch,
                    &(struct scope_change){.kind = "limit", .key = STR("a"), .state = known});
    document_unref(known);
    store_fixture_write(&fixture, &batch);
}

static void test_journal_scopes__a_kind_is_read_in_the_order_of_its_keys(void **state)
{
    (void)state;
    expect_list("breaker", 0, "");
    write_three();
    expect_list("breaker", 0, "a {\"n\":7} 3; b {} 2; ");
    expect_list("limit", 0, "a {\"n\":7} 0; ");
    stop_with = E_CANCELED;
    expect_list("breaker", E_CANCELED, "a {\"n\":7} 3; ");
}

static int on_statement(unsigned what, void *user, void *statement, void *text)
{
    char sql[512];
    sqlite3_stmt *plan = NULL;
    (void)what;
    (void)text;
    (void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", sqlite3_sql(statement));
    assert_int_equal(sqlite3_prepare_v2(user, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        strbuf_append_text(&seen, (const char *)sqlite3_column_text(plan, 3));
    }
    (void)sqlite3_finalize(plan);
    return 0;
}

/* Neither another kind is looked at nor anything sorted. */
static void test_journal_scopes__no_list_scans_the_table(void **state)
{
    (void)state;
    assert_int_equal(sqlite3_trace_v2(reader->db, SQLITE_TRACE_STMT, on_statement, reader->db),
                     SQLITE_OK);
    expect_list("breaker", 0, "SEARCH scopes USING PRIMARY KEY (kind=?)");
    assert_int_equal(sqlite3_trace_v2(reader->db, 0, NULL, NULL), SQLITE_OK);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_scopes__they_are_what_was_said_last),
        FRESH(test_journal_scopes__a_kind_is_read_in_the_order_of_its_keys),
        FRESH(test_journal_scopes__no_list_scans_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
