/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/deliveries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/failure.h"
#include "core/engine/queue.h"
#include "core/engine/queue_work.h"
#include "core/engine/waits.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* Orders that are on their way to the disk at once, of one node. */
enum { ORDERS_AT_ONCE = 100, PAGE = 200 };

enum delivery_state {
    DELIVERY_WAITING,
    DELIVERY_DONE,
    DELIVERY_PUT_OFF,
    DELIVERY_DEAD,
};

struct delivery {
    struct deliveries *of;
    const struct value *item; /* in the list of the node: {id, workflow, node} */
    uint64_t number;          /* of its run; 0: there is none any more */
    enum delivery_state state;
    bool is_tried;
    const struct document *output; /* DELIVERY_DONE; owned, may be NULL */
};

/* Those of one attempt of a node. */
struct deliveries {
    struct deliveries *next;
    struct loop *loop;
    uint64_t run;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    const struct document *list; /* owned */
    bool is_patient;             /* what is put off is waited for */
    bool is_trying;              /* inside of try_next() */
    bool is_told;                /* the engine knows; it stays for the orders that are out */
    struct delivery *items;
    size_t count;
    size_t next_item; /* to be tried */
    size_t waiting;
    size_t orders; /* on their way */
    char who[128];
};

/* ---- which there are ---- */

struct search {
    struct builder *b;
    struct journal_item_filter filter;
    int64_t most;
    int64_t count;
    size_t read; /* of a page */
};

/* What is being delivered, and what cannot go on, is left alone. */
static int take_item(void *user, const struct journal_item *item)
{
    struct search *search = user;
    bool is_busy = str_equal_text(item->node_state, "running") ||
                   str_equal_text(item->state, "paused") || item->blocked.n > 0;
    search->read++;
    search->filter.after = (struct journal_item_place){item->priority, item->turn_at, item->number};
    if (is_busy || search->count == search->most) {
        return 0;
    }
    search->count++;
    builder_map_begin(search->b);
    builder_member_string(search->b, STR("id"), item->id);
    builder_member_string(search->b, STR("workflow"), item->queued_by);
    builder_member_string(search->b, STR("node"), queue_item_node(item->workflow, item->queued_by));
    builder_map_end(search->b);
    return 0;
}

static struct str text_of(const struct document *config, const char *key)
{
    const struct value *value = value_get(document_root(config), str_from(key));
    return value_is(value, VALUE_STRING) ? value_str(value) : STR("");
}

static int find(struct loop *loop, const struct document *config, struct document **out,
                struct error *err)
{
    const struct value *most = value_get(document_root(config), STR("max_items"));
    struct search search = {.b = builder_create(),
                            .most = value_is(most, VALUE_INT) ? value_int(most) : QUEUE_WORK_ITEMS,
                            .filter = {.workflow = text_of(config, "workflow"),
                                       .node = text_of(config, "node"),
                                       .limit = PAGE}};
    int status = 0;
    builder_list_begin(search.b);
    do {
        search.read = 0;
        status = loop->reader != NULL
                     ? journal_reader_items(loop->reader, &search.filter, take_item, &search, err)
                     : 0;
    } while (status == 0 && search.read == PAGE && search.count < search.most);
    if (status != 0) {
        builder_destroy(search.b);
        return status;
    }
    builder_list_end(search.b);
    return builder_finish(search.b, out, err);
}

void deliveries_find(struct loop_run *run, const struct effect *effect)
{
    struct error err = {0};
    cleanup_document struct document *items = NULL;
    cleanup_document struct document *failure = NULL;
    if (run->loop->holds_starts) {
        return; /* whoever is at work next asks again */
    }
    int status = find(run->loop, effect->config, &items, &err);
    if (status == E_NOMEM) {
        run_driver_fail(run->loop, &err);
        return;
    }
    if (status != 0) {
        error_prefix(&err, "the retry queue cannot be read: ");
        failure = failure_from_error(FAILURE_FAILED, &err);
    }
    run_driver_handle(run, &(struct run_event){.type = RUN_EVENT_FOUND,
                                               .frame = effect->frame,
                                               .node = effect->node,
                                               .index = effect->turn,
                                               .output = items,
                                               .error = failure});
}

/* ---- what became of one ---- */

