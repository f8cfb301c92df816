/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin that does too much of everything, and waits in great numbers. */

#include <stdlib.h>

#include "opstream/sdk.h"

#define HUGE_BYTES 100000000u

static void complete_i64(ops_task task, const char *key, int64_t i)
{
    struct ops_map out = ops_map_begin(task);
    ops_map_i64(&out, key, i);
    ops_complete_map(task, &out);
}

/* ---- Too much ---- */

/* JSON and values that are deeper than anything that is read. */
static void do_deep(ops_task task)
{
    enum { DEPTH = 10000 };
    char *text = (char *)malloc(2 * DEPTH);
    struct ops_map out = ops_map_begin(task);
    ops_error err = ops_error_make(OPS_OK, NULL);
    ops_val v = 0;
    if (text == NULL) {
        ops_fail_text(task, OPS_E_RESOURCE, "no memory");
        return;
    }
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    ops_map_i64(&out, "lists",
                ops.value->from_json(ops.h, task, ops_slice(text, 2 * DEPTH), &v, &err));
    ops_map_bool(&out, "has_message", err.message.n > 0);
    ops_map_i64(&out, "open", ops.value->from_json(ops.h, task, ops_slice(text, DEPTH), &v, NULL));
    for (int i = 0; i + 5 <= DEPTH; i += 5) {
        memcpy(text + i, "{\"a\":", 5);
    }
    ops_map_i64(&out, "maps", ops.value->from_json(ops.h, task, ops_slice(text, DEPTH), &v, NULL));
    free(text);
    ops_complete_map(task, &out);
}

static void huge_values(struct ops_map *out, ops_task task, ops_str huge, ops_str json)
{
    ops_val v = 0;
    ops_str text = ops_text(NULL);
    ops_map_i64(out, "new_str", ops.value->new_str(ops.h, task, huge, &v));
    ops_map_i64(out, "count", (int64_t)ops.value->count(ops.h, v));
    ops_map_i64(out, "to_json", ops.value->to_json(ops.h, v, &text));
    ops_map_i64(out, "new_bytes", ops.value->new_bytes(ops.h, task, huge, &v));
    ops_map_i64(out, "from_json", ops.value->from_json(ops.h, task, json, &v, NULL));
    ops_map_i64(out, "find", ops.value->find(ops.h, task, huge, &v));
}

static void huge_words(struct ops_map *out, ops_task task, ops_str huge)
{
    ops_http_req req;
    memset(&req, 0, sizeof req);
    ops_map_i64(out, "progress", ops.exec->progress(ops.h, task, 0.5, huge));
    ops_map_i64(out, "port", ops.exec->complete(ops.h, task, huge, task));
    ops_map_i64(out, "emit_port", ops.exec->emit(ops.h, task, huge, 0));
    ops.log->write(ops.h, task, OPS_LOG_INFO, huge, &huge, &huge, 1);
    int32_t ahead = 0;
    ops_map_i64(out, "zone", ops.timer->zone_offset(ops.h, huge, 0, &ahead));
    req.size = (uint32_t)sizeof req;
    ops_map_i64(out, "send", ops.http->send(ops.h, task, &req, NULL)); /* no on_done */
}

/* 100 MB wherever a text may be. */
static void do_huge(ops_task task)
{
    char *text = (char *)malloc(HUGE_BYTES + 2);
    struct ops_map out = ops_map_begin(task);
    if (text == NULL) {
        ops_fail_text(task, OPS_E_RESOURCE, "no memory");
        return;
    }
    memset(text, 'x', HUGE_BYTES + 2);
    text[0] = '"';
    text[HUGE_BYTES + 1] = '"';
    huge_values(&out, task, ops_slice(text + 1, HUGE_BYTES), ops_slice(text, HUGE_BYTES + 2));
    huge_words(&out, task, ops_slice(text + 1, HUGE_BYTES));
    free(text);
    ops_complete_map(task, &out);
}

static void do_huge_failure(ops_task task)
{
    char *text = (char *)malloc(HUGE_BYTES);
    ops_error e = ops_error_make(OPS_E_INPUT, NULL);
    if (text != NULL) {
        memset(text, 'y', HUGE_BYTES);
        e.message = e.symbol = e.path = e.hint = ops_slice(text, HUGE_BYTES);
    }
    (void)ops.exec->fail(ops.h, task, &e);
    free(text);
}

/* A million items, whatever the answer is: it never waits for the consumer. */
static void do_emit(ops_task task)
{
    struct ops_map out = ops_map_begin(task);
    int64_t taken = 0;
    int64_t others = 0;
    ops_val item = 0;
    (void)ops.value->new_i64(ops.h, task, 1, &item);
    for (int i = 0; i < 1000000; i++) {
        ops_status status = ops.exec->emit(ops.h, task, ops_text(NULL), item);
        taken += status == OPS_OK;
        others += status != OPS_OK && status != OPS_E_WOULD_BLOCK;
    }
    ops_map_i64(&out, "taken", taken);
    ops_map_i64(&out, "others", others);
    ops_complete_map(task, &out);
}

static void do_progress(ops_task task)
{
    for (int i = 0; i < 1000000; i++) {
        (void)ops.exec->progress(ops.h, task, i % 3 - 1, ops_text("on"));
    }
    complete_i64(task, "told", 1);
}

/* ---- Calls from inside the answers of calls ---- */

struct nest {
    int depth;
    ops_op op;
};

static void send_next(struct nest *nest, ops_task task);

static void on_nested(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct nest *nest = (struct nest *)user;
    (void)res;
    if (nest->depth == 3) {
        complete_i64(task, "code", err != NULL ? err->code : OPS_OK);
        return;
    }
    nest->depth++;
    send_next(nest, task);
}

