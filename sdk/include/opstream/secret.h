/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_SECRET_H
#define OPSTREAM_SECRET_H

/*
 * ops.secret 1: signatures by the host with a key that the plugin does not see. The key is a text
 * in the node's config or settings, whose schema marks the field `x-ops-secret`: the plugin has its
 * handle, and that is all it needs. So it can sign with what its user gave it, and with nothing
 * else, whatever name the secret has.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_SECRET "ops.secret"

#define OPS_SECRET_HMAC_SHA256_BYTES 32u
#define OPS_SECRET_RSA_MIN_BITS      2048u
#define OPS_SECRET_RSA_MAX_BITS      8192u

typedef struct ops_if_secret {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Both sign the bytes `data` with the text `key`, as it is; `out` gets the bytes
     * of the signature, which live as long as `scope`. They compute and do not wait: an RSA key of
     * 4096 bits takes some milliseconds. OPS_E_CONFIG: the key is no text, is empty or is no such
     * key; OPS_E_STALE; OPS_E_RESOURCE; OPS_E_UNSUPPORTED: this installation lacks the part that
     * does it. `err` (may be NULL) says what is wrong with the key, never what is in it; its texts
     * live as long as `scope`.
     */
    /* HMAC with SHA-256 (RFC 2104): OPS_SECRET_HMAC_SHA256_BYTES. */
    ops_status (*hmac_sha256)(void *h, ops_scope scope, ops_val key, ops_str data, ops_str *out,
                              ops_error *err);
    /*
     * RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), the RS256 of JSON Web Signatures: as many bytes as
     * the key's modulus has. `key` is an RSA private key in PEM, PKCS #1 or #8, without a
     * passphrase.
     */
    ops_status (*sign_rs256)(void *h, ops_scope scope, ops_val key, ops_str data, ops_str *out,
                             ops_error *err);
} ops_if_secret;

#ifdef __cplusplus
}
#endif
#endif
