/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup is one moment of the file, copied page by page under another name and renamed, and
 * before that all the files of `blobs` that it names: they never change, so two backups share
 * them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/journal/journal_sqlite.h"
#include "core/journal/sqlite_blobs.h"
#include "core/journal/sqlite_call.h"
#include "core/journal/sqlite_digests.h"
#include "core/journal/sqlite_file.h"

/* The folder that `path` is in. Owned: free(). NULL when out of memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return str_dup(STR("."));
    }
    return str_dup(slash == path ? STR("/") : str_make(path, (size_t)(slash - path)));
}

static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (backup == NULL) {
        return sqlite3_errcode(to);
    }
    int rc = sqlite3_backup_step(backup, -1);
    int end = sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE ? end : rc;
}

/* Without the heading "*** in database main ***". */
static struct str last_line(struct str text)
{
    const char *end = text.n > 0 ? memrchr(text.p, '\n', text.n) : NULL;
    return end != NULL ? str_make(end + 1, text.n - (size_t)(end + 1 - text.p)) : text;
}

/* Other codes are about this machine, or about the place of the copy. */
static bool is_damage(int rc)
{
    return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

/* Why a page could not be had is said in the row alone; other rows tell of damage. */
static int code_of(struct str found)
{
    static const char before[] = "error code=";
    const size_t n = sizeof(before) - 1;
    const char *at = found.n > 0 ? memmem(found.p, found.n, before, n) : NULL;
    return at != NULL ? (int)strtol(at + n, NULL, 10) : SQLITE_CORRUPT;
}

/* Of the copy: the engine may go on meanwhile. */
static int check_pages(sqlite3 *copy, const char *folder, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(copy, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    struct sqlite_call call = sqlite_call_begin(statement);
    rc = rc == SQLITE_OK ? sqlite_call_step(&call) : rc;
    struct str said = str_from(sqlite3_errmsg(copy));
    if (rc == SQLITE_ROW) {
        said = last_line(sqlite_call_column_str(&call, 0));
        rc = str_equal_text(said, "ok") ? SQLITE_OK : code_of(said);
    }
    int status = 0;
    if (is_damage(rc)) {
        status = error_set(err, E_CORRUPT,
                           "'%s/" SQLITE_FILE_NAME "' is damaged, and was not copied: %.*s; "
                           "'opstream db check' says more",
                           folder, STR_ARG(said));
    } else if (rc != SQLITE_OK) {
        status = sqlite_file_fault(NULL, rc, "cannot check the copy", err);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

/* Whether nothing names it any more: it was pruned since the pages were copied. */
static bool is_pruned(sqlite3 *from, struct str digest)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(from, "SELECT 1 FROM blobs WHERE digest = ?", -1, &statement, NULL);
    struct sqlite_call call = sqlite_call_begin(statement);
    if (rc == SQLITE_OK) {
        sqlite_call_str(&call, digest);
        rc = sqlite_call_step(&call);
    }
    (void)sqlite3_finalize(statement);
    return rc == SQLITE_DONE;
}

static int copy_documents(sqlite3 *from, sqlite3 *copy, const char *folder,
                          const char *target_folder, struct error *err)
{
    struct sqlite_digests digests = SQLITE_DIGESTS_INIT;
    int rc = sqlite_digests_add(&digests, copy, "SELECT DISTINCT digest FROM blobs", 0);
    int status = rc == SQLITE_OK ? 0 : sqlite_file_fault(copy, rc, "cannot read the copy", err);
    for (size_t i = 0; i < digests.count && status == 0; i++) {
        struct str digest = str_from(digests.items[i]);
        status = sqlite_blobs_copy(folder, target_folder, digest, err);
        if (status != 0 && is_pruned(from, digest)) {
            status = error_set(err, E_CONFLICT, "runs were pruned meanwhile: try the backup again");
        }
    }
    sqlite_digests_finish(&digests);
    return status;
}

static int make_empty(const char *path, struct error *err)
{
    (void)unlink(path); /* of a backup that was interrupted; the open says if that failed */
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot make '%s'", path);
    }
    (void)close(fd); /* nothing was written */
    return 0;
}

/* All that belongs to the copy at `path`, which has not its name yet. */
static int fill(sqlite3 *from, const char *folder, const char *path, struct error *err)
{
    sqlite3 *copy = NULL;
    cleanup_free char *target_folder = folder_of(path);
    int status = target_folder != NULL ? make_empty(path, err) : error_nomem(err);
    if (status != 0) {
        return status;
    }
    int rc = sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    rc = rc == SQLITE_OK ? copy_pages(from, copy) : rc;
    status = rc == SQLITE_OK ? check_pages(copy, folder, err)
                             : sqlite_file_fault(copy, rc, "cannot copy the database", err);
    status = status == 0 ? copy_documents(from, copy, folder, target_folder, err) : status;
    rc = sqlite3_close(copy);
    return status == 0 && rc != SQLITE_OK
               ? sqlite_file_fault(NULL, rc, "cannot copy the database", err)
               : status;
}

static int sync_file(const char *path, struct error *err)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? 0
                                     : error_set_errno(err, E_IO, errno, "cannot sync '%s'", path);
}

static int give_name(const char *path, const char *target, struct error *err)
{
    cleanup_free char *folder = folder_of(target);
    if (folder == NULL) {
        return error_nomem(err);
    }
    int status = sync_file(path, err);
    if (status != 0) {
        return status;
    }
    if (rename(path, target) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot make '%s'", target);
    }
    int failure = sqlite_file_sync_folder(folder);
    return failure == 0 ? 0 : error_set_errno(err, E_IO, failure, "cannot sync '%s'", folder);
}

static int copy_to(const char *folder, const char *path, const char *target, struct error *err)
{
    sqlite3 *from = NULL;
    struct sqlite_file_meta meta;
    int status = sqlite_file_open_reader(folder, &from, &meta, err);
    if (status != 0) {
        return status;
    }
    status = fill(from, folder, path, err);
    (void)sqlite3_close(from); /* nothing was written */
    return status == 0 ? give_name(path, target, err) : status;
}

/* A copy in the state would share its `blobs`: what is pruned there would be lost to both. */
static int refuse_inside(const char *folder, const char *target, struct error *err)
{
    cleanup_free char *named = folder_of(target);
    if (named == NULL) {
        return error_nomem(err);
    }
    cleanup_free char *of_target = realpath(named, NULL);
    cleanup_free char *of_state = realpath(folder, NULL);
    if (of_target == NULL || of_state == NULL) {
        return 0; /* what is not there is told by who opens it */
    }
    size_t n = strlen(of_state);
    bool is_inside = strncmp(of_target, of_state, n) == 0 &&
                     (of_target[n] == '\0' || of_target[n] == '/');
    return is_inside ? error_set(err, E_INVALID,
                                 "'%s' is in the state folder '%s', and would share its large "
                                 "documents: name a folder elsewhere",
                                 target, folder)
                     : 0;
}

int journal_sqlite_backup(const char *folder, const char *target, struct error *err)
{
    struct strbuf buf = STRBUF_INIT;
    if (access(target, F_OK) == 0) {
        return error_set(err, E_EXISTS, "'%s' is there already: choose another name", target);
    }
    int status = refuse_inside(folder, target, err);
    if (status != 0) {
        return status;
    }
    strbuf_append_text(&buf, target);
    strbuf_append_text(&buf, ".new");
    cleanup_free char *path = strbuf_take(&buf);
    if (path == NULL) {
        return error_nomem(err);
    }
    status = copy_to(folder, path, target, err);
    if (status != 0) {
        (void)unlink(path); /* the next backup of that name removes it, too */
    }
    return status;
}
