/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_CONFIG_MUTANT_H
#define CORE_CHECKER_CONFIG_MUTANT_H

/*
 * Config mutants: a config with one thing in it made otherwise: a member left out, added or
 * misspelt, a value of another type, at a boundary, very long, or of a kind that programs stumble
 * over. Whether a schema allows the result is for the schema to say.
 *
 * Used by:  rules on what runs.
 * Uses:     value, chance.
 * Threads:  [any]
 */

#include <stddef.h>

struct chance;
struct document;
struct error;

/*
 * A copy of `document` (borrowed) with one change. On success `*out_document` is owned:
 * document_unref(); `out_what` (of `size` bytes) says what was done: "/a/0 = -1". Fails with
 * E_NOMEM, E_LIMIT.
 */
int config_mutate(const struct document *document, struct chance *chance,
                  struct document **out_document, char *out_what, size_t size, struct error *err);

#endif
