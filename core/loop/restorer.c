/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/restorer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/engine/queue.h"
#include "core/engine/record_json.h"
#include "core/engine/restore.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/commit.h"
#include "core/loop/definition_store.h"
#include "core/loop/loop_state.h"
#include "core/loop/parking.h"
#include "core/loop/run_definition.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_rows.h"
#include "core/loop/run_table.h"
#include "core/loop/run_timers.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

enum { PAGE = 500 };

/* It has to be read with all that has ended. */
enum { LOAD_WHOLE = 1 };

/* ---- the rows of a tree ---- */

struct tree_row {
    uint64_t number;
    uint64_t parent;
    uint64_t last_seq;
    struct str id;
    struct str definition;
    struct str workflow;
    struct str call;
    struct str options;
    struct str triggered_by;
    bool has_ended;
    bool goes_on; /* it has not ended, or one below it has not */
    bool was_blocked;
    bool was_parked;
    uint32_t crashes;
    struct loop_run *run; /* loaded */
};

struct tree {
    struct loop *loop;
    struct arena arena;
    struct tree_row *rows; /* callers first */
    size_t count;
    size_t cap;
    bool is_whole;         /* else without the runs that have ended, but for those above others */
    struct commit *commit; /* what recovery decides */
    struct commit *parked; /* marks of those that only wait; NULL: they are loaded */
};

static struct str keep(struct tree *tree, struct str text, bool *is_well)
{
    struct str kept = arena_dup_str(&tree->arena, text);
    *is_well = *is_well && kept.p != NULL;
    return kept;
}

static int add_row(void *user, const struct journal_run *run)
{
    struct tree *tree = user;
    struct tree_row *rows = array_reserve(tree->rows, &tree->cap, tree->count + 1, sizeof(*rows));
    bool is_well = rows != NULL;
    if (!is_well) {
        return E_NOMEM;
    }
    tree->rows = rows;
    rows[tree->count++] = (struct tree_row){
        .number = run->number,
        .parent = run->parent,
        .last_seq = run->last_seq,
        .id = keep(tree, run->id, &is_well),
        .definition = keep(tree, run->definition, &is_well),
        .workflow = keep(tree, run->workflow, &is_well),
        .call = keep(tree, run->call, &is_well),
        .options = keep(tree, run->options, &is_well),
        .triggered_by = keep(tree, run->triggered_by, &is_well),
        .has_ended = run->ended_at != 0,
        .was_blocked = run->blocked.n > 0,
        .was_parked = run->wake_at != 0,
        .crashes = run->crashes,
    };
    return is_well ? 0 : E_NOMEM;
}

static int compare_numbers(const void *key, const void *row)
{
    const uint64_t *number = key;
    uint64_t other = ((const struct tree_row *)row)->number;
    return (*number > other) - (*number < other);
}

/* They are in the order of their numbers. */
static struct tree_row *find_row(const struct tree *tree, uint64_t number)
{
    return tree->count > 0
               ? bsearch(&number, tree->rows, tree->count, sizeof(*tree->rows), compare_numbers)
               : NULL;
}

/* ---- loading ---- */

struct reading {
    struct loop_run *run;
    struct error *err;
};

static int apply_row(void *user, const struct journal_row *row)
{
    struct reading *reading = user;
    const struct restore_row restored = journal_row_to_restore(row);
    return restore_row(reading->run->run, &restored, NULL, NULL, reading->err);
}

static int read_call(const struct tree *tree, const struct tree_row *row,
                     struct engine_call *out_call, struct error *err)
{
    const struct tree_row *caller = find_row(tree, row->parent);
    if (caller == NULL || caller->run == NULL) {
        return error_set(err, E_CORRUPT, "the run that called it is not there");
    }
    out_call->run = caller->run->run;
    return run_rows_read_call(row->call, out_call, err);
}

