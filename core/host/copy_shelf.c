/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/copy_shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/host/private_file.h"
#include "core/host/probe_result.h"
#include "core/host/shelf.h"
#include "core/host/trust.h"
#include "core/host/trust_above.h"

enum { CHUNK_BYTES = 64 * 1024, HASH_DIGITS = DIGEST_HEX_SIZE - 1 };
#define COPY_MOST_BYTES (UINT64_C(1) << 30)

static const struct shelf_kind copies = {
    .prefix = "", .digits = HASH_DIGITS, .suffix = ".so", .keeps = COPY_SHELF_KEEPS};
static const struct shelf_kind results = {
    .prefix = "", .digits = HASH_DIGITS, .suffix = ".json", .keeps = COPY_SHELF_RESULTS};

/* ---- Bytes ---- */

/* From `from` to its end, into `to` as well (below 0: nowhere). 0 or an errno value. */
static int pass_bytes(int from, int to, char out_hash[DIGEST_HEX_SIZE])
{
    char chunk[CHUNK_BYTES];
    unsigned char bytes[DIGEST_BYTES];
    struct digest digest;
    uint64_t total = 0;
    digest_init(&digest);
    for (;;) {
        ssize_t n = read(from, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            digest_finish(&digest, bytes);
            digest_format_hex(bytes, sizeof bytes, out_hash);
            return n < 0 ? errno : 0;
        }
        total += (uint64_t)n;
        digest_update(&digest, str_make(chunk, (size_t)n));
        int errnum = total > COPY_MOST_BYTES ? EFBIG : 0;
        if (errnum == 0 && to >= 0) {
            errnum = private_file_write(to, str_make(chunk, (size_t)n));
        }
        if (errnum != 0) {
            return errnum;
        }
    }
}

int copy_shelf_hash(int from, int to, char out_hash[DIGEST_HEX_SIZE], struct error *err)
{
    int errnum = pass_bytes(from, to, out_hash);
    return errnum == 0 ? 0 : error_set_errno(err, E_IO, errnum, "it cannot be read");
}

/* ---- What is there ---- */

