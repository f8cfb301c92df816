/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/record.h"

struct waiting {
    struct batch batch;
    journal_append_cb cb;
    void *user;
};

struct sim_store {
    struct journal base;
    struct journal *durable;
    struct waiting *waiting;
    size_t count;
    size_t cap;
    journal_wake_cb wake;
    void *user;
};

static int copy_records(const struct batch *from, struct batch *to)
{
    for (size_t i = 0; i < from->record_count; i++) {
        struct record record = from->records[i];
        if (edge_set_copy(&from->records[i].taken, &record.taken) != 0) {
            return E_NOMEM;
        }
        batch_add_record(to, &record);
    }
    return to->has_failed ? E_NOMEM : 0;
}

static int store_append(struct journal *journal, const struct batch *batch, journal_append_cb cb,
                        void *user, struct error *err)
{
    struct sim_store *store = (struct sim_store *)journal;
    struct waiting waiting = {.batch = BATCH_INIT, .cb = cb, .user = user};
    struct waiting *items =
        array_reserve(store->waiting, &store->cap, store->count + 1, sizeof(*items));
    if (items == NULL || copy_records(batch, &waiting.batch) != 0) {
        return error_nomem(err);
    }
    store->waiting = items;
    items[store->count++] = waiting;
    store->wake(store->user);
    return 0;
}

size_t sim_store_waiting(const struct journal *store)
{
    return ((const struct sim_store *)store)->count;
}

void sim_store_commit(struct journal *journal, size_t count)
{
    struct sim_store *store = (struct sim_store *)journal;
    for (; count > 0 && store->count > 0; count--) {
        struct waiting first = store->waiting[0];
        store->count--;
        memmove(store->waiting, store->waiting + 1, store->count * sizeof(*store->waiting));
        int status = journal_append(store->durable, &first.batch, first.cb, first.user, NULL);
        if (status != 0) {
            first.cb(first.user, status);
        }
        batch_finish(&first.batch);
        journal_collect(store->durable);
    }
}

static void store_collect(struct journal *journal)
{
    (void)journal; /* only sim_store_commit() makes anything durable */
}

static int store_read(struct journal *journal, struct str id, journal_each_cb each, void *user)
{
    return journal_read(((struct sim_store *)journal)->durable, id, each, user);
}

static void store_drop(struct journal *journal, struct str id)
{
    journal_drop(((struct sim_store *)journal)->durable, id);
}

static void store_close(struct journal *journal)
{
    struct sim_store *store = (struct sim_store *)journal;
    journal_close(store->durable);
    free(store->waiting);
    free(store);
}

static const struct journal_class store_class = {
    .append = store_append,
    .collect = store_collect,
    .read = store_read,
    .drop = store_drop,
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
    store->wake = wake;
    store->user = user;
    return &store->base;
}
