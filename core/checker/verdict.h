/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_VERDICT_H
#define CORE_CHECKER_VERDICT_H

/*
 * Verdict: what came of one rule. Plain memory of a fixed size, so that a child process can write
 * it where its parent reads it, up to the moment when it crashes.
 *
 * Used by:  all rules, the reports.
 * Uses:     nothing.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VERDICT_STAGE_BYTES = 512,
    VERDICT_REMARK_BYTES = 256,
    VERDICT_TEXT_BYTES = 32768,
    VERDICT_FINDINGS_MOST = 20, /* shown; more are counted */
};

enum verdict_outcome {
    VERDICT_OK,
    VERDICT_FAILED,
    VERDICT_SKIPPED, /* the rule has nothing to look at in this plugin; the finding says why */
};

struct verdict {
    uint32_t outcome;   /* enum verdict_outcome */
    uint32_t is_whole;  /* the rule has been looked at to its end */
    uint32_t has_ended; /* the process has, as wait() tells in end_status */
    int32_t end_status;
    uint32_t finding_count;
    uint32_t lost_count; /* findings that are only counted */
    size_t used;
    int64_t took_ms;
    char stage[VERDICT_STAGE_BYTES];   /* what was being done last */
    char remark[VERDICT_REMARK_BYTES]; /* what is worth knowing though all is well; or empty */
    char texts[VERDICT_TEXT_BYTES];    /* the findings, NUL-terminated one after the other */
};

/* What is being done now: told when the plugin crashes or hangs in it. */
void verdict_stage(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The rule is broken: one sentence that says what was found, and where. */
void verdict_fail(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The rule does not apply, because. Nothing happens when it has failed already. */
void verdict_skip(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void verdict_remark(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Finding `i`, borrowed; NULL behind the last. */
const char *verdict_finding(const struct verdict *verdict, size_t i);

/* "ok", "failed", "skipped"; static. */
const char *verdict_outcome_name(const struct verdict *verdict);

#endif
