/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_LOAD_H
#define CORE_MODEL_LOAD_H

/*
 * Load: from the text of a file to checked pipelines, or to everything that is wrong with it.
 *
 * Used by:  cli, tests.
 * Uses:     base, value, expr. Reading the file is the caller's.
 * Threads:  [any]
 */

#include <stddef.h>

#include "core/base/str.h"

struct catalogue;
struct diagnostics;
struct document;
struct engine_types;
struct error;
struct pipeline;

struct load_options {
    const struct catalogue *catalogue;       /* of the plugins */
    const struct engine_types *engine_types; /* kept as long as the pipelines */
    struct str file; /* the name for messages and to tell JSON (.json) from YAML */
    struct str id;   /* the pipeline wanted (FILE#ID), or empty */
    /* The environment variable `name`, NULL when not set. */
    const char *(*env)(void *user, struct str name);
    void *user;
    unsigned flags;                /* LOAD_* */
    const struct document *config; /* constants below those of the pipelines, a map; may be NULL */
};

enum load_flags {
    LOAD_STRICT = 1u << 0, /* warnings about named ends and the like are errors */
    LOAD_START = 1u << 1,  /* it is going to run: unset variables are errors */
};

/* The pipelines of one file. */
struct definitions {
    struct pipeline **pipelines; /* NULL for one that has errors or is a profile */
    struct str *ids;
    size_t count;
};

/*
 * Reads `text` (borrowed) and adds everything that is wrong, and warnings, to `diagnostics`.
 * Returns 0 when there is no error; E_INVALID when there are, E_NOT_FOUND when `options->id`
 * names none (the message lists those there are), E_NOMEM.
 * `*out_definitions` is owned by the caller in the case of 0: definitions_destroy().
 */
int load_text(struct str text, const struct load_options *options, struct diagnostics *diagnostics,
              struct definitions **out_definitions, struct error *err);

void definitions_destroy(struct definitions *definitions);

#endif
