/* SPDX-License-Identifier: Apache-2.0 */
/* What people do to runs, breakers and rate limits: each command is an audit row in the write of
 * its effect. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/queue.h"
#include "core/journal/journal_reader.h"
#include "core/loop/commit.h"
#include "core/loop/loop_state.h"
#include "core/loop/queue_orders.h"
#include "core/loop/refusal.h"
#include "core/loop/restorer.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* One command on its way to the disk. */
struct order {
    loop_command_cb cb;
    void *user;
    struct error refused; /* what is told when it is there */
};

static void on_durable(void *user, int status)
{
    struct order *order = user;
    struct error *err = &order->refused;
    if (err->code == 0 && status != 0) {
        (void)error_set(
            err, status,
            "nothing was changed: there was no room to keep it before the engine ended");
    }
    order->cb(order->user, err->code, err->code != 0 ? err : NULL);
    free(order);
}

static struct str name_of(enum loop_action action)
{
    switch (action) {
    case LOOP_CANCEL:
        return STR("cancel");
    case LOOP_PAUSE:
        return STR("pause");
    case LOOP_RESUME:
        return STR("resume");
    case LOOP_SEND:
        return STR("send");
    case LOOP_RESOLVE:
        return STR("resolve");
    case LOOP_TRY:
        return STR("queue_run");
    case LOOP_REQUEUE:
        return STR("requeue");
    case LOOP_SKIP:
        return STR("skip");
    case LOOP_DROP:
        return STR("drop");
    }
    return STR("");
}

static void add_member(struct strbuf *out, const char *key, const struct document *value)
{
    if (value != NULL) {
        strbuf_append_format(out, ",\"%s\":", key);
        json_write(document_root(value), JSON_COMPACT, out);
    }
}

/* A new input and priority, if there are any. */
static void append_requeue(const struct loop_command *command, struct strbuf *out)
{
    strbuf_append_char(out, '{');
    if (command->data != NULL) {
        strbuf_append_text(out, "\"edited\":true");
        add_member(out, "input", command->data);
    }
    if (command->has_priority) {
        strbuf_append_format(out, "%s\"priority\":\"%s\"", command->data != NULL ? "," : "",
                             queue_priority_name(command->priority));
    }
    strbuf_append_char(out, '}');
}

/* What was said with it: the members of the request, but for values of the environment. */
static void append_detail(const struct loop_command *command, struct strbuf *out)
{
    if (command->action == LOOP_REQUEUE) {
        append_requeue(command, out);
        return;
    }
    if (command->action == LOOP_SKIP) {
        strbuf_append_text(out, "{\"skipped\":true");
        add_member(out, "value", command->data);
        strbuf_append_char(out, '}');
        return;
    }
    if (command->name.n == 0) {
        strbuf_append_text(out, "{}");
        return;
    }
    strbuf_append_text(out, command->action == LOOP_SEND ? "{\"name\":" : "{\"node\":");
    json_write_string(command->name, out);
    if (command->action == LOOP_SEND) {
        add_member(out, "data", command->data);
    } else if (command->resolution == RUN_RESOLVE_AGAIN) {
        strbuf_append_text(out, ",\"again\":true");
    } else {
        add_member(out, command->resolution == RUN_RESOLVE_FAIL ? "error" : "output",
                   command->data);
    }
    strbuf_append_char(out, '}');
}

static void add_audit(struct commit *commit, const struct loop_command *command, int64_t at)
{
    struct strbuf detail = STRBUF_INIT;
    append_detail(command, &detail);
    commit->has_failed = commit->has_failed || strbuf_status(&detail) != 0;
    commit_add_audit(commit, &(struct journal_audit){.at_unix_ms = at,
                                                     .who = command->who,
                                                     .action = name_of(command->action),
                                                     .run = command->run,
                                                     .detail = strbuf_str(&detail)});
    strbuf_finish(&detail);
}

/* ---- finding ---- */

struct found {
    const struct loop_command *command;
    struct error *err;
    uint64_t root;
    bool was_blocked;
};

