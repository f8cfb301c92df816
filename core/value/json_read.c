/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the text. Strings without escapes are copied once, from the text into the arena;
 * nodes wait on the stack of compose until their container closes. Lines and columns are counted
 * only when there is an error to report, from the text before the fault.
 */
#include "core/value/json.h"

#include "core/base/utf8.h"
#include "core/value/compose.h"
#include "core/value/number.h"
#include "core/value/special_bytes.h"

const struct json_limits json_default_limits = {
    .max_bytes = (size_t)16 * 1024 * 1024,
    .max_depth = VALUE_MAX_DEPTH,
    .max_values = 1000000,
};

/* Keeps what is rare, and its stack frame with a protector, out of the frequent path. */
#define OUT_OF_LINE __attribute__((noinline))

struct reader {
    const char *end;
    const char *begin;
    size_t values_left;
    bool is_value_due; /* else a comma or an end is */
    int status;
    const struct json_limits *limits;
    struct error *err;
    struct arena *arena;
    struct strbuf unescaped;             /* of the string being read */
    const char *opened[VALUE_MAX_DEPTH]; /* where each open container begins */
    struct compose tree;
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

/* All failures return NULL, which ends the reading, and leave their code in `status`. */
static OUT_OF_LINE const char *fail_at(struct reader *r, const char *at, int code,
                                       const char *message)
{
    r->status = error_set(r->err, code, "%s", message);
    set_place(r, at);
    return NULL;
}

/* "WHAT, found 'x'" with whatever is at `at`. */
static OUT_OF_LINE const char *fail_found(struct reader *r, const char *at, const char *what)
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
    r->status = E_INVALID;
    set_place(r, at);
    return NULL;
}

static OUT_OF_LINE const char *fail_nomem(struct reader *r)
{
    r->status = error_nomem(r->err);
    return NULL;
}

