/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/url.h"

#include <curl/curl.h>
#include <locale.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"

static void curlu_cleanup(CURLU **handle)
{
    curl_url_cleanup(*handle);
}

static void curl_text_cleanup(char **text)
{
    curl_free(*text);
}

#define cleanup_curlu     CLEANUP(curlu_cleanup)
#define cleanup_curl_text CLEANUP(curl_text_cleanup)

enum { PARSE_FLAGS = CURLU_DISALLOW_USER | CURLU_URLENCODE };

static int fail_parse(CURLUcode code, struct error *err)
{
    switch (code) {
    case CURLUE_OUT_OF_MEMORY:
        return error_nomem(err);
    case CURLUE_USER_NOT_ALLOWED:
        return error_set(err, E_INVALID,
                         "a URL must not hold a user name or password: use 'auth' or a header");
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME:
        return error_set(err, E_INVALID, "only http:// and https:// URLs can be called");
    case CURLUE_NO_HOST:
    case CURLUE_BAD_HOSTNAME:
    case CURLUE_BAD_IPV6:
        return error_set(err, E_INVALID, "the URL has no valid host");
    case CURLUE_BAD_PORT_NUMBER:
        return error_set(err, E_INVALID, "the URL's port must be 1 to 65535");
    default:
        return error_set(err, E_INVALID, "this is no URL: %s", curl_url_strerror(code));
    }
}

/* "http://x" and "https://x": libcurl would guess what is missing. */
static int check_start(struct str text, struct error *err)
{
    static const struct str colon = {"://", 3};
    if (text.n > URL_MAX_BYTES) {
        return error_set(err, E_LIMIT, "the URL is longer than %d bytes", URL_MAX_BYTES);
    }
    if (text.n == 0) {
        return error_set(err, E_INVALID, "the URL is empty");
    }
    if (memchr(text.p, '\0', text.n) != NULL) {
        return error_set(err, E_INVALID, "the URL holds a NUL character");
    }

    size_t scheme_n = 0;
    while (scheme_n < text.n && (text.p[scheme_n] | 32) >= 'a' && (text.p[scheme_n] | 32) <= 'z') {
        scheme_n++;
    }
    struct str rest = str_make(text.p + scheme_n, text.n - scheme_n);
    if (scheme_n == 0 || !str_starts_with(rest, colon)) {
        return error_set(err, E_INVALID, "the URL has no scheme: write 'https://' in front");
    }
    struct str scheme = str_make(text.p, scheme_n);
    if (!str_equal_caseless(scheme, STR("http")) && !str_equal_caseless(scheme, STR("https"))) {
        return error_set(err, E_INVALID, "only http:// and https:// URLs can be called");
    }
    if (rest.n == colon.n || rest.p[colon.n] == '/' || rest.p[colon.n] == '\\') {
        return error_set(err, E_INVALID, "the URL has no host");
    }
    return 0;
}

/* The host as it stands in the parsed URL, brackets taken off, "." at the end too. */
static struct str bare_host(const char *host)
{
    struct str bare = str_from(host);
    if (bare.n >= 2 && bare.p[0] == '[' && bare.p[bare.n - 1] == ']') {
        return str_make(bare.p + 1, bare.n - 2);
    }
    if (bare.n > 1 && bare.p[bare.n - 1] == '.') {
        bare.n--;
    }
    return bare;
}

/* A name as DNS has it, whose last label does not look like the end of an address. */
static int check_name(struct str name, struct error *err)
{
    size_t label = 0;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_legal = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (c == '.' ? i == label : (!is_legal || i - label >= 63)) {
            return error_set(err, E_INVALID, "the URL's host '%.*s' is no host name",
                             STR_ARG(name));
        }
        label = c == '.' ? i + 1 : label;
    }
    if (name.n == 0 || name.n > 253 || label == name.n) {
        return error_set(err, E_INVALID, "the URL's host is no host name");
    }

    struct str last = str_make(name.p + label, name.n - label);
    if (strspn(last.p, "0123456789") >= last.n || str_starts_with(last, STR("0x"))) {
        return error_set(err, E_INVALID, "the URL's host '%.*s' is neither an address nor a name",
                         STR_ARG(name));
    }
    return 0;
}

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80) {
        text++;
    }
    return *text == '\0';
}

/* The host in ASCII. libidn2, inside libcurl, reads its text by the thread's locale. */
static CURLUcode read_ascii_host(CURLU *handle, char **out_host)
{
    CURLUcode code = curl_url_get(handle, CURLUPART_HOST, out_host, 0);
    if (code != CURLUE_OK || is_ascii(*out_host)) {
        return code;
    }

    curl_free(take_pointer(out_host));
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8 == (locale_t)0) {
        return CURLUE_BAD_HOSTNAME;
    }

    locale_t before = uselocale(utf8);
    code = curl_url_get(handle, CURLUPART_HOST, out_host, CURLU_PUNYCODE);
    (void)uselocale(before);
    freelocale(utf8);
    return code == CURLUE_OK ? code : CURLUE_BAD_HOSTNAME; /* it calls all that "memory" */
}

static bool has_part(CURLU *handle, CURLUPart part)
{
    cleanup_curl_text char *text = NULL;
    return curl_url_get(handle, part, &text, 0) == CURLUE_OK && text != NULL;
}

