/* SPDX-License-Identifier: Apache-2.0 */

/* What nodes do, well and badly, through the real host. The deeds are in plugins/deeds*.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/host/instance.h"
#include "core/model/catalogue.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/sdk/rig.h"

static void open_deeds(struct rig *rig, int64_t grace_ms)
{
    static const char *const folders[] = {DEEDS_DIR};
    rig_open(rig, &(struct rig_options){
                      .folders = folders, .folder_count = 1, .cancel_grace_ms = grace_ms});
}

static void start(struct rig *rig, uint64_t token, const char *type, const char *config)
{
    struct error err = {0};
    if (rig_start(rig, token, type, config, &err) != 0) {
        fail_msg("'%s' does not start: %s", type, err.message);
    }
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in '%s'", part, text);
    }
}

/* ---- Ends ---- */

static void test_tasks__end_inside_execute_later_and_on_threads(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"now\"}"), "done {\"do\":\"now\"}");
    assert_string_equal(rig_run(&rig, 2, "deeds", "{\"do\":\"later\"}"), "done {\"later\":1}");
    assert_string_equal(rig_run(&rig, 3, "deeds", "{\"do\":\"thread\"}"), "done {\"thread\":1}");
    assert_string_equal(rig_run(&rig, 4, "deeds", "{\"do\":\"post\"}"), "done {\"posted\":42}");
    assert_string_equal(rig_run(&rig, 5, "deeds", "{\"do\":\"job\"}"), "done {\"job\":10}");
    assert_string_equal(rig_run(&rig, 6, "deeds.blocking", "{\"do\":\"now\"}"),
                        "done {\"do\":\"now\"}");
    assert_string_equal(rig_run(&rig, 7, "deeds.serial", "{\"do\":\"later\"}"),
                        "done {\"later\":1}");
    rig_close(&rig);
}

static void test_tasks__run_by_the_hundred_on_all_kinds_of_threads(void **state)
{
    static const char *const types[] = {"deeds", "deeds.blocking", "deeds.serial"};
    static const char *const configs[] = {"{\"do\":\"now\"}", "{\"do\":\"thread\"}",
                                          "{\"do\":\"job\"}", "{\"do\":\"later\"}"};
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    for (uint64_t i = 0; i < 240; i++) {
        start(&rig, i, types[i % 3], configs[i % 4]);
    }
    for (uint64_t i = 0; i < 240; i++) {
        assert_contains(rig_wait(&rig, i), "done {");
    }
    rig_turn(&rig, 5);
    for (uint64_t i = 0; i < 240; i++) {
        assert_int_equal(rig.tasks[i].ends, 1);
    }
    rig_close(&rig);
}

static void test_tasks__a_second_end_is_ignored_and_logged(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"twice\"}"), "done {\"do\":\"twice\"}");
    rig_turn(&rig, 5);
    assert_int_equal(rig.tasks[1].ends, 1);
    assert_contains(rig_log(&rig), "a plugin ended a task that is over; ignored");
    assert_contains(rig_log(&rig), "plugin=deeds");
    rig_close(&rig);
}

static void test_tasks__nothing_comes_after_the_end(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_contains(rig_run(&rig, 1, "deeds", "{\"do\":\"emit_after\"}"), "done ");
    rig_turn(&rig, 5);
    assert_int_equal(rig.tasks[1].item_count, 0);
    assert_int_equal(rig.tasks[1].progress_count, 0);
    rig_close(&rig);
}

static void test_tasks__ports_are_those_of_the_manifest(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_contains(rig_run(&rig, 1, "deeds", "{\"do\":\"port\",\"port\":\"later\"}"),
                    "done:later {");
    assert_contains(rig_run(&rig, 2, "deeds", "{\"do\":\"port\",\"port\":\"nowhere\"}"),
                    "\"message\":\"no such port\"");
    assert_contains(rig_run(&rig, 3, "deeds.routes", "{\"port\":\"any\"}"), "done:any {");
    rig_close(&rig);
}

