/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats: RFC 3339 (date-time, date, time, duration), RFC 5321 (email), RFC 1123
 * (hostname), RFC 4122 (uuid), IP addresses. URIs have their own file, schema_format_uri.c.
 *
 * Each format is read by small functions that take a prefix off a slice.
 */
#include "core/value/schema_format.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/quantity.h"
#include "core/value/schema.h"
#include "core/value/schema_format_uri.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void skip(struct str *rest, size_t n)
{
    rest->p += n;
    rest->n -= n;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c) {
        return false;
    }
    skip(rest, 1);
    return true;
}

/* Exactly `count` digits, as a number. */
static bool take_number(struct str *rest, size_t count, int *out_number)
{
    int number = 0;
    if (rest->n < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(rest->p[i])) {
            return false;
        }
        number = number * 10 + (rest->p[i] - '0');
    }
    skip(rest, count);
    *out_number = number;
    return true;
}

static size_t take_digits(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && is_digit(rest->p[n])) {
        n++;
    }
    skip(rest, n);
    return n;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool take_date(struct str *rest)
{
    int year = 0;
    int month = 0;
    int day = 0;
    return take_number(rest, 4, &year) && take_char(rest, '-') && take_number(rest, 2, &month) &&
           take_char(rest, '-') && take_number(rest, 2, &day) && month >= 1 && month <= 12 &&
           day >= 1 && day <= days_in_month(year, month);
}

/* "Z" or "+02:00"; `*out_minutes` is east of Greenwich. */
static bool take_offset(struct str *rest, int *out_minutes)
{
    if (take_char(rest, 'Z') || take_char(rest, 'z')) {
        *out_minutes = 0;
        return true;
    }
    int sign = take_char(rest, '+') ? 1 : take_char(rest, '-') ? -1 : 0;
    int hours = 0;
    int minutes = 0;
    if (sign == 0 || !take_number(rest, 2, &hours) || !take_char(rest, ':') ||
        !take_number(rest, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *out_minutes = sign * (hours * 60 + minutes);
    return true;
}

/* A leap second ends a day of UTC, whatever the local time is then. */
static bool take_time(struct str *rest)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    int offset = 0;
    if (!take_number(rest, 2, &hour) || !take_char(rest, ':') || !take_number(rest, 2, &minute) ||
        !take_char(rest, ':') || !take_number(rest, 2, &second)) {
        return false;
    }
    if (take_char(rest, '.') && take_digits(rest) == 0) {
        return false;
    }
    if (!take_offset(rest, &offset) || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    int minute_of_day = ((hour * 60 + minute - offset) % 1440 + 1440) % 1440;
    return second < 60 || minute_of_day == 23 * 60 + 59;
}

static bool is_date(struct str text)
{
    return take_date(&text) && text.n == 0;
}

static bool is_time(struct str text)
{
    return take_time(&text) && text.n == 0;
}

bool schema_is_date_time(struct str text)
{
    return take_date(&text) && (take_char(&text, 'T') || take_char(&text, 't')) &&
           take_time(&text) && text.n == 0;
}

/* Whole numbers with units of `units`: in that order, from any one on, and leaving none out. */
static bool take_units(struct str *rest, const char *units, size_t *count)
{
    for (; rest->n > 0 && is_digit(rest->p[0]); (*count)++) {
        (void)take_digits(rest); /* there is one, and any number will do */
        const char *unit = rest->n > 0 && rest->p[0] != '\0' ? strchr(units, rest->p[0]) : NULL;
        if (unit == NULL || (*count > 0 && unit != units)) {
            return false;
        }
        units = unit + 1;
        skip(rest, 1);
    }
    return true;
}

bool schema_is_duration(struct str text)
{
    size_t date_units = 0;
    size_t time_units = 0;
    if (!take_char(&text, 'P')) {
        return false;
    }
    struct str weeks = text;
    if (take_digits(&weeks) > 0 && take_char(&weeks, 'W')) {
        return weeks.n == 0;
    }
    if (!take_units(&text, "YMD", &date_units)) {
        return false;
    }
    bool has_time = take_char(&text, 'T');
    if (has_time && (!take_units(&text, "HMS", &time_units) || time_units == 0)) {
        return false;
    }
    return text.n == 0 && date_units + time_units > 0;
}

static bool is_address(int family, struct str text)
{
    char copy[64];
    unsigned char address[16];
    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n) != NULL) {
        return false;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return inet_pton(family, copy, address) == 1;
}

static bool is_ipv4(struct str text)
{
    return is_address(AF_INET, text);
}

static bool is_ipv6(struct str text)
{
    return is_address(AF_INET6, text);
}

static bool is_label(struct str label)
{
    if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.n; i++) {
        if (!is_digit(label.p[i]) && !is_letter(label.p[i]) && label.p[i] != '-') {
            return false;
        }
    }
    return true;
}

