/* SPDX-License-Identifier: Apache-2.0 */
#include "service/url.h"

enum { SHOWN_FIELD_BYTES = 100 };

ops_str url_scalar(ops_val v)
{
    ops_str s = {NULL, 0};
    if (ops.value->get_str(ops.h, v, &s) != OPS_OK) {
        (void)ops.value->to_json(ops.h, v, &s); /* a failure leaves the empty text */
    }
    return s;
}

struct url_name url_read_name(const char *name)
{
    size_t end = strcspn(name, "|");
    size_t equals = strcspn(name, "=");
    size_t field = equals < end ? equals + 1 : 0;
    return (struct url_name){
        .sent = ops_slice(name, equals < end ? equals : end),
        .field = ops_slice(name + field, end - field),
        .otherwise = ops_text(name[end] == '|' ? name + end + 1 : ""),
    };
}

ops_val url_find(ops_val config, ops_str field)
{
    ops_val found = config;
    uint64_t at = 0;
    while (at < field.n && found != 0) {
        const char *dot = memchr(field.p + at, '.', (size_t)(field.n - at));
        uint64_t end = dot != NULL ? (uint64_t)(dot - field.p) : field.n;
        ops_val next = 0;
        (void)ops.value->find(ops.h, found, ops_slice(field.p + at, end - at), &next); /* 0: none */
        found = next;
        at = end + 1;
    }
    return found;
}

/* ---- Path ---- */

static int refuse(struct url_fault *fault, const char *what)
{
    fault->what = what;
    return 0;
}

/* A segment that a server, or what stands before it, would read as another path is none. */
static int append_segment(struct text *out, ops_str segment, struct url_fault *fault)
{
    if (segment.n == 0) {
        return refuse(fault, "must not be empty, nor have an empty part between slashes");
    }
    if (ops_equal(segment, ".") || ops_equal(segment, "..")) {
        return refuse(fault, "must not have the parts '.' or '..'");
    }
    text_append_encoded(out, segment, TEXT_QUERY);
    return 1;
}

static int append_segments(struct text *out, ops_str value, struct url_fault *fault)
{
    uint64_t start = 0;
    for (uint64_t i = 0; i <= value.n; i++) {
        if (i < value.n && value.p[i] != '/') {
            continue;
        }
        if (!append_segment(out, ops_slice(value.p + start, i - start), fault)) {
            return 0;
        }
        text_append(out, "/", i < value.n ? 1 : 0);
        start = i + 1;
    }
    return 1;
}

/* {field} at `at`; what is between the braces goes to `fault->field`. The end of it, or NULL. */
static const char *read_field(const char *at, int *keeps_slashes, char field[URL_MAX_FIELD])
{
    const char *close = strchr(at, '}');
    const char *start = at + 1;
    *keeps_slashes = *start == '+';
    start += *keeps_slashes;
    if (close == NULL || close - start >= URL_MAX_FIELD) {
        return NULL;
    }
    memcpy(field, start, (size_t)(close - start));
    field[close - start] = '\0';
    return close + 1;
}

static int append_path(struct text *out, const char *path, ops_val config, struct url_fault *fault)
{
    const char *at = path;
    while (*at != '\0') {
        size_t n = strcspn(at, "{");
        int keeps_slashes = 0;
        text_append(out, at, n);
        at += n;
        if (*at == '\0') {
            return 1;
        }
        const char *end = read_field(at, &keeps_slashes, fault->field);
        if (end == NULL) {
            return refuse(fault, "is no field");
        }
        ops_str value = url_scalar(url_find(config, ops_text(fault->field)));
        int is_good = keeps_slashes ? append_segments(out, value, fault)
                                    : append_segment(out, value, fault);
        if (!is_good) {
            return 0;
        }
        at = end;
    }
    return 1;
}

/* ---- Query ---- */

static void append_value(struct text *out, ops_val v)
{
    uint64_t n = ops.value->type(ops.h, v) == OPS_TYPE_LIST ? ops.value->count(ops.h, v) : 0;
    if (ops.value->type(ops.h, v) != OPS_TYPE_LIST) {
        text_append_encoded(out, url_scalar(v), TEXT_QUERY);
    }
    for (uint64_t i = 0; i < n; i++) {
        ops_val item = 0;
        if (ops.value->at(ops.h, v, i, &item) == OPS_OK) {
            text_append(out, ",", i > 0 ? 1 : 0);
            text_append_encoded(out, url_scalar(item), TEXT_QUERY);
        }
    }
}

/* `before` stands before the first, "&" between them. */
static void append_query(struct text *out, const char *const *names, ops_val config,
                         const char *before)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        struct url_name name = url_read_name(names[i]);
        ops_val v = url_find(config, name.field);
        int is_given = v != 0 && ops.value->type(ops.h, v) != OPS_TYPE_NULL;
        if (!is_given && name.otherwise.n == 0) {
            continue;
        }
        text_append_literal(out, before);
        text_append_encoded(out, name.sent, TEXT_QUERY);
        text_append(out, "=", 1);
        if (is_given) {
            append_value(out, v);
        } else {
            text_append_encoded(out, name.otherwise, TEXT_QUERY);
        }
        before = "&";
    }
}

void url_append_query(struct text *out, const struct service_request *request, ops_val config)
{
    append_query(out, request->query, config, "");
}

int url_append(struct text *out, ops_str base, const struct service_request *request,
               ops_val config, ops_str query, struct url_fault *fault)
{
    const char *mark = strchr(request->path, '?');
    text_append_str(out, base);
    if (query.n > 0 && mark != NULL) {
        struct text path = {NULL, 0, 0, 0};
        int is_good = append_path(&path, request->path, config, fault);
        const char *end = path.n > 0 ? memchr(path.p, '?', path.n) : NULL;
        text_append(out, path.p, end != NULL ? (size_t)(end - path.p) : path.n);
        out->failed = out->failed || path.failed;
        text_finish(&path);
        if (!is_good) {
            return 0;
        }
    } else if (!append_path(out, request->path, config, fault)) {
        return 0;
    }
    if (query.n > 0) {
        text_append(out, "?", 1);
        text_append_str(out, query);
    } else {
        append_query(out, request->query, config, mark != NULL ? "&" : "?");
    }
    return out->failed ? refuse(fault, "makes a URL that does not fit into memory") : 1;
}

/* ---- For people ---- */

void url_append_shown(struct text *out, const char *pattern, ops_val config)
{
    char field[URL_MAX_FIELD];
    const char *at = pattern;
    while (*at != '\0') {
        size_t n = strcspn(at, "{");
        int keeps_slashes = 0;
        text_append(out, at, n);
        at += n;
        const char *end = *at != '\0' ? read_field(at, &keeps_slashes, field) : NULL;
        if (end == NULL) {
            return;
        }
        text_append_line(out, url_scalar(url_find(config, ops_text(field))), SHOWN_FIELD_BYTES);
        at = end;
    }
}
