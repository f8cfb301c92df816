/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_RUN_KEYS_H
#define CORE_LOOP_RUN_KEYS_H

/*
 * Run keys: the idempotency keys of runs whose start is on its way to the disk: until it is there
 * the journal's reader does not know them.
 *
 * Used by:  run_driver, loop; for the files of this folder alone.
 * Uses:     base.
 * Threads:  [loop]
 */

#include "core/base/str.h"
#include "core/loop/loop.h"

struct run_keys;

/* All copied. 0 or E_NOMEM. */
int run_keys_add(struct loop *loop, struct str key, const struct loop_key *known);
void run_keys_remove(struct loop *loop, uint64_t number);
void run_keys_finish(struct loop *loop);

#endif
