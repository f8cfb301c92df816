/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_TEXT_H
#define PLUGINS_SERVICE_TEXT_H

/*
 * Text: a growing buffer, and the encodings that a request needs.
 *
 * Used by:  plugins for services of HTTP.
 * Uses:     abi.h.
 * Threads:  [any-thread]; a buffer belongs to one call.
 */

#include <stddef.h>
#include <stdint.h>

#include "opstream/abi.h"

/* Remembers a failed allocation; appends after it do nothing. All zero is empty. */
struct text {
    char *p;
    size_t n;
    size_t cap;
    int failed;
};

void text_finish(struct text *text);
void text_append(struct text *text, const char *bytes, size_t n);
void text_append_str(struct text *text, ops_str s);
void text_append_literal(struct text *text, const char *literal);

/* The content, borrowed until the next change. */
ops_str text_str(const struct text *text);

/* As a part of a query (space is %20) or of a form (space is +). */
enum text_encoding { TEXT_QUERY, TEXT_FORM };
void text_append_encoded(struct text *text, ops_str s, enum text_encoding encoding);

void text_append_base64(struct text *text, ops_str bytes);

/* Appends the bytes of `base64`; line breaks in it are passed over. 0: it is broken. */
int text_append_unbase64(struct text *text, ops_str base64);

/* Bytes as if they were Latin-1, in UTF-8: what headers are when they are not UTF-8. */
void text_append_latin1(struct text *text, ops_str bytes);

/*
 * At most `max` bytes of `s` on one line: control characters become spaces, and the cut is never
 * inside of a UTF-8 character. "..." follows when something was cut.
 */
void text_append_line(struct text *text, ops_str s, size_t max);

/* 1 when both are the same but for ASCII case. */
int text_equal_nocase(ops_str s, const char *other);

/* "250ms", "30s", "1m30s", "2h": milliseconds, or 0 when it is no duration or none at all. */
uint64_t text_read_duration_ms(ops_str s);

#endif
