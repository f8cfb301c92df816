/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/history_text.h"
#include "core/cli/list_text.h"
#include "core/cli/logs_text.h"
#include "core/cli/status_text.h"
#include "core/value/value.h"
#include "tests/unit/cli/pipeline_fixture.h"

const struct command *const command_table[] = {NULL};

static const struct job_text_style plain = {0};
static const struct job_text_style colored = {.is_colored = true, .columns = 80};

typedef void (*append_fn)(const struct value *value, struct job_text_style style,
                          struct strbuf *out);

static void check(append_fn append, const char *json, struct job_text_style style,
                  const char *wanted)
{
    cleanup_document struct document *document = fixture_json(json);
    struct strbuf out = STRBUF_INIT;
    append(document_root(document), style, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
}

/* ---- the list ---- */

#define JOB_1                                                                                      \
    "{\"short_id\":\"019a0000-11\",\"status\":\"completed\",\"workflow\":\"nightly\","             \
    "\"created_at\":\"2027-01-15T07:00:00.000Z\",\"total_duration_seconds\":61.5,"                 \
    "\"progress\":{\"done\":3,\"total\":3,\"fraction\":1.0}}"
#define JOB_2                                                                                      \
    "{\"short_id\":\"019aaaaa\",\"status\":\"approval_required\",\"workflow\":\"de\\u001bploy\","  \
    "\"created_at\":null,\"total_duration_seconds\":null,\"progress\":{\"done\":0,\"total\":12}}"

static void test_list_text__is_a_table(void **state)
{
    (void)state;
    check(list_text_append, "{\"jobs\":[" JOB_1 "," JOB_2 "],\"next_cursor\":null}", plain,
          "ID           STATUS             WORKFLOW    CREATED              TOOK        NODES\n"
          "019a0000-11  completed          nightly     2027-01-15 07:00:00  1 min 01 s  3/3\n"
          "019aaaaa     approval required  de\\x1bploy  -                    -           0/12\n");
}

static void test_list_text__says_that_there_are_more(void **state)
{
    (void)state;
    check(list_text_append, "{\"jobs\":[" JOB_1 "],\"next_cursor\":\"n7\"}", colored,
          "\033[1mID           STATUS     WORKFLOW  CREATED              TOOK        NODES\033[0m\n"
          "019a0000-11  \033[32mcompleted\033[0m  nightly   2027-01-15 07:00:00  1 min 01 s  3/3\n"
          "\nthere are more: --cursor n7\n");
}

static void test_list_text__of_no_runs_is_empty(void **state)
{
    (void)state;
    check(list_text_append, "{\"jobs\":[],\"next_cursor\":null}", plain, "");
    check(list_text_append, "{\"jobs\":7}", plain, "");
    check(list_text_append, "[]", plain, "");
}

static void test_list_text__cells_of_another_type_are_as_if_they_were_not_there(void **state)
{
    (void)state;
    check(list_text_append,
          "{\"jobs\":[{\"short_id\":1,\"status\":[],\"workflow\":null,\"created_at\":\"soon\","
          "\"total_duration_seconds\":1e300,\"progress\":[]}]}",
          plain,
          "ID  STATUS  WORKFLOW  CREATED  TOOK  NODES\n"
          "                      -        -     0/0\n");
}

/* ---- one run ---- */

#define RUNNING                                                                                    \
    "{\"id\":\"019a0000-2222-7aaa-8aaa-aaaaaaaaaaaa\",\"short_id\":\"019a0000-2222\","             \
    "\"workflow\":\"deploy\",\"version\":\"2\","                                                   \
    "\"name\":\"Deploy it\",\"status\":\"running\",\"reason\":null,\"labels\":{\"team\":\"web\","  \
    "\"n\":1},\"created_at\":\"2027-01-15T07:59:30.000Z\","                                        \
    "\"started_at\":\"2027-01-15T07:59:30.000Z\",\"completed_at\":null,"                           \
    "\"total_duration_seconds\":30.0,\"progress\":{\"done\":1,\"total\":4,\"fraction\":0.25},"     \
    "\"failed_steps\":1,\"usage\":{\"calls\":3,\"input_tokens\":512,\"output_tokens\":88,"         \
    "\"cached_tokens\":40,\"cost\":0.00021,\"unpriced_calls\":1},\"wake_at\":null,\"parent\":"     \
    "null,\"usual_duration_seconds\":45.0,"                                                        \
    "\"estimated_remaining_seconds\":15.0,\"waits_for\":[{\"path\":\"ask\",\"for\":\"event\","     \
    "\"until\":\"2027-01-15T08:01:00.000Z\",\"event\":\"approved\"},{\"path\":\"poll\","           \
    "\"for\":\"time\",\"until\":\"2027-01-15T08:01:00.000Z\",\"event\":null},{\"path\":\"pay\","   \
    "\"for\":\"decision\",\"until\":null,\"event\":null},{\"path\":\"x\",\"for\":\"event\","       \
    "\"until\":null,\"event\":null}],\"output\":null,\"error\":null,\"step_results\":["            \
    "{\"path\":\"get\",\"status\":\"completed\",\"attempt\":2,\"duration_seconds\":1.0,"           \
    "\"error\":null},{\"path\":\"each\",\"status\":\"failed\",\"attempt\":1,"                      \
    "\"duration_seconds\":8.0,\"error\":{\"code\":\"E\",\"message\":\"no\"}},{\"path\":\"ask\","   \
    "\"status\":\"running\",\"attempt\":1,\"started_at\":\"2027-01-15T07:59:41.000Z\","            \
    "\"duration_seconds\":null}],\"inner_results\":[{\"path\":\"each[0].a\","                      \
    "\"status\":\"completed\"},{\"path\":\"each[1].a\",\"status\":\"failed\","                     \
    "\"duration_seconds\":0.5,\"error\":{\"message\":\"lost\"}}],\"inner_results_left_out\":3,"    \
    "\"children\":[{\"id\":\"c1\",\"path\":\"call\",\"workflow\":\"fetch\","                       \
    "\"status\":\"running\"}],\"has_more_children\":true,\"audit\":["                              \
    "{\"at\":\"2027-01-15T07:59:30.000Z\",\"who\":\"uid 1000 (ann)\",\"action\":\"start\","        \
    "\"detail\":{}},{\"at\":\"2027-01-15T07:59:50.000Z\",\"who\":\"engine\","                      \
    "\"action\":\"park\",\"detail\":{\"until\":5}}]}"

static void test_status_text__has_all_of_a_run(void **state)
{
    (void)state;
    check(
        status_text_append, RUNNING, plain,
        "run        019a0000-2222-7aaa-8aaa-aaaaaaaaaaaa\n"
        "workflow   deploy, version 2: Deploy it\n"
        "status     running\n"
        "progress   1/4 nodes, 1 failed\n"
        "so far     30.0 s, about 15.0 s left (usually 45.0 s)\n"
        "created    2027-01-15 07:59:30 UTC\n"
        "started    2027-01-15 07:59:30 UTC\n"
        "spent      3 calls, 512 + 88 tokens (40 from a cache), $0.00021 without those of unknown "
        "price\n"
        "labels     team=web, n=1\n"
        "waits for  ask: the event 'approved', until 2027-01-15 08:01:00 UTC\n"
        "           poll: 2027-01-15 08:01:00 UTC\n"
        "           pay: nobody knows whether it did its work: look, then say\n"
        "             opstream resolve 019a0000-2222 pay --output JSON  # it did it, and gave "
        "this\n"
        "             opstream resolve 019a0000-2222 pay --fail         # it failed\n"
        "             opstream resolve 019a0000-2222 pay --again        # it is to start again\n"
        "           x: an event\n"
        "\n"
        "nodes\n"
        "  completed  get        1.00 s  attempt 2\n"
        "  failed     each       8.00 s  E: no\n"
        "  running    ask        since 2027-01-15 07:59:41\n"
        "  failed     each[1].a  500 ms  lost\n"
        "  and 4 inside them ('opstream history')\n"
        "  1 not reached yet\n"
        "\n"
        "child runs\n"
        "  running    call  fetch  c1\n"
        "  and more ('opstream list --parent ID')\n"
        "\n"
        "who did what\n"
        "  2027-01-15 07:59:30  uid 1000 (ann)  start\n"
        "  2027-01-15 07:59:50  engine          park  {\"until\":5}\n");
}

static void test_status_text__of_a_failed_child_run(void **state)
{
    (void)state;
    check(
        status_text_append,
        "{\"id\":\"c1\",\"workflow\":\"fetch\",\"name\":\"fetch\",\"status\":\"failed\","
        "\"started_at\":\"2027-01-15T07:59:30.000Z\",\"completed_at\":\"2027-01-15T07:59:31.000Z\","
        "\"total_duration_seconds\":1.0,\"progress\":{\"done\":1,\"total\":1},\"parent\":\"p1\","
        "\"parent_path\":\"call\",\"estimated_remaining_seconds\":null,\"error\":{\"node\":\"bad\","
        "\"code\":\"FAILED\",\"message\":\"bro\\u001bken\",\"hint\":\"mend it\"}}",
        plain,
        "run        c1\n"
        "workflow   fetch\n"
        "status     failed\n"
        "error      node 'bad': FAILED: bro\\x1bken\n"
        "hint       mend it\n"
        "progress   1/1 nodes\n"
        "took       1.00 s\n"
        "started    2027-01-15 07:59:30 UTC\n"
        "ended      2027-01-15 07:59:31 UTC\n"
        "called by  p1, node call\n");
}

static void test_status_text__of_a_blocked_run_says_why(void **state)
{
    (void)state;
    check(status_text_append,
          "{\"id\":\"b\",\"workflow\":\"w\",\"status\":\"blocked\",\"reason\":\"plugin 'x' is "
          "missing\",\"progress\":{\"done\":0,\"total\":2},\"output\":{\"a\":1}}",
          plain,
          "run        b\n"
          "workflow   w\n"
          "status     blocked: plugin 'x' is missing\n"
          "progress   0/2 nodes\n"
          "\n"
          "output\n"
          "  a: 1\n");
}

static void test_status_text__says_what_lets_it_go_on(void **state)
{
    (void)state;
    check(status_text_append,
          "{\"id\":\"b\",\"workflow\":\"w\",\"status\":\"running\",\"at_work\":false,"
          "\"hint\":\"no engine is at work\",\"progress\":{\"done\":0,\"total\":2}}",
          plain,
          "run        b\n"
          "workflow   w\n"
          "status     running\n"
          "           no engine is at work\n"
          "progress   0/2 nodes\n");
}

static void test_status_text__of_a_run_that_is_rolled_back(void **state)
{
    (void)state;
    check(status_text_append,
          "{\"id\":\"b\",\"workflow\":\"w\",\"status\":\"paused\",\"hint\":\"resume it\","
          "\"progress\":{\"done\":1,\"total\":2},\"error\":null,\"ending\":{\"status\":\"failed\","
          "\"phase\":\"undoing\",\"error\":{\"node\":\"pay\",\"code\":\"E\",\"message\":\"no\"}}}",
          plain,
          "run        b\n"
          "workflow   w\n"
          "status     paused, rolling back: it will be failed\n"
          "           resume it\n"
          "error      node 'pay': E: no\n"
          "progress   1/2 nodes\n");
}

static void test_status_text__of_what_a_person_has_decided(void **state)
{
    (void)state;
    check(
        status_text_append,
        "{\"id\":\"b\",\"short_id\":\"b1\",\"workflow\":\"w\",\"status\":\"approval_required\","
        "\"hint\":\"look\",\"progress\":{\"done\":1,\"total\":2},\"waits_for\":[{\"path\":"
        "\"each[0].pay\",\"for\":\"decision\"}],\"step_results\":[{\"path\":\"a\",\"status\":"
        "\"completed\",\"attempt\":1,\"started_at\":\"2027-01-15T07:59:41.000Z\","
        "\"duration_seconds\":null,\"resolved\":true},{\"path\":\"each\",\"status\":\"unknown\","
        "\"attempt\":1,\"started_at\":\"2027-01-15T07:59:41.000Z\"}]}",
        plain,
        "run        b\n"
        "workflow   w\n"
        "status     approval required\n"
        "progress   1/2 nodes\n"
        "waits for  each[0].pay: nobody knows whether it did its work: look, then say\n"
        "             opstream resolve b1 'each[0].pay' --output JSON  # it did it, and gave this\n"
        "             opstream resolve b1 'each[0].pay' --fail         # it failed\n"
        "             opstream resolve b1 'each[0].pay' --again        # it is to start again\n"
        "\n"
        "nodes\n"
        "  completed  a     as resolved\n"
        "  unknown    each  begun 2027-01-15 07:59:41\n");
}

static void test_status_text__of_no_map_is_harmless(void **state)
{
    (void)state;
    check(status_text_append, "[1]", plain,
          "run        \nworkflow   \nstatus     \nprogress   0/0 nodes\n");
}

static void test_status_text__has_a_bar_on_a_terminal(void **state)
{
    (void)state;
    static const char job[] = "{\"id\":\"b\",\"workflow\":\"w\",\"status\":\"running\","
                              "\"progress\":{\"done\":1,\"total\":2,\"fraction\":0.5}}";
    const struct job_text_style wide = {.columns = 80};
    const struct job_text_style narrow = {.columns = 40};
    check(status_text_append, job, wide,
          "run        b\nworkflow   w\nstatus     running\n"
          "progress   [==============>             ]  50 %  1/2 nodes\n");
    check(status_text_append, job, narrow,
          "run        b\nworkflow   w\nstatus     running\n"
          "progress   [=====>    ]  50 %  1/2 nodes\n");
}

static void append_rest(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    (void)style;
    strbuf_append_text(out, "");
    job_text_append_rest(job, out);
}

static void test_job_text__says_what_a_run_rests_for(void **state)
{
    (void)state;
    check(append_rest, "{\"id\":\"a\",\"status\":\"running\",\"hint\":\"h\"}", plain, "");
    check(append_rest, "[]", plain, "");
    check(append_rest, "{\"id\":\"a\",\"status\":\"paused\",\"hint\":\"resume it\"}", plain,
          "run a is paused: resume it\n");
    check(append_rest, "{\"id\":\"a\",\"status\":\"approval_required\",\"hint\":\"resolve it\"}",
          plain, "run a waits for a decision: resolve it\n");
    check(append_rest,
          "{\"id\":\"a\",\"status\":\"blocked\",\"reason\":\"no X\",\"hint\":\"bring it\"}", plain,
          "run a is blocked: no X; bring it\n");
}

static void check_bar(double fraction, const char *wanted)
{
    struct strbuf out = STRBUF_INIT;
    status_text_append_bar(fraction, 6, &out);
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
}

static void test_status_text__a_bar_stays_inside(void **state)
{
    (void)state;
    check_bar(0.0, "[>   ]");
    check_bar(-3.0, "[>   ]");
    check_bar(0.5, "[==> ]");
    check_bar(1.0, "[====]");
    check_bar(7.0, "[====]");
}

/* ---- log lines ---- */

static void test_logs_text__is_a_line(void **state)
{
    (void)state;
    check(logs_text_append,
          "{\"at\":\"2027-01-15T07:59:30.123Z\",\"level\":\"warn\",\"path\":\"each[0].a\","
          "\"attempt\":2,\"line\":\"slow\\u001b[31m\"}",
          plain, "2027-01-15 07:59:30.123  warn   each[0].a (attempt 2)  | slow\\x1b[31m\n");
    check(logs_text_append,
          "{\"at\":\"2027-01-15T07:59:30.123Z\",\"level\":\"error\",\"path\":\"a\",\"attempt\":1,"
          "\"line\":\"x\"}",
          colored, "2027-01-15 07:59:30.123  \033[31merror\033[0m  a\033[2m  | \033[0mx\n");
    check(logs_text_append, "{}", plain, "-           | \n");
}

static void test_logs_text__numbers_of_visits_are_no_attempts(void **state)
{
    (void)state;
    check(logs_text_append, "{\"path\":\"a#3\",\"attempt\":3,\"line\":\"x\"}", plain,
          "-         a#3  | x\n");
    check(logs_text_append, "{\"path\":\"g@2.a\",\"attempt\":3,\"line\":\"x\"}", plain,
          "-         g@2.a (attempt 3)  | x\n");
}

/* ---- history ---- */

static void test_history_text__says_what_people_did(void **state)
{
    (void)state;
    check(history_text_append_audit,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"who\":\"uid "
          "0\",\"action\":\"pause\",\"detail\":{}}",
          plain, "2027-01-15 07:59:30.000  paused by root (uid 0)\n");
    check(history_text_append_audit,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"who\":\"ann\\u001b\",\"action\":\"send\","
          "\"detail\":"
          "{\"name\":\"go\",\"data\":{\"x\":1}}}",
          plain, "2027-01-15 07:59:30.000  event sent by ann\\x1b  go  {\"x\":1}\n");
    check(history_text_append_audit,
          "{\"who\":\"uid "
          "4294967295\",\"action\":\"resolve\",\"detail\":{\"node\":\"a\",\"again\":true}}",
          plain, "-  resolved by uid 4294967295  a  again\n");
    check(
        history_text_append_audit,
        "{\"action\":\"resolve\",\"detail\":{\"node\":\"a\",\"error\":{\"code\":\"E\",\"message\":"
        "\"no\"}}}",
        plain, "-  resolved by -  a  E: no\n");
    check(history_text_append_audit, "{\"who\":\"uid x\",\"action\":\"prune\",\"detail\":7}", plain,
          "-  prune by uid x\n");
}

static void test_history_text__is_a_line(void **state)
{
    (void)state;
    check(history_text_append,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"type\":\"node_ended\",\"path\":\"get\","
          "\"attempt\":2,\"body\":{\"state\":\"failed\",\"error\":{\"code\":\"HTTP\","
          "\"message\":\"500\"}}}",
          plain, "2027-01-15 07:59:30.000  node failed         get  attempt 2  HTTP: 500\n");
    check(history_text_append,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"type\":\"run_started\",\"path\":null,"
          "\"attempt\":0,\"body\":{\"output\":{\"to\":\"prod\"}}}",
          plain, "2027-01-15 07:59:30.000  run started   {\"to\":\"prod\"}\n");
    check(history_text_append,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"type\":\"node_stopping\",\"path\":\"a\","
          "\"attempt\":1,\"body\":{\"reason\":\"timeout\"}}",
          plain, "2027-01-15 07:59:30.000  node stopping       a  because: timeout\n");
    check(history_text_append,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"type\":\"run_ended\",\"path\":null,"
          "\"body\":{\"state\":\"completed\",\"output\":null}}",
          colored, "2027-01-15 07:59:30.000  \033[32mrun completed\033[0m\n");
}

static void test_history_text__says_what_calls_take(void **state)
{
    (void)state;
    check(history_text_append,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"type\":\"node_reserved\",\"path\":\"a\","
          "\"attempt\":1,\"body\":{\"output\":{\"calls\":1,\"tokens\":1075,\"cost\":0.02}}}",
          plain,
          "2027-01-15 07:59:30.000  budget reserved     a  1 call, up to 1075 tokens, $0.02\n");
    check(history_text_append,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"type\":\"node_spent\",\"path\":\"a\","
          "\"attempt\":2,\"body\":{\"output\":{\"calls\":1}}}",
          plain,
          "2027-01-15 07:59:30.000  spent               a  attempt 2  1 call, tokens not known, "
          "cost not known\n");
}

static void test_history_text__long_values_are_cut(void **state)
{
    (void)state;
    check(history_text_append,
          "{\"at\":\"2027-01-15T07:59:30.000Z\",\"type\":\"item\",\"path\":\"a\",\"attempt\":1,"
          "\"body\":{\"output\":\"0123456789012345678901234567890123456789012345678901234567890123"
          "456789\"}}",
          plain,
          "2027-01-15 07:59:30.000  item                a  "
          "\"01234567890123456789012345678901234567890123456789012345678...\n");
}

static void test_history_text__unknown_types_are_shown_as_they_are(void **state)
{
    (void)state;
    check(history_text_append, "{\"type\":\"new\\nthing\",\"path\":\"a\",\"body\":[]}", plain,
          "-  new\\nthing          a\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_text__is_a_table),
        cmocka_unit_test(test_list_text__says_that_there_are_more),
        cmocka_unit_test(test_list_text__of_no_runs_is_empty),
        cmocka_unit_test(test_list_text__cells_of_another_type_are_as_if_they_were_not_there),
        cmocka_unit_test(test_status_text__has_all_of_a_run),
        cmocka_unit_test(test_status_text__of_a_failed_child_run),
        cmocka_unit_test(test_status_text__of_a_blocked_run_says_why),
        cmocka_unit_test(test_status_text__says_what_lets_it_go_on),
        cmocka_unit_test(test_status_text__of_a_run_that_is_rolled_back),
        cmocka_unit_test(test_status_text__of_what_a_person_has_decided),
        cmocka_unit_test(test_status_text__of_no_map_is_harmless),
        cmocka_unit_test(test_status_text__has_a_bar_on_a_terminal),
        cmocka_unit_test(test_status_text__a_bar_stays_inside),
        cmocka_unit_test(test_job_text__says_what_a_run_rests_for),
        cmocka_unit_test(test_logs_text__is_a_line),
        cmocka_unit_test(test_logs_text__numbers_of_visits_are_no_attempts),
        cmocka_unit_test(test_history_text__says_what_people_did),
        cmocka_unit_test(test_history_text__is_a_line),
        cmocka_unit_test(test_history_text__says_what_calls_take),
        cmocka_unit_test(test_history_text__long_values_are_cut),
        cmocka_unit_test(test_history_text__unknown_types_are_shown_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
