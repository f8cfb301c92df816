/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CGROUP_HOME_H
#define CORE_HOST_CGROUP_HOME_H

/*
 * Cgroup home: this engine's part of the control groups, in which each step with limits gets a
 * group (cgroup_step.h). The picture is in cgroup.h.
 *
 * A group whose parent gives it controllers must not share that parent with processes: where the
 * engine stands in it with nobody but its children, all of them move to a group of their own. Other
 * processes are never moved: with them there, groups have no controllers, and still are ended as a
 * whole and count what they compute.
 *
 * The folder is locked as long as its engine lives. Who finds one that is not ends what is left of
 * its steps and removes it.
 *
 * Nothing of this is an error: what cannot be had is named, once, in `text`.
 *
 * Used by:  host, process (through cgroup_step), loop.
 * Uses:     base, cgroup, cgroup_files.
 * Threads:  [loop]; cgroup_home_sweep() [any].
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/host/cgroup.h"

struct cgroup_files;

struct cgroup_home {
    const struct cgroup_files *files;
    const char *root;     /* as for cgroup_look() */
    bool is_open;         /* groups can be made */
    unsigned controllers; /* enum cgroup_controller: that they have */
    unsigned taken;       /* of them: that `base` gives since we are here */
    struct strbuf base;   /* set when we moved out of it, into the group "engine" */
    uint64_t last_step;
    int lock_fd;
    struct strbuf path;    /* of the folder, with `root` */
    struct strbuf text;    /* for people: where, or why not */
    struct strbuf trouble; /* the first thing that went wrong later; empty: nothing */
    bool has_told;         /* `trouble`, by its owner */
};

/*
 * Looks, ends what dead engines left, and makes our folder. `files` and `root` are kept. Whatever
 * comes of it, end it with cgroup_home_finish().
 */
void cgroup_home_init(struct cgroup_home *home, const struct cgroup_files *files, const char *root);

/*
 * Goes back to where we were and removes all, so that the group is as it was. Where others use what
 * it gives now it stays, and the next engine removes it.
 */
void cgroup_home_finish(struct cgroup_home *home);

/* Notes the first trouble: "cannot make a group: Read-only file system". */
void cgroup_home_note(struct cgroup_home *home, const char *what, int errnum);

/* Ends and removes what dead engines left where ours would be. Returns how many folders it was. */
unsigned cgroup_home_sweep(const struct cgroup_files *files, const char *root);

/*
 * For an engine that lives on when the step that started it has ended: out of the step's group,
 * into one of its own. True: it was in one. Fails quietly: then it ends with that step.
 */
bool cgroup_home_leave_step(const struct cgroup_files *files, const char *root);

/* Removes a group and all that are in it, as far as no process is in them. 0 or a negative errno.
 */
int cgroup_home_remove(const struct cgroup_files *files, const char *path);

#endif
