/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>

static void cut_at_character(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && n + 4 >= FAULT_MESSAGE_BYTES && ((unsigned char)text[n - 1] & 0x80) != 0) {
        text[--n] = '\0'; /* it may have been cut inside of one */
    }
}

int fault_set(struct fault *fault, ops_status code, const char *symbol, const char *format, ...)
{
    if (fault->code != OPS_OK) {
        return 0;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->message, sizeof(fault->message), format, args);
    va_end(args);
    cut_at_character(fault->message);
    fault->code = code;
    fault->symbol = symbol;
    return 0;
}

static void set_corrupt(struct fault *fault, const char *file, const char *said)
{
    (void)fault_set(fault, OPS_E_UPSTREAM, "search.corrupt", "the index '%s' is damaged: %s", file,
                    said);
    fault->retry = OPS_RETRY_NO;
    fault->hint = "nothing was changed in it: move the file and those that begin with its name "
                  "away, or put a copy back, then index again";
}

static void set_full(struct fault *fault, const char *file)
{
    (void)fault_set(fault, OPS_E_RESOURCE, "search.full",
                    "the index '%s' has no room: its file system is full, or it has reached "
                    "'max_size_mb' or the limit of files (ulimit -f)",
                    file);
    fault->hint = "make room, delete documents, or raise 'max_size_mb' in integrations.search";
}

/*
 * A write that fails where files may not grow: SQLite knows only the full file system, and what the
 * system said may be gone once it has rolled back.
 */
static int is_limit_of_files(sqlite3 *db)
{
    struct rlimit limit;
    return db != NULL && sqlite3_extended_errcode(db) == SQLITE_IOERR_WRITE &&
           getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

int fault_set_sqlite(struct fault *fault, struct sqlite3 *db, int rc, const char *file)
{
    const char *said = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    int system = db != NULL ? sqlite3_system_errno(db) : 0;
    if (fault->code != OPS_OK) {
        return 0; /* what stopped it has said so already */
    }
    switch (rc & 0xff) {
    case SQLITE_INTERRUPT:
        return fault_set(fault, OPS_E_CANCELLED, "search.cancelled", "cancelled");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        set_corrupt(fault, file, said);
        return 0;
    case SQLITE_FULL:
        set_full(fault, file);
        return 0;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        (void)fault_set(fault, OPS_E_UNAVAILABLE, "search.busy",
                        "another process has the index '%s' for too long", file);
        fault->hint = "try again, or raise 'wait_ms' in integrations.search";
        return 0;
    case SQLITE_NOMEM:
        return fault_set(fault, OPS_E_RESOURCE, "search.memory", "out of memory");
    case SQLITE_IOERR:
        if (system == EFBIG || is_limit_of_files(db)) {
            set_full(fault, file);
            return 0;
        }
        break;
    default:
        break;
    }
    (void)fault_set(fault, OPS_E_UPSTREAM, "search.io", "the index '%s' cannot be used: %s%s%s",
                    file, said, system != 0 ? ": " : "", system != 0 ? strerror(system) : "");
    fault->hint = "see that the folder is there, and that opstream may read and write in it";
    return 0;
}

void fault_tell(ops_task task, const struct fault *fault)
{
    ops_error error = ops_error_make(fault->code, fault->message);
    error.retry = fault->retry;
    error.symbol = ops_text(fault->symbol);
    error.hint = ops_text(fault->hint);
    error.path = ops_text(fault->path);
    error.flags = OPS_ERROR_REPEATABLE;
    (void)ops.exec->fail(ops.h, task, &error); /* stale: it was given up just now */
}
