/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the text. Strings without escapes are copied once, from the text into the arena;
 * nodes wait on the stack of compose until their container closes. Lines and columns are counted
 * only when there is an error to report, from the text before the fault.
 */
#include "core/value/json.h"

#include <endian.h>
#include <stdio.h>

#include "core/base/utf8.h"
#include "core/value/compose.h"
#include "core/value/number.h"

const struct json_limits json_default_limits = {
    .max_bytes = (size_t)16 * 1024 * 1024,
    .max_depth = VALUE_MAX_DEPTH,
    .max_values = 1000000,
};

struct reader {
    const char *at;
    const char *end;
    const char *begin;
    size_t values_left;
    const struct json_limits *limits;
    struct error *err;
    struct strbuf unescaped;             /* of the string being read */
    const char *opened[VALUE_MAX_DEPTH]; /* where each open container begins */
    struct compose tree;
};

/* What comes next; failures are negative. */
enum step {
    STEP_VALUE = 1, /* a value is due */
    STEP_AFTER,     /* one was read: a comma or an end is due */
    STEP_DONE,      /* the root is complete */
};

/* The place of `at`: all before it is UTF-8. */
static void set_place(struct reader *r, const char *at)
{
    uint32_t line = 1;
    const char *line_begin = r->begin;
    for (const char *p = r->begin; p < at; p++) {
        if (*p == '\n') {
            line++;
            line_begin = p + 1;
        }
    }
    size_t column = at > line_begin ? utf8_count(line_begin, (size_t)(at - line_begin)) : 0;
    error_set_place(r->err, NULL, line, (uint32_t)column + 1);
}

static int fail_at(struct reader *r, const char *at, int code, const char *message)
{
    (void)error_set(r->err, code, "%s", message);
    set_place(r, at);
    return code;
}

/* "WHAT, found 'x'" with whatever is at `at`. */
static int fail_found(struct reader *r, const char *at, const char *what)
{
    uint32_t code = 0;
    size_t left = (size_t)(r->end - at);
    size_t n = left > 0 ? utf8_decode(at, left, &code) : 0;
    if (left == 0) {
        (void)error_set(r->err, E_INVALID, "%s, found the end of the text", what);
    } else if (n == 0 || code < 0x20 || code == 0x7F) {
        (void)error_set(r->err, E_INVALID, "%s, found the byte 0x%02X", what, (unsigned char)*at);
    } else if (code == 0xFEFF) {
        (void)error_set(r->err, E_INVALID, "%s, found a byte order mark: save it without", what);
    } else {
        (void)error_set(r->err, E_INVALID, "%s, found '%.*s'", what, (int)n, at);
    }
    set_place(r, at);
    return E_INVALID;
}

static int fail_nomem(struct reader *r)
{
    return error_nomem(r->err);
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

/* A bit (its top bit) in each byte of `word` that is no plain ASCII character of a string. */
static inline uint64_t mark_special(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t quote = word ^ (ones * '"');
    uint64_t backslash = word ^ (ones * '\\');
    return ((word - ones * 0x20) | (quote - ones) | (backslash - ones) | word) & tops;
}

static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c < 0x80;
}

/* The first byte from `p` that is no plain ASCII character of a string. */
static inline const char *skip_plain(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        uint64_t special = mark_special(le64toh(word));
        if (special != 0) {
            return p + __builtin_ctzll(special) / 8;
        }
        p += 8;
    }
    while (p < end && is_plain((unsigned char)*p)) {
        p++;
    }
    return p;
}

/* As skip_plain(), past characters beyond ASCII too; stops where they are not UTF-8. */
static const char *skip_text(const char *p, const char *end)
{
    for (;;) {
        p = skip_plain(p, end);
        uint32_t code = 0;
        size_t n = p < end && ((unsigned char)*p & 0x80u) != 0
                       ? utf8_decode(p, (size_t)(end - p), &code)
                       : 0;
        if (n == 0) {
            return p;
        }
        p += n;
    }
}

