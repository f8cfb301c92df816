/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_FORMAT_PARTS_H
#define CORE_MODEL_FORMAT_PARTS_H

/*
 * Format parts: the definitions of the format's JSON Schema: those that come from tables of keys,
 * with what keys say about each other, and those of values that no table knows.
 *
 * Used by:  format_schema.
 * Uses:     format.
 * Threads:  [any]; the tables are constant.
 */

#include <stdbool.h>
#include <stddef.h>

struct format_key;

enum { FORMAT_RULE_MAX_NAMES = 16 };

/* What one key says about others. The lists of names end with NULL. */
struct format_rule {
    const char *beside;                         /* it holds where this key stands, if not NULL, */
    const char *without[FORMAT_RULE_MAX_NAMES]; /* and none of these does */
    const char *unless_type;                    /* nor is this the `type`, if not NULL */
    const char *refused[FORMAT_RULE_MAX_NAMES];
    const char *needed; /* or NULL */
};

enum { FORMAT_PART_MAX_NAMES = 4 };

/* A definition that comes from a table of keys, or from rules alone. */
struct format_part {
    const char *name;
    const struct format_key *table; /* or NULL */
    const char *required[FORMAT_PART_MAX_NAMES];
    const char *also[FORMAT_PART_MAX_NAMES]; /* definitions that hold as well */
    const struct format_rule *rules;         /* ended by one that says nothing; or NULL */
    bool may_be_null;                        /* with nothing behind it, it says nothing */
    bool is_lenient;                         /* keys that do not work yet are not faults */
    const char *const *left_out; /* keys of the table that mean nothing here; NULL-ended or NULL */
};

/* An integration: a map, or the name of a file with it (integration_files.c). */
#define FORMAT_INTEGRATION                                                                         \
    "{\"type\": [\"object\", \"string\"], \"pattern\": \"\\\\.(yaml|yml|json)$\"}"

/* In a profile these stand in place of the definitions of the same name. */
#define FORMAT_PARTS_PROFILE "profile."

/* NULL at the end. */
const struct format_part *format_parts_at(size_t i);

/* A definition as JSON. */
struct format_value {
    const char *name;
    const char *schema;
};

/* NULL at the end. */
const struct format_value *format_parts_value_at(size_t i);

/* Which form a file has, and where each is defined: members of the root. */
extern const char format_parts_root[];

#endif
