/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/policy/rate_limit.h"
#include "core/policy/retry.h"
#include "tests/support/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define START           INT64_C(1700000000000)
#define HOUR            INT64_C(3600000)

/* 10 a second, 4 at once: then one each 1000/7 ms. */
static struct rate_settings settings;
static struct rate_limit state;

static int set_up(void **unused)
{
    (void)unused;
    settings = (struct rate_settings){.limit = 10, .period_ms = 1000, .burst = 4};
    state = (struct rate_limit){0};
    return 0;
}

static void take_burst(void)
{
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rate_limit_ask(&state, &settings, START), 0);
    }
}

static void test_rate_limit__admits_a_burst_and_then_one_after_the_other(void **unused)
{
    (void)unused;
    take_burst();
    assert_int_equal(rate_limit_ask(&state, &settings, START), 143); /* 142.857 */
    assert_int_equal(rate_limit_ask(&state, &settings, START + 142), 1);
    assert_int_equal(rate_limit_ask(&state, &settings, START + 143), 0);
    assert_int_equal(rate_limit_ask(&state, &settings, START + 143), 143); /* 285.714 */
    assert_int_equal(rate_limit_ask(&state, &settings, START + 286), 0);
}

static void test_rate_limit__table_of_waits_after_the_burst(void **unused)
{
    (void)unused;
    static const struct {
        struct rate_settings settings;
        uint32_t burst; /* that is admitted at once */
        int64_t wait_ms;
    } rows[] = {
        {{1, 1000, 1}, 1, 1000},
        {{2, 1000, 1}, 1, 500},
        {{3, 1000, 1}, 1, 334},
        {{3, 1000, 3}, 3, 1000},
        {{5000, HOUR, 500}, 500, 800}, /* 3,600 s / 4501 */
        {{1000, HOUR, 100}, 100, 3996},
        {{1000, HOUR, 0}, 1, 3600}, /* a burst is at least one */
        {{5, 1000, 9}, 5, 1000},    /* and at most the limit */
        {{1, 0, 1}, 1, 1},          /* a period is at least a millisecond */
        {{1, -5, 1}, 1, 1},
        {{1, INT64_MAX, 1}, 1, RATE_LIMIT_PERIOD_MAX_MS},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        state = (struct rate_limit){0};
        assert_int_equal(rate_limit_left(&state, &rows[i].settings, START), rows[i].burst);
        for (uint32_t call = 0; call < rows[i].burst; call++) {
            assert_int_equal(rate_limit_ask(&state, &rows[i].settings, START), 0);
        }
        assert_int_equal(rate_limit_left(&state, &rows[i].settings, START), 0);
        int64_t wait = rate_limit_ask(&state, &rows[i].settings, START);
        assert_int_equal(wait, rows[i].wait_ms);
        assert_int_equal(rate_limit_peek(&state, &rows[i].settings, START + wait - 1), 1);
        assert_int_equal(rate_limit_ask(&state, &rows[i].settings, START + wait), 0);
    }
}

static void test_rate_limit__without_a_limit_all_go(void **unused)
{
    (void)unused;
    settings = (struct rate_settings){0};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rate_limit_ask(&state, &settings, START), 0);
    }
    rate_limit_lower(&state, &settings, 0, START);
    rate_limit_give_back(&state, rate_limit_take(&state, &settings, START));
    assert_int_equal(rate_limit_left(&state, &settings, START), UINT32_MAX);
    assert_false(rate_limit_must_save(&state));
}

