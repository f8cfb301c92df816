/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_FILE_INDENT_H
#define PLUGINS_FILE_INDENT_H

/* Indent: JSON as people like to read it. */

#include "opstream/abi.h"

/*
 * `json` (valid, without white space) with line breaks and two spaces a level, or as it is when
 * `is_pretty` is 0, and a line break at the end. 1: `*out_owned` is to be freed, `*out` is a slice
 * of it. 0: out of memory.
 */
int indent_json(ops_str json, int is_pretty, char **out_owned, ops_str *out);

#endif
