/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/query.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/base/suggest.h"
#include "core/base/utf8.h"

static int unknown_name(struct str name, const char *const *names, struct error *err)
{
    struct suggest nearest = suggest_start(name);
    for (size_t i = 0; names[i] != NULL; i++) {
        suggest_offer(&nearest, str_from(names[i]));
    }
    if (nearest.best.n > 0) {
        return error_set(err, E_INVALID, "unknown parameter '%.*s', did you mean '%.*s'?",
                         STR_ARG(name), STR_ARG(nearest.best));
    }
    return error_set(err, E_INVALID, "unknown parameter '%.*s'", STR_ARG(name));
}

static int check_name(const struct query *query, size_t i, const char *const *names,
                      struct error *err)
{
    struct str name = query->params[i].name;
    for (size_t k = 0; k < i; k++) {
        if (str_equal(query->params[k].name, name)) {
            return error_set(err, E_INVALID, "parameter '%.*s' is given twice", STR_ARG(name));
        }
    }
    for (size_t k = 0; names[k] != NULL; k++) {
        if (str_equal_text(name, names[k])) {
            return 0;
        }
    }
    return unknown_name(name, names, err);
}

int query_check(const struct query *query, const char *const *names, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < query->count && status == 0; i++) {
        status = check_name(query, i, names, err);
    }
    return status;
}

static const struct api_parameter *find(const struct query *query, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (str_equal_text(query->params[i].name, name)) {
            return &query->params[i];
        }
    }
    return NULL;
}

struct str query_get(const struct query *query, const char *name)
{
    const struct api_parameter *param = find(query, name);
    return param != NULL ? param->value : STR("");
}

/* Digits only; false when it is none or does not fit. */
static bool read_number(struct str text, uint64_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)(text.p[i] - '0');
        if (digit > 9 || number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out = number;
    return text.n > 0;
}

int query_number(const struct query *query, const char *name, struct query_range range,
                 uint64_t *out, struct error *err)
{
    const struct api_parameter *param = find(query, name);
    uint64_t number = 0;
    if (param == NULL) {
        return 0;
    }
    if (!read_number(param->value, &number) || number < range.least || number > range.most) {
        return error_set(err, E_INVALID, "parameter '%s' is no whole number from %llu to %llu",
                         name, (unsigned long long)range.least, (unsigned long long)range.most);
    }
    *out = number;
    return 0;
}

int query_flag(const struct query *query, const char *name, bool *out, struct error *err)
{
    const struct api_parameter *param = find(query, name);
    if (param == NULL) {
        return 0;
    }
    bool is_true = str_equal_text(param->value, "true");
    if (!is_true && !str_equal_text(param->value, "false")) {
        return error_set(err, E_INVALID, "parameter '%s' is neither 'true' nor 'false'", name);
    }
    *out = is_true;
    return 0;
}

int query_time(const struct query *query, const char *name, int64_t now_unix_ms,
               int64_t *out_unix_ms, struct error *err)
{
    const struct api_parameter *param = find(query, name);
    struct clock_time at = {0};
    int64_t ago_ms = 0;
    if (param == NULL) {
        return 0;
    }
    if (clock_parse_rfc3339(param->value, &at) == 0) {
        *out_unix_ms = at.seconds * 1000 + at.nanos / 1000000;
    } else if (quantity_parse_duration(param->value, &ago_ms, NULL) == 0) {
        *out_unix_ms = ago_ms < now_unix_ms ? now_unix_ms - ago_ms : 1;
    } else {
        return error_set(err, E_INVALID,
                         "parameter '%s' is neither a time ('2025-01-31T14:00:00Z') nor an age "
                         "('2h', '7d')",
                         name);
    }
    return 0;
}

/* ---- as text ---- */

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

int64_t query_decode(char *text, size_t n, bool is_form)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < n ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < n ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return -1;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (is_form && c == '+') {
            c = ' ';
        }
        text[used++] = c;
    }
    bool is_text = memchr(text, '\0', used) == NULL && utf8_valid_prefix(text, used) == used;
    return is_text ? (int64_t)used : -1;
}

/* The first `n` bytes up to `end`, decoded where they are. */
static int decode_part(char *p, size_t n, struct str *out)
{
    int64_t size = query_decode(p, n, true);
    *out = str_make(p, size < 0 ? 0 : (size_t)size);
    return size < 0 ? E_INVALID : 0;
}

static int add_param(struct query_text *query, char *p, size_t n, struct error *err)
{
    const char *equals = memchr(p, '=', n);
    size_t name_size = equals != NULL ? (size_t)(equals - p) : n;
    size_t value_at = equals != NULL ? name_size + 1 : n;
    struct api_parameter param = {0};
    if (query->count == API_MAX_QUERY) {
        return error_set(err, E_INVALID, "the query has more than %d parameters", API_MAX_QUERY);
    }
    if (decode_part(p, name_size, &param.name) != 0 ||
        decode_part(p + value_at, n - value_at, &param.value) != 0) {
        return error_set(err, E_INVALID, "parameter %zu of the query is no percent-encoded text",
                         query->count + 1);
    }
    query->params[query->count++] = param;
    return 0;
}

int query_text_read(struct str text, struct query_text *out_query, struct error *err)
{
    *out_query = (struct query_text){0};
    if (text.n > QUERY_BYTES_MOST) {
        return error_set(err, E_INVALID, "the query is longer than %d bytes", QUERY_BYTES_MOST);
    }
    out_query->text = str_dup(text);
    if (out_query->text == NULL) {
        return error_nomem(err);
    }
    int status = 0;
    char *end = out_query->text + text.n;
    for (char *p = out_query->text; p < end && status == 0;) {
        const char *ampersand = memchr(p, '&', (size_t)(end - p));
        size_t n = (size_t)((ampersand != NULL ? ampersand : end) - p);
        status = n > 0 ? add_param(out_query, p, n, err) : 0;
        p += n + 1;
    }
    return status;
}

void query_text_finish(struct query_text *query)
{
    free(query->text);
    *query = (struct query_text){0};
}

/* What a segment of a path and a value of a query may have as it is. */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

void query_append_escaped(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_plain(text.p[i])) {
            strbuf_append_char(out, text.p[i]);
        } else {
            strbuf_append_format(out, "%%%02X", (unsigned)(unsigned char)text.p[i]);
        }
    }
}

void query_append(struct strbuf *out, const char *name, struct str value)
{
    strbuf_append_text(out, out->n > 0 ? "&" : "");
    strbuf_append_text(out, name);
    strbuf_append_char(out, '=');
    query_append_escaped(out, value);
}
