/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/trust_above.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

enum { MOST_LINKS = 40 }; /* as the kernel follows */

struct folder {
    struct str path;
    uint32_t owner;
    uint32_t mode; /* without the kind of file */
};

/* On the way: the folder that has been reached, and what is still to go. */
struct walk {
    struct trust_above *above;
    const char *path;  /* as it was asked for */
    char at[PATH_MAX]; /* without links; empty: / */
    char way[PATH_MAX];
    const char *rest; /* of `way` */
    unsigned links;
    uint32_t owner; /* the other user whose folder was met first; 0: none */
};

static bool is_other(uint32_t owner)
{
    return owner != 0 && owner != geteuid();
}

void trust_above_finish(struct trust_above *above)
{
    strmap_finish(&above->folders);
    arena_finish(&above->arena);
    *above = TRUST_ABOVE_INIT;
}

/* ---- The table ---- */

static const struct folder *keep(struct trust_above *above, const char *path, const struct stat *st)
{
    struct folder *folder = arena_alloc(&above->arena, sizeof *folder);
    struct str copy = arena_dup_str(&above->arena, str_from(path));
    if (folder == NULL || copy.p == NULL) {
        return NULL;
    }
    *folder = (struct folder){
        .path = copy, .owner = (uint32_t)st->st_uid, .mode = (uint32_t)st->st_mode & 07777};
    return strmap_add(&above->folders, copy, folder) == 0 ? folder : NULL;
}

/* ---- One folder and what is next in it ---- */

static const char *owner_text(uint32_t owner, char buffer[32])
{
    (void)snprintf(buffer, 32, "user %u", (unsigned)owner);
    return owner == 0 ? "root" : buffer;
}

static int refuse(const struct walk *walk, const struct folder *folder, struct error *err)
{
    char owner[32];
    return error_set(err, E_PLUGIN,
                     "the folder '%s' above '%s' can be written to by others (it belongs to %s, "
                     "mode %04o), who could put other files in that place: use chmod go-w '%s'",
                     folder->path.p, walk->path, owner_text(folder->owner, owner),
                     (unsigned)folder->mode, folder->path.p);
}

static int refuse_sticky(const struct walk *walk, const struct folder *folder,
                         uint32_t owner_of_next, struct error *err)
{
    char owner[32];
    char other[32];
    return error_set(err, E_PLUGIN,
                     "the folder '%s' above '%s' can be written to by others (it belongs to %s, "
                     "mode %04o), and '%s' belongs to %s: put the plugins where only root or you "
                     "can write, or use chmod go-w '%s'",
                     folder->path.p, walk->path, owner_text(folder->owner, owner),
                     (unsigned)folder->mode, walk->at, owner_text(owner_of_next, other),
                     folder->path.p);
}

/* `owner_of_next`: of what is at walk->at, in `folder`. */
static int judge(struct walk *walk, const struct folder *folder, uint32_t owner_of_next,
                 struct error *err)
{
    bool is_open = (folder->mode & (S_IWGRP | S_IWOTH)) != 0;
    bool is_sticky = (folder->mode & S_ISVTX) != 0;
    if (is_open && !is_sticky) {
        return refuse(walk, folder, err);
    }
    if (is_open && is_other(owner_of_next)) {
        return refuse_sticky(walk, folder, owner_of_next, err);
    }
    if (is_other(folder->owner) && walk->owner == 0) {
        walk->owner = folder->owner;
    }
    return 0;
}

/* ---- The way ---- */

static int fail(const struct walk *walk, int errnum, struct error *err)
{
    int code = errnum == ENOENT || errnum == ENOTDIR ? E_NOT_FOUND : E_IO;
    return error_set_errno(err, code, errnum, "cannot open '%s'", walk->path);
}

static struct str take_name(struct walk *walk)
{
    const char *name = walk->rest + strspn(walk->rest, "/");
    size_t n = strcspn(name, "/");
    walk->rest = name + n;
    return str_make(name, n);
}

