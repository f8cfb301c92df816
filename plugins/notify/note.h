/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_NOTIFY_NOTE_H
#define PLUGINS_NOTIFY_NOTE_H

/*
 * Note: the message of a node, as its config says it, before it takes the form of a target.
 *
 * Used by:  all of notify.
 * Uses:     sdk.h, service/text.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/text.h"

enum { NOTE_SUMMARY_BYTES = 512, NOTE_FILES = 20, NOTE_FAULT_BYTES = 160 };

enum note_severity { NOTE_INFO, NOTE_WARNING, NOTE_ERROR, NOTE_CRITICAL };

struct note_file {
    ops_str name; /* without control characters and "/" */
    ops_str type; /* "text/plain; charset=utf-8" */
    ops_str bytes;
};

/* Borrowed from the config; what is not given is empty or 0. */
struct note {
    ops_task task;
    ops_str title;
    ops_str text; /* Markdown */
    enum note_severity severity;
    ops_val fields; /* a map */
    ops_val table;  /* as the config has it; 0: none */
    ops_val columns;
    ops_val rows;
    ops_val links;                 /* a list of maps */
    ops_val attachments;           /* the same */
    const struct note_file *files; /* what they are; in the task's memory */
    uint64_t n_files;
    ops_str key; /* the step's idempotency key */
    ops_str run_id;
    ops_str workflow;
    ops_str node;
    uint32_t attempt;
    ops_str dedupe;                   /* what is the same has the same; empty: nothing is */
    uint64_t dedupe_ms;               /* 0: its window is no time */
    int is_digest;                    /* only what was held back is to go out */
    int is_now;                       /* whatever the rules say */
    int is_repeatable;                /* also where it may come twice then */
    char summary[NOTE_SUMMARY_BYTES]; /* what a digest says of it: plain, one line */
    ops_str digest; /* what was held back, a line each: set for the target that it goes to */
};

#define NOTE_DIGEST_TITLE "What was held back"

void note_read(ops_task task, ops_val config, struct note *out);

/* "info", "warning", ...; static. */
const char *note_severity_name(enum note_severity severity);

/* Reads the attachments. 0: one of them is no good, and `fault` says which and why. */
int note_read_files(struct note *note, char fault[NOTE_FAULT_BYTES]);

/* How many; `i` below it. */
uint64_t note_link_count(const struct note *note);
void note_link_at(const struct note *note, uint64_t i, ops_str *out_text, ops_str *out_url);
uint64_t note_field_count(const struct note *note);
/* The value as text: a number as JSON writes it, null as nothing. */
void note_field_at(const struct note *note, uint64_t i, ops_str *out_name, ops_str *out_value);

/* A text, a number, a truth value or null, as people read it. */
ops_str note_cell(ops_val value);

/*
 * The table in columns of one width, as text of a fixed pitch has it: at most `max` bytes, whole
 * lines, and "... N more rows" where rows were left out. Nothing without a table.
 */
void note_append_table(const struct note *note, struct text *out, size_t max);

/* The next line of a digest, which is taken off `*rest`. */
ops_str note_take_line(ops_str *rest);

/* The digest: at most `max` bytes, whole lines, and "... N more" where some were left out. */
void note_append_digest(const struct note *note, struct text *out, size_t max);

/* The first `max` characters of `s`; whole, "..." as one more character behind it when it was cut.
 */
void note_append_cut(struct text *out, ops_str s, size_t max);

#endif
