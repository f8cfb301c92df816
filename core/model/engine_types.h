/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_ENGINE_TYPES_H
#define CORE_MODEL_ENGINE_TYPES_H

/*
 * The engine's own node types: start, passthrough, set, conditional, router, wait, fail, ...
 *
 * Used by:  model, cli.
 * Uses:     value (their schemas).
 * Threads:  [any] once engine_types_create() has returned.
 */

#include <stddef.h>

#include "core/base/str.h"
#include "core/model/pipeline.h"

struct engine_types;
struct error;
struct node_type;

/* On success `*out_types` is owned: engine_types_destroy(). Fails with E_NOMEM. */
int engine_types_create(struct engine_types **out_types, struct error *err);
void engine_types_destroy(struct engine_types *types);

/* The type `name`, or NULL; `out_kind` may be NULL. */
const struct node_type *engine_types_find(const struct engine_types *types, struct str name,
                                          enum node_kind *out_kind);

/* The type of nodes of this kind; of NODE_GROUP and NODE_IDLE one that has no config. */
const struct node_type *engine_types_of(const struct engine_types *types, enum node_kind kind);

/* The i-th in order of name, NULL at the end. */
const struct node_type *engine_types_at(const struct engine_types *types, size_t i);

#endif
