/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_MANIFEST_FILE_H
#define CORE_CLI_MANIFEST_FILE_H

/*
 * Manifest file: the manifest.json of a plugin's author, before a plugin is made with it: checked
 * by all that a host checks, so that what is wrong has its place in the file that is to be mended.
 *
 * Used by:  cmd_plugin_inspect.
 * Uses:     host (manifest, version), file_text.
 * Threads:  [main]
 */

#include "core/host/host.h"

struct manifest;
struct schema;

struct manifest_file {
    struct schema *form;
    struct manifest *manifest;
    char *text;
    char *problem;
    struct host_plugin_file info; /* as that of a plugin; its texts are the manifest's */
};

/*
 * Reads the file `name` (borrowed until the end). Returns EXIT_DONE, also when this opstream could
 * not use the plugin: `info.problem`; EXIT_INVALID after a line on stderr when it is no manifest;
 * EXIT_USAGE when it cannot be read; EXIT_STATE. End it in every case with manifest_file_finish().
 */
int manifest_file_read(struct manifest_file *file, const char *name);
void manifest_file_finish(struct manifest_file *file);

#endif
