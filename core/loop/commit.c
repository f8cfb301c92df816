/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/commit.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"

enum { SPARE_COMMITS = 4, SPARE_RECORDS = 4096 };

/* ---- lifecycle ---- */

static void commit_free(struct commit *commit)
{
    batch_finish(&commit->batch);
    arena_finish(&commit->arena);
    free(commit->definitions);
    free(commit->runs);
    free(commit->audits);
    free(commit->marks);
    free(commit->logs);
    free(commit->kvs);
    free(commit->acks);
    free(commit);
}

static void commit_clear(struct commit *commit)
{
    batch_clear(&commit->batch);
    arena_finish(&commit->arena);
    commit->definition_count = 0;
    commit->run_count = 0;
    commit->audit_count = 0;
    commit->mark_count = 0;
    commit->log_count = 0;
    commit->kv_count = 0;
    commit->ack_count = 0;
    commit->has_failed = false;
}

/* A few are kept with their arrays, which otherwise would grow anew with each event. */
void commit_destroy(struct commit *commit)
{
    struct loop *loop = commit->loop;
    loop->scope_writes -= commit->is_counted ? 1 : 0;
    commit->is_counted = false;
    if (loop->spare_count == SPARE_COMMITS || commit->batch.record_cap > SPARE_RECORDS ||
        commit->batch.effect_cap > SPARE_RECORDS) {
        commit_free(commit);
        return;
    }
    commit_clear(commit);
    commit->next_spare = loop->spare;
    loop->spare = commit;
    loop->spare_count++;
}

void commit_free_spares(struct loop *loop)
{
    while (loop->spare != NULL) {
        struct commit *commit = loop->spare;
        loop->spare = commit->next_spare;
        commit_free(commit);
    }
    loop->spare_count = 0;
}

struct commit *commit_create(struct loop *loop)
{
    struct commit *commit = loop->spare;
    if (commit != NULL) {
        loop->spare = commit->next_spare;
        loop->spare_count--;
        return commit;
    }
    commit = calloc(1, sizeof(*commit));
    if (commit == NULL) {
        struct error err = {0};
        (void)error_nomem(&err);
        run_driver_fail(loop, &err);
        return NULL;
    }
    commit->loop = loop;
    return commit;
}

/* ---- what is in it ---- */

/* Room for one more; NULL: no memory, which is remembered. */
static void *reserve(struct commit *commit, void *items, size_t *cap, size_t count, size_t size)
{
    void *grown = array_reserve(items, cap, count + 1, size);
    commit->has_failed = commit->has_failed || grown == NULL;
    return grown;
}

static void keep(struct commit *commit, struct str *text)
{
    if (text->n == 0) {
        *text = STR("");
        return;
    }
    *text = arena_dup_str(&commit->arena, *text);
    commit->has_failed = commit->has_failed || text->p == NULL;
}

void commit_add_definition(struct commit *commit, const struct journal_definition *definition)
{
    struct journal_definition *items = reserve(commit, commit->definitions, &commit->definition_cap,
                                               commit->definition_count, sizeof(*items));
    if (items == NULL) {
        return;
    }
    commit->definitions = items;
    struct journal_definition *kept = &items[commit->definition_count++];
    *kept = *definition;
    keep(commit, &kept->digest);
    keep(commit, &kept->source);
    keep(commit, &kept->compiled_by);
}

void commit_add_run(struct commit *commit, const struct journal_new_run *run)
{
    struct journal_new_run *items =
        reserve(commit, commit->runs, &commit->run_cap, commit->run_count, sizeof(*items));
    if (items == NULL) {
        return;
    }
    commit->runs = items;
    struct journal_new_run *kept = &items[commit->run_count++];
    *kept = *run;
    keep(commit, &kept->id);
    keep(commit, &kept->definition);
    keep(commit, &kept->workflow);
    keep(commit, &kept->name);
    keep(commit, &kept->version);
    keep(commit, &kept->labels);
    keep(commit, &kept->call);
    keep(commit, &kept->parent_path);
    keep(commit, &kept->queued_by);
    keep(commit, &kept->key);
    keep(commit, &kept->request);
    keep(commit, &kept->triggered_by);
    keep(commit, &kept->options);
}

