/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_KV_STORE_H
#define CORE_LOOP_KV_STORE_H

/*
 * Kv store: what plugins keep (ops.kv), over the journal. The loop owns the state alone, so
 * conditions are decided here, at once; the answer waits for the disk. Whoever reads meanwhile gets
 * what is on its way, which goes to the disk before anything that follows from it. Where nothing is
 * kept all of it stays here, for as long as the process.
 *
 * Used by:  loop, for the files of this folder alone.
 * Uses:     host/kv.h, commit, journal_reader.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/host/kv.h"

struct kv_item;
struct kv_plugin;
struct loop;

enum { KV_BUCKETS = 1024 };

struct kv_store {
    struct kv_item *buckets[KV_BUCKETS]; /* on their way to the disk, or all there is */
    struct kv_plugin *plugins;           /* what they keep in all */
    uint64_t version;                    /* given last */
    bool has_version;                    /* it was compared with those on the disk */
};

/* Fills `kv` so that it keeps things in loop->kept, which is empty; both are kept. */
void kv_store_init(struct host_kv *kv, struct loop *loop);
void kv_store_finish(struct kv_store *store);

#endif
