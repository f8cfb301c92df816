/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_FILE_TEXT_H
#define CORE_CLI_FILE_TEXT_H

/*
 * File text: a whole file or the whole standard input, up to a limit.
 *
 * Used by:  workspace, run_input, folder_library, site_config.
 * Uses:     base.
 * Threads:  [main]
 */

#include <stddef.h>

struct error;

/*
 * Reads the whole of `name` ("-": the standard input), at most `limit` bytes, into owned text
 * (free() it). Fails with E_NOT_FOUND, E_IO, E_LIMIT, E_NOMEM.
 */
int file_text_read(const char *name, size_t limit, char **out_text, size_t *out_size,
                   struct error *err);

#endif
