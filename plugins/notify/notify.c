/* SPDX-License-Identifier: Apache-2.0 */

/*
 * notify.send: one message to many targets. All are sent to at the same time; the task ends when
 * the last of them is over. What stands for a message that was sent (dedupe) is taken before
 * anything is sent, and given back when nobody got it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "delivery.h"

struct ops_node {
    ops_val targets; /* of the settings, by name; 0: none */
    ops_val email;   /* of them, for targets of e-mail */
};

/* In the task's memory. */
struct sending {
    struct note note;
    struct delivery deliveries[TARGETS_MAX];
    uint32_t count;
    uint32_t open;
    int needs_all;
    uint64_t mark_version; /* of what stands for the message; 0: nothing does */
    char mark[512];        /* its key */
};

/* ---- the end ---- */

static uint32_t count_state(const struct sending *sending, enum delivery_state state)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < sending->count; i++) {
        n += sending->deliveries[i].state == state;
    }
    return n;
}

static uint32_t count_sent(const struct sending *sending)
{
    return count_state(sending, DELIVERY_SENT) + count_state(sending, DELIVERY_SENT_BEFORE);
}

static void add_target(struct build_list *list, const struct delivery *delivery)
{
    static const char *const states[] = {"failed", "sent", "sent_before", "failed"};
    struct ops_map target = ops_map_begin(delivery->note->task);
    ops_map_text(&target, "name", delivery->target.name);
    ops_map_text(&target, "channel", delivery->target.channel->name);
    ops_map_text(&target, "status", states[delivery->state]);
    if (delivery->id[0] != '\0') {
        ops_map_text(&target, "id", delivery->id);
    }
    if (delivery->state == DELIVERY_FAILED) {
        ops_map_text(&target, "error", delivery->message);
        ops_map_text(&target, "symbol", delivery->symbol);
    }
    build_list_map(list, &target);
}

static void complete(const struct sending *sending, int is_duplicate)
{
    ops_task task = sending->note.task;
    struct ops_map out = ops_map_begin(task);
    struct build_list targets = build_list_begin(task);
    ops_map_i64(&out, "sent", count_sent(sending));
    ops_map_i64(&out, "failed", count_state(sending, DELIVERY_FAILED));
    ops_map_bool(&out, "deduplicated", is_duplicate);
    for (uint32_t i = 0; i < sending->count && !is_duplicate; i++) {
        add_target(&targets, &sending->deliveries[i]);
    }
    build_list_end(&targets, &out, "targets");
    ops_complete_map(task, &out);
}

/* Of all that failed the one that a repeated attempt may cure, else the first. */
static const struct delivery *main_failure(const struct sending *sending)
{
    const struct delivery *found = NULL;
    for (uint32_t i = 0; i < sending->count; i++) {
        const struct delivery *one = &sending->deliveries[i];
        int is_passing = one->code == OPS_E_RATE_LIMITED || one->code == OPS_E_TIMEOUT ||
                         one->code == OPS_E_UNAVAILABLE;
        if (one->state == DELIVERY_FAILED && (found == NULL || is_passing)) {
            found = one;
            if (is_passing) {
                break;
            }
        }
    }
    return found;
}

static void append_failures(const struct sending *sending, struct text *out)
{
    const char *between = "";
    if (sending->count > 1) {
        char line[64];
        (void)snprintf(line, sizeof line, "%u of %u targets have got the message; ",
                       count_sent(sending), sending->count);
        text_append_literal(out, line);
    }
    for (uint32_t i = 0; i < sending->count; i++) {
        const struct delivery *one = &sending->deliveries[i];
        if (one->state == DELIVERY_FAILED) {
            text_append_literal(out, between);
            text_append_literal(out, "'");
            text_append_literal(out, one->target.name);
            text_append_literal(out, "': ");
            text_append_literal(out, one->message);
            between = "; ";
        }
    }
}

static void fail(const struct sending *sending)
{
    const struct delivery *failure = main_failure(sending);
    struct text message = {0};
    append_failures(sending, &message);
    ops_error err = ops_error_make(failure->code, NULL);
    err.message = text_str(&message);
    err.symbol = ops_text(failure->symbol);
    err.hint = ops_text(failure->hint);
    err.effect = count_sent(sending) > 0 ? OPS_EFFECT_MAYBE : failure->effect;
    err.retry = failure->retry;
    err.retry_after_ms = failure->retry_after_ms;
    err.upstream_status = failure->upstream_status;
    (void)ops.exec->fail(ops.h, sending->note.task, &err);
    text_finish(&message);
}

static void on_mark_removed(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    (void)task;
    (void)status; /* another's, or it ends by itself */
    (void)entry;
    fail(user);
}

