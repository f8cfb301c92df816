/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store that keeps nothing: for runs that nobody will recover or read again. Only the
 * callbacks wait, for the next journal_collect().
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/journal/journal.h"

struct pending {
    journal_append_cb cb;
    void *user;
};

struct journal_ephemeral {
    struct journal base;
    journal_wake_cb wake;
    void *user;
    struct pending *pending;
    size_t count;
    size_t cap;
    struct pending *spare; /* used in turn with `pending`, so that nothing is allocated for long */
    size_t spare_cap;
};

static struct journal_ephemeral *ephemeral_of(struct journal *journal)
{
    return (struct journal_ephemeral *)journal;
}

static int ephemeral_append(struct journal *journal, const struct journal_write *write,
                            journal_append_cb cb, void *user, struct error *err)
{
    struct journal_ephemeral *store = ephemeral_of(journal);
    struct pending *pending =
        array_reserve(store->pending, &store->cap, store->count + 1, sizeof(*pending));
    (void)write; /* nobody will ask for it */
    if (pending == NULL) {
        return error_nomem(err);
    }
    store->pending = pending;
    pending[store->count++] = (struct pending){.cb = cb, .user = user};
    store->wake(store->user);
    return 0;
}

/* Callbacks may append: they get the other queue. */
static void ephemeral_collect(struct journal *journal)
{
    struct journal_ephemeral *store = ephemeral_of(journal);
    struct pending *pending = store->pending;
    size_t count = store->count;
    size_t cap = store->cap;
    store->pending = store->spare;
    store->cap = store->spare_cap;
    store->count = 0;
    store->spare = NULL;
    store->spare_cap = 0;
    for (size_t i = 0; i < count; i++) {
        pending[i].cb(pending[i].user, 0);
    }
    store->spare = pending;
    store->spare_cap = cap;
}

static void ephemeral_close(struct journal *journal)
{
    struct journal_ephemeral *store = ephemeral_of(journal);
    CHECK(store->count == 0);
    free(store->pending);
    free(store->spare);
    free(store);
}

static const struct journal_class ephemeral_class = {
    .append = ephemeral_append,
    .collect = ephemeral_collect,
    .close = ephemeral_close,
};

int journal_ephemeral_open(journal_wake_cb wake, void *user, struct journal **out_journal,
                           struct error *err)
{
    struct journal_ephemeral *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return error_nomem(err);
    }
    store->base.class_ = &ephemeral_class;
    store->wake = wake;
    store->user = user;
    *out_journal = &store->base;
    return 0;
}