static void test_tasks__failures_are_told_whole(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(
        rig_run(&rig, 1, "deeds",
                "{\"do\":\"fail\",\"code\":7,\"effect\":2,\"retry\":1,\"after\":1500}"),
        "failed {\"code\":\"RATE_LIMITED\",\"message\":\"as asked\",\"hint\":\"ask for less\","
        "\"symbol\":\"deeds.asked\",\"path\":\"/code\",\"effect\":\"done\",\"retry\":\"yes\","
        "\"retry_after_ms\":1500,\"details\":{\"do\":\"fail\",\"code\":7,\"effect\":2,\"retry\":1,"
        "\"after\":1500}}");
    rig_close(&rig);
}

static void test_tasks__every_code_has_its_name(void **state)
{
    static const char *const names[] = {
        "INTERNAL",    "CONFIG",    "INPUT",        "AUTH",        "PERMISSION",
        "NOT_FOUND",   "CONFLICT",  "RATE_LIMITED", "TIMEOUT",     "UNAVAILABLE",
        "UPSTREAM",    "CANCELLED", "RESOURCE",     "WOULD_BLOCK", "STALE",
        "UNSUPPORTED", "INTERNAL",  "INTERNAL",     "BUDGET",      "INTERNAL",
    };
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    for (size_t code = 0; code < sizeof names / sizeof names[0]; code++) {
        char config[64];
        char wanted[64];
        (void)snprintf(config, sizeof config, "{\"do\":\"fail\",\"code\":%d}", (int)code);
        (void)snprintf(wanted, sizeof wanted, "failed {\"code\":\"%s\",", names[code]);
        assert_contains(rig_run(&rig, code, "deeds", config), wanted);
    }
    assert_contains(rig_run(&rig, 50, "deeds", "{\"do\":\"fail\",\"code\":-5,\"retry\":1}"),
                    "failed {\"code\":\"INTERNAL\",");
    assert_contains(rig.tasks[50].end.p, "\"retry\":\"no\"");
    rig_close(&rig);
}

static void test_tasks__broken_failures_become_good_ones(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    const char *nothing = "failed {\"code\":\"INTERNAL\",\"message\":\"the plugin failed without "
                          "saying how\",\"effect\":\"none\",\"retry\":\"default\"}";
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"fail_null\"}"), nothing);
    assert_string_equal(rig_run(&rig, 2, "deeds", "{\"do\":\"fail_odd_size\"}"), nothing);
    assert_string_equal(rig_run(&rig, 3, "deeds", "{\"do\":\"fail_short\"}"),
                        "failed {\"code\":\"TIMEOUT\",\"message\":\"the plugin gave no message\","
                        "\"effect\":\"none\",\"retry\":\"default\"}");
    assert_string_equal(rig_run(&rig, 4, "deeds", "{\"do\":\"fail_garbled\"}"),
                        "failed {\"code\":\"AUTH\",\"message\":\"bad \xEF\xBF\xBD\xEF\xBF\xBD "
                        "text\",\"effect\":\"maybe\",\"retry\":\"no\"}");
    rig_close(&rig);
}

/* ---- Cancel ---- */

static void test_cancel__a_polite_node_ends_itself(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    start(&rig, 1, "deeds", "{\"do\":\"politely\"}");
    rig_turn(&rig, 2);
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_TIMEOUT);
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_REQUESTED);
    assert_int_equal(rig.tasks[1].ends, 0);
    assert_string_equal(rig_wait(&rig, 1), "done {\"reason\":2}");
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_REQUESTED);
    rig_turn(&rig, 2);
    assert_int_equal(rig.tasks[1].ends, 1);
    rig_close(&rig);
}

/* A task on the job pool begins when a thread is free, not when it is started. */
static void wait_until_begun(struct rig *rig, uint64_t token)
{
    for (int turns = 0; rig->tasks[token].progress_count == 0; turns++) {
        assert_in_range(turns, 0, 10000);
        rig_turn(rig, 1);
    }
}

static void test_cancel__a_blocking_node_polls(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    start(&rig, 1, "deeds.blocking", "{\"do\":\"until_cancelled\"}");
    wait_until_begun(&rig, 1);
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_REQUESTED);
    assert_string_equal(rig_wait(&rig, 1), "done {\"cancelled\":1}");
    rig_close(&rig);
}

