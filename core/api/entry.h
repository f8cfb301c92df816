/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_ENTRY_H
#define CORE_API_ENTRY_H

/*
 * Entry: who may ask what at the loopback address, where every user of the machine, and every web
 * page in a browser of its owner, can send requests. The folder of the control socket keeps them
 * out there.
 *
 * Used by:  control_socket.
 * Uses:     exchange.h, loopback.
 * Threads:  [any]; pure.
 */

#include "core/api/exchange.h"

/*
 * NULL: the request is let in; else why not, for people (static). `owner_uid` and root may all.
 * Others may ask how the service does: GET /ping, /health, /metrics. Nobody may who comes from a
 * web page (Origin: RFC 6454, section 7), nor under a name of another machine (a page whose name
 * was made to point here).
 */
const char *entry_refuse(const struct api_request *request, uint32_t owner_uid);

#endif
