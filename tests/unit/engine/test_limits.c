/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits of nodes, and of the calls that tasks make, through the engine. */
#include "tests/unit/engine/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/dispatch.h"
#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/engine/resource.h"
#include "core/engine/waits.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/random.h"

static struct toy_run *start(const char *node, const char *integrations)
{
    char yaml[1024];
    (void)snprintf(yaml, sizeof(yaml), "id: p\nintegrations: {%s}\nnodes:\n  - {id: a, %s}\n",
                   integrations, node);
    return toy_world_run(&world, yaml, NULL);
}

static bool find(const char *key, struct engine_limiter *out)
{
    const void *cursor = NULL;
    while (engine_next_limiter(world.engine, &cursor, world.now, out)) {
        if (str_equal_text(out->key, key)) {
            return true;
        }
    }
    return false;
}

static uint32_t live_of(struct toy_run *const *runs, size_t count)
{
    uint32_t live = 0;
    for (size_t i = 0; i < count; i++) {
        live += toy_run_is_live(runs[i], "a") ? 1u : 0u;
    }
    return live;
}

/* ---- nodes ---- */

static void test_limits__attempts_wait_for_their_turn_in_order(void **state)
{
    (void)state;
    struct toy_run *runs[5];
    struct engine_limiter limit;
    for (size_t i = 0; i < 5; i++) {
        runs[i] = start("type: toy.task, rate_limit: {rate: 60/minute, burst: 1}", "");
    }
    assert_true(toy_run_is_live(runs[0], "a"));
    for (size_t i = 1; i < 5; i++) {
        assert_state(runs[i], "a", "queued");
        toy_world_pass(&world, 999);
        assert_state(runs[i], "a", "queued");
        toy_world_pass(&world, 1);
        assert_true(toy_run_is_live(runs[i], "a"));
    }
    assert_true(find("toy 60/minute burst 1", &limit));
    assert_int_equal(limit.waiting, 0);
    assert_int_equal(limit.left, 0);
    assert_int_equal(limit.next_at, world.now + 1000);
    assert_int_equal(limit.settings.limit, 60);
}

static void test_limits__a_retry_is_a_call_too(void **state)
{
    (void)state;
    struct toy_run *run = start("type: toy.task, rate_limit: {rate: 6/minute, burst: 1},"
                                " retry: {initial_interval: 1s, jitter: none}",
                                "");
    toy_run_failed(run, "a", "UNAVAILABLE");
    toy_world_pass(&world, 1000);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 9000);
    assert_true(toy_run_is_live(run, "a"));
    assert_int_equal(toy_run_view(run, "a").attempt, 2);
}

static void test_limits__of_node_and_integration_the_strictest_holds(void **state)
{
    (void)state;
    struct toy_run *own[3];
    struct toy_run *plain[3];
    for (size_t i = 0; i < 3; i++) {
        own[i] = start("type: toy.task, rate_limit: 2/hour",
                       "toy: {rate_limit: {rate: 2/minute, burst: 1}}");
        plain[i] = start("type: toy.task", "toy: {rate_limit: {rate: 2/minute, burst: 1}}");
    }
    toy_world_pass(&world, 60000);
    assert_int_equal(live_of(own, 3), 1);
    assert_int_equal(live_of(plain, 3), 2); /* what the others do counts with them */
    toy_world_pass(&world, 30000);
    assert_int_equal(live_of(plain, 3), 3);
    assert_int_equal(live_of(own, 3), 1);
    toy_world_pass(&world, 3600000);
    assert_int_equal(live_of(own, 3), 3);
}

static void test_limits__off_means_none(void **state)
{
    (void)state;
    struct toy_run *runs[20];
    for (size_t i = 0; i < 20; i++) {
        runs[i] = start("type: toy.task, rate_limit: off", "toy: {rate_limit: 1/hour}");
    }
    assert_int_equal(live_of(runs, 20), 20);
}

static void test_limits__a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct toy_run *first = start("type: toy.task, rate_limit: 1/hour", "");
    struct toy_run *second = start("type: toy.task, rate_limit: 1/hour", "");
    struct toy_run *third = start("type: toy.task, rate_limit: 1/hour", "");
    assert_true(toy_run_is_live(first, "a"));
    toy_run_cancel(second);
    assert_ended(second, "cancelled");
    toy_world_pass(&world, 3600000);
    assert_true(toy_run_is_live(third, "a"));
}

