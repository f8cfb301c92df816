/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_COMPLAINT_H
#define CORE_TESTKIT_COMPLAINT_H

/*
 * Complaints: what the host has against the plugin; the same about the same task once.
 *
 * Used by:  testkit.
 * Uses:     base; opstream/test.h.
 * Threads:  [any]: the caller holds the lock of the test host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "opstream/test.h"

struct complaint {
    ops_test_complaint shown; /* first */
    struct complaint *next;
    bool is_harmless; /* by contract, though it may be a sign of something */
    char text[];
};

struct complaints {
    struct complaint *first; /* in order */
    struct complaint **last;
    bool is_short; /* one could not be noted for want of memory */
};

void complaints_init(struct complaints *complaints);
void complaints_finish(struct complaints *complaints);

enum complaint_weight { COMPLAINT_FAULT, COMPLAINT_HARMLESS };

/* `text` is copied, with "task N: " in front when `task` is not 0. */
void complaint_add(struct complaints *complaints, uint32_t kind, ops_test_task task,
                   enum complaint_weight weight, const char *text);

const ops_test_complaint *complaint_at(const struct complaints *complaints, size_t i);

/* Appends the texts of those that are not harmless, a line each. */
void complaints_write(const struct complaints *complaints, struct strbuf *out);

#endif
