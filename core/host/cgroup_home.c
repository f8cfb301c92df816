/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/cgroup_home.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/host/cgroup_files.h"

enum {
    PATH_BYTES = 2 * CGROUP_PATH_BYTES,
    NAMES = 16,         /* of our folder, until one is free */
    MOVES = 8,          /* rounds: what is moved may start others meanwhile */
    DEPTH = 8,          /* of groups that a step made in its own */
    REMOVAL_TRIES = 20, /* what was killed is gone in a moment */
    REMOVAL_WAIT_MS = 5,
};

static const struct {
    enum cgroup_controller controller;
    const char *give;
    const char *take;
} orders[] = {{CGROUP_MEMORY, "+memory", "-memory"}, {CGROUP_PIDS, "+pids", "-pids"}};

/* False: it does not fit. */
static bool join(char out[PATH_BYTES], const char *folder, const char *name)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    return n > 0 && n < PATH_BYTES;
}

static int write_in(const struct cgroup_files *files, const char *folder, const char *name,
                    const char *text)
{
    char path[PATH_BYTES];
    return join(path, folder, name) ? files->write(path, text) : -ENAMETOOLONG;
}

/* ---- removing ---- */

/* Calls `each` with the path and name of all folders in `path`. */
static void each_folder(const char *path,
                        void (*each)(void *user, const char *path, struct str name), void *user)
{
    DIR *dir = opendir(path);
    const struct dirent *entry = dir != NULL ? readdir(dir) : NULL;
    while (entry != NULL) {
        char inner[PATH_BYTES];
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
            join(inner, path, entry->d_name)) {
            each(user, inner, str_from(entry->d_name));
        }
        entry = readdir(dir);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

struct removal {
    const struct cgroup_files *files;
    int depth;
};

/* A kernel removes a group with its files; the order is from the inside out. */
static void remove_inner(void *user, const char *path, struct str name)
{
    const struct removal *removal = user;
    struct removal deeper = {removal->files, removal->depth + 1};
    (void)name;
    if (deeper.depth <= DEPTH) {
        each_folder(path, remove_inner, &deeper);
    }
    (void)removal->files->remove(path); /* when it stays, so does what holds it, which is told */
}

int cgroup_home_remove(const struct cgroup_files *files, const char *path)
{
    int status = files->remove(path);
    if (status == -EBUSY || status == -ENOTEMPTY) {
        struct removal removal = {.files = files};
        each_folder(path, remove_inner, &removal);
        status = files->remove(path);
    }
    return status == -ENOENT ? 0 : status;
}

/* ---- what dead engines left ---- */

struct sweep {
    const struct cgroup_files *files;
    unsigned removed;
    bool has_left;
};

static void kill_step(void *user, const char *path, struct str name)
{
    const struct sweep *sweep = user;
    if (cgroup_is_step(name)) {
        (void)write_in(sweep->files, path, "cgroup.kill", "1"); /* removing it tells */
    }
}

/* Only what an engine makes: what stands in its own group may be at work for others. */
static void remove_part(void *user, const char *path, struct str name)
{
    struct sweep *sweep = user;
    if (cgroup_is_step(name) && cgroup_home_remove(sweep->files, path) != 0) {
        sweep->has_left = true;
    } else if (str_equal_text(name, "engine")) {
        (void)sweep->files->remove(path); /* it stays as long as processes are in it */
    }
}

static void sweep_engine(void *user, const char *path, struct str name)
{
    struct sweep *sweep = user;
    cleanup_fd int lock_fd = -1;
    if (!cgroup_is_engine(name) || sweep->files->lock(path, &lock_fd) != 0) {
        return;
    }
    each_folder(path, kill_step, sweep);
    for (int i = 0; i < REMOVAL_TRIES; i++) {
        sweep->has_left = false;
        each_folder(path, remove_part, sweep);
        if (!sweep->has_left) {
            break;
        }
        (void)poll(NULL, 0, REMOVAL_WAIT_MS);
    }
    sweep->removed += sweep->files->remove(path) == 0;
}

static unsigned sweep_base(const struct cgroup_files *files, const char *base)
{
    struct sweep sweep = {.files = files};
    each_folder(base, sweep_engine, &sweep);
    return sweep.removed;
}

unsigned cgroup_home_sweep(const struct cgroup_files *files, const char *root)
{
    char base[PATH_BYTES];
    struct cgroup cgroup;
    cgroup_look(root, &cgroup);
    int n = snprintf(base, sizeof base, "%s%s", root, cgroup.base);
    bool is_there = cgroup.state == CGROUP_THERE && n > 0 && n < (int)sizeof base;
    return is_there ? sweep_base(files, base) : 0;
}

/* ---- our own ---- */

void cgroup_home_note(struct cgroup_home *home, const char *what, int errnum)
{
    if (home->trouble.n == 0) {
        char reason[128];
        strbuf_append_format(&home->trouble, "cannot %s: %s", what,
                             strerror_r(errnum, reason, sizeof reason));
    }
}

/* Our folder in `base`, locked. 0 or a negative errno. */
static int make_folder(struct cgroup_home *home, const char *base)
{
    int status = -EEXIST;
    for (int i = 0; i < NAMES && (status == -EEXIST || status == -ENOENT); i++) {
        strbuf_clear(&home->path);
        strbuf_append_format(&home->path, "%s/opstream-engine-%d%.*d", base, (int)getpid(),
                             i > 0 ? 2 : 0, i);
        if (strbuf_status(&home->path) != 0) {
            return -ENOMEM;
        }
        status = home->files->make(home->path.p);
        if (status == 0) { /* one that sweeps may be faster, and has removed it */
            status = home->files->lock(home->path.p, &home->lock_fd);
            status = status == -EWOULDBLOCK ? -ENOENT : status;
        }
    }
    return status;
}

struct move {
    const struct cgroup_files *files;
    char path[PATH_BYTES]; /* the cgroup.procs of where they go */
    unsigned seen;
    int status;
};

static bool move_one(void *user, int pid)
{
    struct move *move = user;
    char text[16];
    (void)snprintf(text, sizeof text, "%d", pid); /* fits */
    if (pid == 0) { /* of another namespace: it joined just now, and is not ours to move */
        return true;
    }
    move->seen++;
    int status = move->files->write(move->path, text);
    move->status = status != 0 && status != -ESRCH ? status : move->status; /* it may have ended */
    return true;
}

/* 0 or a negative errno. */
static int move_all(const struct cgroup_files *files, const char *from_folder,
                    const char *to_folder)
{
    char from[PATH_BYTES];
    struct move move = {.files = files, .seen = 1};
    bool fits = join(move.path, to_folder, "cgroup.procs") &&
                join(from, from_folder, "cgroup.procs");
    int status = fits ? 0 : -ENAMETOOLONG;
    for (int i = 0; i < MOVES && status == 0 && move.seen > 0; i++) {
        struct strbuf text = STRBUF_INIT;
        move.seen = 0;
        status = files->read(from, &text);
        cgroup_files_each_pid(strbuf_str(&text), move_one, &move);
        status = status == 0 ? move.status : status;
        strbuf_finish(&text);
    }
    return status;
}

/* There are no others in `base` than we and our children. */
static int move_out(struct cgroup_home *home, const char *base)
{
    char leaf[PATH_BYTES];
    if (!join(leaf, home->path.p, "engine")) {
        return -ENAMETOOLONG;
    }
    int status = home->files->make(leaf);
    if (status == 0) {
        strbuf_append_text(&home->base, base);
        status = strbuf_status(&home->base) == 0 ? move_all(home->files, base, leaf) : -ENOMEM;
    }
    return status;
}

/* The other way round; only then `base` may hold processes again. */
static void move_back(struct cgroup_home *home)
{
    char leaf[PATH_BYTES];
    int status = 0;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0] && status == 0; i++) {
        if ((home->taken & orders[i].controller) != 0) {
            (void)write_in(home->files, home->path.p, "cgroup.subtree_control", orders[i].take);
            status = write_in(home->files, home->base.p, "cgroup.subtree_control", orders[i].take);
        }
    }
    if (status == 0 && join(leaf, home->path.p, "engine")) {
        (void)move_all(home->files, leaf, home->base.p); /* then it cannot be removed */
        (void)home->files->remove(leaf);
    }
}

