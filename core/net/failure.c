/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int class_code(enum net_failure_class failure_class)
{
    switch (failure_class) {
#define X(name, text, code)                                                                        \
    case name:                                                                                     \
        return code;
        NET_FAILURES(X)
#undef X
    }
    return E_IO;
}

static const char *class_hint(enum net_failure_class failure_class)
{
    switch (failure_class) {
    case NET_FAILED_FORBIDDEN:
        return "list the address or the host under 'network.allow' if the call is meant";
    case NET_FAILED_DNS:
        return "check the spelling of the host, and the name servers in /etc/resolv.conf";
    case NET_FAILED_REFUSED:
        return "check that the service runs and listens on this port";
    case NET_FAILED_CONNECT_TIMEOUT:
        return "check host and port, and whether a firewall drops the packets";
    case NET_FAILED_TIMEOUT:
        return "raise 'timeout' if the service is slow";
    case NET_FAILED_TLS:
        return "check the certificate; for an authority of your own, set SSL_CERT_FILE";
    case NET_FAILED_TOO_LARGE:
        return "ask for less at a time; or, where the node has it, raise 'max_response_bytes'";
    case NET_FAILED_PROXY:
        return "check http_proxy, https_proxy and no_proxy";
    case NET_FAILED_REQUEST:
    case NET_FAILED_URL:
    case NET_FAILED_BARRED:
    case NET_FAILED_RESET:
    case NET_FAILED_REDIRECT:
    case NET_FAILED_PROTOCOL:
    case NET_FAILED_REPLY:
    case NET_FAILED_CANCELED:
    case NET_FAILED_INTERNAL:
        return "";
    }
    return "";
}

void failure_from_error(const struct net_call *call, enum net_failure_class failure_class,
                        const struct error *err, struct net_failure *failure)
{
    bool is_sent = call->state == CALL_RUNNING && call->hop.requests > 0;
    bool is_about_body = call->hop.trouble != TROUBLE_HEADERS && call->hop.trouble != TROUBLE_RATIO;
    *failure = (struct net_failure){
        .failure_class = failure_class,
        .code = class_code(failure_class),
        .effect = is_sent || call->has_effect ? NET_EFFECT_MAYBE : NET_EFFECT_NONE,
        .message = str_from(err->message),
        .hint = str_from(is_about_body ? class_hint(failure_class) : ""),
    };
}

enum net_failure_class failure_forbidden(const struct net_call *call, enum net_verdict verdict,
                                         struct error *err)
{
    (void)error_set(err, E_INVALID, "'%s' must not be called: it %s", call->url.host,
                    net_verdict_text(verdict));
    return NET_FAILED_FORBIDDEN;
}

static enum net_failure_class from_trouble(const struct net_call *call, struct error *err)
{
    const char *url = call->url.shown;
    switch (call->hop.trouble) {
    case TROUBLE_HEADERS:
        (void)error_set(err, E_LIMIT, "the answer of '%s' has more than %d bytes of headers", url,
                        NET_MAX_HEADER_BYTES);
        return NET_FAILED_TOO_LARGE;
    case TROUBLE_BODY:
        (void)error_set(err, E_LIMIT, "the answer of '%s' has more than %llu bytes", url,
                        (unsigned long long)call->request.max_body_bytes);
        return NET_FAILED_TOO_LARGE;
    case TROUBLE_RATIO:
        (void)error_set(err, E_LIMIT,
                        "the answer of '%s' is compressed to less than a hundredth: refused", url);
        return NET_FAILED_TOO_LARGE;
    case TROUBLE_ENCODING:
        (void)error_set(err, E_CORRUPT, "the answer of '%s' is compressed more than once", url);
        return NET_FAILED_PROTOCOL;
    case TROUBLE_REPEATED:
        (void)error_set(err, E_IO, "'%s' closed the connection without an answer",
                        call->url.origin);
        return NET_FAILED_RESET;
    case TROUBLE_FORBIDDEN:
        return failure_forbidden(call, call->hop.verdict, err);
    case TROUBLE_NOMEM:
    case TROUBLE_NONE:
        break;
    }
    (void)error_nomem(err);
    return NET_FAILED_INTERNAL;
}

static enum net_failure_class from_connect(const struct net_call *call, struct error *err)
{
    long errnum = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &errnum); /* a known option */
    errnum = errnum != 0 ? errnum : ECONNREFUSED;
    if (call->proxy != NULL) {
        (void)error_set_errno(err, E_IO, (int)errnum, "cannot connect to the proxy '%s:%u'",
                              call->proxy->host, call->proxy->port);
        return NET_FAILED_PROXY;
    }
    struct str path = call->request.unix_socket;
    if (path.n > 0) {
        (void)error_set_errno(err, E_IO, (int)errnum, "cannot connect to the socket '%.*s'",
                              STR_ARG(path));
        return NET_FAILED_REFUSED;
    }
    (void)error_set_errno(err, E_IO, (int)errnum, "cannot connect to '%s'", call->url.origin);
    return NET_FAILED_REFUSED;
}

