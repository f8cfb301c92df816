/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_POLICY_BREAKER_CASE_H
#define TESTS_UNIT_POLICY_BREAKER_CASE_H

/*
 * Breaker case: one breaker, one clock, and the ways into each state.
 *
 * Used by:  test_breaker*.
 * Uses:     policy.
 * Threads:  one.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/policy/breaker.h"

#define START  INT64_C(1700000000000)
#define MINUTE INT64_C(60000)

/* Three failures open it for a minute; two trials, which have 30 seconds. */
extern struct breaker_settings settings;
extern struct breaker breaker;
extern int64_t now;
extern struct breaker_answer answer; /* to the last call */
extern enum breaker_news news;       /* of the last report */

int breaker_case_set_up(void **state);

void call(void);
/* The result of the last call. */
void report(enum breaker_result result);
/* One call, which is not refused. */
void call_and_report(enum breaker_result result);

/* One failure is missing to open it. */
void be_closed(void);
void be_open(void);
/* The first trial is under way. */
void be_half_open(void);
void be_half_open_without_permits(void);
void be_forced_open(void);
void be_disabled(void);

/* Fails its trial again and again; gives the length of each opening. */
void open_in_a_row(int64_t *out_waits, size_t count);

#endif
