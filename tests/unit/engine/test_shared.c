/* SPDX-License-Identifier: Apache-2.0 */
/* The limits that all runs share: as they are shown, lifted by hand, and forgotten. */
#include "tests/unit/engine/world.h"

#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/dispatch.h"
#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/engine/service.h"
#include "core/engine/waits.h"
#include "core/model/pipeline.h"
#include "tests/support/pipeline_fixture.h"

#define A     "https://a.example/x"
#define A_KEY "web https://a.example:443"

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

static struct toy_run *start(const char *rate)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\nnodes:\n  - {id: a, type: web.task, config: {url: '" A "'}%s}\n", rate);
    return toy_world_run(&world, yaml, NULL);
}

static void call(const struct toy_run *run, struct call *out)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    *out = (struct call){.ticket = {.owner = out,
                                    .run = run->run,
                                    .node = pipeline_fixture_node(run_pipeline(run->run), "a")}};
    assert_int_equal(engine_want_call(world.engine, &out->ticket, STR(A), world.now, &batch, &err),
                     0);
    toy_world_take(&world, &batch);
    let_go();
}

static void answer(struct call *call, int64_t frozen_until)
{
    const struct engine_call_end end = {.frozen_until = frozen_until};
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    assert_int_equal(engine_end_call(world.engine, &call->ticket, &end, world.now, &batch, &err),
                     0);
    toy_world_take(&world, &batch);
    let_go();
}

static int reset(const char *key)
{
    struct batch batch = BATCH_INIT;
    struct error err = {0};
    int status = engine_reset_limit(world.engine, str_from(key), world.now, &batch, &err);
    toy_world_take(&world, &batch);
    let_go();
    return status;
}

static void prune(size_t most)
{
    struct batch batch = BATCH_INIT;
    assert_int_equal(engine_prune_limits(world.engine, most, world.now, &batch), 0);
    toy_world_take(&world, &batch);
}

/* How many limits are durable. */
static size_t kept(void)
{
    size_t count = 0;
    for (size_t i = 0; i < world.scope_count; i++) {
        count += world.scopes[i].state != NULL ? 1 : 0;
    }
    return count;
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

/* ---- lifted ---- */

static void test_shared__a_person_lifts_a_freeze(void **state)
{
    (void)state;
    const struct toy_run *run = start("");
    struct call calls[2];
    struct engine_limiter limit;
    call(run, &calls[0]);
    assert_false(find(A_KEY, &limit)); /* there is nothing to say of it */
    answer(&calls[0], world.now + 30000);
    call(run, &calls[1]);
    assert_false(calls[1].is_out);
    assert_true(find(A_KEY, &limit));
    assert_int_equal(limit.frozen_until, world.now + 30000);
    assert_int_equal(limit.waiting, 1);
    assert_int_equal(kept(), 1);
    assert_int_equal(reset(A_KEY), 0);
    assert_true(calls[1].is_out);
    assert_int_equal(kept(), 0);
    answer(&calls[1], 0);
    toy_world_restart(&world);
    call(toy_world_find(&world, "run1"), &calls[0]);
    assert_true(calls[0].is_out);
    answer(&calls[0], 0);
}

static void test_shared__a_service_is_lifted_with_its_rates_and_a_rate_alone(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 60/hour, burst: 1}");
    struct call calls[4];
    for (size_t i = 0; i < 4; i++) {
        call(run, &calls[i]);
    }
    assert_true(calls[0].is_out && !calls[1].is_out);
    assert_int_equal(reset(A_KEY " 60/hour burst 1"), 0);
    assert_true(calls[1].is_out && !calls[2].is_out);
    assert_int_equal(reset(A_KEY), 0);
    assert_true(calls[2].is_out && !calls[3].is_out);
    answer(&calls[0], world.now + 30000);
    assert_int_equal(reset(A_KEY " 60/hour burst 1"), 0);
    assert_false(calls[3].is_out); /* the service is frozen all the same */
    for (size_t i = 1; i < 4; i++) {
        answer(&calls[i], 0);
    }
}

static void test_shared__what_is_not_there_cannot_be_lifted(void **state)
{
    (void)state;
    assert_int_equal(reset(A_KEY), E_NOT_FOUND);
}

