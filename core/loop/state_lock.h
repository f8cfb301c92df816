/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_STATE_LOCK_H
#define CORE_LOOP_STATE_LOCK_H

/*
 * State lock: who holds it is the one engine of its state folder. It is the kernel's (flock), so it
 * ends with the process however that ends, and no child process keeps it. What the file says of the
 * owner is for messages only; nothing is decided by it.
 *
 * Used by:  cli.
 * Uses:     base, state_folder; libuv (waiting).
 * Threads:  [loop], and state_lock_try(), state_lock_release() [any].
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/str.h"

struct error;
struct state_folder;
struct state_lock;
struct state_wait;
struct uv_loop_s;

enum state_owner_kind {
    STATE_OWNER_UNKNOWN, /* the file does not say, or nothing that we can read */
    STATE_OWNER_CLI,     /* a command that ends when its runs have ended */
    STATE_OWNER_SERVE,
};

/* For a moment after a lock has changed hands this may be the one before. */
struct state_owner {
    enum state_owner_kind kind;
    pid_t pid;
    int64_t started_unix_ms;
};

/* What state_lock_try() returns besides 0 and errors. */
enum state_lock_result { STATE_LOCK_BUSY = 1 };

/*
 * Takes the lock without waiting, and writes into the file who has it now. On success `*out_lock`
 * is owned: state_lock_release(). STATE_LOCK_BUSY: somebody else has it; `*out_owner` (may be NULL)
 * says who. Fails with E_IO, E_INVALID (as state_folder_open_file()), E_NOMEM.
 */
int state_lock_try(const struct state_folder *folder, enum state_owner_kind kind,
                   struct state_lock **out_lock, struct state_owner *out_owner, struct error *err);

/* NULL is fine. The file stays: to remove it would let two processes lock two files. */
void state_lock_release(struct state_lock *lock);

/* "process 4711 (opstream serve, since 2025-01-31T14:22:33.123Z)", or "another process". */
void state_owner_append(const struct state_owner *owner, struct strbuf *out);

/*
 * The end of a wait, on the loop: `status` 0, and `lock` is owned by the callee; E_TIMEOUT, E_IO,
 * E_NOMEM, E_INVALID, and `err` (borrowed) says it in words: of a time-out, who has the lock. The
 * wait is over and must not be cancelled any more.
 */
typedef void (*state_wait_cb)(void *user, int status, struct state_lock *lock,
                              const struct error *err);

struct state_wait_options {
    struct uv_loop_s *loop;            /* kept until the end */
    const struct state_folder *folder; /* kept until the end */
    enum state_owner_kind kind;
    uint64_t timeout_ms; /* 0: as long as it takes */
    state_wait_cb cb;
    void *user; /* kept until the end */
};

/*
 * Waits until the lock is free and takes it: a thread sleeps in the kernel, nobody polls. `cb` runs
 * exactly once, never from in here, unless the wait is cancelled before. Who has the lock now, for
 * a message, state_lock_try() has said. On success `*out_wait` is valid until `cb` runs or the wait
 * is cancelled. Fails with E_NOMEM, E_IO, E_INVALID.
 */
int state_wait_start(const struct state_wait_options *options, struct state_wait **out_wait,
                     struct error *err);

/* `cb` will not run; should the lock be ours by now, it is let go. NULL is fine. */
void state_wait_cancel(struct state_wait *wait);

#endif