/* The driver's side, linked below its root. */
static int link_row(struct tree *tree, struct tree_row *row, struct run *run,
                    const struct engine_call *call)
{
    struct loop_run *root = row != tree->rows ? tree->rows[0].run : NULL;
    row->run = run_driver_create(tree->loop, run, root);
    if (row->run == NULL) {
        return E_NOMEM;
    }
    row->run->is_awaited = call != NULL && call->is_awaited;
    row->run->is_ended = row->has_ended;
    if (root != NULL) {
        row->run->root->children += row->has_ended ? 0u : 1u;
        if (call != NULL) {
            row->run->is_known = true; /* who looks on from here has its records from the file */
        }
        return 0;
    }
    row->run->crashes = row->crashes;
    row->run->is_known = true;
    (void)snprintf(row->run->definition, sizeof(row->run->definition), "%.*s",
                   STR_ARG(row->definition));
    return 0;
}

/* Not before what it has called is known. */
static bool needs_whole(const struct tree *tree, const struct run *run)
{
    return run_has_rollback(run) && !tree->is_whole;
}

/* 0, LOAD_WHOLE, or a code. */
static int load_row(struct tree *tree, struct tree_row *row, struct error *err)
{
    struct loop *loop = tree->loop;
    struct engine_call call = {0};
    struct run *run = NULL;
    struct run_options options = {.number = row->number,
                                  .id = row->id,
                                  .triggered_by = row->triggered_by,
                                  .secrets = loop->secrets};
    const struct run_definition_wish wish = {.digest = row->definition,
                                             .workflow = row->workflow,
                                             .env = run_env_find(&loop->env, tree->rows[0].number)};
    int status = run_definition_find(loop, &wish, &options.pipeline, err);
    if (status == 0) {
        status = run_rows_read_options(row->options, &options, err);
    }
    if (status == 0 && row->parent != 0) {
        status = read_call(tree, row, &call, err);
    }
    if (status == 0) {
        status = engine_restore(loop->engine, &options, row->parent != 0 ? &call : NULL, &run, err);
    }
    if (status == 0) {
        status = link_row(tree, row, run, row->parent != 0 ? &call : NULL);
    }
    if (status == 0 && needs_whole(tree, run)) {
        return LOAD_WHOLE;
    }
    struct reading reading = {.run = row->run, .err = err};
    return status == 0
               ? journal_reader_rows(loop->reader, row->number, 0, 0, apply_row, &reading, err)
               : status;
}

/* A run that nobody waited for may outlive those above it, and is found below them. */
static void find_live(struct tree *tree)
{
    for (size_t i = tree->count; i > 0; i--) {
        struct tree_row *row = &tree->rows[i - 1];
        struct tree_row *caller = row->parent != 0 ? find_row(tree, row->parent) : NULL;
        row->goes_on = row->goes_on || !row->has_ended;
        if (caller != NULL) {
            caller->goes_on = caller->goes_on || row->goes_on;
        }
    }
}

/*
 * Children that have ended are needed only as long as they may have to be undone. A loop may have
 * called very many, so they are not even read when nothing above them says so.
 */
static bool is_needed(const struct tree *tree, const struct tree_row *row)
{
    const struct tree_row *caller = row->parent != 0 ? find_row(tree, row->parent) : NULL;
    bool has_rollback = caller != NULL && caller->run != NULL && run_has_rollback(caller->run->run);
    return row->goes_on || has_rollback;
}

static int load_rows(struct tree *tree, struct error *err)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < tree->count; i++) {
        if (is_needed(tree, &tree->rows[i])) {
            status = load_row(tree, &tree->rows[i], err);
        }
    }
    return status;
}

/* ---- going on ---- */

/* A task of it was under way: its end would be the next record. */
static bool has_task(const struct run *run)
{
    uint64_t frame = 0;
    do {
        const struct pipeline *pipeline = run_pipeline(run);
        const struct body *body = &pipeline->bodies[run_frame_body(run, frame)];
        for (uint32_t i = 0; i < body->node_count; i++) {
            uint32_t node = body->first_node + i;
            struct run_node_view view = run_frame_node(run, frame, node);
            if (pipeline->nodes[node].kind == NODE_PLUGIN && view.state == NODE_RUNNING &&
                !view.is_delayed && !view.is_unknown) {
                return true;
            }
        }
    } while (run_next_frame(run, &frame));
    return false;
}

