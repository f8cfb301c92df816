/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/record.h"
#include "core/engine/record_json.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct row {
    uint64_t number;
    uint64_t last_seq;
    int64_t crashes;
};

struct scope {
    const char *kind;
    char *key;
    char *state;
    int64_t at;
};

/* A write in the memory of the process. */
struct waiting {
    struct batch batch;
    struct journal_new_run *runs;
    size_t run_count;
    struct journal_mark *marks;
    size_t mark_count;
    journal_append_cb cb;
    void *user;
};

struct sim_store {
    struct journal base;
    struct journal *durable;
    struct row *rows;
    size_t row_count;
    size_t row_cap;
    struct scope *scopes; /* by kind, then by key */
    size_t scope_count;
    size_t scope_cap;
    struct waiting *waiting;
    size_t count;
    size_t cap;
    journal_wake_cb wake;
    void *user;
    const char *fault;
};

static struct sim_store *store_of(const struct journal *journal)
{
    return (struct sim_store *)(uintptr_t)journal;
}

static struct row *find_row(const struct sim_store *store, uint64_t number)
{
    for (size_t i = 0; i < store->row_count; i++) {
        if (store->rows[i].number == number) {
            return &store->rows[i];
        }
    }
    return NULL;
}

/* ---- writing ---- */

static int copy_batch(const struct batch *from, struct batch *to)
{
    for (size_t i = 0; from != NULL && i < from->scope_count; i++) {
        batch_add_scope(to, &from->scopes[i]);
    }
    for (size_t i = 0; from != NULL && i < from->record_count; i++) {
        struct record record = from->records[i];
        if (edge_set_copy(&from->records[i].taken, &record.taken) != 0) {
            return E_NOMEM;
        }
        record.path = record.path != NULL ? str_dup(str_from(record.path)) : NULL;
        batch_add_record(to, &record);
    }
    return to->has_failed ? E_NOMEM : 0;
}

static void *copy_array(const void *items, size_t count, size_t size)
{
    void *copy = calloc(count + 1, size);
    if (copy != NULL && count > 0) {
        memcpy(copy, items, count * size);
    }
    return copy;
}

static void waiting_finish(struct waiting *waiting)
{
    batch_finish(&waiting->batch);
    free(waiting->runs);
    free(waiting->marks);
}

static int store_append(struct journal *journal, const struct journal_write *write,
                        journal_append_cb cb, void *user, struct error *err)
{
    struct sim_store *store = store_of(journal);
    struct waiting waiting = {
        .batch = BATCH_INIT,
        .runs = copy_array(write->runs, write->run_count, sizeof(*write->runs)),
        .run_count = write->run_count,
        .marks = copy_array(write->marks, write->mark_count, sizeof(*write->marks)),
        .mark_count = write->mark_count,
        .cb = cb,
        .user = user};
    struct waiting *items =
        array_reserve(store->waiting, &store->cap, store->count + 1, sizeof(*items));
    if (items == NULL || waiting.runs == NULL || waiting.marks == NULL ||
        copy_batch(write->batch, &waiting.batch) != 0) {
        waiting_finish(&waiting);
        return error_nomem(err);
    }
    store->waiting = items;
    items[store->count++] = waiting;
    store->wake(store->user);
    return 0;
}

/* ---- becoming durable ---- */

static void keep_row(struct sim_store *store, const struct journal_new_run *run)
{
    bool has_parent = run->parent == 0 || find_row(store, run->parent) != NULL;
    if (!has_parent || find_row(store, run->number) != NULL) {
        store->fault = "a run is there once, and after its parent";
        return;
    }
    struct row *rows =
        array_reserve(store->rows, &store->row_cap, store->row_count + 1, sizeof(*rows));
    if (rows == NULL) {
        store->fault = "memory ran out";
        return;
    }
    store->rows = rows;
    rows[store->row_count++] = (struct row){.number = run->number};
}

static void keep_seq(struct sim_store *store, const struct record *record)
{
    struct row *row = find_row(store, record->run_number);
    if (record_is_lazy(record)) {
        return;
    }
    if (row == NULL || record->seq != row->last_seq + 1) {
        store->fault = "a record follows the ones before it, and the row of its run";
        return;
    }
    row->last_seq = record->seq;
    row->crashes = 0;
}

static void keep_mark(struct sim_store *store, const struct journal_mark *mark)
{
    struct row *row = find_row(store, mark->run);
    if (row != NULL && mark->kind == JOURNAL_MARK_CRASHES) {
        row->crashes = mark->at;
    }
}

/* Where it is, or belongs. */
static size_t place_of(const struct sim_store *store, const char *kind, struct str key,
                       bool *out_is_there)
{
    for (size_t i = 0; i < store->scope_count; i++) {
        int order = strcmp(store->scopes[i].kind, kind);
        order = order != 0 ? order : str_compare(str_from(store->scopes[i].key), key);
        if (order >= 0) {
            *out_is_there = order == 0;
            return i;
        }
    }
    *out_is_there = false;
    return store->scope_count;
}

static void drop_scope(struct sim_store *store, size_t at)
{
    free(store->scopes[at].key);
    free(store->scopes[at].state);
    store->scope_count--;
    memmove(store->scopes + at, store->scopes + at + 1,
            (store->scope_count - at) * sizeof(*store->scopes));
}

