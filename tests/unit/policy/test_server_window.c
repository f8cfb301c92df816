/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/policy/retry.h"
#include "core/policy/server_window.h"
#include "tests/support/random.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define NOW             INT64_C(1800000000000)

/* ---- what is heard, one after the other ---- */

struct heard {
    int64_t at; /* from NOW on, like the rest */
    uint32_t remaining;
    int64_t until;
};

static struct server_window hear_all(const struct heard *all, size_t count)
{
    struct server_window window = {0};
    for (size_t i = 0; i < count && all[i].until != 0; i++) {
        server_window_hear(&window, all[i].remaining, NOW + all[i].until, NOW + all[i].at);
    }
    return window;
}

static void test_server_window__of_what_was_said_the_least_counts(void **state)
{
    (void)state;
    static const struct {
        struct heard heard[3];
        int64_t at;
        uint32_t in_flight;
        int64_t left; /* -1: any number */
        int64_t wait;
    } rows[] = {
        {{{0, 5, 10000}}, 0, 0, 5, 0},
        {{{0, 5, 10000}}, 0, 4, 1, 0},
        {{{0, 5, 10000}}, 1000, 5, 0, 9000},
        {{{0, 5, 10000}}, 1000, 9, 0, 9000},
        {{{0, 5, 10000}}, 10000, 9, -1, 0},             /* it is over */
        {{{0, 5, 10000}, {10, 3, 10000}}, 10, 0, 3, 0}, /* another answer */
        {{{0, 3, 10000}, {10, 5, 10000}}, 10, 0, 3, 0}, /* that came late */
        {{{0, 3, 10000}, {10, 5, 11500}}, 10, 0, 3, 0}, /* whole seconds from then on */
        {{{0, 3, 10000}, {10, 5, 20000}}, 10, 0, 5, 0}, /* the next window */
        {{{0, 5, 20000}, {10, 0, 10000}}, 10, 0, 5, 0}, /* the last one: too late */
        {{{0, 3, 10000}, {10000, 5, 11000}}, 10000, 0, 5, 0},
        {{{0, 0, 10000}}, 0, 0, 0, 10000},
        {{{0, 0, 0}}, 0, 99, -1, 0},
        {{{0, 0, -5000}}, 0, 99, -1, 0},
        {{{0, 0, 99999999}}, 0, 0, 0, RETRY_AFTER_MAX_MS},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct server_window window = hear_all(rows[i].heard, COUNT_OF(rows[i].heard));
        int64_t now = NOW + rows[i].at;
        uint32_t left = server_window_left(&window, rows[i].in_flight, now);
        int64_t wait = server_window_wait(&window, rows[i].in_flight, now);
        int64_t said = left == UINT32_MAX ? -1 : (int64_t)left;
        if (said != rows[i].left || wait != rows[i].wait) {
            fail_msg("row %zu: %lld left, wait %lld", i, (long long)said, (long long)wait);
        }
    }
}

static void test_server_window__a_clock_set_back_ends_it(void **state)
{
    (void)state;
    struct server_window window = {0};
    server_window_hear(&window, 0, NOW + 10000, NOW);
    assert_int_equal(server_window_wait(&window, 0, NOW - RETRY_AFTER_MAX_MS), 0);
    server_window_hear(&window, 3, NOW - RETRY_AFTER_MAX_MS + 5000, NOW - RETRY_AFTER_MAX_MS);
    assert_int_equal(server_window_left(&window, 0, NOW - RETRY_AFTER_MAX_MS), 3);
}

/* ---- a server with windows, and calls that overtake each other ---- */

enum { CALLS = 64, ROUNDS = 200000, LIMIT = 40, PERIOD_MS = 5000 };

struct flight {
    int64_t served_at; /* 0: none is on its way */
    int64_t answered_at;
    int64_t known_until; /* of the window that was known when it went out; 0: none */
    bool is_served;
    uint32_t remaining;
    int64_t until;
};

struct server {
    int64_t until;
    uint32_t count;
    size_t refused;
    size_t served;
};

static void serve(struct server *server, struct flight *call, int64_t now)
{
    int64_t until = (now / PERIOD_MS + 1) * PERIOD_MS;
    if (until != server->until) {
        server->until = until;
        server->count = 0;
    }
    call->is_served = true;
    call->until = until;
    if (server->count == LIMIT) {
        server->refused++;
        assert_true(call->known_until < until); /* who knew of this window is never refused */
    } else {
        server->count++;
        server->served++;
    }
    call->remaining = LIMIT - server->count;
}

static void test_server_window__who_heard_of_a_window_is_not_refused_in_it(void **state)
{
    (void)state;
    static struct flight calls[CALLS];
    struct server server = {0};
    struct server_window window = {0};
    struct random random = {.state = 7};
    uint32_t in_flight = 0;
    int64_t now = NOW;
    for (int round = 0; round < ROUNDS; round++, now += 3) {
        for (size_t i = 0; i < CALLS; i++) {
            struct flight *call = &calls[i];
            if (call->served_at != 0 && !call->is_served && now >= call->served_at) {
                serve(&server, call, now);
            }
            if (call->served_at != 0 && now >= call->answered_at) {
                server_window_hear(&window, call->remaining, call->until, now);
                call->served_at = 0;
                in_flight--;
            }
        }
        struct flight *next = &calls[random_below(&random, CALLS)];
        bool is_free = next->served_at == 0 && random_below(&random, 2) == 0;
        if (is_free && server_window_wait(&window, in_flight, now) == 0) {
            int64_t there = (int64_t)random_below(&random, 200);
            *next = (struct flight){.served_at = now + 1 + there,
                                    .answered_at = now + 2 + there +
                                                   (int64_t)random_below(&random, 400),
                                    .known_until = window.until > now ? window.until : 0};
            in_flight++;
        }
    }
    size_t windows = (size_t)(now - NOW) / PERIOD_MS;
    assert_true(server.refused < windows * 30); /* before the first answer of each */
    assert_true(server.served >= (windows - 1) * LIMIT * 9 / 10); /* and it is used */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_window__of_what_was_said_the_least_counts),
        cmocka_unit_test(test_server_window__a_clock_set_back_ends_it),
        cmocka_unit_test(test_server_window__who_heard_of_a_window_is_not_refused_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
