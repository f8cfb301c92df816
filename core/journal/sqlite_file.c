/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new file is made under another name, with all its tables, and renamed: whoever finds
 * `state.db` finds a whole one. What is there already is recognised by its first 100 bytes before
 * SQLite opens it, because opening a database replays whatever log lies beside it.
 */
#include "core/journal/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/journal/sqlite_call.h"
#include "core/journal/sqlite_schema.h"

#define NEW_NAME SQLITE_FILE_NAME ".new"

enum { HEADER_BYTES = 100, APPLICATION_AT = 68 };

/* Whoever looks into a file first after a crash makes its index anew, and the others wait. */
enum { BUSY_MS = 2000 };

/*
 * A cache fills with the rows that are written, so whatever it may take is memory that grows with
 * the items of a loop until it is full. What falls out of it the system still holds.
 */
#define CACHE "PRAGMA cache_size=-1024;" /* KiB */

/* Of the connection that writes, for its file and for itself. */
static const char writer_settings[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
    "PRAGMA secure_delete=OFF;" CACHE;

char *sqlite_file_path(const char *folder, const char *name)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_append_text(&path, folder);
    strbuf_append_char(&path, '/');
    strbuf_append_text(&path, name);
    return strbuf_take(&path);
}

int sqlite_file_sync_folder(const char *path)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? errno : 0;
}

bool sqlite_file_is_damage(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT: /* what is there is not as its table says, or no longer fits */
    case SQLITE_MISMATCH:
    case SQLITE_ERROR: /* a table or a column is not there */
        return true;
    default:
        return false;
    }
}

const char *sqlite_file_reason(sqlite3 *db, int rc)
{
    bool is_its_last = db != NULL && (sqlite3_errcode(db) & 0xff) == (rc & 0xff);
    return is_its_last ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
}

int sqlite_file_fault(sqlite3 *db, int rc, const char *what, struct error *err)
{
    if ((rc & 0xff) == SQLITE_NOMEM) {
        return error_nomem(err);
    }
    return error_set(err, sqlite_file_is_damage(rc) ? E_CORRUPT : E_IO, "%s: %s", what,
                     sqlite_file_reason(db, rc));
}

/* ---- recognising ---- */

static uint32_t read_big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A log without its file would be replayed into the next file of that name. */
static int refuse_lost_log(const char *folder, struct error *err)
{
    struct stat status;
    cleanup_free char *log = sqlite_file_path(folder, SQLITE_FILE_NAME "-wal");
    if (log == NULL) {
        return error_nomem(err);
    }
    if (stat(log, &status) != 0 || status.st_size == 0) {
        return 0;
    }
    return error_set(err, E_CORRUPT,
                     "'%s' is there without the file " SQLITE_FILE_NAME
                     " that it belongs to: put that back, or move the log away to begin anew",
                     log);
}

/* E_NOT_FOUND: there is none. */
static int check_there(const char *path, struct error *err)
{
    if (access(path, R_OK) == 0) {
        return 0;
    }
    return errno == ENOENT ? error_set(err, E_NOT_FOUND, "there is no '%s'", path)
                           : error_set_errno(err, E_IO, errno, "cannot read '%s'", path);
}

/*
 * Through SQLite's descriptor: closing one of our own would give up all locks that this process has
 * on the file. Whoever else opened it then would take itself for the last one, and remove the log
 * that is being written.
 */
static int check_header(sqlite3 *db, const char *path, struct error *err)
{
    unsigned char header[HEADER_BYTES] = {0};
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (rc == SQLITE_OK) {
        rc = file->pMethods->xFileSize(file, &size);
    }
    if (rc == SQLITE_OK && size >= HEADER_BYTES) {
        rc = file->pMethods->xRead(file, header, HEADER_BYTES, 0);
    }
    if (rc != SQLITE_OK) {
        return sqlite_file_fault(NULL, rc, "cannot read the database", err);
    }
    if (size == 0) {
        return error_set(err, E_CORRUPT,
                         "'%s' is empty: restore it from a backup, or remove it to begin anew",
                         path);
    }
    if (memcmp(header, "SQLite format 3", 16) != 0) {
        return error_set(err, E_CORRUPT,
                         "'%s' is no database: move it away, or restore it from a backup", path);
    }
    if (read_big_endian(header + APPLICATION_AT) != SQLITE_SCHEMA_APPLICATION) {
        return error_set(err, E_CORRUPT,
                         "'%s' is a database of another program: choose another state folder",
                         path);
    }
    return 0;
}

