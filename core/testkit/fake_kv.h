/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_FAKE_KV_H
#define CORE_TESTKIT_FAKE_KV_H

/*
 * Fake kv: what the plugin keeps, in memory. A call is done when it comes; only its answer may be
 * late.
 *
 * Used by:  testkit; the host, as its struct host_kv.
 * Uses:     host, test_clock; opstream/test.h.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/host/kv.h"
#include "opstream/test.h"

struct kv_entry;
struct ops_test_host;

struct fake_kv {
    struct host_kv table; /* what the host is given; its self is this */
    struct ops_test_host *owner;
    struct kv_entry *first;
    uint64_t version; /* the last that was given */
};

/* It must not move in memory from here on. */
void fake_kv_init(struct fake_kv *kv, struct ops_test_host *owner);
void fake_kv_finish(struct fake_kv *kv);

#endif
