/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_CURSOR_H
#define CORE_MODEL_CURSOR_H

/*
 * Cursor: the place in a text, moved forward byte by byte or to a character's number, so that
 * the places of all nodes of a file cost one pass over it.
 *
 * Used by:  model (its readers).
 * Uses:     base.
 * Threads:  [any]; one cursor belongs to one thread at a time.
 */

#include "core/base/str.h"
#include "core/model/pipeline.h"

struct cursor {
    struct str source; /* valid UTF-8 */
    size_t offset;     /* bytes */
    size_t index;      /* characters */
    struct place place;
};

/* `file` is the number of the file, for its places. */
static inline struct cursor cursor_at_start(struct str source, uint32_t file)
{
    return (struct cursor){.source = source, .place = {.line = 1, .column = 1, .file = file}};
}

/* One byte on. */
static inline void cursor_step(struct cursor *cursor)
{
    unsigned char c = (unsigned char)cursor->source.p[cursor->offset++];
    bool is_last_byte = cursor->offset == cursor->source.n ||
                        ((unsigned char)cursor->source.p[cursor->offset] & 0xC0) != 0x80;
    if (!is_last_byte) {
        return;
    }
    cursor->index++;
    cursor->place.column++;
    if (c == '\n') {
        cursor->place.line++;
        cursor->place.column = 1;
    }
}

/* How many characters are left before number `index`, if all of them are one byte long. */
static inline size_t cursor_left(const struct cursor *cursor, size_t index)
{
    size_t bytes = cursor->source.n - cursor->offset;
    size_t characters = index > cursor->index ? index - cursor->index : 0;
    return characters < bytes ? characters : bytes;
}

/* `n` characters on, all of one byte and none of them a line's end. */
static inline void cursor_pass(struct cursor *cursor, size_t n)
{
    cursor->offset += n;
    cursor->index += n;
    cursor->place.column += (uint32_t)n;
}

/* Over ASCII text, at most to the character number `index` or the end of the line. */
static inline void cursor_pass_plain(struct cursor *cursor, size_t index)
{
    size_t left = cursor_left(cursor, index);
    const char *at = cursor->source.p + cursor->offset;
    size_t n = 0;
    while (n < left && (signed char)at[n] > 0 && at[n] != '\n') {
        n++;
    }
    cursor_pass(cursor, n);
}

/* Over spaces, at most to the character number `index`. */
static inline void cursor_pass_spaces(struct cursor *cursor, size_t index)
{
    size_t left = cursor_left(cursor, index);
    const char *at = cursor->source.p + cursor->offset;
    size_t n = 0;
    while (n < left && at[n] == ' ') {
        n++;
    }
    cursor_pass(cursor, n);
}

/* To the character number `index`, or the end; from the start again when that is behind. */
static inline void cursor_to_index(struct cursor *cursor, size_t index)
{
    if (index < cursor->index) {
        *cursor = cursor_at_start(cursor->source, cursor->place.file);
    }
    while (cursor->index < index && cursor->offset < cursor->source.n) {
        cursor_pass_plain(cursor, index);
        if (cursor->index < index && cursor->offset < cursor->source.n) {
            cursor_step(cursor);
        }
    }
}

#endif
