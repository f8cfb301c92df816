/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_RULE_H
#define CORE_CHECKER_RULE_H

/*
 * Rule: one thing that a plugin must be, or must not do. All of them are rows of one table, in the
 * order in which they are looked at; the ids never change.
 *
 * Used by:  main, the reports.
 * Uses:     subject, verdict; one file rule_*.c per kind.
 * Threads:  [main]
 */

#include <stddef.h>

struct subject;
struct verdict;

enum rule_severity {
    RULE_ERROR,   /* the check fails */
    RULE_WARNING, /* it is shown, and the check does not fail for it */
};

typedef void (*rule_run_fn)(const struct subject *subject, struct verdict *verdict);

struct rule {
    const char *id; /* "static.exports" */
    enum rule_severity severity;
    const char *title;    /* one line, says how it should be */
    const char *why;      /* what goes wrong otherwise */
    const char *mend;     /* what to do */
    const char *needs[3]; /* the rules without which this one cannot be looked at; NULL: none */
    rule_run_fn run;
};

/* All rules; ends with an id of NULL. */
extern const struct rule rule_table[];

/* The rule `id`, or NULL. */
const struct rule *rule_find(const char *id);

/* "error", "warning"; static. */
const char *rule_severity_name(const struct rule *rule);

/* ---- What the rules are, by file ---- */

/* rule_image.c: the file as the loader sees it */
void rule_static_elf(const struct subject *subject, struct verdict *verdict);
void rule_static_exports(const struct subject *subject, struct verdict *verdict);
void rule_static_unique(const struct subject *subject, struct verdict *verdict);
void rule_static_tls(const struct subject *subject, struct verdict *verdict);
void rule_static_textrel(const struct subject *subject, struct verdict *verdict);
void rule_static_stack(const struct subject *subject, struct verdict *verdict);
void rule_static_constructors(const struct subject *subject, struct verdict *verdict);
void rule_static_rpath(const struct subject *subject, struct verdict *verdict);
void rule_static_build_id(const struct subject *subject, struct verdict *verdict);

/* rule_imports.c: what it calls */
void rule_static_imports(const struct subject *subject, struct verdict *verdict);
void rule_static_glibc(const struct subject *subject, struct verdict *verdict);
void rule_static_libraries(const struct subject *subject, struct verdict *verdict);
void rule_static_symbols(const struct subject *subject, struct verdict *verdict);

/* rule_manifest.c */
void rule_manifest_note(const struct subject *subject, struct verdict *verdict);
void rule_manifest_form(const struct subject *subject, struct verdict *verdict);
void rule_manifest_sidecar(const struct subject *subject, struct verdict *verdict);
void rule_manifest_needs(const struct subject *subject, struct verdict *verdict);

/* rule_run.c: what its nodes do */
void rule_run_load(const struct subject *subject, struct verdict *verdict);
void rule_run_configs(const struct subject *subject, struct verdict *verdict);
void rule_run_outputs(const struct subject *subject, struct verdict *verdict);
void rule_run_strand(const struct subject *subject, struct verdict *verdict);
void rule_run_mutations(const struct subject *subject, struct verdict *verdict);
void rule_run_checks(const struct subject *subject, struct verdict *verdict);

/* rule_trouble.c: what they do when something is done to them */
void rule_run_cancel(const struct subject *subject, struct verdict *verdict);
void rule_run_faults(const struct subject *subject, struct verdict *verdict);

/* rule_start.c: init() and create() when a call fails */
void rule_run_start(const struct subject *subject, struct verdict *verdict);

/* rule_process.c, rule_growth.c: what is left of it */
void rule_run_process(const struct subject *subject, struct verdict *verdict);
void rule_run_growth(const struct subject *subject, struct verdict *verdict);

#endif
