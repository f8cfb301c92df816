/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_FD_H
#define CORE_BASE_FD_H

/*
 * File descriptors: what read(2) and write(2) leave to their callers.
 *
 * Used by:  journal, host, loop, cli.
 * Uses:     str.
 * Threads:  [any]
 */

#include "core/base/str.h"

/*
 * Writes all of `bytes` (borrowed), however many calls that takes; a signal interrupts none of
 * them. Blocks as `fd` does. Returns 0, or the errno of the call that failed; what was written
 * before stays.
 */
int fd_write_all(int fd, struct str bytes);

#endif