/* The link at walk->at, which is `n` bytes into its folder. 0 or an errno value. */
static int follow(struct walk *walk, size_t n)
{
    char target[PATH_MAX];
    char way[PATH_MAX];
    ssize_t length = readlink(walk->at, target, sizeof target);
    if (length <= 0) {
        return length < 0 ? errno : ENOENT;
    }
    if (++walk->links > MOST_LINKS) {
        return ELOOP;
    }
    int written = snprintf(way, sizeof way, "%.*s%s", (int)length, target, walk->rest);
    if (written < 0 || (size_t)written >= sizeof way) {
        return ENAMETOOLONG;
    }
    memcpy(walk->way, way, (size_t)written + 1);
    walk->rest = walk->way;
    walk->at[target[0] == '/' ? 0 : n] = '\0';
    return 0;
}

/* The folder that has been reached; NULL: it is none. */
static int find_here(struct walk *walk, const struct folder **out_folder, struct error *err)
{
    struct stat st;
    const char *path = walk->at[0] != '\0' ? walk->at : "/";
    *out_folder = strmap_get(&walk->above->folders, str_from(path));
    if (*out_folder != NULL) {
        return 0;
    }
    if (walk->at[0] != '\0') { /* a folder was put in when it was reached */
        return fail(walk, ENOTDIR, err);
    }
    if (lstat(path, &st) != 0) {
        return fail(walk, errno, err);
    }
    *out_folder = keep(walk->above, path, &st);
    return *out_folder != NULL ? 0 : error_nomem(err);
}

/* To what walk->at names, `n` bytes into `folder`. */
static int enter(struct walk *walk, const struct folder *folder, size_t n, struct error *err)
{
    struct stat st;
    const struct folder *known = strmap_get(&walk->above->folders, str_from(walk->at));
    if (known != NULL) {
        return judge(walk, folder, known->owner, err);
    }
    if (lstat(walk->at, &st) != 0) {
        return fail(walk, errno, err);
    }
    int status = judge(walk, folder, (uint32_t)st.st_uid, err);
    if (status != 0) {
        return status;
    }
    if (S_ISLNK(st.st_mode)) {
        int errnum = follow(walk, n);
        return errnum == 0 ? 0 : fail(walk, errnum, err);
    }
    bool is_kept = !S_ISDIR(st.st_mode) || keep(walk->above, walk->at, &st) != NULL;
    return is_kept ? 0 : error_nomem(err);
}

static int step(struct walk *walk, struct str name, struct error *err)
{
    const struct folder *folder = NULL;
    size_t n = strlen(walk->at);
    int status = find_here(walk, &folder, err);
    if (status != 0 || str_equal(name, STR("."))) {
        return status;
    }
    if (str_equal(name, STR(".."))) {
        char *slash = strrchr(walk->at, '/');
        walk->at[slash != NULL ? slash - walk->at : 0] = '\0';
        return 0;
    }
    if (n + 1 + name.n >= sizeof walk->at) {
        return fail(walk, ENAMETOOLONG, err);
    }
    (void)snprintf(walk->at + n, sizeof walk->at - n, "/%.*s", STR_ARG(name)); /* it fits */
    return enter(walk, folder, n, err);
}

/* A path that does not begin with '/' begins where the program runs. */
static int start(struct walk *walk, struct error *err)
{
    char here[PATH_MAX] = "";
    if (walk->path[0] != '/' && getcwd(here, sizeof here) == NULL) {
        return fail(walk, errno, err);
    }
    int n = snprintf(walk->way, sizeof walk->way, "%s/%s", here, walk->path);
    walk->rest = walk->way;
    return n >= 0 && (size_t)n < sizeof walk->way ? 0 : fail(walk, ENAMETOOLONG, err);
}

static int walk_to_end(struct walk *walk, struct error *err)
{
    int status = start(walk, err);
    while (status == 0) {
        struct str name = take_name(walk);
        if (name.n == 0) {
            break;
        }
        status = step(walk, name, err);
    }
    return status;
}

int trust_above_check(struct trust_above *above, const char *path, uint32_t *out_owner,
                      struct error *err)
{
    struct trust_above own = TRUST_ABOVE_INIT;
    struct walk walk = {.above = above != NULL ? above : &own, .path = path};
    int status = walk_to_end(&walk, err);
    trust_above_finish(&own);
    if (status == 0) {
        *out_owner = walk.owner;
    }
    return status;
}
