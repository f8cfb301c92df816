/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_PROBE_H
#define CORE_HOST_PROBE_H

/*
 * Probe: a plugin file is loaded, initialised and shut down by opstream-plugin-host, in a process
 * that may die of it:
 *
 *     probe_run() ─▶ opstream-exec (limits itself) ─▶ opstream-plugin-host --probe FILE
 *         │                                               │ tells each stage as it begins
 *         ◀───────────────────────────────────────────────┘ and, when it crashes, the stack
 *
 * What did not come to its end in time is told to abort, so that there is a stack, and then killed;
 * so is all that it started. It has no privileges to gain, a session of its own, limits, and an
 * environment without secrets; but it runs as the same user, and sees what that one sees: it finds
 * out what breaks, not what is evil.
 *
 * Used by:  trial.
 * Uses:     base, spawn, kin, result, probe_frame, probe_stack.
 * Threads:  [any]; the thread must live as long as the call.
 */

#include <stdint.h>

struct error;
struct probe_result;

enum {
    PROBE_LIMIT_MS = 5000,
    PROBE_ABORT_MS = 500, /* from SIGABRT to SIGKILL */
    PROBE_OUTPUT_BYTES = 2048,
};

/* All borrowed for the call. */
struct probe_spec {
    const char *folder; /* of opstream-exec and opstream-plugin-host */
    const char *file;   /* to be tried */
    const char *shown;  /* what it is a copy of */
    int64_t limit_ms;
    int64_t now_unix_ms; /* for the result */
    int stop_fd;         /* readable: it is not wanted any more; below 0: none */
};

/*
 * Tries the file. 0: `out_result` (which is empty) says what came of it. Else nothing is known:
 * E_NOT_FOUND (a program is missing), E_CANCELED, E_LIMIT, E_IO, E_NOMEM; or the code refused by
 * itself, properly, as a descriptor that does not fit: what `err` says then.
 */
int probe_run(const struct probe_spec *spec, struct probe_result *out_result, struct error *err);

#endif
