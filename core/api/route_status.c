/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/status: the engine at a glance. */
#include <string.h>

#include "core/api/breaker_row.h"
#include "core/api/json_text.h"
#include "core/api/numbers.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

enum { BREAKERS_MOST = 100, STATES_MOST = 16, STATE_SIZE = 32 };

/* ---- runs by status ---- */

struct counts {
    struct count {
        char state[STATE_SIZE];
        uint64_t count;
    } items[STATES_MOST];
    size_t n;
    uint64_t queue_waiting; /* items of the retry queue */
    uint64_t queue_dead;
};

/* Only their workflows have a '/' in the id. */
static bool count_item(struct counts *counts, struct str workflow, struct str state, uint64_t count)
{
    enum run_state ended = RUN_COMPLETED;
    if (workflow.n == 0 || memchr(workflow.p, '/', workflow.n) == NULL) {
        return false;
    }
    bool is_dead = str_equal_text(state, "dead") || str_equal_text(state, "approval_required");
    bool has_ended = false;
    for (; ended <= RUN_CANCELLED; ended++) {
        has_ended = has_ended || str_equal_text(state, run_state_name(ended));
    }
    counts->queue_dead += is_dead ? count : 0;
    counts->queue_waiting += is_dead || has_ended ? 0 : count;
    return true;
}

static int add_count(void *user, struct str workflow, struct str state, uint64_t count)
{
    struct counts *counts = user;
    size_t i = 0;
    if (count_item(counts, workflow, state, count)) {
        return 0;
    }
    while (i < counts->n && !str_equal_text(state, counts->items[i].state)) {
        i++;
    }
    if (i == STATES_MOST || state.n >= STATE_SIZE) {
        return 0; /* there are not so many */
    }
    if (i == counts->n) {
        memcpy(counts->items[i].state, state.p, state.n);
        counts->n++;
    }
    counts->items[i].count += count;
    return 0;
}

static int add_runs(struct builder *b, struct journal_reader *reader, struct error *err)
{
    struct counts counts = {0};
    int status = reader != NULL ? journal_reader_counts(reader, add_count, &counts, err) : 0;
    builder_key(b, STR("runs"));
    builder_map_begin(b);
    for (size_t i = 0; i < counts.n; i++) {
        builder_member_int(b, str_from(counts.items[i].state), (int64_t)counts.items[i].count);
    }
    builder_map_end(b);
    builder_key(b, STR("queue"));
    builder_map_begin(b);
    builder_member_int(b, STR("waiting"), (int64_t)counts.queue_waiting);
    builder_member_int(b, STR("dead"), (int64_t)counts.queue_dead);
    builder_map_end(b);
    return status;
}

/* ---- breakers that are not closed ---- */

struct breakers {
    struct builder *b;
    const struct value *queues; /* [{scope, waiting}] */
    uint64_t count;
};

static int64_t waiting_for(const struct value *queues, struct str scope)
{
    for (size_t i = 0; value_is(queues, VALUE_LIST) && i < value_count(queues); i++) {
        const struct value *name = value_get(value_at(queues, i), STR("scope"));
        const struct value *waiting = value_get(value_at(queues, i), STR("waiting"));
        if (value_is(name, VALUE_STRING) && str_equal(value_str(name), scope)) {
            return value_is(waiting, VALUE_INT) ? value_int(waiting) : 0;
        }
    }
    return 0;
}

static int add_breaker(void *user, const struct breaker_row *row)
{
    struct breakers *breakers = user;
    struct builder *b = breakers->b;
    if (!row->is_known || row->state == BREAKER_CLOSED || breakers->count++ >= BREAKERS_MOST) {
        return 0;
    }
    builder_map_begin(b);
    json_text_member(b, STR("scope"), row->scope);
    builder_member_string(b, STR("state"), str_from(breaker_state_name(row->state)));
    json_text_time(b, STR("since"), row->since);
    json_text_time(b, STR("due_at"), row->due_at);
    builder_member_int(b, STR("waiting"), waiting_for(breakers->queues, row->scope));
    builder_map_end(b);
    return 0;
}

static int add_breakers(struct builder *b, struct journal_reader *reader,
                        const struct value *queues, struct error *err)
{
    struct breakers breakers = {.b = b, .queues = value_get(queues, STR("breakers"))};
    builder_key(b, STR("breakers"));
    builder_list_begin(b);
    int status = reader != NULL ? breaker_row_each(reader, add_breaker, &breakers, err) : 0;
    builder_list_end(b);
    builder_member_int(b, STR("breakers_left_out"),
                       breakers.count > BREAKERS_MOST ? (int64_t)(breakers.count - BREAKERS_MOST)
                                                      : 0);
    return status;
}

/* ---- the engine ---- */

/* Those that somebody waits for, or wants checked. */
static void add_limits(struct builder *b, const struct document *live, struct str key)
{
    const struct value *limits = live != NULL ? value_get(document_root(live), key) : NULL;
    builder_key(b, key);
    if (limits != NULL) {
        builder_embed(b, live, limits);
    } else {
        builder_list_begin(b);
        builder_list_end(b);
    }
}

static int add_all(struct builder *b, const struct route_call *call, struct error *err)
{
    const struct route_request *request = call->request;
    cleanup_document struct document *live = json_text_read(b, request->live);
    const struct value *queues = live != NULL ? document_root(live) : NULL;
    builder_member_bool(b, STR("at_work"), request->numbers != NULL);
    json_text_member_or_null(b, STR("trouble"), route_trouble(call));
    if (request->numbers != NULL) {
        api_numbers_append(request->numbers, request->now_unix_ms, b);
    }
    int status = add_runs(b, request->reader, err);
    if (status == 0) {
        status = add_breakers(b, request->reader, queues, err);
    }
    add_limits(b, live, STR("limits"));
    add_limits(b, live, STR("rate_limits"));
    add_limits(b, live, STR("services"));
    return status;
}

int route_status(const struct route_call *call, struct answer *answer, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    int status = add_all(b, call, err);
    if (status != 0) {
        builder_destroy(b);
        return status;
    }
    builder_map_end(b);
    return route_finish(b, answer, err);
}
