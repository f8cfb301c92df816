/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_server_conn.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "tests/support/http_server.h"

static int certificate_add_name(X509 *certificate, const char *name)
{
    char text[256];
    if (name != NULL) {
        (void)snprintf(text, sizeof text, "DNS:%s", name);
    } else {
        (void)snprintf(text, sizeof text, "DNS:localhost,IP:127.0.0.1");
    }

    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    if (extension == NULL) {
        return 0;
    }

    int is_added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

/* Its names: of its own, or of an authority that nobody knows. Then it is signed. */
static int certificate_sign(X509 *certificate, EVP_PKEY *key, int is_issued)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    const unsigned char *text = (const unsigned char *)"OpStream test server";
    const unsigned char *above = (const unsigned char *)"OpStream test authority";
    EVP_PKEY *signer = is_issued ? EVP_EC_gen("P-256") : key;
    X509_NAME *issuer = X509_NAME_new();
    int is_made = signer != NULL && issuer != NULL &&
                  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0) &&
                  X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC, above, -1, -1, 0) &&
                  X509_set_issuer_name(certificate, is_issued ? issuer : subject) &&
                  X509_sign(certificate, signer, EVP_sha256());
    X509_NAME_free(issuer);
    if (is_issued) {
        EVP_PKEY_free(signer);
    }
    return is_made;
}

static X509 *certificate_create(EVP_PKEY *key, const struct http_server_options *options)
{
    X509 *certificate = X509_new();
    if (certificate == NULL) {
        return NULL;
    }

    long end = 24L * 3600 * (options->certificate_days != 0 ? options->certificate_days : 30);
    long start = options->is_early ? 24L * 3600 : end < 0 ? 2 * end : -3600;
    int is_made = X509_set_version(certificate, 2) &&
                  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
                  X509_gmtime_adj(X509_getm_notBefore(certificate), start) &&
                  X509_gmtime_adj(X509_getm_notAfter(certificate), end + 600) &&
                  X509_set_pubkey(certificate, key) &&
                  certificate_add_name(certificate, options->name) &&
                  certificate_sign(certificate, key, options->is_issued);
    if (!is_made) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static int certificate_write(X509 *certificate, const char *pem_path)
{
    FILE *file = fopen(pem_path, "we");
    if (file == NULL) {
        return 0;
    }

    int is_written = PEM_write_X509(file, certificate);
    return fclose(file) == 0 && is_written;
}

SSL_CTX *http_server_tls_create(const struct http_server_options *options, const char *pem_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key != NULL ? certificate_create(key, options) : NULL;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (certificate == NULL || context == NULL || !certificate_write(certificate, pem_path) ||
        SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1) {
        SSL_CTX_free(context);
        context = NULL;
    } else {
        (void)SSL_CTX_set_mode(context,
                               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}
