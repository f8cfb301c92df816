/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_SECRET_H
#define CORE_HOST_SECRET_H

/*
 * What the host needs of who keeps secrets. core/loop offers it; tests give their own.
 *
 * Used by:  host (ops.secret), loop.
 * Uses:     base.
 * Threads:  [loop]
 */

#include <stdint.h>

#include "core/base/str.h"

/* All borrowed for the call. */
struct host_secret_adoption {
    uint64_t token;  /* of the task that asks */
    struct str of;   /* a text that is made of secrets */
    struct str text; /* which is to be as secret */
    uint64_t ttl_ms;
};

struct host_secrets {
    void *self;
    /*
     * 0: the text is hidden from here on, and goes only where those secrets may go. E_NOT_FOUND:
     * the task has no secret that is in `of`; E_LIMIT, E_NOMEM; E_INVALID: it cannot be hidden.
     */
    int (*adopt)(void *self, const struct host_secret_adoption *adoption);
};

#endif
