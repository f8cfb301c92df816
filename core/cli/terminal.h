/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_TERMINAL_H
#define CORE_CLI_TERMINAL_H

/*
 * Terminal: what the standard output is, colours, and writing whole texts.
 *
 * Used by:  cmd_*.
 * Uses:     base, value.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/value/json.h"

struct value;

enum terminal_color {
    COLOR_NONE,
    COLOR_RED,
    COLOR_GREEN,
    COLOR_YELLOW,
    COLOR_BLUE,
    COLOR_DIM,
    COLOR_BOLD,
};

/* The descriptor is a terminal that understands cursor movements (TERM is not "dumb"). */
bool terminal_is_live(int fd);

/* The descriptor is a terminal, and neither NO_COLOR nor TERM=dumb forbid colours. */
bool terminal_has_color(int fd);

struct terminal_size {
    unsigned rows;
    unsigned columns;
};

/* 24 x 80 when it cannot be asked. */
struct terminal_size terminal_size(int fd);

/* Appends `text` in a colour when `is_colored`. */
void terminal_append_color(struct strbuf *out, bool is_colored, enum terminal_color color,
                           struct str text);

/* Appends `text` so that it cannot steer the terminal (escape.h); a tab becomes four spaces. */
void terminal_append_safe(struct strbuf *out, struct str text);

/* The same in one line: a line break and the white space around it become a space. */
void terminal_append_line(struct strbuf *out, struct str text);

/* Appends JSON text for people: it cannot steer the terminal either. */
void terminal_append_json(struct strbuf *out, const struct value *value, enum json_style style);

/* The columns that text takes on a terminal: utf8_width(), 1 for a byte that is not UTF-8. */
size_t terminal_width(struct str text);

/* The columns of what terminal_append_safe() appends; 0 without memory. */
size_t terminal_safe_width(struct str text);

/* The largest start of `text` that fits into `columns`. */
size_t terminal_fit(struct str text, size_t columns);

/* Writes all. EXIT_DONE; EXIT_STATE and one line on stderr when the output cannot be written. */
int terminal_write_stdout(struct str text);

/* Writes all to stderr; there is nobody to tell when that fails. */
void terminal_write_stderr(struct str text);

#endif