static void test_cancel__a_deaf_node_is_given_up_after_the_grace(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 30);
    start(&rig, 1, "deeds", "{\"do\":\"never\"}");
    rig_turn(&rig, 2);
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_TIMEOUT);
    assert_string_equal(rig_wait(&rig, 1),
                        "failed {\"code\":\"TIMEOUT\",\"message\":\"the node's time is over\","
                        "\"effect\":\"none\",\"retry\":\"default\"}");
    assert_contains(rig_log(&rig), "a task did not end in time and was given up");
    assert_contains(rig_log(&rig), "plugin=deeds");
    rig_close(&rig);
}

static void test_cancel__before_the_start_ends_at_once(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    start(&rig, 1, "deeds", "{\"do\":\"never\"}");
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_REQUESTED);
    assert_int_equal(rig.tasks[1].ends, 0);
    assert_contains(rig_wait(&rig, 1), "failed {\"code\":\"CANCELLED\",\"message\":\"the node was");
    rig_close(&rig);
}

static void test_cancel__a_node_that_waits_for_its_turn_ends_at_once(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    start(&rig, 1, "deeds.serial", "{\"do\":\"until_cancelled\"}");
    wait_until_begun(&rig, 1);
    start(&rig, 2, "deeds.serial", "{\"do\":\"now\"}");
    rig_turn(&rig, 5);
    assert_int_equal(rig.tasks[2].ends, 0);
    host_task_cancel(rig.host, rig.tasks[2].handle, HOST_CANCEL_REQUESTED);
    assert_contains(rig_wait(&rig, 2), "failed {\"code\":\"CANCELLED\"");
    host_task_cancel(rig.host, rig.tasks[1].handle, HOST_CANCEL_REQUESTED);
    assert_string_equal(rig_wait(&rig, 1), "done {\"cancelled\":1}");
    rig_close(&rig);
}

static void test_cancel__kill_waits_for_nobody(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    start(&rig, 1, "deeds", "{\"do\":\"never\"}");
    start(&rig, 2, "deeds.blocking", "{\"do\":\"until_cancelled\"}");
    start(&rig, 3, "deeds", "{\"do\":\"later\",\"ms\":3600000}");
    rig_turn(&rig, 5);
    for (uint64_t i = 1; i <= 3; i++) {
        host_task_kill(rig.host, rig.tasks[i].handle, HOST_CANCEL_REQUESTED);
        assert_contains(rig_wait(&rig, i), "failed {\"code\":\"CANCELLED\"");
    }
    rig_close(&rig);
}

static void test_cancel__close_cancels_what_runs(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 50);
    start(&rig, 1, "deeds", "{\"do\":\"politely\"}");
    start(&rig, 2, "deeds.blocking", "{\"do\":\"until_cancelled\"}");
    start(&rig, 3, "deeds", "{\"do\":\"later\",\"ms\":3600000}");
    start(&rig, 4, "deeds", "{\"do\":\"never\"}");
    rig_turn(&rig, 5);
    rig_close(&rig);
    for (uint64_t i = 1; i <= 4; i++) {
        assert_int_equal(rig.tasks[i].ends, 1);
    }
}

/* ---- On the way ---- */

static void test_stream__progress_is_told_four_times_a_second_and_at_the_end(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_contains(rig_run(&rig, 1, "deeds", "{\"do\":\"progress\"}"), "done ");
    assert_in_range(rig.tasks[1].progress_count, 1, 2);
    assert_contains(rig.tasks[1].progress.p, "1 step;");
    rig_close(&rig);
}

static void test_stream__logs_are_the_tasks(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_contains(rig_run(&rig, 1, "deeds", "{\"do\":\"log\"}"), "done ");
    assert_string_equal(rig.tasks[1].logs.p, "warn a line key=value;info odd level;");
    assert_contains(rig_log(&rig), "about the plugin\\x1b[31m plugin=deeds");
    rig_close(&rig);
}

