/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/json.h"

#include "core/base/check.h"
#include "core/value/number.h"
#include "core/value/special_bytes.h"
#include "core/value/value.h"

enum { INDENT = 2, MAX_ESCAPE_BYTES = 6 };

/*
 * Writes straight into the buffer's free bytes; `at` is given back to the buffer when it must
 * grow and at the end. After a failed allocation all writing goes to `sink`.
 */
struct writer {
    char *at;
    char *end;
    struct strbuf *out;
};

#define OUT_OF_LINE __attribute__((noinline))
#define FREQUENT    inline __attribute__((always_inline))

/* A container that is being written, up to child `next`. */
struct level {
    const struct value *container;
    size_t next;
};

static FREQUENT void writer_flush(struct writer *w)
{
    if (w->at != NULL) {
        w->out->n = (size_t)(w->at - w->out->p);
        w->out->p[w->out->n] = '\0'; /* strbuf keeps a byte for it */
    }
}

/* By value, so that the writer of a frequent path can live in registers. */
static OUT_OF_LINE struct writer writer_grown(struct writer w, size_t n)
{
    writer_flush(&w);
    w.at = strbuf_reserve(w.out, n);
    w.end = w.at != NULL ? w.out->p + w.out->cap - 1 : NULL;
    return w;
}

/* True when `n` more bytes can be written at `at`. */
static FREQUENT bool writer_room(struct writer *w, size_t n)
{
    if (__builtin_expect(w->at != NULL && n <= (size_t)(w->end - w->at), 1)) {
        return true;
    }
    *w = writer_grown(*w, n);
    return w->at != NULL;
}

static FREQUENT void write_char(struct writer *w, char c)
{
    if (writer_room(w, 1)) {
        *w->at++ = c;
    }
}

static FREQUENT void write_bytes(struct writer *w, const char *bytes, size_t n)
{
    if (writer_room(w, n)) {
        memcpy(w->at, bytes, n);
        w->at += n;
    }
}

static size_t write_escape(unsigned char c, char *out)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    out[0] = '\\';
    if (c >= 0x20) {
        out[1] = (char)c;
        return 2;
    }
    if (letters[c] != 0) {
        out[1] = letters[c];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15u];
    return 6;
}

/* Copies fewer than 16 bytes if none is special. */
static FREQUENT bool copy_short(char *to, const char *from, size_t n)
{
    if (n >= 8) {
        uint64_t head;
        uint64_t tail;
        memcpy(&head, from, 8);
        memcpy(&tail, from + n - 8, 8);
        memcpy(to, &head, 8);
        memcpy(to + n - 8, &tail, 8);
        return !special_in_8(head) && !special_in_8(tail);
    }
    if (n >= 4) {
        uint32_t head;
        uint32_t tail;
        memcpy(&head, from, 4);
        memcpy(&tail, from + n - 4, 4);
        memcpy(to, &head, 4);
        memcpy(to + n - 4, &tail, 4);
        return !special_in_8((uint64_t)head << 32 | tail);
    }
    bool is_plain = true;
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
        is_plain &= !special_byte((unsigned char)from[i]);
    }
    return is_plain;
}

/* Copies up to the first special byte; there is room for all the rest. */
static FREQUENT const char *copy_plain(struct writer *w, const char *p, const char *end)
{
    char *at = w->at;
    while (end - p >= 16) {
        uint32_t special = special_mask_16(p, false);
        memcpy(at, p, 16);
        if (special != 0) {
            size_t n = (size_t)__builtin_ctz(special);
            w->at = at + n;
            return p + n;
        }
        p += 16;
        at += 16;
    }
    size_t left = (size_t)(end - p);
    if (left > 0 && copy_short(at, p, left)) {
        w->at = at + left;
        return end;
    }
    while (p < end && !special_byte((unsigned char)*p)) {
        *at++ = *p++;
    }
    w->at = at;
    return p;
}