static void test_rate_limit__huge_settings_and_times_do_not_overflow(void **unused)
{
    (void)unused;
    static const struct rate_settings rows[] = {
        {UINT32_MAX, INT64_MAX, UINT32_MAX}, {UINT32_MAX, 1, 1},
        {UINT32_MAX, INT64_MAX, 1},          {1, INT64_MAX, 1},
        {UINT32_MAX, 1, UINT32_MAX},         {2000000, INT64_MAX, 1000000},
    };
    static const int64_t times[] = {INT64_MAX, INT64_MIN, 0, RATE_LIMIT_NOW_MAX_MS, START};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t t = 0; t < COUNT_OF(times); t++) {
            state = rate_limit_restore((struct rate_limit_saved){INT64_MAX, INT64_MAX});
            assert_true(rate_limit_peek(&state, &rows[i], times[t]) > 0);
            state = (struct rate_limit){0};
            assert_int_equal(rate_limit_ask(&state, &rows[i], times[t]), 0);
            rate_limit_lower(&state, &rows[i], 0, times[t]);
            assert_true(rate_limit_peek(&state, &rows[i], times[t]) > 0);
            (void)rate_limit_take(&state, &rows[i], times[t]);
            assert_int_equal(rate_limit_left(&state, &rows[i], times[t]), 0);
            assert_true(rate_limit_save(&state).arrival_ns > 0);
        }
    }
}

static void test_rate_limit__peek_takes_nothing(void **unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rate_limit_peek(&state, &settings, START), 0);
    }
    assert_int_equal(rate_limit_left(&state, &settings, START), 4);
    (void)rate_limit_take(&state, &settings, START);
    assert_int_equal(rate_limit_left(&state, &settings, START), 3);
}

static void test_rate_limit__what_comes_back_at_once_was_never_taken(void **unused)
{
    (void)unused;
    struct rate_limit_permit first = rate_limit_take(&state, &settings, START);
    struct rate_limit_permit second = rate_limit_take(&state, &settings, START);
    rate_limit_give_back(&state, first); /* another was taken since: it counts */
    assert_int_equal(rate_limit_left(&state, &settings, START), 2);
    rate_limit_give_back(&state, second);
    assert_int_equal(rate_limit_left(&state, &settings, START), 3);
    rate_limit_give_back(&state, second); /* only once */
    assert_int_equal(rate_limit_left(&state, &settings, START), 3);
    rate_limit_give_back(&state, first);
    assert_int_equal(rate_limit_left(&state, &settings, START), 4);
    struct rate_limit_permit none = {0};
    rate_limit_give_back(&state, none);
    assert_int_equal(rate_limit_left(&state, &settings, START), 4);
}

static void test_rate_limit__frozen_until_the_service_says(void **unused)
{
    (void)unused;
    rate_limit_freeze(&state, START + 5000);
    rate_limit_freeze(&state, START + 2000); /* never shorter */
    assert_int_equal(rate_limit_ask(&state, &settings, START), 5000);
    assert_int_equal(rate_limit_left(&state, &settings, START + 4999), 0);
    assert_int_equal(rate_limit_ask(&state, &settings, START + 4999), 1);
    assert_int_equal(rate_limit_ask(&state, &settings, START + 5000), 0);
    rate_limit_freeze(&state, START + 5050);
    assert_int_equal(rate_limit_peek(&state, &settings, START + 5000), 50);
    for (int i = 0; i < 3; i++) {
        (void)rate_limit_take(&state, &settings, START + 5000);
    }
    assert_int_equal(rate_limit_peek(&state, &settings, START + 5040), 103); /* the longer one */
}

static void test_rate_limit__frozen_for_an_hour_at_most(void **unused)
{
    (void)unused;
    rate_limit_freeze(&state, START + 1000 * HOUR);
    assert_int_equal(rate_limit_peek(&state, &settings, START), RETRY_AFTER_MAX_MS);
    assert_int_equal(rate_limit_peek(&state, &settings, START + HOUR), 0);
    rate_limit_freeze(&state, START + 2 * HOUR);
    int64_t set_back = START - 100 * HOUR;
    assert_int_equal(rate_limit_peek(&state, &settings, set_back), RETRY_AFTER_MAX_MS);
    assert_int_equal(rate_limit_peek(&state, &settings, set_back + HOUR), 0);
}