static void settle(struct delivery *item, enum delivery_state state, const struct document *output)
{
    bool is_left = state == DELIVERY_PUT_OFF && item->of->is_patient;
    if (item->state == DELIVERY_WAITING && !is_left) {
        item->state = state;
        item->output = output != NULL ? document_ref(output) : NULL;
        item->of->waiting--;
    }
}

static int settle_row(void *user, const struct journal_run *run)
{
    struct delivery *item = user;
    struct document *result = NULL;
    bool is_dead = str_equal_text(run->state, "dead") ||
                   str_equal_text(run->state, "approval_required");
    if (run->ended_at == 0 || !str_equal_text(run->state, "completed")) {
        settle(item, run->ended_at != 0 || is_dead ? DELIVERY_DEAD : DELIVERY_PUT_OFF, NULL);
        return 0;
    }
    int status = json_read(run->result, NULL, &result, NULL);
    if (status == E_NOMEM) {
        return status;
    }
    const struct value *output = result != NULL ? value_get(document_root(result), STR("output"))
                                                : NULL;
    struct document *copy = NULL;
    if (output != NULL) {
        struct builder *b = builder_create();
        builder_embed(b, result, output);
        status = builder_finish(b, &copy, NULL);
    }
    settle(item, DELIVERY_DONE, copy);
    document_unref(copy);
    document_unref(result);
    return status;
}

/* By its row: it is not in memory. One that is gone has been delivered by nobody that we know. */
static void settle_by_row(struct delivery *item)
{
    struct loop *loop = item->of->loop;
    struct error err = {0};
    int status =
        item->number != 0 && loop->reader != NULL
            ? journal_reader_run_by_number(loop->reader, item->number, settle_row, item, &err)
            : E_NOT_FOUND;
    if (status == E_NOMEM) {
        run_driver_fail(loop, &err);
    } else if (status != 0) {
        settle(item, DELIVERY_PUT_OFF, NULL);
    }
}

/* No call goes through before its time, or a person's word. */
static bool is_shut(enum breaker_state state, int64_t until)
{
    return state == BREAKER_FORCED_OPEN || (state == BREAKER_OPEN && until > clock_unix_ms());
}

static void ask_wait(void *user, const struct engine_wait *wait)
{
    bool *waits_long = user;
    *waits_long = wait->kind == ENGINE_WAIT_BREAKER && is_shut(wait->state, wait->until);
}

static bool is_put_off(const struct loop *loop, const struct run *run)
{
    struct run_node_view view = run_node(run, 0);
    bool waits_long = false;
    (void)engine_each_wait(loop->engine, run, 1, ask_wait, &waits_long); /* it has one node */
    return waits_long || run_is_paused(run) || (view.state == NODE_RUNNING && view.is_delayed);
}

static void look_at(struct delivery *item)
{
    struct loop *loop = item->of->loop;
    const struct loop_run *run = run_table_find(loop, item->number);
    struct engine_sleeper sleeper = {0};
    if (run == NULL && engine_find_sleeper(loop->engine, item->number, &sleeper)) {
        if (is_shut(sleeper.breaker->state, sleeper.breaker->due_at)) {
            settle(item, DELIVERY_PUT_OFF, NULL);
        }
    } else if (run == NULL) {
        settle_by_row(item);
    } else if (run_node(run->run, 0).is_unknown) {
        settle(item, DELIVERY_DEAD, NULL);
    } else if (is_put_off(loop, run->run)) {
        settle(item, DELIVERY_PUT_OFF, NULL);
    }
}

/* ---- the end ---- */

static void destroy(struct deliveries *all)
{
    for (size_t i = 0; i < all->count; i++) {
        document_unref(all->items[i].output);
    }
    document_unref(all->list);
    free(all->items);
    free(all);
}

static void unlink_from(struct loop *loop, const struct deliveries *all)
{
    struct deliveries **at = &loop->deliveries;
    while (*at != all) {
        at = &(*at)->next;
    }
    *at = all->next;
}

/* What an item's run gives is the map of its one node. */
static const struct value *call_output(const struct delivery *item)
{
    const struct value *node = value_get(item->item, STR("node"));
    return item->output != NULL && value_is(node, VALUE_STRING)
               ? value_get(document_root(item->output), value_str(node))
               : NULL;
}