static bool is_ours(const struct stat *st)
{
    return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool is_our_folder(const char *folder)
{
    struct stat st;
    return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && is_ours(&st);
}

/* Whether nobody but root can put another folder in the place of this one. */
static bool is_way_ours(const char *folder, struct error *why)
{
    uint32_t owner = 0;
    if (trust_above_check(NULL, folder, &owner, why) != 0) {
        return false;
    }
    if (owner != 0) {
        error_set(why, E_PLUGIN,
                  "a folder above it belongs to user %u, who could put another in its place: set "
                  "XDG_CACHE_HOME to a folder where only root or you can write",
                  (unsigned)owner);
    }
    return owner == 0;
}

static bool has_folder(const char *folder)
{
    return is_our_folder(folder) && is_way_ours(folder, NULL);
}

/* It is read whole: what a full disk or a crash of the machine left is none. */
static bool find_copy(const char *folder, const char *hash, struct copy *out)
{
    char found[DIGEST_HEX_SIZE];
    struct stat st;
    int n = snprintf(out->path, sizeof out->path, "%s/%s.so", folder, hash);
    if (n < 0 || n >= PATH_MAX || !has_folder(folder)) {
        return false;
    }
    cleanup_fd int fd = open(out->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_ours(&st) ||
        pass_bytes(fd, -1, found) != 0 || strcmp(found, hash) != 0) {
        return false;
    }
    shelf_note_use(fd);
    out->folder = folder;
    memcpy(out->hash, found, sizeof out->hash);
    return true;
}

/* ---- Making one ---- */

/* 0 or an errno value; `why` says more where it can. */
static int make_folder(const char *folder, struct error *why)
{
    if (!is_our_folder(folder)) {
        private_file_make_parents(folder);
        if (mkdir(folder, 0700) != 0) {
            return errno == EEXIST ? EPERM : errno;
        }
    }
    if (!is_way_ours(folder, why)) {
        return EPERM;
    }
    return chmod(folder, 0700) == 0 ? 0 : errno;
}

struct draft {
    char path[PATH_MAX];
    int fd;
};

static int open_draft(const char *folder, struct draft *draft, struct error *why)
{
    int errnum = make_folder(folder, why);
    if (errnum != 0) {
        return errnum;
    }
    int n = snprintf(draft->path, sizeof draft->path, "%s/.draft-XXXXXX", folder);
    if (n < 0 || n >= PATH_MAX) {
        return ENAMETOOLONG;
    }
    draft->fd = mkostemp(draft->path, O_CLOEXEC);
    return draft->fd >= 0 ? 0 : errno;
}

/* The draft takes its name. 0 or an errno value. */
static int end_draft(const struct draft *draft, const char *folder, struct copy *out)
{
    int n = snprintf(out->path, sizeof out->path, "%s/%s.so", folder, out->hash);
    if (n < 0 || n >= PATH_MAX) {
        return ENAMETOOLONG;
    }
    if (fchmod(draft->fd, 0500) != 0 || fsync(draft->fd) != 0 ||
        rename(draft->path, out->path) != 0) {
        return errno;
    }
    out->folder = folder;
    const char *name = strrchr(out->path, '/') + 1;
    shelf_sweep(&copies, folder, name);
    shelf_sweep(&results, folder, name);
    return 0;
}

/*
 * 0 or an errno value, of which `why` says more where it can; *out_is_other: the file is not the
 * one that has `hash`.
 */
static int copy_into(const char *folder, int from, const char *hash, struct copy *out,
                     bool *out_is_other, struct error *why)
{
    struct draft draft = {.fd = -1};
    if (lseek(from, 0, SEEK_SET) != 0) {
        return errno;
    }
    int errnum = open_draft(folder, &draft, why);
    if (errnum != 0) {
        return errnum;
    }
    errnum = pass_bytes(from, draft.fd, out->hash);
    *out_is_other = errnum == 0 && hash != NULL && strcmp(hash, out->hash) != 0;
    if (errnum == 0 && !*out_is_other) {
        errnum = end_draft(&draft, folder, out);
    }
    if (errnum != 0 || *out_is_other) {
        (void)unlink(draft.path); /* it may have its name already */
    }
    (void)close(draft.fd); /* what was written has been synced */
    return errnum;
}

static int make_copy(const struct copy_folders *folders, int from, const char *hash,
                     struct copy *out, struct error *err)
{
    int errnum = 0;
    const char *failed = NULL;
    struct error why = {0};
    for (size_t i = 0; i < COPY_SHELF_FOLDERS && folders->paths[i] != NULL; i++) {
        bool is_other = false;
        struct error now_why = {0};
        int now = copy_into(folders->paths[i], from, hash, out, &is_other, &now_why);
        if (is_other) {
            return error_set(err, E_CONFLICT,
                             "it was changed after its manifest had been read: try again");
        }
        if (now == 0) {
            return 0;
        }
        if (failed == NULL) {
            failed = folders->paths[i];
            errnum = now;
            why = now_why;
        }
    }
    if (failed == NULL) {
        return error_set(err, E_IO,
                         "there is no folder for the copy that it is loaded from: set HOME, "
                         "XDG_CACHE_HOME or OPSTREAM_STATE");
    }
    if (why.code != 0) {
        return error_set(err, E_IO, "the copy that it is loaded from cannot be made in '%s': %s",
                         failed, why.message);
    }
    return error_set_errno(err, errnum == EFBIG ? E_LIMIT : E_IO, errnum,
                           "the copy that it is loaded from cannot be made in '%s'", failed);
}

int copy_shelf_get(const struct copy_folders *folders, const char *path, const char *hash,
                   struct copy *out_copy, struct error *err)
{
    struct copy copy = {0};
    struct trust_file file;
    for (size_t i = 0; hash != NULL && i < COPY_SHELF_FOLDERS && folders->paths[i] != NULL; i++) {
        if (find_copy(folders->paths[i], hash, &copy)) {
            *out_copy = copy;
            return 0;
        }
    }

    int status = trust_open_file(NULL, path, &file, err);
    if (status != 0) {
        return status;
    }
    status = make_copy(folders, file.fd, hash, &copy, err);
    (void)close(file.fd); /* it was only read */
    if (status == 0) {
        *out_copy = copy;
    }
    return status;
}

bool copy_shelf_find_result(const struct copy_folders *folders, const char *hash,
                            struct probe_result *out)
{
    for (size_t i = 0; i < COPY_SHELF_FOLDERS && folders->paths[i] != NULL; i++) {
        if (has_folder(folders->paths[i]) && probe_result_read(folders->paths[i], hash, out)) {
            return true;
        }
    }
    return false;
}

void copy_shelf_remove_result(const struct copy_folders *folders, const char *hash)
{
    for (size_t i = 0; i < COPY_SHELF_FOLDERS && folders->paths[i] != NULL; i++) {
        (void)probe_result_remove(folders->paths[i], hash); /* most have none */
    }
}