static FREQUENT void write_string(struct writer *w, struct str text)
{
    const char *p = text.n > 0 ? text.p : "";
    const char *end = p + text.n;
    if (!writer_room(w, text.n + 2)) {
        return;
    }
    *w->at++ = '"';
    for (;;) {
        p = copy_plain(w, p, end);
        if (p == end) {
            break;
        }
        if (!writer_room(w, (size_t)(end - p) + 1 + MAX_ESCAPE_BYTES)) {
            return;
        }
        w->at += write_escape((unsigned char)*p++, w->at);
    }
    *w->at++ = '"';
}

static FREQUENT void write_scalar(struct writer *w, const struct value *value,
                                  enum json_style style)
{
    switch ((enum value_type)value->type) {
    case VALUE_NULL:
        write_bytes(w, "null", 4);
        return;
    case VALUE_BOOL:
        if (value->as.boolean) {
            write_bytes(w, "true", 4);
        } else {
            write_bytes(w, "false", 5);
        }
        return;
    case VALUE_INT:
        if (writer_room(w, NUMBER_MAX_BYTES)) {
            w->at += number_write_int(value->as.integer, w->at);
        }
        return;
    case VALUE_DOUBLE:
        if (writer_room(w, NUMBER_MAX_BYTES)) {
            w->at += number_write_double(value->as.number, w->at);
        }
        return;
    case VALUE_STRING:
        write_string(w,
                     value_is_secret(value) && style != JSON_OPEN ? STR("***") : value_str(value));
        return;
    case VALUE_LIST:
    case VALUE_MAP:
        break;
    }
    unreachable_state("value_type", value->type);
}

static FREQUENT void write_line_break(struct writer *w, size_t depth)
{
    if (writer_room(w, 1 + depth * INDENT)) {
        *w->at++ = '\n';
        memset(w->at, ' ', depth * INDENT);
        w->at += depth * INDENT;
    }
}

/* What stands before the next child of `level`; returns the child. */
static FREQUENT const struct value *begin_child(struct writer *w, struct level *level,
                                                enum json_style style, size_t depth)
{
    size_t i = level->next++;
    if (i > 0) {
        write_char(w, ',');
    }
    if (style == JSON_PRETTY) {
        write_line_break(w, depth);
    }
    if (level->container->type == VALUE_LIST) {
        return value_at(level->container, i);
    }
    const struct value_member *member = &level->container->as.members[i];
    write_string(w, value_str(&member->key));
    if (writer_room(w, 2)) {
        *w->at++ = ':';
        *w->at = ' ';
        w->at += style == JSON_PRETTY ? 1 : 0;
    }
    return &member->value;
}

static FREQUENT void end_container(struct writer *w, const struct level *level,
                                   enum json_style style, size_t depth)
{
    if (style == JSON_PRETTY && level->container->count > 0) {
        write_line_break(w, depth);
    }
    write_char(w, level->container->type == VALUE_LIST ? ']' : '}');
}

void json_write(const struct value *value, enum json_style style, struct strbuf *out)
{
    struct writer w = {.out = out};
    struct level levels[VALUE_MAX_DEPTH];
    size_t depth = 0;
    for (;;) {
        if (value->type == VALUE_LIST || value->type == VALUE_MAP) {
            CHECK(depth < VALUE_MAX_DEPTH);
            levels[depth++] = (struct level){.container = value};
            write_char(&w, value->type == VALUE_LIST ? '[' : '{');
        } else {
            write_scalar(&w, value, style);
        }
        while (depth > 0 && levels[depth - 1].next == levels[depth - 1].container->count) {
            depth--;
            end_container(&w, &levels[depth], style, depth);
        }
        if (depth == 0) {
            break;
        }
        value = begin_child(&w, &levels[depth - 1], style, depth);
    }
    writer_flush(&w);
}

void json_write_string(struct str text, struct strbuf *out)
{
    struct writer w = {.out = out};
    write_string(&w, text);
    writer_flush(&w);
}