static void test_stream__a_flood_of_logs_is_dropped_and_counted(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_contains(rig_run(&rig, 1, "deeds", "{\"do\":\"log_flood\"}"), "done ");
    assert_contains(rig_log(&rig), "plugins wrote faster than lines can be taken");
    assert_contains(rig_log(&rig), "dropped=134464");
    rig_close(&rig);
}

static void test_info__says_what_the_spec_said(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"info\"}"),
                        "done {\"run\":\"run-1\",\"workflow\":\"flow\",\"node\":\"node\","
                        "\"type\":\"deeds\",\"key\":\"key-1\",\"attempt\":1,\"memory\":7,"
                        "\"state\":\"\"}");
    rig_close(&rig);
}

static void test_info__says_where_a_plugin_may_keep_files(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    open_deeds(&rig, 0);
    assert_int_equal(host_set_state_folder(rig.host, "/srv/state", &err), 0);
    const char *end = rig_run(&rig, 1, "deeds", "{\"do\":\"info\"}");
    assert_contains(end, "\"state\":\"/srv/state/plugins/deeds\"");
    assert_string_equal(rig_run(&rig, 2, "deeds", "{\"do\":\"info_of_before\"}"),
                        "done {\"size\":152,\"memory\":7,\"untouched\":true}");
    rig_close(&rig);
}

static void test_bytes__become_base64_in_json(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"bytes\"}"),
                        "done {\"b0\":\"\",\"b1\":\"AA==\",\"b2\":\"AAE=\",\"b3\":\"AAH/\","
                        "\"b4\":\"AAH//g==\"}");
    assert_string_equal(rig_run(&rig, 2, "deeds", "{\"do\":\"bytes_alone\"}"), "done \"aGk=\"");
    rig_close(&rig);
}

static void test_timer__abort_calls_back(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_contains(rig_run(&rig, 1, "deeds", "{\"do\":\"timer_aborted\"}"),
                    "failed {\"code\":\"CANCELLED\",\"message\":\"the timer was stopped\"");
    rig_close(&rig);
}

static void test_timer__knows_time_zones(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"zones\"}"),
                        "done {\"status\":0,\"winter\":3600,\"summer\":7200,\"nowhere\":5,"
                        "\"untouched\":7}");
    rig_close(&rig);
}

/* ---- HTTP ---- */

static void test_http__pieces_come_before_the_end_and_the_key_is_sent(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    start(&rig, 1, "deeds", "{\"do\":\"http_stream\"}");
    struct rig_call *call = rig_wait_call(&rig, 1);
    assert_string_equal(call->text.p, "PUT http://x/ Idempotency-Key=key-1.first body");
    call->on_chunk(call->user, STR("123"));
    call->on_chunk(call->user, STR("4567"));
    struct host_http_response response = {.status = 200};
    call->done(call->user, &response, NULL);
    assert_string_equal(rig_wait(&rig, 1), "done {\"streamed\":7}");
    rig_close(&rig);
}

static void answer_fully(struct rig_call *call)
{
    char body[] = "the body";
    char value[] = "v1";
    char subject[] = "CN=s";
    struct host_http_header headers[] = {{STR("A"), {value, 2}}, {STR("B"), STR("v2")}};
    struct host_http_response response = {
        .status = 201,
        .headers = headers,
        .header_count = 2,
        .body = {body, 8},
        .effective_url = STR("http://y/"),
        .tls_not_after_unix = 99,
        .tls_subject = {subject, 4},
        .tls_issuer = STR("CN=i"),
        .body_bytes = 8,
    };
    call->is_open = false;
    call->done(call->user, &response, NULL);
    memset(body, 'X', sizeof body);
    memset(value, 'X', sizeof value);
    memset(subject, 'X', sizeof subject);
}

static const char *const full_answer =
    "done {\"status\":201,\"h0\":\"v1\",\"h1\":\"v2\","
    "\"body\":\"the body\",\"url\":\"http://y/\","
    "\"not_after\":99000,\"subject\":\"CN=s\",\"issuer\":\"CN=i\",\"bytes\":8}";

