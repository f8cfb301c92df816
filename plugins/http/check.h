/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_HTTP_CHECK_H
#define PLUGINS_HTTP_CHECK_H

/*
 * Check: whether a service answers. Sends one HEAD for "/" of its origin, without a header of any
 * node and so without credentials, and follows no redirect. What answers below 500 is there,
 * whatever it thinks of the call; so is what does not know HEAD (501).
 *
 * Used by:  http.
 * Threads:  [strand]
 */

#include "opstream/sdk.h"

/* The check() of node type `http`. */
void check_origin(ops_node *node, ops_task task, ops_str origin);

#endif
