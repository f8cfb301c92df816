/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_LATE_SIGNAL_H
#define CORE_LOOP_LATE_SIGNAL_H

/*
 * Late signal: SIGINT and SIGTERM are taken on the loop, which an endless loop in a plugin holds
 * up. When the loop has not taken one, and another one comes, the handler ends the process: as
 * SIGKILL would, but with a line on stderr that says whose code does not return, and with exit code
 * 128 + signal.
 *
 * Used by:  loop.
 * Uses:     host (call_mark), base.
 * Threads:  [loop]; the handler runs on any
 */

#include <stdbool.h>
#include <stdint.h>

/* To be called when libuv has put its handlers in place, which go on being called. */
void late_signal_watch(void);

/* The loop has taken what came, and done what it asked for. */
void late_signal_taken(void);

/* What the process works on is kept, and goes on with another one: to be said. */
void late_signal_set_kept(bool is_kept);

/*
 * Whether a signal at `now_ns` ends a process whose loop has not taken one of `first_ns`; 0: it
 * has. `call_ns`: since when a node's code is on the loop; 0: none is. Then the loop may be on its
 * way.
 */
bool late_signal_ends(uint64_t first_ns, uint64_t now_ns, uint64_t call_ns);

#endif