#define SLOW_DOWN(ms) "{\"code\":\"RATE_LIMITED\",\"message\":\"x\",\"retry_after_ms\":" #ms "}"

static void test_limits__a_service_that_wants_a_pause_gets_one(void **state)
{
    (void)state;
    const char *const node = "type: toy.task, rate_limit: 100/second, retry: off";
    struct engine_limiter limit;
    struct toy_run *run = start(node, "");
    toy_run_failed_with(run, "a", SLOW_DOWN(5000));
    assert_ended(run, "failed");
    assert_true(find("toy", &limit));
    assert_true(limit.frozen_until > world.now);
    assert_int_equal(limit.next_at, world.now + 5000);
    struct toy_run *other = start("type: toy.task, rate_limit: 7/second", "");
    struct toy_run *unlimited = start("type: toy.task", ""); /* of another script */
    assert_state(other, "a", "queued");
    assert_true(toy_run_is_live(unlimited, "a"));
    toy_world_pass(&world, 4999);
    assert_state(other, "a", "queued");
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(other, "a"));
    run = start(node, "");
    toy_run_failed_with(run, "a", SLOW_DOWN(999999999999));
    run = start(node, "");
    toy_world_pass(&world, 3599999);
    assert_state(run, "a", "queued");
    toy_world_pass(&world, 1);
    assert_true(toy_run_is_live(run, "a"));
    toy_run_failed_with(run, "a", SLOW_DOWN(-5));
    assert_true(toy_run_is_live(start(node, ""), "a"));
}

static void test_limits__a_restart_forgets_nothing(void **state)
{
    (void)state;
    struct toy_run *runs[3];
    for (size_t i = 0; i < 3; i++) {
        runs[i] = start("type: toy.task, retry: off, rate_limit: {rate: 2/minute, burst: 1}", "");
    }
    toy_run_done(runs[0], "a", "{}");
    toy_world_pass(&world, 10000);
    toy_world_restart(&world);
    toy_world_pass(&world, 19999);
    for (size_t i = 1; i < 3; i++) {
        runs[i] = toy_world_find(&world, i == 1 ? "run2" : "run3");
    }
    assert_int_equal(live_of(runs + 1, 2), 0);
    toy_world_pass(&world, 1001); /* at most a second later than without */
    assert_int_equal(live_of(runs + 1, 2), 1);
    toy_world_pass(&world, 30000);
    assert_int_equal(live_of(runs + 1, 2), 2);
}

/* ---- calls that tasks make ---- */

struct call {
    struct dispatch_ticket ticket;
    bool is_out;
};

static void let_go(void)
{
    struct dispatch_ticket *ticket = NULL;
    while ((ticket = engine_next_call(world.engine)) != NULL) {
        ((struct call *)ticket->owner)->is_out = true;
    }
}

static void call(const struct toy_run *run, const char *url, struct call *out)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    *out = (struct call){.ticket = {.owner = out,
                                    .run = run->run,
                                    .node = pipeline_fixture_node(run_pipeline(run->run), "a")}};
    assert_int_equal(
        engine_want_call(world.engine, &out->ticket, str_from(url), world.now, &batch, &err), 0);
    toy_world_take(&world, &batch);
    let_go();
}

static void answer_with(struct call *call, struct engine_call_end end)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    assert_int_equal(engine_end_call(world.engine, &call->ticket, &end, world.now, &batch, &err),
                     0);
    toy_world_take(&world, &batch);
    let_go();
}

static void answer(struct call *call)
{
    answer_with(call, (struct engine_call_end){0});
}

static void pass(int64_t ms)
{
    toy_world_pass(&world, ms);
    let_go();
}

#define A "https://a.example/x"
#define B "https://b.example/x"

static void test_limits__calls_are_asked_one_by_one(void **state)
{
    (void)state;
    struct toy_run *run = start(
        "type: web.task, config: {url: '" A "'}, rate_limit: {rate: 60/minute, burst: 2}", "");
    struct call calls[5];
    struct call other;
    struct engine_call_wait wait;
    assert_true(toy_run_is_live(run, "a")); /* the start of the node asks for nothing */
    for (size_t i = 0; i < 5; i++) {
        call(run, A, &calls[i]);
    }
    call(run, B, &other); /* another service, as that node sees it */
    assert_true(calls[0].is_out && calls[1].is_out && !calls[2].is_out && other.is_out);
    assert_true(engine_call_waits(&calls[2].ticket, &wait));
    assert_true(str_equal_text(wait.key, "web https://a.example:443 60/minute burst 2"));
    assert_false(engine_call_waits(&calls[0].ticket, &wait));
    answer(&calls[3]); /* it is given up */
    pass(wait.next_at - world.now - 1);
    assert_false(calls[2].is_out);
    pass(1);
    assert_true(calls[2].is_out && !calls[4].is_out);
    pass(1100);
    assert_true(calls[4].is_out);
    answer(&calls[0]);
    answer(&calls[1]);
    answer(&calls[2]);
    answer(&calls[4]);
    answer(&other);
}