static bool was_at_work(struct run *root)
{
    for (struct run *run = root; run != NULL; run = engine_next_below(root, run)) {
        if (!run_is_ended(run) && has_task(run)) {
            return true;
        }
    }
    return false;
}

/* It ended the process again and again: it fails, and starts nothing more. */
static int abandon(struct tree *tree, struct error *err)
{
    struct loop_run *root = tree->rows[0].run;
    char text[120];
    (void)snprintf(text, sizeof(text),
                   "the engine ended %d times with this run at work and none of its nodes ended",
                   (int)RESTORER_MOST_CRASHES);
    cleanup_document struct document *failure =
        failure_create(FAILURE_CRASHED, str_from(text),
                       "look for what its running nodes do to the process, then 'opstream retry'");
    const struct run_event event = {.type = RUN_EVENT_ABANDON, .error = failure};
    int status = 0;
    for (struct run *at = root->run; status == 0 && at != NULL;
         at = engine_next_below(root->run, at)) {
        const struct loop_run *run = engine_run_user(at);
        if (!run_is_ended(at) && !run->is_awaited) { /* those that are hear it from their callers */
            status = engine_handle(tree->loop->engine, at, &event, clock_unix_ms(),
                                   &tree->commit->batch, err);
        }
    }
    if (!queue_is_item(root->run)) { /* its node says so by itself */
        commit_add_mark(tree->commit, &(struct journal_mark){
                                          .run = root->number, .kind = JOURNAL_MARK_DEAD, .at = 1});
    }
    return status;
}

static int go_on(struct tree *tree, struct error *err)
{
    struct loop *loop = tree->loop;
    struct loop_run *root = tree->rows[0].run;
    int status = 0;
    if (was_at_work(root->run)) {
        root->crashes++;
        commit_add_mark(tree->commit, &(struct journal_mark){.run = root->number,
                                                             .kind = JOURNAL_MARK_CRASHES,
                                                             .at = root->crashes});
    }
    if (root->crashes >= RESTORER_MOST_CRASHES) {
        status = abandon(tree, err);
    }
    if (status == 0) {
        status =
            engine_recover(loop->engine, root->run, clock_unix_ms(), &tree->commit->batch, err);
    }
    if (status != 0) {
        return status;
    }
    commit_add_mark(tree->commit,
                    &(struct journal_mark){.run = root->number, .kind = JOURNAL_MARK_ACTIVE});
    if (tree->rows[0].was_blocked) {
        commit_add_mark(tree->commit,
                        &(struct journal_mark){.run = root->number, .kind = JOURNAL_MARK_BLOCKED});
    }
    return 0;
}

static void free_rows(struct tree *tree)
{
    for (size_t i = tree->count; i > 0; i--) {
        if (tree->rows[i - 1].run != NULL) {
            run_driver_free(tree->rows[i - 1].run);
            tree->rows[i - 1].run = NULL;
        }
    }
}

/* What was loaded of a tree that cannot go on. */
static void unload(struct tree *tree)
{
    struct loop_run *root = tree->count > 0 ? tree->rows[0].run : NULL;
    if (root != NULL) {
        engine_unload(tree->loop->engine, root->run);
    }
    free_rows(tree);
}

static void on_blocked(void *user, int status)
{
    if (status == 0) {
        parking_check_idle(user); /* it may have been the last one that could go on */
    }
}

/* Its row says why, so that people see it, and not that its time will come: that may be over. */
static void mark_blocked(struct tree *tree, const struct error *why)
{
    struct commit *commit = commit_create(tree->loop);
    struct strbuf then = STRBUF_INIT;
    if (commit == NULL) {
        return;
    }
    commit_add_mark(
        commit, &(struct journal_mark){.run = tree->rows[0].number, .kind = JOURNAL_MARK_ACTIVE});
    commit_add_mark(commit, &(struct journal_mark){.run = tree->rows[0].number,
                                                   .kind = JOURNAL_MARK_BLOCKED,
                                                   .text = str_from(why->message)});
    strbuf_append_format(&then, "opstream resume %.*s", STR_ARG(tree->rows[0].id));
    log_write(LOG_LEVEL_WARN, "a run is blocked",
              LOG_FIELDS(log_str("run", tree->rows[0].id), log_text("why", why->message),
                         log_str("then", strbuf_str(&then))));
    strbuf_finish(&then);
    commit_add_ack(commit, on_blocked, tree->loop);
    run_driver_submit(commit);
}

