/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_finish(struct text *text)
{
    free(text->p);
    memset(text, 0, sizeof(*text));
}

static int text_reserve(struct text *text, size_t more)
{
    if (text->is_failed || more >= SIZE_MAX / 2 - text->n) {
        text->is_failed = 1;
        return 0;
    }
    size_t needed = text->n + more + 1;
    if (needed <= text->cap) {
        return 1;
    }
    size_t cap = text->cap * 2 > needed ? text->cap * 2 : needed;
    char *p = realloc(text->p, cap);
    if (p == NULL) {
        text->is_failed = 1;
        return 0;
    }
    text->p = p;
    text->cap = cap;
    return 1;
}

void text_add(struct text *text, ops_str bytes)
{
    size_t n = (size_t)bytes.n;
    if (n > 0 && text_reserve(text, n)) {
        memcpy(text->p + text->n, bytes.p, n);
        text->n += n;
        text->p[text->n] = '\0';
    }
}

void text_add_format(struct text *text, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (n > 0) {
        ops_str bytes = {line, strlen(line)};
        text_add(text, bytes);
    }
}

ops_str text_slice(const struct text *text)
{
    ops_str slice = {text->p, text->n};
    return slice;
}

void text_keep_last(struct text *text, size_t n)
{
    if (text->n <= n) {
        return;
    }
    size_t drop = text->n - n;
    while (drop < text->n && ((unsigned char)text->p[drop] & 0xC0) == 0x80) {
        drop++;
    }
    memmove(text->p, text->p + drop, text->n - drop);
    text->n -= drop;
    text->p[text->n] = '\0';
}

/* Bytes of the character that `p` begins with; 0: it is none. */
static size_t character_length(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char first, last; /* of the first byte */
        unsigned char second_least, second_most;
        size_t length;
    } forms[] = {
        {0x00, 0x7F, 0x00, 0xFF, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (p[0] < forms[i].first || p[0] > forms[i].last) {
            continue;
        }
        size_t length = forms[i].length;
        if (length > n ||
            (length > 1 && (p[1] < forms[i].second_least || p[1] > forms[i].second_most))) {
            return 0;
        }
        for (size_t j = 2; j < length; j++) {
            if ((p[j] & 0xC0) != 0x80) {
                return 0;
            }
        }
        return length;
    }
    return 0;
}

void text_add_clean(struct text *text, ops_str bytes)
{
    static const ops_str replacement = {"\xEF\xBF\xBD", 3};
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t n = (size_t)bytes.n;
    size_t good = 0; /* begin of what is not added yet */
    for (size_t i = 0; i < n;) {
        size_t length = character_length(p + i, n - i);
        if (length > 0) {
            i += length;
            continue;
        }
        text_add(text, (ops_str){bytes.p + good, i - good});
        text_add(text, replacement);
        i++;
        good = i;
    }
    if (n > good) {
        text_add(text, (ops_str){bytes.p + good, n - good});
    }
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

ops_str text_trim(ops_str text)
{
    while (text.n > 0 && is_space(text.p[text.n - 1])) {
        text.n--;
    }
    while (text.n > 0 && is_space(text.p[0])) {
        text.p++;
        text.n--;
    }
    return text;
}

ops_str text_last_line(ops_str text)
{
    text = text_trim(text);
    size_t begin = (size_t)text.n;
    while (begin > 0 && text.p[begin - 1] != '\n') {
        begin--;
    }
    return text_trim((ops_str){text.p + begin, text.n - begin});
}