static void note_wait(void *user, const struct engine_wait *wait)
{
    struct strbuf *text = user;
    strbuf_append_format(text, "%u %s %.*s %lld\n", wait->node, engine_wait_name(wait->kind),
                         STR_ARG(wait->scope), (long long)(wait->until - world.now));
}

static void test_limits__what_waits_is_seen(void **state)
{
    (void)state;
    struct toy_run *run = start(
        "type: web.task, config: {url: '" A "'}, rate_limit: {rate: 60/minute, burst: 1}", "");
    struct toy_run *node = start("type: toy.task, rate_limit: 1/minute", "");
    struct toy_run *other = start("type: toy.task, rate_limit: 1/minute", "");
    struct call calls[2];
    struct strbuf text = STRBUF_INIT;
    call(run, A, &calls[0]);
    call(run, A, &calls[1]);
    assert_int_equal(engine_each_wait(world.engine, node->run, 9, note_wait, &text), 0);
    assert_int_equal(text.n, 0);
    assert_int_equal(engine_each_wait(world.engine, other->run, 9, note_wait, &text), 0);
    assert_int_equal(engine_each_wait(world.engine, run->run, 9, note_wait, &text), 0);
    assert_string_equal(text.p, "0 rate_limit toy 1/minute 60000\n"
                                "0 rate_limit web https://a.example:443 60/minute burst 1 1000\n");
    assert_int_equal(engine_waiting(world.engine), 2);
    answer(&calls[0]);
    answer(&calls[1]);
    assert_int_equal(engine_waiting(world.engine), 1);
    strbuf_finish(&text);
}

static void test_limits__a_service_has_25_calls_and_all_have_512(void **state)
{
    (void)state;
    struct toy_run *run = start("type: web.task, config: {url: '" A "'}", "");
    static struct call calls[30 * 25];
    size_t out = 0;
    for (size_t i = 0; i < 30 * 25; i++) {
        char url[64];
        (void)snprintf(url, sizeof(url), "https://%zu.example/", i / 25);
        call(run, url, &calls[i]);
        out += calls[i].is_out ? 1 : 0;
    }
    assert_int_equal(out, 512);
    for (size_t i = 0; i < 512; i++) {
        answer(&calls[i]);
    }
    struct call more[26];
    for (size_t i = 0; i < 26; i++) {
        call(run, A, &more[i]);
    }
    assert_true(calls[30 * 25 - 1].is_out && more[24].is_out && !more[25].is_out);
    answer(&more[3]);
    assert_true(more[25].is_out);
    for (size_t i = 0; i < 26; i++) {
        answer(&more[i]);
    }
    for (size_t i = 512; i < 30 * 25; i++) {
        answer(&calls[i]);
    }
}

static void test_limits__nodes_of_one_service_hold_back_no_other(void **state)
{
    (void)state;
    struct toy_run *runs[30];
    for (size_t i = 0; i < 30; i++) {
        runs[i] = start("type: web.task, config: {url: '" A "'}, rate_limit: 1/hour", "");
    }
    assert_int_equal(live_of(runs, 30), 25);
    struct toy_run *same = start("type: web.task, config: {url: '" A "'}", "");
    struct toy_run *other = start("type: web.task, config: {url: '" B "'}", "");
    assert_true(toy_run_is_live(same, "a"));
    assert_true(toy_run_is_live(other, "a"));
}

static void test_limits__a_freeze_needs_no_rate_and_outlives_a_restart(void **state)
{
    (void)state;
    struct toy_run *run = start("type: web.task, config: {url: '" A "'}", "");
    struct call first;
    struct call second;
    struct call other;
    call(run, A, &first);
    answer_with(&first, (struct engine_call_end){.frozen_until = world.now + 20000});
    call(run, "https://A.example:443/other", &second);
    call(run, B, &other);
    assert_false(second.is_out);
    assert_true(other.is_out);
    answer(&second);
    answer(&other);
    pass(5000);
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    call(run, A, &second);
    assert_false(second.is_out);
    pass(14999);
    assert_false(second.is_out);
    pass(1);
    assert_true(second.is_out);
    answer(&second);
}

