/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/cgroup.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/host/cgroup_files.h"

enum { KIN_DEPTH = 64 /* from a process to us, through its parents */ };

static const struct {
    const char *name;
    enum cgroup_controller controller;
} controllers[] = {{"memory", CGROUP_MEMORY}, {"pids", CGROUP_PIDS}};

enum { CONTROLLER_COUNT = sizeof(controllers) / sizeof(controllers[0]) };

/* ---- texts of the kernel ---- */

/* Takes what is before the next `separator`, or the rest, from `*text`. */
static struct str take(struct str *text, char separator)
{
    const char *end = text->n > 0 ? memchr(text->p, separator, text->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
    struct str taken = str_make(text->p, n);
    size_t used = end != NULL ? n + 1 : n;
    *text = str_make(text->n > 0 ? text->p + used : text->p, text->n - used);
    return taken;
}

struct str cgroup_find_group(struct str text)
{
    while (text.n > 0) {
        struct str line = take(&text, '\n');
        if (str_starts_with(line, STR("0::/"))) {
            return str_make(line.p + 3, line.n - 3);
        }
    }
    return str_make(NULL, 0);
}

unsigned cgroup_read_controllers(struct str text)
{
    unsigned found = 0;
    struct str rest = str_trim(text);
    while (rest.n > 0) {
        struct str name = take(&rest, ' ');
        for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
            found |= str_equal_text(name, controllers[i].name) ? controllers[i].controller : 0u;
        }
    }
    return found;
}

static bool is_octal(const char *p)
{
    return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7';
}

