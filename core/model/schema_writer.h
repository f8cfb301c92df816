/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SCHEMA_WRITER_H
#define CORE_MODEL_SCHEMA_WRITER_H

/*
 * Schema writer: a builder for JSON Schemas, parts of which are constant JSON texts of ours.
 *
 * Used by:  format_schema, node_schema.
 * Uses:     value.
 * Threads:  [any]; one writer belongs to one thread.
 */

#include "core/base/str.h"

struct builder;

struct schema_writer {
    struct builder *b; /* of the caller; NULL is out of memory */
    int status;        /* E_NOMEM: something is missing in what was built */
};

/* "#/$defs/config.http" */
struct schema_pointer {
    char text[320];
};

/* The pointer to the definition PREFIX.NAME, or to PREFIX when `name` is empty. */
struct schema_pointer schema_writer_pointer(const char *prefix, struct str name);

/* The key of that definition, and the beginning of a map. */
void schema_writer_define(struct schema_writer *writer, const char *prefix, struct str name);

/* The member "$ref" to that definition. */
void schema_writer_ref(struct schema_writer *writer, const char *prefix, struct str name);

/* Adds the members of the object that `json` is to the open map. */
void schema_writer_members(struct schema_writer *writer, const char *json);

/* Adds the value that `json` is. */
void schema_writer_value(struct schema_writer *writer, const char *json);

#endif
