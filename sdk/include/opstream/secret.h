/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_SECRET_H
#define OPSTREAM_SECRET_H

/*
 * ops.secret 1: what is done with secrets by those who do not see them. A secret is a text in the
 * node's config or settings, whose schema marks the field `x-ops-secret`: the plugin has its
 * handle, and that is all it needs. So it can use what its user gave it, and nothing else, whatever
 * name the secret has; and what it was given elsewhere as data can name no secret.
 */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_SECRET "ops.secret"

/* For ops_sign_req.algorithm. */
#define OPS_SIGN_HMAC_SHA256 1u /* HMAC with SHA-256 (RFC 2104): 32 bytes; the key as it is */
/*
 * RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), the RS256 of JSON Web Signatures: as many bytes as the
 * key's modulus has. The key is an RSA private key in PEM, PKCS #1 or #8, without a passphrase.
 */
#define OPS_SIGN_RS256 2u

#define OPS_SIGN_RSA_MIN_BITS 2048u
#define OPS_SIGN_RSA_MAX_BITS 8192u

#define OPS_SECRET_DIGEST_BYTES 32u
#define OPS_SECRET_PARTS_MOST   64u

/* For join(). */
#define OPS_SECRET_BASE64 1u /* the text is the base64 of the parts (RFC 4648, with padding) */

/* For adopt(). */
#define OPS_SECRET_ADOPT_MIN_BYTES 4u     /* of a text that can be hidden */
#define OPS_SECRET_ADOPT_MAX_BYTES 65536u /* of it at most */

/*
 * [strand] The end of adopt(), exactly once, but not after the task has ended.
 *   OK         `made` is the text as a string of the task, secret if `of` is
 *   CONFIG     which secret `of` is made of cannot be told
 *   RESOURCE   it cannot be hidden: there are too many secrets; or out of memory
 *   CANCELLED  it had not begun
 * `made` is 0 unless it is OK.
 */
typedef void (*ops_secret_done)(void *user, ops_task task, ops_status status, ops_val made);

/* Borrowed by adopt(). */
typedef struct ops_secret_req {
    uint32_t size;
    uint32_t flags; /* 0: there are none yet */
    ops_val of;     /* a string: what the text was made of, or got for */
    ops_str text;
    uint64_t ttl_ms;      /* how long it is good; not 0 */
    ops_secret_done done; /* must not be NULL */
    void *user;           /* kept until `done`, or until the task ends */
} ops_secret_req;

/*
 * [strand] The end of sign(), exactly once, but not after the task has ended. `err` is NULL, or
 * borrowed, and `signature` empty then.
 *   CONFIG       the key is no text, is empty or is no such key: the message says what is wrong
 *                with it, never what is in it
 *   UNSUPPORTED  this installation lacks the part that signs
 *   RESOURCE     out of memory
 *   CANCELLED    it had not begun
 */
typedef void (*ops_sign_done)(void *user, ops_task task, ops_str signature, const ops_error *err);

/* Borrowed by sign(). */
typedef struct ops_sign_req {
    uint32_t size;
    uint32_t algorithm; /* OPS_SIGN_* */
    ops_val key;        /* a string, mostly a secret */
    ops_str data;       /* bytes; copied */
    ops_sign_done done; /* must not be NULL */
    void *user;         /* kept until `done`, or until the task ends */
} ops_sign_req;

typedef struct ops_if_secret {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Signs `data` with a key that the plugin does not see. `out` (may be NULL) names
     * the operation for abort(). OPS_E_UNSUPPORTED: unknown algorithm; OPS_E_INTERNAL: no `done`;
     * OPS_E_STALE: also the key; OPS_E_RESOURCE.
     */
    ops_status (*sign)(void *h, ops_task task, const ops_sign_req *req, ops_op *out);
    /*
     * [any-thread, files] A name for the bytes `data` as the holder of the text `key` sees them:
     * OPS_SECRET_DIGEST_BYTES, which live as long as `scope`. Equal for equal ones, on this machine
     * and others, also later; nothing of the key can be found out from it. To tell apart what
     * belongs to one credential or another, without reading it; no signature that others know. The
     * first call loads a library.
     * OPS_E_INPUT: `key` is no text; OPS_E_UNSUPPORTED: this installation lacks the part that
     * computes it; OPS_E_STALE; OPS_E_RESOURCE.
     */
    ops_status (*digest)(void *h, ops_scope scope, ops_val key, ops_str data, ops_str *out);
    /*
     * [any-thread] A new string in `scope` of the texts `parts`, one behind the other: "Bearer "
     * and a token. It is secret when one of them is. `flags`: 0 or OPS_SECRET_BASE64. OPS_E_INPUT:
     * a part is no text, or there are more than OPS_SECRET_PARTS_MOST; OPS_E_UNSUPPORTED: unknown
     * flags; OPS_E_STALE; OPS_E_RESOURCE.
     */
    ops_status (*join)(void *h, ops_scope scope, const ops_val *parts, uint64_t n, uint32_t flags,
                       ops_val *out);
    /*
     * [any-thread] Makes a text as secret as another: what was signed with a key, the token that a
     * service gives for it. From `done` on it is hidden wherever secrets are, in each of their
     * forms, and goes only where the secrets may go that `of` is made of, also where the plugin
     * has it as plain text. When its time is over it is forgotten, with the next that is adopted.
     * If `of` is no secret, nothing is hidden. `out` (may be NULL) names the operation for abort().
     * OPS_E_INPUT: the text is not UTF-8, has a NUL, or is too short or too long to be hidden, or
     * `of` is no text; OPS_E_UNSUPPORTED: this host hides nothing, or does not know the flags;
     * OPS_E_INTERNAL: no `done`, no time; OPS_E_STALE; OPS_E_RESOURCE.
     */
    ops_status (*adopt)(void *h, ops_task task, const ops_secret_req *req, ops_op *out);
    /* [any-thread] One that has not begun ends with CANCELLED. */
    ops_status (*abort)(void *h, ops_op op);
} ops_if_secret;

#ifdef __cplusplus
}
#endif
#endif
