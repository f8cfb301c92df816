/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SITE_CONFIG_H
#define CORE_CLI_SITE_CONFIG_H

/*
 * Site config: what opstream.yaml says for all pipelines of this machine.
 *
 * Used by:  workspace, state_owner, cmd_serve.
 * Uses:     model (settings), file_text, terminal.
 * Threads:  [main]
 */

struct error;
struct loop;
struct secret_sources;
struct settings;

#define SITE_CONFIG_FILE "/etc/opstream/opstream.yaml"

/*
 * Reads `path`, or SITE_CONFIG_FILE when it is NULL; that one need not be there: then all is as
 * without settings. `*out_settings` is to be ended in every case: settings_finish().
 * Returns EXIT_DONE; EXIT_USAGE (no such file) or EXIT_INVALID after saying on stderr what is
 * wrong.
 */
int site_config_read(const char *path, struct settings *out_settings);

/*
 * Secrets come from here on from where `settings` say, and go where they say; their folder is
 * private. E_NOMEM, E_LIMIT: there are too many such folders.
 */
int site_config_secrets(const struct settings *settings, struct secret_sources *sources,
                        struct error *err);

/* What the loop accepts is from here on what `settings` say. */
void site_config_bound(const struct settings *settings, struct loop *loop);

#endif