static void test_limits__what_remains_lowers_what_is_left(void **state)
{
    (void)state;
    struct toy_run *run = start(
        "type: web.task, config: {url: '" A "'}, rate_limit: {rate: 60/minute, burst: 30}", "");
    struct call calls[4];
    call(run, A, &calls[0]);
    answer_with(&calls[0], (struct engine_call_end){.has_remaining = true, .remaining = 2});
    for (size_t i = 1; i < 4; i++) {
        call(run, A, &calls[i]);
    }
    assert_true(calls[1].is_out && calls[2].is_out && !calls[3].is_out);
    for (size_t i = 1; i < 4; i++) {
        answer(&calls[i]);
    }
}

static struct engine_call_end said(uint32_t remaining, int64_t reset_ms)
{
    return (struct engine_call_end){
        .has_remaining = true, .remaining = remaining, .reset_at = world.now + reset_ms};
}

static void test_limits__a_service_that_counts_needs_no_rate(void **state)
{
    (void)state;
    struct toy_run *run = start("type: web.task, config: {url: '" A "'}", "");
    struct call calls[6];
    struct call other;
    call(run, A, &calls[0]);
    answer_with(&calls[0], said(2, 30000));
    for (size_t i = 1; i < 5; i++) {
        call(run, A, &calls[i]);
    }
    call(run, B, &other);
    assert_true(calls[1].is_out && calls[2].is_out && !calls[3].is_out && other.is_out);
    answer(&other);
    answer_with(&calls[1], said(1, 30000)); /* the second may be the one */
    assert_false(calls[3].is_out);
    answer_with(&calls[2], said(1, 30000)); /* it was not counted there yet: one is left */
    assert_true(calls[3].is_out && !calls[4].is_out);
    answer_with(&calls[3], said(0, 30000));
    pass(29999);
    assert_false(calls[4].is_out);
    pass(1);
    assert_true(calls[4].is_out);
    answer_with(&calls[4], said(99, 30000)); /* a new one */
    call(run, A, &calls[5]);
    assert_true(calls[5].is_out);
    answer(&calls[5]);
}

static void test_limits__that_nothing_remains_outlives_a_restart(void **state)
{
    (void)state;
    struct toy_run *run = start("type: web.task, config: {url: '" A "'}", "");
    struct engine_limiter limit;
    struct call first;
    call(run, A, &first);
    answer_with(&first, said(0, 30000));
    assert_true(find("web https://a.example:443", &limit));
    assert_int_equal(limit.frozen_until, world.now + 30000);
    toy_world_restart(&world);
    call(toy_world_find(&world, "run1"), A, &first);
    assert_false(first.is_out);
    pass(30000);
    assert_true(first.is_out);
    answer(&first);
}

/* ---- a service that counts in several windows ---- */

#define CORE   "https://a.example/repos/x"
#define SEARCH "https://a.example/search/issues"

static struct engine_call_end said_of(const char *resource, uint32_t remaining, int64_t reset_ms)
{
    struct engine_call_end end = said(remaining, reset_ms);
    end.resource = str_from(resource);
    return end;
}

/* Both have been answered before. */
static struct toy_run *start_known(const char *rate)
{
    char node[256];
    (void)snprintf(node, sizeof(node), "type: web.task, config: {url: '" A "'}%s", rate);
    struct toy_run *run = start(node, "");
    struct call first;
    call(run, CORE, &first);
    answer_with(&first, said_of("core", 9, 3600000));
    call(run, SEARCH "?q=1", &first);
    answer_with(&first, said_of("search", 9, 60000));
    return run;
}

static void test_limits__what_is_spent_of_one_resource_holds_no_other(void **state)
{
    (void)state;
    struct toy_run *run = start_known("");
    struct call core;
    struct call search;
    call(run, CORE, &core);
    answer_with(&core, said_of("core", 0, 3600000));
    call(run, CORE, &core);
    call(run, SEARCH "?q=2", &search);
    assert_true(!core.is_out && search.is_out);
    answer_with(&search, said_of("search", 0, 60000));
    call(run, SEARCH "?q=3", &search);
    assert_false(search.is_out);
    pass(60000);
    assert_true(!core.is_out && search.is_out);
    answer(&search);
    pass(3600000 - 60000);
    assert_true(core.is_out);
    answer(&core);
}