static void put_scope(struct sim_store *store, size_t at, const struct scope *scope)
{
    struct scope *scopes =
        array_reserve(store->scopes, &store->scope_cap, store->scope_count + 1, sizeof(*scopes));
    if (scopes == NULL || scope->key == NULL || scope->state == NULL) {
        free(scope->key);
        free(scope->state);
        store->scopes = scopes != NULL ? scopes : store->scopes;
        store->fault = "memory ran out";
        return;
    }
    store->scopes = scopes;
    memmove(scopes + at + 1, scopes + at, (store->scope_count - at) * sizeof(*scopes));
    scopes[at] = *scope;
    store->scope_count++;
}

static void keep_scope(struct sim_store *store, const struct scope_change *change)
{
    bool is_there = false;
    struct strbuf state = STRBUF_INIT;
    size_t at = place_of(store, change->kind, change->key, &is_there);
    if (is_there) {
        drop_scope(store, at);
    }
    if (change->state == NULL) {
        return;
    }
    json_write(document_root(change->state), JSON_COMPACT, &state);
    put_scope(store, at,
              &(struct scope){.kind = change->kind,
                              .key = str_dup(change->key),
                              .state = strbuf_take(&state),
                              .at = change->at_unix_ms});
}

static void ignore(void *user, int status)
{
    (void)user;
    (void)status;
}

static int keep(struct sim_store *store, const struct waiting *waiting)
{
    struct journal_write write = {.batch = &waiting->batch};
    for (size_t i = 0; i < waiting->run_count; i++) {
        keep_row(store, &waiting->runs[i]);
    }
    for (size_t i = 0; i < waiting->batch.record_count; i++) {
        keep_seq(store, &waiting->batch.records[i]);
    }
    for (size_t i = 0; i < waiting->batch.scope_count; i++) {
        keep_scope(store, &waiting->batch.scopes[i]);
    }
    for (size_t i = 0; i < waiting->mark_count; i++) {
        keep_mark(store, &waiting->marks[i]);
    }
    int status = journal_append(store->durable, &write, ignore, NULL, NULL);
    journal_collect(store->durable);
    return status;
}

static struct waiting take_first(struct sim_store *store)
{
    struct waiting first = store->waiting[0];
    store->count--;
    memmove(store->waiting, store->waiting + 1, store->count * sizeof(*store->waiting));
    return first;
}

size_t sim_store_waiting(const struct journal *store)
{
    return store_of(store)->count;
}

void sim_store_commit(struct journal *journal, size_t count)
{
    struct sim_store *store = store_of(journal);
    for (; count > 0 && store->count > 0; count--) {
        struct waiting first = take_first(store);
        first.cb(first.user, keep(store, &first));
        waiting_finish(&first);
    }
}

void sim_store_crash(struct journal *journal, size_t kept)
{
    struct sim_store *store = store_of(journal);
    for (size_t i = 0; store->count > 0; i++) {
        struct waiting first = take_first(store);
        if (i < kept && keep(store, &first) != 0) {
            store->fault = "memory ran out";
        }
        first.cb(first.user, E_CANCELED);
        waiting_finish(&first);
    }
}

static void store_collect(struct journal *journal)
{
    (void)journal; /* only sim_store_commit() makes anything durable */
}

/* ---- reading ---- */

int sim_store_read(struct journal *store, uint64_t number, journal_each_cb each, void *user)
{
    return journal_memory_read(store_of(store)->durable, number, each, user);
}

bool sim_store_has_run(const struct journal *store, uint64_t number)
{
    return find_row(store_of(store), number) != NULL;
}

uint64_t sim_store_last_seq(const struct journal *store, uint64_t number)
{
    const struct row *row = find_row(store_of(store), number);
    return row != NULL ? row->last_seq : 0;
}

int64_t sim_store_crashes(const struct journal *store, uint64_t number)
{
    const struct row *row = find_row(store_of(store), number);
    return row != NULL ? row->crashes : 0;
}

int sim_store_scopes(const struct journal *journal, const char *kind, journal_scope_cb each,
                     void *user)
{
    const struct sim_store *store = store_of(journal);
    int status = 0;
    for (size_t i = 0; i < store->scope_count && status == 0; i++) {
        const struct scope *scope = &store->scopes[i];
        if (strcmp(scope->kind, kind) == 0) {
            status = each(user, &(struct journal_scope_row){.key = str_from(scope->key),
                                                            .state = str_from(scope->state),
                                                            .at = scope->at});
        }
    }
    return status;
}

const char *sim_store_fault(const struct journal *store)
{
    return store_of(store)->fault;
}

/* ---- open ---- */

static void store_close(struct journal *journal)
{
    struct sim_store *store = store_of(journal);
    journal_close(store->durable);
    while (store->scope_count > 0) {
        drop_scope(store, store->scope_count - 1);
    }
    free(store->scopes);
    free(store->waiting);
    free(store->rows);
    free(store);
}

static const struct journal_class store_class = {
    .append = store_append,
    .collect = store_collect,
    .close = store_close,
};

static void on_durable_wake(void *user)
{
    (void)user; /* collected in the same breath */
}

struct journal *sim_store_open(journal_wake_cb wake, void *user)
{
    struct error err = {0};
    struct sim_store *store = calloc(1, sizeof(*store));
    if (store == NULL || journal_memory_open(on_durable_wake, NULL, &store->durable, &err) != 0) {
        free(store);
        return NULL;
    }
    store->base.class_ = &store_class;
    store->base.keeps = true;
    store->wake = wake;
    store->user = user;
    return &store->base;
}