/* A path of mountinfo: space, tab, line feed and backslash stand there as \040 and so on. */
static void append_path(struct str path, struct strbuf *out)
{
    for (size_t i = 0; i < path.n; i++) {
        const char *p = path.p + i;
        if (*p == '\\' && path.n - i > 3 && is_octal(p + 1)) {
            strbuf_append_char(out, (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0')));
            i += 3;
        } else {
            strbuf_append_char(out, *p);
        }
    }
}

/*
 * "36 31 0:38 ROOT POINT options [tag]... - cgroup2 source options": is it of cgroup v2, and has it
 * `group`? Then appends its folder.
 */
static bool append_mounted(struct str line, struct str group, struct strbuf *out)
{
    struct strbuf root = STRBUF_INIT;
    struct str rest = line;
    for (int i = 0; i < 3; i++) {
        (void)take(&rest, ' ');
    }
    struct str shown = take(&rest, ' ');
    struct str point = take(&rest, ' ');
    struct str tag = take(&rest, ' ');
    while (rest.n > 0 && !str_equal_text(tag, "-")) {
        tag = take(&rest, ' ');
    }
    bool is_one = str_equal_text(take(&rest, ' '), "cgroup2") && point.n > 0;
    append_path(shown, &root);
    struct str top = strbuf_str(&root);
    top.n -= top.n == 1 ? 1 : 0; /* "/" has every group */
    bool has_it = is_one && str_starts_with(group, top) &&
                  (group.n == top.n || group.p[top.n] == '/');
    if (has_it) {
        append_path(point, out);
        size_t skipped = group.n == 1 ? 1 : top.n;
        strbuf_append(out, group.p + skipped, group.n - skipped);
    }
    strbuf_finish(&root);
    return has_it;
}

bool cgroup_append_folder(struct str mountinfo, struct str group, struct strbuf *out)
{
    bool has_found = false;
    while (mountinfo.n > 0 && !has_found) {
        has_found = append_mounted(take(&mountinfo, '\n'), group, out);
    }
    return has_found;
}

/* ---- groups of engines ---- */

static bool is_numbered(struct str name, const char *prefix)
{
    struct str start = str_from(prefix);
    bool is_one = str_starts_with(name, start) && name.n > start.n;
    for (size_t i = start.n; i < name.n && is_one; i++) {
        is_one = name.p[i] >= '0' && name.p[i] <= '9';
    }
    return is_one;
}

bool cgroup_is_engine(struct str name)
{
    return is_numbered(name, "opstream-engine-");
}

bool cgroup_is_step(struct str name)
{
    return is_numbered(name, "step-");
}

bool cgroup_find_base(struct str group, struct str *out_base, bool *out_is_step)
{
    struct str rest = group;
    bool has_found = false;
    while (rest.n > 0) {
        struct str name = take(&rest, '/');
        if (cgroup_is_engine(name)) {
            struct str below = rest;
            size_t n = (size_t)(name.p - group.p);
            *out_base = str_make(group.p, n > 1 ? n - 1 : 1);
            *out_is_step = cgroup_is_step(take(&below, '/'));
            has_found = true;
        }
    }
    return has_found;
}

unsigned cgroup_usable(const struct cgroup *cgroup)
{
    return cgroup->is_shared ? cgroup->given : cgroup->controllers;
}

/* ---- looking ---- */

enum { LONG_PATH_BYTES = 2 * CGROUP_PATH_BYTES };

static void read_in(const char *root, const char *folder, const char *name, struct strbuf *out)
{
    char path[LONG_PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
    if (n > 0 && n < (int)sizeof(path)) {
        (void)cgroup_files_real.read(path, out); /* what cannot be read is empty */
    }
}

static bool is_allowed(const char *root, const char *folder, const char *name, int mode)
{
    char path[LONG_PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s%s%s", root, folder, name);
    return n > 0 && n < (int)sizeof(path) && access(path, mode) == 0;
}

/* False: there is none. `*out_is_step`: the group is a step's. */
static bool find_base(const char *root, struct cgroup *out, bool *out_is_step)
{
    struct strbuf groups = STRBUF_INIT;
    struct strbuf mounts = STRBUF_INIT;
    struct strbuf folder = STRBUF_INIT;
    read_in(root, "/proc/self", "cgroup", &groups);
    read_in(root, "/proc/self", "mountinfo", &mounts);
    struct str group = cgroup_find_group(strbuf_str(&groups));
    out->is_apart = group.n > 0 && cgroup_find_base(group, &group, out_is_step);
    bool has_found = group.n > 0 && strbuf_status(&groups) == 0 && strbuf_status(&mounts) == 0 &&
                     cgroup_append_folder(strbuf_str(&mounts), group, &folder) &&
                     strbuf_status(&folder) == 0 && folder.n < CGROUP_PATH_BYTES;
    if (has_found) {
        memcpy(out->base, folder.p, folder.n);
        out->base[folder.n] = '\0';
    }
    strbuf_finish(&groups);
    strbuf_finish(&mounts);
    strbuf_finish(&folder);
    return has_found;
}

struct kin_search {
    const char *root;
    bool has_stranger;
};

/* 0: it is gone, or has none. */
static int parent_of(const char *root, int pid)
{
    char folder[64];
    struct strbuf text = STRBUF_INIT;
    int parent = 0;
    (void)snprintf(folder, sizeof(folder), "/proc/%d", pid); /* fits */
    read_in(root, folder, "stat", &text);
    strbuf_append_char(&text, '\0');
    /* The name is in brackets, and anything may stand in it. */
    const char *at = strbuf_status(&text) == 0 ? strrchr(text.p, ')') : NULL;
    if (at != NULL && strlen(at) > 4) {
        parent = (int)strtol(at + 4, NULL, 10);
    }
    strbuf_finish(&text);
    return parent;
}

static bool note_stranger(void *user, int pid)
{
    struct kin_search *search = user;
    int at = pid;
    for (int i = 0; i < KIN_DEPTH && at > 1 && at != getpid(); i++) {
        at = parent_of(search->root, at);
    }
    /* Without a parent it has just ended, or its parents are none of us. */
    char folder[64];
    (void)snprintf(folder, sizeof(folder), "/proc/%d", pid);
    search->has_stranger = pid == 0 ||
                           (at != getpid() && is_allowed(search->root, folder, "", F_OK));
    return !search->has_stranger;
}

static bool has_strangers(const char *root, const char *folder)
{
    struct kin_search search = {.root = root};
    struct strbuf text = STRBUF_INIT;
    read_in(root, folder, "cgroup.procs", &text);
    cgroup_files_each_pid(strbuf_str(&text), note_stranger, &search);
    bool has_some = search.has_stranger || strbuf_status(&text) != 0;
    strbuf_finish(&text);
    return has_some;
}

static unsigned look_at_controllers(const char *root, const char *folder, const char *name)
{
    struct strbuf text = STRBUF_INIT;
    read_in(root, folder, name, &text);
    unsigned found = cgroup_read_controllers(strbuf_str(&text));
    strbuf_finish(&text);
    return found;
}

/* Groups are made in it, its controllers given to them, and processes moved among them. */
static bool may_write(const char *root, const char *folder)
{
    return is_allowed(root, folder, "", W_OK | X_OK) &&
           is_allowed(root, folder, "/cgroup.subtree_control", W_OK) &&
           is_allowed(root, folder, "/cgroup.procs", W_OK);
}

void cgroup_look(const char *root, struct cgroup *out)
{
    bool is_step = false;
    *out = (struct cgroup){.state = CGROUP_ABSENT};
    if (!find_base(root, out, &is_step)) {
        return;
    }
    /* The first group of all cannot be ended, and has no type. */
    out->is_top = !is_allowed(root, out->base, "/cgroup.type", F_OK);
    out->controllers = look_at_controllers(root, out->base, "cgroup.controllers");
    out->given = look_at_controllers(root, out->base, "cgroup.subtree_control");
    out->is_shared = !out->is_top && has_strangers(root, out->base);
    bool can_end = out->is_top || is_allowed(root, out->base, "/cgroup.kill", F_OK);
    out->state = is_step                      ? CGROUP_OF_STEP
                 : !can_end                   ? CGROUP_TOO_OLD
                 : may_write(root, out->base) ? CGROUP_THERE
                                              : CGROUP_NOT_OURS;
}

/* ---- for people ---- */

const char *cgroup_state_name(enum cgroup_state state)
{
    static const char *const names[] = {
        [CGROUP_ABSENT] = "absent",     [CGROUP_OF_STEP] = "of_step", [CGROUP_TOO_OLD] = "too_old",
        [CGROUP_NOT_OURS] = "not_ours", [CGROUP_THERE] = "there",
    };
    return names[state];
}

void cgroup_append_text(const struct cgroup *cgroup, struct strbuf *out)
{
    switch (cgroup->state) {
    case CGROUP_ABSENT:
        strbuf_append_text(out, "skipped: no cgroup v2 is mounted that has this process");
        return;
    case CGROUP_OF_STEP:
        strbuf_append_text(out, "skipped: this is part of a step, which its engine limits");
        return;
    case CGROUP_TOO_OLD:
        strbuf_append_text(out,
                           "skipped: the kernel has no cgroup.kill (it is there from 5.14 on)");
        return;
    case CGROUP_NOT_OURS:
        strbuf_append_format(out, "skipped: %s is not given to this user", cgroup->base);
        return;
    case CGROUP_THERE:
        strbuf_append_format(out, "in %s", cgroup->base);
        return;
    }
    unreachable_state("cgroup", (int)cgroup->state);
}

void cgroup_append_controller(const struct cgroup *cgroup, enum cgroup_controller controller,
                              struct strbuf *out)
{
    const char *name = controllers[0].name;
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        name = controllers[i].controller == controller ? controllers[i].name : name;
    }
    if ((cgroup->controllers & controller) == 0) {
        strbuf_append_format(out, "skipped: there is no controller '%s'", name);
    } else if ((cgroup_usable(cgroup) & controller) == 0) {
        strbuf_append_text(out, "skipped: other processes are in that group");
    } else {
        strbuf_append_text(out, "used");
    }
}
