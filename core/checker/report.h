/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_REPORT_H
#define CORE_CHECKER_REPORT_H

/*
 * Report: what came of all rules, for people, as JSON and as JUnit XML.
 *
 * Used by:  main.
 * Uses:     rule, subject, verdict; value.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct error;
struct rule;
struct subject;
struct verdict;

enum { REPORT_ROWS_MOST = 64 };

struct report_row {
    const struct rule *rule;
    struct verdict *verdict; /* owned by whoever made the report */
};

struct report {
    const struct subject *subject;
    struct report_row rows[REPORT_ROWS_MOST];
    size_t count;
};

/* No rule that is an error has failed. */
bool report_is_good(const struct report *report);

/* One rule and what came of it, in some lines. */
void report_append_row(const struct report_row *row, struct strbuf *out);
/* The line in front of all, and that behind them. */
void report_append_head(const struct report *report, struct strbuf *out);
void report_append_sum(const struct report *report, struct strbuf *out);

/* The whole as one JSON document, with a line break. Fails with E_NOMEM. */
int report_append_json(const struct report *report, struct strbuf *out, struct error *err);

/* The whole as one XML document in the form of JUnit. */
void report_append_junit(const struct report *report, struct strbuf *out);

#endif
