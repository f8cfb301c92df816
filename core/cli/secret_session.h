/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SECRET_SESSION_H
#define CORE_CLI_SECRET_SESSION_H

/*
 * Secret session: where the secrets come from, for one verb of 'secrets'.
 *
 * Used by:  cmd_secrets_*.
 * Uses:     command, secret_env, site_config, loop (secret_sources, state_folder).
 * Threads:  [main]
 */

#include "core/cli/site_config.h"
#include "core/loop/state_folder.h"
#include "core/model/settings.h"

struct command_args;
struct error;
struct secret_sources;
struct secrets;

/* The row of command_option of the settings, which say where secrets are. */
#define SECRET_SESSION_OPTION                                                                      \
    {                                                                                              \
        "config", 0, "FILE", "settings, instead of " SITE_CONFIG_FILE, false                       \
    }

/* All of it is borrowed by the verb. */
struct secret_session {
    const struct command_args *args;
    struct secrets *secrets; /* those of the environment */
    struct secret_sources *sources;
    struct settings settings;
};

/*
 * Finds the places by --state and --config, lets `work` do the verb. A verb that takes a NAME has
 * it checked before. Returns an enum exit_code.
 */
typedef int (*secret_session_cb)(struct secret_session *session);
int secret_session_run(const struct command_args *args, secret_session_cb work);

/* Checks the folder of the state, and makes it for a first secret. Returns an enum exit_code. */
int secret_session_open_folder(const struct secret_session *session, enum state_folder_use use);

/* One line on stderr. Returns EXIT_STATE. */
int secret_session_fail(const struct error *err);

#endif