static void test_http__an_answer_waits_for_a_busy_strand(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    start(&rig, 1, "deeds.blocking", "{\"do\":\"http_late\"}");
    answer_fully(rig_wait_call(&rig, 1)); /* the strand is still held up */
    assert_int_equal(rig.tasks[1].ends, 0);
    assert_string_equal(rig_wait(&rig, 1), full_answer);
    start(&rig, 2, "deeds", "{\"do\":\"http_late\"}");
    answer_fully(rig_wait_call(&rig, 2));
    assert_string_equal(rig_wait(&rig, 2), full_answer);
    rig_close(&rig);
}

static void test_http__failures_keep_code_and_effect(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    start(&rig, 1, "deeds", "{\"do\":\"http_stream\"}");
    struct rig_call *call = rig_wait_call(&rig, 1);
    struct host_http_failure failure = {
        .code = "TIMEOUT",
        .symbol = "http.timeout",
        .is_maybe_done = true,
        .message = STR("no answer in 5 s"),
        .hint = STR("wait longer"),
    };
    call->done(call->user, NULL, &failure);
    assert_string_equal(rig_wait(&rig, 1),
                        "failed {\"code\":\"TIMEOUT\",\"message\":\"no answer in 5 s\","
                        "\"hint\":\"wait longer\",\"symbol\":\"http.timeout\","
                        "\"effect\":\"maybe\",\"retry\":\"default\"}");
    assert_contains(rig_run(&rig, 2, "deeds", "{\"do\":\"http_stream\",\"url\":\"ftp://x\"}"),
                    "failed {\"code\":\"INPUT\",\"message\":\"the scheme of 'ftp://x'");
    rig_close(&rig);
}

static void test_http__abort_and_cancel_call_back_once(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_contains(rig_run(&rig, 1, "deeds", "{\"do\":\"http_abort\"}"),
                    "failed {\"code\":\"CANCELLED\"");
    start(&rig, 2, "deeds", "{\"do\":\"http_late\"}");
    struct rig_call *call = rig_wait_call(&rig, 2);
    host_task_cancel(rig.host, rig.tasks[2].handle, HOST_CANCEL_REQUESTED);
    assert_contains(rig_wait(&rig, 2), "failed {\"code\":\"CANCELLED\"");
    assert_true(call->is_aborted);
    start(&rig, 3, "deeds", "{\"do\":\"http_late\"}");
    call = rig_wait_call(&rig, 3);
    host_task_kill(rig.host, rig.tasks[3].handle, HOST_CANCEL_REQUESTED);
    assert_contains(rig_wait(&rig, 3), "failed {\"code\":\"CANCELLED\"");
    assert_true(call->is_aborted);
    rig_close(&rig);
}

/* ---- What is passed wrongly ---- */

static void test_wrong__made_up_handles_are_harmless(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"random\"}"), "done {\"otherwise\":0}");
    assert_string_equal(rig_run(&rig, 2, "deeds.blocking", "{\"do\":\"random\"}"),
                        "done {\"otherwise\":0}");
    rig_close(&rig);
}

static void test_wrong__arguments_are_refused(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"wrong_arguments\"}"),
                        "done {\"otherwise\":0}");
    rig_close(&rig);
}

static void test_values__die_with_their_task_unless_lifted(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"old_value\"}"), "done {\"status\":0}");
    assert_string_equal(rig_run(&rig, 2, "deeds", "{\"do\":\"old_value\"}"),
                        "done {\"status\":14}");
    assert_string_equal(rig_run(&rig, 3, "deeds", "{\"do\":\"retain\"}"), "done {\"status\":0}");
    assert_string_equal(rig_run(&rig, 4, "deeds", "{\"do\":\"retain\"}"), "done {\"status\":600}");
    rig_close(&rig);
}

static void test_values__of_a_scope_inside_a_task_die_with_it(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 1);
    assert_string_equal(rig_run(&rig, 1, "deeds", "{\"do\":\"scopes\"}"), "done {\"good\":17}");
    assert_string_equal(rig_run(&rig, 2, "deeds", "{\"do\":\"scopes\"}"), "done {\"good\":17}");
    assert_int_equal(rig.tasks[2].item_count, 1); /* what was emitted outlives its scope */
    rig_close(&rig);
}

