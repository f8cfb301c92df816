/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_NODE_SCHEMA_H
#define CORE_MODEL_NODE_SCHEMA_H

/*
 * Node schema: the part of the format's schema that comes from the node types and the plugins:
 *
 *     type, service     the names that there are
 *     typed             what a node's type, or its service and action, say about the rest
 *     acted             the same for a state's {service, method, params}
 *     node.TYPE         the keys of a node of the type
 *     config.TYPE       its config as it is written
 *     integrations, settings.PLUGIN
 *
 * Used by:  format_schema.
 * Uses:     catalogue, engine_types, template_schema, schema_writer.
 * Threads:  [loop], as the catalogue.
 */

struct catalogue;
struct engine_types;
struct schema_writer;
struct value;

struct node_schema_types {
    const struct catalogue *catalogue;
    const struct engine_types *engine_types;
};

/*
 * Adds these definitions to the open map. `policies` (borrowed) are the properties that an
 * integration has beside the plugin's settings.
 */
void node_schema_define(struct schema_writer *writer, const struct node_schema_types *types,
                        const struct value *policies);

#endif
