/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_ADOPTER_H
#define CORE_LOOP_SECRET_ADOPTER_H

/*
 * Secret adopter: makes texts as secret as those of the node's secrets that they were made of (the
 * token that a service gives for a key), for `adopt` of ops.secret.
 *
 * Used by:  loop.
 * Uses:     host/secret.h, http_bridge, value (secrets), model.
 * Threads:  [loop]
 */

struct host_secrets;
struct http_bridge;

/* Fills `keeper`, for the secrets and the nodes of `bridge`, which is kept. */
void secret_adopter_init(struct host_secrets *keeper, struct http_bridge *bridge);

#endif
