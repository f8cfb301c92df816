/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SHORTCUT_DIRECTORY_H
#define PLUGINS_SHORTCUT_DIRECTORY_H

/*
 * Directory: what a workspace of Shortcut has that people call by name: workflows and their states,
 * teams, members, projects, epics and their states, iterations, custom fields. A list is fetched
 * when it is needed first, and then kept in memory by the node's instance for DIRECTORY_KEPT_MS: a
 * thousand stories do not ask a thousand times who Ada is. Who does not find a name in a kept list
 * fetches it once more.
 *
 * Entries have the members `id` and `name`; `mention` and `mail` where there are such; `inside` has
 * the states of a workflow, the values of a custom field.
 *
 * Used by:  names.
 * Uses:     service/.
 * Threads:  [strand]
 */

#include "service/call.h"

enum { DIRECTORY_KEPT_MS = 5 * 60 * 1000 };

enum directory_kind {
    DIRECTORY_WORKFLOWS,
    DIRECTORY_TEAMS,
    DIRECTORY_MEMBERS,
    DIRECTORY_PROJECTS,
    DIRECTORY_EPICS,
    DIRECTORY_EPIC_STATES,
    DIRECTORY_ITERATIONS,
    DIRECTORY_CUSTOM_FIELDS,
    DIRECTORY_WORKSPACE, /* one entry, which has `default_workflow_id` only */
    DIRECTORY_KINDS,
};

/* Of one task. All zero has nothing. */
struct directory {
    ops_val lists[DIRECTORY_KINDS]; /* 0: not there yet */
    uint32_t fetched;               /* bits by kind: by this task itself */
};

/* The list, if it is there or kept; 0: fetch it. */
ops_val directory_find(struct service_call *call, struct directory *directory,
                       enum directory_kind kind);

/* Fetches the list, then calls `go_on`; a failure ends the task. One at a time. */
void directory_fetch(struct service_call *call, struct directory *directory,
                     enum directory_kind kind, void (*go_on)(struct service_call *call));

/* Where a walk over a list is; all zero is its begin. What is archived or disabled is passed over.
 */
struct directory_walk {
    uint64_t at;     /* of the next in the list */
    uint64_t inside; /* of the next inside of `around` */
    ops_val entry;
    ops_val around; /* the entry that `entry` is inside of; 0: none */
};

/* Goes to the next entry, or to the next that is inside of one; 0: there is none. */
int directory_next(ops_val list, int is_inside, struct directory_walk *walk);

#endif
