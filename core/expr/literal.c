/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/literal.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/utf8.h"

/* What is being decoded: the token's content and where the bytes go. */
struct decoder {
    const char *at;
    const char *end;
    char *out;
    bool is_bytes;
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Digits in base 10 or 16; false when they do not fit. */
static bool read_magnitude(struct str digits, uint64_t *out)
{
    unsigned base = 10;
    if (digits.n > 2 && digits.p[0] == '0' && (digits.p[1] == 'x' || digits.p[1] == 'X')) {
        base = 16;
        digits = str_make(digits.p + 2, digits.n - 2);
    }
    uint64_t value = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)hex_value(digits.p[i]), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

int literal_read_int(struct str token, bool is_negative, struct cel *out, struct error *err)
{
    uint64_t magnitude = 0;
    uint64_t most = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    if (!read_magnitude(token, &magnitude) || magnitude > most) {
        return error_set(err, E_INVALID, "the integer does not fit 64 bits");
    }
    int64_t value = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    *out = (struct cel){.type = CEL_INT, .as.integer = value};
    return 0;
}

int literal_read_uint(struct str token, struct cel *out, struct error *err)
{
    uint64_t value = 0;
    if (!read_magnitude(str_make(token.p, token.n - 1), &value)) {
        return error_set(err, E_INVALID, "the unsigned integer does not fit 64 bits");
    }
    *out = (struct cel){.type = CEL_UINT, .as.uinteger = value};
    return 0;
}

int literal_read_double(struct str token, bool is_negative, struct cel *out, struct error *err)
{
    char text[512];
    if (token.n >= sizeof(text)) {
        return error_set(err, E_LIMIT, "a number may have at most %zu characters",
                         sizeof(text) - 1);
    }
    memcpy(text, token.p, token.n);
    text[token.n] = '\0';
    double value = strtod(text, NULL);
    if (isinf(value)) {
        return error_set(err, E_INVALID, "the number is too large for a double");
    }
    *out = (struct cel){.type = CEL_DOUBLE, .as.number = is_negative ? -value : value};
    return 0;
}

static char simple_escape(char c)
{
    static const char from[] = "abfnrtv\\'\"`?";
    static const char to[] = "\a\b\f\n\r\t\v\\'\"`?";
    const char *found = c != '\0' ? strchr(from, c) : NULL;
    return found != NULL ? to[found - from] : '\0';
}

static bool read_digits(struct decoder *d, int count, int bits, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++) {
        int digit = d->at < d->end ? hex_value(*d->at) : -1;
        if (digit < 0 || digit >= 1 << bits) {
            return false;
        }
        value = (value << bits) | (uint32_t)digit;
        d->at++;
    }
    *out = value;
    return true;
}

static const char *put_code(struct decoder *d, uint32_t code)
{
    if (d->is_bytes) {
        *d->out++ = (char)(unsigned char)code;
        return NULL;
    }
    char encoded[4];
    size_t n = utf8_encode(code, encoded);
    if (n == 0) {
        return "the escape names no character";
    }
    memcpy(d->out, encoded, n);
    d->out += n;
    return NULL;
}

/* Behind a backslash. Returns what is wrong, or NULL. */
static const char *decode_escape(struct decoder *d)
{
    if (d->at >= d->end) {
        return "the string ends inside an escape";
    }
    char c = *d->at++;
    uint32_t code = 0;
    char simple = simple_escape(c);
    if (simple != '\0') {
        *d->out++ = simple;
        return NULL;
    }
    if (c >= '0' && c <= '3') {
        d->at--;
        return read_digits(d, 3, 3, &code) ? put_code(d, code) : "an octal escape has three digits";
    }
    if (c == 'x' || c == 'X') {
        return read_digits(d, 2, 4, &code) ? put_code(d, code) : "'\\x' takes two hex digits";
    }
    if ((c == 'u' || c == 'U') && d->is_bytes) {
        return "bytes have no '\\u': write '\\x'";
    }
    if (c == 'u') {
        return read_digits(d, 4, 4, &code) ? put_code(d, code) : "'\\u' takes four hex digits";
    }
    if (c == 'U') {
        return read_digits(d, 8, 4, &code) ? put_code(d, code) : "'\\U' takes eight hex digits";
    }
    return "unknown escape: a backslash is written '\\\\', or put r in front of the string";
}

/* Where the content begins, how long it is, and whether backslashes mean themselves. */
static struct str strip_quotes(struct str token, bool *out_raw, bool *out_bytes)
{
    size_t start = 0;
    while (token.p[start] != '"' && token.p[start] != '\'') {
        char c = token.p[start++];
        *out_raw = *out_raw || c == 'r' || c == 'R';
        *out_bytes = *out_bytes || c == 'b' || c == 'B';
    }
    const char *q = token.p + start;
    size_t left = token.n - start;
    size_t quotes = left >= 6 && q[1] == q[0] && q[2] == q[0] ? 3 : 1;
    return str_make(q + quotes, left - 2 * quotes);
}

int literal_read_string(struct str token, struct arena *arena, struct cel *out,
                        struct expr_fault *out_fault, struct error *err)
{
    bool is_raw = false;
    bool is_bytes = false;
    struct str content = strip_quotes(token, &is_raw, &is_bytes);
    /* An escape is never shorter than what it stands for, so the token's length is enough. */
    char *text = arena_dup(arena, content);
    if (text == NULL) {
        return error_nomem(err);
    }
    struct decoder d = {content.p, content.p + content.n, text, is_bytes};
    while (!is_raw && d.at < d.end) {
        char c = *d.at++;
        if (c != '\\') {
            *d.out++ = c;
            continue;
        }
        const char *start = d.at - 1;
        const char *wrong = decode_escape(&d);
        if (wrong != NULL) {
            *out_fault = (struct expr_fault){(size_t)(start - token.p), (size_t)(d.at - start)};
            return error_set(err, E_INVALID, "%s", wrong);
        }
    }
    size_t length = is_raw ? content.n : (size_t)(d.out - text);
    *out =
        (struct cel){.type = is_bytes ? CEL_BYTES : CEL_STRING, .as.text = str_make(text, length)};
    return 0;
}
