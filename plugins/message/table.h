/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_TABLE_H
#define PLUGINS_MESSAGE_TABLE_H

/*
 * Table: one of Markdown as lines of text: with aligned columns for a font of one width, or, where
 * that would be wider than a message, an item per row.
 *
 * Used by:  blocks.
 * Uses:     inline.h, piece.h.
 * Threads:  [any-thread]
 */

#include "service/text.h"

enum { TABLE_COLUMNS = 20, TABLE_WIDTH = 76 };

/* Whether `line` and the one after it begin a table. */
int table_begins(ops_str line, ops_str after);

/*
 * Appends the table as plain lines of aligned columns, without a line end after the last one. 0,
 * and nothing is appended: it is too wide for that.
 */
int table_append_columns(struct text *out, ops_str table);

/* Appends it as mrkdwn, a line per row: "• *Name:* Ada · *Age:* 36". */
void table_append_items(struct text *out, ops_str table);

#endif