/* Gives controllers to the groups of `base`, and of our folder in it. Returns those that we have.
 */
static unsigned give_controllers(struct cgroup_home *home, const struct cgroup *cgroup,
                                 const char *base)
{
    unsigned given = 0;
    unsigned usable = cgroup_usable(cgroup);
    unsigned wanted = usable & ~cgroup->given;
    if (wanted != 0 && !cgroup->is_top && !cgroup->is_apart) {
        int status = move_out(home, base);
        if (status != 0) {
            cgroup_home_note(home, "move the engine to a group of its own", -status);
        }
    }
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        unsigned controller = orders[i].controller;
        int status = (wanted & controller) != 0
                         ? write_in(home->files, base, "cgroup.subtree_control", orders[i].give)
                         : 0;
        if ((usable & controller) == 0) {
            continue;
        }
        home->taken |= status == 0 ? wanted & controller : 0;
        if (status == 0) {
            status = write_in(home->files, home->path.p, "cgroup.subtree_control", orders[i].give);
        }
        given |= status == 0 ? controller : 0;
        if (status != 0) {
            cgroup_home_note(home, "give a controller to the groups of steps", -status);
        }
    }
    return given;
}

static void home_open(struct cgroup_home *home, const struct cgroup *cgroup)
{
    char base[PATH_BYTES];
    int n = snprintf(base, sizeof base, "%s%s", home->root, cgroup->base);
    if (n <= 0 || n >= (int)sizeof base) {
        return;
    }
    (void)sweep_base(home->files, base); /* what stays is not ours to speak of */
    int status = make_folder(home, base);
    if (status != 0) {
        cgroup_home_note(home, "make a group for the engine", -status);
        return;
    }
    home->controllers = give_controllers(home, cgroup, base);
    home->is_open = true;
}

