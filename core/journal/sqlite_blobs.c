/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/fd.h"
#include "core/journal/sqlite_file.h"

/* ---- places ---- */

static void append_folder(const char *folder, struct str digest, struct strbuf *out)
{
    strbuf_append_text(out, folder);
    strbuf_append_text(out, "/blobs/");
    strbuf_append(out, digest.p, 2);
}

char *sqlite_blobs_path(const char *folder, struct str digest)
{
    struct strbuf path = STRBUF_INIT;
    append_folder(folder, digest, &path);
    strbuf_append_char(&path, '/');
    strbuf_append_str(&path, digest);
    return strbuf_take(&path);
}

/* ---- writing ---- */

static int code_of(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return SQLITE_FULL;
    case ENOMEM:
        return SQLITE_NOMEM;
    case EMFILE:
    case ENFILE:
        return SQLITE_CANTOPEN;
    default:
        return SQLITE_IOERR_WRITE;
    }
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return code_of(errno);
    }
    int rc = fsync(fd) == 0 ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
    (void)close(fd); /* nothing was written through it */
    return rc;
}

/* A folder that is there already may have been made just before a crash: it is synced, too. */
static int make_folder(const char *path, const char *parent)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return code_of(errno);
    }
    return sync_folder(parent);
}

static int make_folders(const char *folder, struct str digest)
{
    struct strbuf inner = STRBUF_INIT;
    cleanup_free char *outer = sqlite_file_path(folder, "blobs");
    append_folder(folder, digest, &inner);
    cleanup_free char *path = strbuf_take(&inner);
    if (outer == NULL || path == NULL) {
        return SQLITE_NOMEM;
    }
    int rc = make_folder(outer, folder);
    return rc == SQLITE_OK ? make_folder(path, outer) : rc;
}

static int write_file(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return code_of(errno);
    }
    int errnum = fd_write_all(fd, text);
    int rc = errnum == 0 ? SQLITE_OK : code_of(errnum);
    if (rc == SQLITE_OK && fsync(fd) != 0) {
        rc = SQLITE_IOERR_FSYNC;
    }
    if (close(fd) != 0 && rc == SQLITE_OK) {
        rc = SQLITE_IOERR_CLOSE;
    }
    return rc;
}

static int write_and_rename(const char *path, struct str text)
{
    struct strbuf buf = STRBUF_INIT;
    strbuf_append_text(&buf, path);
    strbuf_append_text(&buf, ".new");
    cleanup_free char *new_path = strbuf_take(&buf);
    if (new_path == NULL) {
        return SQLITE_NOMEM;
    }
    int rc = write_file(new_path, text);
    if (rc == SQLITE_OK && rename(new_path, path) != 0) {
        rc = code_of(errno);
    }
    if (rc == SQLITE_FULL) {
        (void)unlink(new_path); /* gives the room back; the next try truncates it anyway */
    }
    return rc;
}

static int make_file(const char *folder, struct str digest, struct str text, bool has_folders)
{
    cleanup_free char *path = sqlite_blobs_path(folder, digest);
    struct strbuf buf = STRBUF_INIT;
    append_folder(folder, digest, &buf);
    cleanup_free char *parent = strbuf_take(&buf);
    if (path == NULL || parent == NULL) {
        return SQLITE_NOMEM;
    }
    int rc = SQLITE_OK;
    if (access(path, F_OK) != 0) {
        rc = has_folders ? SQLITE_OK : make_folders(folder, digest);
        rc = rc == SQLITE_OK ? write_and_rename(path, text) : rc;
    }
    return rc == SQLITE_OK ? sync_folder(parent) : rc;
}

/* A digest in the table was durable before its row was. */
static int is_known(struct sqlite_statements *statements, struct str digest, bool *out)
{
    struct sqlite_call call = sqlite_statements_call(statements, SQLITE_STATEMENT_BLOB_FIND);
    sqlite_call_str(&call, digest);
    int rc = sqlite_call_step(&call);
    *out = rc == SQLITE_ROW;
    (void)sqlite3_reset(call.statement); /* says again what the step has said */
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_file(struct sqlite_blobs *blobs, unsigned char first_byte, struct str digest,
                    struct str text)
{
    bool is_known_digest = false;
    int rc = is_known(blobs->statements, digest, &is_known_digest);
    if (rc != SQLITE_OK || is_known_digest) {
        return rc;
    }
    rc = make_file(blobs->folder, digest, text, blobs->has[first_byte]);
    blobs->has[first_byte] = rc == SQLITE_OK; /* else they are made anew, should they be gone */
    return rc;
}

int sqlite_blobs_put(struct sqlite_blobs *blobs, uint64_t run, struct str text,
                     char out_digest[DIGEST_HEX_SIZE])
{
    unsigned char bytes[DIGEST_BYTES];
    digest_sha256(text, bytes);
    digest_format_hex(bytes, sizeof(bytes), out_digest);
    struct str digest = str_make(out_digest, DIGEST_HEX_SIZE - 1);
    int rc = put_file(blobs, bytes[0], digest, text);
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct sqlite_call call = sqlite_statements_call(blobs->statements, SQLITE_STATEMENT_BLOB);
    sqlite_call_str(&call, digest);
    sqlite_call_int(&call, (int64_t)run);
    return sqlite_call_end(&call);
}

/* ---- reading ---- */

static int read_all(int fd, size_t size, struct strbuf *out)
{
    char *p = strbuf_reserve(out, size);
    size_t got = 0;
    if (p == NULL) {
        return E_NOMEM;
    }
    while (got < size) {
        ssize_t n = read(fd, p + got, size - got);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return E_IO;
        }
        got += n > 0 ? (size_t)n : 0;
    }
    out->n += size;
    out->p[out->n] = '\0';
    return 0;
}

