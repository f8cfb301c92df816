/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_FILE_SYSTEM_H
#define CORE_LOOP_FILE_SYSTEM_H

/*
 * File system: which ones cannot hold a state folder. Locks and shared memory must mean the same to
 * all who open a file, and a sync must reach a disk; over a network none of it is sure.
 *
 * Used by:  state_folder.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stdint.h>

/*
 * The name of the file system with this `magic` (f_type of statfs) when it is no local one, NULL
 * when it is. `device` is what st_dev says: FUSE over a disk of this machine has the disk's number,
 * any other FUSE none, and may lead anywhere. Static.
 */
const char *file_system_remote_name(uint64_t magic, uint64_t device);

#endif
