/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_NAME_HINT_H
#define CORE_MODEL_NAME_HINT_H

/*
 * Name hint: what was probably meant by a name in an expression that nothing here has, when it is
 * no near spelling of one: a key of the input, a constant, a node whose id is no name, or what
 * other tools call so.
 *
 * Used by:  model (lookup).
 * Uses:     draft, base.
 * Threads:  [any]; one draft belongs to one thread at a time.
 */

#include <stdint.h>

#include "core/base/str.h"

struct draft;

/* The hint, in the draft's arena; empty when there is none. `body`: where the name is used. */
struct str name_hint(struct draft *draft, uint32_t body, struct str name);

#endif
