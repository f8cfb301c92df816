/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/call.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/net/client.h"

enum {
    RATIO_FREE_BYTES = 1024 * 1024,
    RATIO_LIMIT = 100,
    IDLE_CONNECTION_S = 90,
    KEEP_RESOLVED_S = 3600, /* longer than a transfer may wait between setting up and connecting */
};

/* --- what libcurl calls --- */

static size_t give_up(struct net_call *call, enum call_trouble trouble)
{
    call->hop.trouble = trouble;
    return 0;
}

static uint64_t received_bytes(CURL *easy)
{
    curl_off_t bytes = 0;
    if (curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes) != CURLE_OK || bytes < 0) {
        return 0;
    }
    return (uint64_t)bytes;
}

/* A body that somebody wants: not that of a redirect which will be followed. */
static bool is_final(const struct net_call *call)
{
    return !redirect_is(call->hop.status) || (call->request.flags & NET_NO_REDIRECT) != 0 ||
           headers_get(&call->headers, "location").n == 0;
}

/* Counts what comes out of the decompression, since libcurl counts what goes into it. */
static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct net_call *call = user;
    size_t n = size * count;
    struct call_hop *hop = &call->hop;
    bool has_pieces = call->request.on_chunk != NULL && hop->status < 400;
    uint64_t limit = call->request.max_body_bytes;
    if (call->request.on_chunk != NULL && !has_pieces && limit > NET_DEFAULT_MAX_BODY_BYTES) {
        limit = NET_DEFAULT_MAX_BODY_BYTES; /* it was given for pieces, which are not kept */
    }
    hop->body_bytes += n;
    if (hop->body_bytes > limit) {
        return give_up(call, TROUBLE_BODY);
    }
    if (hop->encodings > 0 && hop->body_bytes > RATIO_FREE_BYTES &&
        hop->body_bytes / RATIO_LIMIT > received_bytes(call->easy)) {
        return give_up(call, TROUBLE_RATIO);
    }
    if (!is_final(call)) {
        return n;
    }
    if (has_pieces) {
        call->request.on_chunk(call->request.user, str_make(bytes, n));
        return call->is_aborted ? 0 : n;
    }

    strbuf_append(&call->body, bytes, n);
    return strbuf_status(&call->body) == 0 ? n : give_up(call, TROUBLE_NOMEM);
}

/* The codings of a Content-Encoding or Transfer-Encoding line that change the bytes. */
static uint32_t count_encodings(struct str value)
{
    uint32_t count = 0;
    while (value.n > 0) {
        const char *comma = memchr(value.p, ',', value.n);
        size_t n = comma != NULL ? (size_t)(comma - value.p) : value.n;
        struct str coding = str_trim(str_make(value.p, n));
        if (coding.n > 0 && !header_is(coding, "identity") && !header_is(coding, "chunked")) {
            count++;
        }
        n += comma != NULL;
        value = str_make(value.p + n, value.n - n);
    }
    return count;
}

static int read_status(struct str line)
{
    const char *space = memchr(line.p, ' ', line.n);
    return space != NULL ? (int)strtol(space + 1, NULL, 10) : 0;
}

/* One line with its end; libcurl ends it with NUL as well. 1xx responses come through here too. */
static size_t on_header(char *bytes, size_t size, size_t count, void *user)
{
    struct net_call *call = user;
    size_t n = size * count;
    struct str line = str_make(bytes, n);
    call->hop.header_bytes += n;
    if (call->hop.header_bytes > NET_MAX_HEADER_BYTES) {
        return give_up(call, TROUBLE_HEADERS);
    }
    if (str_starts_with(line, STR("HTTP/"))) {
        headers_clear(&call->headers);
        call->hop.encodings = 0;
        call->hop.status = read_status(line);
        return n;
    }
    if (n == 0 || bytes[0] == ' ' || bytes[0] == '\t' || call->hop.body_bytes > 0) {
        return n; /* a folded line or a trailer: nobody needs them */
    }
    if (headers_add_line(&call->headers, line) != 0) {
        return give_up(call, TROUBLE_NOMEM);
    }

    const char *colon = memchr(bytes, ':', n);
    struct str name = str_make(bytes, colon != NULL ? (size_t)(colon - bytes) : 0);
    if (header_is(name, "content-encoding") || header_is(name, "transfer-encoding")) {
        call->hop.encodings +=
            count_encodings(str_make(colon + 1, n - (size_t)(colon - bytes) - 1));
        if (call->hop.encodings > 1) {
            return give_up(call, TROUBLE_ENCODING);
        }
    }
    return n;
}

