/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/request_head.h"

#include "core/base/check.h"
#include "core/base/utf8.h"

#define NOT_REFUSED ((struct request_refusal){0, NULL})

static struct request_refusal refuse(int status, const char *text)
{
    return (struct request_refusal){status, text};
}

/* How often headers were there that must be there once, or at most once in all. */
struct seen {
    uint32_t host;
    uint32_t content_length;
    uint32_t transfer_encoding;
};

static bool is_token_char(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
        return true;
    }
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_token_char(s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

/* The part of `*rest` before `separator`, which is cut off with it. */
static struct str cut(struct str *rest, char separator)
{
    const char *end = rest->n > 0 ? memchr(rest->p, separator, rest->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    struct str part = str_make(rest->p, n);
    size_t used = end != NULL ? n + 1 : n;
    *rest = str_make(rest->p + used, rest->n - used);
    return part;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decodes in place: `*text` gets shorter. False for a '%' without two hexadecimal digits. */
static bool percent_decode(struct str *text, char for_plus)
{
    char *p = (char *)(uintptr_t)text->p; /* the caller's own buffer, see request_head_parse() */
    size_t out = 0;
    for (size_t i = 0; i < text->n; i++) {
        char c = p[i];
        if (c == '%') {
            int high = i + 2 < text->n ? hex_digit(p[i + 1]) : -1;
            int low = i + 2 < text->n ? hex_digit(p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = for_plus;
        }
        p[out++] = c;
    }
    text->n = out;
    return true;
}

static bool is_utf8(struct str text)
{
    return utf8_valid_prefix(text.p, text.n) == text.n;
}

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool has_dot_segment(struct str path)
{
    struct str rest = path;
    while (rest.n > 0) {
        struct str segment = cut(&rest, '/');
        if (str_equal_text(segment, ".") || str_equal_text(segment, "..")) {
            return true;
        }
    }
    return false;
}

/* An encoded '/' would be a boundary for the one and a letter for the other. */
static bool has_encoded_slash(struct str path)
{
    for (size_t i = 0; i + 2 < path.n; i++) {
        if (path.p[i] == '%' && path.p[i + 1] == '2' && (path.p[i + 2] | 0x20) == 'f') {
            return true;
        }
    }
    return false;
}

static struct request_refusal parse_path(struct str path, struct request_head *head)
{
    if (has_encoded_slash(path) || !percent_decode(&path, '+')) {
        return refuse(400, "the path is not encoded as it must be");
    }
    if (has_control(path) || !is_utf8(path) || has_dot_segment(path)) {
        return refuse(400, "the path is not allowed");
    }

    head->path = path;
    return NOT_REFUSED;
}

static struct request_refusal parse_query(struct str query, struct request_head *head)
{
    while (query.n > 0) {
        struct str value = cut(&query, '&');
        if (value.n == 0) {
            continue;
        }
        if (head->query_count == API_MAX_QUERY) {
            return refuse(400, "the query has too many parameters");
        }

        struct str name = cut(&value, '=');
        if (!percent_decode(&name, ' ') || !percent_decode(&value, ' ') || !is_utf8(name) ||
            !is_utf8(value) || memchr(name.p, '\0', name.n) != NULL ||
            memchr(value.p, '\0', value.n) != NULL) {
            return refuse(400, "the query is not encoded as it must be");
        }
        head->query[head->query_count++] = (struct api_parameter){name, value};
    }
    return NOT_REFUSED;
}

static struct request_refusal parse_target(struct str target, struct request_head *head)
{
    if (target.n == 0 || target.p[0] != '/') {
        return refuse(400, "the target is no path");
    }
    for (size_t i = 0; i < target.n; i++) {
        if (target.p[i] <= ' ' || target.p[i] > '~' || target.p[i] == '#') {
            return refuse(400, "the target has a character that is not allowed");
        }
    }

    struct str path = cut(&target, '?');
    struct request_refusal refusal = parse_path(path, head);
    return refusal.status != 0 ? refusal : parse_query(target, head);
}

static struct request_refusal parse_request_line(struct str line, struct request_head *head)
{
    struct str method = cut(&line, ' ');
    struct str target = cut(&line, ' ');
    if (!is_token(method)) {
        return refuse(400, "the request line is no HTTP");
    }
    if (!str_equal_text(line, "HTTP/1.1") && !str_equal_text(line, "HTTP/1.0")) {
        return str_starts_with(line, STR("HTTP/")) ? refuse(505, "this is a server of HTTP/1.1")
                                                   : refuse(400, "the request line is no HTTP");
    }

    head->method = method;
    head->is_http_1_0 = line.p[line.n - 1] == '0';
    head->is_last = head->is_http_1_0;
    return parse_target(target, head);
}

static struct request_refusal take_content_length(struct str value, struct request_head *head)
{
    uint64_t length = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') {
            return refuse(400, "Content-Length is no number");
        }
        if (length > (UINT64_MAX - 9) / 10) {
            return refuse(413, "the body is too large");
        }
        length = length * 10 + (uint64_t)(value.p[i] - '0');
    }
    if (value.n == 0) {
        return refuse(400, "Content-Length is no number");
    }

    head->content_length = length;
    return NOT_REFUSED;
}

static void take_connection(struct str value, struct request_head *head)
{
    while (value.n > 0) {
        if (str_equal_caseless(str_trim(cut(&value, ',')), STR("close"))) {
            head->is_last = true;
        }
    }
}

static struct request_refusal take_once(struct str *to, struct str value)
{
    if (to->p != NULL) {
        return refuse(400, "a header is there twice");
    }
    *to = value;
    return NOT_REFUSED;
}

static struct request_refusal take_framing(struct str name, struct str value,
                                           struct request_head *head, struct seen *seen)
{
    if (str_equal_caseless(name, STR("host"))) {
        seen->host++;
        head->host = value;
        return NOT_REFUSED;
    }
    if (str_equal_caseless(name, STR("content-length"))) {
        seen->content_length++;
        return take_content_length(value, head);
    }
    if (str_equal_caseless(name, STR("transfer-encoding"))) {
        seen->transfer_encoding++;
        head->is_chunked = true;
        return str_equal_caseless(value, STR("chunked"))
                   ? NOT_REFUSED
                   : refuse(501, "of transfer encodings this server knows 'chunked' only");
    }
    if (str_equal_caseless(name, STR("connection"))) {
        take_connection(value, head);
    } else if (str_equal_caseless(name, STR("expect"))) {
        head->expects_continue = true;
        return str_equal_caseless(value, STR("100-continue"))
                   ? NOT_REFUSED
                   : refuse(417, "of expectations this server knows '100-continue' only");
    }
    return NOT_REFUSED;
}

static struct request_refusal take_header(struct str name, struct str value,
                                          struct request_head *head, struct seen *seen)
{
    if (str_equal_caseless(name, STR("content-type"))) {
        return take_once(&head->content_type, value);
    }
    if (str_equal_caseless(name, STR("last-event-id"))) {
        return take_once(&head->last_event_id, value);
    }
    if (str_equal_caseless(name, STR("idempotency-key"))) {
        return take_once(&head->idempotency_key, value);
    }
    if (str_equal_caseless(name, STR("origin"))) {
        return take_once(&head->origin, value);
    }
    if (str_equal_caseless(name, STR("accept"))) {
        return take_once(&head->accept, value);
    }
    return take_framing(name, value, head, seen);
}

static bool is_header_value(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static struct request_refusal parse_header(struct str line, struct request_head *head,
                                           struct seen *seen)
{
    if (memchr(line.p, ':', line.n) == NULL) {
        return refuse(400, "a header has no colon");
    }

    struct str value = line;
    struct str name = cut(&value, ':');
    if (!is_token(name)) {
        return refuse(400, "a header has a bad name");
    }
    if (!is_header_value(value)) {
        return refuse(400, "a header has a character that is not allowed");
    }
    return take_header(name, str_trim(value), head, seen);
}

static struct request_refusal check_head(const struct request_head *head, const struct seen *seen)
{
    if (seen->host > 1 || (seen->host == 0 && !head->is_http_1_0)) {
        return refuse(400, "one Host header must be there");
    }
    if (seen->content_length + seen->transfer_encoding > 1) {
        return refuse(400, "the length of the body is given twice");
    }
    if (head->is_chunked && head->is_http_1_0) {
        return refuse(400, "HTTP/1.0 has no transfer encodings");
    }
    return NOT_REFUSED;
}

/* The line without its CRLF. */
static struct str cut_line(struct str *rest)
{
    struct str line = cut(rest, '\n');
    CHECK(line.n > 0 && line.p[line.n - 1] == '\r'); /* the reader has seen to it */
    line.n--;
    return line;
}

struct request_refusal request_head_parse(struct strbuf *text, struct request_head *out_head)
{
    struct str rest = str_make(text->p, text->n);
    struct seen seen = {0};
    *out_head = (struct request_head){0};
    struct request_refusal refusal = parse_request_line(cut_line(&rest), out_head);
    for (size_t count = 0; refusal.status == 0; count++) {
        struct str line = cut_line(&rest);
        if (line.n == 0) {
            return check_head(out_head, &seen);
        }
        if (count == REQUEST_MAX_HEADERS) {
            return refuse(431, "there are too many headers");
        }
        refusal = parse_header(line, out_head, &seen);
    }
    return refusal;
}
