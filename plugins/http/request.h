/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_HTTP_REQUEST_H
#define PLUGINS_HTTP_REQUEST_H

/*
 * Request: from a node's config to what ops.http sends.
 *
 * Used by:  the http plugin.
 * Uses:     sdk.h, text.h.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"
#include "service/text.h"

enum { REQUEST_MAX_HEADERS = 256 };

struct request {
    char method[33]; /* upper case, NUL-terminated */
    struct text url;
    struct text body;
    ops_str names[REQUEST_MAX_HEADERS];
    ops_str values[REQUEST_MAX_HEADERS];
    ops_val vals[REQUEST_MAX_HEADERS]; /* where one is not 0, instead of the text */
    uint64_t n_headers;
    uint64_t timeout_ms;
    uint64_t connect_timeout_ms;
    /* What is wrong with the config, static; NULL: nothing. */
    const char *problem;
    const char *path; /* of it: JSON pointer */
};

/*
 * Reads the config; `request` is all zero, and has values of `task`. 0: `problem` says why not.
 * Ended by request_finish().
 */
int request_read(struct request *request, ops_task task, ops_val config);
void request_finish(struct request *request);

/* The method as it will be sent, also without reading all else; `out` gets it NUL-terminated. */
void request_read_method(ops_val config, char out[33]);

/* Whether it is sent with the header Idempotency-Key: the step's key, or one of `headers`. */
int request_has_key(ops_val config);

/* Whether `headers` has one, which wins over the step's. */
int request_has_own_key(ops_val config);

#endif
