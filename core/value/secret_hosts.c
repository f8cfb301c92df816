/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/secret_hosts.h"

#include <stdio.h>

enum { MAX_PORT = 65535, MAX_PORT_DIGITS = 5 };

/* A pattern or the authority of a URL, taken apart. */
struct parts {
    struct str host; /* an IPv6 address without its brackets */
    struct str port; /* its digits; `.p` is NULL: there is no ':' */
    bool is_bracketed;
};

static char small(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* False when brackets or ':' are where they do not belong. */
static bool split(struct str text, struct parts *out)
{
    size_t end = 0;
    *out = (struct parts){0};
    if (text.n > 0 && text.p[0] == '[') {
        const char *close = memchr(text.p, ']', text.n);
        if (close == NULL) {
            return false;
        }
        end = (size_t)(close - text.p);
        out->host = str_make(text.p + 1, end - 1);
        out->is_bracketed = true;
        end++;
    } else {
        while (end < text.n && text.p[end] != ':') {
            end++;
        }
        out->host = str_make(text.p, end);
    }
    if (end < text.n && text.p[end] == ':') {
        out->port = str_make(text.p + end + 1, text.n - end - 1);
        return true;
    }
    return end == text.n;
}

/* 0: it is none. */
static unsigned read_port(struct str digits)
{
    unsigned port = 0;
    if (digits.n == 0 || digits.n > MAX_PORT_DIGITS) {
        return 0;
    }
    for (size_t i = 0; i < digits.n; i++) {
        if (!is_digit(digits.p[i])) {
            return 0;
        }
        port = port * 10 + (unsigned)(digits.p[i] - '0');
    }
    return port <= MAX_PORT ? port : 0;
}

static bool is_name(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        char c = small(host.p[i]);
        bool is_edge = i == 0 || i + 1 == host.n;
        if (!((c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-' ||
              (c == '.' && !is_edge && host.p[i - 1] != '.'))) {
            return false;
        }
    }
    return host.n > 0;
}

static bool is_address6(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        char c = small(host.p[i]);
        if (!is_digit(c) && !(c >= 'a' && c <= 'f') && c != ':' && c != '.') {
            return false;
        }
    }
    return host.n > 1;
}

const char *secret_hosts_fault_of(struct str pattern)
{
    struct parts parts;
    bool is_wild = str_starts_with(pattern, STR("*."));
    struct str rest = is_wild ? str_make(pattern.p + 2, pattern.n - 2) : pattern;
    if (pattern.n > SECRET_HOST_MAX_BYTES) {
        return "is too long";
    }
    if (memmem(pattern.p, pattern.n, "://", 3) != NULL) {
        return "is a URL: write its host alone";
    }
    if (!split(rest, &parts)) {
        return "is no host: write api.example.com, with :PORT behind it if it is one port alone";
    }
    if (parts.port.p != NULL && read_port(parts.port) == 0) {
        return "has no port from 1 to 65535 behind ':' (an IPv6 address stands in brackets)";
    }
    if (parts.is_bracketed ? is_wild || !is_address6(parts.host) : !is_name(parts.host)) {
        return "is no host: it has letters, digits, '-', '_' and '.'; '*.' may stand before it";
    }
    return NULL;
}

struct str secret_hosts_at(struct str list, size_t i)
{
    while (list.n > 0) {
        const char *end = memchr(list.p, '\n', list.n);
        size_t n = end != NULL ? (size_t)(end - list.p) : list.n;
        if (i-- == 0) {
            return str_make(list.p, n);
        }
        n += end != NULL;
        list = str_make(list.p + n, list.n - n);
    }
    return STR("");
}

void secret_hosts_add(struct strbuf *list, struct str pattern)
{
    char line[SECRET_HOST_MAX_BYTES];
    if (pattern.n > sizeof(line)) {
        return; /* a host that long is refused wherever it comes from */
    }
    for (size_t i = 0; i < pattern.n; i++) {
        line[i] = small(pattern.p[i]);
    }
    struct str known = STR("");
    for (size_t i = 0; (known = secret_hosts_at(strbuf_str(list), i)).n > 0; i++) {
        if (str_equal(known, str_make(line, pattern.n))) {
            return;
        }
    }
    strbuf_append(list, line, pattern.n);
    strbuf_append_char(list, '\n');
}

static bool fits(struct str pattern, struct str host, uint16_t port)
{
    struct parts parts;
    bool is_wild = str_starts_with(pattern, STR("*."));
    struct str rest = is_wild ? str_make(pattern.p + 1, pattern.n - 1) : pattern;
    if (!split(rest, &parts) || (parts.port.p != NULL && read_port(parts.port) != port)) {
        return false;
    }
    return is_wild ? host.n > parts.host.n && str_ends_with(host, parts.host)
                   : str_equal(host, parts.host);
}

bool secret_hosts_allow(struct str list, struct str host, uint16_t port)
{
    struct str pattern = STR("");
    for (size_t i = 0; (pattern = secret_hosts_at(list, i)).n > 0; i++) {
        if (fits(pattern, host, port)) {
            return true;
        }
    }
    return false;
}

/* What stands behind the scheme; `*out_port` is the usual one. */
static bool skip_scheme(struct str *text, unsigned *out_port)
{
    static const struct {
        struct str scheme;
        unsigned port;
    } schemes[] = {{{"https://", 8}, 443},
                   {{"http://", 7}, 80},
                   {{"smtps://", 8}, 465},
                   {{"smtp://", 7}, 587}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = schemes[i].scheme.n;
        if (text->n > n && str_equal_caseless(str_make(text->p, n), schemes[i].scheme)) {
            *text = str_make(text->p + n, text->n - n);
            *out_port = schemes[i].port;
            return true;
        }
    }
    return false;
}

void secret_hosts_add_url(struct strbuf *list, struct str text, bool is_whole)
{
    char line[SECRET_HOST_MAX_BYTES];
    struct parts parts;
    unsigned port = 0;
    size_t end = 0;
    if (!skip_scheme(&text, &port)) {
        return;
    }
    while (end < text.n && memchr("/?#", text.p[end], 3) == NULL) {
        end++;
    }
    struct str authority = str_make(text.p, end);
    if ((end == text.n && !is_whole) || secret_hosts_fault_of(authority) != NULL ||
        authority.p[0] == '*' || !split(authority, &parts)) {
        return;
    }
    port = parts.port.p != NULL ? read_port(parts.port) : port;
    int n = snprintf(line, sizeof(line), parts.is_bracketed ? "[%.*s]:%u" : "%.*s:%u",
                     STR_ARG(parts.host), port);
    if (n > 0 && (size_t)n < sizeof(line)) {
        secret_hosts_add(list, str_make(line, (size_t)n));
    }
}
