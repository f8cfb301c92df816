/* SPDX-License-Identifier: Apache-2.0 */

/* What a check() may do, and may do wrong: the settings' `deed`. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "opstream/sdk.h"

struct ops_node {
    ops_str deed; /* of the settings: lives until destroy() */
    ops_str token;
};

static void complete(ops_task task)
{
    struct ops_map out = ops_map_begin(task);
    ops_complete_map(task, &out);
}

static void do_good(const ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)origin;
    complete(task);
}

static void do_bad(const ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)origin;
    ops_fail_text(task, OPS_E_UNAVAILABLE, "nobody is there");
}

static void do_null(const ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)origin;
    (void)ops.exec->fail(ops.h, task, NULL);
}

static void do_twice(const ops_node *node, ops_task task, ops_str origin)
{
    do_good(node, task, origin);
    do_bad(node, task, origin);
    do_good(node, task, origin);
}

static void do_stale(const ops_node *node, ops_task task, ops_str origin)
{
    complete(task + 1);
    complete(0);
    do_good(node, task, origin);
}

static void do_never(const ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)origin;
    ops_log_text(task, OPS_LOG_WARN, "I have begun");
}

/* As a port that the type does not have, then as no value. */
static void do_port(const ops_node *node, ops_task task, ops_str origin)
{
    if (ops.exec->complete(ops.h, task, ops_text("elsewhere"), 0) == OPS_OK ||
        ops.exec->complete(ops.h, task, ops_text(""), 12345) == OPS_OK) {
        abort();
    }
    do_bad(node, task, origin);
}

static void do_items(const ops_node *node, ops_task task, ops_str origin)
{
    ops_val item = 0;
    for (int i = 0; i < 1000; i++) {
        if (ops.value->new_i64(ops.h, task, i, &item) != OPS_OK ||
            ops.exec->emit(ops.h, task, ops_text(""), item) != OPS_OK) {
            break;
        }
    }
    (void)ops.exec->progress(ops.h, task, 0.5, ops_text("half"));
    do_good(node, task, origin);
}

static void do_log(const ops_node *node, ops_task task, ops_str origin)
{
    ops_log_text(task, OPS_LOG_WARN, "I look");
    do_good(node, task, origin);
}

/* What it is told: all of it is in the message. */
static void do_told(const ops_node *node, ops_task task, ops_str origin)
{
    char message[300];
    ops_task_info info = {0};
    info.size = (uint32_t)sizeof info;
    (void)node;
    if (ops.exec->info(ops.h, task, &info) != OPS_OK) {
        abort();
    }
    (void)snprintf(message, sizeof message, "origin '%.*s' type %.*s run %d node %d key %d by %d",
                   (int)origin.n, origin.p, (int)info.type.n, info.type.p, (int)info.run_id.n,
                   (int)info.node.n, (int)info.idempotency_key.n, info.deadline_unix_ms > 0);
    ops_fail_text(task, OPS_E_UNAVAILABLE, message);
}

/* A plugin that tells its secrets. */
static void do_leak(const ops_node *node, ops_task task, ops_str origin)
{
    char message[300];
    (void)origin;
    (void)snprintf(message, sizeof message, "refused: token %.*s", (int)node->token.n,
                   node->token.p);
    ops_log_text(task, OPS_LOG_WARN, message);
    ops_fail_text(task, OPS_E_AUTH, message);
}

/* Settings that name nobody who could be asked. */
static void do_nothing(const ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)origin;
    ops_fail_text(task, OPS_E_UNSUPPORTED, "there is nobody to ask");
}

static void on_time(void *user, ops_task task, ops_status status)
{
    (void)user;
    (void)status;
    complete(task);
}

/* Also after its end is none of its business any more. */
static void do_late(const ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)origin;
    if (ops.timer->after(ops.h, task, 20, on_time, NULL, NULL) != OPS_OK) {
        abort();
    }
}

/* Only on the job pool: it holds its thread, and its strand, until it is cancelled. */
static void do_hold(const ops_node *node, ops_task task, ops_str origin)
{
    const struct timespec pause = {0, 1000000};
    (void)node;
    (void)origin;
    ops_log_text(task, OPS_LOG_WARN, "I have begun");
    while (ops.exec->cancelled(ops.h, task) == 0) {
        (void)nanosleep(&pause, NULL);
    }
    ops_fail_text(task, OPS_E_CANCELLED, "I was told to stop");
}

static const struct {
    const char *name;
    void (*run)(const ops_node *node, ops_task task, ops_str origin);
} deeds[] = {
    {"good", do_good},   {"bad", do_bad},     {"null", do_null},      {"twice", do_twice},
    {"stale", do_stale}, {"never", do_never}, {"port", do_port},      {"items", do_items},
    {"log", do_log},     {"told", do_told},   {"leak", do_leak},      {"late", do_late},
    {"crash", NULL},     {"hold", do_hold},   {"politely", do_never}, {"nothing", do_nothing},
};

static void checks_execute(ops_node *node, ops_task task, ops_val config)
{
    if (ops_get_bool(config, "hold", 0)) {
        do_hold(node, task, ops_text(""));
    } else {
        complete(task);
    }
}

static void checks_check(ops_node *node, ops_task task, ops_str origin)
{
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        if (ops_equal(node->deed, deeds[i].name)) {
            if (deeds[i].run == NULL) {
                abort();
            }
            deeds[i].run(node, task, origin);
            return;
        }
    }
    ops_fail_text(task, OPS_E_CONFIG, "no such deed");
}

static void checks_cancel(ops_node *node, ops_task task, uint32_t reason)
{
    if (ops_equal(node->deed, "politely")) {
        ops_fail_text(task, reason == OPS_CANCEL_TIMEOUT ? OPS_E_TIMEOUT : OPS_E_CANCELLED,
                      "I was told to stop");
    }
}

static ops_status checks_create(ops_plugin *plugin, ops_scope scope, ops_val settings,
                                ops_node **out, ops_error *err)
{
    void *memory = NULL;
    (void)plugin;
    if (ops_equal(ops_get_str(settings, "deed", ""), "refuse")) {
        return ops_error_fill(err, OPS_E_CONFIG, "the settings make no sense");
    }
    if (ops.value->alloc(ops.h, scope, sizeof **out, &memory) != OPS_OK) {
        return ops_error_fill(err, OPS_E_RESOURCE, "no memory");
    }
    *out = memory;
    (*out)->deed = ops_get_str(settings, "deed", "good");
    (*out)->token = ops_get_str(settings, "token", "");
    return OPS_OK;
}

#define CHECKS(type_name, type_flags, check_function)                                              \
    {                                                                                              \
        .size = sizeof(ops_node_type), .flags = (type_flags), .name = (type_name),                 \
        .config_version = 1, .create = checks_create, .execute = checks_execute,                   \
        .cancel = checks_cancel, .check = (check_function)                                         \
    }

static const ops_node_type parallel = CHECKS("checks", OPS_NODE_PARALLEL, checks_check);
static const ops_node_type blocking =
    CHECKS("checks.blocking", OPS_NODE_PARALLEL | OPS_NODE_BLOCKING, checks_check);
static const ops_node_type serial = CHECKS("checks.serial", OPS_NODE_BLOCKING, checks_check);
static const ops_node_type none = CHECKS("checks.none", OPS_NODE_PARALLEL, NULL);

OPS_PLUGIN("checks", "1.0.0", &parallel, &blocking, &serial, &none);