/* Nobody got it: the next who wants to send it may. */
static void remove_mark(struct sending *sending)
{
    const ops_kv_req req = {.size = (uint32_t)sizeof req,
                            .flags = OPS_KV_IF_VERSION,
                            .key = ops_text(sending->mark),
                            .version = sending->mark_version,
                            .done = on_mark_removed,
                            .user = sending};
    if (ops.kv->remove(ops.h, sending->note.task, &req, NULL) != OPS_OK) {
        fail(sending);
    }
}

static void on_over(struct delivery *delivery)
{
    struct sending *sending = delivery->user;
    if (--sending->open > 0) {
        return;
    }
    uint32_t sent = count_sent(sending);
    if (sent == sending->count || (sent > 0 && !sending->needs_all)) {
        complete(sending, 0);
    } else if (sent == 0 && sending->mark_version > 0) {
        remove_mark(sending);
    } else {
        fail(sending);
    }
}

/* ---- the beginning ---- */

static void send_all(struct sending *sending)
{
    sending->open = sending->count + 1; /* this one: none may end the task while they start */
    for (uint32_t i = 0; i < sending->count; i++) {
        struct delivery *delivery = &sending->deliveries[i];
        delivery->note = &sending->note;
        delivery->on_over = on_over;
        delivery->user = sending;
        delivery_start(delivery);
    }
    on_over(&sending->deliveries[0]);
}

/* What stands there may be of an earlier attempt of this step. */
static void on_mark(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct sending *sending = user;
    ops_str key = sending->note.key;
    int is_ours = status == OPS_E_CONFLICT && entry->value.n == key.n &&
                  memcmp(entry->value.p, key.p, (size_t)key.n) == 0;
    if (status == OPS_OK || is_ours) {
        sending->mark_version = entry->version;
        send_all(sending);
    } else if (status == OPS_E_CONFLICT) {
        complete(sending, 1);
    } else {
        ops_fail_text(task, status, "'dedupe' cannot be kept in the state");
    }
}

static void take_mark(struct sending *sending, ops_val dedupe)
{
    ops_str key = ops_get_str(dedupe, "key", NULL);
    uint64_t window_ms = text_read_duration_ms(ops_get_str(dedupe, "window", "1h"));
    (void)snprintf(sending->mark, sizeof sending->mark, "dedupe/%.*s", (int)key.n, key.p);
    const ops_kv_req req = {.size = (uint32_t)sizeof req,
                            .flags = OPS_KV_IF_ABSENT,
                            .key = ops_text(sending->mark),
                            .value = sending->note.key,
                            .ttl_ms = window_ms,
                            .done = on_mark,
                            .user = sending};
    ops_status status = ops.kv->put(ops.h, sending->note.task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(sending->note.task, status, "'dedupe' cannot be kept in the state");
    }
}

static ops_status find_targets(const ops_node *node, struct sending *sending, ops_val config)
{
    struct text problem = {0};
    struct target *targets = calloc(TARGETS_MAX, sizeof *targets);
    ops_status status = targets == NULL ? OPS_E_RESOURCE
                                        : target_find_all(ops_get(config, "to"), node->targets,
                                                          targets, &sending->count, &problem);
    if (status != OPS_OK) {
        ops_error err = ops_error_make(status, "out of memory");
        err.message = problem.n > 0 ? text_str(&problem) : err.message;
        err.symbol = ops_text("notify.target");
        err.path = ops_text("/to");
        (void)ops.exec->fail(ops.h, sending->note.task, &err);
    }
    for (uint32_t i = 0; status == OPS_OK && i < sending->count; i++) {
        sending->deliveries[i].target = targets[i];
        sending->deliveries[i].mail_defaults = node->email;
    }
    free(targets);
    text_finish(&problem);
    return status;
}

static void send_execute(ops_node *node, ops_task task, ops_val config)
{
    struct sending *sending = ops_task_alloc(task, sizeof *sending);
    ops_val dedupe = ops_get(config, "dedupe");
    if (sending == NULL) {
        return;
    }
    note_read(task, config, &sending->note);
    sending->needs_all = !ops_equal(ops_get_str(config, "require", "all"), "any");
    if (find_targets(node, sending, config) != OPS_OK) {
        return;
    }
    if (dedupe != 0) {
        take_mark(sending, dedupe);
    } else {
        send_all(sending);
    }
}

/* ---- the node type ---- */

static ops_status send_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                              ops_error *err)
{
    void *memory = NULL;
    (void)plugin;
    if (ops.value->alloc(ops.h, scope, sizeof **out, &memory) != OPS_OK) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    *out = memory;
    (*out)->targets = ops_get(settings, "targets");
    (*out)->email = ops_get(settings, "email");
    return OPS_OK;
}

static const ops_node_type send_type = {.size = (uint32_t)sizeof send_type,
                                        .flags = OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT,
                                        .name = "notify.send",
                                        .config_version = 1,
                                        .create = send_create,
                                        .execute = send_execute};

OPS_PLUGIN("notify", "1.0.0", &send_type);
