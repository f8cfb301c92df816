/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "private/private.h"

/* What an errno means to people. */
struct reason {
    int errnum;
    ops_status code;
    const char *format; /* with one %s for the path */
    const char *hint;
};

static const struct reason reasons[] = {
    {ENOENT, OPS_E_NOT_FOUND, "'%s' does not exist",
     "if another node makes it, let this one depend on that"},
    {EACCES, OPS_E_PERMISSION, "'%s' may not be opened", "see ls -ld: whose is it, who may?"},
    {EPERM, OPS_E_PERMISSION, "'%s' may not be opened", "see ls -ld and lsattr"},
    {EROFS, OPS_E_PERMISSION, "'%s' is on a file system that is mounted read-only", NULL},
    {ELOOP, OPS_E_PERMISSION, "'%s' is a symbolic link, or goes through one",
     "give the path that it points to, or set integrations.file.follow_symlinks"},
    {EXDEV, OPS_E_PERMISSION, "'%s' leads out of the allowed folder", NULL},
    {EEXIST, OPS_E_CONFLICT, "'%s' exists already", "set 'mode: replace' or 'mode: append'"},
    {EISDIR, OPS_E_INPUT, "'%s' is a folder", "use file.list for folders"},
    {ENOTDIR, OPS_E_INPUT, "'%s' is not a folder, or goes through something that is none", NULL},
    {ENAMETOOLONG, OPS_E_INPUT, "'%s' has a name that is too long", NULL},
    {EFBIG, OPS_E_RESOURCE, "'%s' is larger than 'max_bytes'", "raise it, up to 16777216"},
    {ENOSPC, OPS_E_RESOURCE, "'%s' cannot be written: the disk is full", NULL},
    {EDQUOT, OPS_E_RESOURCE, "'%s' cannot be written: the quota is used up", NULL},
    {ENOMEM, OPS_E_RESOURCE, "out of memory at '%s'", NULL},
    {EMFILE, OPS_E_RESOURCE, "too many files are open to open '%s'", "raise ulimit -n"},
    {E2BIG, OPS_E_RESOURCE, "'%s' has more entries than 'max_entries'",
     "raise it, or ask for less"},
    {ECANCELED, OPS_E_CANCELLED, "cancelled at '%s'", NULL},
    {ENOSYS, OPS_E_UNSUPPORTED, "'%s' cannot be opened safely: this kernel has no openat2",
     "Linux 5.6 or later is needed, and a container that allows openat2"},
    {EMEDIUMTYPE, OPS_E_INPUT, "'%s' is no ordinary file", NULL},
};

static void fail_private(ops_task task, const struct place *place)
{
    char message[2 * PATH_MAX + 128];
    (void)snprintf(message, sizeof(message), PRIVATE_MESSAGE, place->path, place->private_folder);
    ops_error error = ops_error_make(OPS_E_PERMISSION, message);
    error.symbol = ops_text("file.private");
    error.hint = ops_text(PRIVATE_HINT);
    error.path = ops_text("/path");
    (void)ops.exec->fail(ops.h, task, &error);
}

void place_fail(ops_task task, int errnum, const struct place *place)
{
    const char *path = place->path;
    char message[PATH_MAX + 128];
    if (errnum == EKEYREJECTED && place->private_folder != NULL) {
        fail_private(task, place);
        return;
    }
    struct reason reason = {errnum, OPS_E_UPSTREAM, NULL, NULL};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].errnum == errnum) {
            reason = reasons[i];
        }
    }
    if (reason.format != NULL) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the table above has one %s each */
        (void)snprintf(message, sizeof(message), reason.format, path);
#pragma GCC diagnostic pop
    } else {
        char text[128] = "";
        const char *described = strerror_r(errnum, text, sizeof(text));
        (void)snprintf(message, sizeof(message), "'%s': %s", path, described);
    }
    ops_error error = ops_error_make(reason.code, message);
    error.symbol = ops_text("file.error");
    error.hint = ops_text(reason.hint);
    (void)ops.exec->fail(ops.h, task, &error);
}

static char *copy_text(ops_str text)
{
    char *copy = malloc((size_t)text.n + 1);
    if (copy != NULL) {
        memcpy(copy, text.n > 0 ? text.p : "", (size_t)text.n);
        copy[text.n] = '\0';
    }
    return copy;
}

/* ==== Settings ==== */

static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] == '/' ? folder : "/tmp";
}

