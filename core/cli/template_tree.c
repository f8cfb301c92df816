/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/template_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/fd.h"
#include "core/cli/file_text.h"

/* Plugins are not loaded from folders that others can write to, as an umask of 002 would let them.
 */
enum { FOLDER_MODE = 0755 };

enum { FILE_MOST_BYTES = 1024 * 1024, DEPTH_MOST = 8, FOLDERS_OPEN = 8 };

struct tree {
    const struct template_word *words;
    size_t word_count;
    size_t files;
    unsigned depth;
};

static int write_file(const char *path, struct str text, struct error *err)
{
    mode_t mode = str_starts_with(text, STR("#!")) ? 0777 : 0666;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot make '%s'", path);
    }
    int errnum = fd_write_all(fd, text);
    if (close(fd) != 0 && errnum == 0) {
        errnum = errno;
    }
    return errnum == 0 ? 0 : error_set_errno(err, E_IO, errnum, "cannot write '%s'", path);
}

static int copy_file(struct tree *tree, const char *from, const char *to, struct error *err)
{
    cleanup_free char *text = NULL;
    size_t size = 0;
    struct strbuf made = STRBUF_INIT;
    int status = file_text_read(from, FILE_MOST_BYTES, &text, &size, err);
    if (status == 0) {
        status =
            template_text_expand(str_make(text, size), tree->words, tree->word_count, &made, err);
    }
    if (status == 0) {
        status = write_file(to, strbuf_str(&made), err);
    }
    strbuf_finish(&made);
    tree->files++;
    return status;
}

static int copy_folder(struct tree *tree, const char *from, const char *to, struct error *err);

static int copy_entry(struct tree *tree, const char *from, const char *to, const char *name,
                      struct error *err)
{
    char source[PATH_MAX];
    char target[PATH_MAX];
    struct stat info;
    bool is_hidden = strncmp(name, "dot-", 4) == 0;
    int n = snprintf(source, sizeof source, "%s/%s", from, name);
    int m = snprintf(target, sizeof target, "%s/%s%s", to, is_hidden ? "." : "",
                     is_hidden ? name + 4 : name);
    if (n < 0 || n >= PATH_MAX || m < 0 || m >= PATH_MAX) {
        return error_set(err, E_IO, "the path of '%s' is too long", name);
    }
    if (stat(source, &info) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot read '%s'", source);
    }
    if (!S_ISDIR(info.st_mode)) {
        return copy_file(tree, source, target, err);
    }
    if (mkdir(target, FOLDER_MODE) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot make '%s'", target);
    }
    return copy_folder(tree, source, target, err);
}

/* Bounded by DEPTH_MOST. */
static int copy_folder(struct tree *tree, const char *from, const char *to, struct error *err)
{
    DIR *folder = tree->depth < DEPTH_MOST ? opendir(from) : NULL;
    if (folder == NULL) {
        return error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, errno,
                               "cannot read the template '%s'", from);
    }
    tree->depth++;
    int status = 0;
    struct dirent *entry = NULL;
    while (status == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.') {
            status = copy_entry(tree, from, to, entry->d_name, err);
        }
    }
    tree->depth--;
    (void)closedir(folder); /* only read */
    return status;
}

/* The folder itself at the depth 0 is its caller's. */
static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    if (place->level > 0) {
        (void)remove(path); /* best effort: the reason that is told is the first one */
    }
    return 0;
}

static int make_empty(const char *to, bool *out_made, struct error *err)
{
    *out_made = mkdir(to, FOLDER_MODE) == 0;
    if (*out_made) {
        return 0;
    }
    if (errno != EEXIST) {
        return error_set_errno(err, E_IO, errno, "cannot make '%s'", to);
    }
    DIR *folder = opendir(to);
    if (folder == NULL) {
        return error_set_errno(err, errno == ENOTDIR ? E_EXISTS : E_IO, errno,
                               "'%s' cannot be used as a folder", to);
    }
    int entries = 0;
    while (readdir(folder) != NULL) {
        entries++;
    }
    (void)closedir(folder); /* only read */
    return entries <= 2
               ? 0
               : error_set(err, E_EXISTS,
                           "'%s' is there and not empty; name another folder with --dir", to);
}

int template_tree_copy(const char *from, const char *to, const struct template_word *words,
                       size_t count, size_t *out_files, struct error *err)
{
    struct tree tree = {.words = words, .word_count = count};
    bool is_made = false;
    int status = make_empty(to, &is_made, err);
    if (status != 0) {
        return status;
    }

    status = copy_folder(&tree, from, to, err);
    if (status != 0) {
        (void)nftw(to, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
        if (is_made) {
            (void)rmdir(to);
        }
        return status;
    }

    *out_files = tree.files;
    return 0;
}
