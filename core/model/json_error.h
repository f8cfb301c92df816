/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_JSON_ERROR_H
#define CORE_MODEL_JSON_ERROR_H

/*
 * What the JSON reader found wrong, with the cure where the mistake is a usual one.
 *
 * Used by:  json_tree.
 * Uses:     report.
 * Threads:  [any]
 */

struct error;
struct report;

/* Reports `err` of json_read() for the report's source. */
void json_error_report(const struct report *report, const struct error *err);

#endif
