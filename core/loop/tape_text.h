/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_TAPE_TEXT_H
#define CORE_LOOP_TAPE_TEXT_H

/*
 * Tape text: a tape as a file, JSON Lines. The first line says which version of this form it is
 * in, each other one is a call:
 *
 *     {"opstream_tape":1}
 *     {"request":{"method":"POST","url":"https://api.example.com/items","headers":[["Accept","*"]],
 *      "json":{"name":"a"}},"response":{"status":201,"headers":[],"json":{"id":7},"took_ms":12.5}}
 *
 * A body is "json" where it is JSON without white space, "body" where it is text, "bytes" (each
 * one a character up to U+00FF) where it is neither, and "left_out" (how many bytes) where it was
 * too large. "took_ms" is the time that plugins are told the call took: nobody waits for it.
 * In place of "response" may be "failure": {"code", "symbol", "message", "hint", "maybe_done"}.
 * Three stars stand for what nobody may see.
 *
 * Used by:  tape; for the files of this folder alone.
 * Uses:     tape_call, model (trees with places), value.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct diagnostics;
struct error;
struct mask;
struct tape_call;
struct tape_row;

enum { TAPE_VERSION = 1 };

void tape_text_append_head(struct strbuf *out);

/*
 * Appends the line of a call that is over. What `mask` (NULL: nothing) finds, and the values of
 * headers that have credentials by their name, become ***. See strbuf_status().
 */
void tape_text_append_call(const struct tape_call *call, const struct mask *mask,
                           struct strbuf *out);

/*
 * Reads the whole `text` of the file `name` (NUL-terminated) into `row`, which keeps nothing of
 * them. What is wrong is added to `diagnostics`, with its place. Fails with E_INVALID, E_NOMEM.
 */
int tape_text_read(const char *name, struct str text, struct diagnostics *diagnostics,
                   struct tape_row *row);

/* Whether a header of this name has a credential, whatever its value looks like. */
bool tape_text_is_credential(struct str name);

#endif
