/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of real runs, in a loop that only notes which runs an alert would start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/loop/alerts.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_env.h"
#include "core/model/pipeline.h"
#include "core/policy/alert.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"

static struct toy_world world;
static struct loop loop;
static bool is_keeping; /* runs have a number */

int64_t __wrap_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void)
{
    return world.now;
}

/* ---- the loop ---- */

static size_t started; /* runs of `on_alert` */
static char started_workflow[32];
static char started_input[512];
static char started_audit[256];
static int refuses; /* what a start fails with */

int loop_run_start(struct loop *at, const struct loop_run_options *options,
                   struct loop_run **out_run, struct error *err)
{
    static struct loop_run run;
    (void)at;
    if (refuses != 0) {
        return error_set(err, refuses, "there is no room");
    }
    char *input = pipeline_fixture_text(options->input);
    started++;
    assert_true(str_equal_text(options->who, "engine"));
    assert_true(str_equal_text(options->triggered_by, "alert"));
    assert_true(str_equal_text(options->definition.digest, "the digest"));
    (void)snprintf(started_workflow, sizeof(started_workflow), "%.*s",
                   STR_ARG(options->pipeline->id));
    (void)snprintf(started_input, sizeof(started_input), "%s", input);
    (void)snprintf(started_audit, sizeof(started_audit), "%.*s", STR_ARG(options->audit));
    free(input);
    *out_run = &run;
    return 0;
}

void loop_run_detach(struct loop_run *run)
{
    assert_non_null(run);
}

int loop_check_pipeline(const struct loop *at, const struct pipeline *pipeline, struct error *err)
{
    (void)at;
    return str_equal_text(pipeline->id, "refused") ? error_set(err, E_INVALID, "not here") : 0;
}

const struct document *run_env_find(const struct run_env *env, uint64_t root)
{
    (void)env;
    (void)root;
    return NULL;
}

/* ---- who listens ---- */

static size_t told;
static char last_told[1024];

static void on_alert(void *user, struct str json)
{
    (void)user;
    told++;
    (void)snprintf(last_told, sizeof(last_told), "%.*s", STR_ARG(json));
}

#define assert_told(count, part)                                                                   \
    do {                                                                                           \
        assert_int_equal(told, count);                                                             \
        if (strstr(last_told, part) == NULL) {                                                     \
            fail_msg("%s has no %s", last_told, part);                                             \
        }                                                                                          \
    } while (0)

static uint64_t active(enum alert_kind kind)
{
    uint64_t counts[ALERT_KINDS] = {0};
    alerts_count_active(&loop, counts);
    return counts[kind];
}

/* ---- runs ---- */

static const char *const others = "  tell:\n"
                                  "    nodes: [{id: say, type: set, config: {got: 1}}]\n"
                                  "  picky:\n"
                                  "    input: {type: object, required: [day]}\n"
                                  "    nodes: [{id: say, type: set, config: {got: 1}}]\n"
                                  "  refused:\n"
                                  "    nodes: [{id: say, type: set, config: {got: 1}}]\n";

/* A run of the pipeline `id` with this `monitoring`, which takes so long and ends so. */
static void end_run_of(const char *id, const char *monitoring, int64_t took_ms, const char *code)
{
    char yaml[2048];
    (void)snprintf(yaml, sizeof(yaml),
                   "workflows:\n  %s:\n    monitoring: {%s}\n"
                   "    nodes: [{id: a, type: toy.task, retry: off}]\n%s",
                   id, monitoring, others);
    struct toy_run *toy = toy_world_run(&world, yaml, NULL);
    struct loop_run run = {.loop = &loop, .run = toy->run, .number = is_keeping ? 7 : 0};
    run.root = &run;
    (void)snprintf(run.definition, sizeof(run.definition), "the digest");
    toy_world_pass(&world, took_ms);
    if (code == NULL) {
        toy_run_done(toy, "a", "{}");
    } else if (strcmp(code, "cancel") == 0) {
        toy_run_cancel(toy);
    } else {
        toy_run_failed(toy, "a", code);
    }
    alerts_note_end(&run);
}

static void end_run(const char *monitoring, int64_t took_ms, const char *code)
{
    end_run_of("main", monitoring, took_ms, code);
}

