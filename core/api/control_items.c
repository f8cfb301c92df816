/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /api/v1/queue/run, /api/v1/dlq/requeue and /api/v1/dlq/drop: an order for many items of the
 * retry queue, given one by one. Those of a page are on their way together; what was read may have
 * ended meanwhile, so of those that a filter found only what obeys is counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/answer.h"
#include "core/api/control.h"
#include "core/api/control_body.h"
#include "core/api/control_state.h"
#include "core/api/item_filter.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"
#include "core/value/builder.h"
#include "core/value/value.h"

enum { AT_ONCE = 100, IDS_MOST = 1000 };

struct bulk {
    struct control_call *call;
    struct document *body; /* the filter's texts are its */
    enum loop_action action;
    char who[128];
    int64_t began_at; /* unix ms */
    bool has_ids;
    bool has_priority; /* what is requeued gets this one */
    enum queue_priority priority;
    struct journal_item_filter filter;
    uint64_t numbers[IDS_MOST]; /* of a page, or all that were named */
    size_t count;
    size_t next;
    size_t out; /* on their way */
    uint64_t done;
    bool is_telling; /* inside of give_page() */
    struct error refused;
};

static void bulk_destroy(struct bulk *bulk)
{
    document_unref(bulk->body);
    free(bulk);
}

/* One that fails meanwhile stands at the end of the queue, where a later page has it again. */
static bool is_to_be_tried(const struct bulk *bulk, const struct journal_item *item)
{
    bool is_busy = str_equal_text(item->node_state, "running") || item->blocked.n > 0;
    return !is_busy && item->tried_at < bulk->began_at;
}

static int note_item(void *user, const struct journal_item *item)
{
    struct bulk *bulk = user;
    bool is_run = item->queued_by.n == 0;
    bulk->filter.after = (struct journal_item_place){item->priority, item->turn_at, item->number};
    bulk->next++; /* of those that were read */
    if ((is_run && bulk->action == LOOP_REQUEUE) ||
        (bulk->action == LOOP_TRY && !is_to_be_tried(bulk, item))) {
        return 0;
    }
    bulk->numbers[bulk->count++] = item->number;
    return 0;
}

/* True: there is a page, which may be empty. */
static bool read_page(struct bulk *bulk, struct error *err)
{
    struct journal_reader *reader = loop_reader(bulk->call->control->options.loop);
    bulk->count = 0;
    bulk->next = 0;
    bulk->filter.limit = AT_ONCE;
    if (reader == NULL || journal_reader_items(reader, &bulk->filter, note_item, bulk, err) != 0) {
        return false;
    }
    bool has_some = bulk->next > 0;
    bulk->next = 0;
    return has_some;
}

static int make_answer(const struct bulk *bulk, struct document **out, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_int(b, STR("count"), (int64_t)bulk->done);
    builder_member_bool(b, STR("accepted"), true);
    builder_map_end(b);
    return builder_finish(b, out, err);
}

static void finish(struct bulk *bulk)
{
    struct error err = bulk->refused;
    cleanup_document struct document *document = NULL;
    if (err.code == 0 && make_answer(bulk, &document, &err) == 0) {
        control_call_document(bulk->call, ANSWER_OK, document);
    } else {
        control_call_fail(bulk->call, &err);
    }
    bulk_destroy(bulk);
}

static void go_on(struct bulk *bulk);

/* What a person named and what cannot be kept is told; other refusals come of the time between. */
static void on_done(void *user, int status, const struct error *err)
{
    struct bulk *bulk = user;
    bool is_late = status == E_CONFLICT || status == E_NOT_FOUND || status == E_INVALID;
    bulk->out--;
    bulk->done += status == 0 ? 1 : 0;
    if (status != 0 && (bulk->has_ids || !is_late) && bulk->refused.code == 0) {
        bulk->refused = *err;
    }
    if (bulk->out == 0 && !bulk->is_telling) {
        go_on(bulk);
    }
}

static void give_page(struct bulk *bulk)
{
    bulk->is_telling = true;
    for (; bulk->next < bulk->count; bulk->next++) {
        const struct loop_command command = {.action = bulk->action,
                                             .run = bulk->numbers[bulk->next],
                                             .who = str_from(bulk->who),
                                             .has_priority = bulk->has_priority,
                                             .priority = bulk->priority};
        bulk->out++;
        loop_command(bulk->call->control->options.loop, &command, on_done, bulk);
    }
    bulk->is_telling = false;
}