/* ---- Instances ---- */

static const char *run_with_settings(struct rig *rig, uint64_t token, const char *settings_text)
{
    cleanup_document struct document *settings = NULL;
    struct error err = {0};
    const struct catalogue *catalogue = host_catalogue(rig->host);
    assert_int_equal(json_read(str_from(settings_text), NULL, &settings, NULL), 0);
    struct host_task_spec spec = {
        .type = catalogue->find_type(catalogue->user, STR("deeds.stateful"), &err),
        .settings = settings,
        .config = document_empty_map(),
        .token = token,
    };
    assert_non_null(spec.type);
    if (host_task_start(rig->host, &spec, &rig->tasks[token].handle, &err) != 0) {
        strbuf_append_text(&rig->tasks[token].end, err.message);
        return rig->tasks[token].end.p;
    }
    return rig_wait(rig, token);
}

static void test_instance__is_one_for_equal_settings(void **state)
{
    struct rig rig;
    (void)state;
    open_deeds(&rig, 0);
    assert_string_equal(run_with_settings(&rig, 1, "{\"name\":\"a\"}"),
                        "done {\"name\":\"a\",\"tasks\":1}");
    assert_string_equal(run_with_settings(&rig, 2, "{ \"name\": \"a\" }"),
                        "done {\"name\":\"a\",\"tasks\":2}");
    assert_string_equal(run_with_settings(&rig, 3, "{\"name\":\"b\"}"),
                        "done {\"name\":\"b\",\"tasks\":1}");
    assert_string_equal(run_with_settings(&rig, 4, "{}"), "done {\"name\":\"nobody\",\"tasks\":1}");
    assert_contains(run_with_settings(&rig, 5, "{\"nmae\":1}"),
                    "the settings of plugin 'deeds' are not valid: ");
    rig_close(&rig);
}

static void count_lines(const char *text, const char *part, int *out)
{
    for (*out = 0; (text = strstr(text, part)) != NULL; text++) {
        (*out)++;
    }
}

/* Settings may change with every run: who was used longest ago is destroyed, and made anew. */
static void test_instance__is_destroyed_when_there_are_too_many(void **state)
{
    struct rig rig;
    char settings[32];
    int destroyed = 0;
    (void)state;
    open_deeds(&rig, 0);
    (void)run_with_settings(&rig, 1, "{\"name\":\"a\"}");
    (void)run_with_settings(&rig, 2, "{\"name\":\"b\"}");
    (void)run_with_settings(&rig, 3, "{\"name\":\"a\"}");
    for (int i = 2; i < INSTANCES_MOST + 1; i++) {
        (void)snprintf(settings, sizeof(settings), "{\"name\":\"n%d\"}", i);
        (void)run_with_settings(&rig, 2 + (uint64_t)i, settings);
    }
    count_lines(rig_log(&rig), "a node was destroyed", &destroyed);
    assert_int_equal(destroyed, 1);
    assert_string_equal(run_with_settings(&rig, 100, "{\"name\":\"a\"}"),
                        "done {\"name\":\"a\",\"tasks\":3}");
    assert_string_equal(run_with_settings(&rig, 101, "{\"name\":\"b\"}"),
                        "done {\"name\":\"b\",\"tasks\":1}");
    count_lines(rig_log(&rig), "a node was destroyed", &destroyed);
    assert_int_equal(destroyed, 2);
    rig_close(&rig);
}