static int set_up(void **state)
{
    (void)state;
    toy_world_init(&world, NULL);
    loop = (struct loop){.on_alert = on_alert};
    is_keeping = true;
    started = told = 0;
    refuses = 0;
    last_told[0] = '\0';
    log_set_fd(-1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_set_fd(STDERR_FILENO);
    alerts_finish(&loop.alerts);
    toy_world_finish(&world);
    return 0;
}

#define HALF "alert_thresholds: {error_rate: 0.5}, on_alert: tell"

static void test_alerts__a_threshold_is_crossed_once(void **state)
{
    (void)state;
    end_run(HALF, 0, "BROKEN");
    assert_told(1, "\"state\":\"crossed\"");
    assert_told(1, "\"alert\":{\"workflow\":\"main\",\"kind\":\"error_rate\",\"value\":1.0,"
                   "\"threshold\":0.5,\"since\":\"2023-11-14T22:13:20.000Z\"}");
    assert_told(1, "\"run\":\"run1\",\"started\":\"");
    end_run(HALF, 0, "BROKEN");
    assert_int_equal(told, 1);
    assert_int_equal(active(ALERT_ERROR_RATE), 1);
    end_run(HALF, 0, NULL);
    end_run(HALF, 0, NULL);
    assert_told(2, "\"state\":\"over\",\"run\":\"run4\",\"started\":null");
    assert_int_equal(active(ALERT_ERROR_RATE), 0);
    end_run(HALF, 0, "BROKEN");
    assert_told(3, "\"state\":\"crossed\"");
    assert_int_equal(loop.numbers.alerts[ALERT_ERROR_RATE], 2);
    assert_int_equal(loop.numbers.alerts[ALERT_LATENCY_P99], 0);
    assert_int_equal(started, 2);
}

static void test_alerts__who_is_started_knows_what_it_is_about(void **state)
{
    (void)state;
    end_run("alert_thresholds: {latency_p99: 2s}, on_alert: tell", 2500, NULL);
    assert_int_equal(started, 1);
    assert_string_equal(started_workflow, "tell");
    assert_string_equal(started_audit, "{\"alert\":\"latency_p99\",\"run\":\"run1\"}");
    assert_non_null(strstr(started_input, "{\"workflow\":\"main\",\"kind\":\"latency_p99\","
                                          "\"value\":2.5"));
    assert_non_null(strstr(started_input, "\"threshold\":2.0,\"since\":"));
}

static void test_alerts__time_alone_may_end_one(void **state)
{
    (void)state;
    end_run(HALF, 0, "BROKEN");
    toy_world_pass(&world, ALERT_WINDOW_MS - 10000);
    assert_int_equal(active(ALERT_ERROR_RATE), 1);
    toy_world_pass(&world, 10000);
    assert_int_equal(active(ALERT_ERROR_RATE), 0);
    assert_int_equal(told, 1);
    end_run(HALF, 0, NULL); /* and it is told with the next run */
    assert_told(2, "\"state\":\"over\"");
}

static void test_alerts__a_run_that_crosses_it_anew_says_both(void **state)
{
    (void)state;
    end_run(HALF, 0, "BROKEN");
    toy_world_pass(&world, ALERT_WINDOW_MS);
    end_run(HALF, 0, "BROKEN");
    assert_told(3, "\"state\":\"crossed\"");
    assert_int_equal(started, 2);
}

static void test_alerts__what_somebody_cancelled_says_nothing(void **state)
{
    (void)state;
    end_run("alert_thresholds: {error_rate: 0, latency_p99: 1s}", 2000, "cancel");
    end_run("metrics_endpoint: /metrics", 2000, "BROKEN"); /* it has no thresholds */
    assert_int_equal(told, 0);
    loop.holds_starts = true; /* who only decides is not who runs them */
    end_run(HALF, 0, "BROKEN");
    assert_int_equal(told, 0);
}

static void test_alerts__the_last_definition_has_the_say(void **state)
{
    (void)state;
    end_run(HALF, 0, "BROKEN");
    end_run("alert_thresholds: {latency_p99: 1h}", 0, "BROKEN");
    assert_told(2, "\"state\":\"over\"");
    end_run("alert_thresholds: {error_rate: 0.9}, on_alert: tell", 0, "BROKEN");
    assert_told(3, "\"state\":\"crossed\"");
}

static void test_alerts__who_cannot_be_started_is_told_as_nobody(void **state)
{
    (void)state;
    end_run("alert_thresholds: {error_rate: 0}, on_alert: picky", 0, "BROKEN");
    assert_told(1, "\"started\":null");
    toy_world_pass(&world, ALERT_WINDOW_MS);
    end_run("alert_thresholds: {error_rate: 0}, on_alert: refused", 0, "BROKEN");
    assert_told(3, "\"started\":null");
    toy_world_pass(&world, ALERT_WINDOW_MS);
    refuses = E_LIMIT;
    end_run("alert_thresholds: {error_rate: 0}, on_alert: tell", 0, "BROKEN");
    assert_told(5, "\"started\":null");
    toy_world_pass(&world, ALERT_WINDOW_MS);
    refuses = 0;
    is_keeping = false; /* the process ends with its own run */
    end_run("alert_thresholds: {error_rate: 0}, on_alert: tell", 0, "BROKEN");
    assert_told(7, "\"started\":null");
    assert_int_equal(started, 0);
    assert_int_equal(loop.numbers.alerts[ALERT_ERROR_RATE], 4);
}

static void test_alerts__without_a_listener_they_are_counted_all_the_same(void **state)
{
    (void)state;
    loop.on_alert = NULL;
    end_run(HALF, 0, "BROKEN");
    assert_int_equal(told, 0);
    assert_int_equal(started, 1);
    assert_int_equal(loop.numbers.alerts[ALERT_ERROR_RATE], 1);
}

/* Who makes up ids, makes others be forgotten: but first those of which there is nothing to say. */
static void test_alerts__so_many_pipelines_are_watched(void **state)
{
    (void)state;
    end_run(HALF, 0, "INPUT");
    assert_int_equal(active(ALERT_ERROR_RATE), 1);
    for (int i = 0; i < ALERTS_MOST + 10; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "p%d", i);
        end_run_of(id, HALF, 100, NULL);
    }
    assert_int_equal(loop.alerts.count, ALERTS_MOST);
    assert_int_equal(active(ALERT_ERROR_RATE), 1);
    end_run(HALF, 0, "INPUT"); /* it is crossed already */
    assert_int_equal(told, 1);
    for (int i = 0; i < ALERTS_MOST; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "q%d", i);
        end_run_of(id, HALF, 1000, "INPUT");
    }
    assert_int_equal(loop.alerts.count, ALERTS_MOST);
    assert_int_equal(told, 1 + ALERTS_MOST);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_alerts__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_threshold_is_crossed_once),
        CASE(who_is_started_knows_what_it_is_about),
        CASE(time_alone_may_end_one),
        CASE(a_run_that_crosses_it_anew_says_both),
        CASE(what_somebody_cancelled_says_nothing),
        CASE(the_last_definition_has_the_say),
        CASE(so_many_pipelines_are_watched),
        CASE(who_cannot_be_started_is_told_as_nobody),
        CASE(without_a_listener_they_are_counted_all_the_same),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
