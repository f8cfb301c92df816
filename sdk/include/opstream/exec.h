/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_EXEC_H
#define OPSTREAM_EXEC_H

/*
 * ops.exec 1: the life of a task.
 *
 * A task begins with execute() and ends with exactly one complete() or fail(), from any thread, in
 * execute() or any time later. The end is taken note of at once and told to the engine after the
 * call that made it has returned. Then the task's handle, its values and its operations are over.
 *
 * Cancel: the task's flag is set, its operations are aborted (each still calls back once, with
 * OPS_E_CANCELLED), then the node's cancel() is called. The task is still the plugin's until it
 * ends it; after a grace time the host gives it up and the handle is over.
 *
 * All functions return OPS_E_STALE for a task that has ended: no harm is done.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_EXEC "ops.exec"

/* Why a task is cancelled: the `reason` of the node's cancel(). */
#define OPS_CANCEL_REQUESTED 1u /* somebody cancelled the run */
#define OPS_CANCEL_TIMEOUT   2u /* the node's time is over */
#define OPS_CANCEL_SHUTDOWN  3u /* the host ends */

/* About a task; the texts live until it ends. Set `size` before the call. */
typedef struct ops_task_info {
    uint32_t size;
    uint32_t attempt;         /* 1 is the first */
    ops_str run_id;           /* of the run; in a check() empty, as the next two and the key */
    ops_str workflow;         /* the pipeline's id */
    ops_str node;             /* path of the node in its run */
    ops_str type;             /* the node type */
    ops_str idempotency_key;  /* the same for every attempt of this step */
    int64_t deadline_unix_ms; /* 0: none */
    /* Limits that the pipeline sets for child processes; 0: none set. */
    uint64_t memory_bytes;
    uint64_t output_bytes;
    uint64_t wall_ms;
    uint64_t cpu_ms;
    uint64_t file_bytes;
    uint64_t open_files;
    uint64_t processes;
    /*
     * The folder for what the plugin itself keeps from run to run: absolute, of this plugin alone,
     * beside what the host keeps. It need not be there: who needs it makes it, for its user only
     * (0700). Empty: this host keeps nothing, or is older than this member.
     */
    ops_str state_folder;
} ops_task_info;

typedef struct ops_if_exec {
    uint32_t size;
    uint32_t version;

    /* [any-thread] Fills `*io` up to io->size, which is set before. */
    ops_status (*info)(void *h, ops_task task, ops_task_info *io);

    /*
     * [any-thread] Ends the task well. `port` (copied) names one of the type's other outcomes;
     * empty is success. OPS_E_INPUT: `output` is no value of this plugin, or the type has no such
     * port; the task goes on then and still has to be ended.
     */
    ops_status (*complete)(void *h, ops_task task, ops_str port, ops_val output);
    /* [any-thread] Ends the task badly; `error` is borrowed. NULL or a code of 0 reads as INTERNAL.
     */
    ops_status (*fail)(void *h, ops_task task, const ops_error *error);

    /* [any-thread] 0: go on; else OPS_CANCEL_*. For work on threads, which cancel() does not reach.
     */
    uint32_t (*cancelled)(void *h, ops_task task);

    /*
     * [any-thread] How far it is, 0 to 1; below 0: unknown. `note` is one short line for people.
     * Call it as often as you like: at most 4 a second are shown, and the last one always is.
     * OPS_E_INPUT: `fraction` is not a number, or `note` is not UTF-8; OPS_E_RESOURCE: out of
     * memory.
     */
    ops_status (*progress)(void *h, ops_task task, double fraction, ops_str note);

    /*
     * [any-thread] Appends an item to the task's stream; the order is kept. `port` must be empty in
     * this version (UNSUPPORTED otherwise). OPS_E_WOULD_BLOCK: the consumer is behind and the item
     * was not taken; ask for on_writable() and send it again then.
     */
    ops_status (*emit)(void *h, ops_task task, ops_str port, ops_val item);
    /*
     * [any-thread] Calls `cb` once, on the strand, when emit() would take an item, also when that
     * is already so; and when the task is cancelled. A second call before that replaces the first.
     * `user` is kept until then, or until the task ends: then `cb` is not called.
     */
    ops_status (*on_writable)(void *h, ops_task task, void (*cb)(void *user, ops_task task),
                              void *user);

    /*
     * [any-thread] Calls `fn` once on the task's strand: the way from a thread of the plugin back
     * to it. Not called when the task ends first.
     */
    ops_status (*post)(void *h, ops_task task, void (*fn)(void *user, ops_task task), void *user);

    /*
     * [any-thread] One pointer of the plugin's that goes with the task: how cancel() finds what
     * execute() began. NULL until it is set, and for a task that is over.
     */
    ops_status (*set_user)(void *h, ops_task task, void *user);
    /* [any-thread] */
    void *(*get_user)(void *h, ops_task task);
} ops_if_exec;

#ifdef __cplusplus
}
#endif
#endif
