/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_GUARDS_H
#define CORE_MODEL_GUARDS_H

/*
 * Guards: whether somebody asks what became of a node before what it may not have is read.
 *
 * `has(a.output) ? a.x : 0` is seen by expr itself. Here are the others: the `status` of the node
 * is compared in the same expression, or the `when` of the node that reads, or of a loop around
 * it, is a question, or several with && between them, to which only one answer lets it run.
 *
 * Used by:  model (references).
 * Uses:     draft, expr.
 * Threads:  [any]
 */

#include <stdbool.h>

#include "core/model/draft.h"

/*
 * Whether `use` reads `field` ("output", "error") of a node, of the run or of the input, only when
 * it is there. `slot` is that of the node, or SLOT_RUN, or SLOT_INPUT, whose field it is then.
 */
bool guards_hold(const struct draft *draft, const struct use *use, int slot, struct str field);

#endif