/* Only a call can tell: until then it counts as one of the usual ones. */
static void test_limits__a_call_of_unknown_resource_is_a_usual_one(void **state)
{
    (void)state;
    struct toy_run *run = start("type: web.task, config: {url: '" A "'}", "");
    struct call calls[3];
    call(run, SEARCH, &calls[0]); /* before anything was named */
    call(run, CORE, &calls[1]);
    answer_with(&calls[1], said_of("core", 0, 3600000));
    call(run, CORE, &calls[1]);
    call(run, SEARCH, &calls[2]);
    assert_true(!calls[1].is_out && !calls[2].is_out);
    answer_with(&calls[0], said_of("search", 9, 60000)); /* now it is known, for who waits, too */
    assert_true(!calls[1].is_out && calls[2].is_out);
    answer_with(&calls[2], said_of("core", 0, 3600000)); /* it has changed */
    call(run, SEARCH, &calls[2]);
    assert_false(calls[2].is_out);
    pass(3600000);
    answer(&calls[1]);
    answer(&calls[2]);
}

/* A call that waits for a permit is asked again when more is known. */
static void test_limits__who_waits_for_a_permit_learns_of_a_resource(void **state)
{
    (void)state;
    struct toy_run *run = start("type: web.task, config: {url: '" A "'}", "");
    struct call calls[26];
    for (size_t i = 0; i < 26; i++) {
        call(run, CORE, &calls[i]);
    }
    assert_false(calls[25].is_out);
    answer_with(&calls[0], said_of("core", 0, 60000));
    assert_false(calls[25].is_out);
    for (size_t i = 1; i < 25; i++) {
        answer(&calls[i]);
    }
    assert_false(calls[25].is_out);
    pass(60000);
    assert_true(calls[25].is_out);
    answer(&calls[25]);
}

static void test_limits__a_spent_resource_outlives_a_restart_and_is_lifted(void **state)
{
    (void)state;
    struct toy_run *run = start_known("");
    struct engine_limiter limit;
    struct call core;
    call(run, CORE, &core);
    answer_with(&core, said_of("core", 0, 30000));
    assert_true(find("web https://a.example:443 /core", &limit));
    assert_int_equal(limit.frozen_until, world.now + 30000);
    assert_true(engine_is_rate_of(STR("web https://a.example:443"), limit.key));
    assert_true(find("web https://a.example:443", &limit));
    assert_int_equal(limit.frozen_until, 0);
    toy_world_restart(&world);
    run = toy_world_find(&world, "run1");
    call(run, CORE, &core);
    assert_false(core.is_out);
    struct batch batch = BATCH_INIT;
    assert_int_equal(
        engine_reset_limit(world.engine, STR("web https://a.example:443"), world.now, &batch, NULL),
        0);
    toy_world_take(&world, &batch);
    let_go();
    assert_true(core.is_out);
    answer(&core);
}

/* What a person wrote down is what most calls are about. */
static void test_limits__rates_are_lowered_by_the_usual_resource(void **state)
{
    (void)state;
    struct toy_run *run = start_known(", rate_limit: {rate: 600/minute, burst: 300}");
    struct engine_limiter limit;
    struct call other;
    assert_true(find("web https://a.example:443 600/minute burst 300", &limit));
    assert_int_equal(limit.left, 8); /* 9 were, and one has gone since */
    call(run, SEARCH, &other);
    answer_with(&other, said_of("search", 0, 60000));
    assert_true(find("web https://a.example:443 600/minute burst 300", &limit));
    assert_int_equal(limit.left, 7);
}

/* More names, and more paths, than are kept: all go on. */
static void test_limits__what_is_learned_is_bounded(void **state)
{
    (void)state;
    struct toy_run *run = start_known("");
    struct call other;
    struct engine_limiter limit;
    for (uint32_t i = 0; i < 100; i++) {
        char url[64];
        char name[16];
        (void)snprintf(url, sizeof(url), "https://a.example/p%u", (unsigned)i);
        (void)snprintf(name, sizeof(name), "r%u", (unsigned)(i % 20));
        call(run, url, &other);
        assert_true(other.is_out);
        answer_with(&other, said_of(name, 0, 60000));
        call(run, url, &other);
        assert_int_equal(other.is_out, i % 20 >= RESOURCES_MOST - 2);
        answer(&other);
    }
    assert_true(find("web https://a.example:443 /r13", &limit));
    assert_false(find("web https://a.example:443 /r14", &limit));
}

