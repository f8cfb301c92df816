/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SITE_CONFIG_H
#define CORE_CLI_SITE_CONFIG_H

/*
 * Site config: the constants of opstream.yaml, for all pipelines of this machine.
 *
 * Used by:  workspace.
 * Uses:     model (settings), file_text, terminal.
 * Threads:  [main]
 */

struct document;

#define SITE_CONFIG_FILE "/etc/opstream/opstream.yaml"

/*
 * Reads `path`, or SITE_CONFIG_FILE when it is NULL; that one need not be there. `*out_config` is
 * a map, owned: document_unref(), or NULL when there is no file.
 * Returns EXIT_DONE; EXIT_USAGE (no such file) or EXIT_INVALID after saying on stderr what is
 * wrong.
 */
int site_config_read(const char *path, struct document **out_config);

#endif
