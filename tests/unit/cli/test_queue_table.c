/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/queue_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/queue_text.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

#define RUN "01a203b5-524d-7bb3-85ad-38c2201ceaee"
/* 2027-01-15T08:00:00Z */
#define NOW INT64_C(1800000000000)

#define READY                                                                                      \
    "{\"id\":\"" RUN "/charge\",\"state\":\"ready\",\"workflow\":\"pay\",\"node\":\"charge\","     \
    "\"attempts\":0,\"next_at\":null,\"error\":null,\"waits_for\":{\"for\":\"breaker\","           \
    "\"state\":\"open\",\"until\":\"2027-01-15T08:00:42.000Z\"}}"
#define WAITS                                                                                      \
    "{\"id\":\"" RUN "/charge\",\"state\":\"retry_wait\",\"workflow\":\"payments_of_the_month\","  \
    "\"node\":\"charge\",\"attempts\":2,\"next_at\":\"2027-01-15T08:02:05.000Z\","                 \
    "\"error\":{\"code\":\"UNAVAILABLE\"}}"
#define DEAD                                                                                       \
    "{\"id\":\"" RUN "/charge\",\"state\":\"dead\",\"workflow\":\"pay\",\"node\":\"charge\","      \
    "\"attempts\":3,\"next_at\":null,\"error\":{\"code\":\"INPUT\"}}"

static void check(const char *items, unsigned columns, const char *wanted)
{
    struct strbuf json = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;
    strbuf_append_format(&json, "{\"items\":[%s],\"at_work\":true,\"next_cursor\":null}", items);
    cleanup_document struct document *page = fixture_json(strbuf_str(&json).p);
    struct job_text_style style = {.columns = columns};
    queue_table_append(document_root(page), NOW, style, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&json);
    strbuf_finish(&out);
}

static void test_queue_table__of_no_items_is_empty(void **state)
{
    (void)state;
    check("", 0, "");
}

static void test_queue_table__is_whole_where_it_fits(void **state)
{
    (void)state;
    static const char wanted[] =
        "STATE       CALL                          TRIES  NEXT TRY       ERROR        ID\n"
        "ready       pay/charge                    0      breaker, 42 s               " RUN
        "/charge\n"
        "retry wait  payments_of_the_month/charge  2      in 2 min 05 s  UNAVAILABLE  " RUN
        "/charge\n";
    check(READY "," WAITS, 0, wanted); /* no terminal */
    check(READY "," WAITS, 160, wanted);
}

static void test_queue_table__what_is_too_wide_is_cut_but_ids(void **state)
{
    (void)state;
    check(READY "," WAITS, 80,
          "STATE      CALL  NEXT TRY      ERROR ID\n"
          "ready      pay/… breaker, 42 s       " RUN "/charge\n"
          "retry wait paym… in 2 min 05 s UNAV… " RUN "/charge\n");
    check(DEAD, 70,
          "STATE CALL     TRIES ERROR ID\n"
          "dead  pay/cha… 3     INPUT " RUN "/charge\n");
}

static void test_queue_table__no_line_of_a_usual_id_is_wider_than_the_terminal(void **state)
{
    (void)state;
    for (unsigned columns = 66; columns < 130; columns++) {
        cleanup_document struct document *page =
            fixture_json("{\"items\":[" READY "," WAITS "],\"at_work\":true}");
        struct strbuf out = STRBUF_INIT;
        queue_table_append(document_root(page), NOW, (struct job_text_style){.columns = columns},
                           &out);
        struct str rest = strbuf_str(&out);
        while (rest.n > 0) {
            size_t n = (size_t)((const char *)memchr(rest.p, '\n', rest.n) - rest.p);
            assert_in_range(terminal_width(str_make(rest.p, n)), 1, columns);
            rest = str_make(rest.p + n + 1, rest.n - n - 1);
        }
        assert_non_null(strstr(strbuf_str(&out).p, " " RUN "/charge\n"));
        strbuf_finish(&out);
    }
}

static void check_next(const char *members, bool has_engine, const char *wanted)
{
    struct strbuf json = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;
    strbuf_append_format(&json, "{%s}", members);
    cleanup_document struct document *item = fixture_json(strbuf_str(&json).p);
    queue_table_append_next(document_root(item), has_engine, NOW, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&json);
    strbuf_finish(&out);
}

#define BREAKER "\"state\":\"ready\",\"waits_for\":{\"for\":\"breaker\","

static void test_queue_table__says_when_an_item_is_tried_next(void **state)
{
    (void)state;
    static const char past[] = "\"state\":\"retry_wait\",\"next_at\":\"2027-01-15T07:59:59Z\"";
    check_next("\"state\":\"retry_wait\",\"next_at\":\"2027-01-15T08:00:00.001Z\"", true, "in 1 s");
    check_next(past, true, "now");
    check_next(past, false, "due");
    check_next("\"state\":\"ready\",\"next_at\":null", true, "now");
    check_next("\"state\":\"running\",\"next_at\":\"2027-01-15T08:00:09Z\"", true, "-");
    check_next("\"state\":\"dead\"", true, "-");
    check_next(BREAKER "\"state\":\"open\",\"until\":\"2027-01-15T08:01:40Z\"}", true,
               "breaker, 1 min 40 s");
    check_next(BREAKER "\"state\":\"open\",\"until\":\"2027-01-15T07:00:00Z\"}", true,
               "breaker, now");
    check_next(BREAKER "\"state\":\"forced_open\",\"until\":null}", true, "breaker, by hand");
    check_next(BREAKER "\"state\":\"half_open\",\"until\":null}", true, "breaker, on trial");
    check_next("\"state\":\"ready\",\"waits_for\":{\"for\":\"rate_limit\",\"frozen\":false,"
               "\"until\":\"2027-01-15T08:00:03Z\"}",
               true, "rate limit, 3 s");
    check_next("\"state\":\"ready\",\"waits_for\":{\"for\":\"permit\",\"limit\":1}", true,
               "permit");
    check_next("\"state\":7,\"waits_for\":3", true, "-");
}

/* ---- one ---- */

static void test_queue_text__says_that_a_call_was_edited(void **state)
{
    (void)state;
    static const char *const edits[] = {"0", "1", "3"};
    static const char *const wanted[] = {
        NULL, "edited    once: the input below is a person's, with a key of its own\n",
        "edited    3 times: the input below is a person's, with a key of its own\n"};
    for (size_t i = 0; i < 3; i++) {
        struct strbuf json = STRBUF_INIT;
        struct strbuf out = STRBUF_INIT;
        strbuf_append_format(&json, "{\"id\":\"x\",\"edits\":%s,\"input\":{}}", edits[i]);
        cleanup_document struct document *letter = fixture_json(strbuf_str(&json).p);
        queue_text_append_letter(document_root(letter), (struct job_text_style){0}, &out);
        if (wanted[i] == NULL) {
            assert_null(strstr(strbuf_str(&out).p, "edited"));
        } else {
            assert_non_null(strstr(strbuf_str(&out).p, wanted[i]));
        }
        strbuf_finish(&json);
        strbuf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_table__of_no_items_is_empty),
        cmocka_unit_test(test_queue_table__is_whole_where_it_fits),
        cmocka_unit_test(test_queue_table__what_is_too_wide_is_cut_but_ids),
        cmocka_unit_test(test_queue_table__no_line_of_a_usual_id_is_wider_than_the_terminal),
        cmocka_unit_test(test_queue_table__says_when_an_item_is_tried_next),
        cmocka_unit_test(test_queue_text__says_that_a_call_was_edited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
