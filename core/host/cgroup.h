/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CGROUP_H
#define CORE_HOST_CGROUP_H

/*
 * Cgroup: what the machine has to limit a step as a whole by a control group of its own (cgroup
 * v2): where groups for steps could be made, and which controllers they would have. Looking changes
 * nothing; cgroup_home.h makes the groups. Without any, the limits of process.h hold.
 *
 *     <base>/                             the group that we are in, or that holds the engine's
 *         opstream-engine-<pid>/          made by the engine, locked as long as it lives
 *             engine/                     the engine itself, where `base` must hold no process
 *             step-<number>/              one step
 *
 * Used by:  cgroup_home, cli (version).
 * Uses:     base, cgroup_files.
 * Threads:  [any]; all but cgroup_look() is pure.
 */

#include <stdbool.h>

#include "core/base/str.h"

enum cgroup_state {
    CGROUP_ABSENT,   /* no cgroup v2 is mounted, or what is does not hold us */
    CGROUP_OF_STEP,  /* we are in the group of a step, which another engine limits */
    CGROUP_TOO_OLD,  /* the kernel cannot end a group at once (cgroup.kill, 5.14) */
    CGROUP_NOT_OURS, /* we may not make groups */
    CGROUP_THERE,
};

/* What computing a group has done is counted without a controller. */
enum cgroup_controller {
    CGROUP_MEMORY = 1u << 0,
    CGROUP_PIDS = 1u << 1,
    CGROUP_ALL = CGROUP_MEMORY | CGROUP_PIDS,
};

enum { CGROUP_PATH_BYTES = 4096 };

struct cgroup {
    enum cgroup_state state;
    unsigned controllers; /* enum cgroup_controller: that `base` has */
    unsigned given;       /* of them: that groups in `base` have already */
    bool is_top;          /* `base` is the first of all groups: it may hold processes */
    bool is_shared; /* others than we and our children are in it: what is not given stays so */
    bool is_apart;  /* we are in an engine's part of it, and `base` holds no process */
    char base[CGROUP_PATH_BYTES]; /* a folder; empty: absent */
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

/*
 * Whether a group is in an engine's part, as the last one in the path has it: then `*out_base` is
 * what holds that part, and `*out_is_step` whether it is in a step's group there.
 */
bool cgroup_find_base(struct str group, struct str *out_base, bool *out_is_step);

/* What of CGROUP_ALL stands in a cgroup.controllers or cgroup.subtree_control. */
unsigned cgroup_read_controllers(struct str text);

/* What of it groups for steps would have. */
unsigned cgroup_usable(const struct cgroup *cgroup);

/* "opstream-engine-77": has an engine made this folder? */
bool cgroup_is_engine(struct str name);

/* "step-3" */
bool cgroup_is_step(struct str name);

/* Why there are no groups, or where: "in /sys/fs/cgroup/a". See strbuf_status(). */
void cgroup_append_text(const struct cgroup *cgroup, struct strbuf *out);

/* "used", or "skipped: why"; only where there are groups. */
void cgroup_append_controller(const struct cgroup *cgroup, enum cgroup_controller controller,
                              struct strbuf *out);

/* "absent", "of_step", "too_old", "not_ours", "there"; static. */
const char *cgroup_state_name(enum cgroup_state state);

#endif