/* ---- settings ---- */

static int set_flag(sqlite3 *db, int flag, int value)
{
    return sqlite3_db_config(db, flag, value, (int *)NULL);
}

static int set_connection(sqlite3 *db)
{
    int rc = sqlite3_extended_result_codes(db, 1);
    if (rc == SQLITE_OK) {
        rc = set_flag(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
    }
    if (rc == SQLITE_OK) {
        rc = set_flag(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1);
    }
    if (rc == SQLITE_OK) {
        rc = set_flag(db, SQLITE_DBCONFIG_DQS_DML, 0);
    }
    /* What a run writes is copied into the file later, not by whoever happens to end. */
    return rc == SQLITE_OK ? set_flag(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1) : rc;
}

/* Figures that nobody asks for cost a lock for each piece of memory. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* too late when somebody has begun */
}

static int open_connection(const char *path, int flags, sqlite3 **out_db)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure); /* cannot fail */
    int rc = sqlite3_open_v2(path, out_db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    rc = rc == SQLITE_OK ? set_connection(*out_db) : rc;
    return rc == SQLITE_OK ? sqlite3_busy_timeout(*out_db, BUSY_MS) : rc;
}

/* ---- making ---- */

/* "i" and 12 of a-z and 2-7. */
static int make_instance(char out[SQLITE_FILE_INSTANCE_SIZE], struct error *err)
{
    unsigned char bytes[SQLITE_FILE_INSTANCE_SIZE - 2];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        return error_set_errno(err, E_IO, errno, "cannot get random bytes");
    }
    out[0] = 'i';
    for (size_t i = 0; i < sizeof(bytes); i++) {
        out[i + 1] = "abcdefghijklmnopqrstuvwxyz234567"[bytes[i] % 32];
    }
    out[sizeof(bytes) + 1] = '\0';
    return 0;
}

static int insert_meta(sqlite3 *db, const char *instance)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, "INSERT INTO meta (instance, epoch, schema) VALUES (?, 0, ?)",
                                -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        struct sqlite_call call = sqlite_call_begin(statement);
        sqlite_call_str(&call, str_from(instance));
        sqlite_call_int(&call, SQLITE_SCHEMA_VERSION);
        rc = sqlite_call_end(&call);
    }
    (void)sqlite3_finalize(statement);
    return rc;
}

/* The name becomes durable only with all that is inside. */
static int fill(sqlite3 *db, const char *instance)
{
    char application[64];
    (void)snprintf(application, sizeof(application), "PRAGMA application_id=%d",
                   SQLITE_SCHEMA_APPLICATION);
    int rc = sqlite_call_text(db, "PRAGMA synchronous=FULL; BEGIN IMMEDIATE");
    if (rc == SQLITE_OK) {
        rc = sqlite_call_text(db, application);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_schema_raise(db, 0);
    }
    if (rc == SQLITE_OK) {
        rc = insert_meta(db, instance);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_call_text(db, "COMMIT");
    }
    return rc == SQLITE_OK ? sqlite_call_text(db, "PRAGMA journal_mode=WAL") : rc;
}

static int make_under(const char *path, struct error *err)
{
    char instance[SQLITE_FILE_INSTANCE_SIZE];
    sqlite3 *db = NULL;
    if (unlink(path) != 0 && errno != ENOENT) {
        return error_set_errno(err, E_IO, errno, "cannot remove '%s'", path);
    }
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_set_errno(err, E_IO, errno, "cannot make '%s'", path);
    }
    (void)close(fd); /* nothing was written */
    int status = make_instance(instance, err);
    if (status != 0) {
        return status;
    }
    int rc = open_connection(path, SQLITE_OPEN_READWRITE, &db);
    rc = rc == SQLITE_OK ? fill(db, instance) : rc;
    status = rc == SQLITE_OK ? 0 : sqlite_file_fault(db, rc, "cannot make the database", err);
    rc = sqlite3_close(db); /* its log is empty: nothing was written through it */
    return status == 0 && rc != SQLITE_OK
               ? sqlite_file_fault(NULL, rc, "cannot make the database", err)
               : status;
}

