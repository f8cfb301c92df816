/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cli/live_waits.h"
#include "core/cli/overview_text.h"
#include "core/cli/wait_text.h"
#include "core/value/json.h"
#include "core/value/value.h"

static struct document *read(const char *json)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(json), NULL, &document, NULL), 0);
    return document;
}

static void assert_text(struct strbuf *text, const char *expected)
{
    strbuf_append_char(text, '\0');
    assert_int_equal(strbuf_status(text), 0);
    assert_string_equal(text->p, expected);
    strbuf_finish(text);
}

static void test_wait_text__says_what_it_is_in_words(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{\"for\":\"breaker\",\"scope\":\"http http://a:80\",\"state\":\"open\","
         "\"until\":\"2999-01-15T08:01:00.000Z\"}",
         "http http://a:80: circuit open until 2999-01-15 08:01:00 UTC"},
        {"{\"for\":\"breaker\",\"scope\":\"a\",\"state\":\"open\","
         "\"until\":\"2001-01-15T08:01:00.000Z\"}",
         "a: circuit open, tried again now"},
        {"{\"for\":\"breaker\",\"scope\":\"a\",\"state\":\"half_open\",\"until\":null}",
         "a: circuit half open, its trial is under way"},
        {"{\"for\":\"breaker\",\"scope\":\"a\",\"state\":\"forced_open\",\"until\":null}",
         "a: circuit opened by hand: 'opstream breakers close' lets calls on"},
        {"{\"for\":\"permit\",\"scope\":\"plugin http\",\"limit\":25,\"in_use\":25}",
         "plugin http: 25 of 25 at work"},
        {"{\"for\":\"permit\",\"scope\":\"run\",\"limit\":1,\"in_use\":1}",
         "max_parallel_nodes: 1 of 1 at work"},
        {"{\"for\":\"budget\",\"scope\":\"plugin http\",\"limit\":25,\"in_use\":4}",
         "plugin http: its retry budget is spent, 4 of 25 at work"},
        {"{\"for\":\"memory\",\"scope\":\"run\",\"limit\":512,\"in_use\":530}",
         "max_memory_mb: values take 530 of 512 MiB, others have to end"},
        {"{\"for\":\"spending\",\"why\":\"the budget of 'p' has 1 of its 2 calls left\"}",
         "the budget of 'p' has 1 of its 2 calls left; others may give back"},
        {"{\"for\":\"attempt\",\"until\":\"2999-01-15T08:01:00.000Z\"}",
         "its next attempt, at 2999-01-15 08:01:00 UTC"},
        {"{\"for\":\"attempt\",\"until\":\"2001-01-15T08:01:00.000Z\"}",
         "its next attempt, as soon as it may start"},
        {"{\"for\":\"event\",\"event\":\"go\",\"until\":\"2999-01-15T08:01:00.000Z\"}",
         "the event 'go', until 2999-01-15 08:01:00 UTC"},
        {"{\"for\":\"event\",\"event\":null,\"until\":null}", "an event"},
        {"{\"for\":\"time\",\"until\":\"2999-01-15T08:01:00.000Z\"}", "2999-01-15 08:01:00 UTC"},
        {"{\"for\":\"something new\",\"scope\":\"a\",\"until\":\"2999-01-15T08:01:00.000Z\"}",
         "a: something new until 2999-01-15 08:01:00 UTC"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct strbuf text = STRBUF_INIT;
        cleanup_document struct document *wait = read(rows[i][0]);
        wait_text_append(document_root(wait), &text);
        assert_text(&text, rows[i][1]);
    }
}

/* ---- what is told while one looks ---- */

#define BREAKER(path, until)                                                                       \
    "{\"path\":\"" path "\",\"for\":\"breaker\",\"scope\":\"a\",\"state\":\"open\","               \
    "\"until\":\"2999-01-15T08:0" until ":00.000Z\"}"
#define RATE(year)                                                                                 \
    "{\"path\":\"" year "\",\"for\":\"rate_limit\",\"scope\":\"a 1/hour\","                        \
    "\"until\":\"" year "-01-15T08:00:00.000Z\"}"
#define FROZEN                                                                                     \
    "{\"path\":\"f\",\"for\":\"rate_limit\",\"scope\":\"a\",\"frozen\":true,"                      \
    "\"until\":\"2999-01-15T08:00:00.000Z\"}"
