/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the policies of a service cost each call when all is well: its breaker, the service's own
 * limiter with what it said of calls that remain, two rates, and permits, found by their names,
 * asked at one instant, taken and given back. The yardstick is a call of the same dispatch that
 * needs the permits alone. Besides, what an answer's headers say of limits.
 */
#include <stdio.h>

#include "core/base/str.h"
#include "core/engine/dispatch.h"
#include "core/engine/limiter.h"
#include "core/model/policy.h"
#include "core/policy/rate_words.h"
#include "tests/bench/bench.h"

enum { CALLS = 200000, ROUNDS = 21, SCOPES = 2, CALLS_A_MS = 5 };

#define START INT64_C(1800000000000)

#define SERVICE "http https://api.example.com:443"

static const struct rate_settings rates[DISPATCH_MAX_LIMITERS] = {
    {0},
    {.limit = 1000000, .period_ms = 1000, .burst = 100000},
    {.limit = 1000000000, .period_ms = 60000, .burst = 100000000},
};
static const char *const rate_keys[DISPATCH_MAX_LIMITERS] = {SERVICE, SERVICE " 1000000/second",
                                                             SERVICE " 1000000000/minute"};
static const char *const scope_keys[SCOPES] = {"calls " SERVICE "\n25", "calls\n"};

struct work {
    struct dispatch *dispatch;
    int64_t calls;
};

static int find_permits(struct dispatch *dispatch, struct dispatch_ticket *out)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < SCOPES; i++) {
        status =
            dispatch_scope(dispatch, str_from(scope_keys[i]), 25, &out->scopes[out->scope_count]);
        out->scope_count++;
    }
    return status;
}

/* By their names, as each call does. */
static int find_policies(struct dispatch *dispatch, struct dispatch_ticket *out)
{
    int status = dispatch_guard(dispatch, STR(SERVICE), &BREAKER_SETTINGS_DEFAULT, &out->guard);
    for (size_t i = 0; status == 0 && i < DISPATCH_MAX_LIMITERS; i++) {
        status = limiters_find(dispatch_limiters(dispatch), str_from(rate_keys[i]), &rates[i],
                               &out->limiters[i]);
        out->limiter_count++;
    }
    return status;
}

/* A result other than 0: all is well no more. */
static int call(struct work *work, struct dispatch_ticket *ticket)
{
    dispatch_set_now(work->dispatch, START + work->calls++ / CALLS_A_MS);
    dispatch_want(work->dispatch, ticket);
    if (dispatch_next_admitted(work->dispatch) != ticket) {
        return 1;
    }
    dispatch_release(work->dispatch, ticket, BREAKER_GOOD);
    return 0;
}

static int call_with_policies(void *user)
{
    struct work *work = user;
    int status = 0;
    for (int i = 0; status == 0 && i < CALLS; i++) {
        struct dispatch_ticket ticket = {0};
        status = find_permits(work->dispatch, &ticket) + find_policies(work->dispatch, &ticket);
        status = status == 0 ? call(work, &ticket) : status;
    }
    return status;
}

static int call_bare(void *user)
{
    struct work *work = user;
    int status = 0;
    for (int i = 0; status == 0 && i < CALLS; i++) {
        struct dispatch_ticket ticket = {0};
        status = find_permits(work->dispatch, &ticket);
        status = status == 0 ? call(work, &ticket) : status;
    }
    return status;
}

static int read_words(void *user)
{
    struct str words[RATE_WORDS] = {
        [RATE_WORD_X_REMAINING] = STR("4987"),
        [RATE_WORD_X_RESET] = STR("1800003600"),
        [RATE_WORD_X_RESOURCE] = STR("core"),
    };
    int64_t sum = 0;
    (void)user;
    for (int i = 0; i < CALLS; i++) {
        sum += rate_words_read(words, 200, START + i).remaining;
    }
    return sum == INT64_C(4987) * CALLS ? 0 : 1;
}

static int prepare(struct work *work)
{
    struct dispatch_ticket first = {0};
    work->dispatch = dispatch_create();
    if (work->dispatch == NULL || find_policies(work->dispatch, &first) != 0) {
        return 1;
    }
    limiter_hear(first.limiters[0], 1000, START + 3600000, START);
    return 0;
}

int main(void)
{
    struct work work = {0};
    double full_ns = 0.0;
    double bare_ns = 0.0;
    double words_ns = 0.0;
    if (prepare(&work) != 0 || bench_fastest(call_with_policies, &work, ROUNDS, &full_ns) != 0 ||
        bench_fastest(call_bare, &work, ROUNDS, &bare_ns) != 0 ||
        bench_fastest(read_words, &work, ROUNDS, &words_ns) != 0) {
        (void)fprintf(stderr, "the policies cannot be asked\n");
        return 1;
    }
    bench_print_row(&(struct bench_row){.name = "policies: one call, when all is well",
                                        .unit = "ns",
                                        .ours = full_ns / CALLS,
                                        .goal = 300});
    bench_print_row(&(struct bench_row){.name = "policies: the same, against permits",
                                        .unit = "ns",
                                        .ours = full_ns / CALLS,
                                        .yardstick = bare_ns / CALLS,
                                        .goal = 4});
    bench_print_row(&(struct bench_row){.name = "policies: what headers say of limits",
                                        .unit = "ns",
                                        .ours = words_ns / CALLS,
                                        .yardstick = bare_ns / CALLS,
                                        .goal = 1});
    dispatch_destroy(work.dispatch);
    return 0;
}
