/* SPDX-License-Identifier: Apache-2.0 */
#include "terms.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char any[] = " OR ";
static const char all[] = " AND ";

static int is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* It has something that can be a word: a letter or digit, or what is no ASCII. */
static int has_word(ops_str term)
{
    for (uint64_t i = 0; i < term.n; i++) {
        unsigned char c = (unsigned char)term.p[i];
        if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
            (c >= 'A' && c <= 'Z')) {
            return 1;
        }
    }
    return 0;
}

static int is_known(const ops_str *terms, size_t count, ops_str term)
{
    for (size_t i = 0; i < count; i++) {
        if (terms[i].n == term.n && strncasecmp(terms[i].p, term.p, (size_t)term.n) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The next run of what is no white space; empty at the end. */
static ops_str next_term(ops_str text, uint64_t *at)
{
    while (*at < text.n && is_space(text.p[*at])) {
        ++*at;
    }
    uint64_t begin = *at;
    while (*at < text.n && !is_space(text.p[*at])) {
        ++*at;
    }
    return (ops_str){text.p + begin, *at - begin};
}

static char *append(char *end, const char *text)
{
    size_t n = strlen(text);
    memcpy(end, text, n);
    return end + n;
}

static char *append_quoted(char *end, ops_str term)
{
    *end++ = '"';
    for (uint64_t i = 0; i < term.n; i++) {
        if (term.p[i] == '"') {
            *end++ = '"';
        }
        *end++ = term.p[i];
    }
    *end++ = '"';
    return end;
}

static char *join(const ops_str *terms, size_t count, const char *between)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++) {
        size += 2 * (size_t)terms[i].n + 2 + strlen(between);
    }
    char *query = malloc(size);
    char *end = query;
    for (size_t i = 0; i < count && query != NULL; i++) {
        end = append_quoted(i > 0 ? append(end, between) : end, terms[i]);
    }
    if (query != NULL) {
        *end = '\0';
    }
    return query;
}

int terms_read(ops_str text, enum terms_match match, struct terms *out)
{
    ops_str terms[TERMS_MAX];
    struct terms read = {0};
    uint64_t at = 0;
    for (ops_str term = next_term(text, &at); term.n > 0; term = next_term(text, &at)) {
        if (!has_word(term) || is_known(terms, read.used, term)) {
            continue;
        }
        if (read.used < TERMS_MAX) {
            terms[read.used++] = term;
        } else {
            read.left_out++;
        }
    }
    read.query = join(terms, read.used, match == TERMS_ALL ? all : any);
    if (read.query == NULL) {
        return 0;
    }
    *out = read;
    return 1;
}

void terms_finish(struct terms *terms)
{
    free(terms->query);
    terms->query = NULL;
}
