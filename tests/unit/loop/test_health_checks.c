/* SPDX-License-Identifier: Apache-2.0 */
/* Services of live runs, asked by real plugins: the http plugin, and one that does what it likes.
 */
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
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/loop/health_checks.h"
#include "core/loop/loop.h"
#include "core/loop/loop_state.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/secrets.h"
#include "core/value/value.h"
#include "tests/support/http_server.h"
#include "tests/support/pipeline_fixture.h"

enum { PATIENCE_MS = 20000, GRACE_MS = 50 };

#define NAP "{id: nap, type: wait, config: {seconds: 3600}}"

static struct loop *loop;
static struct secrets *secrets;
static struct http_server *server;
static int log_fd;
static struct strbuf told;  /* events, a line each */
static struct strbuf shown; /* health_checks_append() */

static void on_service(void *user, struct str service)
{
    (void)user;
    strbuf_append_str(&told, service);
    strbuf_append_char(&told, '\n');
}

static int set_up(void **state)
{
    static const char *const folders[] = {CHECKS_DIR, HTTP_DIR};
    static const char *const entries[] = {"OPSTREAM_SECRET_TOKEN=t0p5ecret", NULL};
    struct error err = {0};
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    log_fd = dup(fileno(file));
    (void)fclose(file);
    log_set_fd(log_fd);
    assert_int_equal(secrets_create(entries, &secrets, &err), 0);
    const struct loop_options options = {.plugin_folders = folders,
                                         .plugin_folder_count = 2,
                                         .secrets = secrets,
                                         .cancel_grace_ms = GRACE_MS};
    if (loop_create(&options, &loop, &err) != 0) {
        fail_msg("%s", err.message);
    }
    loop_watch_services(loop, on_service, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_close(loop);
    http_server_stop(server);
    server = NULL;
    secrets_destroy(secrets);
    secrets = NULL;
    strbuf_finish(&told);
    strbuf_finish(&shown);
    log_set_fd(STDERR_FILENO);
    (void)close(log_fd);
    return 0;
}

static struct pipeline *load(const char *yaml)
{
    struct load_options options = *pipeline_fixture_options();
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    struct error err = {0};
    options.catalogue = loop_catalogue(loop);
    if (load_text(str_from(yaml), &options, &diagnostics, &definitions, &err) != 0) {
        fail_msg("%s\n%s", err.message, yaml);
    }
    struct pipeline *pipeline = pipeline_ref(definitions->pipelines[0]);
    definitions_destroy(definitions);
    diagnostics_finish(&diagnostics);
    return pipeline;
}

static void on_ended(void *user)
{
    *(bool *)user = true;
}

/* `*has_ended`, when it has. */
static struct loop_run *start(const char *yaml, bool *has_ended)
{
    struct pipeline *pipeline = load(yaml);
    struct loop_run *run = NULL;
    struct error err = {0};
    *has_ended = false;
    const struct loop_run_options options = {
        .pipeline = pipeline,
        .input = document_empty_map(),
        .id = STR("run"),
        .triggered_by = STR("manual"),
        .observer = {.user = has_ended, .on_ended = on_ended},
    };
    if (loop_run_start(loop, &options, &run, &err) != 0) {
        fail_msg("%s", err.message);
    }
    pipeline_unref(pipeline);
    return run;
}

/* ---- turning the loop ---- */

struct hope {
    bool (*holds)(const void *argument);
    const void *argument;
    int64_t until_ns;
    bool is_met;
};

static void on_tick(void *user)
{
    struct hope *hope = user;
    hope->is_met = hope->holds(hope->argument);
    if (hope->is_met || clock_monotonic_ns() > hope->until_ns) {
        loop_stop(loop);
    }
}

static void turn_until(bool (*holds)(const void *argument), const void *argument)
{
    struct hope hope = {.holds = holds,
                        .argument = argument,
                        .until_ns = clock_monotonic_ns() + PATIENCE_MS * INT64_C(1000000)};
    struct error err = {0};
    loop_tick(loop, 2, on_tick, &hope);
    assert_int_equal(loop_run(loop, &err), 0);
    loop_tick(loop, 0, NULL, NULL);
    strbuf_clear(&shown);
    health_checks_append(&loop->health, &shown);
    if (!hope.is_met) {
        fail_msg("never: %s", argument != NULL ? (const char *)argument : strbuf_str(&shown).p);
    }
}

static bool is_shown(const void *text)
{
    strbuf_clear(&shown);
    health_checks_append(&loop->health, &shown);
    return strstr(strbuf_str(&shown).p, text) != NULL;
}

static bool is_told(const void *text)
{
    return told.n > 0 && strstr(strbuf_str(&told).p, text) != NULL;
}

static bool is_true(const void *flag)
{
    return *(const bool *)flag;
}

static void end_run(struct loop_run *run, const bool *has_ended)
{
    if (!*has_ended) {
        loop_run_cancel(run, STR(""));
        struct hope hope = {.holds = is_true,
                            .argument = has_ended,
                            .until_ns = clock_monotonic_ns() + PATIENCE_MS * INT64_C(1000000)};
        struct error err = {0};
        loop_tick(loop, 2, on_tick, &hope);
        assert_int_equal(loop_run(loop, &err), 0);
        loop_tick(loop, 0, NULL, NULL);
        assert_true(*has_ended);
    }
    loop_run_release(run);
}

static bool is_at_rest(void)
{
    return !uv_is_active((uv_handle_t *)&loop->health.timer);
}

/* ---- tests ---- */

static const char *with_deed(const char *type, const char *deed)
{
    static char yaml[600];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\nmonitoring: {health_check_interval: 1h}\n"
                   "integrations: {checks: {deed: '%s', token: '{{ secrets.token }}'}}\n"
                   "nodes:\n  - " NAP "\n  - {id: c, type: %s, config: {}}\n"
                   "edges: [{source: nap, target: c}]\n",
                   deed, type);
    return yaml;
}

