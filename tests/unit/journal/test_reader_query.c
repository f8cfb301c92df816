/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of the journal, and when it opens its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <string.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/reader_query.h"
#include "tests/unit/journal/store_fixture.h"

static int count(void *user, const struct journal_run *run)
{
    (void)run;
    ++*(size_t *)user;
    return 0;
}

static void test_reader_query__there_is_nothing_to_read_yet(void **state)
{
    (void)state;
    struct journal_reader *reader = NULL;
    struct error err = {0};
    assert_int_equal(journal_reader_open("/nonexistent", &reader, &err), E_NOT_FOUND);
    assert_null(reader);
}

static void test_reader_query__a_file_that_is_not_there_fails_each_question(void **state)
{
    (void)state;
    struct journal_reader *later = NULL;
    struct error err = {0};
    size_t seen = 0;
    assert_int_equal(journal_reader_open_later("/nonexistent", &later, &err), 0);
    int status = journal_reader_list(later, &(struct journal_filter){0}, count, &seen, &err);
    assert_int_equal(status, E_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent"));
    assert_int_equal(journal_reader_begin(later, &err), E_NOT_FOUND);
    assert_int_equal(seen, 0);
    journal_reader_close(later);
}

static void test_reader_query__the_first_question_opens_the_file(void **state)
{
    (void)state;
    struct store_fixture fixture;
    struct journal_reader *later = NULL;
    size_t seen = 0;
    store_fixture_init(&fixture);
    struct journal_new_run run = store_fixture_run(1, "r1");
    store_fixture_start(&fixture, &run);
    assert_int_equal(journal_reader_open_later(fixture.folder, &later, NULL), 0);
    assert_null(later->db);
    assert_int_equal(journal_reader_list(later, &(struct journal_filter){0}, count, &seen, NULL),
                     0);
    assert_int_equal(seen, 1);
    assert_non_null(later->db);
    journal_reader_close(later);
    store_fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_query__there_is_nothing_to_read_yet),
        cmocka_unit_test(test_reader_query__a_file_that_is_not_there_fails_each_question),
        cmocka_unit_test(test_reader_query__the_first_question_opens_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