static int note_found(void *user, const struct journal_run *run)
{
    struct found *found = user;
    found->root = run->root;
    found->was_blocked = run->blocked.n > 0;
    bool is_item = run->queued_by.n > 0;
    return run->ended_at != 0
               ? refusal_ended(found->command->action, is_item, run->state, found->err)
               : 0;
}

/* The run of the command, loaded. LOOP_BLOCKED when it cannot be. */
static int find_run(struct loop *loop, const struct loop_command *command,
                    struct loop_run **out_run, bool *out_was_blocked, struct error *err)
{
    const uint64_t number = command->run;
    struct found found = {.command = command, .err = err};
    struct loop_run *root = NULL;
    *out_run = run_table_find(loop, number);
    if (*out_run != NULL || loop->reader == NULL) {
        return *out_run != NULL ? 0 : error_set(err, E_NOT_FOUND, "there is no such run");
    }
    int status = journal_reader_run_by_number(loop->reader, number, note_found, &found, err);
    if (status != 0) {
        return status;
    }
    if (command->env != NULL && run_env_set(&loop->env, found.root, command->env) != 0) {
        return error_nomem(err);
    }
    status = restorer_load(loop, found.root, &root, err);
    *out_run = status == 0 ? run_table_find(loop, number) : NULL;
    *out_was_blocked = found.was_blocked;
    return status == 0 && *out_run == NULL
               ? error_set(err, E_NOT_FOUND, "the run is not there any more")
               : status;
}

/* ---- carrying out ---- */

static bool find_unknown(const struct run *run, struct str path, uint64_t *out_frame,
                         uint32_t *out_node)
{
    const struct pipeline *pipeline = run_pipeline(run);
    uint64_t frame = 0;
    struct strbuf own = STRBUF_INIT;
    bool is_found = false;
    do {
        const struct body *body = &pipeline->bodies[run_frame_body(run, frame)];
        for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
            if (is_found || !run_frame_node(run, frame, i).is_unknown) {
                continue;
            }
            strbuf_clear(&own);
            run_append_path(run, frame, i, &own);
            if (str_equal(strbuf_str(&own), path)) {
                *out_frame = frame;
                *out_node = i;
                is_found = true;
            }
        }
    } while (!is_found && run_next_frame(run, &frame));
    strbuf_finish(&own);
    return is_found;
}

static int resolve(struct loop_run *run, const struct loop_command *command, struct commit *commit,
                   struct error *err)
{
    struct run_event event = {.type = RUN_EVENT_RESOLVE,
                              .resolution = (enum run_resolution)command->resolution};
    if (!find_unknown(run->run, command->name, &event.frame, &event.node)) {
        return refusal_not_unknown(run->run, command->name, err);
    }
    if (command->resolution == RUN_RESOLVE_FAIL) {
        event.error = command->data;
    } else {
        event.output = command->data;
    }
    return run_driver_decide(run, &event, commit) ? 0 : error_nomem(err);
}

/* All of the tree; what nobody waited for may be all that is left of it. */
static int set_paused(struct loop_run *run, enum run_event_type type, struct commit *commit,
                      struct error *err)
{
    struct loop_run *root = run->root;
    bool is_paused = run_is_paused(root->is_ended ? run->run : root->run);
    if (is_paused && type == RUN_EVENT_PAUSE) {
        return error_set(err, E_CONFLICT,
                         "the run is paused already; 'opstream resume' goes on with it");
    }
    if (!is_paused && type == RUN_EVENT_RESUME) {
        return refusal_not_paused(run->run, err);
    }
    int status =
        engine_pause(root->loop->engine, root->run, type, clock_unix_ms(), &commit->batch, err);
    if (status != 0) {
        run_driver_fail(root->loop, err);
    }
    return status;
}

/* Runs that nobody waits for are told themselves. */
static int cancel(struct loop_run *root, struct commit *commit, struct error *err)
{
    const struct run_event event = {.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED};
    for (struct run *at = root->run; at != NULL; at = engine_next_below(root->run, at)) {
        struct loop_run *run = engine_run_user(at);
        bool is_own = run == root || (run != NULL && !run->is_awaited);
        if (is_own && !run_is_ended(at) && !run_driver_decide(run, &event, commit)) {
            return error_nomem(err);
        }
    }
    return 0;
}

