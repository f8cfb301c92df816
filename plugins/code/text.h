/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_CODE_TEXT_H
#define PLUGINS_CODE_TEXT_H

/*
 * Text: a growing buffer of bytes that remembers when memory was out, and texts made fit to print.
 */

#include "opstream/abi.h"

struct text {
    char *p; /* NUL-terminated when not NULL */
    size_t n;
    size_t cap;
    int is_failed; /* memory was out: the content is not whole */
};

void text_finish(struct text *text);
void text_add(struct text *text, ops_str bytes);
/* By printf's rules; at most 1,023 bytes. */
void text_add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
ops_str text_slice(const struct text *text);

/* Drops bytes at the front so that at most `n` are left, and the first is not inside a character.
 */
void text_keep_last(struct text *text, size_t n);

/* Adds `bytes` with U+FFFD for each byte that is not part of UTF-8. */
void text_add_clean(struct text *text, ops_str bytes);

/* The last line that has more than white space, without its end; empty when there is none. */
ops_str text_last_line(ops_str text);

/* Without white space at both ends. */
ops_str text_trim(ops_str text);

#endif
