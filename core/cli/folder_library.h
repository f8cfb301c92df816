/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_FOLDER_LIBRARY_H
#define CORE_CLI_FOLDER_LIBRARY_H

/*
 * Folder library: folders in which pipelines and profiles are found by their id, when the file that
 * needs them does not have them. Nothing is read before the first id is looked for; then the ids
 * of all files are, and of the contents only what is needed is kept.
 *
 * Of two folders that have an id the first one counts. Two files of one folder that have the same
 * id are no answer. What cannot be read is told when something is not found.
 *
 * Files of settings are found by their name instead: beside the file that names them, else in the
 * folders.
 *
 * Used by:  workspace.
 * Uses:     model (load), file_text.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/base/strmap.h"
#include "core/model/load.h"

struct library_file;
struct library_id;

struct folder_library {
    char *const *folders; /* borrowed */
    size_t folder_count;
    const char *main_file; /* borrowed: the file that needs others; its folder is the last one */
    struct library_file **files;
    size_t file_count;
    size_t file_cap;
    struct library_file **named; /* that were asked for by their name */
    size_t named_count;
    size_t named_cap;
    struct library_id **ids; /* in the order in which they were found */
    size_t id_count;
    size_t id_cap;
    struct strmap by_id;
    struct strbuf trouble; /* of the first file that cannot be read */
    size_t trouble_count;
    bool is_scanned;
};

/* `folders` and `main_file` ("-": the standard input, which has no folder) must outlive it. */
void folder_library_init(struct folder_library *library, char *const *folders, size_t folder_count,
                         const char *main_file);
void folder_library_finish(struct folder_library *library);

/* For load_options; it has `library` as its user. */
struct load_library folder_library_loader(struct folder_library *library);

/* The text of a file that was needed; empty for any other name. */
struct str folder_library_text(const struct folder_library *library, const char *file);

#endif
