/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_MAN_PAGES_H
#define CORE_CLI_MAN_PAGES_H

/*
 * Man pages: all manual pages, as files of a folder: opstream.1, one for each command and verb,
 * opstream.yaml.5, opstream-pipeline.5, opstream-plugin.json.5.
 *
 * Used by:  cmd_help.
 * Uses:     man_command, man_format, man_manifest.
 * Threads:  [main]
 */

struct error;

/* The folder is there. Fails with E_IO, E_NOMEM. */
int man_pages_write(const char *folder, struct error *err);

#endif
