/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/certificate.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/net/call.h"

enum { SHOWN_NAMES = 3, SHOWN_NAME_BYTES = 80, TIME_TEXT_SIZE = 32 };

/* --- the handshake --- */

static void keep(struct x509_st **kept, X509 *certificate)
{
    X509_free(*kept);
    *kept = certificate != NULL && X509_up_ref(certificate) == 1 ? certificate : NULL;
}

/* For each certificate of the chain, from the top; changes nothing of what was found. */
static int on_verify(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct net_call *call = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (call == NULL) {
        return is_good; /* nobody listens */
    }

    struct certificate_watch *watch = &call->hop.watch;
    keep(&watch->leaf, X509_STORE_CTX_get0_cert(store));
    if (!is_good) {
        keep(&watch->faulty, X509_STORE_CTX_get_current_cert(store));
        watch->problem = X509_STORE_CTX_get_error(store);
        watch->depth = X509_STORE_CTX_get_error_depth(store);
    }
    return is_good;
}

/*
 * libcurl makes one SSL_CTX for each connection, and has set it up by now. Without renegotiation
 * there is one handshake, the call's; its connection is closed if the call ends before.
 */
static CURLcode on_context(CURL *easy, void *context, void *user)
{
    (void)easy;
    (void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION); /* gives the options */
    (void)SSL_CTX_set_app_data(context, user); /* fails for want of memory: nobody listens then */
    SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), on_verify);
    return CURLE_OK;
}

void certificate_listen(struct net_call *call)
{
    (void)curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
    (void)curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_DATA, call);
}

void certificate_forget(struct certificate_watch *watch)
{
    X509_free(watch->leaf);
    X509_free(watch->faulty);
    *watch = (struct certificate_watch){0};
}

/* --- what a certificate says --- */

/* One line in UTF-8, the most specific part first; the caller frees the BIO. */
static struct str print_name(BIO *out, const X509_NAME *name)
{
    char *text = NULL;
    unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    if (X509_NAME_print_ex(out, name, 0, flags) < 0) {
        return STR("");
    }

    size_t n = (size_t)BIO_get_mem_data(out, &text);
    if (n > CERTIFICATE_NAME_MAX_BYTES) {
        n = utf8_whole_prefix(text, CERTIFICATE_NAME_MAX_BYTES);
    }
    return str_make(text, n);
}

static int copy_name(struct arena *arena, const X509_NAME *name, struct str *out)
{
    BIO *memory = BIO_new(BIO_s_mem());
    if (memory == NULL) {
        return E_NOMEM;
    }

    *out = arena_dup_str(arena, print_name(memory, name));
    BIO_free(memory);
    return out->p != NULL ? 0 : E_NOMEM;
}

static int64_t read_time(const ASN1_TIME *time)
{
    struct tm parts = {0};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static SSL *session_of(const struct net_call *call)
{
    struct curl_tlssessioninfo *info = NULL;
    if (curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
        info->backend != CURLSSLBACKEND_OPENSSL) {
        return NULL;
    }
    return info->internals;
}

int certificate_read(struct net_call *call)
{
    struct certificate *out = &call->hop.certificate;
    SSL *ssl = session_of(call);
    if (ssl == NULL) {
        return 0;
    }

    (void)SSL_CTX_set_app_data(SSL_get_SSL_CTX(ssl), NULL); /* the connection outlives the call */
    certificate_forget(&call->hop.watch);
    const X509 *leaf = SSL_get0_peer_certificate(ssl);
    if (leaf == NULL) {
        return 0;
    }

    out->not_after_unix = read_time(X509_get0_notAfter(leaf));
    if (copy_name(&call->arena, X509_get_subject_name(leaf), &out->subject) != 0) {
        return E_NOMEM;
    }
    return copy_name(&call->arena, X509_get_issuer_name(leaf), &out->issuer);
}

/* --- what is wrong --- */

static void format_time(const ASN1_TIME *time, char out[TIME_TEXT_SIZE])
{
    struct tm parts = {0};
    if (ASN1_TIME_to_tm(time, &parts) != 1 ||
        strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        (void)snprintf(out, TIME_TEXT_SIZE, "an unreadable time");
    }
}

/* Adds `text`, which a server chose: short, on one line, nothing that a terminal obeys. */
static void append_shown(struct strbuf *out, struct str text)
{
    bool is_utf8 = utf8_valid_prefix(text.p, text.n) == text.n;
    size_t n = text.n <= SHOWN_NAME_BYTES ? text.n
               : is_utf8                  ? utf8_whole_prefix(text.p, SHOWN_NAME_BYTES)
                                          : SHOWN_NAME_BYTES;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool is_plain = c >= 0x20 && c != 0x7F && (c < 0x80 || is_utf8);
        strbuf_append_char(out, is_plain ? text.p[i] : '?');
    }
    if (n < text.n) {
        strbuf_append_text(out, "...");
    }
}

