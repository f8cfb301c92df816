/* SPDX-License-Identifier: Apache-2.0 */

/*
 * notify.send: one message to many targets, and notify.send_digest: what was held back for them.
 * All are sent to at the same time; the task ends when the last of them is over. Nothing is sent
 * when one of the targets cannot have what the message is made of.
 */

#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "check.h"
#include "delivery.h"
#include "message/moment.h"

struct ops_node {
    ops_val targets; /* of the settings, by name; 0: none */
    ops_val email;   /* of them, for targets of e-mail */
    struct gate_rules rules;
};

/* In the task's memory. */
struct sending {
    struct note note;
    struct delivery deliveries[TARGETS_MAX];
    uint32_t count;
    uint32_t open;
    int needs_all;
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
    static const char *const states[] = {[DELIVERY_OPEN] = "failed",
                                         [DELIVERY_SENT] = "sent",
                                         [DELIVERY_SENT_BEFORE] = "sent_before",
                                         [DELIVERY_HELD] = "held",
                                         [DELIVERY_REPEATED] = "repeated",
                                         [DELIVERY_EMPTY] = "nothing_held_back",
                                         [DELIVERY_FAILED] = "failed"};
    struct ops_map target = ops_map_begin(delivery->note.task);
    ops_map_text(&target, "name", delivery->target.name);
    ops_map_text(&target, "channel", delivery->target.channel->name);
    ops_map_text(&target, "status", states[delivery->state]);
    if (delivery->id[0] != '\0') {
        ops_map_text(&target, "id", delivery->id);
    }
    if (delivery->state == DELIVERY_HELD) {
        char until[MOMENT_BYTES];
        moment_write(delivery->gate.until_ms, until);
        ops_map_text(&target, "reason", delivery->gate.reason);
        ops_map_text(&target, "until", until);
        ops_map_bool(&target, "kept", delivery->gate.is_kept);
    }
    if (delivery->state == DELIVERY_FAILED) {
        ops_map_text(&target, "error", delivery->message);
        ops_map_text(&target, "symbol", delivery->symbol);
    }
    build_list_map(list, &target);
}

