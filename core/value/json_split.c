/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/json_split.h"

#include "core/base/error.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip(struct str *rest, size_t n)
{
    rest->p += n;
    rest->n -= n;
}

static void skip_space(struct str *rest)
{
    while (rest->n > 0 && is_space(rest->p[0])) {
        skip(rest, 1);
    }
}

struct json_split json_split_begin(struct str text)
{
    struct json_split split = {.rest = text};
    skip_space(&split.rest);
    if (split.rest.n > 0 && (split.rest.p[0] == '{' || split.rest.p[0] == '[')) {
        split.close = split.rest.p[0] == '{' ? '}' : ']';
        skip(&split.rest, 1);
    }
    return split;
}

/* The length of the string that `text` begins with, quotes included; 0: it does not end. */
static size_t string_length(struct str text)
{
    for (size_t i = 1; i < text.n; i++) {
        if (text.p[i] == '\\') {
            i++;
        } else if (text.p[i] == '"') {
            return i + 1;
        }
    }
    return 0;
}

/* The length of the value that `text` begins with; 0: it does not end. */
static size_t value_length(struct str text)
{
    size_t depth = 0;
    size_t i = 0;
    while (i < text.n) {
        char c = text.p[i];
        if (c == '"') {
            size_t n = string_length((struct str){text.p + i, text.n - i});
            i += n;
            if (n == 0) {
                return 0;
            }
            continue;
        }
        bool is_close = c == '}' || c == ']';
        if (depth == 0 && (c == ',' || is_close)) {
            return i;
        }
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= is_close ? 1 : 0;
        i++;
    }
    return 0;
}

static int end_of(struct json_split *split)
{
    skip(&split->rest, 1);
    skip_space(&split->rest);
    return split->rest.n == 0 ? 0 : E_INVALID;
}

static bool take_key(struct json_split *split, struct str *out_key)
{
    size_t n = split->rest.n > 0 && split->rest.p[0] == '"' ? string_length(split->rest) : 0;
    if (n == 0) {
        return false;
    }
    *out_key = (struct str){split->rest.p + 1, n - 2};
    skip(&split->rest, n);
    skip_space(&split->rest);
    if (split->rest.n == 0 || split->rest.p[0] != ':') {
        return false;
    }
    skip(&split->rest, 1);
    skip_space(&split->rest);
    return true;
}

static bool take_comma(struct json_split *split)
{
    if (!split->has_begun) {
        split->has_begun = true;
        return true;
    }
    if (split->rest.p[0] != ',') {
        return false;
    }
    skip(&split->rest, 1);
    skip_space(&split->rest);
    return true;
}

int json_split_next(struct json_split *split, struct str *out_key, struct str *out_value)
{
    *out_key = STR("");
    skip_space(&split->rest);
    if (split->close == 0 || split->rest.n == 0) {
        return E_INVALID;
    }
    if (split->rest.p[0] == split->close) {
        return end_of(split);
    }
    if (!take_comma(split) || (split->close == '}' && !take_key(split, out_key))) {
        return E_INVALID;
    }
    size_t n = value_length(split->rest);
    if (n == 0) {
        return E_INVALID;
    }
    *out_value = (struct str){split->rest.p, n};
    skip(&split->rest, n);
    while (out_value->n > 0 && is_space(out_value->p[out_value->n - 1])) {
        out_value->n--;
    }
    return 1;
}
