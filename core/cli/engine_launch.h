/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ENGINE_LAUNCH_H
#define CORE_CLI_ENGINE_LAUNCH_H

/*
 * Engine launch: what the engine in the background is started with, so that it finds what the
 * command has found: it stands in another folder, and the secrets have left the environment: they
 * go by a file in memory.
 *
 * Used by:  state_owner.
 * Uses:     workspace, loop (background), value (secrets).
 * Threads:  [main]
 */

#include "core/cli/workspace.h"

struct error;
struct secrets;
struct state_folder;

struct engine_launch {
    struct secrets *secrets;
    struct folder_list plugins;
    struct folder_list libraries;
};

/* Takes them from the workspace, which still may use them: end it before engine_launch_finish(). */
void engine_launch_take(struct engine_launch *launch, struct workspace *workspace);

/*
 * Starts the engine of `folder`, whose lock is free, with the settings of the file `config` (NULL:
 * the usual one). It ends with the last run. Fails as background_start() does.
 */
int engine_launch_start(const struct engine_launch *launch, const struct state_folder *folder,
                        const char *config, struct error *err);

/*
 * Whether an engine could write its log in `folder` and listen there, as far as one can know
 * before: for who is about to leave it work. Fails as engine_log_open() and api_server_check() do.
 */
int engine_launch_check(const struct state_folder *folder, struct error *err);

/* Clears the secrets. */
void engine_launch_finish(struct engine_launch *launch);

#endif
