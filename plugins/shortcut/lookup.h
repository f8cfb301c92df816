/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SHORTCUT_LOOKUP_H
#define PLUGINS_SHORTCUT_LOOKUP_H

/*
 * Lookup: of one name in a list of what is there, and what to say when it is none, or several.
 *
 * Used by:  names.
 * Uses:     directory.h, service/.
 * Threads:  [strand]
 */

#include "directory.h"

/* What is looked for, and where. Borrowed. */
struct lookup {
    const char *noun;  /* for people: "workflow state"; static */
    const char *field; /* of the config, for people; static */
    const char *hint;  /* what to do when several have that name; static */
    ops_val list;
    ops_val within; /* only inside of the entry with this id; 0: of all */
    int is_inside;  /* it is inside of an entry */
    int is_person;  /* people are shown by their mention names */
    ops_str name;
};

/* What has that name. End it with text_finish(&found->all). */
struct lookup_found {
    uint32_t n;
    ops_val entry;   /* the first */
    struct text all; /* for people */
};

/*
 * By id, name, mention name (with or without @) and mail address as they are written; only where
 * there is none, whatever the case. `found` is all zero.
 */
void lookup_find(const struct lookup *lookup, struct lookup_found *found);

/* Both end the task and return the code: a list of what there is; what has the name. */
ops_status lookup_fail_unknown(struct service_call *call, const struct lookup *lookup);
ops_status lookup_fail_ambiguous(struct service_call *call, const struct lookup *lookup,
                                 const struct lookup_found *found);

/* 1 when both are the same text. */
int lookup_is_same(ops_str a, ops_str b);

#endif
