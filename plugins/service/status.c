/* SPDX-License-Identifier: Apache-2.0 */
#include "service/status.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "opstream/sdk.h"

enum { MAX_WAIT_S = 3600 };

/* Rows of single statuses; their classes follow in status_read(). */
static const struct {
    int32_t status;
    struct status_meaning meaning;
} rows[] = {
    {400, {OPS_E_INPUT, "http.bad_request", "the service refuses what was sent"}},
    {401, {OPS_E_AUTH, "http.unauthorized", "check 'auth' and the credential"}},
    {403, {OPS_E_PERMISSION, "http.forbidden", "the credential may not do this"}},
    {404, {OPS_E_NOT_FOUND, "http.not_found", "check the URL"}},
    {405, {OPS_E_INPUT, "http.method_not_allowed", "set 'method' to one that it takes"}},
    {408, {OPS_E_TIMEOUT, "http.request_timeout", ""}},
    {409, {OPS_E_CONFLICT, "http.conflict", ""}},
    {410, {OPS_E_NOT_FOUND, "http.gone", "it was there once: check the URL"}},
    {412, {OPS_E_CONFLICT, "http.precondition_failed", ""}},
    {413, {OPS_E_INPUT, "http.content_too_large", "send less at a time"}},
    {415, {OPS_E_INPUT, "http.unsupported_type", "set the header 'Content-Type'"}},
    {422, {OPS_E_INPUT, "http.unprocessable", "the service refuses what was sent"}},
    {425, {OPS_E_UNAVAILABLE, "http.too_early", ""}},
    {429, {OPS_E_RATE_LIMITED, "http.rate_limited", "set 'rate_limit' on the node"}},
    {500, {OPS_E_UPSTREAM, "http.server_error", ""}},
    {502, {OPS_E_UNAVAILABLE, "http.bad_gateway", ""}},
    {503, {OPS_E_UNAVAILABLE, "http.unavailable", ""}},
    {504, {OPS_E_UNAVAILABLE, "http.gateway_timeout", ""}},
    {529, {OPS_E_UNAVAILABLE, "http.overloaded", ""}},
};

struct status_meaning status_read(int32_t status)
{
    static const struct status_meaning redirected = {
        OPS_E_UPSTREAM, "http.redirect",
        "set 'follow_redirects: true', or list the status under 'expect'"};
    static const struct status_meaning unexpected = {
        OPS_E_UPSTREAM, "http.unexpected_status",
        "list the status under 'expect' if it is no error"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) {
            return rows[i].meaning;
        }
    }
    return status >= 300 && status < 400 ? redirected : unexpected;
}

static int is_one_of(ops_str method, const char *const *methods, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ops_equal(method, methods[i])) {
            return 1;
        }
    }
    return 0;
}

int status_is_safe(ops_str method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
    return is_one_of(method, methods, sizeof methods / sizeof methods[0]);
}

int status_is_idempotent(ops_str method)
{
    static const char *const methods[] = {"PUT", "DELETE"};
    return status_is_safe(method) || is_one_of(method, methods, sizeof methods / sizeof methods[0]);
}

uint32_t status_effect(int32_t status, ops_str method)
{
    int is_turned_away = status == 503 || status == 529; /* before it was taken on */
    int is_refusal = is_turned_away || (status >= 400 && status < 500 && status != 408);
    if (is_refusal || status_is_safe(method)) {
        return OPS_EFFECT_NONE;
    }
    return status < 400 ? OPS_EFFECT_DONE : OPS_EFFECT_MAYBE;
}

int status_matches(int32_t status, ops_str pattern)
{
    if (pattern.n != 3 || pattern.p[0] != '0' + status / 100) {
        return 0;
    }
    if (pattern.p[1] == 'x' && pattern.p[2] == 'x') {
        return 1;
    }
    return pattern.p[1] == '0' + status / 10 % 10 && pattern.p[2] == '0' + status % 10;
}

static uint64_t limit_ms(int64_t wait_s)
{
    if (wait_s <= 0) {
        return 0;
    }
    return (uint64_t)(wait_s < MAX_WAIT_S ? wait_s : MAX_WAIT_S) * 1000;
}

/* A whole number, however large; -1: it is none. */
static int64_t read_number(ops_str value)
{
    int64_t number = 0;
    for (uint64_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            return -1;
        }
        int is_over = number > INT64_MAX / 10 - 1;
        number = is_over ? number : number * 10 + (value.p[i] - '0');
    }
    return value.n > 0 ? number : -1;
}

/* 0 to 11, or -1. */
static int read_month(const char *name)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *found = strlen(name) == 3 ? strstr(months, name) : NULL;
    return found != NULL && (found - months) % 3 == 0 ? (int)((found - months) / 3) : -1;
}

/* The three forms of RFC 9110, 5.6.7: seconds since 1970, or -1. The weekday is not looked at. */
static int64_t read_date(ops_str value)
{
    char copy[48];
    char month[4] = "";
    struct tm date;
    int end = 0;
    int n = (int)value.n;
    if (value.n == 0 || value.n >= sizeof copy) {
        return -1;
    }

    memcpy(copy, value.p, (size_t)value.n);
    copy[value.n] = '\0';
    memset(&date, 0, sizeof date);
    if (sscanf(copy, "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &date.tm_mday, month,
               &date.tm_year, &date.tm_hour, &date.tm_min, &date.tm_sec, &end) != 6 ||
        end != n) {
        end = 0;
        if (sscanf(copy, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &date.tm_mday, month,
                   &date.tm_year, &date.tm_hour, &date.tm_min, &date.tm_sec, &end) == 6) {
            date.tm_year += date.tm_year < 70 ? 2000 : 1900;
        } else if (sscanf(copy, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month,
                          &date.tm_mday, &date.tm_hour, &date.tm_min, &date.tm_sec, &date.tm_year,
                          &end) != 6) {
            return -1;
        }
    }
    date.tm_year -= 1900;
    date.tm_mon = read_month(month);
    return end == n && date.tm_mon >= 0 ? timegm(&date) : -1;
}

uint64_t status_retry_after_ms(ops_str value, int64_t now_unix)
{
    int64_t seconds = read_number(value);
    if (seconds >= 0) {
        return limit_ms(seconds);
    }
    int64_t at = read_date(value);
    return at >= 0 ? limit_ms(at - now_unix) : 0;
}

uint64_t status_reset_ms(ops_str value, int64_t now_unix)
{
    int64_t at = read_number(value);
    return at >= 0 ? limit_ms(at - now_unix) : 0;
}
