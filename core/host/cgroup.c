/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/cgroup.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"

enum { CHUNK_BYTES = 4096, MOST_BYTES = 1024 * 1024 };

static const struct {
    const char *name;
    enum cgroup_controller controller;
} controllers[] = {{"memory", CGROUP_MEMORY}, {"pids", CGROUP_PIDS}, {"cpu", CGROUP_CPU}};

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

/* ---- looking ---- */

/* False: it cannot be read. */
static bool read_file(const char *root, const char *folder, const char *name, struct strbuf *out)
{
    char path[2 * CGROUP_PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
    cleanup_fd int fd = n > 0 && n < (int)sizeof(path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t got = fd >= 0 ? 1 : -1;
    while (got > 0 && out->n < MOST_BYTES) {
        char chunk[CHUNK_BYTES];
        got = read(fd, chunk, sizeof(chunk));
        if (got > 0) {
            strbuf_append(out, chunk, (size_t)got);
        }
    }
    return got >= 0 && strbuf_status(out) == 0;
}

static bool find_folder(const char *root, char out_path[CGROUP_PATH_BYTES])
{
    struct strbuf groups = STRBUF_INIT;
    struct strbuf mounts = STRBUF_INIT;
    struct strbuf folder = STRBUF_INIT;
    bool has_found = read_file(root, "/proc/self", "cgroup", &groups) &&
                     read_file(root, "/proc/self", "mountinfo", &mounts);
    struct str group = cgroup_find_group(strbuf_str(&groups));
    has_found = has_found && group.n > 0 &&
                cgroup_append_folder(strbuf_str(&mounts), group, &folder) &&
                strbuf_status(&folder) == 0 && folder.n < CGROUP_PATH_BYTES;
    if (has_found) {
        memcpy(out_path, folder.p, folder.n);
        out_path[folder.n] = '\0';
    }
    strbuf_finish(&groups);
    strbuf_finish(&mounts);
    strbuf_finish(&folder);
    return has_found;
}

/* Groups are made in it, and its controllers given to them. */
static bool may_write(const char *root, const char *folder)
{
    char path[2 * CGROUP_PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s%s", root, folder);
    bool may = access(path, W_OK | X_OK) == 0;
    (void)snprintf(path, sizeof(path), "%s%s/cgroup.subtree_control", root, folder);
    return may && access(path, W_OK) == 0;
}

void cgroup_look(const char *root, struct cgroup *out)
{
    struct strbuf text = STRBUF_INIT;
    *out = (struct cgroup){.state = CGROUP_ABSENT};
    if (find_folder(root, out->path)) {
        bool is_there = read_file(root, out->path, "cgroup.controllers", &text);
        out->controllers = is_there ? cgroup_read_controllers(strbuf_str(&text)) : 0;
        out->state = out->controllers != CGROUP_ALL ? CGROUP_LACKING
                     : may_write(root, out->path)   ? CGROUP_THERE
                                                    : CGROUP_NOT_OURS;
    }
    strbuf_finish(&text);
}

/* ---- for people ---- */

const char *cgroup_state_name(enum cgroup_state state)
{
    static const char *const names[] = {
        [CGROUP_ABSENT] = "absent",
        [CGROUP_LACKING] = "lacking",
        [CGROUP_NOT_OURS] = "not_ours",
        [CGROUP_THERE] = "there",
    };
    return names[state];
}

static void append_missing(unsigned there, struct strbuf *out)
{
    const char *before = "";
    for (size_t i = 0; i < CONTROLLER_COUNT; i++) {
        if ((there & controllers[i].controller) == 0) {
            strbuf_append_format(out, "%s'%s'", before, controllers[i].name);
            before = ", ";
        }
    }
}

void cgroup_append_text(const struct cgroup *cgroup, struct strbuf *out)
{
    switch (cgroup->state) {
    case CGROUP_ABSENT:
        strbuf_append_text(out, "skipped: no cgroup v2 is mounted that has this process");
        return;
    case CGROUP_LACKING:
        strbuf_append_format(out, "skipped: %s has no controller ", cgroup->path);
        append_missing(cgroup->controllers, out);
        return;
    case CGROUP_NOT_OURS:
        strbuf_append_format(out, "skipped: %s is not given to this user", cgroup->path);
        return;
    case CGROUP_THERE:
        strbuf_append_format(out, "not used, though %s has all that it takes", cgroup->path);
        return;
    }
    unreachable_state("cgroup", (int)cgroup->state);
}