static void append_name(struct strbuf *out, const X509_NAME *name)
{
    BIO *memory = BIO_new(BIO_s_mem());
    if (memory != NULL) {
        append_shown(out, print_name(memory, name));
        BIO_free(memory);
    }
}

/* The first DNS names of the certificate, or its subject when it has none. */
static void append_hosts(struct strbuf *out, const X509 *leaf)
{
    int shown = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown <= SHOWN_NAMES; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) {
            continue;
        }
        if (shown == SHOWN_NAMES) {
            strbuf_append_text(out, ", ...");
        } else {
            strbuf_append_text(out, shown > 0 ? ", '" : "'");
            append_shown(out, str_make((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                                       (size_t)ASN1_STRING_length(name->d.dNSName)));
            strbuf_append_text(out, "'");
        }
        shown++;
    }
    GENERAL_NAMES_free(names);
    if (shown == 0) {
        strbuf_append_text(out, "'");
        append_name(out, X509_get_subject_name(leaf));
        strbuf_append_text(out, "'");
    }
}

/* "the certificate of 'https://a'", or of an authority above it. */
static void append_whose(struct strbuf *out, const struct net_call *call)
{
    const struct certificate_watch *watch = &call->hop.watch;
    if (watch->depth > 0 && watch->faulty != NULL) {
        strbuf_append_text(out, "the certificate of the authority '");
        append_name(out, X509_get_subject_name(watch->faulty));
        strbuf_append_format(out, "' above that of '%s'", call->url.origin);
    } else {
        strbuf_append_format(out, "the certificate of '%s'", call->url.origin);
    }
}

static const char *explain_dates(struct strbuf *out, const struct certificate_watch *watch)
{
    char text[TIME_TEXT_SIZE];
    if (watch->problem == X509_V_ERR_CERT_HAS_EXPIRED) {
        format_time(X509_get0_notAfter(watch->faulty), text);
        strbuf_append_format(out, " has expired: it was valid until %s", text);
        return "the server needs a new certificate; check this machine's clock, too";
    }
    format_time(X509_get0_notBefore(watch->faulty), text);
    strbuf_append_format(out, " is not valid yet: it will be from %s on", text);
    return "check this machine's clock and the server's certificate";
}

static const char *explain_chain(struct strbuf *out, const struct certificate_watch *watch)
{
    static const char *const trust = "if it is meant, let SSL_CERT_FILE name a file with it";
    switch (watch->problem) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return explain_dates(out, watch);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        strbuf_append_text(out, " is self-signed, and not one that is trusted");
        return trust;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        strbuf_append_text(out, " is that of an authority which is not trusted");
        return trust;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        strbuf_append_text(out, " was issued by '");
        append_name(out, X509_get_issuer_name(watch->faulty));
        strbuf_append_text(out, "', which is not trusted or whose own certificate is not sent");
        return "let the server send the whole chain, or SSL_CERT_FILE name the authority's file";
    default:
        strbuf_append_format(out, " is not valid: %s",
                             X509_verify_cert_error_string(watch->problem));
        return "check the server's certificate";
    }
}

const char *certificate_explain(const struct net_call *call, struct error *err)
{
    const struct certificate_watch *watch = &call->hop.watch;
    bool has_wrong_name = watch->problem == X509_V_OK && watch->leaf != NULL;
    if (!has_wrong_name && watch->faulty == NULL) {
        return NULL;
    }

    struct strbuf text = STRBUF_INIT;
    const char *hint;
    append_whose(&text, call);
    if (has_wrong_name) {
        strbuf_append_text(&text, " is for ");
        append_hosts(&text, watch->leaf);
        strbuf_append_format(&text, ", not for '%s'", call->url.host);
        hint = "check the host in the URL, or the names in the server's certificate";
    } else {
        hint = explain_chain(&text, watch);
    }
    if (strbuf_status(&text) == 0) {
        (void)error_set(err, E_IO, "%.*s", STR_ARG(strbuf_str(&text)));
    } else {
        hint = NULL;
    }
    strbuf_finish(&text);
    return hint;
}
