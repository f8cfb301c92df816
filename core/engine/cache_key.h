/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ENGINE_CACHE_KEY_H
#define CORE_ENGINE_CACHE_KEY_H

/*
 * Cache keys: under which name a result is kept. The SHA-256 of what was asked for, so equal
 * questions have one, in each process and each run. Secrets are in it by their names alone.
 *
 * Used by:  stand_in.
 * Uses:     decision, value.
 * Threads:  [loop]; pure.
 */

#include <stdint.h>

#include "core/base/digest.h"

struct decision;
struct error;

enum cache_key_kind {
    CACHE_KEY_ANSWER,   /* `cache`: of all nodes of this type, by `key` or the resolved config */
    CACHE_KEY_FALLBACK, /* of this node of this pipeline, and its resolved config */
};

/* `out` gets hex. Fails with what evaluating fails with. */
int cache_key_make(const struct decision *d, uint32_t node, enum cache_key_kind kind,
                   char out[DIGEST_HEX_SIZE], struct error *err);

#endif
