/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/schema_uri.h"

#include <string.h>

/* The parts of a URI, each with the character that introduces it; absent parts are empty. */
struct uri_parts {
    struct str scheme;    /* "https:" */
    struct str authority; /* "//host:1" */
    struct str path;
    struct str query; /* "?a=b" */
};

/* Takes the bytes up to the first of `stops` from the front of `*rest`. */
static struct str take_until(struct str *rest, const char *stops)
{
    size_t n = 0;
    if (rest->n == 0) {
        return *rest;
    }
    while (n < rest->n && (rest->p[n] == '\0' || strchr(stops, rest->p[n]) == NULL)) {
        n++;
    }
    struct str taken = str_make(rest->p, n);
    rest->p += n;
    rest->n -= n;
    return taken;
}

static struct uri_parts split_uri(struct str uri)
{
    struct uri_parts parts = {0};
    struct str rest = uri;
    struct str scheme = take_until(&rest, ":/?");
    if (scheme.n > 0 && rest.n > 0 && rest.p[0] == ':') {
        parts.scheme = str_make(scheme.p, scheme.n + 1);
        rest = str_make(rest.p + 1, rest.n - 1);
    } else {
        rest = uri;
    }
    if (str_starts_with(rest, STR("//"))) {
        struct str host = str_make(rest.p + 2, rest.n - 2);
        struct str name = take_until(&host, "/?");
        parts.authority = str_make(rest.p, name.n + 2);
        rest = host;
    }
    parts.path = take_until(&rest, "?");
    parts.query = rest;
    return parts;
}

/* Cuts the last "/segment" off what was appended since `start`. */
static void drop_segment(struct strbuf *out, size_t start)
{
    while (out->n > start && out->p[out->n - 1] != '/') {
        out->n--;
    }
    if (out->n > start) {
        out->n--;
    }
}

/* RFC 3986, 5.2.4, segment by segment. */
static void append_without_dots(struct str path, struct strbuf *out)
{
    size_t start = out->n;
    while (path.n > 0) {
        bool has_slash = path.p[0] == '/';
        struct str rest = str_make(path.p + (has_slash ? 1 : 0), path.n - (has_slash ? 1u : 0u));
        struct str segment = take_until(&rest, "/");
        bool is_up = str_equal(segment, STR(".."));
        if (is_up) {
            drop_segment(out, start);
        } else if (!str_equal(segment, STR("."))) {
            strbuf_append(out, has_slash ? "/" : "", has_slash ? 1 : 0);
            strbuf_append_str(out, segment);
        }
        if (rest.n == 0 && (is_up || str_equal(segment, STR(".")))) {
            strbuf_append_char(out, '/');
        }
        path = rest;
    }
}

/* The base's path up to its last slash, then the reference's. */
static void append_merged_path(const struct uri_parts *base, struct str path, struct strbuf *out)
{
    struct strbuf merged = STRBUF_INIT;
    size_t n = base->path.n;
    while (n > 0 && base->path.p[n - 1] != '/') {
        n--;
    }
    if (n == 0 && base->authority.n > 0) {
        strbuf_append_char(&merged, '/');
    }
    strbuf_append_str(&merged, str_make(base->path.p, n));
    strbuf_append_str(&merged, path);
    out->failed = out->failed || merged.failed;
    append_without_dots(strbuf_str(&merged), out);
    strbuf_finish(&merged);
}

struct str schema_uri_without_fragment(struct str reference)
{
    struct str rest = reference;
    return take_until(&rest, "#");
}

struct str schema_uri_fragment(struct str reference)
{
    struct str rest = reference;
    (void)take_until(&rest, "#"); /* only the rest is asked for */
    return rest.n > 0 ? str_make(rest.p + 1, rest.n - 1) : rest;
}

void schema_uri_resolve(struct str base, struct str reference, struct strbuf *out)
{
    struct uri_parts to = split_uri(reference);
    struct uri_parts from = split_uri(base);
    if (base.n == 0 || to.scheme.n > 0) {
        strbuf_append_str(out, reference);
        return;
    }

    strbuf_append_str(out, from.scheme);
    strbuf_append_str(out, to.authority.n > 0 ? to.authority : from.authority);
    if (to.authority.n > 0 || (to.path.n > 0 && to.path.p[0] == '/')) {
        append_without_dots(to.path, out);
    } else if (to.path.n > 0) {
        append_merged_path(&from, to.path, out);
    } else {
        strbuf_append_str(out, from.path);
    }
    bool keeps_query = to.authority.n == 0 && to.path.n == 0 && to.query.n == 0;
    strbuf_append_str(out, keeps_query ? from.query : to.query);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void schema_uri_decode(struct str text, struct strbuf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        bool has_two = text.p[i] == '%' && text.n - i > 2;
        int high = has_two ? hex_digit(text.p[i + 1]) : -1;
        int low = has_two ? hex_digit(text.p[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            strbuf_append_char(out, (char)(high * 16 + low));
            i += 2;
        } else {
            strbuf_append_char(out, text.p[i]);
        }
    }
}
