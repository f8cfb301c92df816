/* SPDX-License-Identifier: Apache-2.0 */
#include "indent.h"

#include <stdlib.h>
#include <string.h>

/* Counts first, with `p` NULL, then writes. */
struct sink {
    char *p;
    size_t n;
};

static void put(struct sink *sink, char c)
{
    if (sink->p != NULL) {
        sink->p[sink->n] = c;
    }
    sink->n++;
}

static void put_line_break(struct sink *sink, size_t depth)
{
    put(sink, '\n');
    for (size_t i = 0; i < 2 * depth; i++) {
        put(sink, ' ');
    }
}

/* From the quote to the one that ends the text; returns the place behind it. */
static size_t put_text(struct sink *sink, ops_str json, size_t at)
{
    do {
        put(sink, json.p[at]);
        if (json.p[at] == '\\') {
            put(sink, json.p[++at]);
        }
        at++;
    } while (json.p[at] != '"');
    put(sink, '"');
    return at + 1;
}

static void indent(struct sink *sink, ops_str json)
{
    size_t depth = 0;
    for (size_t at = 0; at < json.n;) {
        char c = json.p[at];
        if (c == '"') {
            at = put_text(sink, json, at);
            continue;
        }
        at++;
        if (c == '{' || c == '[') {
            put(sink, c);
            if (json.p[at] == '}' || json.p[at] == ']') {
                put(sink, json.p[at++]);
            } else {
                put_line_break(sink, ++depth);
            }
        } else if (c == '}' || c == ']') {
            put_line_break(sink, --depth);
            put(sink, c);
        } else if (c == ',') {
            put(sink, c);
            put_line_break(sink, depth);
        } else {
            put(sink, c);
            if (c == ':') {
                put(sink, ' ');
            }
        }
    }
}

int indent_json(ops_str json, int is_pretty, char **out_owned, ops_str *out)
{
    struct sink sink = {0};
    if (is_pretty) {
        indent(&sink, json);
    } else {
        sink.n = (size_t)json.n;
    }
    sink.p = malloc(sink.n + 1);
    if (sink.p == NULL) {
        return 0;
    }
    sink.n = 0;
    if (is_pretty) {
        indent(&sink, json);
    } else {
        memcpy(sink.p, json.p, (size_t)json.n);
        sink.n = (size_t)json.n;
    }
    put(&sink, '\n');
    *out_owned = sink.p;
    *out = (ops_str){sink.p, sink.n};
    return 1;
}
