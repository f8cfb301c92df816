/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

/*
 * Bench: timing, interleaved rounds with medians, and the one line that a measurement prints.
 *
 * A round of ours and a round of the yardstick take turns, so that a busy moment of the machine
 * hits both; the medians of the rounds are compared.
 *
 *     struct bench_times times;
 *     if (bench_interleave(round_ours, round_yardstick, &work, 9, &times) != 0) {
 *         return 1;
 *     }
 *     bench_print_row(&(struct bench_row){.name = "json: read a 2 KB object",
 *                                         .unit = "MB/s",
 *                                         .ours = bytes / times.ours_ns * 1e3,
 *                                         .yardstick = bytes / times.yardstick_ns * 1e3,
 *                                         .goal = 8.0,
 *                                         .is_least = true});
 *
 * Used by:  the programs in tests/bench.
 * Uses:     nothing.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_MAX_ROUNDS = 99 };

/* One round; a result other than 0 ends the measurement. */
typedef int (*bench_round_cb)(void *user);

/* Medians over the rounds. */
struct bench_times {
    double ours_ns;
    double yardstick_ns;
};

struct bench_row {
    const char *name;
    const char *unit;
    double ours;
    double yardstick; /* 0: there is none, and the goal is for `ours` itself */
    double goal;      /* for ours / yardstick */
    bool is_least;    /* the goal is the least that will do, not the most */
};

static inline uint64_t bench_now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Of the processor: what other programs do meanwhile does not count. */
static inline uint64_t bench_thread_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline int bench_compare_double(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y ? 1 : 0;
}

/* The median of `count` figures (at least one), which are sorted by this. */
static inline double bench_median(double *figures, size_t count)
{
    qsort(figures, count, sizeof(*figures), bench_compare_double);
    return count % 2 == 1 ? figures[count / 2]
                          : (figures[count / 2 - 1] + figures[count / 2]) / 2.0;
}

static inline int bench_time_round(bench_round_cb round, void *user, double *out_ns)
{
    uint64_t begin = bench_now_ns();
    int status = round(user);
    *out_ns = (double)(bench_now_ns() - begin);
    return status;
}

/*
 * One round of each to warm up, then `rounds` (at most BENCH_MAX_ROUNDS) of each in turn.
 * `yardstick` may be NULL. Returns 0, or what a round returned.
 */
static inline int bench_interleave(bench_round_cb ours, bench_round_cb yardstick, void *user,
                                   size_t rounds, struct bench_times *out_times)
{
    double ours_ns[BENCH_MAX_ROUNDS + 1] = {0};
    double yardstick_ns[BENCH_MAX_ROUNDS + 1] = {0};
    rounds = rounds < 1 ? 1 : rounds > BENCH_MAX_ROUNDS ? BENCH_MAX_ROUNDS : rounds;
    for (size_t i = 0; i <= rounds; i++) {
        int status = bench_time_round(ours, user, &ours_ns[i]);
        if (status == 0 && yardstick != NULL) {
            status = bench_time_round(yardstick, user, &yardstick_ns[i]);
        }
        if (status != 0) {
            return status;
        }
    }
    out_times->ours_ns = bench_median(ours_ns + 1, rounds);
    out_times->yardstick_ns = bench_median(yardstick_ns + 1, rounds);
    return 0;
}

/*
 * The fastest of `rounds` rounds in time of the processor: for what one thread computes, which
 * everything else on the machine only makes slower. Returns 0, or what a round returned.
 */
static inline int bench_fastest(bench_round_cb round, void *user, size_t rounds, double *out_ns)
{
    for (size_t i = 0; i < rounds; i++) {
        uint64_t begin = bench_thread_ns();
        int status = round(user);
        double ns = (double)(bench_thread_ns() - begin);
        *out_ns = i == 0 || ns < *out_ns ? ns : *out_ns;
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* "NAME | ours | yardstick | ratio | goal | met", or "not met". */
static inline void bench_print_row(const struct bench_row *row)
{
    bool has_yardstick = row->yardstick > 0.0;
    double figure = has_yardstick ? row->ours / row->yardstick : row->ours;
    bool is_met = row->is_least ? figure >= row->goal : figure <= row->goal;
    printf("%-44s | ours %10.4g %s", row->name, row->ours, row->unit);
    if (has_yardstick) {
        printf(" | yardstick %10.4g %s | ratio %6.2f", row->yardstick, row->unit, figure);
    }
    printf(" | goal %s %g | %s\n", row->is_least ? ">=" : "<=", row->goal,
           is_met ? "met" : "not met");
    (void)fflush(stdout); /* a lost line shows in what reads it */
}

#endif