static inline const char *skip_space(const char *p, const char *end)
{
    if (p < end && (unsigned char)*p > ' ') {
        return p;
    }
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

/* The first byte from `p` that is no plain ASCII character of a string. */
static inline const char *skip_plain(const char *p, const char *end)
{
    while (end - p >= 16) {
        uint32_t special = special_mask_16(p, true);
        if (special != 0) {
            return p + (unsigned)__builtin_ctz(special);
        }
        p += 16;
    }
    while (p < end && !special_byte((unsigned char)*p) && (unsigned char)*p < 0x80) {
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

/* \uXXXX at `p`, or two of them for a character beyond U+FFFF. */
static const char *read_unicode_escape(struct reader *r, const char *p)
{
    uint32_t code = 0;
    size_t length = 6;
    if (!read_hex(p + 2, r->end, &code)) {
        return fail_at(r, p, E_INVALID, "expected four hexadecimal digits after '\\u'");
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        uint32_t low = 0;
        bool has_low = r->end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
                       read_hex(p + 8, r->end, &low) && low >= 0xDC00 && low <= 0xDFFF;
        if (!has_low) {
            return fail_at(r, p, E_INVALID, "a high surrogate lacks its low one");
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        length = 12;
    }
    char bytes[4];
    size_t n = utf8_encode(code, bytes);
    if (n == 0) {
        return fail_at(r, p, E_INVALID, "a low surrogate lacks its high one");
    }
    strbuf_append(&r->unescaped, bytes, n);
    return p + length;
}

/* The escape whose backslash is at `p`. */
static const char *read_escape(struct reader *r, const char *p)
{
    static const char meanings[128] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    if (r->end - p < 2) {
        return fail_found(r, r->end, "expected an escape after '\\'");
    }
    unsigned char c = (unsigned char)p[1];
    if (c == 'u') {
        return read_unicode_escape(r, p);
    }
    if (c >= 128 || meanings[c] == 0) {
        return fail_found(r, p + 1, "expected one of '\"\\/bfnrtu' after '\\'");
    }
    strbuf_append_char(&r->unescaped, meanings[c]);
    return p + 2;
}

/* Why a string stops at `p`, which is neither a quote nor a backslash. */
static const char *fail_in_string(struct reader *r, const char *p)
{
    if (p == r->end) {
        return fail_found(r, p, "expected the string's closing '\"'");
    }
    if ((unsigned char)*p >= 0x80) {
        return fail_found(r, p, "expected UTF-8 in a string");
    }
    return fail_found(r, p, "expected control characters to be escaped in a string");
}

/* Makes `r->unescaped` of the string that begins at `run` and has its first escape at `stop`. */
static const char *unescape_string(struct reader *r, const char *run, const char *stop)
{
    strbuf_clear(&r->unescaped);
    while (stop < r->end && *stop == '\\') {
        strbuf_append(&r->unescaped, run, (size_t)(stop - run));
        run = read_escape(r, stop);
        if (run == NULL) {
            return NULL;
        }
        stop = skip_text(run, r->end);
    }
    if (stop == r->end || *stop != '"') {
        return fail_in_string(r, stop);
    }
    strbuf_append(&r->unescaped, run, (size_t)(stop - run));
    return strbuf_status(&r->unescaped) == 0 ? stop + 1 : fail_nomem(r);
}

/* As read_string(), for all strings; `stop` is the first byte that is no plain ASCII. */
static OUT_OF_LINE const char *read_any_string(struct reader *r, const char *p, const char *stop,
                                               struct value *out_node)
{
    stop = skip_text(stop, r->end);
    struct str text = {p, (size_t)(stop - p)};
    if (stop == r->end || (*stop != '"' && *stop != '\\')) {
        return fail_in_string(r, stop);
    }
    const char *after = stop + 1;
    if (*stop == '\\') {
        after = unescape_string(r, p, stop);
        if (after == NULL) {
            return NULL;
        }
        text = strbuf_str(&r->unescaped);
    }
    if (text.n > UINT32_MAX) {
        return fail_at(r, stop, E_LIMIT, "a string is longer than 4294967295 bytes");
    }
    struct str copy = arena_dup_str(r->arena, text);
    if (copy.p == NULL) {
        return fail_nomem(r);
    }
    *out_node = (struct value){.type = VALUE_STRING, .count = (uint32_t)copy.n, .as.text = copy.p};
    return after;
}

/* Copies `n` bytes, up to 16 without a call: 16 may be read and written in any case. */
static inline void copy_short(char *to, const char *from, size_t n)
{
    if (n > 16) {
        memcpy(to, from, n);
    } else {
        memcpy(to, from, 16);
    }
}

/* The string whose opening quote is just before `p`. */
static inline const char *read_string(struct reader *r, const char *p, struct value *out_node)
{
    const char *stop = skip_plain(p, r->end);
    size_t n = (size_t)(stop - p);
    char *copy = r->arena->next;
    /* The most frequent: plain text with 16 bytes behind it, both here and in the arena. */
    bool is_simple = copy != NULL && n + 16 < (size_t)(r->arena->end - copy) &&
                     r->end - stop >= 16 && *stop == '"' && n <= UINT32_MAX;
    if (__builtin_expect(!is_simple, 0)) {
        return read_any_string(r, p, stop, out_node);
    }
    copy_short(copy, p, n);
    copy[n] = '\0';
    r->arena->next = copy + n + 1;
    r->arena->used_bytes += n + 1;
    *out_node = (struct value){.type = VALUE_STRING, .count = (uint32_t)n, .as.text = copy};
    return stop + 1;
}

static OUT_OF_LINE const char *read_any_number(struct reader *r, const char *p,
                                               struct value *out_node)
{
    size_t used = 0;
    int status = number_read(str_make(p, (size_t)(r->end - p)), out_node, &used);
    if (status == E_INVALID) {
        return fail_found(r, p + used, "expected a digit");
    }
    if (status == E_LIMIT) {
        r->status = error_set(r->err, E_INVALID, "the number '%.*s' is too large for a double",
                              used > 40 ? 40 : (int)used, p);
        set_place(r, p);
        return NULL;
    }
    return status == 0 ? p + used : fail_nomem(r);
}

/* Integers of up to 17 digits here, all else by number_read(). */
static inline const char *read_number(struct reader *r, const char *p, struct value *out_node)
{
    const char *digits = p + (*p == '-' ? 1 : 0);
    const char *last = r->end - digits > 18 ? digits + 18 : r->end;
    const char *after = digits;
    int64_t n = 0;
    while (after < last && *after >= '0' && *after <= '9') {
        n = n * 10 + (*after++ - '0');
    }
    bool is_simple = after < last && after > digits && *digits != '0' && *after != '.' &&
                     (*after | 0x20) != 'e';
    if (!is_simple) {
        return read_any_number(r, p, out_node);
    }
    *out_node = (struct value){.type = VALUE_INT, .as.integer = digits == p ? n : -n};
    return after;
}

static const char *read_word(struct reader *r, const char *p, struct str word,
                             struct value *out_node)
{
    if (!str_starts_with(str_make(p, (size_t)(r->end - p)), word)) {
        return fail_found(r, p, "expected a value");
    }
    *out_node = (struct value){.type = word.p[0] == 'n' ? VALUE_NULL : VALUE_BOOL,
                               .as.boolean = word.p[0] == 't'};
    return p + word.n;
}

/* The key at `p` and its colon. */
static const char *read_key(struct reader *r, const char *p)
{
    p = skip_space(p, r->end);
    if (p == r->end || *p != '"') {
        return fail_found(r, p, "expected a key in double quotes");
    }
    struct value *slot = compose_slot(&r->tree);
    if (slot == NULL) {
        return fail_nomem(r);
    }
    p = read_string(r, p + 1, slot);
    if (p == NULL) {
        return NULL;
    }
    r->tree.count++;
    p = skip_space(p, r->end);
    if (p == r->end || *p != ':') {
        return fail_found(r, p, "expected ':' after the key");
    }
    r->is_value_due = true;
    return p + 1;
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

static OUT_OF_LINE const char *fail_double_key(struct reader *r, size_t place)
{
    size_t first = r->tree.frames[r->tree.depth - 1].first;
    struct str key = value_str(&r->tree.nodes[first + 2 * place]);
    r->status = error_set(r->err, E_INVALID, "the key '%.*s' is there twice", STR_ARG(key));
    set_place(r, find_key(r->opened[r->tree.depth - 1], place));
    return NULL;
}

/* The closing bracket or brace is at `p`. */
static const char *close_container(struct reader *r, const char *p)
{
    size_t twice = 0;
    int status = compose_close(&r->tree, &twice);
    if (status == E_EXISTS) {
        return fail_double_key(r, twice);
    }
    if (status == E_LIMIT) {
        return fail_at(r, p, E_LIMIT, "a list or map has more than 4294967295 children");
    }
    if (status != 0) {
        return fail_nomem(r);
    }
    r->is_value_due = false;
    return p + 1;
}

static OUT_OF_LINE const char *fail_depth(struct reader *r, const char *p)
{
    uint32_t limit = r->limits->max_depth;
    r->status = error_set(r->err, E_LIMIT, "nested deeper than the limit of %u levels (max_depth)",
                          limit < VALUE_MAX_DEPTH ? limit : VALUE_MAX_DEPTH);
    set_place(r, p);
    return NULL;
}

/* The container that opens at `p`: up to its first value, or closed again when empty. */
static const char *open_container(struct reader *r, const char *p, enum value_type type)
{
    if (r->tree.depth >= r->limits->max_depth || compose_open(&r->tree, type) != 0) {
        return fail_depth(r, p);
    }
    r->opened[r->tree.depth - 1] = p;
    p = skip_space(p + 1, r->end);
    if (p < r->end && *p == (type == VALUE_MAP ? '}' : ']')) {
        return close_container(r, p);
    }
    r->is_value_due = true;
    return type == VALUE_MAP ? read_key(r, p) : p;
}

static const char *read_scalar(struct reader *r, const char *p)
{
    struct value *slot = compose_slot(&r->tree);
    if (slot == NULL) {
        return fail_nomem(r);
    }
    if (*p == '"') {
        p = read_string(r, p + 1, slot);
    } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
        p = read_number(r, p, slot);
    } else if (*p == 't') {
        p = read_word(r, p, STR("true"), slot);
    } else if (*p == 'f') {
        p = read_word(r, p, STR("false"), slot);
    } else {
        p = read_word(r, p, STR("null"), slot);
    }
    r->tree.count += p != NULL ? 1 : 0;
    r->is_value_due = false;
    return p;
}

static OUT_OF_LINE const char *fail_values(struct reader *r, const char *p)
{
    r->status = error_set(r->err, E_LIMIT, "more values than the limit of %zu (max_values)",
                          r->limits->max_values);
    set_place(r, p);
    return NULL;
}

static const char *read_value(struct reader *r, const char *p)
{
    p = skip_space(p, r->end);
    if (p == r->end) {
        return fail_found(r, p, "expected a value");
    }
    if (r->values_left-- == 0) {
        return fail_values(r, p);
    }
    if (*p == '{') {
        return open_container(r, p, VALUE_MAP);
    }
    if (*p == '[') {
        return open_container(r, p, VALUE_LIST);
    }
    return read_scalar(r, p);
}

/* What stands behind a value in a list or map. */
static const char *read_after(struct reader *r, const char *p)
{
    bool is_map = r->tree.frames[r->tree.depth - 1].type == VALUE_MAP;
    p = skip_space(p, r->end);
    char c = p < r->end ? *p : '\0';
    if (c == ',') {
        r->is_value_due = true;
        return is_map ? read_key(r, p + 1) : p + 1;
    }
    if (c == (is_map ? '}' : ']')) {
        return close_container(r, p);
    }
    return fail_found(r, p, is_map ? "expected ',' or '}'" : "expected ',' or ']'");
}

static void read_text(struct reader *r)
{
    const char *p = r->begin;
    while (p != NULL && (r->is_value_due || r->tree.depth > 0)) {
        p = r->is_value_due ? read_value(r, p) : read_after(r, p);
    }
    p = p != NULL ? skip_space(p, r->end) : NULL;
    if (p != NULL && p < r->end) {
        (void)fail_found(r, p, "expected nothing behind the value"); /* `status` tells */
    }
}

int json_read(struct str text, const struct json_limits *limits, struct document **out_document,
              struct error *err)
{
    limits = limits != NULL ? limits : &json_default_limits;
    if (text.n > limits->max_bytes) {
        return error_set(err, E_LIMIT, "%zu bytes of JSON, over the limit of %zu (max_bytes)",
                         text.n, limits->max_bytes);
    }
    struct reader reader;
    reader.begin = text.n > 0 ? text.p : "";
    reader.end = reader.begin + text.n;
    reader.values_left = limits->max_values;
    reader.is_value_due = true;
    reader.status = 0;
    reader.limits = limits;
    reader.err = err;
    reader.unescaped = STRBUF_INIT;
    if (compose_init(&reader.tree, 0) != 0) {
        return error_nomem(err);
    }
    reader.tree.keeps_doubled = limits->keeps_doubled;
    reader.arena = &reader.tree.document->arena;
    read_text(&reader);
    if (reader.status == 0) {
        *out_document = compose_take(&reader.tree);
    }
    strbuf_finish(&reader.unescaped);
    compose_finish(&reader.tree);
    return reader.status;
}