static void test_rate_limit__what_remains_only_ever_lowers(void **unused)
{
    (void)unused;
    rate_limit_lower(&state, &settings, UINT32_MAX, START);
    rate_limit_lower(&state, &settings, 4, START);
    assert_int_equal(rate_limit_left(&state, &settings, START), 4);
    rate_limit_lower(&state, &settings, 1, START);
    assert_int_equal(rate_limit_left(&state, &settings, START), 1);
    rate_limit_lower(&state, &settings, 3, START);
    assert_int_equal(rate_limit_left(&state, &settings, START), 1);
    struct rate_limit_permit permit = rate_limit_take(&state, &settings, START);
    rate_limit_lower(&state, &settings, 0, START);
    assert_int_equal(rate_limit_ask(&state, &settings, START), 143);
    rate_limit_give_back(&state, permit);
    assert_int_equal(rate_limit_left(&state, &settings, START), 1);
}

static void test_rate_limit__a_clock_set_back_waits_no_longer_than_when_full(void **unused)
{
    (void)unused;
    take_burst();
    struct rate_limit_permit permit = rate_limit_take(&state, &settings, START);
    int64_t set_back = START - 1000 * HOUR;
    assert_int_equal(rate_limit_peek(&state, &settings, set_back), 143);
    rate_limit_give_back(&state, permit);
    assert_int_equal(rate_limit_ask(&state, &settings, set_back), 143);
    assert_int_equal(rate_limit_ask(&state, &settings, set_back + 143), 0);
}

static void test_rate_limit__is_saved_a_second_ahead(void **unused)
{
    (void)unused;
    assert_false(rate_limit_must_save(&state));
    assert_int_equal(rate_limit_ask(&state, &settings, START), 0);
    assert_true(rate_limit_must_save(&state));
    struct rate_limit_saved saved = rate_limit_save(&state);
    assert_int_equal(saved.arrival_ns, state.arrival_ns + RATE_LIMIT_SAVED_AHEAD_NS);
    assert_false(rate_limit_must_save(&state));
    int calls = 0; /* six fit into that second */
    for (int64_t now = START; !rate_limit_must_save(&state); now++) {
        calls += rate_limit_ask(&state, &settings, now) == 0;
    }
    assert_int_equal(calls, 7);
    (void)rate_limit_save(&state);
    rate_limit_freeze(&state, START + HOUR);
    assert_true(rate_limit_must_save(&state));
    assert_int_equal(rate_limit_save(&state).frozen_until, START + HOUR);
    assert_false(rate_limit_must_save(&state));
}

static void test_rate_limit__restored_is_never_less_strict(void **unused)
{
    (void)unused;
    take_burst();
    rate_limit_freeze(&state, START + 30);
    struct rate_limit_saved saved = rate_limit_save(&state);
    struct rate_limit restored = rate_limit_restore(saved);
    assert_false(rate_limit_must_save(&restored));
    for (int64_t now = START; now < START + 3000; now += 10) {
        assert_true(rate_limit_peek(&restored, &settings, now) >=
                    rate_limit_peek(&state, &settings, now));
    }
    state = rate_limit_restore((struct rate_limit_saved){-1, INT64_MIN});
    assert_int_equal(rate_limit_left(&state, &settings, START), 4);
}

/*
 * A world with its own time: the clock that the limiter sees is behind it by what it was set back.
 * Every call that went out is known, so every window can be looked at.
 */
struct world {
    struct random random;
    int64_t now; /* as it really passes */
    int64_t behind;
    int64_t *calls; /* when they went out */
    size_t count;
    struct rate_limit_saved durable;
    uint32_t unused_percent;         /* of the permits: their calls do not go out */
    struct rate_limit_permit unused; /* the last of them; comes back sometime */
};

enum { MOST_CALLS = 40000 };

static int64_t clock_of(const struct world *world)
{
    return world->now - world->behind;
}

