/* SPDX-License-Identifier: Apache-2.0 */
#include "message/piece.h"

#include <stdio.h>
#include <string.h>

enum { ENTITY_BYTES = 8 };

static int is_continuation(char c)
{
    return ((unsigned char)c & 0xC0u) == 0x80u;
}

/* Of the character that begins with `c`; 0: it is the rest of one. */
static size_t units_of(char c)
{
    return is_continuation(c) ? 0 : (unsigned char)c >= 0xF0 ? 2 : 1;
}

size_t piece_units(ops_str s)
{
    size_t units = 0;
    for (uint64_t i = 0; i < s.n; i++) {
        units += units_of(s.p[i]);
    }
    return units;
}

/* The bytes of the longest beginning that has at most `most` units. */
static size_t bytes_within(ops_str s, size_t most)
{
    size_t units = 0;
    for (size_t i = 0; i < s.n; i++) {
        units += units_of(s.p[i]);
        if (units > most) {
            return i;
        }
    }
    return (size_t)s.n;
}

/* What the character at `i` is inside of: '<' for <...>, '&' for an entity, or nothing. */
static char inside_after(char inside, char c, size_t length)
{
    if (inside == '\0') {
        return c == '<' || c == '&' ? c : '\0';
    }
    int is_over = inside == '<' ? c == '>' || c == '\n' : c == ';' || length > ENTITY_BYTES;
    return is_over ? '\0' : inside;
}

size_t piece_cut(ops_str mrkdwn, size_t most)
{
    size_t end = bytes_within(mrkdwn, most);
    size_t line = 0;
    size_t space = 0;
    size_t safe = 0; /* the last place that is inside of nothing */
    char inside = '\0';
    for (size_t i = 0; i <= end && i < mrkdwn.n; i++) {
        char c = mrkdwn.p[i];
        if (inside == '\0' && !is_continuation(c)) {
            safe = i;
            line = c == '\n' && i < end ? i + 1 : line;
            space = c == ' ' && i < end ? i + 1 : space;
        }
        inside = inside_after(inside, c, i - safe);
    }
    size_t cut = line > end / 2 ? line : space > end / 2 ? space : safe;
    return cut > 0 ? cut : end > 0 ? end : (size_t)mrkdwn.n;
}

void piece_append_short(struct text *out, ops_str s, size_t most)
{
    if (piece_units(s) <= most) {
        text_append_str(out, s);
        return;
    }
    text_append(out, s.p, bytes_within(s, most > 3 ? most - 3 : 0));
    text_append_literal(out, most >= 3 ? "..." : "");
}

void piece_append_json(struct text *out, ops_str s)
{
    text_append_literal(out, "\"");
    for (uint64_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char escape[8] = {'\\', s.p[i], '\0'};
        if (c == '"' || c == '\\') {
            text_append_literal(out, escape);
        } else if (c < 0x20 || c == 0x7F) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", c);
            text_append_literal(out, c == '\n' ? "\\n" : escape);
        } else {
            text_append(out, &s.p[i], 1);
        }
    }
    text_append_literal(out, "\"");
}
