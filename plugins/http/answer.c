/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "request.h"
#include "service/status.h"
#include "service/text.h"

enum { QUOTED_BODY_BYTES = 300, QUOTED_URL_BYTES = 200 };

static ops_str find_header(const ops_http_res *res, const char *name)
{
    ops_str none = {NULL, 0};
    for (uint64_t i = 0; i < res->n_headers; i++) {
        if (text_equal_nocase(res->header_names[i], name)) {
            return res->header_values[i];
        }
    }
    return none;
}

/* ---- Headers ---- */

/* Text that may be no UTF-8 as a value. */
static ops_status make_text(ops_task task, ops_str s, ops_val *out)
{
    ops_status status = ops.value->new_str(ops.h, task, s, out);
    if (status != OPS_E_INPUT) {
        return status;
    }

    struct text utf8 = {NULL, 0, 0, 0};
    text_append_latin1(&utf8, s);
    status = utf8.failed ? OPS_E_RESOURCE : ops.value->new_str(ops.h, task, text_str(&utf8), out);
    text_finish(&utf8);
    return status;
}

/* All headers of the name that header `first` has, joined by ", ". */
static ops_status join_header(ops_task task, const ops_http_res *res, uint64_t first, ops_val *out)
{
    struct text joined = {NULL, 0, 0, 0};
    for (uint64_t i = first; i < res->n_headers; i++) {
        ops_str name = res->header_names[i];
        if (name.n == res->header_names[first].n &&
            memcmp(name.p, res->header_names[first].p, (size_t)name.n) == 0) {
            text_append_literal(&joined, i > first ? ", " : "");
            text_append_str(&joined, res->header_values[i]);
        }
    }
    ops_status status = joined.failed ? OPS_E_RESOURCE : make_text(task, text_str(&joined), out);
    text_finish(&joined);
    return status;
}

/* Cookies hold commas: they stay apart. `items` has room for all headers. */
static ops_status list_cookies(ops_task task, const ops_http_res *res, ops_val *items, ops_val *out)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < res->n_headers; i++) {
        if (ops_equal(res->header_names[i], "set-cookie")) {
            ops_status status = make_text(task, res->header_values[i], &items[n]);
            if (status != OPS_OK) {
                return status;
            }
            n++;
        }
    }
    return ops.value->new_list(ops.h, task, items, n, out);
}

static int is_first(const ops_http_res *res, uint64_t i)
{
    for (uint64_t k = 0; k < i; k++) {
        if (res->header_names[k].n == res->header_names[i].n &&
            memcmp(res->header_names[k].p, res->header_names[i].p,
                   (size_t)res->header_names[i].n) == 0) {
            return 0;
        }
    }
    return 1;
}

static ops_status make_headers(ops_task task, const ops_http_res *res, ops_val *out)
{
    size_t n = (size_t)res->n_headers;
    ops_str *keys = calloc(n + 1, sizeof *keys);
    ops_val *values = calloc(2 * n + 1, sizeof *values);
    ops_status status = keys != NULL && values != NULL ? OPS_OK : OPS_E_RESOURCE;
    uint64_t count = 0;
    for (uint64_t i = 0; i < n && status == OPS_OK; i++) {
        if (!is_first(res, i)) {
            continue;
        }
        keys[count] = res->header_names[i];
        status = ops_equal(keys[count], "set-cookie")
                     ? list_cookies(task, res, values + n, &values[count])
                     : join_header(task, res, i, &values[count]);
        count++;
    }
    if (status == OPS_OK) {
        status = ops.value->new_map(ops.h, task, keys, values, count, out);
    }
    free(keys);
    free(values);
    return status;
}

/* ---- Body ---- */

/* "application/json; charset=utf-8", "application/problem+json". */
static int is_json_type(ops_str type)
{
    const char *semicolon = type.n > 0 ? memchr(type.p, ';', (size_t)type.n) : NULL;
    uint64_t n = semicolon != NULL ? (uint64_t)(semicolon - type.p) : type.n;
    while (n > 0 && (type.p[n - 1] == ' ' || type.p[n - 1] == '\t')) {
        n--;
    }
    ops_str end = {n >= 5 ? type.p + n - 5 : NULL, n >= 5 ? 5 : 0};
    return text_equal_nocase(ops_slice(type.p, n), "application/json") ||
           text_equal_nocase(ops_slice(type.p, n), "text/json") || text_equal_nocase(end, "+json");
}

/* Text, or bytes when it is no UTF-8. */
static ops_status make_text_body(ops_task task, ops_str body, ops_val *out)
{
    ops_status status = ops.value->new_str(ops.h, task, body, out);
    return status == OPS_E_INPUT ? ops.value->new_bytes(ops.h, task, body, out) : status;
}

