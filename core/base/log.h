/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

/*
 * Log: the one sink for lines about what the program does.
 *
 *     log_write(LOG_LEVEL_WARN, "node completed twice",
 *               LOG_FIELDS(log_text("plugin", name), log_int("task", id)));
 *
 *     2025-01-31T14:22:33.123Z warn node completed twice plugin=acme.issues task=7
 *     {"time":"2025-01-31T14:22:33.123Z","level":"warn","message":"node completed twice",...}
 *
 * Control and bidi characters are escaped, so that no text from outside can forge a line or drive
 * a terminal. A line is one write(2). A line that cannot be written is lost: logging never fails.
 *
 * Used by:  host (for plugins), loop, cli; journal before it ends the process. Other folders return
 *           errors and do not log.
 * Uses:     clock, escape, str.
 * Threads:  [any]; the setters [main].
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

/* A message or value longer than this is cut, and ends in "...". */
enum { LOG_FIELD_BYTES = 8192 };

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARN,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

enum log_format {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
};

enum log_field_kind {
    LOG_FIELD_TEXT,
    LOG_FIELD_INT,
};

/* All borrowed for the call of log_write(). */
struct log_field {
    const char *key;
    enum log_field_kind kind;
    struct str text;
    int64_t number;
};

static inline struct log_field log_str(const char *key, struct str text)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_TEXT, .text = text};
}

static inline struct log_field log_text(const char *key, const char *text)
{
    return log_str(key, str_from(text));
}

static inline struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_INT, .number = number};
}

/* The last two arguments of log_write(). Without fields write: NULL, 0 */
#define LOG_FIELDS(...)                                                                            \
    (struct log_field[]){__VA_ARGS__},                                                             \
        sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)

/* Where lines go; the descriptor is the caller's and must stay open. Default: 2 (stderr). */
void log_set_fd(int fd);

/* Lines of less weight than `level` are dropped. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Default: LOG_FORMAT_TEXT. */
void log_set_format(enum log_format format);

/* Whether a line of this level would be written: to spare the work of making it. */
bool log_is_enabled(enum log_level level);

/* "error", "warn", "info", "debug"; static. */
const char *log_level_name(enum log_level level);

/* Reads such a name. Returns 0 or E_INVALID. */
int log_level_parse(struct str name, enum log_level *out_level);

/* Writes one line. `fields` may be NULL when `count` is 0. */
void log_write(enum log_level level, const char *message, const struct log_field *fields,
               size_t count);

#endif
