/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/sign_module.h"

#include <limits.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "core/base/module.h"

static enum sign_result hmac_sha256(struct str key, struct str data,
                                    unsigned char out[SIGN_HMAC_BYTES])
{
    unsigned n = SIGN_HMAC_BYTES;
    if (key.n > INT_MAX || HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)data.p,
                                data.n, out, &n) == NULL) {
        ERR_clear_error();
        return SIGN_OUT_OF_MEMORY;
    }
    return SIGN_DONE;
}

/* Without this libcrypto asks the terminal. */
static int on_passphrase(char *out, int size, int is_writing, void *user)
{
    (void)out;
    (void)size;
    (void)is_writing;
    *(int *)user = 1;
    return -1;
}

static enum sign_result check_key(EVP_PKEY *key)
{
    if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
        return SIGN_NOT_RSA;
    }
    int bits = EVP_PKEY_bits(key);
    return bits < SIGN_RSA_MIN_BITS || bits > SIGN_RSA_MAX_BITS ? SIGN_BAD_SIZE : SIGN_DONE;
}

static enum sign_result read_key(struct str text, EVP_PKEY **out_key)
{
    int is_encrypted = 0;
    BIO *bio = text.n <= INT_MAX ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
    if (bio == NULL) {
        return SIGN_OUT_OF_MEMORY;
    }
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &is_encrypted);
    BIO_free(bio);
    if (key == NULL) {
        return is_encrypted ? SIGN_ENCRYPTED : SIGN_NO_KEY;
    }
    enum sign_result result = check_key(key);
    if (result != SIGN_DONE) {
        EVP_PKEY_free(key);
        return result;
    }
    *out_key = key;
    return SIGN_DONE;
}

static enum sign_result rs256(struct str key_text, struct str data,
                              unsigned char out[SIGN_MAX_BYTES], size_t *out_n)
{
    EVP_PKEY *key = NULL;
    enum sign_result result = read_key(key_text, &key);
    EVP_MD_CTX *context = result == SIGN_DONE ? EVP_MD_CTX_new() : NULL;
    size_t n = SIGN_MAX_BYTES;
    if (result == SIGN_DONE) {
        bool is_signed =
            context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
            EVP_DigestSign(context, out, &n, (const unsigned char *)data.p, data.n) == 1;
        result = is_signed ? SIGN_DONE : SIGN_OUT_OF_MEMORY;
    }
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key); /* clears it */
    ERR_clear_error();  /* of this thread: others use the library, too */
    if (result == SIGN_DONE) {
        *out_n = n;
    }
    return result;
}

static const struct sign_module table = {hmac_sha256, rs256};

const struct module_desc opstream_module_v1 = MODULE_DESC("sign", &table);
