/* SPDX-License-Identifier: Apache-2.0 */
/* What is found when a file is looked over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/journal/journal_check.h"
#include "core/journal/journal_reader.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/journal/store_fixture.h"

static struct store_fixture fixture;

struct heard {
    struct strbuf text;
    int answer;
};

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&fixture);
    struct journal_new_run run = store_fixture_run(1, "r1");
    struct batch batch = BATCH_INIT;
    struct document *large = store_fixture_text(70000, 'x');
    const struct record record = {.run_number = 1,
                                  .type = RECORD_RUN_STARTED,
                                  .seq = 1,
                                  .node = RECORD_NO_NODE,
                                  .output = large};
    store_fixture_start(&fixture, &run);
    store_fixture_record(&fixture, &batch, &record, NULL);
    store_fixture_write(&fixture, &batch);
    document_unref(large);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_finish(&fixture);
    return 0;
}

static int hear(void *user, const struct journal_finding *finding)
{
    struct heard *heard = user;
    strbuf_append_format(&heard->text, "%d '%.*s' %llu %.*s\n", (int)finding->kind,
                         STR_ARG(finding->run), (unsigned long long)finding->seq,
                         STR_ARG(finding->text));
    return heard->answer;
}

static int check(struct heard *heard, struct journal_check_numbers *numbers)
{
    struct journal_reader *reader = NULL;
    struct journal_findings findings = {.each = hear, .user = heard};
    struct error err = {0};
    int status = journal_reader_open(fixture.folder, &reader, &err);
    if (status == 0) {
        status = journal_check_file(reader, &findings, numbers, &err);
    }
    journal_reader_close(reader);
    return status;
}

static void change(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(store_fixture_path(&fixture, "state.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Both texts are among what is found then. */
static void expect_after(const char *sql, const char *first, const char *second)
{
    struct heard heard = {.answer = 0};
    struct journal_check_numbers numbers;
    change(sql);
    assert_int_equal(check(&heard, &numbers), 0);
    assert_non_null(heard.text.p);
    assert_non_null(strstr(heard.text.p, first));
    assert_non_null(strstr(heard.text.p, second));
    strbuf_finish(&heard.text);
}

static void test_journal_check__names_are_followed(void **state)
{
    (void)state;
    expect_after("DELETE FROM blobs", "0 'r1' 1 the file '", "2 '' 0 no run needs the file '");
}

static void test_journal_check__a_definition_has_to_be_there_and_itself(void **state)
{
    (void)state;
    /* The fixture's definition has a name that is no digest. */
    expect_after("SELECT 1", "0 '' 0 the definition 'd1' holds another text", "\n");
    expect_after("UPDATE runs SET definition = 'd2'", "0 'r1' 0 its definition 'd2' is not there",
                 "'d1'");
}

static void test_journal_check__relations_are_followed(void **state)
{
    (void)state;
    expect_after("UPDATE runs SET parent = 7, root = 8",
                 "0 'r1' 0 the run that called it, number 7, is not there",
                 "0 'r1' 0 the run that somebody started for it, number 8, is not there");
}

static void test_journal_check__the_state_of_a_scope_is_a_json_object(void **state)
{
    (void)state;
    expect_after("INSERT INTO scopes VALUES ('breaker', 'x', '{broken', 1),"
                 " ('limit', 'y', '[1]', 1), ('limit', 'fine', '{}', 1)",
                 "0 '' 0 the state of the breaker 'x' is no JSON object\n",
                 "0 '' 0 the state of the limit 'y' is no JSON object\n");
    struct heard heard = {.answer = 0};
    struct journal_check_numbers numbers;
    assert_int_equal(check(&heard, &numbers), 0);
    assert_null(strstr(heard.text.p, "'fine'"));
    strbuf_finish(&heard.text);
}

static void test_journal_check__a_result_that_is_kept_is_json(void **state)
{
    (void)state;
    expect_after("INSERT INTO cache VALUES ('x', 1, 1, 1, '', '{broken'), ('y', 1, 1, 1, '', '7')",
                 "0 '' 0 the result 'x' that is kept is no JSON\n", "");
}

static void test_journal_check__a_lost_document_is_found(void **state)
{
    char command[160];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm %s/blobs/*/*", fixture.folder);
    assert_int_equal(system(command), 0);
    expect_after("SELECT 1", "0 'r1' 0 the large document '", "\n");
}

static void test_journal_check__counts_what_it_looked_at(void **state)
{
    struct heard heard = {.answer = 0};
    struct journal_check_numbers numbers;
    (void)state;
    assert_int_equal(check(&heard, &numbers), 0);
    assert_int_equal(numbers.definitions, 1);
    assert_int_equal(numbers.blobs, 1);
    strbuf_finish(&heard.text);
}

static void test_journal_check__who_hears_may_end_it(void **state)
{
    struct heard heard = {.answer = E_CANCELED};
    struct journal_check_numbers numbers;
    (void)state;
    assert_int_equal(check(&heard, &numbers), E_CANCELED);
    assert_int_equal(strchr(heard.text.p, '\n')[1], '\0');
    strbuf_finish(&heard.text);
}

static void test_journal_check__lists_runs_in_pages(void **state)
{
    uint64_t numbers[2] = {0};
    size_t count = 2;
    struct error err = {0};
    struct journal_reader *reader = NULL;
    struct journal_new_run more[] = {store_fixture_run(2, "r2"), store_fixture_run(5, "r5")};
    (void)state;
    store_fixture_start(&fixture, &more[0]);
    store_fixture_start(&fixture, &more[1]);
    assert_int_equal(journal_reader_open(fixture.folder, &reader, &err), 0);
    assert_int_equal(journal_check_list(reader, 0, numbers, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(numbers[1], 2);
    assert_int_equal(journal_check_list(reader, 2, numbers, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(numbers[0], 5);
    journal_reader_close(reader);
}

/* SQLite has allocations of its own, which it does without. */
static void test_journal_check__lack_of_memory_is_told(void **state)
{
    (void)state;
    bool has_failed = false;
    for (long n = 0;; n++) {
        struct heard heard = {.answer = 0};
        struct journal_check_numbers numbers;
        failing_alloc_arm(n);
        int status = check(&heard, &numbers);
        bool is_reached = failing_alloc_disarm();
        strbuf_finish(&heard.text);
        assert_true(status == 0 || status == E_NOMEM);
        has_failed = has_failed || status == E_NOMEM;
        if (!is_reached) {
            assert_int_equal(status, 0);
            break;
        }
    }
    assert_true(has_failed);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_journal_check__names_are_followed),
        FRESH(test_journal_check__a_definition_has_to_be_there_and_itself),
        FRESH(test_journal_check__relations_are_followed),
        FRESH(test_journal_check__the_state_of_a_scope_is_a_json_object),
        FRESH(test_journal_check__a_result_that_is_kept_is_json),
        FRESH(test_journal_check__a_lost_document_is_found),
        FRESH(test_journal_check__counts_what_it_looked_at),
        FRESH(test_journal_check__who_hears_may_end_it),
        FRESH(test_journal_check__lists_runs_in_pages),
        FRESH(test_journal_check__lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
