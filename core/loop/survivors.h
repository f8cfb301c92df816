/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SURVIVORS_H
#define CORE_LOOP_SURVIVORS_H

/*
 * Survivors: processes that nodes of an earlier owner of the state folder started, and that live
 * on. A child ends with the owner (PR_SET_PDEATHSIG), but what the child started does not. They
 * must be gone before a node runs again.
 *
 * All that a node starts has a mark in its environment, and hands it on to what it starts:
 *
 *     OPSTREAM_OWNER=<instance>-<epoch>-<pid of the owner>-<when that began>
 *
 * A process is a survivor when it runs as our user, its mark is of the same instance and of an
 * earlier epoch, and the owner that the mark names is dead: a copy of a state folder has the same
 * instance, and its owner may be alive. Who takes the mark out of the environment is not found;
 * what has no mark is never touched. Pids are not trusted: a process is held by its descriptor
 * before its mark is read, and signalled through it.
 *
 * Used by:  loop, at recovery.
 * Uses:     base.
 * Threads:  [worker]: it blocks.
 */

#include <stddef.h>
#include <stdint.h>

struct error;

/* "OPSTREAM_OWNER=..." with its NUL. */
enum { SURVIVORS_MARK_SIZE = 192 };

/*
 * The mark of this process as an owner, as an entry of an environment: for host_options.child_mark.
 * Fails with E_INVALID (`instance` is no word of at most 64 letters and digits).
 */
int survivors_format_mark(const char *instance, uint64_t epoch, char out_mark[SURVIVORS_MARK_SIZE],
                          struct error *err);

struct survivors_options {
    const char *instance;
    uint64_t epoch;    /* ours: survivors are of earlier ones */
    uint64_t grace_ms; /* from SIGTERM to SIGKILL */
};

struct survivors_count {
    uint32_t found;
    uint32_t killed; /* of them: by SIGKILL */
};

/*
 * Ends all survivors, and those that they start meanwhile; returns when none is left. It takes as
 * long as the grace and five seconds at most, and a moment when there are none. `*out_count` (may
 * be NULL) is set in any case.
 * Fails with E_IO (/proc cannot be read), E_TIMEOUT (some do not end; `err` names one).
 */
int survivors_end(const struct survivors_options *options, struct survivors_count *out_count,
                  struct error *err);

#endif