static void test_shared__a_rate_is_told_from_a_credential(void **state)
{
    (void)state;
    assert_true(service_is_rate(STR(A_KEY), STR(A_KEY " 5/second")));
    assert_true(service_is_rate(STR(A_KEY), STR(A_KEY " 12/90000ms burst 3")));
    assert_false(service_is_rate(STR(A_KEY), STR(A_KEY)));
    assert_false(service_is_rate(STR(A_KEY), STR(A_KEY " ")));
    assert_false(service_is_rate(STR(A_KEY), STR(A_KEY " 5")));
    assert_true(service_is_rate(STR(A_KEY), STR(A_KEY " /search")));
    assert_false(service_is_rate(STR(A_KEY), STR(A_KEY " /")));
    assert_false(service_is_rate(STR(A_KEY), STR(A_KEY " TOKEN /search")));
    assert_false(service_is_rate(STR(A_KEY), STR(A_KEY " TOKEN")));
    assert_false(service_is_rate(STR(A_KEY), STR(A_KEY " TOKEN 5/second")));
    assert_false(service_is_rate(STR(A_KEY), STR(A_KEY "1 5/second")));
}

/* ---- forgotten ---- */

static void test_shared__what_bounds_nothing_any_more_is_not_kept(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 60/minute, burst: 1}");
    struct call calls[2];
    call(run, &calls[0]);
    answer(&calls[0], world.now + 30000);
    assert_int_equal(kept(), 2);
    toy_world_pass(&world, 1500);
    prune(9); /* saved a second ahead */
    assert_int_equal(kept(), 2);
    toy_world_pass(&world, 501);
    prune(9);
    assert_int_equal(kept(), 1);
    toy_world_pass(&world, 28000);
    toy_world_restart(&world);
    prune(0);
    assert_int_equal(kept(), 1);
    prune(9);
    assert_int_equal(kept(), 0);
    run = toy_world_find(&world, "run1");
    call(run, &calls[0]); /* and it is kept again */
    call(run, &calls[1]);
    assert_true(calls[0].is_out && !calls[1].is_out);
    assert_int_equal(kept(), 1);
    toy_world_pass(&world, 500000);
    answer(&calls[0], 0);
    answer(&calls[1], 0);
}

/* ---- counted ---- */

static void test_shared__who_was_let_go_and_who_was_delayed_is_counted(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 60/minute, burst: 2}");
    struct call calls[4];
    struct engine_limiter limit;
    for (size_t i = 0; i < 4; i++) {
        call(run, &calls[i]);
    }
    assert_true(find(A_KEY " 60/minute burst 2", &limit));
    assert_int_equal(limit.allowed, 2);
    assert_int_equal(limit.delayed, 2);
    toy_world_pass(&world, 4000);
    let_go();
    assert_true(find(A_KEY " 60/minute burst 2", &limit));
    assert_int_equal(limit.allowed, 4);
    assert_int_equal(limit.delayed, 2);
    for (size_t i = 0; i < 4; i++) {
        answer(&calls[i], 0);
    }
}

static void test_shared__a_permit_that_was_waited_for_is_counted_once(void **state)
{
    (void)state;
    struct toy_run *runs[4];
    const void *cursor = NULL;
    struct engine_limit limit;
    for (size_t i = 0; i < 4; i++) {
        runs[i] = toy_world_run(&world,
                                "id: p\nintegrations: {toy: {max_concurrency: 1}}\n"
                                "nodes: [{id: a, type: toy.task}]\n",
                                NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        toy_run_done(runs[i], "a", "{}");
    }
    while (engine_next_limit(world.engine, &cursor, &limit) &&
           !str_equal_text(limit.scope, "plugin toy")) {
    }
    assert_int_equal(limit.allowed, 3);
    assert_int_equal(limit.delayed, 3);
    assert_int_equal(limit.waiting, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_shared__a_person_lifts_a_freeze),
        WITH_WORLD(test_shared__a_service_is_lifted_with_its_rates_and_a_rate_alone),
        WITH_WORLD(test_shared__what_is_not_there_cannot_be_lifted),
        WITH_WORLD(test_shared__a_rate_is_told_from_a_credential),
        WITH_WORLD(test_shared__what_bounds_nothing_any_more_is_not_kept),
        WITH_WORLD(test_shared__who_was_let_go_and_who_was_delayed_is_counted),
        WITH_WORLD(test_shared__a_permit_that_was_waited_for_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
