/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/journal_sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/journal/sqlite_call.h"
#include "core/journal/sqlite_file.h"
#include "core/journal/sqlite_work.h"
#include "core/journal/sqlite_writer.h"

struct journal_sqlite {
    struct journal base;
    struct sqlite_writer *writer;
    char *folder;
    struct sqlite_file_meta meta;
    uint64_t waiting;
    bool has_live; /* when it was opened */
    bool has_scopes;
};

static struct journal_sqlite *store_of(struct journal *journal)
{
    return (struct journal_sqlite *)journal;
}

static const struct journal_sqlite *const_store_of(const struct journal *journal)
{
    return (const struct journal_sqlite *)journal;
}

static int submit(struct journal_sqlite *store, const struct sqlite_write *write, struct error *err)
{
    struct sqlite_write *waiting = malloc(sizeof(*waiting));
    if (waiting == NULL) {
        return error_nomem(err);
    }
    *waiting = *write;
    store->waiting++;
    sqlite_writer_submit(store->writer, waiting);
    return 0;
}

static int sqlite_append(struct journal *journal, const struct journal_write *write,
                         journal_append_cb cb, void *user, struct error *err)
{
    return submit(store_of(journal),
                  &(struct sqlite_write){.write = *write, .cb = cb, .user = user}, err);
}

static void free_write(struct sqlite_write *write)
{
    if (write->work != NULL) {
        write->work->destroy(write->work);
    }
    free(write);
}

static void sqlite_collect(struct journal *journal)
{
    struct journal_sqlite *store = store_of(journal);
    struct sqlite_write *next = NULL;
    for (struct sqlite_write *write = sqlite_writer_collect(store->writer); write != NULL;
         write = next) {
        next = write->next;
        store->waiting--;
        if (write->cb != NULL) {
            write->cb(write->user, write->status);
        }
        free_write(write);
    }
}

static void destroy(struct journal_sqlite *store)
{
    sqlite_writer_close(store->writer);
    free(store->folder);
    free(store);
}

static void sqlite_close(struct journal *journal)
{
    CHECK(store_of(journal)->waiting == 0);
    destroy(store_of(journal));
}

static const struct journal_class sqlite_class = {
    .append = sqlite_append,
    .collect = sqlite_collect,
    .close = sqlite_close,
};

static int open_store(struct journal_sqlite *store, const struct journal_sqlite_options *options,
                      struct error *err)
{
    sqlite3 *db = NULL;
    int64_t last_run = 0;
    int64_t has_live = 0;
    int64_t has_scopes = 0;
    int status = sqlite_file_open(store->folder, &db, &store->meta, err);
    if (status != 0) {
        return status;
    }
    int rc = sqlite_call_number(
        db, "SELECT max(last_run, (SELECT ifnull(max(run), 0) FROM runs)) FROM meta", &last_run);
    if (rc == SQLITE_OK) {
        rc = sqlite_call_number(db, "SELECT EXISTS (SELECT 1 FROM runs WHERE ended_at IS NULL)",
                                &has_live);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_call_number(db, "SELECT EXISTS (SELECT 1 FROM scopes)", &has_scopes);
    }
    if (rc != SQLITE_OK) {
        status = sqlite_file_fault(db, rc, "cannot read the database", err);
        (void)sqlite3_close(db); /* nothing was written */
        return status;
    }
    store->base.next_run = (uint64_t)last_run;
    store->has_live = has_live != 0;
    store->has_scopes = has_scopes != 0;
    store->meta.epoch++;
    return sqlite_writer_open(&(struct sqlite_writer_options){.db = db,
                                                              .folder = store->folder,
                                                              .epoch = store->meta.epoch,
                                                              .retry_ms = options->retry_ms,
                                                              .idle_ms = options->idle_ms,
                                                              .wake = options->wake,
                                                              .user = options->user},
                              &store->writer, err);
}

int journal_sqlite_open(const struct journal_sqlite_options *options, struct journal **out_journal,
                        struct error *err)
{
    struct journal_sqlite *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return error_nomem(err);
    }
    store->base.class_ = &sqlite_class;
    store->base.keeps = true;
    store->folder = str_dup(str_from(options->folder));
    int status = store->folder != NULL ? open_store(store, options, err) : error_nomem(err);
    if (status != 0) {
        destroy(store);
        return status;
    }
    *out_journal = &store->base;
    return 0;
}

struct str journal_sqlite_instance(const struct journal *journal)
{
    return str_from(const_store_of(journal)->meta.instance);
}

uint64_t journal_sqlite_epoch(const struct journal *journal)
{
    return const_store_of(journal)->meta.epoch;
}

bool journal_sqlite_has_live(const struct journal *journal)
{
    return const_store_of(journal)->has_live;
}

bool journal_sqlite_has_scopes(const struct journal *journal)
{
    return const_store_of(journal)->has_scopes;
}

struct journal_trouble journal_sqlite_trouble(const struct journal *journal)
{
    struct journal_trouble trouble = {0};
    sqlite_writer_trouble(const_store_of(journal)->writer, &trouble);
    return trouble;
}

void journal_sqlite_give_up(struct journal *journal)
{
    sqlite_writer_give_up(store_of(journal)->writer);
}

void journal_sqlite_bound_cache(struct journal *journal, int64_t bytes)
{
    sqlite_writer_bound_cache(store_of(journal)->writer, bytes);
}

uint64_t journal_sqlite_waiting(const struct journal *journal)
{
    return const_store_of(journal)->waiting;
}

int journal_sqlite_submit(struct journal *journal, struct sqlite_work *work, journal_append_cb cb,
                          void *user, struct error *err)
{
    int status = submit(store_of(journal),
                        &(struct sqlite_write){.work = work, .cb = cb, .user = user}, err);
    if (status != 0) {
        work->destroy(work);
    }
    return status;
}

const char *journal_sqlite_folder(const struct journal *journal)
{
    return const_store_of(journal)->folder;
}