static void test_health_checks__whatever_a_check_does(void **state)
{
    static const struct {
        const char *deed;
        const char *row;
    } rows[] = {
        {"good", "\"state\":\"up\",\"why\":null"},
        {"twice", "\"state\":\"up\",\"why\":null"},
        {"stale", "\"state\":\"up\",\"why\":null"},
        {"items", "\"state\":\"up\",\"why\":null"},
        {"late", "\"state\":\"up\",\"why\":null"},
        {"log", "\"state\":\"up\",\"why\":null"},
        {"bad", "\"state\":\"down\",\"why\":\"UNAVAILABLE: nobody is there\""},
        {"port", "\"state\":\"down\",\"why\":\"UNAVAILABLE: nobody is there\""},
        {"null", "\"state\":\"down\",\"why\":\"INTERNAL"},
        {"unheard of", "\"state\":\"down\",\"why\":\"CONFIG: no such deed\""},
        {"leak", "\"state\":\"down\",\"why\":\"AUTH: refused: token ***\""},
        {"refuse", "\"state\":\"down\",\"why\":\"plugin 'checks' does not take its settings"},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        bool has_ended = false;
        const char *type = i % 2 == 0 ? "checks" : "checks.blocking";
        char row[200]; /* the newest comes first */
        struct loop_run *run = start(with_deed(type, rows[i / 2].deed), &has_ended);
        (void)snprintf(row, sizeof(row), "[{\"plugin\":\"checks\",\"origin\":null,%s",
                       rows[i / 2].row);
        turn_until(is_shown, row);
        end_run(run, &has_ended);
        assert_true(is_at_rest());
        /* the type is not part of its name: the second asks nobody anew */
        assert_int_equal(loop->health.count, i / 2 + 1);
        turn_until(is_shown, row);
    }
}

static void test_health_checks__who_does_not_end_is_not_asked_again(void **state)
{
    bool has_ended = false;
    (void)state;
    struct loop_run *run =
        start("id: p\nmonitoring: {health_check_interval: 1s}\nintegrations: {checks: {deed: "
              "never}}\nnodes: [" NAP ", {id: c, type: checks, config: {}}]\n"
              "edges: [{source: nap, target: c}]\n",
              &has_ended);
    turn_until(is_shown, "\"state\":\"given_up\",\"why\":\"TIMEOUT: its check took too long\"");
    assert_true(is_told("\"state\":\"given_up\""));
    assert_true(is_at_rest());
    end_run(run, &has_ended);
}

/* The close waits neither for the answer nor for the grace. */
static void test_health_checks__a_loop_closes_while_a_question_is_out(void **state)
{
    bool has_ended = false;
    (void)state;
    struct loop_run *run = start(with_deed("checks", "never"), &has_ended);
    turn_until(is_shown, "\"state\":\"unknown\"");
    end_run(run, &has_ended);
}

static const char *with_url(const char *interval, const char *url)
{
    static char yaml[600];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\nmonitoring: {health_check_interval: %s}\n"
                   "nodes:\n  - " NAP "\n  - {id: c, type: http, config: {url: '%s'}}\n"
                   "edges: [{source: nap, target: c}]\n",
                   interval, url);
    return yaml;
}