static bool blocks(int status)
{
    return status == LOOP_BLOCKED || status == E_CORRUPT || status == E_INVALID ||
           status == E_VERSION || status == E_LIMIT;
}

/* It would be given up again at once, and thousands may be like it. */
static bool only_waits(const struct tree *tree, struct engine_rest *out_wait)
{
    const struct batch *batch = &tree->commit->batch;
    size_t lasting = batch->scope_count;
    for (size_t i = 0; i < batch->record_count; i++) {
        lasting += record_is_lazy(&batch->records[i]) ? 0u : 1u;
    }
    return tree->parked != NULL && !tree->rows[0].has_ended && lasting == 0 &&
           parking_pays(tree->rows[0].run->run, out_wait);
}

static void unblock(struct tree *tree)
{
    if (tree->rows[0].was_blocked) {
        commit_add_mark(tree->parked, &(struct journal_mark){.run = tree->rows[0].number,
                                                             .kind = JOURNAL_MARK_BLOCKED});
    }
}

/* One that waits for a breaker is asleep, and the engine has freed its runs. False: it is not. */
static bool fall_asleep(struct tree *tree, const struct engine_rest *wait)
{
    struct loop *loop = tree->loop;
    if (engine_sleep(loop->engine, tree->rows[0].run->run, wait) != 0) {
        return false;
    }
    unblock(tree);
    commit_destroy(tree->commit);
    free_rows(tree);
    run_timers_look_at_shared(loop);
    return true;
}

/* Its row says until when. Until that is durable, it is one that was not parked. */
static void park(struct tree *tree, int64_t wake_at)
{
    uint64_t number = tree->rows[0].number;
    commit_add_mark(tree->parked, &(struct journal_mark){
                                      .run = number, .kind = JOURNAL_MARK_WAKE, .at = wake_at});
    unblock(tree);
    tree->loop->numbers.parked++;
    run_timers_wake_at(tree->loop, wake_at);
    commit_destroy(tree->commit);
    unload(tree);
}

/* It is in memory, or asleep, and no row that nobody holds any more. */
static void leave_rows(const struct tree *tree)
{
    struct loop_numbers *numbers = &tree->loop->numbers;
    numbers->parked -= tree->rows[0].was_parked && numbers->parked > 0 ? 1u : 0u;
}

static int read_tree(struct tree *tree, uint64_t number, struct error *err)
{
    struct journal_reader *reader = tree->loop->reader;
    tree->count = 0;
    int status = tree->is_whole ? journal_reader_tree(reader, number, add_row, tree, err)
                                : journal_reader_tree_live(reader, number, add_row, tree, err);
    find_live(tree);
    if (status == 0 && (tree->count == 0 || !tree->rows[0].goes_on)) {
        return error_set(err, E_NOT_FOUND, "there is no such run, or it has ended");
    }
    return status;
}

static int load_needed(struct tree *tree, struct error *err)
{
    int status = load_rows(tree, err);
    if (status != LOAD_WHOLE) {
        return status;
    }
    uint64_t number = tree->rows[0].number;
    unload(tree);
    tree->is_whole = true;
    status = read_tree(tree, number, err);
    return status == 0 ? load_rows(tree, err) : status;
}

static int bring_back(struct tree *tree, struct loop_run **out_root, struct error *err)
{
    struct engine_rest wait = {0};
    int status = load_needed(tree, err);
    tree->commit = status == 0 ? commit_create(tree->loop) : NULL;
    if (status == 0) {
        status = tree->commit != NULL ? go_on(tree, err) : error_nomem(err);
    }
    bool is_parked = status == 0 && only_waits(tree, &wait);
    if (is_parked && wait.guard == NULL) {
        park(tree, wait.wake_at);
        return 0;
    }
    if (status == 0) {
        leave_rows(tree);
    }
    if (is_parked && fall_asleep(tree, &wait)) {
        return 0;
    }
    if (status == 0) {
        *out_root = tree->rows[0].run;
        run_driver_submit(tree->commit);
        return 0;
    }
    if (tree->commit != NULL) {
        commit_destroy(tree->commit);
    }
    unload(tree);
    if (blocks(status)) {
        mark_blocked(tree, err);
        return LOOP_BLOCKED;
    }
    return status;
}

