/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SERVICE_MARKER_H
#define PLUGINS_SERVICE_MARKER_H

/*
 * Marker: the step's idempotency key in what the step creates. A first attempt creates; every later
 * one, and the first where the config says so, looks first, page after page, and creates only what
 * is not there.
 *
 * Used by:  service, call.
 * Uses:     call.h.
 * Threads:  [strand]
 */

#include "service/call.h"

/* Adds the mark to the body of a request. */
void marker_add(struct service_call *call, struct ops_map *body);

/* 1 when this attempt has to look. */
int marker_is_due(const struct service_call *call);

/* Looks, then creates or not; ends the task. */
void marker_look(struct service_call *call);

#endif
