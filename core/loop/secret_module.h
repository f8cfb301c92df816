/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_MODULE_H
#define CORE_LOOP_SECRET_MODULE_H

/*
 * The table of the private module opstream-secret.so: what crosses between the program and
 * libsodium, which would make every start slower. XChaCha20-Poly1305 with associated data.
 *
 * Used by:  secret_seal.c (calls it), secret_module.c (fills it).
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stddef.h>
#include <stdint.h>

enum {
    SECRET_KEY_BYTES = 32,
    SECRET_KEY_ID_BYTES = 8,
    SECRET_NONCE_BYTES = 24,
    SECRET_TAG_BYTES = 16,
};

struct secret_bytes {
    const void *p;
    size_t n;
};

struct secret_module {
    /* Fills `out` with random bytes. 0; -1: there are none. */
    int (*random)(void *out, size_t n);
    /* What tells keys apart, and says nothing of the key. */
    void (*key_id)(const uint8_t key[SECRET_KEY_BYTES], uint8_t out[SECRET_KEY_ID_BYTES]);
    /* `out` has room for plain.n + SECRET_TAG_BYTES. */
    void (*seal)(const uint8_t key[SECRET_KEY_BYTES], const uint8_t nonce[SECRET_NONCE_BYTES],
                 struct secret_bytes aad, struct secret_bytes plain, uint8_t *out);
    /* `out` has room for sealed.n - SECRET_TAG_BYTES. 0; -1: it was not made with these. */
    int (*open)(const uint8_t key[SECRET_KEY_BYTES], const uint8_t nonce[SECRET_NONCE_BYTES],
                struct secret_bytes aad, struct secret_bytes sealed, uint8_t *out);
};

#endif
