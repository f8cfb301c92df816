/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_PIECE_H
#define PLUGINS_MESSAGE_PIECE_H

/*
 * Piece: texts cut where a service's limit says so. Lengths are counted in UTF-16 units, as clients
 * count them: never fewer than characters.
 *
 * Used by:  blocks, limits, plugins that write messages.
 * Uses:     text.h of service.
 * Threads:  [any-thread]
 */

#include "service/text.h"

/* How long `s` (UTF-8) is. */
size_t piece_units(ops_str s);

/*
 * How many bytes of `mrkdwn`, which is longer than `most` units, make the first piece: up to a line
 * end or a space in its second half, if there is one, and never inside of a character, of an entity
 * or of <...>, unless that alone is longer than the limit.
 */
size_t piece_cut(ops_str mrkdwn, size_t most);

/* Appends at most `most` units of `s`, "..." at the end when something was cut. */
void piece_append_short(struct text *out, ops_str s, size_t most);

/* Appends `s` as a string of JSON, with its quotes. */
void piece_append_json(struct text *out, ops_str s);

#endif