#define SPENDING "{\"path\":\"s\",\"for\":\"spending\",\"why\":\"spent\"}"
#define PERMIT   "{\"path\":\"q\",\"for\":\"permit\",\"scope\":\"run\",\"limit\":1,\"in_use\":1}"

static void take(struct live_waits *waits, const char *list, const char *left_out)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_format(&text, "{\"waits\":[%s],\"left_out\":%s}", list, left_out);
    live_waits_take(waits, strbuf_str(&text));
    strbuf_finish(&text);
}

static void test_live_waits__each_has_one_line_and_permits_none(void **state)
{
    (void)state;
    struct live_waits waits = {0};
    struct run_text_style style = {.name_columns = 5};
    struct strbuf text = STRBUF_INIT;
    take(&waits, BREAKER("get", "1") "," PERMIT "," SPENDING, "3");
    assert_int_equal(live_waits_count(&waits), 6);
    assert_int_equal(live_waits_shown(&waits), 3);
    live_waits_append_lines(&waits, style, &text);
    assert_text(&text, "waiting    get    a: circuit open until 2999-01-15 08:01:00 UTC\n");
    take(&waits, BREAKER("get", "2"), "0"); /* the same, for longer */
    live_waits_append_lines(&waits, style, &text);
    assert_text(&text, "");
    take(&waits, "", "0");
    take(&waits, RATE("2999") "," RATE("2001"), "0"); /* who waits long, and who is next */
    live_waits_append_lines(&waits, style, &text);
    assert_text(&text, "waiting    2999   a 1/hour: as many calls as its rate allows, the next at "
                       "2999-01-15 08:00:00 UTC\n");
    take(&waits, "", "0");
    take(&waits, FROZEN, "0");
    live_waits_append_lines(&waits, style, &text);
    assert_text(&text, "waiting    f      a: the service wants no calls now, the next at "
                       "2999-01-15 08:00:00 UTC\n");
    take(&waits, "", "0");
    take(&waits, BREAKER("get", "3"), "0");
    live_waits_append_lines(&waits, style, &text);
    assert_text(&text, "waiting    get    a: circuit open until 2999-01-15 08:03:00 UTC\n");
    live_waits_take(&waits, STR("no JSON"));
    assert_int_equal(live_waits_count(&waits), 1);
    live_waits_finish(&waits);
}

static void test_live_waits__lines_have_a_bound(void **state)
{
    (void)state;
    struct live_waits waits = {0};
    struct strbuf list = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    size_t lines = 0;
    for (int i = 0; i < 90; i++) {
        strbuf_append_format(&list, "%s{\"path\":\"e[%d]\",\"for\":\"breaker\",\"scope\":\"a\"}",
                             i > 0 ? "," : "", i);
    }
    strbuf_append_char(&list, '\0');
    take(&waits, list.p, "0");
    live_waits_append_lines(&waits, (struct run_text_style){0}, &text);
    take(&waits, "", "0");
    take(&waits, list.p, "0");
    live_waits_append_lines(&waits, (struct run_text_style){0}, &text);
    for (size_t i = 0; i < text.n; i++) {
        lines += text.p[i] == '\n' ? 1u : 0u;
    }
    assert_int_equal(lines, 21);
    strbuf_finish(&text);
    strbuf_finish(&list);
    live_waits_finish(&waits);
}

static void test_live_waits__long_ones_alone_where_it_is_asked_for(void **state)
{
    (void)state;
    struct live_waits waits = {.least_ms = 10000};
    struct strbuf text = STRBUF_INIT;
    static const char soon[] = "{\"path\":\"a\",\"for\":\"breaker\",\"scope\":\"s\","
                               "\"state\":\"open\",\"until\":\"2000-01-01T00:00:00Z\"}";
    static const char late[] = "{\"path\":\"a\",\"for\":\"breaker\",\"scope\":\"s\","
                               "\"state\":\"open\",\"until\":\"2999-01-01T00:00:00Z\"}";
    static const char shut[] = "{\"path\":\"b\",\"for\":\"breaker\",\"scope\":\"s\","
                               "\"state\":\"forced_open\",\"until\":null}";
    static const char full[] = "{\"path\":\"c\",\"for\":\"budget\",\"scope\":\"s\"}";
    take(&waits, soon, "0");
    live_waits_append_lines(&waits, (struct run_text_style){0}, &text);
    take(&waits, full, "0");
    live_waits_append_lines(&waits, (struct run_text_style){0}, &text);
    assert_int_equal(text.n, 0);
    take(&waits, soon, "0");
    take(&waits, late, "0"); /* its trial failed, and it is shut again for long */
    live_waits_append_lines(&waits, (struct run_text_style){0}, &text);
    take(&waits, late, "0");
    live_waits_append_lines(&waits, (struct run_text_style){0}, &text);
    assert_text(&text, "waiting    a  s: circuit open until 2999-01-01 00:00:00 UTC\n");
    text = STRBUF_INIT;
    take(&waits, shut, "0");
    live_waits_append_lines(&waits, (struct run_text_style){0}, &text);
    assert_text(&text, "waiting    b  s: circuit opened by hand: 'opstream breakers close' lets "
                       "calls on\n");
    live_waits_finish(&waits);
}