static void go_on(struct bulk *bulk)
{
    bool has_more = true;
    while (has_more && bulk->out == 0) {
        bool is_over = bulk->refused.code != 0 || bulk->call->control->is_stopped;
        has_more = bulk->next < bulk->count ||
                   (!is_over && !bulk->has_ids && read_page(bulk, &bulk->refused));
        if (has_more) {
            give_page(bulk);
        }
    }
    if (bulk->out == 0) {
        finish(bulk);
    }
}

/* ---- what is asked ---- */

static int note_number(void *user, const struct journal_run *run)
{
    struct bulk *bulk = user;
    bulk->numbers[bulk->count++] = run->number;
    return 0;
}

/* False: it is answered. */
static bool find_id(struct bulk *bulk, struct str id)
{
    struct journal_reader *reader = loop_reader(bulk->call->control->options.loop);
    struct answer answer = ANSWER_INIT;
    struct error err = {0};
    char whole[ROUTE_ID_SIZE];
    int status = route_resolve_id(reader, id, whole, &answer, &err);
    bool is_refused = status == ROUTE_REFUSED;
    if (status == ROUTE_FOUND) {
        status = journal_reader_run(reader, str_from(whole), note_number, bulk, &err);
    }
    if (is_refused) {
        control_call_answer(bulk->call, &answer);
    } else if (status != 0) {
        control_call_fail(bulk->call, &err);
    }
    answer_finish(&answer);
    return status == 0;
}

static bool find_ids(struct bulk *bulk, const struct value *ids)
{
    struct error err = {0};
    bulk->has_ids = true;
    if (value_count(ids) > IDS_MOST) {
        (void)error_set(&err, E_INVALID, "'ids' of the body has more than %d", (int)IDS_MOST);
        control_call_fail(bulk->call, &err);
        return false;
    }
    for (size_t i = 0; i < value_count(ids); i++) {
        const struct value *id = value_at(ids, i);
        if (!find_id(bulk, value_is(id, VALUE_STRING) ? value_str(id) : STR(""))) {
            return false;
        }
    }
    return true;
}

static enum loop_action action_of(enum route_action action)
{
    return action == ROUTE_TRY_ALL       ? LOOP_TRY
           : action == ROUTE_REQUEUE_ALL ? LOOP_REQUEUE
                                         : LOOP_DROP;
}

/* False: it is answered. */
static bool prepare(struct bulk *bulk)
{
    struct error err = {0};
    const struct value *root = bulk->body != NULL ? document_root(bulk->body) : NULL;
    const struct value *ids = value_get(root, STR("ids"));
    bulk->filter.is_dead = bulk->action != LOOP_TRY;
    if (bulk->action == LOOP_REQUEUE &&
        item_filter_priority(control_body_text(bulk->body, "priority"), &bulk->has_priority,
                             &bulk->priority, &err) != 0) {
        control_call_fail(bulk->call, &err);
        return false;
    }
    if (ids != NULL) {
        return find_ids(bulk, ids);
    }
    if (item_filter_of_body(root, clock_unix_ms(), &bulk->filter, &err) != 0) {
        control_call_fail(bulk->call, &err);
        return false;
    }
    bulk->filter.has_priority = bulk->filter.has_priority && bulk->action != LOOP_REQUEUE;
    return true;
}

void control_items(struct control_call *call, const struct control_question *request,
                   enum route_action action, const struct document *body)
{
    struct error err = {0};
    struct bulk *bulk = calloc(1, sizeof(*bulk));
    if (bulk == NULL) {
        (void)error_nomem(&err);
        control_call_fail(call, &err);
        return;
    }
    bulk->call = call;
    bulk->body = document_ref(body);
    bulk->action = action_of(action);
    bulk->began_at = clock_unix_ms();
    (void)snprintf(bulk->who, sizeof(bulk->who), "%.*s", STR_ARG(request->who));
    if (prepare(bulk)) {
        go_on(bulk);
    } else {
        bulk_destroy(bulk);
    }
}
