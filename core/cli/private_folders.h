/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_PRIVATE_FOLDERS_H
#define CORE_CLI_PRIVATE_FOLDERS_H

/*
 * Private folders: those that OpStream keeps for itself, told to plugins in the environment, so
 * that no node opens a file in them. The list only grows: what was private stays so while the
 * process lives.
 *
 * Used by:  workspace, cmd_serve.
 * Uses:     base.
 * Threads:  [main]; plugins read the variable meanwhile, and see a whole list at any time.
 */

struct error;

/*
 * Folders with ':' between them, each absolute and without symbolic links; a ':' or '\' of a name
 * has a '\' before it.
 */
#define PRIVATE_FOLDERS_VARIABLE "OPSTREAM_PRIVATE_FOLDERS"

/*
 * Adds `path`, which need not be there yet; NULL and "" are none. What the variable had before the
 * first call is gone. The first call is made before there are threads. Fails with E_NOMEM, or
 * E_LIMIT: the list is full.
 */
int private_folders_add(const char *path, struct error *err);

#endif
