/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <string.h>

static int refuse(struct request *request, const char *path, const char *problem)
{
    request->path = path;
    request->problem = problem;
    return 0;
}

/* A text as it is; other values as JSON. The text lives as long as `v`. */
static ops_str scalar_text(ops_val v)
{
    ops_str s = {NULL, 0};
    if (ops.value->get_str(ops.h, v, &s) != OPS_OK) {
        (void)ops.value->to_json(ops.h, v, &s); /* a failure leaves the empty text */
    }
    return s;
}

static void append_pair(struct text *out, ops_str key, ops_val v, enum text_encoding encoding)
{
    if (ops.value->type(ops.h, v) == OPS_TYPE_NULL) {
        return;
    }
    if (out->n > 0) {
        text_append(out, "&", 1);
    }
    text_append_encoded(out, key, encoding);
    text_append(out, "=", 1);
    text_append_encoded(out, scalar_text(v), encoding);
}

/* {a: 1, b: [2, 3]} as a=1&b=2&b=3. */
static void append_parameters(struct text *out, ops_val map, enum text_encoding encoding)
{
    uint64_t n = ops.value->count(ops.h, map);
    for (uint64_t i = 0; i < n; i++) {
        ops_str key = {NULL, 0};
        ops_val v = 0;
        if (ops.value->pair(ops.h, map, i, &key, &v) != OPS_OK) {
            return;
        }
        if (ops.value->type(ops.h, v) != OPS_TYPE_LIST) {
            append_pair(out, key, v, encoding);
            continue;
        }
        uint64_t items = ops.value->count(ops.h, v);
        for (uint64_t k = 0; k < items; k++) {
            ops_val item = 0;
            if (ops.value->at(ops.h, v, k, &item) == OPS_OK) {
                append_pair(out, key, item, encoding);
            }
        }
    }
}

/* The query goes behind the URL's own and in front of its fragment, which is not sent. */
static int read_url(struct request *request, ops_val config)
{
    ops_str url = ops_get_str(config, "url", NULL);
    const char *hash = url.n > 0 ? memchr(url.p, '#', (size_t)url.n) : NULL;
    size_t n = hash != NULL ? (size_t)(hash - url.p) : (size_t)url.n;
    text_append(&request->url, url.p, n);

    struct text query = {NULL, 0, 0, 0};
    append_parameters(&query, ops_get(config, "query"), TEXT_QUERY);
    if (query.n > 0) {
        int has_query = n > 0 && memchr(url.p, '?', n) != NULL;
        int is_open = has_query && (url.p[n - 1] == '?' || url.p[n - 1] == '&');
        text_append_literal(&request->url, is_open ? "" : has_query ? "&" : "?");
        text_append_str(&request->url, text_str(&query));
    }
    int failed = query.failed || request->url.failed;
    text_finish(&query);
    return failed ? refuse(request, "/url", "out of memory") : 1;
}

static int has_header(const struct request *request, const char *name)
{
    for (uint64_t i = 0; i < request->n_headers; i++) {
        if (text_equal_nocase(request->names[i], name)) {
            return 1;
        }
    }
    return 0;
}

static void add_header(struct request *request, ops_str name, ops_str value)
{
    if (request->n_headers < REQUEST_MAX_HEADERS) {
        request->names[request->n_headers] = name;
        request->values[request->n_headers] = value;
        request->n_headers++;
    }
}

static void add_default_header(struct request *request, const char *name, const char *value)
{
    if (!has_header(request, name)) {
        add_header(request, ops_text(name), ops_text(value));
    }
}

/* Room is left for those that are added here. */
static int read_headers(struct request *request, ops_val config)
{
    ops_val headers = ops_get(config, "headers");
    uint64_t n = ops.value->count(ops.h, headers);
    if (n > REQUEST_MAX_HEADERS - 8) {
        return refuse(request, "/headers", "more headers than can be sent");
    }
    for (uint64_t i = 0; i < n; i++) {
        ops_str name = {NULL, 0};
        ops_val v = 0;
        if (ops.value->pair(ops.h, headers, i, &name, &v) == OPS_OK &&
            ops.value->type(ops.h, v) != OPS_TYPE_NULL) {
            int is_text = ops.value->type(ops.h, v) == OPS_TYPE_STRING;
            add_header(request, name, is_text ? ops_text("") : scalar_text(v));
            request->vals[request->n_headers - 1] = is_text ? v : 0;
        }
    }
    return 1;
}

/* "NAME:PASSWORD" in base64; either may be a secret. 0: out of memory. */
static ops_val join_basic(ops_task task, ops_val basic)
{
    ops_val parts[3] = {ops_get(basic, "username"), 0, ops_get(basic, "password")};
    ops_val joined = 0;
    if (ops.value->new_str(ops.h, task, ops_text(":"), &parts[1]) == OPS_OK) {
        (void)ops.secret->join(ops.h, task, parts, 3, OPS_SECRET_BASE64, &joined); /* 0 stays */
    }
    return joined;
}