/* OPS_E_INPUT: it should be JSON and is none; `err` says where. */
static ops_status make_body(ops_task task, ops_val config, const ops_http_res *res, ops_val *out,
                            ops_error *err)
{
    ops_str mode = ops_get_str(config, "response", "auto");
    int is_json = ops_equal(mode, "json") ||
                  (ops_equal(mode, "auto") && is_json_type(find_header(res, "content-type")));
    if (!is_json) {
        return make_text_body(task, res->body, out);
    }
    if (res->body.n == 0) {
        return ops.value->new_null(ops.h, task, out);
    }
    return ops.value->from_json(ops.h, task, res->body, out, err);
}

/* ---- Output ---- */

static ops_status make_certificate(ops_task task, const ops_http_res *res, ops_val *out)
{
    char text[32];
    struct tm date;
    time_t end = (time_t)(res->tls_not_after_unix_ms / 1000);
    if (end == 0 || gmtime_r(&end, &date) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &date) == 0) {
        return ops.value->new_null(ops.h, task, out);
    }

    ops_val subject = 0;
    ops_val issuer = 0;
    int has_names = OPS_HAS(res, ops_http_res, tls_issuer);
    int64_t left_s = (int64_t)end - (int64_t)time(NULL);
    struct ops_map map = ops_map_begin(task);
    ops_status made = make_text(task, has_names ? res->tls_subject : ops_text(""), &subject);
    ops_map_made(&map, "subject", made, subject);
    made = make_text(task, has_names ? res->tls_issuer : ops_text(""), &issuer);
    ops_map_made(&map, "issuer", made, issuer);
    ops_map_text(&map, "not_after", text);
    ops_map_i64(&map, "days_left", left_s >= 0 ? left_s / 86400 : -1 - (-left_s - 1) / 86400);
    return ops_map_end(&map, out);
}

static ops_status make_timing(ops_task task, const ops_http_res *res, ops_val *out)
{
    int is_known = OPS_HAS(res, ops_http_res, first_byte_ms);
    struct ops_map map = ops_map_begin(task);
    ops_map_f64(&map, "connect_ms", is_known ? res->connect_ms : 0);
    ops_map_f64(&map, "first_byte_ms", is_known ? res->first_byte_ms : 0);
    ops_map_f64(&map, "total_ms", res->duration_ms);
    return ops_map_end(&map, out);
}

static void complete(ops_task task, const ops_http_res *res, ops_val body)
{
    ops_val part = 0;
    struct ops_map out = ops_map_begin(task);
    ops_status made = make_headers(task, res, &part);
    ops_map_i64(&out, "status", res->status);
    ops_map_made(&out, "headers", made, part);
    ops_map_val(&out, "body", body);
    ops_map_i64(&out, "bytes",
                (int64_t)(OPS_HAS(res, ops_http_res, body_bytes) ? res->body_bytes : res->body.n));
    made = make_timing(task, res, &part);
    ops_map_made(&out, "timing", made, part);
    made = make_certificate(task, res, &part);
    ops_map_made(&out, "certificate", made, part);
    ops_complete_map(task, &out);
}

/* ---- Errors ---- */

/* "GET https://example.com/path": what stands behind "?" may be secret. */
static void append_call(struct text *out, ops_val config)
{
    char method[33];
    ops_str url = ops_get_str(config, "url", NULL);
    size_t n = 0;
    while (n < url.n && url.p[n] != '?' && url.p[n] != '#') {
        n++;
    }
    request_read_method(config, method);
    text_append_line(out, ops_text(method), sizeof method);
    text_append(out, " ", 1);
    text_append_line(out, ops_slice(url.p, n), QUOTED_URL_BYTES);
}

/* 1 when the service says that its limit of calls is reached, whatever the status. */
static int is_rate_limited(const ops_http_res *res)
{
    return res->status == 429 ||
           (res->status == 403 && (ops_equal(find_header(res, "x-ratelimit-remaining"), "0") ||
                                   find_header(res, "retry-after").n > 0));
}

static uint64_t read_wait_ms(const ops_http_res *res)
{
    int64_t now = (int64_t)time(NULL);
    uint64_t wait_ms = status_retry_after_ms(find_header(res, "retry-after"), now);
    if (wait_ms == 0 && ops_equal(find_header(res, "x-ratelimit-remaining"), "0")) {
        wait_ms = status_reset_ms(find_header(res, "x-ratelimit-reset"), now);
    }
    return wait_ms;
}

/* OPS_ERROR_*: whether the same call once more does no harm. */
static uint32_t repeat_flags(ops_val config, ops_str method)
{
    return status_is_idempotent(method) || request_has_key(config) ? OPS_ERROR_REPEATABLE : 0;
}

