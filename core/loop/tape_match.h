/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_TAPE_MATCH_H
#define CORE_LOOP_TAPE_MATCH_H

/*
 * Tape match: which call of a tape is the one that is made, and what to say when none is.
 *
 * Calls are the same by method, URL and body; in these, *** of the tape is any text. Of several
 * that are the same the first that was not used counts.
 *
 * Used by:  tape; for the files of this folder alone.
 * Uses:     tape_call.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/base/str.h"

struct tape_call;
struct tape_request;
struct tape_row;

/* Whether `given` is what the tape has, where *** is any text. */
bool tape_match_text(struct str recorded, struct str given);

/* The first call that was not used, or NULL. The texts of `given` are masked. */
struct tape_call *tape_match_find(const struct tape_row *row, const struct tape_request *given);

/* Appends why there is none: the nearest call, and in what it differs. */
void tape_match_append_why(const struct tape_row *row, const struct tape_request *given,
                           struct strbuf *out);

#endif
