/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_STR_H
#define CORE_BASE_STR_H

/*
 * Strings: `struct str` is a borrowed slice, `struct strbuf` a growing buffer.
 *
 * A strbuf remembers the first failed allocation: appends after it do nothing, so that a writer
 * appends freely and asks once, at the end, with strbuf_status().
 *
 * Used by:  everything.
 * Uses:     error codes.
 * Threads:  [any]; one strbuf belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* `n` bytes at `p`; not NUL-terminated; `p` may be NULL only when n is 0. */
struct str {
    const char *p;
    size_t n;
};

/* A slice of a string literal. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_ARG(s) (int)((s).n > 4096 ? 4096 : (s).n), ((s).p != NULL ? (s).p : "")

static inline struct str str_make(const char *p, size_t n)
{
    return (struct str){p, n};
}

/* A slice of the NUL-terminated `text` (NULL gives the empty slice). */
static inline struct str str_from(const char *text)
{
    return (struct str){text, text != NULL ? strlen(text) : 0};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_equal_text(struct str a, const char *text)
{
    bool may_be = a.n > 0 && a.p[0] == text[0]; /* seldom: most names differ at once */
    return may_be ? str_equal(a, str_from(text)) : a.n == 0 && text[0] == '\0';
}

static inline bool str_starts_with(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends_with(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* Byte order, shorter first when one is the start of the other: <0, 0, >0. */
int str_compare(struct str a, struct str b);

/* As str_equal(), but that ASCII letters are the same in both cases. No locale has a say. */
bool str_equal_caseless(struct str a, struct str b);
/* Whether `part` is in `s`, by the same rule; "" is in everything. */
bool str_has_caseless(struct str s, struct str part);

/* Without the ASCII white space (space, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

/* A 64-bit hash, seeded once per process: for tables in memory, never stored. */
uint64_t str_hash(struct str s);

/* Owned NUL-terminated copy: free() it. NULL when out of memory. */
char *str_dup(struct str s);

struct strbuf {
    char *p;     /* NUL-terminated whenever it is not NULL */
    size_t n;    /* bytes used, without the NUL */
    size_t cap;  /* bytes allocated */
    bool failed; /* an allocation failed; the content is cut there */
};

#define STRBUF_INIT ((struct strbuf){0})

/* Frees the content; the buffer is empty and usable again. */
void strbuf_finish(struct strbuf *buf);

/* Forgets the content, keeps the memory and clears a failure. */
void strbuf_clear(struct strbuf *buf);

void strbuf_append(struct strbuf *buf, const void *bytes, size_t n);
void strbuf_append_str(struct strbuf *buf, struct str s);
void strbuf_append_text(struct strbuf *buf, const char *text);
void strbuf_append_char(struct strbuf *buf, char c);
void strbuf_append_format(struct strbuf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Makes room for `n` more bytes and returns where they go (NULL on failure); the caller writes
 * there and adds what it wrote to `buf->n`. One byte for the NUL is always kept behind it.
 */
char *strbuf_reserve(struct strbuf *buf, size_t n);

/* 0, or E_NOMEM when any append failed. */
int strbuf_status(const struct strbuf *buf);

/* The content as a slice, borrowed until the next change. */
static inline struct str strbuf_str(const struct strbuf *buf)
{
    return (struct str){buf->p != NULL ? buf->p : "", buf->n};
}

/* The content as owned NUL-terminated text (free() it); the buffer is empty then. NULL: failed. */
char *strbuf_take(struct strbuf *buf);

#endif