static void write_item(struct builder *b, const struct delivery *item)
{
    const struct document *list = item->of->list;
    struct str run;
    struct str path;
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(item->item); i++) {
        const struct value_member *member = value_member_at(item->item, i);
        builder_key(b, value_str(&member->key));
        builder_embed(b, list, &member->value);
    }
    queue_split_id(value_str(value_get(item->item, STR("id"))), &run, &path);
    builder_member_string(b, STR("run"), run);
    const struct value *output = call_output(item);
    builder_key(b, STR("output"));
    if (output != NULL) {
        builder_embed(b, item->output, output);
    } else {
        builder_null(b);
    }
    builder_map_end(b);
}

static int make_output(const struct deliveries *all, struct document **out, struct error *err)
{
    int64_t counts[DELIVERY_DEAD + 1] = {0};
    struct builder *b = builder_create();
    for (size_t i = 0; i < all->count; i++) {
        counts[all->items[i].state]++;
    }
    builder_map_begin(b);
    builder_member_int(b, STR("processed"), counts[DELIVERY_DONE]);
    builder_member_int(b, STR("requeued"), counts[DELIVERY_PUT_OFF] + counts[DELIVERY_WAITING]);
    builder_member_int(b, STR("dead"), counts[DELIVERY_DEAD]);
    builder_key(b, STR("items"));
    builder_list_begin(b);
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].state == DELIVERY_DONE) {
            write_item(b, &all->items[i]);
        }
    }
    builder_list_end(b);
    builder_map_end(b);
    return builder_finish(b, out, err);
}

/* Its run may be gone, or want no answer any more. */
static void tell(struct deliveries *all)
{
    struct loop_run *run = run_table_find(all->loop, all->run);
    struct error err = {0};
    cleanup_document struct document *output = NULL;
    all->is_told = true;
    if (run != NULL && make_output(all, &output, &err) != 0) {
        run_driver_fail(all->loop, &err);
    } else if (run != NULL) {
        run_driver_handle(run, &(struct run_event){.type = RUN_EVENT_DONE,
                                                   .frame = all->frame,
                                                   .node = all->node,
                                                   .attempt = all->attempt,
                                                   .output = output});
    }
}

/* True: it is no more. */
static bool check_end(struct deliveries *all)
{
    bool is_leaving = all->loop->is_leaving;
    if (all->waiting == 0 && !all->is_told && !is_leaving) {
        tell(all);
    }
    if (!all->is_told || all->orders > 0) {
        return false;
    }
    unlink_from(all->loop, all);
    destroy(all);
    return true;
}

/* ---- trying ---- */

static void try_next(struct deliveries *all);

static void on_tried(void *user, int status, const struct error *err)
{
    struct delivery *item = user;
    struct deliveries *all = item->of;
    (void)err; /* why an item does not obey is seen in its row */
    all->orders--;
    if (all->loop->is_leaving) {
        return;
    }
    if (status == 0) {
        look_at(item);
    } else {
        settle_by_row(item);
    }
    try_next(all);
}

static void try_one(struct delivery *item)
{
    const struct loop_command command = {
        .action = LOOP_TRY, .run = item->number, .who = str_from(item->of->who)};
    item->is_tried = true;
    item->of->orders++;
    loop_command(item->of->loop, &command, on_tried, item);
}

/* An order may be answered from inside: then it is the one that goes on. */
static void try_next(struct deliveries *all)
{
    if (all->is_trying) {
        return;
    }
    all->is_trying = true;
    while (all->next_item < all->count && all->orders < ORDERS_AT_ONCE && !all->is_told) {
        struct delivery *item = &all->items[all->next_item++];
        if (item->number == 0) {
            settle_by_row(item);
        } else if (item->state == DELIVERY_WAITING) {
            try_one(item);
        }
    }
    all->is_trying = false;
    (void)check_end(all); /* it is not used any more */
}

static int note_number(void *user, const struct journal_run *run)
{
    struct delivery *item = user;
    item->number = run->queued_by.n > 0 ? run->number : 0;
    return 0;
}

/* The journal is read again after a crash: what is no item is one that is gone. */
static int find_number(struct delivery *item, struct error *err)
{
    const struct value *id = value_get(item->item, STR("id"));
    struct journal_reader *reader = item->of->loop->reader;
    int status = reader != NULL && value_is(id, VALUE_STRING)
                     ? journal_reader_run(reader, value_str(id), note_number, item, err)
                     : E_NOT_FOUND;
    return status == E_NOMEM ? status : 0;
}