static int check_digest(struct str text, struct str digest, struct error *err)
{
    unsigned char bytes[DIGEST_BYTES];
    char hex[DIGEST_HEX_SIZE];
    digest_sha256(text, bytes);
    digest_format_hex(bytes, sizeof(bytes), hex);
    return str_equal_text(digest, hex)
               ? 0
               : error_set(
                     err, E_CORRUPT,
                     "the large document '%.*s' of 'blobs' is damaged: put it back from a backup",
                     STR_ARG(digest));
}

int sqlite_blobs_read(const char *folder, struct str digest, struct strbuf *out, struct error *err)
{
    struct stat status;
    if (digest.n != DIGEST_HEX_SIZE - 1) {
        return error_set(err, E_CORRUPT, "'%.*s' is no digest", STR_ARG(digest));
    }
    cleanup_free char *path = sqlite_blobs_path(folder, digest);
    if (path == NULL) {
        return error_nomem(err);
    }
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return error_set(err, E_CORRUPT,
                         "the large document '%s' is lost: put it back from a backup", path);
    }
    if (fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot read '%s'", path);
    }
    if (fstat(fd, &status) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot read '%s'", path);
    }
    size_t before = out->n;
    int code = read_all(fd, (size_t)status.st_size, out);
    if (code != 0) {
        return code == E_NOMEM ? error_nomem(err)
                               : error_set_errno(err, E_IO, errno, "cannot read '%s'", path);
    }
    return check_digest(str_make(out->p + before, out->n - before), digest, err);
}

/* ---- the files themselves ---- */

int sqlite_blobs_remove(const char *folder, struct str digest, struct error *err)
{
    cleanup_free char *path = sqlite_blobs_path(folder, digest);
    if (path == NULL) {
        return error_nomem(err);
    }
    return unlink(path) == 0 || errno == ENOENT
               ? 0
               : error_set_errno(err, E_IO, errno, "cannot remove '%s'", path);
}

typedef int (*entry_cb)(void *user, const char *parent, const char *name);

static int each_entry(const char *path, entry_cb each, void *user, struct error *err)
{
    int status = 0;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return errno == ENOENT ? 0 : error_set_errno(err, E_IO, errno, "cannot read '%s'", path);
    }
    for (struct dirent *entry = readdir(dir); entry != NULL && status == 0; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            status = each(user, path, entry->d_name);
        }
    }
    (void)closedir(dir); /* nothing was written */
    return status;
}

struct inner_walk {
    sqlite_blobs_each_cb each;
    void *user;
    struct error *err;
};

static int walk_inner(void *user, const char *parent, const char *name)
{
    const struct inner_walk *walk = user;
    cleanup_free char *path = sqlite_file_path(parent, name);
    return path != NULL ? each_entry(path, walk->each, walk->user, walk->err)
                        : error_nomem(walk->err);
}

int sqlite_blobs_each(const char *folder, sqlite_blobs_each_cb each, void *user, struct error *err)
{
    struct inner_walk walk = {each, user, err};
    cleanup_free char *path = sqlite_file_path(folder, "blobs");
    return path != NULL ? each_entry(path, walk_inner, &walk, err) : error_nomem(err);
}

int sqlite_blobs_copy(const char *folder, const char *target, struct str digest, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    int status = sqlite_blobs_read(folder, digest, &text, err);
    if (status == 0) {
        int rc = make_file(target, digest, strbuf_str(&text), false);
        status = rc == SQLITE_OK ? 0
                 : rc == SQLITE_NOMEM
                     ? error_nomem(err)
                     : error_set(err, E_IO, "cannot copy a file of 'blobs' to '%s': %s", target,
                                 sqlite3_errstr(rc));
    }
    strbuf_finish(&text);
    return status;
}
