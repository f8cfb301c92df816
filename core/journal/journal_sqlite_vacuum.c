/* SPDX-License-Identifier: Apache-2.0 */
/* Vacuum: files that nobody names, and the room that removed rows have left in the file. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/journal/journal_sqlite.h"
#include "core/journal/sqlite_blobs.h"
#include "core/journal/sqlite_call.h"
#include "core/journal/sqlite_file.h"
#include "core/journal/sqlite_work.h"

struct vacuum {
    struct sqlite_work work;
    const char *folder;
};

/* What is there and not in the table was never named, or its runs are gone. */
static int remove_unnamed(void *user, const char *parent, const char *name)
{
    sqlite3_stmt *statement = user;
    struct sqlite_call call = sqlite_call_begin(statement);
    sqlite_call_str(&call, str_from(name));
    bool has = sqlite_call_step(&call) == SQLITE_ROW;
    if (sqlite_call_end(&call) != SQLITE_OK) {
        return E_IO;
    }
    cleanup_free char *path = has ? NULL : sqlite_file_path(parent, name);
    if (path != NULL) {
        (void)unlink(path); /* the next vacuum finds it again */
    }
    return has || path != NULL ? 0 : E_NOMEM;
}

static int remove_files(const char *folder, sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM blobs WHERE digest = ? LIMIT 1", -1, &statement,
                                NULL);
    if (rc == SQLITE_OK) {
        int status = sqlite_blobs_each(folder, remove_unnamed, statement, NULL);
        rc = status == 0 ? SQLITE_OK : status == E_NOMEM ? SQLITE_NOMEM : SQLITE_CANTOPEN;
    }
    (void)sqlite3_finalize(statement); /* says again what the step has said */
    return rc;
}

static int vacuum_after(struct sqlite_work *work, sqlite3 *db)
{
    const struct vacuum *vacuum = (const struct vacuum *)work;
    int rc = remove_files(vacuum->folder, db);
    if (rc == SQLITE_OK) {
        rc = sqlite_call_text(db, "VACUUM");
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    return rc == SQLITE_BUSY ? SQLITE_OK : rc; /* a reader: the log is cut later */
}

static void vacuum_destroy(struct sqlite_work *work)
{
    free(work);
}

int journal_sqlite_vacuum(struct journal *journal, journal_append_cb cb, void *user,
                          struct error *err)
{
    struct vacuum *vacuum = malloc(sizeof(*vacuum));
    if (vacuum == NULL) {
        return error_nomem(err);
    }
    *vacuum = (struct vacuum){
        .work = {.after = vacuum_after, .destroy = vacuum_destroy},
        .folder = journal_sqlite_folder(journal),
    };
    return journal_sqlite_submit(journal, &vacuum->work, cb, user, err);
}