/* One that only comes before its wait is kept. */
static int send_event(struct loop_run *run, const struct loop_command *command,
                      struct commit *commit, struct error *err)
{
    const struct run_event event = {
        .type = RUN_EVENT_SIGNAL, .port = command->name, .output = command->data};
    int status = refusal_event(run_pipeline(run->run), command->name, err);
    status = status != 0 ? status : refusal_too_many(run->run, err);
    if (status != 0) {
        return status;
    }
    return run_driver_decide(run, &event, commit) ? 0 : error_nomem(err);
}

static int carry_out(struct loop_run *run, const struct loop_command *command,
                     struct commit *commit, struct error *err)
{
    if (run_is_ended(run->run)) {
        return refusal_ended(command->action, queue_is_item(run->run),
                             str_from(run_state_name(run_state(run->run))), err);
    }
    switch (command->action) {
    case LOOP_CANCEL:
        return cancel(run->root, commit, err);
    case LOOP_PAUSE:
        return set_paused(run, RUN_EVENT_PAUSE, commit, err);
    case LOOP_RESUME:
        return set_paused(run, RUN_EVENT_RESUME, commit, err);
    case LOOP_SEND:
        return send_event(run, command, commit, err);
    case LOOP_RESOLVE:
        return resolve(run, command, commit, err);
    case LOOP_TRY:
    case LOOP_REQUEUE:
    case LOOP_SKIP:
    case LOOP_DROP:
        return queue_orders_carry_out(run, command, commit, err);
    }
    return E_INVALID;
}

static int note_dead(void *user, const struct journal_run *run)
{
    bool *is_dead = user;
    *is_dead = run->is_dead;
    return 0;
}

/* A run that has ended is given up by nobody: people have seen it. */
static bool take_dead(struct loop *loop, const struct loop_command *command, struct commit *commit)
{
    bool is_dead = false;
    if (command->action == LOOP_DROP && loop->reader != NULL &&
        journal_reader_run_by_number(loop->reader, command->run, note_dead, &is_dead, NULL) == 0 &&
        is_dead) {
        commit_add_mark(commit,
                        &(struct journal_mark){.run = command->run, .kind = JOURNAL_MARK_DEAD});
    }
    return is_dead;
}

/* LOOP_BLOCKED: it cannot go on. */
static int begin(struct loop *loop, const struct loop_command *command, struct commit *commit,
                 struct error *err)
{
    struct loop_run *run = NULL;
    bool was_blocked = false;
    if (take_dead(loop, command, commit)) {
        return 0;
    }
    int status = find_run(loop, command, &run, &was_blocked, err);
    if (status == LOOP_BLOCKED) {
        const struct error why = *err;
        (void)error_set(err, E_INVALID,
                        "the run is blocked: %s; bring what is missing, then 'opstream resume ID'",
                        why.message);
    }
    if (status != 0) {
        return status;
    }
    bool is_resumed = was_blocked || (loop->holds_starts && run_unknown_count(run->run) == 0);
    bool is_done = command->action == LOOP_RESUME && is_resumed && !run_is_paused(run->root->run);
    return is_done ? 0 : carry_out(run, command, commit, err);
}

void loop_command(struct loop *loop, const struct loop_command *command, loop_command_cb cb,
                  void *user)
{
    struct error err = {0};
    struct commit *commit = commit_create(loop);
    struct order *order = calloc(1, sizeof(*order));
    const int64_t at = clock_unix_ms(); /* before what it leads to */
    int status = commit == NULL || order == NULL ? error_nomem(&err)
                                                 : begin(loop, command, commit, &err);
    if (status == LOOP_BLOCKED) { /* its mark is on its way: whoever hears of it can see it */
        *order = (struct order){.cb = cb, .user = user, .refused = err};
        commit_add_ack(commit, on_durable, order);
        run_driver_submit(commit);
        return;
    }
    if (status != 0) {
        cb(user, status, &err);
        free(order);
        if (commit != NULL) {
            commit_destroy(commit);
        }
        return;
    }
    *order = (struct order){.cb = cb, .user = user};
    add_audit(commit, command, at);
    commit_add_ack(commit, on_durable, order);
    run_driver_submit(commit);
}

