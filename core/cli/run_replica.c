/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_replica.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/restore.h"
#include "core/engine/run.h"
#include "core/journal/journal_reader.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { PAGE_ROWS = 500, ENDED_MOST = 64 };

/* One run of the tree. */
struct replica_run {
    uint64_t number;
    uint64_t parent; /* 0: of the root */
    uint64_t call_frame;
    uint32_t call_node;
    bool has_ended;
    struct run *run; /* owned */
};

struct run_replica {
    struct run_replica_options options;
    struct replica_run *runs; /* by number */
    size_t count;
    size_t cap;
    uint64_t root; /* number; 0: not yet */
    uint64_t last_id;
    size_t ended; /* of `runs`, that may go */
    bool is_over;
    bool has_news; /* rows since the last batch ended */
};

/* ---- the runs ---- */

/* Where the run `number` is, or would be. */
static size_t place_of(const struct run_replica *replica, uint64_t number)
{
    size_t low = 0;
    size_t high = replica->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (replica->runs[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct replica_run *find_run(const struct run_replica *replica, uint64_t number)
{
    size_t at = place_of(replica, number);
    bool is_there = at < replica->count && replica->runs[at].number == number;
    return is_there ? &replica->runs[at] : NULL;
}

/* `run` is taken. */
static int insert(struct run_replica *replica, const struct replica_run *run)
{
    struct replica_run *runs =
        array_reserve(replica->runs, &replica->cap, replica->count + 1, sizeof(*runs));
    if (runs == NULL) {
        run_destroy(run->run);
        return E_NOMEM;
    }
    replica->runs = runs;
    size_t at = place_of(replica, run->number);
    memmove(&runs[at + 1], &runs[at], (replica->count - at) * sizeof(*runs));
    runs[at] = *run;
    replica->count++;
    return 0;
}

/* Whom a compensation may still undo stays, as in the engine; there may be very many others. */
static void drop_ended(struct run_replica *replica)
{
    size_t kept = 0;
    if (replica->ended == 0) {
        return;
    }
    for (size_t i = 0; i < replica->count; i++) {
        struct replica_run *run = &replica->runs[i];
        if (run->has_ended && run->parent != 0 && !run_has_rollback(run->run)) {
            run_destroy(run->run);
        } else {
            replica->runs[kept++] = *run;
        }
    }
    replica->count = kept;
    replica->ended = 0;
}

/* ---- what a row of a run says ---- */

static int read_map(struct str text, struct document **out, struct error *err)
{
    struct error inner = {0};
    int status = json_read(text.n > 0 ? text : STR("{}"), NULL, out, &inner);
    if (status == E_NOMEM) {
        return error_nomem(err);
    }
    return status == 0 ? 0 : error_set(err, E_CORRUPT, "the row of a run cannot be read");
}

static uint64_t number_of(const struct document *map, const char *key)
{
    const struct value *value = value_get(document_root(map), str_from(key));
    return value_is(value, VALUE_INT) && value_int(value) > 0 ? (uint64_t)value_int(value) : 0;
}

/* Where its caller started it. */
static int read_call(struct replica_run *out, struct str text, struct error *err)
{
    cleanup_document struct document *map = NULL;
    int status = read_map(text, &map, err);
    if (status == 0) {
        out->call_frame = number_of(map, "frame");
        out->call_node = (uint32_t)number_of(map, "node");
    }
    return status;
}

static int read_options(struct run_options *out, struct str text, struct error *err)
{
    cleanup_document struct document *map = NULL;
    int status = read_map(text, &map, err);
    if (status == 0) {
        const struct value *rollback = value_get(document_root(map), STR("rollback"));
        out->depth = (uint32_t)number_of(map, "depth");
        out->max_memory_mb = (uint32_t)number_of(map, "max_memory_mb");
        out->has_rollback = value_is(rollback, VALUE_BOOL) && value_bool(rollback);
    }
    return status;
}

int run_replica_add_run(struct run_replica *replica, const struct journal_run *run,
                        struct error *err)
{
    struct replica_run added = {.number = run->number, .parent = run->parent};
    struct run_options options = {
        .number = run->number, .id = run->id, .triggered_by = run->triggered_by};
    if (find_run(replica, run->number) != NULL) {
        return 0;
    }
    if (run->number == 0 || (replica->root == 0) != (run->parent == 0)) {
        return error_set(err, E_CORRUPT, "run %llu does not belong here",
                         (unsigned long long)run->number);
    }
    int status = read_call(&added, run->call, err);
    if (status == 0) {
        status = read_options(&options, run->options, err);
    }
    if (status == 0) {
        status = replica->options.find_pipeline(replica->options.user, run->definition,
                                                run->workflow, &options.pipeline, err);
    }
    if (status == 0) {
        status = run_create(&options, &added.run, err);
    }
    if (status == 0 && insert(replica, &added) != 0) {
        status = error_nomem(err);
    }
    if (status == 0 && run->parent == 0) {
        replica->root = run->number;
    }
    return status;
}

/* ---- rows ---- */

/* The caller may have ended and be gone; then nothing is where the call was. */
static void tell_child(const struct run_replica *replica, const struct replica_run *child)
{
    const struct run_observer *observer = &replica->options.observer;
    const struct replica_run *caller = find_run(replica, child->parent);
    struct run_place place = {.run = find_run(replica, replica->root)->run, .frame = UINT64_MAX};
    if (caller != NULL) {
        place = (struct run_place){
            .run = caller->run, .frame = child->call_frame, .node = child->call_node};
    }
    if (observer->on_child != NULL) {
        observer->on_child(observer->user, child->run, &place);
    }
}

static void on_restored(void *user, const struct record *record)
{
    const struct run_replica *replica = user;
    const struct run_observer *observer = &replica->options.observer;
    if (observer->on_record != NULL) {
        observer->on_record(observer->user, record);
    }
}

int run_replica_add_row(struct run_replica *replica, const struct journal_row *row,
                        struct error *err)
{
    const struct restore_row restored = journal_row_to_restore(row);
    if (row->id <= replica->last_id) {
        return 0;
    }
    if (replica->ended >= ENDED_MOST) {
        drop_ended(replica);
    }
    struct replica_run *run = find_run(replica, row->run);
    if (run == NULL) {
        return error_set(err, E_CORRUPT, "record %llu is of a run that is not known",
                         (unsigned long long)row->id);
    }
    if (run_last_seq(run->run) == 0 && run->parent != 0) {
        tell_child(replica, run);
    }
    int status = restore_row(run->run, &restored, on_restored, replica, err);
    if (status != 0) {
        return status;
    }
    replica->last_id = row->id;
    replica->has_news = true;
    if (!run->has_ended && run_is_ended(run->run)) {
        run->has_ended = true;
        replica->ended++;
    }
    return 0;
}

void run_replica_end_batch(struct run_replica *replica)
{
    const struct run_observer *observer = &replica->options.observer;
    drop_ended(replica);
    if (replica->has_news && observer->on_batch != NULL) {
        observer->on_batch(observer->user);
    }
    replica->has_news = false;
}

/* ---- log lines ---- */

static bool is_at(const struct run *run, const struct run_place *place, struct str path)
{
    struct strbuf own = STRBUF_INIT;
    run_append_path(run, place->frame, place->node, &own);
    bool is_same = str_equal(strbuf_str(&own), path);
    strbuf_finish(&own);
    return is_same;
}

/* The execution of that name, which is under way or was the latest. */
static bool find_place(const struct run *run, struct str path, struct run_place *out)
{
    uint64_t frame = 0;
    do {
        const struct body *body = &run_pipeline(run)->bodies[run_frame_body(run, frame)];
        for (uint32_t i = 0; i < body->node_count; i++) {
            struct run_place place = {.run = run, .frame = frame, .node = body->first_node + i};
            bool has_begun = run_frame_node(run, frame, place.node).started_at_unix_ms != 0;
            if (has_begun && is_at(run, &place, path)) {
                *out = place;
                return true;
            }
        }
    } while (run_next_frame(run, &frame));
    return false;
}

void run_replica_add_log(struct run_replica *replica, uint64_t number, struct str path, int level,
                         struct str line)
{
    const struct run_observer *observer = &replica->options.observer;
    const struct replica_run *run = find_run(replica, number);
    struct run_place place = {0};
    if (run == NULL || observer->on_log == NULL || run_last_seq(run->run) == 0) {
        return;
    }
    if (find_place(run->run, path, &place)) {
        observer->on_log(observer->user, &place, level, line);
    }
}

void run_replica_take_waits(struct run_replica *replica, struct str waits)
{
    const struct run_observer *observer = &replica->options.observer;
    if (!replica->is_over && observer->on_waits != NULL) {
        observer->on_waits(observer->user, waits);
    }
}

/* ---- the end ---- */

void run_replica_end(struct run_replica *replica)
{
    const struct run_observer *observer = &replica->options.observer;
    run_replica_end_batch(replica);
    if (!replica->is_over && observer->on_ended != NULL) {
        observer->on_ended(observer->user);
    }
    replica->is_over = true;
}

bool run_replica_is_over(const struct run_replica *replica)
{
    return replica->is_over;
}

uint64_t run_replica_last_id(const struct run_replica *replica)
{
    return replica->last_id;
}

/* ---- from the file ---- */

struct reading {
    struct run_replica *replica;
    struct journal_reader *reader;
    struct error *err;
    size_t rows;
    bool lives;
};

static int take_run(void *user, const struct journal_run *run)
{
    struct reading *reading = user;
    return run_replica_add_run(reading->replica, run, reading->err);
}

static int take_row(void *user, const struct journal_row *row)
{
    struct reading *reading = user;
    int status = 0;
    if (find_run(reading->replica, row->run) == NULL) {
        status = journal_reader_run_by_number(reading->reader, row->run, take_run, reading,
                                              reading->err);
    }
    reading->rows++;
    return status == 0 ? run_replica_add_row(reading->replica, row, reading->err) : status;
}

static int look_at_run(void *user, const struct journal_run *run)
{
    struct reading *reading = user;
    reading->lives = reading->lives || run->ended_at == 0;
    return 0;
}

/* A run ends when those that nobody waited for have ended, too. */
static int look_for_end(struct reading *reading, uint64_t root)
{
    const struct replica_run *top = find_run(reading->replica, root);
    if (top == NULL || !top->has_ended) {
        return 0;
    }
    int status = journal_reader_tree(reading->reader, root, look_at_run, reading, reading->err);
    if (status == 0 && !reading->lives) {
        run_replica_end(reading->replica);
    }
    return status;
}

int run_replica_read(struct run_replica *replica, struct journal_reader *reader, uint64_t root,
                     struct error *err)
{
    struct reading reading = {.replica = replica, .reader = reader, .err = err};
    int status = journal_reader_run_by_number(reader, root, take_run, &reading, err);
    do {
        reading.rows = 0;
        status = status != 0 ? status
                             : journal_reader_tree_rows(reader, root, replica->last_id, PAGE_ROWS,
                                                        take_row, &reading, err);
    } while (status == 0 && reading.rows == PAGE_ROWS);
    if (status != 0) {
        return status;
    }
    run_replica_end_batch(replica);
    return look_for_end(&reading, root);
}

/* ---- lifecycle ---- */

int run_replica_create(const struct run_replica_options *options, struct run_replica **out_replica,
                       struct error *err)
{
    struct run_replica *replica = calloc(1, sizeof(*replica));
    if (replica == NULL) {
        return error_nomem(err);
    }
    replica->options = *options;
    *out_replica = replica;
    return 0;
}

void run_replica_destroy(struct run_replica *replica)
{
    if (replica == NULL) {
        return;
    }
    for (size_t i = 0; i < replica->count; i++) {
        run_destroy(replica->runs[i].run);
    }
    free(replica->runs);
    free(replica);
}
