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

/* A file of the library. Both are borrowed and live until load_text() returns. */
struct load_library_text {
    struct str file; /* the name for messages; the same file always has the same name */
    struct str text;
};

/* Where pipelines, profiles and files of settings are found that are not in the file itself. */
struct load_library {
    void *user;
    /*
     * The file that has the definition `id`. E_NOT_FOUND: `err` says where it was looked for and
     * what could not be read ("the folder searched: DIR"); E_CONFLICT: it is there twice, `err`
     * says where ("both 'A' and 'B' have it"); E_NOMEM.
     */
    int (*find)(void *user, struct str id, struct load_library_text *out_text, struct error *err);
    /* The i-th id there is; empty at the end. */
    struct str (*id_at)(void *user, size_t i);
    /*
     * The file `name`, as the file `from` names it: beside that one, else in the library. Fails
     * as find(), but for E_CONFLICT; E_IO: it is there and cannot be read, as `err` says. NULL:
     * there are no such files.
     */
    int (*find_file)(void *user, struct str from, struct str name,
                     struct load_library_text *out_text, struct error *err);
};

/* Who knows which secrets there are. */
struct load_secrets {
    void *user;
    /*
     * 0: `name` is there and can be used; E_NOMEM; else `err` says what is wrong ("the secret 'x'
     * is not set"), and `cure`, to which it may append, what to do.
     */
    int (*check)(void *user, struct str name, struct strbuf *cure, struct error *err);
};

struct load_options {
    const struct catalogue *catalogue;       /* of the plugins */
    const struct engine_types *engine_types; /* kept as long as the pipelines */
    struct str file; /* the name for messages and to tell JSON (.json) from YAML */
    struct str id;   /* the pipeline wanted (FILE#ID), or empty */
    /* The environment variable `name`, NULL when not set. */
    const char *(*env)(void *user, struct str name);
    void *user;
    const struct load_secrets *secrets; /* NULL: they are variables that `env` has */
    const struct load_library *library; /* NULL: there is none */
    unsigned flags;                     /* LOAD_* */
    const struct document *config; /* constants below those of the pipelines, a map; may be NULL */
    /*
     * Of a definition that is one node: the file with its config, which is found as files of
     * settings are; empty: the config, if any, is in the definition.
     */
    struct str node_config;
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

/*
 * Tells the ids of the pipelines and profiles of `text` (borrowed) without checking them, in their
 * order; `id` is borrowed for the call. A file that is something else has none.
 * Fails with E_INVALID when it cannot be read: `err` says why, with the place; E_NOMEM, or what
 * `on_id` returned.
 */
typedef int (*load_id_cb)(void *user, struct str id);
int load_ids(struct str text, struct str file, load_id_cb on_id, void *user, struct error *err);

void definitions_destroy(struct definitions *definitions);

#endif