/* The connection stands and the request is about to be sent. A second time is libcurl's retry on
 * a connection that had died: whether to send again is the policies' business. */
static int on_before_request(void *user, char *remote, char *local, int remote_port, int local_port)
{
    (void)local, (void)local_port;
    struct net_call *call = user;
    if (++call->hop.requests > 1) {
        call->hop.trouble = TROUBLE_REPEATED;
        return CURL_PREREQFUNC_ABORT;
    }

    if (call->request.unix_socket.n == 0) {
        bool is_v6 = strchr(remote, ':') != NULL;
        (void)snprintf(call->hop.remote_address, sizeof call->hop.remote_address,
                       is_v6 ? "[%.45s]:%d" : "%.45s:%d", remote, remote_port);
    }
    if (call->url.is_https && certificate_read(call) != 0) {
        call->hop.trouble = TROUBLE_NOMEM;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

/* Whether a socket may be made. UNIX sockets are for the calls that named one, and these for
 * nothing else. */
static bool may_open(struct net_call *call, const struct curl_sockaddr *to)
{
    struct net_address address;
    if (call->request.unix_socket.n > 0) {
        return to->family == AF_UNIX;
    }
    if (!net_address_from_sockaddr(&to->addr, &address)) {
        return false;
    }
    if (call->proxy == NULL) {
        enum net_verdict verdict = net_rules_check_address(call->client->options.rules,
                                                           str_from(call->url.host), &address);
        if (verdict != NET_VERDICT_ALLOWED) {
            call->hop.trouble = TROUBLE_FORBIDDEN;
            call->hop.verdict = verdict;
            return false;
        }
    }
    return true;
}

/* The one place where sockets are made: whatever a name said before, this address is checked. */
static curl_socket_t on_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct net_call *call = user;
    if (purpose != CURLSOCKTYPE_IPCXN || !may_open(call, to)) {
        return CURL_SOCKET_BAD;
    }

    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
    if (fd >= 0 && multi_expect_socket(call->client->multi, fd) != 0) {
        (void)close(fd); /* nothing was done with it */
        call->hop.trouble = TROUBLE_NOMEM;
        return CURL_SOCKET_BAD;
    }
    return fd;
}

/* Names come from our resolver: libcurl may only read numbers. */
static int on_resolver_start(void *state, void *reserved, void *user)
{
    (void)state, (void)reserved;
    const struct net_call *call = user;
    const struct net_address *address = call->proxy != NULL ? &call->proxy->address
                                                            : &call->url.address;
    return address->size != 0 ? 0 : 1;
}

/* --- setting up --- */

/* Options that fail only for want of memory, or for want of a feature that libcurl was built
 * with, which the package of Debian has. */
static void set_fixed(struct net_call *call)
{
    CURL *easy = call->easy;
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, call->url.is_https ? 1L : 0L);
    (void)curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_S);
    (void)curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)KEEP_RESOLVED_S);
    (void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->problem);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before_request);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_resolver_start);
    (void)curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, call);
}

static bool set_limits(struct net_call *call)
{
    int64_t spent_ms = (clock_monotonic_ns() - call->hop.start_ns) / 1000000;
    uint64_t limit_ms = call->request.connect_timeout_ms;
    limit_ms = limit_ms > INT32_MAX ? INT32_MAX : limit_ms;
    long left_ms = (int64_t)limit_ms > spent_ms ? (long)((int64_t)limit_ms - spent_ms) : 1L;
    bool is_set = curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, left_ms) == CURLE_OK;
    uint64_t max_bytes = call->request.max_body_bytes;
    if (max_bytes < INT64_MAX && strcmp(call->method, "HEAD") != 0) {
        is_set = is_set && curl_easy_setopt(call->easy, CURLOPT_MAXFILESIZE_LARGE,
                                            (curl_off_t)max_bytes) == CURLE_OK;
    }
    return is_set;
}

