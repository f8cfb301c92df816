/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

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
    {400, {OPS_E_INPUT, OPS_RETRY_NO, "http.bad_request", "the service refuses what was sent"}},
    {401, {OPS_E_AUTH, OPS_RETRY_NO, "http.unauthorized", "check 'auth' and the credential"}},
    {403, {OPS_E_PERMISSION, OPS_RETRY_NO, "http.forbidden", "the credential may not do this"}},
    {404, {OPS_E_NOT_FOUND, OPS_RETRY_NO, "http.not_found", "check the URL"}},
    {405,
     {OPS_E_INPUT, OPS_RETRY_NO, "http.method_not_allowed", "set 'method' to one that it takes"}},
    {408, {OPS_E_TIMEOUT, OPS_RETRY_YES, "http.request_timeout", ""}},
    {409, {OPS_E_CONFLICT, OPS_RETRY_NO, "http.conflict", ""}},
    {410, {OPS_E_NOT_FOUND, OPS_RETRY_NO, "http.gone", "it was there once: check the URL"}},
    {412, {OPS_E_CONFLICT, OPS_RETRY_NO, "http.precondition_failed", ""}},
    {413, {OPS_E_INPUT, OPS_RETRY_NO, "http.too_large", "send less at a time"}},
    {415, {OPS_E_INPUT, OPS_RETRY_NO, "http.unsupported_type", "set the header 'Content-Type'"}},
    {422, {OPS_E_INPUT, OPS_RETRY_NO, "http.unprocessable", "the service refuses what was sent"}},
    {425, {OPS_E_UNAVAILABLE, OPS_RETRY_YES, "http.too_early", ""}},
    {429, {OPS_E_RATE_LIMITED, OPS_RETRY_YES, "http.rate_limited", "set 'rate_limit' on the node"}},
    {500, {OPS_E_UPSTREAM, OPS_RETRY_YES, "http.server_error", ""}},
    {502, {OPS_E_UNAVAILABLE, OPS_RETRY_YES, "http.bad_gateway", ""}},
    {503, {OPS_E_UNAVAILABLE, OPS_RETRY_YES, "http.unavailable", ""}},
    {504, {OPS_E_UNAVAILABLE, OPS_RETRY_YES, "http.gateway_timeout", ""}},
    {529, {OPS_E_UNAVAILABLE, OPS_RETRY_YES, "http.overloaded", ""}},
};

struct status_meaning status_read(int32_t status)
{
    static const struct status_meaning redirected = {
        OPS_E_UPSTREAM, OPS_RETRY_NO, "http.redirect",
        "set 'follow_redirects: true', or list the status under 'expect'"};
    static const struct status_meaning unexpected = {
        OPS_E_UPSTREAM, OPS_RETRY_NO, "http.unexpected_status",
        "list the status under 'expect' if it is no error"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status) {
            return rows[i].meaning;
        }
    }
    return status >= 300 && status < 400 ? redirected : unexpected;
}

int status_is_idempotent(ops_str method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (ops_equal(method, methods[i])) {
            return 1;
        }
    }
    return 0;
}

uint32_t status_effect(int32_t status, ops_str method)
{
    int is_refusal = status >= 400 && status < 500 && status != 408;
    if (is_refusal || status_is_idempotent(method)) {
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

/* A whole number of up to 18 digits; -1: it is none. */
static int64_t read_number(ops_str value)
{
    int64_t number = 0;
    if (value.n == 0 || value.n > 18) {
        return -1;
    }
    for (uint64_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            return -1;
        }
        number = number * 10 + (value.p[i] - '0');
    }
    return number;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT": seconds since 1970, or -1. */
static int64_t read_date(ops_str value)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char copy[40];
    char day_name[5];
    char month[4];
    struct tm date;
    if (value.n == 0 || value.n >= sizeof copy) {
        return -1;
    }

    memcpy(copy, value.p, (size_t)value.n);
    copy[value.n] = '\0';
    memset(&date, 0, sizeof date);
    int end = 0;
    int count = sscanf(copy, "%4s %2d %3s %4d %2d:%2d:%2d GMT%n", day_name, &date.tm_mday, month,
                       &date.tm_year, &date.tm_hour, &date.tm_min, &date.tm_sec, &end);
    const char *found = count == 7 ? strstr(months, month) : NULL;
    if (found == NULL || end != (int)value.n || (found - months) % 3 != 0 || strlen(month) != 3) {
        return -1;
    }

    date.tm_year -= 1900;
    date.tm_mon = (int)((found - months) / 3);
    return timegm(&date);
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