static void test_health_checks__runs_share_a_question_and_the_shortest_interval(void **state)
{
    bool has_ended[3] = {false};
    struct loop_run *runs[3];
    char url[100];
    char row[200];
    (void)state;
    server = http_server_start(NULL);
    (void)snprintf(url, sizeof(url), "%s/json", http_server_url(server));
    runs[0] = start(with_url("1h", url), &has_ended[0]);
    turn_until(is_shown, "\"state\":\"up\"");
    (void)snprintf(row, sizeof(row), "{\"plugin\":\"http\",\"origin\":\"%s\",\"state\":\"up\"",
                   http_server_url(server));
    assert_true(is_shown(row));
    (void)snprintf(url, sizeof(url), "%s/{{ input.?path.orValue(\"x\") }}",
                   http_server_url(server));
    runs[1] = start(with_url("30m", url), &has_ended[1]);
    turn_until(is_shown, "\"interval_ms\":1800000");
    runs[2] = start(with_url("2h", url), &has_ended[2]);
    end_run(runs[0], &has_ended[0]);
    assert_true(is_shown("\"interval_ms\":1800000"));
    end_run(runs[1], &has_ended[1]);
    assert_true(is_shown("\"interval_ms\":7200000"));
    assert_false(is_at_rest());
    end_run(runs[2], &has_ended[2]);
    assert_true(is_shown("\"interval_ms\":0"));
    assert_true(is_at_rest());
    assert_int_equal(loop->health.count, 1);
    assert_int_equal(http_server_request_count(server), 1); /* one HEAD, for all of them */
    assert_int_equal(told.n, 0);                            /* up from the first on is no news */
}

/* Also those of a run that comes before its interval is over. */
static void test_health_checks__runs_that_come_and_go_do_not_ask_more(void **state)
{
    bool has_ended = false;
    char url[100];
    (void)state;
    server = http_server_start(NULL);
    (void)snprintf(url, sizeof(url), "%s/json", http_server_url(server));
    for (int i = 0; i < 5; i++) {
        struct loop_run *run = start(with_url("1h", url), &has_ended);
        turn_until(is_shown, "\"state\":\"up\"");
        end_run(run, &has_ended);
    }
    assert_int_equal(http_server_request_count(server), 1);
}

static void test_health_checks__an_origin_that_is_computed_is_known_with_the_call(void **state)
{
    bool has_ended = false;
    char yaml[600];
    (void)state;
    server = http_server_start(NULL);
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\nmonitoring: {health_check_interval: 1h}\n"
                   "nodes:\n"
                   "  - {id: at, type: set, config: {url: '%s'}}\n"
                   "  - {id: c, type: http, config: {url: '{{ at.output.url }}/delay/300'}}\n"
                   "edges: [{source: at, target: c}]\n",
                   http_server_url(server));
    struct loop_run *run = start(yaml, &has_ended);
    assert_int_equal(loop->health.count, 0);
    turn_until(is_shown, "\"state\":\"up\"");
    end_run(run, &has_ended);
}

static void test_health_checks__without_the_key_or_a_check_nobody_is_asked(void **state)
{
    static const char *const yamls[] = {
        "id: p\nnodes: [{id: c, type: checks, config: {}}]\n",
        "id: p\nmonitoring: {health_check_interval: 1s}\n"
        "nodes: [{id: c, type: checks.none, config: {}}, {id: s, type: set, config: {x: 1}}]\n",
    };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        bool has_ended = false;
        struct loop_run *run = start(yamls[i], &has_ended);
        struct hope hope = {.holds = is_true,
                            .argument = &has_ended,
                            .until_ns = clock_monotonic_ns() + PATIENCE_MS * INT64_C(1000000)};
        struct error err = {0};
        loop_tick(loop, 2, on_tick, &hope);
        assert_int_equal(loop_run(loop, &err), 0);
        loop_tick(loop, 0, NULL, NULL);
        assert_true(has_ended);
        end_run(run, &has_ended);
        assert_int_equal(loop->health.count, 0);
        assert_true(is_at_rest());
    }
}

static void turn_for(int64_t ms)
{
    int64_t began = clock_monotonic_ns();
    while (clock_monotonic_ns() - began < ms * INT64_C(1000000)) {
        bool is_over = false;
        struct hope hope = {.holds = is_true, .argument = &is_over, .until_ns = 0};
        struct error err = {0};
        loop_tick(loop, 50, on_tick, &hope);
        assert_int_equal(loop_run(loop, &err), 0);
    }
    loop_tick(loop, 0, NULL, NULL);
}

/* Its node is at work, and does one thing at a time: nothing is known of the service. */
static void test_health_checks__who_waits_behind_a_task_says_nothing(void **state)
{
    bool has_ended = false;
    (void)state;
    struct loop_run *run = start("id: p\nmonitoring: {health_check_interval: 1s}\n"
                                 "integrations: {checks: {deed: bad}}\n"
                                 "nodes: [{id: c, type: checks.serial, config: {hold: true}}]\n",
                                 &has_ended);
    turn_for(2500);
    assert_true(is_shown("\"state\":\"unknown\",\"why\":null"));
    assert_int_equal(told.n, 0);
    end_run(run, &has_ended);
}

