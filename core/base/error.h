/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_ERROR_H
#define CORE_BASE_ERROR_H

/*
 * Error: a code for programs, one sentence for people, and the place in a file.
 *
 * Used by:  everything.
 * Uses:     nothing.
 * Threads:  [any]; an error belongs to whoever declared it.
 *
 * The codes are the closed set of negative results in core. Expected outcomes ("not there yet",
 * "already done") are positive values of a module's own enum and never travel as an error.
 */

#include <stdint.h>

#define ERROR_CODES(X)                                                                             \
    X(E_NOMEM, -1, "out of memory")                                                                \
    X(E_IO, -2, "input/output error")                                                              \
    X(E_INVALID, -3, "invalid")                                                                    \
    X(E_NOT_FOUND, -4, "not found")                                                                \
    X(E_EXISTS, -5, "exists already")                                                              \
    X(E_CONFLICT, -6, "conflict")                                                                  \
    X(E_LIMIT, -7, "over a limit")                                                                 \
    X(E_CORRUPT, -8, "corrupt data")                                                               \
    X(E_VERSION, -9, "version mismatch")                                                           \
    X(E_CANCELED, -10, "canceled")                                                                 \
    X(E_TIMEOUT, -11, "timed out")                                                                 \
    X(E_PLUGIN, -12, "plugin fault")

enum error_code {
#define X(name, number, text) name = (number),
    ERROR_CODES(X)
#undef X
};

/* All zero is "no error". Fixed size, so that failing never allocates. */
struct error {
    int code;        /* one of enum error_code, or 0 */
    uint32_t line;   /* 1 is the first line; 0: no place known */
    uint32_t column; /* 1 is the first character (not byte) of the line; 0: unknown */
    char file[256];  /* "" when there is no file */
    char message[1024];
};

/* The text of a code, "unknown error" for others; static. */
const char *error_code_text(int code);

/*
 * Fills `err` (may be NULL) and returns `code`, so that `return error_set(err, E_X, ...)` reads
 * well. The message is cut at its buffer's end, never in the middle of a UTF-8 character.
 * Style: lower case, one line, no final period, names in single quotes, the cure if known.
 */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set(), with the text of errno value `errnum` behind ": ". */
int error_set_errno(struct error *err, int code, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* E_NOMEM with its standard text. */
int error_nomem(struct error *err);

/* Sets the place. `file` (borrowed) may be NULL: then the file stays as it is. */
void error_set_place(struct error *err, const char *file, uint32_t line, uint32_t column);

/* Puts context in front of the message: "pipeline 'x': " + message. At most once per layer. */
void error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies `from` to `to` (may be NULL) and returns its code. */
int error_copy(struct error *to, const struct error *from);

#endif
