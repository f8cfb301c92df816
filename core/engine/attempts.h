/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_ATTEMPTS_H
#define CORE_ENGINE_ATTEMPTS_H

/*
 * Attempts: what follows when one attempt of a plugin's node has failed: the next one, after a
 * wait; the failure of the node; or a person's word, where it may have had its effect and may not
 * have it twice. Only here a node is tried again; see core/policy/retry.h.
 * And what a failure says of the service that was called.
 *
 * Used by:  decide, apply.
 * Uses:     decision, run_state, policy.
 * Threads:  [loop]; pure.
 */

#include <stdint.h>

#include "core/engine/record.h"

struct decision;
struct document;
struct frame;
struct run;

/*
 * What counts against a service is what may pass by itself; what its limiter or a credential is the
 * reason for does not, and what it answered otherwise shows that it is there.
 */
enum call_result attempts_judge(const struct document *failure);

/* The service says by `failure` that it wants no call before this time, unix ms; 0: it does not. */
int64_t attempts_frozen_until(const struct document *failure, int64_t now);

/* The attempt at work has failed with `failure` (borrowed), and what it held has been released. */
void attempts_fail(const struct decision *d, uint32_t node, const struct document *failure);

/* A call of the queue that waits for its first attempt since it was queued, or requeued. */
bool attempts_is_untried(const struct frame *frame, uint32_t node);

/*
 * When the deadline of `retry` is over for a node whose attempt has failed, or for a call of the
 * queue that nobody has tried, unix ms: from then on none begins. 0: it does not wait for one, or
 * has no deadline.
 */
int64_t attempts_end_at(const struct frame *frame, uint32_t node);

/*
 * When the attempt that starts now has to end, unix ms: the deadline of `retry`, where the file
 * says one. 0: it has its own time-out alone.
 */
int64_t attempts_cut_at(const struct decision *d, uint32_t node);

/* Its timer: of the attempt that `start` begins, and of the one that has ended. */
void attempts_arm_deadline(const struct decision *d, const struct record *start);
void attempts_disarm_deadline(const struct decision *d, uint32_t node);

/*
 * It waited for its next attempt beyond the deadline, or would, and nothing is held for it: it ends
 * with the failure of the last one, or with `why` (borrowed, may be NULL) where there was none.
 */
void attempts_end_late(const struct decision *d, uint32_t node, const struct document *why);

/*
 * It was told to end for its time-out and has: `word` (borrowed) is its own, which says whether it
 * may have had its effect; NULL: it left none.
 */
void attempts_time_out(const struct decision *d, uint32_t node, const struct document *word);

/*
 * `failure` for a node of `run` that waits for its next attempt; or one that is alike, since many
 * may wait for the same reason. Owned; NULL for NULL. For apply.c alone.
 */
const struct document *attempts_keep(struct run *run, const struct document *failure);

#endif
