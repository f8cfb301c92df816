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
#include "core/engine/record_json.h"
#include "core/journal/journal.h"
#include "core/value/value.h"

struct run_records {
    uint64_t number;
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

static struct run_records *find_run(struct journal_memory *memory, uint64_t number)
{
    for (struct run_records *run = memory->runs; run != NULL; run = run->next) {
        if (run->number == number) {
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

static struct run_records *add_run(struct journal_memory *memory, uint64_t number)
{
    struct run_records *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return NULL;
    }
    run->number = number;
    link_run(memory, run);
    return run;
}

/* The records of a run, made when they are new, and first in the list; NULL: no memory. */
static struct run_records *open_run(struct journal_memory *memory, uint64_t number)
{
    struct run_records *run = find_run(memory, number);
    if (run == NULL) {
        return add_run(memory, number);
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
    free(record->path);
}

static int keep_record(struct journal_memory *memory, const struct record *record)
{
    struct run_records *run = open_run(memory, record->run_number);
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
    char *path = record->path != NULL ? str_dup(str_from(record->path)) : NULL;
    if ((record->path != NULL && path == NULL) || edge_set_copy(&record->taken, &taken) != 0) {
        free(path);
        return E_NOMEM;
    }
    struct record *kept = &records[run->count++];
    *kept = *record;
    kept->run = NULL; /* a stored record outlives its run */
    kept->taken = taken;
    kept->path = path;
    (void)document_ref(record->output); /* the same pointer comes back */
    (void)document_ref(record->error);
    (void)document_ref(record->detail);
    (void)document_ref(record->done);
    return 0;
}

/* Takes the first `count` records of a batch out again: it is kept whole or not at all. */
static void undo_batch(struct journal_memory *memory, const struct batch *batch, size_t count)
{
    while (count-- > 0) {
        if (!record_is_lazy(&batch->records[count])) {
            drop_last(open_run(memory, batch->records[count].run_number));
        }
    }
}

static int keep_batch(struct journal_memory *memory, const struct batch *batch)
{
    for (size_t i = 0; batch != NULL && i < batch->record_count; i++) {
        if (!record_is_lazy(&batch->records[i]) && keep_record(memory, &batch->records[i]) != 0) {
            undo_batch(memory, batch, i);
            return E_NOMEM;
        }
    }
    return 0;
}

static int memory_append(struct journal *journal, const struct journal_write *write,
                         journal_append_cb cb, void *user, struct error *err)
{
    struct journal_memory *memory = memory_of(journal);
    struct pending *pending = array_reserve(memory->pending, &memory->pending_cap,
                                            memory->pending_count + 1, sizeof(*pending));
    if (pending == NULL) {
        return error_nomem(err);
    }
    memory->pending = pending;
    if (keep_batch(memory, write->batch) != 0) {
        return error_nomem(err);
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

int journal_memory_read(struct journal *journal, uint64_t number, journal_each_cb each, void *user)
{
    struct run_records *run = find_run(memory_of(journal), number);
    for (size_t i = 0; run != NULL && i < run->count; i++) {
        int status = each(user, &run->records[i]);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static void free_run(struct journal_memory *memory, struct run_records *run)
{
    unlink_run(memory, run);
    while (run->count > 0) {
        drop_last(run);
    }
    free(run->records);
    free(run);
}

static void memory_close(struct journal *journal)
{
    struct journal_memory *memory = memory_of(journal);
    CHECK(memory->pending_count == 0);
    while (memory->runs != NULL) {
        free_run(memory, memory->runs);
    }
    free(memory->pending);
    free(memory);
}

static const struct journal_class memory_class = {
    .append = memory_append,
    .collect = memory_collect,
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
    memory->base.keeps = true;
    memory->wake = wake;
    memory->user = user;
    *out_journal = &memory->base;
    return 0;
}
