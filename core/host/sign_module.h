/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_SIGN_MODULE_H
#define CORE_HOST_SIGN_MODULE_H

/*
 * The table of the private module opstream-sign.so: what crosses between the program and OpenSSL's
 * libcrypto, which would make every start slower.
 *
 * Used by:  service_secret.c (calls it), sign_module.c (fills it).
 * Uses:     base (str).
 * Threads:  [any]
 */

#include <stddef.h>

#include "core/base/str.h"

enum {
    SIGN_HMAC_BYTES = 32,
    SIGN_RSA_MIN_BITS = 2048,
    SIGN_RSA_MAX_BITS = 8192,
    SIGN_MAX_BYTES = SIGN_RSA_MAX_BITS / 8, /* of a signature */
};

enum sign_result {
    SIGN_DONE,
    SIGN_NO_KEY,        /* not a private key in PEM */
    SIGN_NOT_RSA,       /* a key of another kind */
    SIGN_ENCRYPTED,     /* it wants a passphrase */
    SIGN_BAD_SIZE,      /* its modulus is too short or too long */
    SIGN_OUT_OF_MEMORY, /* or libcrypto failed otherwise */
};

struct sign_module {
    enum sign_result (*hmac_sha256)(struct str key, struct str data,
                                    unsigned char out[SIGN_HMAC_BYTES]);
    /* `*out_n` is how many bytes `out` has then. */
    enum sign_result (*rs256)(struct str key, struct str data, unsigned char out[SIGN_MAX_BYTES],
                              size_t *out_n);
};

#endif