static void complete(const struct sending *sending)
{
    ops_task task = sending->note.task;
    struct ops_map out = ops_map_begin(task);
    struct build_list targets = build_list_begin(task);
    ops_map_i64(&out, "sent", count_sent(sending));
    ops_map_i64(&out, "failed", count_state(sending, DELIVERY_FAILED));
    ops_map_i64(&out, "held", count_state(sending, DELIVERY_HELD));
    ops_map_bool(&out, "deduplicated", count_state(sending, DELIVERY_REPEATED) == sending->count);
    for (uint32_t i = 0; i < sending->count; i++) {
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

static void on_over(struct delivery *delivery)
{
    struct sending *sending = delivery->user;
    if (--sending->open > 0) {
        return;
    }
    uint32_t failed = count_state(sending, DELIVERY_FAILED);
    if (failed == 0 || (failed < sending->count && !sending->needs_all)) {
        complete(sending);
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
        delivery->note = sending->note;
        delivery->on_over = on_over;
        delivery->user = sending;
        delivery_start(delivery);
    }
    on_over(&sending->deliveries[0]);
}

static void fail_config(ops_task task, const char *path, const char *symbol, ops_str message)
{
    ops_error err = ops_error_make(OPS_E_CONFIG, NULL);
    err.message = message;
    err.symbol = ops_text(symbol);
    err.path = ops_text(path);
    (void)ops.exec->fail(ops.h, task, &err);
}

static ops_status find_targets(const ops_node *node, struct sending *sending, ops_val config)
{
    struct text problem = {0};
    struct target *targets = calloc(TARGETS_MAX, sizeof *targets);
    ops_status status = targets == NULL ? OPS_E_RESOURCE
                                        : target_find_all(ops_get(config, "to"), node->targets,
                                                          targets, &sending->count, &problem);
    if (status != OPS_OK) {
        fail_config(sending->note.task, "/to", "notify.target",
                    problem.n > 0 ? text_str(&problem) : ops_text("out of memory"));
    }
    for (uint32_t i = 0; status == OPS_OK && i < sending->count; i++) {
        sending->deliveries[i].target = targets[i];
        sending->deliveries[i].mail_defaults = node->email;
        sending->deliveries[i].rules = &node->rules;
    }
    free(targets);
    text_finish(&problem);
    return status;
}

/* 1: one of the targets cannot have this message, and nobody gets it: the task has failed. */
static int is_refused(const struct sending *sending)
{
    for (uint32_t i = 0; i < sending->count; i++) {
        const struct target *target = &sending->deliveries[i].target;
        const char *why = target->channel->refuse != NULL
                              ? target->channel->refuse(&sending->note, target->settings)
                              : NULL;
        if (why != NULL) {
            struct text message = {0};
            text_append_literal(&message, "the target '");
            text_append_literal(&message, target->name);
            text_append_literal(&message, "' ");
            text_append_literal(&message, why);
            fail_config(sending->note.task, "/attachments", "notify.attachments",
                        text_str(&message));
            text_finish(&message);
            return 1;
        }
    }
    return 0;
}

/* 0: the task has failed. */
static int read_files(struct sending *sending)
{
    char fault[NOTE_FAULT_BYTES] = "";
    int is_read = note_read_files(&sending->note, fault);
    if (fault[0] != '\0') {
        fail_config(sending->note.task, "/attachments", "notify.attachments", ops_text(fault));
    }
    return is_read;
}

static struct sending *begin(ops_task task, ops_val config)
{
    struct sending *sending = ops_task_alloc(task, sizeof *sending);
    if (sending != NULL) {
        note_read(task, config, &sending->note);
        sending->needs_all = !ops_equal(ops_get_str(config, "require", "all"), "any");
    }
    return sending;
}

static void send_execute(ops_node *node, ops_task task, ops_val config)
{
    struct sending *sending = begin(task, config);
    if (sending == NULL || !read_files(sending) || find_targets(node, sending, config) != OPS_OK ||
        is_refused(sending)) {
        return;
    }
    if (sending->note.dedupe.n > 0 && sending->note.dedupe_ms == 0) {
        fail_config(task, "/dedupe/window", "notify.window",
                    ops_text("'window' is no time, such as \"30m\""));
        return;
    }
    send_all(sending);
}

static void digest_execute(ops_node *node, ops_task task, ops_val config)
{
    struct sending *sending = begin(task, config);
    if (sending != NULL && find_targets(node, sending, config) == OPS_OK) {
        sending->note.is_digest = 1;
        send_all(sending);
    }
}

/* ---- the node types ---- */

/* Rules are read when they are needed: here only what is wrong with them is told. */
static const char *find_fault(const ops_node *node)
{
    uint64_t n = ops.value->count(ops.h, node->targets);
    for (uint64_t i = 0; i < n; i++) {
        struct gate_rules rules;
        ops_str name = ops_text(NULL);
        ops_val target = 0;
        (void)ops.value->pair(ops.h, node->targets, i, &name, &target);
        const char *fault = gate_read_rules(ops_get(target, "notifications"), &rules);
        if (fault != NULL) {
            return fault;
        }
    }
    return NULL;
}

static ops_status send_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                              ops_error *err)
{
    void *memory = NULL;
    (void)plugin;
    if (ops.value->alloc(ops.h, scope, sizeof **out, &memory) != OPS_OK) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    ops_node *node = memory;
    node->targets = ops_get(settings, "targets");
    node->email = ops_get(settings, "email");
    const char *fault = gate_read_rules(ops_get(settings, "notifications"), &node->rules);
    fault = fault != NULL ? fault : find_fault(node);
    if (fault != NULL) {
        return ops_error_fill(err, OPS_E_CONFIG, fault);
    }
    *out = node;
    return OPS_OK;
}

static void send_check(ops_node *node, ops_task task, ops_str origin)
{
    (void)origin; /* targets have several */
    check_targets(node->targets, task);
}

static const ops_node_type send_type = {.size = (uint32_t)sizeof send_type,
                                        .flags = OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT,
                                        .name = "notify.send",
                                        .config_version = 1,
                                        .create = send_create,
                                        .execute = send_execute,
                                        .check = send_check};
static const ops_node_type digest_type = {.size = (uint32_t)sizeof digest_type,
                                          .flags = OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT,
                                          .name = "notify.send_digest",
                                          .config_version = 1,
                                          .create = send_create,
                                          .execute = digest_execute,
                                          .check = send_check};

OPS_PLUGIN("notify", "1.0.0", &send_type, &digest_type);
