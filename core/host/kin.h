/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_KIN_H
#define CORE_HOST_KIN_H

/*
 * Kin: the processes that a child started, and those that these started.
 *
 * What loses its parent becomes a child of ours (PR_SET_CHILD_SUBREAPER), so that all kin can be
 * reached from the child and from us, and no search through the whole machine is needed. An orphan
 * is a child's kin when it is in the child's session, or has the child's mark in its environment.
 * Who leaves the session and takes the mark out of the environment is nobody's kin: an engine that
 * a step starts lives on.
 *
 * An orphan is a child of ours until we reap it, so its pid cannot be another's meanwhile.
 * Without /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN) there seem to be no kin.
 *
 * Used by:  process.c.
 * Uses:     base.
 * Threads:  [any], but each struct kin belongs to one thread at a time.
 */

#include <stddef.h>
#include <sys/types.h>

enum { KIN_MARK_SIZE = 64 };

/* One child of ours; all zero before kin_join(). */
struct kin {
    struct kin *next;
    struct kin **prev;
    pid_t root;
    char mark[KIN_MARK_SIZE]; /* "NAME=value"; empty: none */
};

/*
 * Before a child is started: what it leaves behind from then on comes to us. Else the orphans of
 * the first one are nobody's when it is faster than kin_join().
 */
void kin_expect(void);

/* `root` leads its session. `mark` (may be NULL) stands in its environment; copied. */
void kin_join(struct kin *kin, pid_t root, const char *mark);

/* Before or after `root` is reaped. */
void kin_leave(struct kin *kin);

/* How many there are with `root`; stops counting at `enough`. */
size_t kin_count(const struct kin *kin, size_t enough);

/*
 * SIGKILL to what is left when `root` has ended. Returns how many may still be there: call it again
 * until there are none, for what they leave behind in turn.
 */
size_t kin_end(const struct kin *kin);

/* Reaps orphans that have ended, whose ever they were. */
void kin_reap(void);

#endif