void cgroup_home_init(struct cgroup_home *home, const struct cgroup_files *files, const char *root)
{
    struct cgroup cgroup;
    *home = (struct cgroup_home){.files = files, .root = root, .lock_fd = -1};
    cgroup_look(root, &cgroup);
    if (cgroup.state == CGROUP_THERE) {
        home_open(home, &cgroup);
    }
    cgroup_append_text(&cgroup, &home->text);
}

static void remove_own(void *user, const char *path, struct str name)
{
    struct cgroup_home *home = user;
    if (cgroup_is_step(name)) {
        (void)cgroup_home_remove(home->files, path); /* the next engine tries again */
    }
}

void cgroup_home_finish(struct cgroup_home *home)
{
    if (home->is_open) {
        each_folder(home->path.p, remove_own, home);
        if (home->base.n > 0 && strbuf_status(&home->base) == 0) {
            move_back(home);
        }
        (void)home->files->remove(home->path.p); /* not while somebody is in a group of it */
    }
    home->is_open = false;
    cleanup_close_fd(&home->lock_fd);
    home->lock_fd = -1;
    strbuf_finish(&home->base);
    strbuf_finish(&home->path);
    strbuf_finish(&home->text);
    strbuf_finish(&home->trouble);
}

bool cgroup_home_leave_step(const struct cgroup_files *files, const char *root)
{
    char base[PATH_BYTES];
    char leaf[PATH_BYTES];
    struct cgroup cgroup;
    struct cgroup_home home = {.files = files, .root = root, .lock_fd = -1};
    cgroup_look(root, &cgroup);
    int n = snprintf(base, sizeof base, "%s%s", root, cgroup.base);
    if (cgroup.state != CGROUP_OF_STEP || n <= 0 || n >= (int)sizeof base) {
        return false;
    }
    if (make_folder(&home, base) == 0 && join(leaf, home.path.p, "engine") &&
        files->make(leaf) == 0) {
        (void)write_in(files, leaf, "cgroup.procs", "0"); /* we */
    }
    cleanup_close_fd(&home.lock_fd);
    strbuf_finish(&home.path);
    return true;
}
