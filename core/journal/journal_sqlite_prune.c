/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs go by trees: a root that has ended with all of its child runs. Their rows go with the row
 * in `runs`, in one transaction; files that nobody names then are removed after it, and a crash
 * in between leaves files that the next vacuum finds.
 */
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/journal/journal_sqlite.h"
#include "core/journal/sqlite_blobs.h"
#include "core/journal/sqlite_call.h"
#include "core/journal/sqlite_digests.h"
#include "core/journal/sqlite_work.h"

enum { PRUNE_USUAL = 100 };

struct prune {
    struct sqlite_work work;
    struct journal_retention retention;
    char *workflow;
    const char *folder;
    struct sqlite_digests digests; /* that a removed run has named */
};

/* Roots, oldest first: ?1 ended before, ?2 the same for failures, ?3 the workflow, ?4 how many. */
#define ROOTS_THAT_ENDED                                                                           \
    "SELECT run FROM runs r WHERE parent IS NULL AND ended_at IS NOT NULL"                         \
    " AND (?3 = '' OR workflow = ?3)"                                                              \
    " AND NOT EXISTS (SELECT 1 FROM runs c WHERE c.root = r.run AND c.ended_at IS NULL)"

static const char find_old[] = ROOTS_THAT_ENDED
    " AND ended_at < CASE WHEN state = 'completed' THEN ?1 ELSE ?2 END AND ended_at < max(?1, ?2)"
    " ORDER BY ended_at LIMIT ?4";

static const char find_oldest[] = ROOTS_THAT_ENDED " ORDER BY ended_at LIMIT ?4";

static const char count_ended[] = "SELECT count(*) FROM runs WHERE parent IS NULL"
                                  " AND ended_at IS NOT NULL AND (?3 = '' OR workflow = ?3)";

struct roots {
    int64_t *items;
    size_t count;
    size_t cap;
};

static struct prune *prune_of(struct sqlite_work *work)
{
    return (struct prune *)work;
}

static int add_root(struct roots *roots, int64_t root)
{
    int64_t *items =
        array_reserve(roots->items, &roots->cap, roots->count + 1, sizeof(*roots->items));
    if (items == NULL) {
        return SQLITE_NOMEM;
    }
    roots->items = items;
    roots->items[roots->count++] = root;
    return SQLITE_OK;
}

/* The numbers that `sql` gives. */
static int ask(const struct prune *prune, sqlite3 *db, const char *sql, int64_t limit,
               struct roots *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) { /* one that `sql` does not have is out of its range, which is fine */
        (void)sqlite3_bind_int64(statement, 1, prune->retention.ended_before_unix_ms);
        (void)sqlite3_bind_int64(statement, 2, prune->retention.failed_before_unix_ms);
        (void)sqlite3_bind_text(statement, 3, prune->workflow, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 4, limit);
        rc = sqlite3_step(statement);
    }
    while (rc == SQLITE_ROW) {
        rc = add_root(out, sqlite3_column_int64(statement, 0));
        rc = rc == SQLITE_OK ? sqlite3_step(statement) : rc;
    }
    (void)sqlite3_finalize(statement); /* says again what the step has said */
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int remove_tree(struct prune *prune, sqlite3 *db, int64_t root)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite_digests_add(&prune->digests, db,
                                "SELECT DISTINCT b.digest FROM runs r CROSS JOIN blobs b"
                                " ON b.run = r.run WHERE r.root = ?",
                                root);
    if (rc == SQLITE_OK) {
        rc = sqlite3_prepare_v2(db, "DELETE FROM runs WHERE root = ?", -1, &statement, NULL);
    }
    if (rc == SQLITE_OK) {
        struct sqlite_call call = sqlite_call_begin(statement);
        sqlite_call_int(&call, root);
        rc = sqlite_call_end(&call);
    }
    (void)sqlite3_finalize(statement); /* says again what the step has said */
    return rc;
}

