/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_BACKGROUND_H
#define CORE_LOOP_BACKGROUND_H

/*
 * Background: an owner of the state folder that outlives the command that started it.
 *
 *     command                                owner
 *     background_start() ── posix_spawn ──▶  background_init()
 *        waits                               lock, recovery, listen
 *        0, or the reason    ◀── one line ── background_tell_ready() / background_tell_failure()
 *
 * The owner leads a session of its own, stands in '/', reads nothing, writes to engine.log, and
 * has no other descriptor of the command but the one that it tells by.
 *
 * Used by:  cli.
 * Uses:     base, state_folder, engine_log.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct state_folder;

enum { BACKGROUND_SECRETS_FD = 4 };

struct background_options {
    const struct state_folder *folder; /* whose engine.log it writes */
    const char *program;               /* path; NULL: the one that runs */
    const char *const *argv;           /* NULL behind the last, the first is a name */
    const char *const *env;            /* "NAME=value", NULL behind the last; NULL: ours. What
                                          belongs to this process alone is left out: NOTIFY_SOCKET,
                                          WATCHDOG_*, OPSTREAM_OWNER */
    int secrets_fd; /* the owner has it as BACKGROUND_SECRETS_FD; 0: there is none */
    uint64_t timeout_ms;
};

/*
 * Starts the owner and waits until it tells. Returns 0 when it listens; `*out_pid` (may be NULL)
 * is its process, a child until this process ends.
 * Fails with what the owner tells (its code, its words); E_IO when it ended without a word (how,
 * and the last line of its log); E_TIMEOUT: it goes on, and may listen later; E_NOT_FOUND (no such
 * program), E_LIMIT, E_NOMEM, E_INVALID (as engine_log_open()).
 */
int background_start(const struct background_options *options, pid_t *out_pid, struct error *err);

/* The owner's side. */
struct background {
    int fd; /* -1: not started by background_start(), or told already */
};

/* Before any thread and child: takes what background_start() left in the environment. */
void background_init(struct background *background);

/* Whether somebody waits to be told. */
bool background_is_awaited(const struct background *background);

/* Tell whoever waits, once; later calls, and those when nobody waits, do nothing. */
void background_tell_ready(struct background *background);
void background_tell_failure(struct background *background, const struct error *err);

#endif
