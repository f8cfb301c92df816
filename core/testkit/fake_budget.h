/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_FAKE_BUDGET_H
#define CORE_TESTKIT_FAKE_BUDGET_H

/*
 * Fake budget: one purse for all tasks. What is granted is held until it is settled.
 *
 * Used by:  testkit; the host, as its struct host_budget.
 * Uses:     host, test_clock; opstream/test.h.
 * Threads:  [loop]
 */

#include <stddef.h>
#include <stdint.h>

#include "core/host/budget.h"
#include "opstream/test.h"

struct ops_test_host;

/* What is held for one reservation; all 0 when it is settled. */
struct budget_hold {
    uint64_t reservation;
    int64_t calls;
    int64_t tokens;
    double cost;
};

struct fake_budget {
    struct host_budget table; /* what the host is given; its self is this */
    struct ops_test_host *owner;
    int64_t calls_left; /* negative: no bound, as the next two */
    int64_t tokens_left;
    double cost_left;
    char *model; /* NULL: none */
    ops_test_spent spent;
    struct budget_hold *holds;
    size_t hold_count;
    size_t hold_cap;
    uint64_t reservation; /* the last that was given */
};

/* It must not move in memory from here on. */
void fake_budget_init(struct fake_budget *budget, struct ops_test_host *owner);
void fake_budget_finish(struct fake_budget *budget);

#endif