/* `parked` (may be NULL) gets the marks of one that only waits; then `*out_root` stays. */
static int load_tree(struct loop *loop, uint64_t number, struct commit *parked,
                     struct loop_run **out_root, struct error *err)
{
    struct tree tree = {.loop = loop, .parked = parked};
    int status = read_tree(&tree, number, err);
    if (status == 0) {
        status = bring_back(&tree, out_root, err);
    }
    arena_finish(&tree.arena);
    free(tree.rows);
    return status;
}

int restorer_load(struct loop *loop, uint64_t number, struct loop_run **out_root, struct error *err)
{
    return load_tree(loop, number, NULL, out_root, err);
}

/* ---- at the start ---- */

/* Roots to load, each once. Of one that has ended only what it called may be left. */
struct page {
    struct page_root {
        uint64_t number;
        bool is_live;
    } roots[PAGE];
    size_t count;
    uint64_t last;
};

/* A root that waits for its time is left to that. */
static int note_root(void *user, const struct journal_run *run)
{
    struct page *page = user;
    bool is_root = run->root == run->number;
    page->last = run->number;
    for (size_t i = page->count; !is_root && i > 0; i--) {
        if (page->roots[i - 1].number == run->root) {
            return 0;
        }
    }
    if (!is_root || run->wake_at == 0) {
        page->roots[page->count++] = (struct page_root){.number = run->root, .is_live = is_root};
    }
    return 0;
}

static int note_waiting(void *user, const struct journal_run *run)
{
    bool *waits = user;
    *waits = run->wake_at != 0;
    return 0;
}

static int load_root(struct loop *loop, const struct page_root *root, struct commit *parked,
                     struct error *err)
{
    struct loop_run *loaded = NULL;
    bool waits = false;
    int status = 0;
    if (run_table_find(loop, root->number) != NULL) {
        return 0;
    }
    if (!root->is_live) {
        status =
            journal_reader_run_by_number(loop->reader, root->number, note_waiting, &waits, err);
    }
    if (status == 0 && !waits) {
        status = load_tree(loop, root->number, parked, &loaded, err);
    }
    if (status == E_NOT_FOUND) { /* and it was listed */
        status = error_set(err, E_CORRUPT,
                           "what is kept disagrees with itself about run number %llu: 'opstream "
                           "db check' says more, and a backup helps",
                           (unsigned long long)root->number);
    }
    return status < 0 ? status : 0;
}

static int load_page(struct loop *loop, const struct page *page, struct error *err)
{
    int status = 0;
    struct commit *parked = commit_create(loop);
    if (parked == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; status == 0 && i < page->count; i++) {
        status = load_root(loop, &page->roots[i], parked, err);
    }
    run_driver_submit(parked);
    return status;
}

int restorer_load_all(struct loop *loop, struct error *err)
{
    uint64_t after = 0;
    int64_t next = INT64_MAX;
    bool has_looked = false;
    if (!journal_sqlite_has_live(loop->journal)) {
        return 0;
    }
    int status = journal_reader_parked(loop->reader, &loop->numbers.parked, err);
    while (status == 0) {
        struct page page = {.last = after};
        status = journal_reader_live(loop->reader, after, PAGE, note_root, &page, err);
        if (status != 0 || page.last == after) {
            break;
        }
        after = page.last;
        if (page.count > 0 && !has_looked) {
            status = loop_end_survivors(loop, err);
            has_looked = true;
        }
        status = status == 0 ? load_page(loop, &page, err) : status;
    }
    if (status == 0) {
        status = journal_reader_next_wake(loop->reader, &next, err);
    }
    if (status == 0 && next != INT64_MAX) {
        run_timers_wake_at(loop, next);
    }
    return status;
}