/* ---- days of it ---- */

enum { MOST_CALLS = 400000 };

struct days {
    struct random random;
    struct engine *engine;
    struct pipeline *pipeline;
    struct run *run;
    int64_t now;
    char *saved[2]; /* of two limits: what is durable */
    char *keys[2];
    int64_t *out; /* when calls went out */
    size_t count;
};

static void keep(struct days *days, const struct batch *batch)
{
    for (size_t i = 0; i < batch->scope_count; i++) {
        const struct scope_change *change = &batch->scopes[i];
        struct strbuf text = STRBUF_INIT;
        size_t at = days->keys[0] == NULL || str_equal_text(change->key, days->keys[0]) ? 0 : 1;
        json_write(document_root(change->state), JSON_COMPACT, &text);
        free(days->saved[at]);
        free(days->keys[at]);
        days->saved[at] = str_dup(strbuf_str(&text));
        days->keys[at] = str_dup(change->key);
        strbuf_finish(&text);
    }
}

static void begin_life(struct days *days)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    const struct engine_options options = {0};
    assert_int_equal(engine_create(&options, &days->engine, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        if (days->keys[i] != NULL) {
            assert_int_equal(engine_restore_limiter(days->engine, str_from(days->keys[i]),
                                                    str_from(days->saved[i]), days->now, &err),
                             0);
        }
    }
    assert_int_equal(engine_start(days->engine,
                                  &(struct run_options){.pipeline = days->pipeline, .id = STR("r")},
                                  days->now, &batch, &days->run, &err),
                     0);
    batch_finish(&batch);
}

/* Those that may go, when what they need is durable: then they count. */
static void note_out(struct days *days, struct batch *batch, bool is_durable)
{
    struct dispatch_ticket *ticket = NULL;
    if (is_durable) {
        keep(days, batch);
    }
    bool may_go = is_durable || batch->scope_count == 0;
    while ((ticket = engine_next_call(days->engine)) != NULL) {
        if (may_go) {
            assert_true(days->count < MOST_CALLS);
            days->out[days->count++] = days->now;
        }
        struct batch next = BATCH_INIT;
        struct error err = {0};
        assert_int_equal(engine_end_call(days->engine, ticket, &(struct engine_call_end){0},
                                         days->now, &next, &err),
                         0);
        batch_finish(&next);
    }
    batch_finish(batch);
}

/* Calls, of which at most `most` wait, in bursts and at times one by one, for a part of a day. */
static void live(struct days *days, struct call *calls, size_t most)
{
    int64_t end = days->now + 60000 + (int64_t)random_below(&days->random, 4 * 3600 * 1000);
    bool is_steady = random_percent(&days->random, 50);
    while (days->now < end) {
        struct batch batch = BATCH_INIT;
        struct error err = {0};
        for (size_t i = 0; i < most; i++) {
            bool is_free = calls[i].ticket.state == DISPATCH_IDLE;
            if (is_free && (is_steady || random_percent(&days->random, 20))) {
                calls[i] = (struct call){.ticket = {.owner = &calls[i], .run = days->run}};
                assert_int_equal(engine_want_call(days->engine, &calls[i].ticket, STR(A), days->now,
                                                  &batch, &err),
                                 0);
            }
        }
        note_out(days, &batch, true);
        int64_t due = engine_next_due(days->engine);
        int64_t pause = is_steady ? 1000 : (int64_t)random_below(&days->random, 1200000);
        int64_t later = days->now + 1 + pause;
        bool is_due = due < later;
        days->now = is_due ? (due > days->now ? due : days->now + 1) : later;
        assert_int_equal(engine_tick(days->engine, days->now, &batch, &err), 0);
        note_out(days, &batch, true);
    }
}

