/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_SIGNING_H
#define CORE_HOST_SIGNING_H

/*
 * Signing: sign() and digest() of ops.secret, with keys that plugins do not see.
 *
 * Used by:  service_secret.c.
 * Uses:     op, scope, sign_module.
 * Threads:  [any]
 */

#include "opstream/secret.h"

/* As in ops_if_secret. */
ops_status signing_sign(void *h, ops_task task, const ops_sign_req *req, ops_op *out);
ops_status signing_digest(void *h, ops_scope scope, ops_val key, ops_str data, ops_str *out);

/* OPS_E_STALE: no operation of sign(). */
ops_status signing_abort(void *h, ops_op op);

#endif
