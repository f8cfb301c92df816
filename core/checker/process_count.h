/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_PROCESS_COUNT_H
#define CORE_CHECKER_PROCESS_COUNT_H

/*
 * Process count: how many descriptors and threads the process has.
 *
 * Used by:  rules on what is left of a plugin.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <dirent.h>
#include <stddef.h>

/* Entries of `folder`: "/proc/self/fd", "/proc/self/task"; comparable with each other only. */
static inline size_t process_count(const char *folder)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    while (entries != NULL && readdir(entries) != NULL) {
        count++;
    }
    if (entries != NULL) {
        (void)closedir(entries); /* only read */
    }
    return count;
}

#endif