/* Puts the host into ASCII and lower case, and takes what no call needs off. */
static int normalise(CURLU *handle, struct error *err)
{
    cleanup_curl_text char *host = NULL;
    CURLUcode code = read_ascii_host(handle, &host);
    if (code != CURLUE_OK) {
        return fail_parse(code, err);
    }
    if (has_part(handle, CURLUPART_ZONEID)) {
        return error_set(err, E_INVALID, "the URL's address must not have a zone");
    }

    for (char *c = host; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    size_t n = strlen(host);
    if (n > 1 && host[n - 1] == '.') {
        host[n - 1] = '\0';
    }
    code = curl_url_set(handle, CURLUPART_HOST, host, 0);
    if (code == CURLUE_OK) {
        code = curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
    }
    return code == CURLUE_OK ? 0 : fail_parse(code, err);
}

static int read_origin(CURLU *handle, struct url *url, struct error *err)
{
    cleanup_curl_text char *scheme = NULL;
    cleanup_curl_text char *host = NULL;
    cleanup_curl_text char *port = NULL;
    CURLUcode code = curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0);
    if (code == CURLUE_OK) {
        code = curl_url_get(handle, CURLUPART_HOST, &host, 0);
    }
    if (code == CURLUE_OK) {
        code = curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    }
    if (code != CURLUE_OK) {
        return fail_parse(code == CURLUE_NO_PORT ? CURLUE_UNSUPPORTED_SCHEME : code, err);
    }

    url->is_https = strcmp(scheme, "https") == 0;
    if (!url->is_https && strcmp(scheme, "http") != 0) {
        return fail_parse(CURLUE_UNSUPPORTED_SCHEME, err);
    }
    unsigned long number = strtoul(port, NULL, 10);
    if (number == 0 || number > UINT16_MAX) {
        return fail_parse(CURLUE_BAD_PORT_NUMBER, err);
    }

    url->port = (uint16_t)number;
    struct str bare = bare_host(host);
    if (!net_address_parse(bare, &url->address)) {
        int status = check_name(bare, err);
        if (status != 0) {
            return status;
        }
    }
    struct strbuf origin = STRBUF_INIT;
    strbuf_append_format(&origin, "%s://%s:%u", scheme, host, url->port);
    url->host = str_dup(bare);
    url->origin = strbuf_take(&origin);
    return url->host != NULL && url->origin != NULL ? 0 : error_nomem(err);
}

static int read_texts(CURLU *handle, struct url *url, struct error *err)
{
    cleanup_curl_text char *text = NULL;
    CURLUcode code = curl_url_get(handle, CURLUPART_URL, &text, 0);
    if (code != CURLUE_OK) {
        return fail_parse(code, err);
    }

    url->text = str_dup(str_from(text));
    url->shown = str_dup(str_make(text, strcspn(text, "?")));
    return url->text != NULL && url->shown != NULL ? 0 : error_nomem(err);
}

static int read_handle(CURLU *handle, struct url *out_url, struct error *err)
{
    struct url url = URL_INIT;
    int status = read_origin(handle, &url, err);
    if (status == 0) {
        status = read_texts(handle, &url, err);
    }
    if (status != 0) {
        url_finish(&url);
        return status;
    }

    *out_url = url;
    return 0;
}

/* Reads the one form again: what libcurl will call must be what was checked. */
static int parse_twice(CURLU *handle, struct url *out_url, struct error *err)
{
    int status = normalise(handle, err);
    if (status != 0) {
        return status;
    }

    cleanup_curl_text char *first = NULL;
    CURLUcode code = curl_url_get(handle, CURLUPART_URL, &first, 0);
    if (code == CURLUE_OK) {
        code = curl_url_set(handle, CURLUPART_URL, NULL, 0);
    }
    if (code == CURLUE_OK) {
        code = curl_url_set(handle, CURLUPART_URL, first, CURLU_DISALLOW_USER);
    }
    if (code != CURLUE_OK) {
        return fail_parse(code, err);
    }

    struct url url;
    status = read_handle(handle, &url, err);
    if (status != 0) {
        return status;
    }

    struct url again = URL_INIT;
    code = curl_url_set(handle, CURLUPART_URL, url.text, CURLU_DISALLOW_USER);
    status = code == CURLUE_OK ? read_handle(handle, &again, err) : fail_parse(code, err);
    if (status == 0 && strcmp(url.text, again.text) != 0) {
        status = error_set(err, E_INVALID, "the URL can be read in two ways");
    }
    url_finish(&again);
    if (status != 0) {
        url_finish(&url);
        return status;
    }

    *out_url = url;
    return 0;
}

int url_parse(struct str text, struct url *out_url, struct error *err)
{
    int status = check_start(text, err);
    if (status != 0) {
        return status;
    }

    cleanup_free char *copy = str_dup(text);
    cleanup_curlu CURLU *handle = curl_url();
    if (copy == NULL || handle == NULL) {
        return error_nomem(err);
    }

    CURLUcode code = curl_url_set(handle, CURLUPART_URL, copy, PARSE_FLAGS);
    return code == CURLUE_OK ? parse_twice(handle, out_url, err) : fail_parse(code, err);
}

int url_resolve(const struct url *base, struct str location, struct url *out_url, struct error *err)
{
    if (location.n > URL_MAX_BYTES) {
        return error_set(err, E_LIMIT, "the URL is longer than %d bytes", URL_MAX_BYTES);
    }

    cleanup_free char *copy = str_dup(location);
    cleanup_curlu CURLU *handle = curl_url();
    if (copy == NULL || handle == NULL) {
        return error_nomem(err);
    }

    CURLUcode code = curl_url_set(handle, CURLUPART_URL, base->text, 0);
    if (code == CURLUE_OK) {
        code = curl_url_set(handle, CURLUPART_URL, copy, PARSE_FLAGS);
    }
    return code == CURLUE_OK ? parse_twice(handle, out_url, err) : fail_parse(code, err);
}

void url_finish(struct url *url)
{
    free(url->text);
    free(url->host);
    free(url->origin);
    free(url->shown);
    *url = URL_INIT;
}
