/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_DEBUG_WAIT_H
#define CORE_HOST_DEBUG_WAIT_H

/*
 * Debug wait: with OPSTREAM_PLUGIN_DEBUG=wait in the environment, code of a plugin is loaded only
 * once a debugger is attached, so that its first instruction can be looked at.
 *
 * Used by:  plugin.
 * Uses:     base.
 * Threads:  [loop]; it holds the thread up, as was asked for.
 */

struct error;

/*
 * Before the file `path` is loaded: says how to attach, and waits for that. Returns at once when a
 * debugger is there already, or none is wanted. SIGINT and SIGTERM end the wait, and then have the
 * effect that they always have. Fails with E_INVALID (the variable has another value), E_CANCELED
 * (a signal), E_IO (nobody can be waited for).
 */
int debug_wait(const char *path, struct error *err);

#endif