static bool is_hostname(struct str text)
{
    size_t start = 0;
    if (text.n == 0 || text.n > 253) {
        return false;
    }
    for (size_t i = 0; i <= text.n; i++) {
        if (i == text.n || text.p[i] == '.') {
            if (!is_label(str_make(text.p + start, i - start))) {
                return false;
            }
            start = i + 1;
        }
    }
    return true;
}

static bool is_atom_char(char c)
{
    return is_digit(c) || is_letter(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* RFC 5321 Dot-string: atoms with single points between them. */
static bool is_dot_string(struct str text)
{
    bool is_after_dot = true;
    for (size_t i = 0; i < text.n; i++) {
        bool is_dot = text.p[i] == '.';
        if (is_dot ? is_after_dot : !is_atom_char(text.p[i])) {
            return false;
        }
        is_after_dot = is_dot;
    }
    return !is_after_dot;
}

/* RFC 5321 Quoted-string: printable ASCII, quotes and backslashes behind a backslash. */
static bool is_quoted_string(struct str text)
{
    if (text.n < 2 || text.p[0] != '"' || text.p[text.n - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i < text.n - 1; i++) {
        if (text.p[i] == '\\') {
            i++;
        } else if (text.p[i] == '"') {
            return false;
        }
        if (i >= text.n - 1 || text.p[i] < ' ' || text.p[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool is_mail_host(struct str host)
{
    if (host.n < 2 || host.p[0] != '[' || host.p[host.n - 1] != ']') {
        return is_hostname(host);
    }
    struct str literal = str_make(host.p + 1, host.n - 2);
    if (str_starts_with(literal, STR("IPv6:"))) {
        return is_ipv6(str_make(literal.p + 5, literal.n - 5));
    }
    return is_ipv4(literal);
}

bool schema_is_email(struct str text)
{
    size_t at = text.n;
    while (at > 0 && text.p[at - 1] != '@') {
        at--;
    }
    if (at < 2 || at - 1 > 64) {
        return false;
    }
    struct str local = str_make(text.p, at - 1);
    return (is_dot_string(local) || is_quoted_string(local)) &&
           is_mail_host(str_make(text.p + at, text.n - at));
}

static bool is_uuid(struct str text)
{
    if (text.n != 36) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text.p[i] != '-' : !is_hex(text.p[i])) {
            return false;
        }
    }
    return true;
}

bool schema_is_uri(struct str text)
{
    return schema_format_is_uri(text);
}

/* "30s", "1h30m", and not "0s" or "5us": as the time-outs of a pipeline are written. */
static bool is_time_span(struct str text)
{
    int64_t ms = 0;
    return quantity_parse_duration(text, &ms, NULL) == 0 && ms > 0 &&
           memchr(text.p, 'u', text.n) == NULL && memchr(text.p, 'n', text.n) == NULL;
}

/* As people write it, so that each code has one name: "75". */
static bool is_exit_code(struct str text)
{
    int code = 0;
    for (size_t i = 0; i < text.n && i < 4; i++) {
        if (!is_digit(text.p[i])) {
            return false;
        }
        code = code * 10 + (text.p[i] - '0');
    }
    return text.n > 0 && text.n < 4 && text.p[0] != '0' && code <= 255;
}

static const struct schema_format formats[] = {
    {"date-time", "a date and time as in '2024-02-29T12:30:00Z'", schema_is_date_time},
    {"date", "a date as in '2024-02-29'", is_date},
    {"time", "a time with its offset as in '12:30:00Z'", is_time},
    {"duration", "a duration as in 'PT1H30M' or 'P2W'", schema_is_duration},
    {"ops-duration", "a duration above 0 as in '250ms', '30s' or '1h30m'", is_time_span},
    {"ops-exit-code", "an exit code from 1 to 255", is_exit_code},
    {"uri", "a URI as in 'https://example.org/path'", schema_is_uri},
    {"uri-reference", "a URI or a part of one as in '/path?x=1'", schema_format_is_uri_reference},
    {"email", "an e-mail address as in 'name@example.org'", schema_is_email},
    {"hostname", "a host name as in 'www.example.org'", is_hostname},
    {"ipv4", "an IPv4 address as in '192.0.2.1'", is_ipv4},
    {"ipv6", "an IPv6 address as in '2001:db8::1'", is_ipv6},
    {"uuid", "a UUID as in '123e4567-e89b-12d3-a456-426614174000'", is_uuid},
};

const struct schema_format *schema_format_find(struct str name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (str_equal_text(name, formats[i].name)) {
            return &formats[i];
        }
    }
    return NULL;
}