void commit_add_audit(struct commit *commit, const struct journal_audit *audit)
{
    struct journal_audit *items =
        reserve(commit, commit->audits, &commit->audit_cap, commit->audit_count, sizeof(*items));
    if (items == NULL) {
        return;
    }
    commit->audits = items;
    struct journal_audit *kept = &items[commit->audit_count++];
    *kept = *audit;
    keep(commit, &kept->who);
    keep(commit, &kept->action);
    keep(commit, &kept->detail);
}

void commit_add_mark(struct commit *commit, const struct journal_mark *mark)
{
    struct journal_mark *items =
        reserve(commit, commit->marks, &commit->mark_cap, commit->mark_count, sizeof(*items));
    if (items == NULL) {
        return;
    }
    commit->marks = items;
    struct journal_mark *kept = &items[commit->mark_count++];
    *kept = *mark;
    keep(commit, &kept->text);
}

void commit_add_log(struct commit *commit, const struct journal_log *log)
{
    struct journal_log *items =
        reserve(commit, commit->logs, &commit->log_cap, commit->log_count, sizeof(*items));
    if (items == NULL) {
        return;
    }
    commit->logs = items;
    struct journal_log *kept = &items[commit->log_count++];
    *kept = *log;
    keep(commit, &kept->path);
    keep(commit, &kept->line);
}

void commit_add_kv(struct commit *commit, const struct journal_kv *kv)
{
    struct journal_kv *items =
        reserve(commit, commit->kvs, &commit->kv_cap, commit->kv_count, sizeof(*items));
    if (items == NULL) {
        return;
    }
    commit->kvs = items;
    struct journal_kv *kept = &items[commit->kv_count++];
    *kept = *kv;
    keep(commit, &kept->plugin);
    keep(commit, &kept->key);
    keep(commit, &kept->value);
}

void commit_add_ack(struct commit *commit, commit_ack_cb cb, void *user)
{
    struct commit_ack *items =
        reserve(commit, commit->acks, &commit->ack_cap, commit->ack_count, sizeof(*items));
    if (items == NULL) {
        cb(user, E_NOMEM);
        return;
    }
    commit->acks = items;
    items[commit->ack_count++] = (struct commit_ack){.cb = cb, .user = user};
}

bool commit_is_empty(const struct commit *commit)
{
    return commit->batch.record_count == 0 && commit->batch.effect_count == 0 &&
           commit->batch.scope_count == 0 && commit->batch.cache_count == 0 &&
           commit->definition_count == 0 && commit->run_count == 0 && commit->audit_count == 0 &&
           commit->mark_count == 0 && commit->log_count == 0 && commit->kv_count == 0 &&
           commit->ack_count == 0;
}

/* ---- on its way ---- */

void commit_tell(struct commit *commit, int status)
{
    size_t count = commit->ack_count;
    commit->ack_count = 0;
    for (size_t i = 0; i < count; i++) {
        commit->acks[i].cb(commit->acks[i].user, status);
    }
}

int commit_submit(struct commit *commit, void (*cb)(void *commit, int status), struct error *err)
{
    struct journal_write write = {
        .batch = &commit->batch,
        .definitions = commit->definitions,
        .definition_count = commit->definition_count,
        .runs = commit->runs,
        .run_count = commit->run_count,
        .audits = commit->audits,
        .audit_count = commit->audit_count,
        .marks = commit->marks,
        .mark_count = commit->mark_count,
        .logs = commit->logs,
        .log_count = commit->log_count,
        .kvs = commit->kvs,
        .kv_count = commit->kv_count,
    };
    commit->is_counted = commit->batch.scope_count > 0;
    commit->loop->scope_writes += commit->is_counted ? 1 : 0;
    int status = commit->has_failed
                     ? error_nomem(err)
                     : journal_append(commit->loop->journal, &write, cb, commit, err);
    if (status != 0) {
        commit_tell(commit, status);
        commit_destroy(commit);
    }
    return status;
}