/* {status, headers, body}, for whoever handles the error; 0 when it cannot be made. */
static ops_val make_details(ops_task task, ops_val config, const ops_http_res *res)
{
    ops_val headers = 0;
    ops_val body = 0;
    ops_val details = 0;
    struct ops_map map = ops_map_begin(task);
    ops_status made = make_headers(task, res, &headers);
    ops_map_i64(&map, "status", res->status);
    ops_map_made(&map, "headers", made, headers);
    made = make_body(task, config, res, &body, NULL);
    if (made != OPS_OK) {
        made = make_text_body(task, res->body, &body);
    }
    ops_map_made(&map, "body", made, body);
    return ops_map_end(&map, &details) == OPS_OK ? details : 0;
}

static void fail_status(ops_task task, ops_val config, const ops_http_res *res)
{
    char method[33];
    char number[32];
    struct status_meaning meaning = status_read(is_rate_limited(res) ? 429 : res->status);
    struct text message = {NULL, 0, 0, 0};
    request_read_method(config, method);
    append_call(&message, config);
    (void)snprintf(number, sizeof number, " answered %d", (int)res->status);
    text_append_literal(&message, number);
    if (res->body.n > 0) {
        text_append_literal(&message, ": ");
        text_append_line(&message, res->body, QUOTED_BODY_BYTES);
    }

    ops_error e = ops_error_make(meaning.code, NULL);
    e.message = message.failed ? ops_text("the service answered with an error")
                               : text_str(&message);
    e.effect = status_effect(res->status, ops_text(method));
    e.flags = repeat_flags(config, ops_text(method));
    e.retry_after_ms = read_wait_ms(res);
    e.symbol = ops_text(meaning.symbol);
    e.hint = ops_text(meaning.hint);
    e.upstream_status = res->status;
    e.details = make_details(task, config, res);
    (void)ops.exec->fail(ops.h, task, &e); /* STALE: it has ended already */
    text_finish(&message);
}

static void fail_body(ops_task task, ops_val config, const ops_http_res *res, const ops_error *why)
{
    struct text message = {NULL, 0, 0, 0};
    append_call(&message, config);
    text_append_literal(&message, why->code == OPS_E_RESOURCE ? " answered more than can be kept"
                                                              : " answered what is no JSON: ");
    if (why->code != OPS_E_RESOURCE) {
        text_append_line(&message, why->message, QUOTED_BODY_BYTES);
    }

    char method[33];
    request_read_method(config, method);
    ops_error e = ops_error_make(why->code == OPS_E_RESOURCE ? OPS_E_RESOURCE : OPS_E_UPSTREAM,
                                 "the answer is no JSON");
    e.message = message.failed ? e.message : text_str(&message);
    e.effect = status_effect(res->status, ops_text(method));
    e.flags = repeat_flags(config, ops_text(method));
    e.symbol = ops_text("http.bad_body");
    e.hint =
        ops_text(why->code == OPS_E_RESOURCE ? "" : "set 'response: text' to take it as it is");
    e.upstream_status = res->status;
    (void)ops.exec->fail(ops.h, task, &e); /* STALE: it has ended already */
    text_finish(&message);
}

/* ---- The end ---- */

static int item_matches(ops_val item, int32_t status)
{
    int64_t number = 0;
    ops_str pattern = {NULL, 0};
    if (ops.value->get_i64(ops.h, item, &number) == OPS_OK) {
        return number == status;
    }
    return ops.value->get_str(ops.h, item, &pattern) == OPS_OK && status_matches(status, pattern);
}

static int is_expected(ops_val config, int32_t status)
{
    ops_val expect = ops_get(config, "expect");
    if (expect == 0) {
        return status >= 200 && status < 300;
    }
    if (ops.value->type(ops.h, expect) != OPS_TYPE_LIST) {
        return item_matches(expect, status);
    }

    uint64_t n = ops.value->count(ops.h, expect);
    for (uint64_t i = 0; i < n; i++) {
        ops_val item = 0;
        if (ops.value->at(ops.h, expect, i, &item) == OPS_OK && item_matches(item, status)) {
            return 1;
        }
    }
    return 0;
}

void answer_end(ops_task task, ops_val config, const ops_http_res *res)
{
    if (!is_expected(config, res->status)) {
        fail_status(task, config, res);
        return;
    }

    ops_val body = 0;
    ops_error err = ops_error_make(OPS_OK, NULL);
    ops_status status = make_body(task, config, res, &body, &err);
    if (status != OPS_OK) {
        err.code = status;
        fail_body(task, config, res, &err);
        return;
    }
    complete(task, res, body);
}

void answer_fail(ops_task task, ops_val config, const ops_error *err)
{
    char method[33];
    ops_error e = *err;
    request_read_method(config, method);
    e.flags = repeat_flags(config, ops_text(method));
    if (status_is_safe(ops_text(method))) {
        e.effect = OPS_EFFECT_NONE;
    }
    (void)ops.exec->fail(ops.h, task, &e); /* STALE: it has ended already */
}
