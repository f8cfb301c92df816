/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_QUEUE_ORDERS_H
#define CORE_LOOP_QUEUE_ORDERS_H

/*
 * Queue orders: what a person does to an item of the retry queue.
 *
 * Used by:  commands; for the files of this folder alone.
 * Uses:     engine (queue).
 * Threads:  [loop]
 */

struct commit;
struct error;
struct loop_command;
struct loop_run;

/*
 * LOOP_TRY, LOOP_REQUEUE, LOOP_SKIP or LOOP_DROP for `run`, which lives. Fails with E_INVALID (it
 * is no item, or the new input is not what its node takes), E_CONFLICT (it is not given up),
 * E_NOMEM.
 */
int queue_orders_carry_out(struct loop_run *run, const struct loop_command *command,
                           struct commit *commit, struct error *err);

#endif
