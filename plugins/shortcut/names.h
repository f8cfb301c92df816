/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SHORTCUT_NAMES_H
#define PLUGINS_SHORTCUT_NAMES_H

/*
 * Names: of states, teams, people and so on, as configs have them, in the place of the ids that
 * Shortcut wants. An id goes as it is: a whole number, or a UUID where ids are UUIDs. A name is
 * looked up (lookup.h). One that is not there ends the task, and the error lists those that are.
 *
 * Used by:  the shortcut plugin.
 * Uses:     directory.h, lookup.h, service/.
 * Threads:  [strand]
 */

#include "directory.h"
#include "service/call.h"

#define NAMES_MANY 1u /* a list of names */
#define NAMES_STATE                                                                                \
    2u /* a state, inside of "workflow" if that is given; a new story gets the first */
#define NAMES_VALUES 4u /* a map of custom fields and their values */

/* A field of the config; a table ends with a row without `field`. */
struct names_field {
    const char *field;
    const char *sent; /* the member of the body that gets the id; NULL: it is not sent */
    const char *noun; /* for people: "workflow state" */
    enum directory_kind kind;
    uint32_t flags; /* NAMES_* */
};

enum { NAMES_FIELDS = 12 }; /* of one table, at most */

/* Finds the ids of all that the config has of `fields`, then begins the operation. */
void names_begin(struct service_call *call, const struct names_field *fields);

/* Adds the ids that were found; a null is sent as null. */
void names_add_body(struct service_call *call, struct ops_map *body);

#endif
