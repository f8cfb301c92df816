/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_PAGES_H
#define PLUGINS_SERVICE_PAGES_H

/*
 * Pages: fetches page after page and emits their items, never faster than they are taken. One page
 * is in memory at a time. The output of the node is what was counted:
 *
 *     {"count": 250, "pages": 3, "unchanged": 0, "latest": "2026-01-31T12:00:00Z"}
 *
 * `unchanged` is there where the operation is conditional, `latest` where its table names it.
 *
 * Used by:  service.
 * Uses:     call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

void pages_start(struct service_call *call);

#endif
