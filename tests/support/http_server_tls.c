/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_server_conn.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

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

static X509 *certificate_create(EVP_PKEY *key, int days, const char *name)
{
    X509 *certificate = X509_new();
    if (certificate == NULL) {
        return NULL;
    }

    long end = (long)days * 24 * 3600;
    X509_NAME *subject = X509_get_subject_name(certificate);
    const unsigned char *text = (const unsigned char *)"OpStream test server";
    int is_made = X509_set_version(certificate, 2) &&
                  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
                  X509_gmtime_adj(X509_getm_notBefore(certificate), end < 0 ? 2 * end : -3600) &&
                  X509_gmtime_adj(X509_getm_notAfter(certificate), end + 600) &&
                  X509_set_pubkey(certificate, key) &&
                  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0) &&
                  X509_set_issuer_name(certificate, subject) &&
                  certificate_add_name(certificate, name) &&
                  X509_sign(certificate, key, EVP_sha256());
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

SSL_CTX *http_server_tls_create(int days, const char *name, const char *pem_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key != NULL ? certificate_create(key, days, name) : NULL;
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