/* ---- the engine ---- */

#define AT_8 INT64_C(1800000000000) /* 2027-01-15T08:00:00Z */

static void test_overview_text__a_breaker_whose_time_has_come_says_so(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    cleanup_document struct document *status =
        read("{\"at_work\":true,\"runs\":{},\"breakers\":[{\"scope\":\"a\",\"state\":\"open\","
             "\"due_at\":\"2027-01-15T08:00:00.000Z\",\"waiting\":1}]}");
    overview_text_append(document_root(status), AT_8 - 1, (struct job_text_style){0}, &text);
    assert_non_null(strstr(text.p, "breaker    open         until 2027-01-15 08:00:00  1 wait"));
    strbuf_clear(&text);
    overview_text_append(document_root(status), AT_8, (struct job_text_style){0}, &text);
    assert_non_null(strstr(text.p, "breaker    open         the next call is a trial   1 wait"));
    strbuf_finish(&text);
}

static void test_overview_text__has_a_line_for_each_that_matters(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    cleanup_document struct document *status = read(
        "{\"at_work\":true,\"started_at\":\"2027-01-15T08:00:00.000Z\",\"trouble\":\"the disk is "
        "full\",\"runs_in_memory\":3,\"runs_parked\":1,\"nodes_running\":25,\"queue_depth\":9,"
        "\"runs\":{\"completed\":14,\"running\":2,\"approval_required\":1},\"breakers\":["
        "{\"scope\":\"http "
        "http://a:80\",\"state\":\"open\",\"due_at\":\"2027-01-15T08:01:00.000Z\","
        "\"waiting\":3},{\"scope\":\"b\",\"state\":\"forced_open\",\"due_at\":null,\"waiting\":0}],"
        "\"breakers_left_out\":4,\"limits\":[{\"scope\":\"plugin http\",\"limit\":25,\"in_use\":25,"
        "\"waiting\":6}],\"rate_limits\":[{\"scope\":\"a 1/hour\",\"waiting\":2,"
        "\"until\":\"2027-01-15T08:01:00.000Z\"}]}");
    overview_text_append(document_root(status), AT_8, (struct job_text_style){0}, &text);
    assert_text(&text,
                "engine     at work since 2027-01-15 08:00:00 UTC, 3 runs in memory, 1 resting\n"
                "trouble    nothing can be kept at the moment: the disk is full\n"
                "runs       2 running, 1 approval required, 14 completed\n"
                "nodes      25 at work, 9 wait before they may start\n"
                "breaker    open         until 2027-01-15 08:01:00  3 wait    http http://a:80\n"
                "breaker    forced open  -                          0 wait    b\n"
                "and 4 more: 'opstream breakers'\n"
                "limit      plugin http: 25 of 25 at work, 6 wait\n"
                "rate       a 1/hour: 2 wait, the next may go at 2027-01-15 08:01:00 UTC\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_text__says_what_it_is_in_words),
        cmocka_unit_test(test_live_waits__each_has_one_line_and_permits_none),
        cmocka_unit_test(test_live_waits__lines_have_a_bound),
        cmocka_unit_test(test_live_waits__long_ones_alone_where_it_is_asked_for),
        cmocka_unit_test(test_overview_text__a_breaker_whose_time_has_come_says_so),
        cmocka_unit_test(test_overview_text__has_a_line_for_each_that_matters),
    };
    return cmocka_run_group_tests_name("wait_text", tests, NULL, NULL);
}
