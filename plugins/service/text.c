/* SPDX-License-Identifier: Apache-2.0 */
#include "service/text.h"

#include <stdlib.h>
#include <string.h>

void text_finish(struct text *text)
{
    free(text->p);
    memset(text, 0, sizeof *text);
}

void text_append(struct text *text, const char *bytes, size_t n)
{
    if (text->failed || n == 0) {
        return;
    }
    if (n > text->cap - text->n) {
        size_t cap = text->cap < 128 ? 128 : text->cap;
        while (cap - text->n < n && cap <= SIZE_MAX / 2) {
            cap *= 2;
        }
        char *grown = cap - text->n >= n ? realloc(text->p, cap) : NULL;
        if (grown == NULL) {
            text->failed = 1;
            return;
        }
        text->p = grown;
        text->cap = cap;
    }
    memcpy(text->p + text->n, bytes, n);
    text->n += n;
}

void text_append_str(struct text *text, ops_str s)
{
    text_append(text, s.p, (size_t)s.n);
}

void text_append_literal(struct text *text, const char *literal)
{
    text_append(text, literal, strlen(literal));
}

ops_str text_str(const struct text *text)
{
    ops_str s = {text->p, text->n};
    return s;
}

static int is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void text_append_encoded(struct text *text, ops_str s, enum text_encoding encoding)
{
    static const char digits[] = "0123456789ABCDEF";
    for (uint64_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_unreserved(s.p[i])) {
            text_append(text, &s.p[i], 1);
        } else if (c == ' ' && encoding == TEXT_FORM) {
            text_append(text, "+", 1);
        } else {
            char hex[3] = {'%', digits[c >> 4], digits[c & 15]};
            text_append(text, hex, 3);
        }
    }
}

void text_append_base64(struct text *text, ops_str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (uint64_t i = 0; i < bytes.n; i += 3) {
        uint64_t left = bytes.n - i;
        unsigned b0 = (unsigned char)bytes.p[i];
        unsigned b1 = left > 1 ? (unsigned char)bytes.p[i + 1] : 0;
        unsigned b2 = left > 2 ? (unsigned char)bytes.p[i + 2] : 0;
        unsigned bits = b0 << 16 | b1 << 8 | b2;
        char out[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                       left > 1 ? digits[bits >> 6 & 63] : '=', left > 2 ? digits[bits & 63] : '='};
        text_append(text, out, 4);
    }
}

/* 0 to 63, or -1. */
static int read_base64_digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

int text_append_unbase64(struct text *text, ops_str base64)
{
    unsigned bits = 0;
    int digits = 0;
    int padding = 0;
    for (uint64_t i = 0; i < base64.n; i++) {
        char c = base64.p[i];
        int digit = read_base64_digit(c);
        if (c == '\n' || c == '\r') {
            continue;
        }
        if (c == '=' ? digits < 2 : digit < 0 || padding > 0) {
            return 0;
        }
        padding += c == '=';
        bits = bits << 6 | (unsigned)(digit > 0 ? digit : 0);
        if (++digits == 4) {
            const char bytes[3] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
            text_append(text, bytes, (size_t)(3 - padding));
            bits = 0;
            digits = 0;
        }
    }
    return digits == 0;
}

void text_append_latin1(struct text *text, ops_str bytes)
{
    for (uint64_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (c < 0x80) {
            text_append(text, &bytes.p[i], 1);
        } else {
            char utf8[2] = {(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))};
            text_append(text, utf8, 2);
        }
    }
}

/* Bytes of the UTF-8 character at `p`, of which `n` are there; 0: it is none. */
static size_t utf8_length(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];
    size_t length = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : 4;
    if ((c >= 0x80 && c < 0xC2) || c > 0xF4 || length > n) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    unsigned char second = length > 2 ? (unsigned char)p[1] : 0x80;
    int is_bad = (c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) ||
                 (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F);
    return is_bad ? 0 : length;
}

void text_append_line(struct text *text, ops_str s, size_t max)
{
    size_t n = (size_t)s.n;
    size_t i = 0;
    while (i < n) {
        size_t length = utf8_length(s.p + i, n - i);
        if (i + (length > 0 ? length : 1) > max) {
            text_append(text, "...", 3);
            return;
        }
        unsigned char c = (unsigned char)s.p[i];
        if (length == 0) {
            text_append(text, "?", 1);
        } else if (c < 0x20 || c == 0x7F) {
            text_append(text, " ", 1);
        } else {
            text_append(text, s.p + i, length);
        }
        i += length > 0 ? length : 1;
    }
}

int text_equal_nocase(ops_str s, const char *other)
{
    if (s.n != strlen(other)) {
        return 0;
    }
    for (uint64_t i = 0; i < s.n; i++) {
        char a = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
        char b = other[i] >= 'A' && other[i] <= 'Z' ? (char)(other[i] + 32) : other[i];
        if (a != b) {
            return 0;
        }
    }
    return 1;
}

/* Milliseconds of the unit at `*at`, which is moved behind it; 0: there is none. */
static uint64_t read_unit_ms(ops_str s, uint64_t *at)
{
    uint64_t left = s.n - *at;
    if (left >= 2 && s.p[*at] == 'm' && s.p[*at + 1] == 's') {
        *at += 2;
        return 1;
    }
    if (left == 0) {
        return 0;
    }

    char unit = s.p[*at];
    *at += 1;
    return unit == 's'   ? 1000
           : unit == 'm' ? 60000
           : unit == 'h' ? 3600000
           : unit == 'd' ? 86400000
                         : 0;
}

uint64_t text_read_duration_ms(ops_str s)
{
    uint64_t total_ms = 0;
    uint64_t at = 0;
    while (at < s.n) {
        uint64_t number = 0;
        uint64_t start = at;
        while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9' && at - start < 9) {
            number = number * 10 + (uint64_t)(s.p[at] - '0');
            at++;
        }
        uint64_t unit_ms = at > start ? read_unit_ms(s, &at) : 0;
        if (unit_ms == 0) {
            return 0;
        }
        total_ms += number * unit_ms;
    }
    return total_ms;
}
