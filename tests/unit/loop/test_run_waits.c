/* SPDX-License-Identifier: Apache-2.0 */
/* What waits in a toy world, and who is told of it when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/engine/engine.h"
#include "core/loop/budget_desk.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"
#include "core/loop/run_waits.h"
#include "tests/support/toy_world.h"

enum { RUNS_MOST = 256 };

static struct toy_world world;
static struct loop loop;
static struct loop_run runs[RUNS_MOST];
static size_t run_count;

int64_t __wrap_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void)
{
    return world.now;
}

/* A run that sleeps is not loaded. */
struct loop_run *run_table_find(const struct loop *at, uint64_t number)
{
    (void)at;
    return number > 0 && number <= run_count ? &runs[number - 1] : NULL;
}

/* Whose calls wait for what others may give back: those of `a`, so often. */
static unsigned spenders;

void budget_desk_each_wait(const struct loop *at, const struct run *root, budget_desk_cb each,
                           void *user)
{
    assert_ptr_equal(at, &loop);
    for (unsigned i = 0; i < spenders; i++) {
        const struct spender spender = {.run = (struct run *)(uintptr_t)root};
        each(user, &spender, STR("there is \"little\""));
    }
}

/* None is checked. */
void health_checks_append(const struct health_checks *checks, struct strbuf *out)
{
    assert_ptr_equal(checks, &loop.health);
    strbuf_append_text(out, "[]");
}

/* The numbers of runs are 1, 2, ... in the order of their starts. */
static struct toy_run *start(const char *node, const char *settings)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml), "id: p\n%s\nnodes:\n  - {id: a, %s}\n", settings, node);
    struct toy_run *toy = toy_world_run(&world, yaml, NULL);
    assert_true(run_count < RUNS_MOST);
    struct loop_run *run = &runs[run_count++];
    *run = (struct loop_run){.loop = &loop, .run = toy->run, .next = loop.runs};
    run->root = run;
    loop.runs = run;
    return toy;
}

static const char *waits_of(uint64_t number)
{
    static char text[16 * 1024];
    struct strbuf out = STRBUF_INIT;
    loop_append_waits(&loop, number, &out);
    assert_int_equal(strbuf_status(&out), 0);
    assert_true(out.n < sizeof(text));
    memcpy(text, out.p, out.n);
    text[out.n] = '\0';
    strbuf_finish(&out);
    return text;
}

static const char *queues(void)
{
    static char text[64 * 1024];
    struct strbuf out = STRBUF_INIT;
    loop_append_queues(&loop, &out);
    assert_int_equal(strbuf_status(&out), 0);
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(strbuf_str(&out)));
    strbuf_finish(&out);
    return text;
}

