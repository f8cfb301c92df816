/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_TEMPLATE_TREE_H
#define CORE_CLI_TEMPLATE_TREE_H

/*
 * Template tree: a folder of template files, made into a folder of somebody's own.
 *
 * Used by:  cmd_plugin_new.
 * Uses:     base, file_text, template_text.
 * Threads:  [main]
 */

#include <stddef.h>

#include "core/cli/template_text.h"

struct error;

/*
 * Writes what is in the folder `from` into `to`, with the words replaced in each file. `to` is made
 * if it is not there; one that is there must be empty. A name that begins with "dot-" begins with
 * "." then; a file that begins with "#!" can be executed. On failure all that was written is
 * removed again. E_EXISTS: `to` is no empty folder; E_NOT_FOUND: there is no `from`; E_IO;
 * E_INVALID: see template_text_expand(); E_NOMEM.
 */
int template_tree_copy(const char *from, const char *to, const struct template_word *words,
                       size_t count, size_t *out_files, struct error *err);

#endif
