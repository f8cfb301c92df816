/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_FILE_ACTIONS_H
#define PLUGINS_FILE_ACTIONS_H

/*
 * The node types. Each runs on the job pool, may block, and ends the task; but for file.lines,
 * which runs on the strand, has jobs do its work, and ends the task later.
 */

#include "opstream/sdk.h"
#include "place.h"

void file_read_execute(ops_node *node, ops_task task, ops_val config);
void file_lines_execute(ops_node *node, ops_task task, ops_val config);
void file_write_execute(ops_node *node, ops_task task, ops_val config);
void file_list_execute(ops_node *node, ops_task task, ops_val config);
void file_glob_execute(ops_node *node, ops_task task, ops_val config);

enum { TIME_TEXT_BYTES = 40 };

/* "2025-01-31T14:22:33.123Z". */
void file_format_time(struct timespec time, char out[TIME_TEXT_BYTES]);

#endif