static enum net_failure_class class_of(const struct net_call *call, CURLcode code)
{
    switch ((int)code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
        return NET_FAILED_TLS;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2_STREAM:
        return call->proxy != NULL && call->hop.requests == 0 ? NET_FAILED_PROXY : NET_FAILED_RESET;
    case CURLE_FILESIZE_EXCEEDED:
        return NET_FAILED_TOO_LARGE;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_WRITE_ERROR: /* the decoder's, not ours: those have a trouble */
        return NET_FAILED_PROTOCOL;
    case CURLE_COULDNT_RESOLVE_HOST:
        return NET_FAILED_DNS;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return NET_FAILED_PROXY;
    case CURLE_OPERATION_TIMEDOUT:
        return NET_FAILED_CONNECT_TIMEOUT;
    case CURLE_URL_MALFORMAT:
        return NET_FAILED_URL;
    default:
        return NET_FAILED_INTERNAL;
    }
}

/* libcurl's own words, first letter in lower case, one line. */
static void quote_problem(const struct net_call *call, CURLcode code, char *out, size_t size)
{
    const char *text = call->problem[0] != '\0' ? call->problem : curl_easy_strerror(code);
    size_t n = strcspn(text, "\r\n");
    while (n > 0 && text[n - 1] == ' ') {
        n--;
    }
    n = n < size ? n : size - 1;
    memcpy(out, text, n);
    out[n] = '\0';
    if (out[0] >= 'A' && out[0] <= 'Z' && !(out[1] >= 'A' && out[1] <= 'Z')) {
        out[0] = (char)(out[0] + 32);
    }
}

/* libcurl then has only "select/poll returned error" to say, or the text of errno. */
static bool is_connection_reset(const struct net_call *call, CURLcode code)
{
    long errnum = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &errnum); /* a known option */
    bool is_said = errnum == ECONNRESET || errnum == EPIPE || strstr(call->problem, "poll") != NULL;
    return is_said && (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR);
}

static enum net_failure_class from_code(const struct net_call *call, CURLcode code,
                                        struct error *err)
{
    enum net_failure_class class = class_of(call, code);
    char problem[CURL_ERROR_SIZE];
    quote_problem(call, code, problem, sizeof problem);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        (void)error_set(err, E_TIMEOUT, "cannot connect to '%s' within %llu ms", call->url.origin,
                        (unsigned long long)call->request.connect_timeout_ms);
    } else if (is_connection_reset(call, code)) {
        (void)error_set(err, class_code(class), "'%s' broke the connection", call->url.origin);
    } else if (code == CURLE_PARTIAL_FILE) {
        (void)error_set(err, class_code(class),
                        "'%s' closed the connection before the end of its answer", call->url.shown);
    } else if (code == CURLE_FILESIZE_EXCEEDED) {
        (void)error_set(err, E_LIMIT, "the answer of '%s' has more than %llu bytes",
                        call->url.shown, (unsigned long long)call->request.max_body_bytes);
    } else if (code == CURLE_SSL_CONNECT_ERROR) {
        (void)error_set(err, class_code(class),
                        "'%s' broke off the TLS handshake, or speaks no TLS on this port (%s)",
                        call->url.origin, problem);
    } else if (code == CURLE_SSL_CACERT_BADFILE) {
        (void)error_set(err, E_IO,
                        "the trusted certificates cannot be read (%s): install the "
                        "package 'ca-certificates', or set SSL_CERT_FILE",
                        problem);
    } else {
        (void)error_set(err, class_code(class), "'%s': %s", call->url.origin, problem);
    }
    return class;
}

void failure_from_transfer(const struct net_call *call, CURLcode code, struct error *err,
                           struct net_failure *failure)
{
    enum net_failure_class class;
    const char *hint = NULL;
    if (call->hop.trouble != TROUBLE_NONE) {
        class = from_trouble(call, err);
    } else if (code == CURLE_COULDNT_CONNECT) {
        class = from_connect(call, err);
    } else if (code == CURLE_PEER_FAILED_VERIFICATION &&
               (hint = certificate_explain(call, err)) != NULL) {
        class = NET_FAILED_TLS;
    } else {
        class = from_code(call, code, err);
    }
    failure_from_error(call, class, err, failure);
    if (hint != NULL) {
        failure->hint = str_from(hint);
    }
}
