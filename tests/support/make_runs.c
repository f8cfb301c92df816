/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_runs FOLDER COUNT: writes COUNT live runs into the state in FOLDER, as many copies of the
 * one run that is there: one of `hold.yaml` that waits for its event. Nobody may be its engine.
 */
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { AT_ONCE = 100, RECORDS = 3 };

struct maker {
    struct journal *journal;
    sem_t woken;
    char definition[80];
    struct document *documents[RECORDS];
    bool is_written;
    bool has_failed;
};

static void wake(void *user)
{
    (void)sem_post(&((struct maker *)user)->woken); /* fails above INT_MAX only */
}

static void on_written(void *user, int status)
{
    struct maker *maker = user;
    maker->is_written = true;
    maker->has_failed = status != 0;
}

static int note_definition(void *user, const struct journal_run *run)
{
    struct maker *maker = user;
    (void)snprintf(maker->definition, sizeof(maker->definition), "%.*s", STR_ARG(run->definition));
    return 0;
}

static int read_template(struct maker *maker, const char *folder, struct error *err)
{
    static const char *const texts[RECORDS] = {"{}", "{\"x\":1}", "\"go\""};
    struct journal_reader *reader = NULL;
    int status = journal_reader_open(folder, &reader, err);
    if (status == 0) {
        status = journal_reader_run_by_number(reader, 1, note_definition, maker, err);
    }
    journal_reader_close(reader);
    for (size_t i = 0; i < RECORDS && status == 0; i++) {
        status = json_read(str_from(texts[i]), NULL, &maker->documents[i], err);
    }
    return status;
}

static void add_records(struct maker *maker, uint64_t number, struct batch *batch)
{
    struct record records[RECORDS] = {
        {.type = RECORD_RUN_STARTED, .node = RECORD_NO_NODE},
        {.type = RECORD_NODE_ENDED, .node = 0, .attempt = 1, .node_state = NODE_COMPLETED},
        {.type = RECORD_NODE_STARTED, .node = 1, .attempt = 1},
    };
    (void)edge_set_init(&records[1].taken, 1); /* one edge fits without memory */
    edge_set_put(&records[1].taken, 0, true);
    records[1].path = str_dup(STR("before"));
    records[2].path = str_dup(STR("hold"));
    for (size_t i = 0; i < RECORDS; i++) {
        records[i].run_number = number;
        records[i].seq = i + 1;
        records[i].at_unix_ms = 1700000000000;
        records[i].output = maker->documents[i];
        batch_add_record(batch, &records[i]);
    }
}

static int write_some(struct maker *maker, size_t count, struct error *err)
{
    static struct journal_new_run runs[AT_ONCE];
    static char ids[AT_ONCE][32];
    struct batch batch = BATCH_INIT;
    for (size_t i = 0; i < count; i++) {
        uint64_t number = journal_next_run(maker->journal);
        (void)snprintf(ids[i], sizeof(ids[i]), "%08llx-made", (unsigned long long)number);
        runs[i] = (struct journal_new_run){
            .number = number,
            .id = str_from(ids[i]),
            .definition = str_from(maker->definition),
            .workflow = STR("main"),
            .name = STR("main"),
            .root = number,
            .triggered_by = STR("manual"),
            .options = STR("{\"depth\":0,\"max_memory_mb\":1024,\"rollback\":false}"),
            .nodes_total = 3,
            .created_at = 1700000000000,
        };
        add_records(maker, number, &batch);
    }
    const struct journal_write write = {.batch = &batch, .runs = runs, .run_count = count};
    maker->is_written = false;
    int status = batch.has_failed ? error_nomem(err)
                                  : journal_append(maker->journal, &write, on_written, maker, err);
    while (status == 0 && !maker->is_written) {
        (void)sem_wait(&maker->woken); /* an interrupted wait looks once too often */
        journal_collect(maker->journal);
    }
    batch_finish(&batch);
    return status == 0 && maker->has_failed ? error_set(err, E_IO, "a write has failed") : status;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct maker maker = {.is_written = false};
    size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (count == 0 || sem_init(&maker.woken, 0, 0) != 0) {
        (void)fprintf(stderr, "usage: make_runs FOLDER COUNT\n");
        return 2;
    }
    int status = read_template(&maker, argv[1], &err);
    if (status == 0) {
        status = journal_sqlite_open(
            &(struct journal_sqlite_options){.folder = argv[1], .wake = wake, .user = &maker},
            &maker.journal, &err);
    }
    for (size_t done = 0; done < count && status == 0; done += AT_ONCE) {
        status = write_some(&maker, count - done < AT_ONCE ? count - done : AT_ONCE, &err);
    }
    journal_close(maker.journal);
    for (size_t i = 0; i < RECORDS; i++) {
        document_unref(maker.documents[i]);
    }
    if (status != 0) {
        (void)fprintf(stderr, "make_runs: %s\n", err.message);
    }
    return status == 0 ? 0 : 1;
}
