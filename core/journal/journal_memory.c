/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in memory: the records of each run in one growing array, and a queue of callbacks
 * that wait for the next journal_collect().
 */
#include <stdbool.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/journal/journal.h"
#include "core/value/value.h"

struct run_records {
    char *id;
    struct record *records;
    size_t count;
    size_t cap;
    struct run_records *next;
    struct run_records *previous;
};

struct pending {
    journal_append_cb cb;
    void *user;
};

struct journal_memory {
    struct journal base;
    journal_wake_cb wake;
    void *user;
    struct run_records *runs; /* the one that was written last is first */
    struct pending *pending;
    size_t pending_count;
    size_t pending_cap;
};

static struct journal_memory *memory_of(struct journal *journal)
{
    return (struct journal_memory *)journal;
}

static struct run_records *find_run(struct journal_memory *memory, struct str id)
{
    for (struct run_records *run = memory->runs; run != NULL; run = run->next) {
        if (str_equal_text(id, run->id)) {
            return run;
        }
    }
    return NULL;
}

static void unlink_run(struct journal_memory *memory, struct run_records *run)
{
    if (run->previous != NULL) {
        run->previous->next = run->next;
    } else {
        memory->runs = run->next;
    }
    if (run->next != NULL) {
        run->next->previous = run->previous;
    }
}

static void link_run(struct journal_memory *memory, struct run_records *run)
{
    run->previous = NULL;
    run->next = memory->runs;
    if (memory->runs != NULL) {
        memory->runs->previous = run;
    }
    memory->runs = run;
}

static struct run_records *add_run(struct journal_memory *memory, struct str id)
{
    struct run_records *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return NULL;
    }
    run->id = str_dup(id);
    if (run->id == NULL) {
        free(run);
        return NULL;
    }
    link_run(memory, run);
    return run;
}

/* The records of `id`, made when they are new, and first in the list; NULL: no memory. */
static struct run_records *open_run(struct journal_memory *memory, struct str id)
{
    struct run_records *run = find_run(memory, id);
    if (run == NULL) {
        return add_run(memory, id);
    }
    if (run != memory->runs) {
        unlink_run(memory, run);
        link_run(memory, run);
    }
    return run;
}

static void drop_last(struct run_records *run)
{
    struct record *record = &run->records[--run->count];
    document_unref(record->output);
    document_unref(record->error);
    document_unref(record->detail);
    document_unref(record->done);
    edge_set_finish(&record->taken);
}

static int keep_record(struct journal_memory *memory, const struct record *record)
{
    struct run_records *run = open_run(memory, run_id(record->run));
    if (run == NULL) {
        return E_NOMEM;
    }
    struct record *records =
        array_reserve(run->records, &run->cap, run->count + 1, sizeof(*records));
    if (records == NULL) {
        return E_NOMEM;
    }
    run->records = records;
    struct edge_set taken = EDGE_SET_INIT;
    if (edge_set_copy(&record->taken, &taken) != 0) {
        return E_NOMEM;
    }
    struct record *kept = &records[run->count++];
    *kept = *record;
    kept->run = NULL; /* a stored record outlives its run */
    kept->taken = taken;
    (void)document_ref(record->output); /* the same pointer comes back */
    (void)document_ref(record->error);
    (void)document_ref(record->detail);
    (void)document_ref(record->done);
    return 0;
}

static bool is_kept(const struct record *record)
{
    return record->type != RECORD_NODE_QUEUED; /* lazy */
}

/* Takes the first `count` records of a batch out again: it is kept whole or not at all. */
static void undo_batch(struct journal_memory *memory, const struct batch *batch, size_t count)
{
    while (count-- > 0) {
        if (is_kept(&batch->records[count])) {
            drop_last(open_run(memory, run_id(batch->records[count].run)));
        }
    }
}

static int memory_append(struct journal *journal, const struct batch *batch, journal_append_cb cb,
                         void *user, struct error *err)
{
    struct journal_memory *memory = memory_of(journal);
    struct pending *pending = array_reserve(memory->pending, &memory->pending_cap,
                                            memory->pending_count + 1, sizeof(*pending));
    if (pending == NULL) {
        return error_nomem(err);
    }
    memory->pending = pending;
    for (size_t i = 0; i < batch->record_count; i++) {
        if (is_kept(&batch->records[i]) && keep_record(memory, &batch->records[i]) != 0) {
            undo_batch(memory, batch, i);
            return error_nomem(err);
        }
    }
    pending[memory->pending_count++] = (struct pending){.cb = cb, .user = user};
    memory->wake(memory->user);
    return 0;
}

static void memory_collect(struct journal *journal)
{
    struct journal_memory *memory = memory_of(journal);
    size_t count = memory->pending_count;
    struct pending *pending = memory->pending;
    /* Callbacks may append: they get a fresh queue. */
    memory->pending = NULL;
    memory->pending_count = 0;
    memory->pending_cap = 0;
    for (size_t i = 0; i < count; i++) {
        pending[i].cb(pending[i].user, 0);
    }
    free(pending);
}

static int memory_read(struct journal *journal, struct str id, journal_each_cb each, void *user)
{
    struct run_records *run = find_run(memory_of(journal), id);
    for (size_t i = 0; run != NULL && i < run->count; i++) {
        int status = each(user, &run->records[i]);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static void memory_drop(struct journal *journal, struct str id)
{
    struct journal_memory *memory = memory_of(journal);
    struct run_records *run = find_run(memory, id);
    if (run == NULL) {
        return;
    }
    unlink_run(memory, run);
    while (run->count > 0) {
        drop_last(run);
    }
    free(run->records);
    free(run->id);
    free(run);
}

static void memory_close(struct journal *journal)
{
    struct journal_memory *memory = memory_of(journal);
    CHECK(memory->pending_count == 0);
    while (memory->runs != NULL) {
        memory_drop(journal, str_from(memory->runs->id));
    }
    free(memory->pending);
    free(memory);
}

static const struct journal_class memory_class = {
    .append = memory_append,
    .collect = memory_collect,
    .read = memory_read,
    .drop = memory_drop,
    .close = memory_close,
};

int journal_memory_open(journal_wake_cb wake, void *user, struct journal **out_journal,
                        struct error *err)
{
    struct journal_memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        return error_nomem(err);
    }
    memory->base.class_ = &memory_class;
    memory->wake = wake;
    memory->user = user;
    *out_journal = &memory->base;
    return 0;
}