static int make_file(const char *folder, const char *path, struct error *err)
{
    cleanup_free char *new_path = sqlite_file_path(folder, NEW_NAME);
    if (new_path == NULL) {
        return error_nomem(err);
    }
    int status = refuse_lost_log(folder, err);
    if (status == 0) {
        status = make_under(new_path, err);
    }
    if (status != 0) {
        return status;
    }
    if (rename(new_path, path) != 0) {
        return error_set_errno(err, E_IO, errno, "cannot make '%s'", path);
    }
    int failure = sqlite_file_sync_folder(folder);
    return failure == 0 ? 0 : error_set_errno(err, E_IO, failure, "cannot sync '%s'", folder);
}

/* ---- opening ---- */

static int read_meta(sqlite3 *db, struct sqlite_file_meta *out)
{
    sqlite3_stmt *statement = NULL;
    int rc =
        sqlite3_prepare_v2(db, "SELECT instance, epoch, schema FROM meta", -1, &statement, NULL);
    struct sqlite_call call = sqlite_call_begin(statement);
    if (rc == SQLITE_OK) {
        rc = sqlite_call_step(&call);
    }
    if (rc == SQLITE_ROW) {
        struct str instance = sqlite_call_column_str(&call, 0);
        (void)snprintf(out->instance, sizeof(out->instance), "%.*s", STR_ARG(instance));
        out->epoch = (uint64_t)sqlite_call_column_int(&call, 1);
        out->schema = (uint32_t)sqlite_call_column_int(&call, 2);
    }
    (void)sqlite3_finalize(statement);
    return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

static int refuse_newer(const char *path, uint32_t schema, struct error *err)
{
    if (schema <= SQLITE_SCHEMA_VERSION) {
        return 0;
    }
    return error_set(err, E_VERSION,
                     "'%s' was written by a newer opstream (format %u; this one knows up to %d): "
                     "use that version, or another state folder",
                     path, schema, SQLITE_SCHEMA_VERSION);
}

/* Whoever only reads cannot bring it forward. */
static int refuse_older(const char *path, uint32_t schema, struct error *err)
{
    if (schema == SQLITE_SCHEMA_VERSION) {
        return 0;
    }
    return error_set(err, E_VERSION,
                     "'%s' was written by an older opstream (format %u): start a run, or 'opstream "
                     "serve', to bring it forward",
                     path, schema);
}

static int raise_schema(sqlite3 *db, uint32_t from)
{
    char update[64];
    (void)snprintf(update, sizeof(update), "UPDATE meta SET schema = %d", SQLITE_SCHEMA_VERSION);
    int rc = sqlite_call_text(db, "BEGIN IMMEDIATE");
    rc = rc == SQLITE_OK ? sqlite_schema_raise(db, from) : rc;
    rc = rc == SQLITE_OK ? sqlite_call_text(db, update) : rc;
    rc = rc == SQLITE_OK ? sqlite_call_text(db, "COMMIT") : rc;
    if (rc != SQLITE_OK) {
        (void)sqlite_call_text(db, "ROLLBACK"); /* fails when SQLite has done so already */
    }
    return rc;
}

static int check_meta(sqlite3 *db, const char *path, struct sqlite_file_meta *out,
                      struct error *err)
{
    int rc = read_meta(db, out);
    if (rc != SQLITE_OK) {
        char what[512];
        (void)snprintf(what, sizeof(what), "cannot read '%s'", path);
        return sqlite_file_fault(db, rc, what, err);
    }
    return refuse_newer(path, out->schema, err);
}

static int begin_writing(sqlite3 *db, const char *path, struct sqlite_file_meta *out,
                         struct error *err)
{
    int status = check_meta(db, path, out, err);
    if (status != 0) {
        return status;
    }
    int rc = sqlite_call_text(db, writer_settings);
    if (rc == SQLITE_OK && out->schema < SQLITE_SCHEMA_VERSION) {
        rc = raise_schema(db, out->schema);
        out->schema = SQLITE_SCHEMA_VERSION;
    }
    /* A checkpoint doesn't wait for readers: what is to be written would wait with it. */
    rc = rc == SQLITE_OK ? sqlite3_busy_timeout(db, 0) : rc;
    return rc == SQLITE_OK ? 0 : sqlite_file_fault(db, rc, "cannot open the database", err);
}

/* SQLite makes the log with the first look into the file, and nothing else syncs its name. */
static int sync_new_log(const char *folder, bool was_there, struct error *err)
{
    int failure = was_there ? 0 : sqlite_file_sync_folder(folder);
    return failure == 0 ? 0 : error_set_errno(err, E_IO, failure, "cannot sync '%s'", folder);
}

static int refuse_folder(const char *path, int *out_fd)
{
    (void)path;
    (void)out_fd;
    return SQLITE_CANTOPEN; /* which SQLite takes for a file system without synced folders */
}

/*
 * SQLite syncs the folder with the first write of each process, because it may have made the log:
 * one sync more for each run of a command. It ignores whether that works, and sync_new_log() does
 * it where it is needed, and looks.
 */
static void leave_folders_to_us(void)
{
    sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");
    if (unix_vfs != NULL && unix_vfs->xSetSystemCall != NULL) {
        (void)unix_vfs->xSetSystemCall(unix_vfs, "openDirectory",
                                       (sqlite3_syscall_ptr)refuse_folder); /* else it syncs */
    }
}

static int open_writer(const char *folder, const char *path, sqlite3 **out_db,
                       struct sqlite_file_meta *out_meta, struct error *err)
{
    sqlite3 *db = NULL;
    cleanup_free char *log = sqlite_file_path(folder, SQLITE_FILE_NAME "-wal");
    leave_folders_to_us();
    if (log == NULL) {
        return error_nomem(err);
    }
    bool was_there = access(log, F_OK) == 0;
    int rc = open_connection(path, SQLITE_OPEN_READWRITE, &db);
    int status = rc == SQLITE_OK ? check_header(db, path, err)
                                 : sqlite_file_fault(db, rc, "cannot open the database", err);
    if (status == 0) {
        status = begin_writing(db, path, out_meta, err);
    }
    if (status == 0) {
        status = sync_new_log(folder, was_there, err);
    }
    if (status != 0) {
        (void)sqlite3_close(db); /* nothing was written */
        return status;
    }
    *out_db = db;
    return 0;
}

int sqlite_file_open(const char *folder, sqlite3 **out_db, struct sqlite_file_meta *out_meta,
                     struct error *err)
{
    cleanup_free char *path = sqlite_file_path(folder, SQLITE_FILE_NAME);
    if (path == NULL) {
        return error_nomem(err);
    }
    int status = check_there(path, err);
    if (status == E_NOT_FOUND) {
        status = make_file(folder, path, err);
    }
    return status == 0 ? open_writer(folder, path, out_db, out_meta, err) : status;
}

int sqlite_file_open_reader(const char *folder, sqlite3 **out_db, struct sqlite_file_meta *out_meta,
                            struct error *err)
{
    sqlite3 *db = NULL;
    cleanup_free char *path = sqlite_file_path(folder, SQLITE_FILE_NAME);
    if (path == NULL) {
        return error_nomem(err);
    }
    int status = check_there(path, err);
    if (status != 0) {
        return status;
    }
    int rc = open_connection(path, SQLITE_OPEN_READONLY, &db);
    rc = rc == SQLITE_OK ? sqlite_call_text(db, "PRAGMA query_only=ON") : rc;
    status = rc == SQLITE_OK ? check_header(db, path, err)
                             : sqlite_file_fault(db, rc, "cannot open the database", err);
    if (status == 0) { /* not before: it reads the file, and says less of what is wrong with it */
        rc = sqlite_call_text(db, CACHE);
        status = rc == SQLITE_OK ? check_meta(db, path, out_meta, err)
                                 : sqlite_file_fault(db, rc, "cannot open the database", err);
    }
    if (status == 0) {
        status = refuse_older(path, out_meta->schema, err);
    }
    if (status != 0) {
        (void)sqlite3_close(db); /* nothing was written */
        return status;
    }
    *out_db = db;
    return 0;
}
