/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_CAGE_H
#define CORE_CHECKER_CAGE_H

/*
 * Cage: from here on this process changes files in one folder only. Nodes are tried with paths that
 * were made by chance, and who checks a plugin has files.
 *
 * Used by:  trial.
 * Uses:     Landlock, where the kernel has it.
 * Threads:  [main], before there are others
 */

/*
 * What is open stays as it is; reading, devices and memory are as before. Where the kernel cannot
 * do it (older than 5.13, or built without), nothing happens.
 */
void cage_enter(const char *folder);

#endif
