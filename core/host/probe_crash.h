/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_PROBE_CRASH_H
#define CORE_HOST_PROBE_CRASH_H

/*
 * Probe crash: in opstream-plugin-host, what a process that crashes still says: the signal, the
 * stack, and where its libraries lie. It is the first signal's handler that says it, on a stack of
 * its own; a crash of that handler ends the process as if there were none.
 *
 * Used by:  probe_main.
 * Uses:     probe_frame.
 * Threads:  [main] to install.
 */

#include <stddef.h>
#include <stdint.h>

#include "core/host/probe_frame.h"

void probe_crash_install(void);

/* Writes a frame to descriptor PROBE_FRAME_FD. Async-signal-safe. */
void probe_crash_send(enum probe_frame_type type, uint64_t number, const void *body, size_t n);

#endif