/* The last calls before it may have been let go while what they need was not durable yet. */
static void die(struct days *days, struct call *calls, size_t most)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    struct call last = {.ticket = {.owner = &last, .run = days->run}};
    for (size_t i = 0; i < most; i++) {
        assert_int_equal(engine_end_call(days->engine, &calls[i].ticket,
                                         &(struct engine_call_end){0}, days->now, &batch, &err),
                         0);
        batch_finish(&batch);
        calls[i] = (struct call){0};
    }
    assert_int_equal(engine_want_call(days->engine, &last.ticket, STR(A), days->now, &batch, &err),
                     0);
    note_out(days, &batch, false);
    if (last.ticket.state != DISPATCH_IDLE) {
        assert_int_equal(engine_end_call(days->engine, &last.ticket, &(struct engine_call_end){0},
                                         days->now, &batch, &err),
                         0);
        batch_finish(&batch);
    }
    engine_destroy(days->engine);
    days->now += random_percent(&days->random, 50) ? 0 : random_below(&days->random, 600000);
}

/* No span of the period has more than the limit. */
static void check_windows(const struct days *days, size_t limit, int64_t period_ms)
{
    for (size_t i = limit; i < days->count; i++) {
        int64_t span = days->out[i] - days->out[i - limit];
        if (span < period_ms) {
            fail_msg("call %zu came %lld ms after the one %zu before", i, (long long)span, limit);
        }
    }
}

static void live_for_days(const char *rate, size_t limit, uint64_t seed)
{
    char yaml[256];
    struct call calls[40] = {0};
    struct days days = {.random = {seed}, .now = INT64_C(1700000000000)};
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\nintegrations: {web: {rate_limit: 9/second}}\n"
                   "nodes: [{id: a, type: web.task, rate_limit: %s, config: {url: '" A "'}}]\n",
                   rate);
    days.pipeline = pipeline_fixture_load(yaml);
    days.out = calloc(MOST_CALLS, sizeof(*days.out));
    assert_non_null(days.out);
    for (int life = 0; life < 24; life++) { /* two days and more */
        begin_life(&days);
        live(&days, calls, 40);
        die(&days, calls, 40);
    }
    check_windows(&days, limit, 3600000);
    check_windows(&days, 9, 1000);
    int64_t hours = (days.now - INT64_C(1700000000000)) / 3600000;
    assert_true(days.count > limit * (size_t)hours / 8); /* and it does let calls go */
    for (size_t i = 0; i < 2; i++) {
        free(days.saved[i]);
        free(days.keys[i]);
    }
    free(days.out);
    pipeline_unref(days.pipeline);
}

static void test_limits__no_hour_sees_more_over_days_with_restarts(void **state)
{
    (void)state;
    live_for_days("5000/hour", 5000, 1);
    live_for_days("1000/hour", 1000, 2);
    live_for_days("{rate: 1000/hour, burst: 500}", 1000, 3);
    live_for_days("{rate: 1000/hour, burst: 1}", 1000, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_limits__attempts_wait_for_their_turn_in_order),
        WITH_WORLD(test_limits__a_retry_is_a_call_too),
        WITH_WORLD(test_limits__of_node_and_integration_the_strictest_holds),
        WITH_WORLD(test_limits__off_means_none),
        WITH_WORLD(test_limits__a_cancel_ends_the_wait),
        WITH_WORLD(test_limits__a_service_that_wants_a_pause_gets_one),
        WITH_WORLD(test_limits__a_restart_forgets_nothing),
        WITH_WORLD(test_limits__calls_are_asked_one_by_one),
        WITH_WORLD(test_limits__what_waits_is_seen),
        WITH_WORLD(test_limits__a_service_has_25_calls_and_all_have_512),
        WITH_WORLD(test_limits__nodes_of_one_service_hold_back_no_other),
        WITH_WORLD(test_limits__a_freeze_needs_no_rate_and_outlives_a_restart),
        WITH_WORLD(test_limits__what_remains_lowers_what_is_left),
        WITH_WORLD(test_limits__a_service_that_counts_needs_no_rate),
        WITH_WORLD(test_limits__that_nothing_remains_outlives_a_restart),
        WITH_WORLD(test_limits__what_is_spent_of_one_resource_holds_no_other),
        WITH_WORLD(test_limits__a_call_of_unknown_resource_is_a_usual_one),
        WITH_WORLD(test_limits__who_waits_for_a_permit_learns_of_a_resource),
        WITH_WORLD(test_limits__a_spent_resource_outlives_a_restart_and_is_lifted),
        WITH_WORLD(test_limits__rates_are_lowered_by_the_usual_resource),
        WITH_WORLD(test_limits__what_is_learned_is_bounded),
        cmocka_unit_test(test_limits__no_hour_sees_more_over_days_with_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
