/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_KEY_CONFLICT_H
#define CORE_API_KEY_CONFLICT_H

/*
 * Key conflict: a key was given again, with something else than the run that it belongs to was
 * started with: what.
 *
 * Used by:  control_start.
 * Uses:     journal, loop (struct loop_key), value.
 * Threads:  [loop]
 */

#include "core/base/str.h"

struct document;
struct error;
struct journal_reader;
struct loop_key;

/* The request that came second; all borrowed. */
struct key_request {
    struct str key;
    struct str definition; /* digest */
    struct str workflow;
    const struct document *input;
};

/* Returns E_CONFLICT, with the difference, as far as it can be read, in `err`. */
int key_conflict(struct journal_reader *reader, const struct loop_key *known,
                 const struct key_request *asked, struct error *err);

#endif
