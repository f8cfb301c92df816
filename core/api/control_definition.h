/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_CONTROL_DEFINITION_H
#define CORE_API_CONTROL_DEFINITION_H

/*
 * Control definitions: what clients bring, checked and loaded. Who starts the same again and again
 * brings the same text each time: the latest ones are kept, and found by their text and the values
 * of the environment that loading them read.
 *
 * Used by:  control, control_start.
 * Uses:     model.
 * Threads:  [loop]
 */

#include <stdbool.h>

#include "core/base/digest.h"
#include "core/base/str.h"

struct definitions;
struct env_reading;
struct error;
struct load_options;

enum {
    CONTROL_DEFINITIONS_MOST = 32,
    CONTROL_DEFINITIONS_MAX_BYTES = 1024 * 1024, /* of their texts and bundles */
};

/* One that is loaded; it never changes. */
struct control_definition {
    struct definitions *definitions;
    struct str bundle; /* its text */
    char digest[DIGEST_HEX_SIZE];
    struct str compiled_by;
    /* of the list that keeps it: */
    struct control_definition *next; /* used longer ago */
    struct str text;
    struct str id;
    bool is_bundle;
    struct env_reading *readings; /* of the environment */
};

/* All borrowed. */
struct control_definition_wish {
    struct str text;
    bool is_bundle;                     /* else YAML or JSON without any library */
    struct str id;                      /* that is wanted of a text; empty: all */
    const struct load_options *options; /* `file`, `id` and `library` do not count */
    const char *program;                /* for layout_write() */
};

/*
 * Finds it in `*list`, or loads and adds it; but for `env` and `user` the options are those of all
 * that are in the list. `*out_definition` is borrowed from the list, until
 * control_definitions_trim(). Fails with E_INVALID and E_NOT_FOUND (`err` says what is wrong with
 * it), E_LIMIT, E_VERSION, E_NOMEM.
 */
int control_definition_find(struct control_definition **list,
                            const struct control_definition_wish *wish,
                            const struct control_definition **out_definition, struct error *err);

/* Drops those used longest ago when there are too many, and what is too much beside later ones. */
void control_definitions_trim(struct control_definition **list);

void control_definitions_finish(struct control_definition **list);

#endif
