/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_PROBE_RESULT_H
#define CORE_HOST_PROBE_RESULT_H

/*
 * Probe result: what came of trying a plugin file in a process of its own, kept by the SHA-256 of
 * the file beside its copy: FOLDER/SHA256.json. It counts for the build of opstream that tried; one
 * that is damaged counts as none, and the file is tried again.
 *
 * Used by:  probe, copy_shelf, registry_file, registry_catalogue, trial.
 * Uses:     base, value, private_file, probe_frame.
 * Threads:  [any]; a struct belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/digest.h"
#include "core/base/str.h"
#include "core/host/probe_frame.h"

enum probe_outcome {
    PROBE_PASSED,
    PROBE_CRASHED, /* a signal ended it */
    PROBE_EXITED,  /* its code ended the process */
    PROBE_HUNG,    /* it did not come to its end in time */
    PROBE_REFUSED, /* its init() said no */
    PROBE_OUTCOME_COUNT,
};

struct probe_result {
    enum probe_outcome outcome;
    enum probe_stage stage; /* PASSED: PROBE_EXIT */
    int signal;             /* CRASHED */
    int exit_code;          /* EXITED */
    int64_t limit_ms;       /* HUNG: so long was waited */
    int64_t tried_unix_ms;
    struct strbuf message; /* REFUSED: what it said */
    struct strbuf version; /* of opstream */
    struct strbuf file;    /* where it lay */
    struct strbuf stack;   /* lines, the innermost first; empty: nothing is known */
    struct strbuf output;  /* the beginning of what it wrote to stdout and stderr */
};

#define PROBE_RESULT_INIT ((struct probe_result){0})
void probe_result_finish(struct probe_result *result);

/* "passed", "crashed", "exited", "hung", "refused"; static. */
const char *probe_outcome_name(enum probe_outcome outcome);

/* "crashed in init with SIGSEGV", "ended the process with code 3 in dlopen", ... */
void probe_result_append_text(const struct probe_result *result, struct strbuf *out);

/* "SIGSEGV", or "signal 99". */
void probe_result_append_signal(int signal, struct strbuf *out);

/*
 * The result for the file with this hash (hex) that is kept in `folder`, by this very build; into
 * `out`, which is empty. False: there is none that counts.
 */
bool probe_result_read(const char *folder, const char *hash, struct probe_result *out);

/* Keeps it there. 0 or an errno value. */
int probe_result_write(const char *folder, const char *hash, const struct probe_result *result);

/* Forgets it. True when there was one. */
bool probe_result_remove(const char *folder, const char *hash);

#endif
