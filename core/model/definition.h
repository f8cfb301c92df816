/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_DEFINITION_H
#define CORE_MODEL_DEFINITION_H

/*
 * Definitions: the pipelines and profiles that the files of one load_text() have, found by id,
 * and those among them that are needed. Files of the library are opened when an id is not in the
 * file that asks for it. Nothing is read more than once.
 *
 * Used by:  load, profile, integration_files, child, config, recursion.
 * Uses:     draft, tree, group.
 * Threads:  [any]; one loading belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/base/strmap.h"
#include "core/model/report.h"

struct definition;
struct diagnostics;
struct error;
struct load_options;
struct loader;
struct loading;
struct pipeline;
struct pipeline_group;
struct schema;
struct tree;

/* One pipeline or profile. */
struct definition {
    struct loader *loader;    /* its file */
    const struct tree *tree;  /* its map, as it is written: later with files of settings in it */
    const struct tree *whole; /* with what it extends; NULL until profile_resolve() */
    struct str key;           /* under `workflows:`, or empty */
    struct str id;
    bool is_needed;            /* it is in the row, or has been */
    struct definition *next;   /* in the row */
    struct pipeline *pipeline; /* when it is right and has a body; the group's */
    struct schema *input;      /* definition_input(); owned */
    bool has_input;            /* that was made */
};

/* One call of load_text(). */
struct loading {
    const struct load_options *options;
    struct diagnostics *diagnostics;
    struct pipeline_group *group;
    struct loader **files; /* by number: the one that was asked for first */
    const struct report **reports;
    size_t file_count;
    size_t file_cap;
    size_t report_cap;
    struct definition *first; /* needed and not read yet */
    struct definition *last;
    struct place any_place;        /* a node that may run any pipeline; line 0: there is none */
    struct strmap missing_secrets; /* that were told, with the diagnostics that have it */
};

/* Ends everything but what is in the group. */
void loading_finish(struct loading *loading);

/* What is reported from now on goes to `diagnostics` (kept). */
void loading_report_to(struct loading *loading, struct diagnostics *diagnostics);

/*
 * Reads the file `name` with its `text` (kept until the end) as far as its definitions, and
 * reports what is wrong. `*out_file` is the loading's, also with E_INVALID. Fails with E_NOMEM.
 */
int definition_open(struct loading *loading, struct str name, struct str text,
                    struct loader **out_file);

/* Puts it in the row of those that are to be read. */
void definition_need(struct loading *loading, struct definition *definition);

/* Takes the first one out of the row; NULL at the end. */
struct definition *definition_next(struct loading *loading);

/*
 * The definition `id` as those of `from` mean it: of the same file, else of the library.
 * `*out_definition` is NULL when there is none: `err` then says where it was looked for, or is
 * empty when the reason is reported already. Fails with E_NOMEM.
 */
int definition_find(struct loader *from, struct str id, struct definition **out_definition,
                    struct error *err);

/* When definition_find() gave none as two files have it (`err` of that call): reports that. */
bool definition_is_doubled(const struct loader *from, struct place place, struct str id,
                           const struct error *err);

/*
 * What the file `name`, as `from` names it, says of one part of a definition: `part` (static) is
 * DEFINITION_SETTINGS or DEFINITION_CONFIG. Borrowed; read once. NULL: `err` says why it is not to
 * be had and where it was looked for, or is empty when that is reported already. Fails with
 * E_NOMEM.
 */
#define DEFINITION_SETTINGS "settings"
#define DEFINITION_CONFIG   "config"
int definition_part(struct loader *from, const char *part, struct str name,
                    const struct tree **out_map, struct error *err);

/* The nearest id to a wrong one, of those that `from` can name; empty when none is near. */
struct str definition_nearest(struct loader *from, struct str id);

/* It can be run: it is no profile. */
bool definition_has_body(const struct definition *definition);

/*
 * The JSON Schema of its input, borrowed; NULL when there is none or it is wrong, which is
 * reported when the definition is read. Fails with E_NOMEM.
 */
int definition_input(struct definition *definition, const struct schema **out_schema);

/*
 * profile.c: the definition with what it extends, chains resolved; also when something is wrong
 * with `extends`, which is reported. Fails with E_NOMEM.
 */
int profile_resolve(struct definition *definition);

/*
 * integration_files.c: puts the settings in the place of the names of their files, and the config
 * of load_options.node_config in its place, in the tree of `definition`; what is wrong with them is
 * reported. Fails with E_INVALID when there is no config to be had, E_NOMEM.
 */
int integration_files_read(struct definition *definition);

#endif
