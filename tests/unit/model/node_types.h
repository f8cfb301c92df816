/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MODEL_NODE_TYPES_H
#define TESTS_UNIT_MODEL_NODE_TYPES_H

/*
 * A catalogue for tests: the node types http (closed output), code (raw field, processes),
 * split (ports), filter (an expression field), emit (a stream), and broken.node, whose plugin
 * cannot be used.
 *
 * Used by:  tests of what loads pipelines.
 * Uses:     model (catalogue, engine types), value.
 * Threads:  [main]
 */

#include "core/model/catalogue.h"

struct engine_types;

enum { NODE_TYPES_COUNT = 6 };

struct node_types {
    struct catalogue catalogue;
    struct engine_types *engine_types;
    struct node_type types[NODE_TYPES_COUNT]; /* in order of name */
    struct plugin_type plugins[3];
    struct schema *schemas[8];
    size_t schema_count;
};

/* Ends the test program when it fails. */
void node_types_init(struct node_types *types);
void node_types_finish(struct node_types *types);

#endif
