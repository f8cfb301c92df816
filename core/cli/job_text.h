/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_JOB_TEXT_H
#define CORE_CLI_JOB_TEXT_H

/*
 * Job text: parts of the documents that core/api gives (JOBS.md), as people read them. What is not
 * there, or of another type, is as if it were null: documents come from another process.
 *
 * Used by:  list_text, status_text, history_text, logs_text.
 * Uses:     value, terminal.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct value;

struct job_text_style {
    bool is_colored;
    unsigned columns; /* of the terminal; 0: it is none */
};

/* Of the standard output. */
struct job_text_style job_text_style_of_stdout(void);

/* The text at `key`; empty: none. */
struct str job_text_get(const struct value *map, const char *key);
/* The number at `key`; `otherwise` when there is none. */
double job_text_number(const struct value *map, const char *key, double otherwise);
int64_t job_text_int(const struct value *map, const char *key);
/* `key` is true. */
bool job_text_is(const struct value *map, const char *key);
/* The list at `key`; NULL: none. */
const struct value *job_text_list(const struct value *map, const char *key);

/* "2027-01-15 07:59:30", the moment at `key`, or "-". */
void job_text_append_time(const struct value *map, const char *key, struct strbuf *out);
/* The same with milliseconds. */
void job_text_append_moment(const struct value *map, const char *key, struct strbuf *out);
/* "1.24 s", the seconds at `key`, or "-". */
void job_text_append_seconds(const struct value *map, const char *key, struct strbuf *out);

/* The moment is over; an empty one is, too. */
bool job_text_is_past(struct str moment, int64_t now_unix_ms);

/* "approval required": a state in its colour. */
void job_text_append_state(struct str state, struct job_text_style style, struct strbuf *out);

/* "ann (uid 1000)", the user who did something, of an audit row; "-": nobody knows. */
void job_text_append_who(const struct value *row, struct strbuf *out);

/*
 * Of a record or a log line, where it is not the first one: "attempt 2". Numbers of attempts count
 * on over visits and rounds: those of a#2 and a@2 say nothing to people. 0: nothing is to be said.
 */
int64_t job_text_attempt(const struct value *row);

/* Spaces up to `columns`, `used` of which are taken; at least one. */
void job_text_append_gap(struct strbuf *out, size_t used, size_t columns);

/* A line that says what a run waits for that only people can bring; nothing for any other run. */
void job_text_append_rest(const struct value *job, struct strbuf *out);

/* "CODE: message" of a failure; "" when there is none. */
void job_text_append_error(const struct value *failure, struct strbuf *out);
/* The same and " (not retried: REASON)", where it says so. */
void job_text_append_failure(const struct value *failure, struct strbuf *out);

#endif