/* ---- circuit breakers ---- */

static const char *order_name(enum breaker_order order)
{
    switch (order) {
    case BREAKER_ORDER_OPEN:
        return "open";
    case BREAKER_ORDER_DISABLE:
        return "disable";
    case BREAKER_ORDER_RESET:
        break;
    }
    return "reset";
}

/* `detail` is a map without its end, and used up. */
static void add_scope_audit(struct commit *commit, struct str who, const char *action,
                            struct strbuf *detail)
{
    strbuf_append_char(detail, '}');
    commit->has_failed = commit->has_failed || strbuf_status(detail) != 0;
    commit_add_audit(commit, &(struct journal_audit){.at_unix_ms = clock_unix_ms(),
                                                     .who = who,
                                                     .action = str_from(action),
                                                     .detail = strbuf_str(detail)});
    strbuf_finish(detail);
}

/* What an order for something that runs share is decided into. False: it is told. */
static bool begin_order(struct loop *loop, loop_command_cb cb, void *user,
                        struct commit **out_commit, struct order **out_order)
{
    struct commit *commit = commit_create(loop);
    struct order *order = calloc(1, sizeof(*order));
    if (commit != NULL && order != NULL) {
        *order = (struct order){.cb = cb, .user = user};
        *out_commit = commit;
        *out_order = order;
        return true;
    }
    struct error err = {0};
    (void)error_nomem(&err);
    run_driver_fail(loop, &err);
    cb(user, E_NOMEM, &err);
    free(order);
    if (commit != NULL) {
        commit_destroy(commit);
    }
    return false;
}

/* Both are taken. */
static void end_order(struct commit *commit, struct order *order, int status,
                      const struct error *err)
{
    if (status == 0) {
        commit_add_ack(commit, on_durable, order);
        run_driver_submit(commit);
        return;
    }
    if (status != E_NOT_FOUND) {
        run_driver_fail(commit->loop, err);
    }
    order->cb(order->user, status, err);
    free(order);
    commit_destroy(commit);
}

void loop_order_breaker(struct loop *loop, const struct loop_breaker_order *asked,
                        loop_command_cb cb, void *user)
{
    struct error err = {0};
    const int64_t now = clock_unix_ms();
    struct commit *commit = NULL;
    struct order *order = NULL;
    if (!begin_order(loop, cb, user, &commit, &order)) {
        return;
    }
    int status =
        engine_order_breaker(loop->engine, asked->scope, asked->order, now, &commit->batch, &err);
    if (status == 0) {
        struct strbuf detail = STRBUF_INIT;
        strbuf_append_format(&detail, "{\"order\":\"%s\",\"scope\":", order_name(asked->order));
        json_write_string(asked->scope, &detail);
        add_scope_audit(commit, asked->who, "breaker", &detail);
    }
    end_order(commit, order, status, &err);
}

/* ---- rate limits ---- */

void loop_reset_limit(struct loop *loop, const struct loop_limit_reset *reset, loop_command_cb cb,
                      void *user)
{
    struct error err = {0};
    struct commit *commit = NULL;
    struct order *order = NULL;
    if (!begin_order(loop, cb, user, &commit, &order)) {
        return;
    }
    int status =
        engine_reset_limit(loop->engine, reset->scope, clock_unix_ms(), &commit->batch, &err);
    if (status == 0) {
        struct strbuf detail = STRBUF_INIT;
        strbuf_append_text(&detail, "{\"order\":\"reset\",\"scope\":");
        json_write_string(reset->scope, &detail);
        add_scope_audit(commit, reset->who, "limit", &detail);
    }
    end_order(commit, order, status, &err);
}
