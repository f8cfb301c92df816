/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SECRET_ENV_H
#define CORE_CLI_SECRET_ENV_H

/*
 * Secret env: the secrets of the program's environment, taken out of it, so that neither plugins
 * nor child processes find them there.
 *
 * Used by:  workspace.
 * Uses:     value (secrets).
 * Threads:  [main], while it is the only thread: it changes the environment.
 */

struct error;
struct secrets;

/*
 * Reads all variables that begin with OPSTREAM_SECRET_, clears their text and removes them, and
 * lets nobody but root look into the process from here on. On success `*out_secrets` is owned:
 * secrets_destroy().
 * Fails with E_NOMEM, E_LIMIT; the variables are gone then, too.
 */
int secret_env_take(struct secrets **out_secrets, struct error *err);

#endif