/* The call goes out, once it is durable that it may. */
static void world_call(struct world *world)
{
    struct rate_limit_permit permit = rate_limit_take(&state, &settings, clock_of(world));
    if (random_percent(&world->random, world->unused_percent)) {
        world->unused = permit;
        return;
    }
    if (rate_limit_must_save(&state)) {
        world->durable = rate_limit_save(&state);
    }
    world->calls[world->count++] = world->now;
    if (world->count > settings.limit) {
        int64_t first = world->calls[world->count - 1 - settings.limit];
        if (world->now - first < settings.period_ms) {
            fail_msg("%u calls and one more within %lld ms of %lld", settings.limit,
                     (long long)(world->now - first), (long long)settings.period_ms);
        }
    }
}

static void world_trouble(struct world *world)
{
    int64_t now = clock_of(world);
    switch (random_below(&world->random, 4)) {
    case 0:
        world->behind += random_below(&world->random, 3 * (uint32_t)settings.period_ms);
        break;
    case 1:
        state = rate_limit_restore(world->durable);
        world->unused = (struct rate_limit_permit){0};
        break;
    case 2:
        rate_limit_lower(&state, &settings, random_below(&world->random, settings.limit), now);
        break;
    default:
        rate_limit_freeze(&state, now + random_below(&world->random, 500));
        break;
    }
}

/* Asks `wishes` times; each refusal's wait is exact. */
static void world_burst(struct world *world, uint32_t wishes)
{
    for (; wishes > 0; wishes--) {
        if (random_percent(&world->random, 2)) {
            rate_limit_give_back(&state, world->unused);
            world->unused = (struct rate_limit_permit){0};
        }
        int64_t wait = rate_limit_peek(&state, &settings, clock_of(world));
        if (wait == 0) {
            world_call(world);
            continue;
        }
        struct rate_limit then = state;
        assert_int_not_equal(rate_limit_peek(&then, &settings, clock_of(world) + wait - 1), 0);
        assert_int_equal(rate_limit_peek(&then, &settings, clock_of(world) + wait), 0);
        world->now += random_percent(&world->random, 50) ? wait : 0;
    }
}

static void test_rate_limit__what_is_saved_is_over_with_both_its_times(void **unused)
{
    (void)unused;
    static const struct {
        int64_t arrival_ms;
        int64_t frozen_until;
        bool is_over; /* at 1000 */
    } rows[] = {
        {0, 0, true},
        {999, 0, true},
        {1000, 0, false},
        {999, 1000, true},
        {999, 1001, false},
        {1000, 1000, false},
        {INT64_MAX / 1000000, 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct rate_limit_saved saved = {.arrival_ns = rows[i].arrival_ms * 1000000,
                                               .frozen_until = rows[i].frozen_until};
        if (rate_limit_is_over(&saved, 1000) != rows[i].is_over) {
            fail_msg("row %zu is %s", i, rows[i].is_over ? "not over" : "over");
        }
    }
}

static void test_rate_limit__no_window_sees_more_whatever_happens(void **unused)
{
    (void)unused;
    int64_t *calls = malloc(MOST_CALLS * sizeof *calls);
    assert_non_null(calls);
    size_t all = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct world world = {
            .random = {.state = seed}, .now = START, .calls = calls, .unused_percent = 5};
        settings.limit = 1 + random_below(&world.random, seed % 4 == 0 ? 300 : 20);
        settings.burst = 1 + random_below(&world.random, settings.limit);
        settings.period_ms = 1 + random_below(&world.random, 5000);
        state = (struct rate_limit){0};
        for (int i = 0; i < 600; i++) {
            uint32_t pause = (uint32_t)settings.period_ms / (1 + random_below(&world.random, 50));
            world.now += random_below(&world.random, pause + 1);
            world_burst(&world, 1 + random_below(&world.random, 40));
            if (random_percent(&world.random, 50)) {
                rate_limit_give_back(&state, world.unused);
                world.unused = (struct rate_limit_permit){0};
            }
            if (random_percent(&world.random, 4)) {
                world_trouble(&world);
            }
        }
        all += world.count;
    }
    free(calls);
    assert_true(all > 300 * 600);
}

