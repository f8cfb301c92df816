/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/headers.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"

enum { MAX_REQUEST_HEADERS = 1000 };

/* Headers that libcurl writes itself, from what it knows better. */
static const char *const owned_by_connection[] = {
    "connection",          "content-length",   "expect", "keep-alive",
    "proxy-authorization", "proxy-connection", "te",     "trailer",
    "transfer-encoding",   "upgrade",
};

bool header_is(struct str name, const char *other)
{
    return str_equal_caseless(name, str_from(other));
}

static bool is_token(struct str text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool is_legal = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                        (c != '\0' && strchr(marks, c) != NULL);
        if (!is_legal) {
            return false;
        }
    }
    return text.n > 0;
}

static int check_header(const struct net_header *header, struct error *err)
{
    if (!is_token(header->name) || header->name.n > 256) {
        return error_set(err, E_INVALID, "'%.*s' is no name of a header", STR_ARG(header->name));
    }
    for (size_t i = 0; i < sizeof owned_by_connection / sizeof owned_by_connection[0]; i++) {
        if (header_is(header->name, owned_by_connection[i])) {
            return error_set(err, E_INVALID,
                             "the header '%s' belongs to the connection: leave it out",
                             owned_by_connection[i]);
        }
    }
    for (size_t i = 0; i < header->value.n; i++) {
        unsigned char c = (unsigned char)header->value.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) {
            return error_set(
                err, E_INVALID,
                "the value of header '%.*s' holds a line break or control character: is "
                "there one at its end?",
                STR_ARG(header->name));
        }
    }
    return 0;
}

int headers_check_request(const struct net_request *request, struct error *err)
{
    if (request->method.n > 0 && (!is_token(request->method) || request->method.n > 32)) {
        return error_set(err, E_INVALID, "'%.*s' is no HTTP method", STR_ARG(request->method));
    }
    if (str_equal_text(request->method, "CONNECT") || str_equal_text(request->method, "TRACE")) {
        return error_set(err, E_INVALID, "the method %.*s cannot be used",
                         STR_ARG(request->method));
    }
    if (str_equal_text(request->method, "HEAD") && request->body.n > 0) {
        return error_set(err, E_INVALID, "a HEAD request has no body");
    }
    if (request->header_count > MAX_REQUEST_HEADERS) {
        return error_set(err, E_LIMIT, "more than %d headers", MAX_REQUEST_HEADERS);
    }

    size_t bytes = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        int status = check_header(&request->headers[i], err);
        if (status != 0) {
            return status;
        }
        bytes += request->headers[i].name.n + request->headers[i].value.n;
        if (bytes > NET_MAX_HEADER_BYTES) {
            return error_set(err, E_LIMIT, "the headers have more than %d bytes",
                             NET_MAX_HEADER_BYTES);
        }
    }
    return 0;
}

bool redirect_is(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool redirect_becomes_get(int status, struct str method)
{
    bool is_safe = str_equal_text(method, "GET") || str_equal_text(method, "HEAD");
    return (status == 303 && !is_safe) ||
           ((status == 301 || status == 302) && str_equal_text(method, "POST"));
}

/* Names that say of themselves that their value is for one service only. */
static bool is_credential(struct str name)
{
    static const char *const words[] = {"auth",       "cookie",  "token",   "secret", "password",
                                        "credential", "session", "api-key", "apikey", "access-key"};
    char lower[64];
    size_t n = name.n < sizeof lower - 1 ? name.n : sizeof lower - 1;
    for (size_t i = 0; i < n; i++) {
        char c = name.p[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    lower[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(lower, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

bool redirect_keeps_header(const struct redirect_hop *hop, const struct net_header *header)
{
    if (!hop->is_same_origin &&
        (header->is_secret || is_credential(header->name) || header_is(header->name, "host"))) {
        return false;
    }

    bool is_of_body = header->name.n > 8 &&
                      str_equal_caseless(str_make(header->name.p, 8), STR("content-"));
    return !(hop->has_become_get && is_of_body);
}

void headers_finish(struct header_list *list)
{
    strbuf_finish(&list->bytes);
    free(list->items);
    *list = HEADER_LIST_INIT;
}

void headers_clear(struct header_list *list)
{
    strbuf_clear(&list->bytes);
    list->count = 0;
}

/* Until they are exported, slices hold offsets, since the bytes still move. */
static struct str offset_slice(size_t at, size_t n)
{
    return str_make((const char *)(uintptr_t)at, n);
}

static struct str slice_at(const struct header_list *list, struct str offset)
{
    return str_make(list->bytes.p + (uintptr_t)offset.p, offset.n);
}

int headers_add_line(struct header_list *list, struct str line)
{
    const char *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
    if (colon == NULL) {
        return 0;
    }

    struct str name = str_trim(str_make(line.p, (size_t)(colon - line.p)));
    struct str value = str_trim(str_make(colon + 1, line.n - (size_t)(colon - line.p) - 1));
    struct net_header *items =
        array_reserve(list->items, &list->cap, list->count + 1, sizeof *list->items);
    if (items == NULL) {
        return E_NOMEM;
    }

    list->items = items;
    size_t at = list->bytes.n;
    strbuf_append_str(&list->bytes, name);
    for (size_t i = at; i < list->bytes.n; i++) {
        char c = list->bytes.p[i];
        list->bytes.p[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    strbuf_append_str(&list->bytes, value);
    if (strbuf_status(&list->bytes) != 0) {
        return E_NOMEM;
    }

    list->items[list->count++] = (struct net_header){
        .name = offset_slice(at, name.n),
        .value = offset_slice(at + name.n, value.n),
    };
    return 0;
}

struct str headers_get(const struct header_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (header_is(slice_at(list, list->items[i].name), name)) {
            return slice_at(list, list->items[i].value);
        }
    }
    return str_make("", 0);
}

const struct net_header *headers_export(struct header_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        list->items[i].name = slice_at(list, list->items[i].name);
        list->items[i].value = slice_at(list, list->items[i].value);
    }
    return list->items;
}