static int set_up(void **state)
{
    (void)state;
    toy_world_init(&world, NULL);
    loop = (struct loop){.engine = world.engine};
    run_count = 0;
    spenders = 0;
    assert_int_equal(uv_loop_init(&loop.uv), 0);
    run_waits_init(&loop.waits_told, &loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run_waits_finish(&loop.waits_told);
    assert_int_equal(uv_run(&loop.uv, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop.uv), 0);
    toy_world_finish(&world);
    return 0;
}

/* ---- of one run ---- */

static void test_run_waits__who_waits_for_nothing_has_an_empty_list(void **state)
{
    (void)state;
    start("type: toy.task", "");
    assert_string_equal(waits_of(1), "{\"waits\":[],\"left_out\":0}");
    assert_string_equal(waits_of(99), "{\"waits\":[],\"left_out\":0}");
    assert_string_equal(queues(),
                        "{\"limits\":[],\"breakers\":[],\"rate_limits\":[],\"services\":[]}");
}

static void test_run_waits__a_permit_names_its_scope(void **state)
{
    (void)state;
    start("type: toy.task", "integrations: {toy: {max_concurrency: 1}}");
    start("type: toy.task", "integrations: {toy: {max_concurrency: 1}}");
    assert_string_equal(waits_of(1), "{\"waits\":[],\"left_out\":0}");
    assert_string_equal(waits_of(2),
                        "{\"waits\":[{\"path\":\"a\",\"for\":\"permit\",\"until\":null,"
                        "\"event\":null,\"scope\":\"plugin toy\",\"limit\":1,"
                        "\"in_use\":1}],\"left_out\":0}");
    assert_string_equal(queues(),
                        "{\"limits\":[{\"scope\":\"plugin toy\",\"limit\":1,\"in_use\":1,"
                        "\"waiting\":1}],\"breakers\":[],\"rate_limits\":[],\"services\":[]}");
}

static void test_run_waits__a_rate_limit_says_until_when(void **state)
{
    (void)state;
    start("type: toy.task, rate_limit: 1/minute", "");
    start("type: toy.task, rate_limit: 1/minute", "");
    start("type: toy.task, rate_limit: 1/minute", "");
    assert_string_equal(waits_of(2), "{\"waits\":[{\"path\":\"a\",\"for\":\"rate_limit\","
                                     "\"until\":\"2023-11-14T22:14:20.000Z\",\"event\":null,"
                                     "\"scope\":\"toy 1/minute\",\"frozen\":false}],"
                                     "\"left_out\":0}");
    assert_string_equal(queues(), "{\"limits\":[],\"breakers\":[],\"rate_limits\":[{\"scope\":"
                                  "\"toy 1/minute\",\"until\":\"2023-11-14T22:14:20.000Z\","
                                  "\"frozen_until\":null,\"waiting\":2}],\"services\":[]}");
}

static void test_run_waits__a_service_that_wants_a_pause_is_no_rate(void **state)
{
    (void)state;
    struct toy_run *first = start("type: toy.task, rate_limit: 9/second, retry: off", "");
    toy_run_failed_with(first, "a",
                        "{\"code\":\"RATE_LIMITED\",\"message\":\"x\",\"retry_after_ms\":5000}");
    start("type: toy.task, rate_limit: 9/second", "");
    assert_string_equal(waits_of(2), "{\"waits\":[{\"path\":\"a\",\"for\":\"rate_limit\","
                                     "\"until\":\"2023-11-14T22:13:25.000Z\",\"event\":null,"
                                     "\"scope\":\"toy\",\"frozen\":true}],\"left_out\":0}");
}

#define BREAKER "circuit_breaker: {failure_threshold: 1}, retry: off"

static void test_run_waits__a_breaker_says_its_state(void **state)
{
    (void)state;
    struct toy_run *first = start("type: toy.task, " BREAKER, "");
    toy_run_failed(first, "a", "UNAVAILABLE");
    start("type: toy.task, " BREAKER, "");
    const char *text = waits_of(2);
    assert_non_null(strstr(text, "\"for\":\"breaker\",\"until\":\"2023-11-14T22:14:20.000Z\""));
    assert_non_null(strstr(text, "\"scope\":\"toy"));
    assert_non_null(strstr(text, "\"state\":\"open\"}],\"left_out\":0}"));
    assert_non_null(strstr(queues(), "\"breakers\":[{\"scope\":\"toy"));
    assert_non_null(strstr(queues(), "\"waiting\":1}],\"rate_limits\":[],\"services\":[]}"));
}

static void test_run_waits__who_waits_for_others_to_give_back_says_why(void **state)
{
    (void)state;
    start("type: toy.task, budget: {calls: 1}", "");
    spenders = 1;
    assert_string_equal(waits_of(1), "{\"waits\":[{\"path\":\"a\",\"for\":\"spending\",\"until\":"
                                     "null,\"event\":null,\"why\":\"there is \\\"little\\\"\"}],"
                                     "\"left_out\":0}");
    spenders = LOOP_WAITS_MOST + 2;
    assert_non_null(strstr(waits_of(1), "\"left_out\":2}"));
}

static void test_run_waits__what_is_too_much_is_left_out_and_said(void **state)
{
    (void)state;
    start("type: toy.task", "integrations: {toy: {max_concurrency: 1}}");
    start("for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], batch_size: 10, max_parallel: 10, nodes: ["
          "{id: b, for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], batch_size: 11, max_parallel: "
          "11, type: toy.task}]",
          "integrations: {toy: {max_concurrency: 1}}");
    struct strbuf out = STRBUF_INIT;
    loop_append_waits(&loop, 2, &out);
    assert_true(str_ends_with(strbuf_str(&out), STR("],\"left_out\":10}")));
    strbuf_finish(&out);
}

/* ---- who looks ---- */

static int asks; /* of who watches all */
static int tells;
static char last_told[1024];

static void on_asked(void *user)
{
    (void)user;
    asks++;
}

static void on_waits(void *user, struct str waits)
{
    (void)user;
    tells++;
    (void)snprintf(last_told, sizeof(last_told), "%.*s", STR_ARG(waits));
}

/* The timer fires. */
static void turn(void)
{
    assert_int_equal(uv_run(&loop.uv, UV_RUN_DEFAULT), 0);
}

static void test_run_waits__nobody_who_looks_costs_no_timer(void **state)
{
    (void)state;
    run_waits_note(&loop.waits_told);
    assert_false(uv_is_active((uv_handle_t *)&loop.waits_told.timer));
}

static void test_run_waits__who_looks_is_told_once_for_many_decisions(void **state)
{
    (void)state;
    asks = tells = 0;
    start("type: toy.task, rate_limit: 1/minute", "");
    start("type: toy.task, rate_limit: 1/minute", "");
    runs[1].observer.on_waits = on_waits;
    loop.waits_told.is_observed = true;
    loop_watch_waits(&loop, on_asked, NULL);
    run_waits_note(&loop.waits_told);
    run_waits_note(&loop.waits_told);
    assert_int_equal(asks, 0);
    turn();
    assert_int_equal(asks, 1);
    assert_int_equal(tells, 1);
    assert_string_equal(last_told, waits_of(2));
    runs[1].is_ended = true;
    run_waits_note(&loop.waits_told);
    turn();
    assert_int_equal(asks, 2);
    assert_int_equal(tells, 1);
    loop.is_leaving = true;
    run_waits_note(&loop.waits_told);
    turn();
    assert_int_equal(asks, 2);
}

/* ---- who asks a breaker ---- */

static void test_run_waits__a_run_asks_the_breakers_of_its_services(void **state)
{
    (void)state;
    start("type: web.task, config: {url: 'https://a.example/'}", "");
    assert_true(loop_run_asks(&loop, 1, STR("web https://a.example:443")));
    assert_false(loop_run_asks(&loop, 1, STR("web https://b.example:443")));
    assert_false(loop_run_asks(&loop, 99, STR("web https://a.example:443")));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_run_waits__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(who_waits_for_nothing_has_an_empty_list),
        CASE(a_permit_names_its_scope),
        CASE(a_rate_limit_says_until_when),
        CASE(a_service_that_wants_a_pause_is_no_rate),
        CASE(a_breaker_says_its_state),
        CASE(who_waits_for_others_to_give_back_says_why),
        CASE(what_is_too_much_is_left_out_and_said),
        CASE(nobody_who_looks_costs_no_timer),
        CASE(who_looks_is_told_once_for_many_decisions),
        CASE(a_run_asks_the_breakers_of_its_services),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