/* Four hexadecimal digits at `p`; false when they are not there. */
static bool read_hex(const char *p, const char *end, uint32_t *out_code)
{
    if (end - p < 4) {
        return false;
    }
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        unsigned char lower = c | 0x20u;
        if (c >= '0' && c <= '9') {
            code = code << 4 | (uint32_t)(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            code = code << 4 | (uint32_t)(lower - 'a' + 10);
        } else {
            return false;
        }
    }
    *out_code = code;
    return true;
}

/* \uXXXX with the backslash at `p`, or two of them for a character beyond U+FFFF. */
static int read_unicode_escape(struct reader *r, const char **p)
{
    const char *escape = *p;
    uint32_t code = 0;
    if (!read_hex(escape + 2, r->end, &code)) {
        return fail_at(r, escape, E_INVALID, "expected four hexadecimal digits after '\\u'");
    }
    *p = escape + 6;
    if (code >= 0xD800 && code <= 0xDBFF) {
        uint32_t low = 0;
        bool has_low = r->end - escape >= 12 && escape[6] == '\\' && escape[7] == 'u' &&
                       read_hex(escape + 8, r->end, &low) && low >= 0xDC00 && low <= 0xDFFF;
        if (!has_low) {
            return fail_at(r, escape, E_INVALID, "a high surrogate lacks its low one");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        *p = escape + 12;
    }
    char bytes[4];
    size_t n = utf8_encode(code, bytes);
    if (n == 0) {
        return fail_at(r, escape, E_INVALID, "a low surrogate lacks its high one");
    }
    strbuf_append(&r->unescaped, bytes, n);
    return 0;
}

/* The escape whose backslash is at `*p`; `*p` moves behind it. */
static int read_escape(struct reader *r, const char **p)
{
    static const char meanings[128] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    if (r->end - *p < 2) {
        return fail_found(r, r->end, "expected an escape after '\\'");
    }
    unsigned char c = (unsigned char)(*p)[1];
    if (c == 'u') {
        return read_unicode_escape(r, p);
    }
    if (c >= 128 || meanings[c] == 0) {
        return fail_found(r, *p + 1, "expected one of '\"\\/bfnrtu' after '\\'");
    }
    strbuf_append_char(&r->unescaped, meanings[c]);
    *p += 2;
    return 0;
}

/* Why a string stops at `p`, which is neither a quote nor a backslash. */
static int fail_in_string(struct reader *r, const char *p)
{
    if (p == r->end) {
        return fail_found(r, p, "expected the string's closing '\"'");
    }
    if ((unsigned char)*p >= 0x80) {
        return fail_found(r, p, "expected UTF-8 in a string");
    }
    return fail_found(r, p, "expected control characters to be escaped in a string");
}

/* A string with escapes, whose first one is at `stop`. */
static int unescape_string(struct reader *r, const char *stop)
{
    const char *run = r->at;
    strbuf_clear(&r->unescaped);
    while (stop < r->end && *stop == '\\') {
        strbuf_append(&r->unescaped, run, (size_t)(stop - run));
        int status = read_escape(r, &stop);
        if (status != 0) {
            return status;
        }
        run = stop;
        stop = skip_text(stop, r->end);
    }
    if (stop == r->end || *stop != '"') {
        return fail_in_string(r, stop);
    }
    strbuf_append(&r->unescaped, run, (size_t)(stop - run));
    r->at = stop + 1;
    return strbuf_status(&r->unescaped) == 0 ? 0 : fail_nomem(r);
}

/* The string whose opening quote is just before `r->at`. */
static int read_string(struct reader *r, struct value *out_node)
{
    const char *stop = skip_plain(r->at, r->end);
    if (stop < r->end && ((unsigned char)*stop & 0x80u) != 0) {
        stop = skip_text(stop, r->end);
    }
    struct str text = {r->at, (size_t)(stop - r->at)};
    if (stop < r->end && *stop == '"') {
        r->at = stop + 1;
    } else if (stop < r->end && *stop == '\\') {
        int status = unescape_string(r, stop);
        if (status != 0) {
            return status;
        }
        text = strbuf_str(&r->unescaped);
    } else {
        return fail_in_string(r, stop);
    }
    if (text.n > UINT32_MAX) {
        return fail_at(r, r->at, E_LIMIT, "a string is longer than 4294967295 bytes");
    }
    struct str copy = arena_dup_str(&r->tree.document->arena, text);
    if (copy.p == NULL) {
        return fail_nomem(r);
    }
    *out_node = (struct value){.type = VALUE_STRING, .count = (uint32_t)copy.n, .as.text = copy.p};
    return 0;
}

static int read_number(struct reader *r, struct value *out_node)
{
    size_t used = 0;
    int status = number_read(str_make(r->at, (size_t)(r->end - r->at)), out_node, &used);
    if (status == E_INVALID) {
        return fail_found(r, r->at + used, "expected a digit");
    }
    if (status == E_LIMIT) {
        (void)error_set(r->err, E_INVALID, "the number '%.*s' is too large for a double",
                        used > 40 ? 40 : (int)used, r->at);
        set_place(r, r->at);
        return E_INVALID;
    }
    if (status != 0) {
        return fail_nomem(r);
    }
    r->at += used;
    return 0;
}

static int read_word(struct reader *r, struct str word, const struct value *node,
                     struct value *out_node)
{
    if (!str_starts_with(str_make(r->at, (size_t)(r->end - r->at)), word)) {
        return fail_found(r, r->at, "expected a value");
    }
    r->at += word.n;
    *out_node = *node;
    return 0;
}

static int read_scalar(struct reader *r, struct value *out_node)
{
    switch (r->at < r->end ? *r->at : '\0') {
    case '"':
        r->at++;
        return read_string(r, out_node);
    case 'n':
        return read_word(r, STR("null"), &(struct value){.type = VALUE_NULL}, out_node);
    case 't':
        return read_word(r, STR("true"), &(struct value){.type = VALUE_BOOL, .as.boolean = true},
                         out_node);
    case 'f':
        return read_word(r, STR("false"), &(struct value){.type = VALUE_BOOL}, out_node);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(r, out_node);
    default:
        return fail_found(r, r->at, "expected a value");
    }
}

/* The key at `r->at` and its colon. */
static int read_key(struct reader *r)
{
    r->at = skip_space(r->at, r->end);
    if (r->at == r->end || *r->at != '"') {
        return fail_found(r, r->at, "expected a key in double quotes");
    }
    r->at++;
    struct value key;
    int status = read_string(r, &key);
    if (status != 0) {
        return status;
    }
    r->at = skip_space(r->at, r->end);
    if (r->at == r->end || *r->at != ':') {
        return fail_found(r, r->at, "expected ':' after the key");
    }
    r->at++;
    return compose_push(&r->tree, &key) == 0 ? STEP_VALUE : fail_nomem(r);
}

/* The opening quote of key number `wanted` in the map that begins at `p`, which has been read. */
static const char *find_key(const char *p, size_t wanted)
{
    size_t depth = 0;
    bool is_key_due = false;
    for (;; p++) {
        if (*p == '{' || *p == '[') {
            depth++;
            is_key_due = depth == 1;
        } else if (*p == '}' || *p == ']') {
            depth--;
        } else if (*p == ',') {
            is_key_due = depth == 1;
        } else if (*p == '"') {
            if (is_key_due && wanted-- == 0) {
                return p;
            }
            is_key_due = false;
            for (p++; *p != '"'; p++) {
                p += *p == '\\' ? 1 : 0;
            }
        }
    }
}

static int fail_double_key(struct reader *r, size_t place)
{
    size_t first = r->tree.frames[r->tree.depth - 1].first;
    struct str key = value_str(&r->tree.nodes[first + 2 * place]);
    (void)error_set(r->err, E_INVALID, "the key '%.*s' is there twice", STR_ARG(key));
    set_place(r, find_key(r->opened[r->tree.depth - 1], place));
    return E_INVALID;
}

static int close_container(struct reader *r)
{
    size_t twice = 0;
    int status = compose_close(&r->tree, &twice);
    if (status == E_EXISTS) {
        return fail_double_key(r, twice);
    }
    if (status == E_LIMIT) {
        return fail_at(r, r->at, E_LIMIT, "a list or map has more than 4294967295 children");
    }
    if (status != 0) {
        return fail_nomem(r);
    }
    r->at++;
    return STEP_AFTER;
}

static int fail_depth(struct reader *r)
{
    uint32_t limit = r->limits->max_depth;
    (void)error_set(r->err, E_LIMIT, "nested deeper than the limit of %u levels (max_depth)",
                    limit < VALUE_MAX_DEPTH ? limit : VALUE_MAX_DEPTH);
    set_place(r, r->at);
    return E_LIMIT;
}

/* The container that opens at `r->at`: up to its first value, or closed again when empty. */
static int open_container(struct reader *r, enum value_type type, char closing)
{
    if (r->tree.depth >= r->limits->max_depth || compose_open(&r->tree, type) != 0) {
        return fail_depth(r);
    }
    r->opened[r->tree.depth - 1] = r->at;
    r->at = skip_space(r->at + 1, r->end);
    if (r->at < r->end && *r->at == closing) {
        return close_container(r);
    }
    return type == VALUE_MAP ? read_key(r) : STEP_VALUE;
}

static int fail_values(struct reader *r)
{
    (void)error_set(r->err, E_LIMIT, "more values than the limit of %zu (max_values)",
                    r->limits->max_values);
    set_place(r, r->at);
    return E_LIMIT;
}

static int read_value(struct reader *r)
{
    r->at = skip_space(r->at, r->end);
    if (r->values_left-- == 0) {
        return fail_values(r);
    }
    if (r->at < r->end && *r->at == '{') {
        return open_container(r, VALUE_MAP, '}');
    }
    if (r->at < r->end && *r->at == '[') {
        return open_container(r, VALUE_LIST, ']');
    }
    struct value node;
    int status = read_scalar(r, &node);
    if (status != 0) {
        return status;
    }
    return compose_push(&r->tree, &node) == 0 ? STEP_AFTER : fail_nomem(r);
}

static int read_after(struct reader *r)
{
    if (r->tree.depth == 0) {
        return STEP_DONE;
    }
    bool is_map = r->tree.frames[r->tree.depth - 1].type == VALUE_MAP;
    r->at = skip_space(r->at, r->end);
    char c = r->at < r->end ? *r->at : '\0';
    if (c == ',') {
        r->at++;
        return is_map ? read_key(r) : STEP_VALUE;
    }
    if (c == (is_map ? '}' : ']')) {
        return close_container(r);
    }
    return fail_found(r, r->at, is_map ? "expected ',' or '}'" : "expected ',' or ']'");
}

static int read_text(struct reader *r)
{
    int step = STEP_VALUE;
    while (step == STEP_VALUE || step == STEP_AFTER) {
        step = step == STEP_VALUE ? read_value(r) : read_after(r);
    }
    if (step < 0) {
        return step;
    }
    r->at = skip_space(r->at, r->end);
    if (r->at < r->end) {
        return fail_found(r, r->at, "expected nothing behind the value");
    }
    return 0;
}

int json_read(struct str text, const struct json_limits *limits, struct document **out_document,
              struct error *err)
{
    limits = limits != NULL ? limits : &json_default_limits;
    if (text.n > limits->max_bytes) {
        return error_set(err, E_LIMIT, "%zu bytes of JSON, over the limit of %zu (max_bytes)",
                         text.n, limits->max_bytes);
    }
    const char *begin = text.n > 0 ? text.p : "";
    struct reader reader;
    reader.at = begin;
    reader.end = begin + text.n;
    reader.begin = begin;
    reader.values_left = limits->max_values;
    reader.limits = limits;
    reader.err = err;
    reader.unescaped = STRBUF_INIT;
    if (compose_init(&reader.tree) != 0) {
        return error_nomem(err);
    }
    int status = read_text(&reader);
    if (status == 0) {
        *out_document = compose_take(&reader.tree);
    }
    strbuf_finish(&reader.unescaped);
    compose_finish(&reader.tree);
    return status;
}