/* A task that was started and one that does not end: the nodes of both stay. */
static void test_instance__with_a_task_is_not_destroyed(void **state)
{
    struct rig rig;
    static char settings[INSTANCES_MOST + 2][32];
    (void)state;
    open_deeds(&rig, 0);
    for (int i = 0; i < INSTANCES_MOST + 2; i++) {
        struct error err = {0};
        (void)snprintf(settings[i], sizeof(settings[i]), "{\"name\":\"n%d\"}", i);
        rig.settings = settings[i];
        assert_int_equal(rig_start(&rig, (uint64_t)i, "deeds.stateful", "{}", &err), 0);
    }
    assert_null(strstr(rig_log(&rig), "a node was destroyed"));
    for (int i = 0; i < INSTANCES_MOST + 2; i++) {
        char expected[48];
        (void)snprintf(expected, sizeof(expected), "done {\"name\":\"n%d\",\"tasks\":1}", i);
        assert_string_equal(rig_wait(&rig, (uint64_t)i), expected);
    }
    rig_close(&rig);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

static void test_instance__is_destroyed_before_the_plugin_is_shut_down(void **state)
{
    struct rig rig;
    bool is_closed = false;
    int destroyed = 0;
    int shut_down = 0;
    (void)state;
    open_deeds(&rig, 0);
    (void)run_with_settings(&rig, 1, "{\"name\":\"a\"}");
    (void)run_with_settings(&rig, 2, "{\"name\":\"b\"}");
    host_close(rig.host, on_closed, &is_closed);
    while (!is_closed) {
        (void)uv_run(&rig.loop, UV_RUN_ONCE);
    }
    const char *log = rig_log(&rig);
    count_lines(log, "a node was destroyed", &destroyed);
    count_lines(log, "the plugin was shut down", &shut_down);
    assert_int_equal(destroyed, 2);
    assert_int_equal(shut_down, 1);
    assert_true(strstr(log, "was shut down") > strstr(log, "was destroyed"));
    rig.host = NULL;
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tasks__end_inside_execute_later_and_on_threads),
        cmocka_unit_test(test_tasks__run_by_the_hundred_on_all_kinds_of_threads),
        cmocka_unit_test(test_tasks__a_second_end_is_ignored_and_logged),
        cmocka_unit_test(test_tasks__nothing_comes_after_the_end),
        cmocka_unit_test(test_tasks__ports_are_those_of_the_manifest),
        cmocka_unit_test(test_tasks__failures_are_told_whole),
        cmocka_unit_test(test_tasks__every_code_has_its_name),
        cmocka_unit_test(test_tasks__broken_failures_become_good_ones),
        cmocka_unit_test(test_cancel__a_polite_node_ends_itself),
        cmocka_unit_test(test_cancel__a_blocking_node_polls),
        cmocka_unit_test(test_cancel__a_deaf_node_is_given_up_after_the_grace),
        cmocka_unit_test(test_cancel__before_the_start_ends_at_once),
        cmocka_unit_test(test_cancel__a_node_that_waits_for_its_turn_ends_at_once),
        cmocka_unit_test(test_cancel__kill_waits_for_nobody),
        cmocka_unit_test(test_cancel__close_cancels_what_runs),
        cmocka_unit_test(test_stream__progress_is_told_four_times_a_second_and_at_the_end),
        cmocka_unit_test(test_stream__logs_are_the_tasks),
        cmocka_unit_test(test_stream__a_flood_of_logs_is_dropped_and_counted),
        cmocka_unit_test(test_info__says_what_the_spec_said),
        cmocka_unit_test(test_info__says_where_a_plugin_may_keep_files),
        cmocka_unit_test(test_bytes__become_base64_in_json),
        cmocka_unit_test(test_timer__abort_calls_back),
        cmocka_unit_test(test_timer__knows_time_zones),
        cmocka_unit_test(test_http__pieces_come_before_the_end_and_the_key_is_sent),
        cmocka_unit_test(test_http__an_answer_waits_for_a_busy_strand),
        cmocka_unit_test(test_http__failures_keep_code_and_effect),
        cmocka_unit_test(test_http__abort_and_cancel_call_back_once),
        cmocka_unit_test(test_wrong__made_up_handles_are_harmless),
        cmocka_unit_test(test_wrong__arguments_are_refused),
        cmocka_unit_test(test_values__die_with_their_task_unless_lifted),
        cmocka_unit_test(test_values__of_a_scope_inside_a_task_die_with_it),
        cmocka_unit_test(test_instance__is_one_for_equal_settings),
        cmocka_unit_test(test_instance__is_destroyed_when_there_are_too_many),
        cmocka_unit_test(test_instance__with_a_task_is_not_destroyed),
        cmocka_unit_test(test_instance__is_destroyed_before_the_plugin_is_shut_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
