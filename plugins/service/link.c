/* SPDX-License-Identifier: Apache-2.0 */
#include "service/link.h"

#include <string.h>

#include "service/text.h"

/* Where the next `mark` is that stands in no quotes, or the end. */
static uint64_t find_mark(ops_str s, uint64_t from, char mark)
{
    int is_quoted = 0;
    uint64_t i = from;
    while (i < s.n && (is_quoted || s.p[i] != mark)) {
        is_quoted = s.p[i] == '"' ? !is_quoted : is_quoted;
        i++;
    }
    return i;
}

static ops_str trim(ops_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

/* One of the names in `rel="next last"`. */
static int has_word(ops_str words, const char *rel)
{
    uint64_t i = 0;
    while (i < words.n) {
        uint64_t start = i;
        while (i < words.n && words.p[i] != ' ') {
            i++;
        }
        ops_str word = {words.p + start, i - start};
        if (text_equal_nocase(word, rel)) {
            return 1;
        }
        i++;
    }
    return 0;
}

/* `; rel="next"; title="x"`: whether one of the parameters is the relation. */
static int has_relation(ops_str parameters, const char *rel)
{
    uint64_t at = 0;
    while (at < parameters.n) {
        uint64_t end = find_mark(parameters, at, ';');
        ops_str part = {parameters.p + at, end - at};
        uint64_t equals = find_mark(part, 0, '=');
        ops_str name = {part.p, equals};
        if (equals < part.n && text_equal_nocase(trim(name), "rel")) {
            ops_str value = {part.p + equals + 1, part.n - equals - 1};
            value = trim(value);
            if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') {
                value.p++;
                value.n -= 2;
            }
            return has_word(value, rel);
        }
        at = end + 1;
    }
    return 0;
}

ops_str link_find(ops_str header, const char *rel)
{
    ops_str none = {NULL, 0};
    uint64_t at = 0;
    while (at < header.n) {
        const char *open = memchr(header.p + at, '<', (size_t)(header.n - at));
        const char *close = open != NULL ? memchr(open, '>', (size_t)(header.p + header.n - open))
                                         : NULL;
        if (close == NULL) {
            return none;
        }
        uint64_t from = (uint64_t)(close + 1 - header.p);
        uint64_t end = find_mark(header, from, ',');
        ops_str parameters = {close + 1, end - from};
        if (has_relation(parameters, rel)) {
            ops_str url = {open + 1, (uint64_t)(close - open - 1)};
            return url;
        }
        at = end + 1;
    }
    return none;
}

ops_str link_query(ops_str url)
{
    const char *mark = url.n > 0 ? memchr(url.p, '?', (size_t)url.n) : NULL;
    ops_str query = {NULL, 0};
    if (mark == NULL) {
        return query;
    }
    query.p = mark + 1;
    query.n = url.n - (uint64_t)(mark + 1 - url.p);
    const char *hash = query.n > 0 ? memchr(query.p, '#', (size_t)query.n) : NULL;
    query.n = hash != NULL ? (uint64_t)(hash - query.p) : query.n;
    return query;
}