static bool set_method(struct net_call *call)
{
    CURL *easy = call->easy;
    const char *method = call->method;
    struct str body = call->request.body;
    bool has_body = body.n > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                    strcmp(method, "PATCH") == 0;
    if (strcmp(method, "HEAD") == 0) {
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    }
    if (!has_body && strcmp(method, "GET") == 0) {
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    }
    if (has_body &&
        (curl_easy_setopt(easy, CURLOPT_POST, 1L) != CURLE_OK ||
         curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) != CURLE_OK ||
         curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.p) != CURLE_OK)) {
        return false;
    }
    return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool append_line(struct net_call *call, const char *line)
{
    struct curl_slist *list = curl_slist_append(call->header_lines, line);
    if (list == NULL) {
        return false;
    }
    call->header_lines = list;
    return true;
}

/* "Name;" is how libcurl writes a header without a value. */
static bool append_header(struct net_call *call, const struct net_header *header)
{
    struct strbuf line = STRBUF_INIT;
    strbuf_append_str(&line, header->name);
    strbuf_append_text(&line, header->value.n > 0 ? ": " : ";");
    strbuf_append_str(&line, header->value);
    bool is_added = strbuf_status(&line) == 0 && append_line(call, line.p);
    strbuf_finish(&line);
    return is_added;
}

static bool set_headers(struct net_call *call)
{
    bool has_type = false;
    bool has_agent = false;
    for (size_t i = 0; i < call->request.header_count; i++) {
        const struct net_header *header = &call->request.headers[i];
        has_type = has_type || header_is(header->name, "content-type");
        has_agent = has_agent || header_is(header->name, "user-agent");
        if (!append_header(call, header)) {
            return false;
        }
    }
    /* libcurl would ask for leave to send a large body, wait a second for it, and call the body
     * a form. */
    if (!append_line(call, "Expect:") || (!has_type && !append_line(call, "Content-Type:")) ||
        (!has_agent && !append_line(call, "User-Agent: OpStream"))) {
        return false;
    }
    return curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->header_lines) == CURLE_OK &&
           curl_easy_setopt(call->easy, CURLOPT_ACCEPT_ENCODING, "") == CURLE_OK;
}

bool transfer_set_trust(CURL *easy, const char *file)
{
    const char *folder = NULL;
    if (file == NULL) {
        file = getenv("SSL_CERT_FILE");
        folder = getenv("SSL_CERT_DIR");
    }

    bool is_set = true;
    if (file != NULL && *file != '\0') {
        is_set = curl_easy_setopt(easy, CURLOPT_CAINFO, file) == CURLE_OK;
    }
    if (folder != NULL && *folder != '\0') {
        is_set = is_set && curl_easy_setopt(easy, CURLOPT_CAPATH, folder) == CURLE_OK;
    }
    return is_set;
}

static bool set_unix_socket(struct net_call *call)
{
    struct str path = call->request.unix_socket;
    return path.n == 0 ||
           (curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, path.p) == CURLE_OK &&
            curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
                CURLE_OK);
}

int transfer_prepare(struct net_call *call)
{
    CURL *easy = call->easy;
    const char *proxy = call->proxy != NULL ? call->proxy->url : "";
    call->problem[0] = '\0';
    set_fixed(call);
    bool is_set = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_URL, call->url.text) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_PROXY, proxy) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_RESOLVE, call->resolved) == CURLE_OK &&
                  set_unix_socket(call) && set_limits(call) && set_method(call) &&
                  set_headers(call) &&
                  (!call->url.is_https || transfer_set_trust(easy, call->client->options.ca_file));
    if (call->url.is_https && (call->proxy == NULL || !call->proxy->has_tls)) {
        certificate_listen(call);
    }
    return is_set ? 0 : E_NOMEM;
}

/* --- measuring --- */

static double read_ms(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    return curl_easy_getinfo(easy, what, &us) == CURLE_OK ? (double)us / 1e3 : 0;
}

void transfer_measure(const struct net_call *call, struct net_response *response)
{
    CURL *easy = call->easy;
    long connects = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects); /* a known option */
    response->is_reused = connects == 0;
    response->received_bytes = received_bytes(easy);
    response->timings.first_byte_ms = read_ms(easy, CURLINFO_STARTTRANSFER_TIME_T);
    if (!response->is_reused) {
        response->timings.connect_ms = read_ms(easy, CURLINFO_CONNECT_TIME_T);
        response->timings.tls_ms = read_ms(easy, CURLINFO_APPCONNECT_TIME_T);
    }
}
