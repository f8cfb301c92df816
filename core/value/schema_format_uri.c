/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/schema_format_uri.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Unreserved characters, sub-delims, %XX, and what `more` lists. */
static bool is_made_of(struct str text, const char *more)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            if (text.n - i < 3 || !is_hex(text.p[i + 1]) || !is_hex(text.p[i + 2])) {
                return false;
            }
            i += 2;
        } else if (!is_letter(c) && !is_digit(c) && !is_one_of(c, "-._~!$&'()*+,;=") &&
                   !is_one_of(c, more)) {
            return false;
        }
    }
    return true;
}

/* Takes the bytes in front of the first of `stops` off `*rest`. */
static struct str take_until(struct str *rest, const char *stops)
{
    size_t n = 0;
    while (n < rest->n && !is_one_of(rest->p[n], stops)) {
        n++;
    }
    struct str taken = str_make(rest->p, n);
    rest->p += n;
    rest->n -= n;
    return taken;
}

static bool is_scheme(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!is_letter(c) && (i == 0 || (!is_digit(c) && !is_one_of(c, "+-.")))) {
            return false;
        }
    }
    return text.n > 0;
}

/* Between the brackets: an IPv6 address, or "v1.anything" for later kinds. */
static bool is_bracketed(struct str text)
{
    if (text.n > 1 && (text.p[0] == 'v' || text.p[0] == 'V')) {
        size_t i = 1;
        while (i < text.n && is_hex(text.p[i])) {
            i++;
        }
        bool has_parts = i > 1 && i + 1 < text.n && text.p[i] == '.';
        return has_parts && memchr(text.p, '%', text.n) == NULL &&
               is_made_of(str_make(text.p + i + 1, text.n - i - 1), ":");
    }
    char copy[64];
    unsigned char address[16];
    if (text.n >= sizeof(copy) || text.n == 0 || memchr(text.p, '\0', text.n) != NULL) {
        return false;
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return inet_pton(AF_INET6, copy, address) == 1;
}

static bool is_port(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!is_digit(text.p[i])) {
            return false;
        }
    }
    return true;
}

/* [user@]host[:port]; the port may be empty. */
static bool is_authority(struct str text)
{
    struct str host = text;
    struct str user = take_until(&host, "@");
    if (host.n > 0) {
        if (!is_made_of(user, ":")) {
            return false;
        }
        host = str_make(host.p + 1, host.n - 1);
    } else {
        host = text;
    }
    if (host.n > 0 && host.p[0] == '[') {
        struct str rest = str_make(host.p + 1, host.n - 1);
        struct str inside = take_until(&rest, "]");
        bool is_closed = rest.n > 0;
        bool has_more = rest.n > 1;
        return is_closed && is_bracketed(inside) &&
               (!has_more || (rest.p[1] == ':' && is_port(str_make(rest.p + 2, rest.n - 2))));
    }
    struct str name = take_until(&host, ":");
    return is_made_of(name, "") && (host.n == 0 || is_port(str_make(host.p + 1, host.n - 1)));
}

/* What follows the scheme: [//authority]path[?query][#fragment]. */
static bool is_rest(struct str rest)
{
    if (str_starts_with(rest, STR("//"))) {
        rest = str_make(rest.p + 2, rest.n - 2);
        if (!is_authority(take_until(&rest, "/?#"))) {
            return false;
        }
    }
    if (!is_made_of(take_until(&rest, "?#"), ":@/")) {
        return false;
    }
    struct str query = take_until(&rest, "#");
    if (query.n > 0 && !is_made_of(str_make(query.p + 1, query.n - 1), ":@/?")) {
        return false;
    }
    return rest.n == 0 || is_made_of(str_make(rest.p + 1, rest.n - 1), ":@/?");
}

bool schema_format_is_uri(struct str text)
{
    if (text.n == 0) {
        return false;
    }
    struct str rest = text;
    struct str scheme = take_until(&rest, ":");
    return rest.n > 0 && is_scheme(scheme) && is_rest(str_make(rest.p + 1, rest.n - 1));
}

bool schema_format_is_uri_reference(struct str text)
{
    if (text.n == 0 || schema_format_is_uri(text)) {
        return true;
    }
    /* A relative path has no ':' in its first segment: that would be a scheme. */
    struct str rest = text;
    struct str first = take_until(&rest, "/?#");
    return memchr(first.p, ':', first.n) == NULL && is_rest(text);
}