/* Sent and aborted from inside the answer to the one before. */
static void send_next(struct nest *nest, ops_task task)
{
    ops_http_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.url = ops_text("http://a/");
    req.on_done = on_nested;
    req.user = nest;
    ops_status status = ops.http->send(ops.h, task, &req, &nest->op);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "not sent");
        return;
    }
    (void)ops.http->abort(ops.h, nest->op);
    (void)ops.http->abort(ops.h, nest->op); /* once more does nothing */
}

static void do_nested(ops_task task)
{
    struct nest *nest = (struct nest *)ops_task_alloc(task, sizeof *nest);
    if (nest != NULL) {
        send_next(nest, task);
    }
}

static void plenty_execute(ops_node *node, ops_task task, ops_val config)
{
    static const struct {
        const char *name;
        void (*run)(ops_task task);
    } deeds[] = {{"deep", do_deep}, {"huge", do_huge},         {"huge_failure", do_huge_failure},
                 {"emit", do_emit}, {"progress", do_progress}, {"nested", do_nested}};
    ops_str name = ops_get_str(config, "do", "");
    (void)node;
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        if (ops_equal(name, deeds[i].name)) {
            deeds[i].run(task);
            return;
        }
    }
    ops_fail_text(task, OPS_E_CONFIG, "no such deed");
}

/* ---- A call that is waited for ---- */

static void on_answer(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    (void)user;
    (void)err;
    complete_i64(task, "status", res != NULL ? res->status : 0);
}

static void waits_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_http_req req;
    (void)node;
    (void)config;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.url = ops_text("http://a/");
    req.on_done = on_answer;
    ops_status status = ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "not sent");
    }
}

/* ---- All that takes time, one after the other; what is cancelled fails ---- */

static int has_ended(ops_task task, ops_status status)
{
    if (status != OPS_OK) {
        ops_fail_text(task, status, "it ends here");
    }
    return status != OPS_OK;
}

static void on_last(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    (void)user;
    (void)res;
    if (!has_ended(task, err != NULL ? err->code : OPS_OK)) {
        complete_i64(task, "all", 1);
    }
}

static void on_worked(void *user, ops_task task, ops_status status)
{
    (void)user;
    if (!has_ended(task, status)) {
        ops_http_req req;
        memset(&req, 0, sizeof req);
        req.size = (uint32_t)sizeof req;
        req.url = ops_text("http://now/");
        req.on_done = on_last;
        (void)has_ended(task, ops.http->send(ops.h, task, &req, NULL));
    }
}

static void work(void *user)
{
    (void)user;
}

static void on_writable(void *user, ops_task task)
{
    (void)user;
    if (!has_ended(task, ops.exec->cancelled(ops.h, task) != 0 ? OPS_E_CANCELLED : OPS_OK)) {
        (void)has_ended(task, ops.job->run(ops.h, task, work, on_worked, NULL, NULL));
    }
}

static void on_posted(void *user, ops_task task)
{
    (void)user;
    (void)has_ended(task, ops.exec->on_writable(ops.h, task, on_writable, NULL));
}

static void on_time(void *user, ops_task task, ops_status status)
{
    (void)user;
    if (!has_ended(task, status)) {
        (void)has_ended(task, ops.exec->post(ops.h, task, on_posted, NULL));
    }
}

static void steps_execute(ops_node *node, ops_task task, ops_val config)
{
    (void)node;
    (void)config;
    (void)has_ended(task, ops.timer->after(ops.h, task, 0, on_time, NULL, NULL));
}

/* Ends it from here, or leaves it to the operation that is aborted, as the task has it. */
static void steps_cancel(ops_node *node, ops_task task, uint32_t reason)
{
    (void)node;
    if (reason == OPS_CANCEL_SHUTDOWN) {
        ops_fail_text(task, OPS_E_CANCELLED, "by cancel()");
    }
}

/* ---- Nodes ---- */

struct ops_node {
    int64_t n;
    char filler[1000];
};

static ops_status made_create(ops_plugin *plugin, ops_scope scope, ops_val settings, ops_node **out,
                              ops_error *err)
{
    (void)plugin;
    (void)scope;
    *out = (ops_node *)calloc(1, sizeof **out);
    if (*out == NULL) {
        return ops_error_fill(err, OPS_E_RESOURCE, "no memory");
    }
    (*out)->n = ops_get_i64(settings, "n", 0);
    return OPS_OK;
}

static void made_execute(ops_node *node, ops_task task, ops_val config)
{
    (void)config;
    complete_i64(task, "n", node->n);
}

static void made_destroy(ops_node *node)
{
    free(node);
}

/* Says what it does, far too often. */
static ops_status plenty_init(const ops_host *host, ops_plugin **out, ops_error *err)
{
    ops_status status = ops_default_init(host, out, err);
    for (int i = 0; status == OPS_OK && i < 10000; i++) {
        ops_log_text(0, OPS_LOG_INFO, "it begins");
    }
    return status;
}

static const ops_node_type plenty = OPS_NODE("plenty", OPS_NODE_PARALLEL, plenty_execute);
static const ops_node_type waits = OPS_NODE("plenty.waits", OPS_NODE_PARALLEL, waits_execute);
static const ops_node_type steps =
    OPS_NODE_WITH_CANCEL("plenty.steps", OPS_NODE_PARALLEL, steps_execute, steps_cancel);
static const ops_node_type made = {.size = sizeof made,
                                   .name = "plenty.made",
                                   .config_version = 1,
                                   .create = made_create,
                                   .execute = made_execute,
                                   .destroy = made_destroy};
OPS_PLUGIN_WITH("plenty", "1.0.0", plenty_init, NULL, &plenty, &waits, &steps, &made);
