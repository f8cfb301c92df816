/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_COMPILER_H
#define CORE_VALUE_SCHEMA_COMPILER_H

/*
 * What the parts of the schema compiler share: schema_compile.c drives, schema_keywords.c knows the
 * keywords, schema_refs.c finds what $ref names, schema_strict.c refuses what is no keyword.
 *
 * Nodes are compiled in the order in which they were added, without recursion: a keyword that
 * holds subschemas adds them as nodes and goes on, so the rules of a node are contiguous.
 *
 * Used by:  schema_compile.c, schema_keywords.c, schema_refs.c, schema_strict.c.
 * Uses:     schema_node, base.
 * Threads:  [any]; one compiler belongs to one thread.
 */

#include "core/base/arena.h"
#include "core/base/strmap.h"
#include "core/value/schema_node.h"

struct error;

/* A part of the document with a URI of its own: the whole, and what has an $id. */
struct schema_resource {
    struct str uri; /* without fragment; empty when nothing gives one */
    const struct value *root;
};

/* Where a node was found: for messages, and for what its $ref means. */
struct schema_origin {
    uint32_t parent;    /* SCHEMA_NO_NODE: `keyword` is the whole pointer */
    struct str keyword; /* "properties" */
    struct str key;     /* the member below it, when `has_key` */
    uint32_t index;     /* the item below it, when `has_index` */
    bool has_key;
    bool has_index;
    const struct schema_resource *resource;
};

struct schema_reference {
    uint32_t node;
    uint32_t rule;
};

struct compiler {
    struct schema *schema;
    struct schema_origin *origins; /* one for each node */
    size_t origin_cap;
    struct schema_reference *references; /* every $ref */
    size_t reference_count;
    size_t reference_cap;
    size_t pattern_count;
    struct arena arena;      /* of what only the compiler needs */
    struct strmap by_value;  /* address of a source → 1 + its node */
    struct strmap resources; /* URI → struct schema_resource */
    struct strmap anchors;   /* "URI#name" → the const struct value that has it */
    uint32_t node;           /* the node that is being compiled */
    bool is_strict;          /* unknown keywords are refused */
    struct error *err;
};

/*
 * Fails at `keyword` (empty: at the node itself) of node `node`: the message begins with the
 * JSON pointer. Returns `code`.
 */
int compiler_fail_at(struct compiler *c, uint32_t node, struct str keyword, int code,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Adds `source` as a subschema that is compiled later. Fails with E_INVALID, E_LIMIT, E_NOMEM. */
int compiler_add_node(struct compiler *c, const struct value *source,
                      const struct schema_origin *origin, uint32_t *out_node);

/* A new, empty rule of the node that is being compiled; NULL when out of memory. */
struct schema_rule *compiler_add_rule(struct compiler *c, enum schema_rule_kind kind);

/* Adds an entry; a rule's entries are added one behind the other. E_NOMEM. */
int compiler_add_entry(struct compiler *c, struct schema_entry entry);

/* Compiles all keywords of the node that is being compiled (a map). */
int compiler_read_keywords(struct compiler *c);

/*
 * Refuses a key of the node that is being compiled unless it is $id or its like, one that begins
 * with x- and is the author's, or a mark of ours as it should be. Slow: for keys that are no rows.
 */
int compiler_check_strictly(struct compiler *c, struct str key, const struct value *operand);

/* Takes note of $id, $anchor and $dynamicAnchor of the node that is being compiled. */
int compiler_read_names(struct compiler *c);

/* Gives the reference its node, which it adds when nothing else has. */
int compiler_resolve(struct compiler *c, struct schema_reference reference);

/* Fails with E_INVALID when references loop without going down into the data. */
int compiler_refuse_loops(struct compiler *c);

#endif
