/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text is read in up to four ways: as it is, through its percent signs, through those with '+'
 * for a space, and through the escapes of JSON. What is found in any of them is a span of the text
 * itself; spans that overlap are joined, the rest is copied.
 *
 * Reading through escapes, where a byte began is known for as many bytes back as the longest form
 * has: that is where a form that ends here can have begun.
 */
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"
#include "core/value/mask_copy.h"
#include "core/value/mask_trie.h"

struct span {
    size_t from;
    size_t to;
};

struct spans {
    struct span *items;
    size_t count;
    size_t cap;
};

/* Adds a span that ends behind all that this reading has found, from item `first` on. */
static int spans_add(struct spans *spans, size_t first, struct span span)
{
    while (spans->count > first && spans->items[spans->count - 1].to > span.from) {
        struct span last = spans->items[--spans->count];
        span.from = last.from < span.from ? last.from : span.from;
    }
    struct span *items = array_reserve(spans->items, &spans->cap, spans->count + 1, sizeof(*items));
    if (items == NULL) {
        return E_NOMEM;
    }
    spans->items = items;
    items[spans->count++] = span;
    return 0;
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Sorts and joins what several readings have found. */
static void spans_join(struct spans *spans)
{
    size_t kept = 0;
    qsort(spans->items, spans->count, sizeof(*spans->items), compare_spans);
    for (size_t i = 1; i < spans->count; i++) {
        struct span next = spans->items[i];
        struct span *last = &spans->items[kept];
        if (next.from < last->to) {
            last->to = next.to > last->to ? next.to : last->to;
        } else {
            spans->items[++kept] = next;
        }
    }
    spans->count = kept + 1;
}

/* ---- reading ---- */

enum reach {
    REACH_WHOLE, /* forms from their first byte to the last */
    REACH_PARTS, /* and what begins like one, and is most of it */
};

static int scan_plain(const struct mask *mask, struct str text, enum reach reach,
                      struct spans *spans)
{
    uint32_t node = 0;
    for (size_t i = 0; i < text.n; i++) {
        node = mask_trie_step(mask, node, (uint8_t)text.p[i]);
        uint32_t match = mask->nodes[node].match;
        uint32_t part = reach == REACH_PARTS ? mask->nodes[node].part : 0;
        match = part > match ? part : match;
        if (match > 0 && spans_add(spans, 0, (struct span){i + 1 - match, i + 1}) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

/* The bytes that one character of the escaped text stands for. */
struct unit {
    char bytes[4];
    size_t count;
    size_t length; /* of what it is written as */
};

static struct unit unit_of(char byte, size_t length)
{
    return (struct unit){.bytes = {byte}, .count = 1, .length = length};
}

typedef struct unit (*read_unit_cb)(struct str rest);

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The number that `count` hex digits give; -1 when they are not there. */
static long read_hex(struct str text, size_t at, size_t count)
{
    long number = 0;
    for (size_t i = at; i < at + count; i++) {
        int digit = i < text.n ? hex_digit(text.p[i]) : -1;
        if (digit < 0) {
            return -1;
        }
        number = number * 16 + digit;
    }
    return number;
}

static struct unit read_percent(struct str rest)
{
    long byte = rest.p[0] == '%' ? read_hex(rest, 1, 2) : -1;
    return byte >= 0 ? unit_of((char)byte, 3) : unit_of(rest.p[0], 1);
}

static struct unit read_form(struct str rest)
{
    return rest.p[0] == '+' ? unit_of(' ', 1) : read_percent(rest);
}

/* \uXXXX, or two of them that make one character. */
static struct unit read_code_point(struct str rest)
{
    long code = read_hex(rest, 2, 4);
    size_t length = 6;
    if (code >= 0xD800 && code < 0xDC00 && rest.n > 7 && rest.p[6] == '\\' && rest.p[7] == 'u') {
        long low = read_hex(rest, 8, 4);
        bool is_pair = low >= 0xDC00 && low < 0xE000;
        code = is_pair ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : -1;
        length = 12;
    }
    if (code < 0 || (code >= 0xD800 && code < 0xE000)) {
        return unit_of(rest.p[0], 1);
    }
    struct unit unit = {.length = length};
    unit.count = utf8_encode((uint32_t)code, unit.bytes);
    return unit;
}

static struct unit read_json(struct str rest)
{
    static const char escapes[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (rest.p[0] != '\\' || rest.n < 2) {
        return unit_of(rest.p[0], 1);
    }
    if (rest.p[1] == 'u') {
        return read_code_point(rest);
    }
    const char *found = memchr(escapes, rest.p[1], sizeof(escapes) - 1);
    return found != NULL ? unit_of(meanings[found - escapes], 2) : unit_of(rest.p[0], 1);
}

/* Where the last `size` bytes began, by their number. */
struct starts {
    size_t *at;
    size_t size;
};

static int scan_escaped(const struct mask *mask, struct str text, read_unit_cb read,
                        struct spans *spans)
{
    struct starts starts = {calloc(mask->longest, sizeof(size_t)), mask->longest};
    size_t first = spans->count;
    size_t number = 0;
    uint32_t node = 0;
    int status = starts.at != NULL ? 0 : E_NOMEM;
    for (size_t at = 0; at < text.n && status == 0;) {
        struct unit unit = read(str_make(text.p + at, text.n - at));
        for (size_t i = 0; i < unit.count && status == 0; i++, number++) {
            starts.at[number % starts.size] = at;
            node = mask_trie_step(mask, node, (uint8_t)unit.bytes[i]);
            uint32_t match = mask->nodes[node].match;
            if (match > 0) {
                size_t from = starts.at[(number + 1 - match) % starts.size];
                status = spans_add(spans, first, (struct span){from, at + unit.length});
            }
        }
        at += unit.length;
    }
    free(starts.at);
    return status;
}

static bool has_char(struct str text, char c)
{
    return text.n > 0 && memchr(text.p, c, text.n) != NULL;
}

/* All spans, sorted; `spans` is the caller's to free in every case. */
static int find_spans(const struct mask *mask, struct str text, enum reach reach,
                      struct spans *spans)
{
    int status = mask->longest > 0 ? scan_plain(mask, text, reach, spans) : 0;
    if (status != 0 || mask->longest == 0) {
        return status;
    }
    bool has_percent = has_char(text, '%');
    if (has_percent) {
        status = scan_escaped(mask, text, read_percent, spans);
    }
    if (status == 0 && mask->has_space && (has_percent || has_char(text, '+'))) {
        status = scan_escaped(mask, text, read_form, spans);
    }
    if (status == 0 && has_char(text, '\\')) {
        status = scan_escaped(mask, text, read_json, spans);
    }
    if (status == 0 && spans->count > 1) {
        spans_join(spans);
    }
    return status;
}

static void append_masked(struct str text, const struct spans *spans, struct strbuf *out)
{
    size_t done = 0;
    for (size_t i = 0; i < spans->count; i++) {
        strbuf_append(out, text.p + done, spans->items[i].from - done);
        strbuf_append_text(out, "***");
        done = spans->items[i].to;
    }
    strbuf_append(out, text.p + done, text.n - done);
}

static int hide(const struct mask *mask, struct str text, enum reach reach, struct strbuf *out)
{
    struct spans spans = {0};
    int status = find_spans(mask, text, reach, &spans);
    if (status == 0 && spans.count > 0) {
        append_masked(text, &spans, out);
        status = strbuf_status(out) != 0 ? E_NOMEM : MASK_FOUND;
    }
    free(spans.items);
    return status;
}

int mask_text(const struct mask *mask, struct str text, struct strbuf *out)
{
    return hide(mask, text, REACH_WHOLE, out);
}

int mask_cut_text(const struct mask *mask, struct str text, struct strbuf *out)
{
    return hide(mask, text, REACH_PARTS, out);
}

/* ---- documents ---- */

static int find_text(const void *user, struct str text, struct strbuf *out)
{
    return mask_text(user, text, out);
}

static int find_cut_text(const void *user, struct str text, struct strbuf *out)
{
    return mask_cut_text(user, text, out);
}

int mask_document(const struct mask *mask, const struct document *document,
                  struct document **out_document)
{
    const struct mask_finder finder = {
        .user = mask,
        .text = find_text,
        .number = mask->has_number ? find_text : NULL,
    };
    return mask_copy_document(&finder, document, out_document);
}

int mask_cut_document(const struct mask *mask, const struct document *document,
                      struct document **out_document)
{
    const struct mask_finder finder = {
        .user = mask,
        .text = find_cut_text,
        .number = mask->has_number ? find_text : NULL,
    };
    return mask_copy_document(&finder, document, out_document);
}
