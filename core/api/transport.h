/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_TRANSPORT_H
#define CORE_API_TRANSPORT_H

/*
 * Transport: all connections, libwebsockets on the program's loop, and one timer for everything
 * that may take too long.
 *
 * Used by:  module.c (and, without the module, tests).
 * Uses:     connection.h, libwebsockets, libuv.
 * Threads:  [loop]
 */

#include "core/api/api_module.h"

extern const struct api_transport_table transport_table;

#endif
