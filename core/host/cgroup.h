/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CGROUP_H
#define CORE_HOST_CGROUP_H

/*
 * Cgroup: whether the machine has what it takes to limit a step as a whole by a control group of
 * its own (cgroup v2): the group that we are in, with its controllers, given to us. Steps are
 * limited without it, see process.h; this tells people what there is.
 *
 * Used by:  cli (version).
 * Uses:     base.
 * Threads:  [any]; all but cgroup_look() is pure.
 */

#include <stdbool.h>

#include "core/base/str.h"

enum cgroup_state {
    CGROUP_ABSENT,   /* no cgroup v2 is mounted, or what is does not hold us */
    CGROUP_LACKING,  /* a controller is not there */
    CGROUP_NOT_OURS, /* we may not make groups */
    CGROUP_THERE,
};

enum cgroup_controller {
    CGROUP_MEMORY = 1u << 0,
    CGROUP_PIDS = 1u << 1,
    CGROUP_CPU = 1u << 2,
    CGROUP_ALL = CGROUP_MEMORY | CGROUP_PIDS | CGROUP_CPU,
};

enum { CGROUP_PATH_BYTES = 4096 };

struct cgroup {
    enum cgroup_state state;
    unsigned controllers;         /* enum cgroup_controller: those that groups below may have */
    char path[CGROUP_PATH_BYTES]; /* the folder of the group that we are in; empty: absent */
};

/* Looks below `root`: "" for the machine, or a folder that has `proc` and what is mounted there. */
void cgroup_look(const char *root, struct cgroup *out);

/* Our group in /proc/self/cgroup: "/user.slice/a"; `.p` is NULL when there is none of version 2. */
struct str cgroup_find_group(struct str text);

/*
 * Appends the folder of `group` by /proc/self/mountinfo. False: it is in no mount. See
 * strbuf_status().
 */
bool cgroup_append_folder(struct str mountinfo, struct str group, struct strbuf *out);

/* What of CGROUP_ALL stands in a cgroup.controllers. */
unsigned cgroup_read_controllers(struct str text);

/* "skipped: /sys/fs/cgroup/a has no controller 'pids', 'cpu'". See strbuf_status(). */
void cgroup_append_text(const struct cgroup *cgroup, struct strbuf *out);

/* "absent", "lacking", "not_ours", "there"; static. */
const char *cgroup_state_name(enum cgroup_state state);

#endif
