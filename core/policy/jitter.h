/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_JITTER_H
#define CORE_POLICY_JITTER_H

/*
 * Jitter: numbers that look random and depend on nothing but a seed and a step, so that a replay
 * draws the same ones.
 *
 * Used by:  retry, breaker.
 * Uses:     nothing.
 * Threads:  [any]; pure.
 */

#include <stdint.h>

/* `low` to `high`, each as likely as the other (0 <= low <= high; else `low`). */
int64_t jitter_between(uint64_t seed, uint64_t step, int64_t low, int64_t high);

#endif