static int read_auth(struct request *request, ops_task task, ops_val config)
{
    ops_val auth = ops_get(config, "auth");
    if (auth == 0) {
        return 1;
    }
    if (has_header(request, "authorization")) {
        return refuse(request, "/auth", "give either 'auth' or the header Authorization");
    }

    ops_val basic = ops_get(auth, "basic");
    ops_str username = ops_get_str(basic, "username", NULL); /* empty when it is a secret */
    if (username.n > 0 && memchr(username.p, ':', (size_t)username.n) != NULL) {
        return refuse(request, "/auth/basic/username", "a user name must not hold a colon");
    }
    ops_val credential = basic != 0 ? join_basic(task, basic) : ops_get(auth, "bearer");
    ops_val value = ops_with_prefix(task, basic != 0 ? "Basic " : "Bearer ", credential);
    if (value == 0) {
        return refuse(request, "/auth", "out of memory");
    }
    add_header(request, ops_text("Authorization"), ops_text(""));
    request->vals[request->n_headers - 1] = value;
    return 1;
}

/* The whole of `v` as JSON. 0: it cannot be written. */
static int append_json(struct request *request, ops_val v)
{
    ops_str json = {NULL, 0};
    if (ops.value->to_json(ops.h, v, &json) != OPS_OK) {
        return 0;
    }
    text_append_str(&request->body, json);
    add_default_header(request, "Content-Type", "application/json");
    return 1;
}

static int read_body(struct request *request, ops_val config)
{
    ops_val json = ops_get(config, "json");
    ops_val body = ops_get(config, "body");
    ops_val form = ops_get(config, "form");
    ops_str text = {NULL, 0};
    if ((json != 0) + (body != 0) + (form != 0) > 1) {
        return refuse(request, "/body", "give one of 'json', 'body' and 'form'");
    }

    int is_written = 1;
    if (json != 0) {
        is_written = append_json(request, json);
    } else if (form != 0) {
        append_parameters(&request->body, form, TEXT_FORM);
        add_default_header(request, "Content-Type", "application/x-www-form-urlencoded");
    } else if (body != 0 && ops.value->get_bytes(ops.h, body, &text) == OPS_OK) {
        text_append_str(&request->body, text);
        add_default_header(request, "Content-Type", "text/plain; charset=utf-8");
    } else if (body != 0 && ops.value->type(ops.h, body) != OPS_TYPE_NULL) {
        is_written = append_json(request, body);
    }
    return is_written && !request->body.failed ? 1 : refuse(request, "/body", "out of memory");
}

static int read_duration(struct request *request, ops_val config, const char *key, uint64_t *out_ms)
{
    ops_val v = ops_get(config, key);
    if (v == 0) {
        return 1;
    }

    *out_ms = text_read_duration_ms(ops_get_str(config, key, NULL));
    if (*out_ms == 0) {
        return refuse(request, key[0] == 't' ? "/timeout" : "/connect_timeout",
                      "a time-out must be a duration above 0: '250ms', '30s', '2m' or '1h'");
    }
    return 1;
}

void request_read_method(ops_val config, char out[33])
{
    ops_str method = ops_get_str(config, "method", NULL);
    if (method.n == 0) {
        int has_body = ops_get(config, "json") != 0 || ops_get(config, "body") != 0 ||
                       ops_get(config, "form") != 0;
        method = ops_text(has_body ? "POST" : "GET");
    }
    size_t n = method.n < 32 ? (size_t)method.n : 32;
    for (size_t i = 0; i < n; i++) {
        char c = method.p[i];
        out[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    out[n] = '\0';
}

int request_has_own_key(ops_val config)
{
    ops_val headers = ops_get(config, "headers");
    uint64_t n = headers != 0 ? ops.value->count(ops.h, headers) : 0;
    for (uint64_t i = 0; i < n; i++) {
        ops_str name = {NULL, 0};
        ops_val value = 0;
        /* null leaves a header out */
        if (ops.value->pair(ops.h, headers, i, &name, &value) == OPS_OK &&
            text_equal_nocase(name, "idempotency-key") &&
            ops.value->type(ops.h, value) != OPS_TYPE_NULL) {
            return 1;
        }
    }
    return 0;
}

int request_has_key(ops_val config)
{
    return ops_get_bool(config, "idempotency_key", 0) || request_has_own_key(config);
}

int request_read(struct request *request, ops_task task, ops_val config)
{
    request_read_method(config, request->method);
    if (!read_url(request, config) || !read_headers(request, config) ||
        !read_auth(request, task, config) || !read_body(request, config) ||
        !read_duration(request, config, "timeout", &request->timeout_ms) ||
        !read_duration(request, config, "connect_timeout", &request->connect_timeout_ms)) {
        return 0;
    }
    if (ops_equal(ops_get_str(config, "response", NULL), "json")) {
        add_default_header(request, "Accept", "application/json");
    }
    return 1;
}

void request_finish(struct request *request)
{
    text_finish(&request->url);
    text_finish(&request->body);
}