static ops_status add_root(struct ops_node *node, ops_str path)
{
    node->roots[node->n_roots] = copy_text(path);
    if (node->roots[node->n_roots] == NULL) {
        return OPS_E_RESOURCE;
    }
    node->n_roots++;
    return OPS_OK;
}

ops_status roots_read(ops_val settings, struct ops_node *node)
{
    ops_val roots = ops_get(settings, "roots");
    uint64_t n = ops.value->count(ops.h, roots);
    node->follows_links = ops_get_bool(settings, "follow_symlinks", 0);
    node->roots = calloc((size_t)n + 2, sizeof(*node->roots));
    if (node->roots == NULL) {
        return OPS_E_RESOURCE;
    }
    ops_status status = OPS_OK;
    for (uint64_t i = 0; i < n && status == OPS_OK; i++) {
        ops_val item = 0;
        ops_str path = ops_text(NULL);
        (void)ops.value->at(ops.h, roots, i, &item); /* the schema says that it is a text */
        (void)ops.value->get_str(ops.h, item, &path);
        status = add_root(node, path);
    }
    if (n == 0) {
        status = add_root(node, ops_text("."));
        if (status == OPS_OK) {
            status = add_root(node, ops_text(temporary_folder()));
        }
    }
    return status;
}

void roots_finish(struct ops_node *node)
{
    for (uint64_t i = 0; i < node->n_roots; i++) {
        free(node->roots[i]);
    }
    free(node->roots);
}

/* ==== Paths as text ==== */

/* Takes "." and ".." and doubled slashes out of the absolute `path`, in place. */
static void normalize(char *path)
{
    size_t n = 0; /* of what is kept */
    for (const char *at = path; *at != '\0';) {
        at += strspn(at, "/");
        size_t part = strcspn(at, "/");
        int is_up = part == 2 && at[0] == '.' && at[1] == '.';
        if (is_up) {
            while (n > 0 && path[--n] != '/') {
            }
        } else if (part > 0 && !(part == 1 && at[0] == '.')) {
            path[n++] = '/';
            memmove(path + n, at, part);
            n += part;
        }
        at += part;
    }
    if (n == 0) {
        path[n++] = '/';
    }
    path[n] = '\0';
}

/* Absolute and normal; owned. NULL: errno says why. */
static char *absolute(const char *path)
{
    char *whole = NULL;
    if (path[0] == '/') {
        whole = strdup(path);
    } else {
        char *here = getcwd(NULL, 0);
        if (here == NULL) {
            return NULL;
        }
        if (asprintf(&whole, "%s/%s", here, path) < 0) {
            whole = NULL;
            errno = ENOMEM;
        }
        free(here);
    }
    if (whole != NULL) {
        normalize(whole);
    }
    return whole;
}

/* What of `path` is below `root`, borrowed; NULL: it is not. */
static const char *below(const char *path, const char *root)
{
    size_t n = strlen(root);
    if (strcmp(root, "/") == 0) {
        return path[1] == '\0' ? "." : path + 1;
    }
    if (strncmp(path, root, n) != 0) {
        return NULL;
    }
    if (path[n] == '\0') {
        return ".";
    }
    return path[n] == '/' ? path + n + 1 : NULL;
}

/* ==== Places ==== */

static void fail_outside(const struct ops_node *node, ops_task task, const char *path)
{
    char message[PATH_MAX + 128];
    char hint[1024];
    size_t n = 0;
    (void)snprintf(message, sizeof(message), "'%s' is not below an allowed folder", path);
    n += (size_t)snprintf(hint, sizeof(hint), "add its folder to integrations.file.roots; now:");
    for (uint64_t i = 0; i < node->n_roots && n + 2 < sizeof(hint); i++) {
        char *root = absolute(node->roots[i]);
        int added = snprintf(hint + n, sizeof(hint) - n, " %s", root != NULL ? root : "?");
        n += added > 0 ? (size_t)added : 0;
        free(root);
    }
    ops_error error = ops_error_make(OPS_E_PERMISSION, message);
    error.symbol = ops_text("file.outside");
    error.hint = ops_text(hint);
    error.path = ops_text("/path");
    (void)ops.exec->fail(ops.h, task, &error);
}

