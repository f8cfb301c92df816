/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_module.h"

#include <sodium.h>

#include "core/base/module.h"

_Static_assert(SECRET_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "of libsodium");
_Static_assert(SECRET_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "of libsodium");
_Static_assert(SECRET_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "of libsodium");

static int fill_random(void *out, size_t n)
{
    if (sodium_init() < 0) {
        return -1;
    }
    randombytes_buf(out, n);
    return 0;
}

static void key_id(const uint8_t key[SECRET_KEY_BYTES], uint8_t out[SECRET_KEY_ID_BYTES])
{
    static const char purpose[] = "opstream: which key of secrets";
    uint8_t hash[crypto_generichash_BYTES_MIN];
    _Static_assert(sizeof(hash) >= SECRET_KEY_ID_BYTES, "it is cut");
    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)purpose, sizeof(purpose) - 1, key,
                             SECRET_KEY_BYTES); /* fails for sizes out of bounds alone */
    for (size_t i = 0; i < SECRET_KEY_ID_BYTES; i++) {
        out[i] = hash[i];
    }
}

static void seal(const uint8_t key[SECRET_KEY_BYTES], const uint8_t nonce[SECRET_NONCE_BYTES],
                 struct secret_bytes aad, struct secret_bytes plain, uint8_t *out)
{
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.p, plain.n, aad.p, aad.n,
                                                     NULL, nonce, key); /* it cannot fail */
}

static int open_sealed(const uint8_t key[SECRET_KEY_BYTES], const uint8_t nonce[SECRET_NONCE_BYTES],
                       struct secret_bytes aad, struct secret_bytes sealed, uint8_t *out)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.p, sealed.n, aad.p,
                                                      aad.n, nonce, key);
}

static const struct secret_module table = {fill_random, key_id, seal, open_sealed};

const struct module_desc opstream_module_v1 = MODULE_DESC("secret", &table);
