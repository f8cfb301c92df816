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

/* To the character number `index`, or the end; from the start again when that is behind. */
static inline void cursor_to_index(struct cursor *cursor, size_t index)
{
    if (index < cursor->index) {
        *cursor = cursor_at_start(cursor->source, cursor->place.file);
    }
    while (cursor->index < index && cursor->offset < cursor->source.n) {
        size_t plain = index - cursor->index;
        size_t left = cursor->source.n - cursor->offset;
        const char *at = cursor->source.p + cursor->offset;
        size_t n = 0;
        plain = plain < left ? plain : left;
        while (n < plain && (signed char)at[n] > 0 && at[n] != '\n') {
            n++;
        }
        cursor->offset += n;
        cursor->index += n;
        cursor->place.column += (uint32_t)n;
        if (cursor->index < index && cursor->offset < cursor->source.n) {
            cursor_step(cursor);
        }
    }
}

#endif