static void test_health_checks__who_has_nobody_to_ask_says_nothing(void **state)
{
    bool has_ended = false;
    (void)state;
    struct loop_run *run = start("id: p\nmonitoring: {health_check_interval: 1s}\n"
                                 "integrations: {checks: {deed: nothing}}\n"
                                 "nodes: [" NAP ", {id: c, type: checks, config: {}}]\n"
                                 "edges: [{source: nap, target: c}]\n",
                                 &has_ended);
    turn_for(1500);
    assert_true(is_shown("\"state\":\"unknown\",\"why\":null"));
    assert_int_equal(told.n, 0);
    end_run(run, &has_ended);
}

/* The second question would have to wait for an hour: it is not put, and changes nothing. */
static void test_health_checks__limits_of_the_service_are_kept(void **state)
{
    bool has_ended = false;
    char yaml[600];
    (void)state;
    server = http_server_start(NULL);
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\nmonitoring: {health_check_interval: 1s}\n"
                   "integrations: {http: {rate_limit: 1/hour}}\n"
                   "nodes:\n  - " NAP "\n  - {id: c, type: http, config: {url: '%s/'}}\n"
                   "edges: [{source: nap, target: c}]\n",
                   http_server_url(server));
    struct loop_run *run = start(yaml, &has_ended);
    turn_until(is_shown, "\"state\":\"up\"");
    const struct health_service *service = loop->health.services;
    turn_for(2500);
    assert_ptr_equal(loop->health.services, service);
    assert_true(is_shown("\"state\":\"up\",\"why\":null"));
    assert_int_equal(http_server_request_count(server), 1);
    assert_int_equal(told.n, 0);
    end_run(run, &has_ended);
}

static void append_nodes(struct strbuf *yaml, int first, int count)
{
    strbuf_append_text(yaml, "id: p\nmonitoring: {health_check_interval: 24h}\n"
                             "nodes:\n  - " NAP "\n");
    for (int i = 0; i < count; i++) {
        strbuf_append_format(yaml,
                             "  - {id: c%d, type: http, config: {url: 'http://127.0.0.1:%d/'}}\n",
                             i, first + i);
    }
    strbuf_append_text(yaml, "edges:\n");
    for (int i = 0; i < count; i++) {
        strbuf_append_format(yaml, "  - {source: nap, target: c%d}\n", i);
    }
}

static bool has_most(const void *unused)
{
    (void)unused;
    return loop->health.count == HEALTH_SERVICES_MOST;
}

static bool none_is_out(const void *unused)
{
    (void)unused;
    is_shown("");
    return strstr(strbuf_str(&shown).p, "\"state\":\"unknown\"") == NULL;
}

static void test_health_checks__there_are_not_more_than_can_be(void **state)
{
    bool has_ended = false;
    struct strbuf yaml = STRBUF_INIT;
    (void)state;
    append_nodes(&yaml, 1, HEALTH_SERVICES_MOST + 5);
    struct loop_run *run = start(strbuf_str(&yaml).p, &has_ended);
    turn_until(has_most, "so many");
    assert_true(loop->health.is_full_told);
    turn_until(none_is_out, NULL);
    end_run(run, &has_ended);
    /* Those that nobody wants any more give their place up. */
    strbuf_clear(&yaml);
    append_nodes(&yaml, 1000, 3);
    run = start(strbuf_str(&yaml).p, &has_ended);
    turn_until(is_shown, "\"origin\":\"http://127.0.0.1:1002\"");
    assert_int_equal(loop->health.count, HEALTH_SERVICES_MOST);
    end_run(run, &has_ended);
    strbuf_finish(&yaml);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_health_checks__whatever_a_check_does),
        TEST(test_health_checks__who_does_not_end_is_not_asked_again),
        TEST(test_health_checks__a_loop_closes_while_a_question_is_out),
        TEST(test_health_checks__runs_share_a_question_and_the_shortest_interval),
        TEST(test_health_checks__runs_that_come_and_go_do_not_ask_more),
        TEST(test_health_checks__an_origin_that_is_computed_is_known_with_the_call),
        TEST(test_health_checks__without_the_key_or_a_check_nobody_is_asked),
        TEST(test_health_checks__who_waits_behind_a_task_says_nothing),
        TEST(test_health_checks__who_has_nobody_to_ask_says_nothing),
        TEST(test_health_checks__limits_of_the_service_are_kept),
        TEST(test_health_checks__there_are_not_more_than_can_be),
    };
    return cmocka_run_group_tests_name("health_checks", tests, NULL, NULL);
}