/* 1: found; 0: in none of them; or a negative errno. */
static int find_root(const struct ops_node *node, struct place *place)
{
    for (uint64_t i = 0; i < node->n_roots; i++) {
        char *root = absolute(node->roots[i]);
        if (root == NULL) {
            return -errno;
        }
        const char *relative = below(place->path, root);
        int fd = -1;
        if (relative != NULL) {
            fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
        free(root);
        if (relative != NULL && fd < 0) {
            return -errno;
        }
        if (relative != NULL) {
            place->root_fd = fd;
            place->relative = strdup(relative);
            return place->relative != NULL ? 1 : -ENOMEM;
        }
    }
    return 0;
}

int place_find(const struct ops_node *node, ops_task task, ops_str path, struct place *out)
{
    struct place place = {.root_fd = -1, .follows_links = node->follows_links};
    char *given = copy_text(path);
    if (given == NULL || path.n == 0 || strlen(given) != path.n || path.n >= PATH_MAX) {
        free(given);
        ops_fail_text(task, OPS_E_INPUT, "the path is empty, too long, or has a NUL byte");
        return 0;
    }
    place.path = absolute(given);
    int found = place.path != NULL ? find_root(node, &place) : -errno;
    if (place.path == NULL) {
        place.path = given;
        given = NULL;
    }
    if (found == 1) {
        free(given);
        *out = place;
        return 1;
    }
    if (found == 0) {
        fail_outside(node, task, place.path);
    } else {
        place_fail(task, -found, &place);
    }
    free(given);
    place_finish(&place);
    return 0;
}

void place_finish(struct place *place)
{
    if (place->root_fd >= 0) {
        (void)close(place->root_fd); /* nothing was written through it */
    }
    free(place->path);
    free(place->relative);
    free(place->private_folder);
}

int place_look(struct place *place, int fd)
{
    char folder[PATH_MAX];
    int status = private_look(fd, folder);
    if (status <= 0) {
        return status;
    }
    if (place->private_folder == NULL) {
        place->private_folder = strdup(folder);
    }
    return place->private_folder != NULL ? -EKEYREJECTED : -ENOMEM;
}

static int open_below(struct place *place, int fd, const char *name, int flags)
{
    struct open_how how = {
        .flags = (uint32_t)(flags | O_CLOEXEC),
        .mode = (flags & O_CREAT) != 0 ? 0666 : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    if (!place->follows_links) {
        how.resolve |= RESOLVE_NO_SYMLINKS;
    }
    int opened = (int)syscall(SYS_openat2, fd, name, &how, sizeof(how));
    int status = opened >= 0 ? place_look(place, opened) : -errno;
    if (status != 0 && opened >= 0) {
        (void)close(opened); /* nothing was written through it */
    }
    return status == 0 ? opened : status;
}

int place_open_below(struct place *place, int fd, const char *name, int flags)
{
    return open_below(place, fd, name, flags & ~O_CREAT);
}

int place_create_below(struct place *place, int fd, const char *name, int flags)
{
    return open_below(place, fd, name, flags | O_CREAT | O_EXCL);
}

int place_open(struct place *place, int flags)
{
    return place_open_below(place, place->root_fd, place->relative, flags);
}

/* The folder `name` below `fd`, made if there is none and `makes`. */
static int enter(struct place *place, int fd, const char *name, int makes)
{
    int entered = place_open_below(place, fd, name, O_RDONLY | O_DIRECTORY);
    if (entered != -ENOENT || !makes) {
        return entered;
    }
    if (mkdirat(fd, name, 0777) != 0 && errno != EEXIST) {
        return -errno;
    }
    return place_open_below(place, fd, name, O_RDONLY | O_DIRECTORY);
}

int place_open_parent(struct place *place, int makes, const char **out_name)
{
    if (strcmp(place->relative, ".") == 0) {
        return -EISDIR;
    }
    const char *at = place->relative;
    int fd = place_open_below(place, place->root_fd, ".", O_RDONLY | O_DIRECTORY);
    for (const char *slash = strchr(at, '/'); slash != NULL && fd >= 0; slash = strchr(at, '/')) {
        char name[PLACE_NAME_BYTES + 1];
        size_t n = (size_t)(slash - at);
        int entered = -ENAMETOOLONG;
        if (n <= PLACE_NAME_BYTES) {
            memcpy(name, at, n);
            name[n] = '\0';
            entered = enter(place, fd, name, makes);
        }
        (void)close(fd); /* nothing was written through it */
        fd = entered;
        at = slash + 1;
    }
    *out_name = at;
    return fd;
}
