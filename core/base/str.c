/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/base/error.h"

int str_compare(struct str a, struct str b)
{
    size_t shorter = a.n < b.n ? a.n : b.n;
    int order = shorter == 0 ? 0 : memcmp(a.p, b.p, shorter);
    if (order != 0) {
        return order;
    }
    return a.n < b.n ? -1 : a.n > b.n ? 1 : 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

bool str_equal_caseless(struct str a, struct str b)
{
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        if (lower(a.p[i]) != lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

bool str_has_caseless(struct str s, struct str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++) {
        if (str_equal_caseless(str_make(s.p + i, part.n), part)) {
            return true;
        }
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_space(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

/* Chosen at start, so that nobody can prepare keys that all fall into one bucket. */
static uint64_t hash_seed;

__attribute__((constructor)) static void choose_hash_seed(void)
{
    if (getrandom(&hash_seed, sizeof(hash_seed), GRND_NONBLOCK) != (ssize_t)sizeof(hash_seed)) {
        hash_seed = (uint64_t)(uintptr_t)&hash_seed;
    }
}

/* The 64 x 64 -> 128 multiply, folded: one step mixes eight bytes. */
static uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = hash_seed ^ (s.n * UINT64_C(0x9E3779B97F4A7C15));
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, 8);
        hash = hash_mix(hash ^ word, UINT64_C(0xA0761D6478BD642F));
    }
    uint64_t tail = 0;
    if (i < s.n) {
        memcpy(&tail, s.p + i, s.n - i);
    }
    return hash_mix(hash ^ tail, UINT64_C(0xE7037ED1A0B428DB));
}

char *str_dup(struct str s)
{
    char *copy = malloc(s.n + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    copy[s.n] = '\0';
    return copy;
}

void strbuf_finish(struct strbuf *buf)
{
    if (buf == NULL) {
        return;
    }
    free(buf->p);
    *buf = STRBUF_INIT;
}

void strbuf_clear(struct strbuf *buf)
{
    buf->n = 0;
    buf->failed = false;
    if (buf->p != NULL) {
        buf->p[0] = '\0';
    }
}

char *strbuf_reserve(struct strbuf *buf, size_t n)
{
    if (buf->failed) {
        return NULL;
    }
    if (n < buf->cap - buf->n) {
        return buf->p + buf->n;
    }
    size_t wanted = 0;
    if (__builtin_add_overflow(buf->n, n, &wanted) ||
        __builtin_add_overflow(wanted, (size_t)1, &wanted)) {
        buf->failed = true;
        return NULL;
    }
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap < wanted) {
        cap = cap > SIZE_MAX / 2 ? wanted : cap * 2;
    }
    char *p = realloc(buf->p, cap);
    if (p == NULL) {
        buf->failed = true;
        return NULL;
    }
    buf->p = p;
    buf->cap = cap;
    return p + buf->n;
}

void strbuf_append(struct strbuf *buf, const void *bytes, size_t n)
{
    char *room = strbuf_reserve(buf, n);
    if (room == NULL) {
        return;
    }
    if (n > 0) {
        memcpy(room, bytes, n);
    }
    buf->n += n;
    buf->p[buf->n] = '\0';
}

void strbuf_append_str(struct strbuf *buf, struct str s)
{
    strbuf_append(buf, s.p, s.n);
}

void strbuf_append_text(struct strbuf *buf, const char *text)
{
    strbuf_append(buf, text, strlen(text));
}

void strbuf_append_char(struct strbuf *buf, char c)
{
    strbuf_append(buf, &c, 1);
}

void strbuf_append_format(struct strbuf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int wanted = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *room = wanted < 0 ? NULL : strbuf_reserve(buf, (size_t)wanted);
    if (room == NULL) {
        buf->failed = true;
    } else {
        (void)vsnprintf(room, (size_t)wanted + 1, format, again); /* measured just above */
        buf->n += (size_t)wanted;
    }
    va_end(again);
}

int strbuf_status(const struct strbuf *buf)
{
    return buf->failed ? E_NOMEM : 0;
}

char *strbuf_take(struct strbuf *buf)
{
    strbuf_append(buf, "", 0); /* so that even an empty buffer is a string */
    char *text = buf->failed ? NULL : buf->p;
    if (text == NULL) {
        free(buf->p);
    }
    *buf = STRBUF_INIT;
    return text;
}