/* Removes up to `*left` trees that `sql` finds. */
static int remove_trees(struct prune *prune, sqlite3 *db, const char *sql, int64_t *left)
{
    struct roots roots = {0};
    int rc = *left > 0 ? ask(prune, db, sql, *left, &roots) : SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < roots.count; i++) {
        rc = remove_tree(prune, db, roots.items[i]);
    }
    *left -= (int64_t)roots.count;
    free(roots.items);
    return rc;
}

static int remove_surplus(struct prune *prune, sqlite3 *db, int64_t *left)
{
    struct roots count = {0};
    if (prune->retention.max_runs == 0 || prune->retention.max_runs > INT64_MAX) {
        return SQLITE_OK;
    }
    int rc = ask(prune, db, count_ended, 1, &count);
    int64_t surplus = count.count > 0 ? count.items[0] - (int64_t)prune->retention.max_runs : 0;
    free(count.items);
    surplus = surplus < *left ? surplus : *left;
    *left -= surplus > 0 ? surplus : 0;
    return rc == SQLITE_OK ? remove_trees(prune, db, find_oldest, &surplus) : rc;
}

static int prune_write(struct sqlite_work *work, sqlite3 *db)
{
    struct prune *prune = prune_of(work);
    const int64_t most = prune->retention.limit > 0 ? prune->retention.limit : PRUNE_USUAL;
    int64_t left = most;
    prune->digests.count = 0; /* it may be tried again */
    int rc = sqlite_call_text(db, "UPDATE meta SET last_run ="
                                  " max(last_run, (SELECT ifnull(max(run), 0) FROM runs))");
    if (rc == SQLITE_OK) {
        rc = remove_trees(prune, db, find_old, &left);
    }
    if (rc == SQLITE_OK) {
        rc = remove_surplus(prune, db, &left);
    }
    if (rc == SQLITE_OK && prune->retention.out_removed != NULL) {
        *prune->retention.out_removed = (uint64_t)(most - left);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_call_text(db, "DELETE FROM definitions WHERE NOT EXISTS (SELECT 1 FROM runs"
                                  " WHERE runs.definition = definitions.digest)");
    }
    return rc;
}

static int is_named(sqlite3_stmt *statement, struct str digest, bool *out)
{
    struct sqlite_call call = sqlite_call_begin(statement);
    sqlite_call_str(&call, digest);
    *out = sqlite_call_step(&call) == SQLITE_ROW;
    return sqlite_call_end(&call);
}

/* A file that cannot be removed is left for the next vacuum: the rows are gone all the same. */
static int prune_after(struct sqlite_work *work, sqlite3 *db)
{
    struct prune *prune = prune_of(work);
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM blobs WHERE digest = ? LIMIT 1", -1, &statement,
                                NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < prune->digests.count; i++) {
        struct str digest = str_from(prune->digests.items[i]);
        bool has = true;
        rc = is_named(statement, digest, &has);
        if (rc == SQLITE_OK && !has) {
            (void)sqlite_blobs_remove(prune->folder, digest, NULL);
        }
    }
    (void)sqlite3_finalize(statement); /* says again what the step has said */
    return SQLITE_OK;
}

static void prune_destroy(struct sqlite_work *work)
{
    struct prune *prune = prune_of(work);
    sqlite_digests_finish(&prune->digests);
    free(prune->workflow);
    free(prune);
}

int journal_sqlite_prune(struct journal *journal, const struct journal_retention *retention,
                         journal_append_cb cb, void *user, struct error *err)
{
    struct prune *prune = calloc(1, sizeof(*prune));
    char *workflow = str_dup(retention->workflow);
    if (prune == NULL || workflow == NULL) {
        free(prune);
        free(workflow);
        return error_nomem(err);
    }
    *prune = (struct prune){
        .work = {.write = prune_write, .after = prune_after, .destroy = prune_destroy},
        .retention = *retention,
        .workflow = workflow,
        .folder = journal_sqlite_folder(journal),
    };
    return journal_sqlite_submit(journal, &prune->work, cb, user, err);
}
