/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SECRET_ENV_H
#define CORE_CLI_SECRET_ENV_H

/*
 * Secret env: the secrets of the program's environment, taken out of it, so that neither plugins
 * nor child processes find them there; and their way to another process of this program, which is
 * a file in memory rather than its environment, where others could see them.
 *
 * Used by:  workspace, cmd_secrets, engine_launch.
 * Uses:     value (secrets).
 * Threads:  [main], while it is the only thread: it changes the environment.
 */

struct error;
struct secrets;

/*
 * Reads all variables that begin with OPSTREAM_SECRET_, clears their text and removes them, adds
 * what secret_env_hand_over() has left in the file of SECRET_ENV_HANDED_OVER, and lets nobody but
 * root look into the process from here on. On success `*out_secrets` is owned: secrets_destroy().
 * Fails with E_NOMEM, E_LIMIT; the variables are gone then, too.
 */
int secret_env_take(struct secrets **out_secrets, struct error *err);

/* Names the descriptor of such a file. */
#define SECRET_ENV_HANDED_OVER "OPSTREAM_SECRETS_FD"

/*
 * A file in memory with all variables of `secrets` (may be NULL). `*out_fd` is owned: close(); it
 * is -1 when there are none. Fails with E_IO, E_NOMEM.
 */
int secret_env_hand_over(const struct secrets *secrets, int *out_fd, struct error *err);

#endif