/* Millions in a period: parts of a nanosecond add up to more than a millisecond. */
static void test_rate_limit__no_fraction_of_time_is_given_away(void **unused)
{
    (void)unused;
    settings = (struct rate_settings){.limit = 3000000, .period_ms = 1000, .burst = 10000};
    uint32_t calls = 0;
    for (int64_t now = START; now < START + 1000; now++) {
        while (rate_limit_ask(&state, &settings, now) == 0) {
            calls++;
        }
    }
    assert_in_range(calls, 2980000, 3000000);
}

/* Hours on end with always somebody waiting; a restart in between. */
static size_t calls_of_days(uint32_t limit, int64_t days, struct world *world)
{
    settings = (struct rate_settings){limit, HOUR, rate_default_burst(limit)};
    state = (struct rate_limit){0};
    while (world->now < START + days * 24 * HOUR) {
        world->now += rate_limit_peek(&state, &settings, world->now);
        if (world->count % 1000 == 999 && rate_limit_must_save(&state)) {
            state = rate_limit_restore(world->durable);
            world->now += rate_limit_peek(&state, &settings, world->now);
        }
        world_call(world);
    }
    return world->count;
}

static void test_rate_limit__days_of_calls_use_what_they_may(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t limit;
        int64_t days;
        uint32_t refill; /* calls an hour in the long run */
    } rows[] = {{5000, 3, 4501}, {1000, 7, 901}, {1, 30, 1}};
    int64_t *calls = malloc(500000 * sizeof *calls);
    assert_non_null(calls);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct world world = {.random = {.state = 3}, .now = START, .calls = calls};
        size_t count = calls_of_days(rows[i].limit, rows[i].days, &world);
        size_t hours = (size_t)rows[i].days * 24;
        assert_in_range(count, hours * rows[i].refill * 99 / 100,
                        hours * rows[i].refill + rows[i].limit);
    }
    free(calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rate_limit__admits_a_burst_and_then_one_after_the_other,
                               set_up),
        cmocka_unit_test_setup(test_rate_limit__table_of_waits_after_the_burst, set_up),
        cmocka_unit_test_setup(test_rate_limit__without_a_limit_all_go, set_up),
        cmocka_unit_test_setup(test_rate_limit__huge_settings_and_times_do_not_overflow, set_up),
        cmocka_unit_test_setup(test_rate_limit__peek_takes_nothing, set_up),
        cmocka_unit_test_setup(test_rate_limit__what_comes_back_at_once_was_never_taken, set_up),
        cmocka_unit_test_setup(test_rate_limit__frozen_until_the_service_says, set_up),
        cmocka_unit_test_setup(test_rate_limit__frozen_for_an_hour_at_most, set_up),
        cmocka_unit_test_setup(test_rate_limit__what_remains_only_ever_lowers, set_up),
        cmocka_unit_test_setup(test_rate_limit__a_clock_set_back_waits_no_longer_than_when_full,
                               set_up),
        cmocka_unit_test_setup(test_rate_limit__is_saved_a_second_ahead, set_up),
        cmocka_unit_test_setup(test_rate_limit__restored_is_never_less_strict, set_up),
        cmocka_unit_test(test_rate_limit__what_is_saved_is_over_with_both_its_times),
        cmocka_unit_test_setup(test_rate_limit__no_window_sees_more_whatever_happens, set_up),
        cmocka_unit_test_setup(test_rate_limit__no_fraction_of_time_is_given_away, set_up),
        cmocka_unit_test_setup(test_rate_limit__days_of_calls_use_what_they_may, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
