/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_DIAGNOSTIC_H
#define CORE_BASE_DIAGNOSTIC_H

/*
 * Diagnostics: all that is wrong with a file, each with its place, for people.
 *
 *     host.yaml:12:5: error: node 'fetch' has the unknown key 'tiemout'
 *         tiemout: 30s
 *         ^
 *       did you mean 'timeout'?
 *
 * A list remembers the first failed allocation, so that a checker adds freely and asks once, at
 * the end, with diagnostics_status(). The first 1,000 are kept; the rest are counted.
 *
 * Used by:  model, cli.
 * Uses:     arena, error, str, utf8.
 * Threads:  [any]; one list belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/str.h"

struct error;

enum { DIAGNOSTICS_KEPT = 1000 };

enum diagnostic_severity {
    DIAGNOSTIC_ERROR,
    DIAGNOSTIC_WARNING,
};

struct diagnostic_place {
    const char *file; /* NULL: none */
    uint32_t line;    /* 1 is the first; 0: unknown */
    uint32_t column;  /* 1 is the first character (not byte) of the line; 0: unknown */
};

struct diagnostic {
    enum diagnostic_severity severity;
    struct diagnostic_place place;
    const char *message;
    const char *hint; /* NULL: none */
    size_t order;     /* in which it was added */
};

struct diagnostics {
    struct diagnostic *items;
    size_t count; /* kept */
    size_t cap;
    size_t error_count; /* with those that are not kept */
    size_t warning_count;
    struct arena arena; /* the texts */
    bool is_last_kept;
    bool failed; /* out of memory: texts or items are missing, the counts are right */
};

#define DIAGNOSTICS_INIT ((struct diagnostics){0})

/* Frees all; the list is empty and usable again. NULL is fine. */
void diagnostics_finish(struct diagnostics *list);

/*
 * Adds one; the place's file and the formatted message are copied. Style of the message: lower
 * case, one line, no final period, names in single quotes.
 */
void diagnostics_add(struct diagnostics *list, enum diagnostic_severity severity,
                     struct diagnostic_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Gives the diagnostic that was added last a hint: how to mend it, or "did you mean 'x'?". */
void diagnostics_hint(struct diagnostics *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds `err` (borrowed) with its own place as an error. */
void diagnostics_add_error(struct diagnostics *list, const struct error *err);

/* 0, or E_NOMEM when any of the above ran out of memory. */
int diagnostics_status(const struct diagnostics *list);

/* By file, line and column; those of one place stay in the order of adding. */
void diagnostics_sort(struct diagnostics *list);

/* Of those that say the same of the same place keeps the first; for a sorted list. */
void diagnostics_merge_equal(struct diagnostics *list);

/* The whole text of `file`, borrowed until the print ends; the empty slice when there is none. */
typedef struct str (*diagnostic_source_cb)(const char *file, void *user);

enum diagnostic_flags {
    DIAGNOSTIC_COLOR = 1u << 0, /* for a terminal */
};

/*
 * Appends all, one after the other, and how many were not kept. `source` may be NULL: no source
 * lines then. Control and bidi characters of messages and sources never reach the output raw.
 * `flags`: enum diagnostic_flags.
 */
void diagnostics_print(const struct diagnostics *list, diagnostic_source_cb source, void *user,
                       unsigned flags, struct strbuf *out);

/*
 * Appends the one line `line` (1 is the first) of `text` and a caret under its `column`th
 * character, each behind `indent` spaces; nothing when there is no such line. Long lines are cut
 * around the place. Also for expressions on a command line.
 */
void diagnostic_print_caret(struct str text, uint32_t line, uint32_t column, unsigned indent,
                            struct strbuf *out);

#endif
