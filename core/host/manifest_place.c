/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text was read before, so this may trust it: only white space, punctuation, strings and
 * scalars come along. Keys are compared as they are written; one with an escape is not found, and
 * what is around it is shown.
 */
#include "core/host/manifest_place.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"

enum { SHOWN_BYTES = 40 };

static size_t skip_space(struct str text, size_t at)
{
    while (at < text.n && strchr(" \t\r\n,:", text.p[at]) != NULL && text.p[at] != '\0') {
        at++;
    }
    return at;
}

/* Behind the string that begins at `at`. */
static size_t skip_string(struct str text, size_t at)
{
    at++;
    while (at < text.n && text.p[at] != '"') {
        at += text.p[at] == '\\' ? 2 : 1;
    }
    return at + 1;
}

/* Behind the value that begins at `at`. */
static size_t skip_value(struct str text, size_t at)
{
    size_t depth = 0;
    do {
        char c = at < text.n ? text.p[at] : '}';
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= (c == '}' || c == ']') && depth > 0 ? 1 : 0;
        at++;
    } while (at < text.n &&
             (depth > 0 || (text.p[at - 1] != '"' && strchr(",]} \t\r\n", text.p[at]) == NULL)));
    return at;
}

/* Whether the key, a string that begins at `at`, is the next part of a pointer. */
static bool is_key(struct str text, size_t at, struct str part)
{
    struct str key = str_make(text.p + at + 1, skip_string(text, at) - at - 2);
    size_t k = 0;
    for (size_t i = 0; i < part.n; i++, k++) {
        bool is_escaped = part.p[i] == '~' && i + 1 < part.n;
        char c = is_escaped ? (part.p[++i] == '1' ? '/' : '~') : part.p[i];
        if (k >= key.n || key.p[k] != c) {
            return false;
        }
    }
    return k == key.n;
}

static size_t number_of(struct str part)
{
    size_t number = 0;
    for (size_t i = 0; i < part.n && part.p[i] >= '0' && part.p[i] <= '9'; i++) {
        number = number * 10 + (size_t)(part.p[i] - '0');
    }
    return number;
}

/*
 * The part of the map or list at `at`. `*out_shown` is where it is shown, with its key if it has
 * one. False: there is none.
 */
static bool find_part(struct str text, struct str part, size_t *at, size_t *out_shown)
{
    bool is_map = text.p[*at] == '{';
    size_t left = is_map ? 0 : number_of(part);
    size_t next = skip_space(text, *at + 1);
    if (!is_map && text.p[*at] != '[') {
        return false;
    }
    while (next < text.n && text.p[next] != '}' && text.p[next] != ']') {
        size_t value = is_map ? skip_space(text, skip_string(text, next)) : next;
        if (is_map ? is_key(text, next, part) : left-- == 0) {
            *out_shown = next;
            *at = value;
            return true;
        }
        next = skip_space(text, skip_value(text, value));
    }
    return false;
}

static size_t find(struct str text, struct str pointer)
{
    size_t at = skip_space(text, 0);
    size_t shown = at;
    while (pointer.n > 0 && at < text.n) {
        const char *end = memchr(pointer.p + 1, '/', pointer.n - 1);
        size_t n = end != NULL ? (size_t)(end - pointer.p) - 1 : pointer.n - 1;
        if (!find_part(text, str_make(pointer.p + 1, n), &at, &shown)) {
            return shown;
        }
        pointer = str_make(pointer.p + 1 + n, pointer.n - 1 - n);
    }
    return shown;
}

/* Counted in characters, not bytes. */
static void count_to(struct str text, size_t at, unsigned *out_line, unsigned *out_column)
{
    *out_line = 1;
    *out_column = 1;
    for (size_t i = 0; i < at; i++) {
        bool is_end = text.p[i] == '\n';
        *out_line += is_end ? 1 : 0;
        *out_column = is_end ? 1
                             : *out_column + (((unsigned char)text.p[i] & 0xC0) != 0x80 ? 1 : 0);
    }
}

void manifest_place_append(struct strbuf *out, struct str text, struct str pointer)
{
    unsigned line = 0;
    unsigned column = 0;
    count_to(text, find(text, pointer), &line, &column);
    strbuf_append_format(out, "line %u, column %u: ", line, column);
}

void manifest_place_add(struct str text, struct str pointer, struct error *err)
{
    size_t at = find(text, pointer);
    size_t left = text.n - at;
    size_t n = utf8_whole_prefix(text.p + at, left < SHOWN_BYTES ? left : SHOWN_BYTES);
    const char *line_end = memchr(text.p + at, '\n', n);
    unsigned line = 0;
    unsigned column = 0;
    count_to(text, at, &line, &column);
    n = line_end != NULL ? (size_t)(line_end - text.p) - at : n;
    error_set_place(err, NULL, line, column);
    error_prefix(err, "its manifest is not valid: line %u, column %u, at '%.*s%s': ", line, column,
                 (int)n, text.p + at, line_end == NULL && n < left ? "..." : "");
}