static struct deliveries *create(struct loop_run *run, const struct effect *effect,
                                 struct error *err)
{
    const struct value *list = document_root(effect->config);
    struct deliveries *all = calloc(1, sizeof(*all));
    struct delivery *items = calloc(value_count(list) + 1, sizeof(*items));
    if (all == NULL || items == NULL) {
        free(all);
        free(items);
        (void)error_nomem(err);
        return NULL;
    }
    *all = (struct deliveries){.loop = run->loop,
                               .run = run->number,
                               .frame = effect->frame,
                               .node = effect->node,
                               .attempt = effect->attempt,
                               .list = document_ref(effect->config),
                               .is_patient = effect->at_unix_ms > 0,
                               .items = items,
                               .count = value_count(list),
                               .waiting = value_count(list)};
    (void)snprintf(all->who, sizeof(all->who), "run %.*s", STR_ARG(run_id(run->run)));
    for (size_t i = 0; i < all->count; i++) {
        items[i] = (struct delivery){.of = all, .item = value_at(list, i)};
        if (find_number(&items[i], err) != 0) {
            destroy(all);
            return NULL;
        }
    }
    return all;
}

void deliveries_start(struct loop_run *run, const struct effect *effect)
{
    struct error err = {0};
    if (run->loop->holds_starts) {
        return; /* whoever is at work next has them tried */
    }
    struct deliveries *all = create(run, effect, &err);
    if (all == NULL) {
        run_driver_fail(run->loop, &err);
        return;
    }
    all->next = run->loop->deliveries;
    run->loop->deliveries = all;
    try_next(all);
}

void deliveries_end(struct loop_run *run, const struct effect *effect)
{
    struct deliveries *all = run->loop->deliveries;
    while (all != NULL && !(all->run == run->number && all->frame == effect->frame &&
                            all->node == effect->node && all->attempt == effect->attempt)) {
        all = all->next;
    }
    if (all != NULL && !all->is_told) {
        all->waiting = 0;
        (void)check_end(all); /* it is not used any more */
    }
}

/* ---- what became durable ---- */

static void note_record(struct delivery *item, const struct record *record)
{
    switch (record->type) {
    case RECORD_RUN_ENDED:
        settle(item, record->run_state == RUN_COMPLETED ? DELIVERY_DONE : DELIVERY_DEAD,
               record->run_state == RUN_COMPLETED ? record->output : NULL);
        return;
    case RECORD_NODE_UNKNOWN:
        settle(item, DELIVERY_DEAD, NULL);
        return;
    case RECORD_NODE_RETRY:
    case RECORD_RUN_PAUSED:
        settle(item, DELIVERY_PUT_OFF, NULL);
        return;
    default:
        return;
    }
}

/* What is at one may be kept away from now on, without a record of its own. */
static bool changes_breaker(const struct batch *batch)
{
    for (size_t i = 0; i < batch->scope_count; i++) {
        if (strcmp(batch->scopes[i].kind, ENGINE_SCOPE_BREAKER) == 0) {
            return true;
        }
    }
    return false;
}

static void note(struct deliveries *all, const struct batch *batch)
{
    bool has_breaker = changes_breaker(batch);
    for (size_t r = 0; r < batch->record_count; r++) {
        const struct record *record = &batch->records[r];
        bool is_item = record->run_number != 0 && queue_is_item(record->run);
        for (size_t i = 0; is_item && i < all->count; i++) {
            if (all->items[i].number == record->run_number) {
                note_record(&all->items[i], record);
            }
        }
    }
    for (size_t i = 0; has_breaker && i < all->count; i++) {
        if (all->items[i].is_tried && all->items[i].state == DELIVERY_WAITING) {
            look_at(&all->items[i]);
        }
    }
}

void deliveries_note(struct loop *loop, const struct batch *batch)
{
    for (struct deliveries *at = loop->deliveries; at != NULL && !loop->is_leaving;) {
        struct deliveries *next = at->next;
        if (!at->is_told) {
            note(at, batch);
        }
        (void)check_end(at); /* it is not used any more */
        at = next;
    }
}

void deliveries_finish(struct loop *loop)
{
    while (loop->deliveries != NULL) {
        struct deliveries *all = loop->deliveries;
        loop->deliveries = all->next;
        destroy(all);
    }
}
