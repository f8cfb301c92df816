/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin for tests: its nodes end in every way that the interface allows. */

#include "deeds.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void deed_complete_i64(ops_task task, const char *key, int64_t i)
{
    struct ops_map out = ops_map_begin(task);
    ops_map_i64(&out, key, i);
    ops_complete_map(task, &out);
}

static void deed_now(ops_task task, ops_val config)
{
    ops_complete(task, config);
}

/* ---- Later ---- */

static void on_time(void *user, ops_task task, ops_status status)
{
    (void)user;
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the timer was stopped");
        return;
    }
    deed_complete_i64(task, "later", 1);
}

static void deed_later(ops_task task, ops_val config)
{
    uint64_t ms = (uint64_t)ops_get_i64(config, "ms", 1);
    if (ops.timer->after(ops.h, task, ms, on_time, NULL, NULL) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "no timer");
    }
}

/* In January and in July of 2026, and of a zone that there is not. */
static void deed_zones(ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    ops_str zone = ops_get_str(config, "zone", "Europe/Berlin");
    int32_t winter = 0;
    int32_t summer = 0;
    int32_t none = 7;
    ops_status status = ops.timer->zone_offset(ops.h, zone, 1768000000000, &winter);
    ops_map_i64(&out, "status", status);
    (void)ops.timer->zone_offset(ops.h, zone, 1783000000000, &summer); /* as the one before */
    ops_map_i64(&out, "winter", winter);
    ops_map_i64(&out, "summer", summer);
    ops_map_i64(&out, "nowhere", ops.timer->zone_offset(ops.h, ops_text("No/Such"), 0, &none));
    ops_map_i64(&out, "untouched", none);
    ops_complete_map(task, &out);
}

static void deed_timer_aborted(ops_task task, ops_val config)
{
    ops_op op = 0;
    (void)config;
    if (ops.timer->after(ops.h, task, 3600000, on_time, NULL, &op) != OPS_OK ||
        ops.timer->abort(ops.h, op) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "no timer");
    }
}

/* ---- From a thread of its own ---- */

struct thread_work {
    ops_task task;
    int64_t nap_ms; /* before it begins */
};

static void *thread_run(void *argument)
{
    struct thread_work *work = argument;
    ops_task task = work->task;
    const struct timespec nap = {.tv_nsec = (long)work->nap_ms * 1000000};
    (void)nanosleep(&nap, NULL);
    free(work);
    for (int i = 0; i < 10; i++) {
        (void)ops.exec->progress(ops.h, task, i / 10.0, ops_text("on a thread"));
        ops_log_text(task, OPS_LOG_INFO, "on a thread");
    }
    deed_complete_i64(task, "thread", 1);
    return NULL;
}

static void deed_thread(ops_task task, ops_val config)
{
    pthread_t thread;
    struct thread_work *work = malloc(sizeof *work);
    *work = (struct thread_work){task, ops_get_i64(config, "nap_ms", 0)};
    if (ops_get_i64(config, "once_more", 0) != 0) {
        deed_complete_i64(task, "thread", 0);
    }
    if (pthread_create(&thread, NULL, thread_run, work) != 0 || pthread_detach(thread) != 0) {
        ops_fail_text(task, OPS_E_RESOURCE, "no thread");
    }
}

/* ---- By way of the strand ---- */

static void on_post(void *user, ops_task task)
{
    deed_complete_i64(task, "posted", *(const int *)user);
}

static void deed_post(ops_task task, ops_val config)
{
    int *n = ops_task_alloc(task, sizeof *n);
    (void)config;
    *n = 42;
    (void)ops.exec->post(ops.h, task, on_post, n);
}

/* ---- Streams, progress, log, info ---- */

static void deed_progress(ops_task task, ops_val config)
{
    (void)config;
    for (int i = 0; i <= 1000; i++) {
        (void)ops.exec->progress(ops.h, task, i / 1000.0, ops_text("step"));
    }
    deed_complete_i64(task, "progress", 1);
}

static void deed_log(ops_task task, ops_val config)
{
    ops_str key = ops_text("key");
    ops_str value = ops_text("value");
    (void)config;
    ops.log->write(ops.h, task, OPS_LOG_WARN, ops_text("a line"), &key, &value, 1);
    ops.log->write(ops.h, task, 77, ops_text("odd level"), NULL, NULL, 0);
    ops.log->write(ops.h, 0, OPS_LOG_WARN, ops_text("about the plugin\x1b[31m"), NULL, NULL, 0);
    deed_complete_i64(task, "log", 1);
}

static void deed_log_flood(ops_task task, ops_val config)
{
    (void)config;
    for (int i = 0; i < 200000; i++) {
        ops_log_text(task, OPS_LOG_INFO, "again");
    }
    deed_later(task, config);
}

static void deed_info(ops_task task, ops_val config)
{
    ops_task_info info;
    struct ops_map out = ops_map_begin(task);
    (void)config;
    info.size = sizeof info;
    if (ops.exec->info(ops.h, task, &info) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "no info");
        return;
    }
    ops_map_str(&out, "run", info.run_id);
    ops_map_str(&out, "workflow", info.workflow);
    ops_map_str(&out, "node", info.node);
    ops_map_str(&out, "type", info.type);
    ops_map_str(&out, "key", info.idempotency_key);
    ops_map_i64(&out, "attempt", info.attempt);
    ops_map_i64(&out, "memory", (int64_t)info.memory_bytes);
    ops_map_str(&out, "state", info.state_folder);
    ops_complete_map(task, &out);
}

/* A plugin of headers that end before the folder of its state: nothing behind them is written. */
static void deed_info_of_before(ops_task task, ops_val config)
{
    static const char untouched[] = "untouched";
    ops_task_info info = {0};
    struct ops_map out = ops_map_begin(task);
    (void)config;
    info.size = offsetof(ops_task_info, state_folder);
    info.state_folder = ops_text(untouched);
    (void)ops.exec->info(ops.h, task, &info); /* what it gave is looked at */
    ops_map_i64(&out, "size", info.size);
    ops_map_i64(&out, "memory", (int64_t)info.memory_bytes);
    ops_map_bool(&out, "untouched", info.state_folder.p == untouched);
    ops_complete_map(task, &out);
}

static void deed_bytes(ops_task task, ops_val config)
{
    static const char bytes[] = {0, 1, (char)0xff, (char)0xfe};
    struct ops_map out = ops_map_begin(task);
    (void)config;
    for (uint64_t n = 0; n <= sizeof bytes; n++) {
        static const char *const keys[] = {"b0", "b1", "b2", "b3", "b4"};
        ops_map_bytes(&out, keys[n], ops_slice(bytes, n));
    }
    ops_complete_map(task, &out);
}

static void deed_bytes_alone(ops_task task, ops_val config)
{
    ops_val v = 0;
    (void)config;
    (void)ops.value->new_bytes(ops.h, task, ops_text("hi"), &v);
    ops_complete(task, v);
}

/* ---- Ports and failures ---- */

static void deed_port(ops_task task, ops_val config)
{
    if (ops.exec->complete(ops.h, task, ops_get_str(config, "port", NULL), config) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "no such port");
    }
}

static void deed_fail(ops_task task, ops_val config)
{
    ops_error e = ops_error_make((ops_status)ops_get_i64(config, "code", 0), "as asked");
    e.effect = (uint32_t)ops_get_i64(config, "effect", 0);
    e.retry = (uint32_t)ops_get_i64(config, "retry", 0);
    e.retry_after_ms = (uint64_t)ops_get_i64(config, "after", 0);
    e.symbol = ops_text("deeds.asked");
    e.hint = ops_text("ask for less");
    e.path = ops_text("/code");
    e.details = config;
    (void)ops.exec->fail(ops.h, task, &e);
}

/* ---- Cancel ---- */

static void deed_never(ops_task task, ops_val config)
{
    (void)task;
    (void)config;
}

static void deed_until_cancelled(ops_task task, ops_val config)
{
    const struct timespec moment = {0, 1000000};
    (void)config;
    (void)ops.exec->progress(ops.h, task, -1.0, ops_text("begun")); /* the test waits for it */
    while (ops.exec->cancelled(ops.h, task) == 0) {
        (void)nanosleep(&moment, NULL);
    }
    deed_complete_i64(task, "cancelled", ops.exec->cancelled(ops.h, task));
}

/* Ends when a byte comes on the socket `fd`, cancelled or not, and says there that it has. */
static void deed_until_told(ops_task task, ops_val config)
{
    int fd = (int)ops_get_i64(config, "fd", -1);
    char byte = 0;
    (void)ops.exec->progress(ops.h, task, -1.0, ops_text("begun")); /* the test waits for it */
    ssize_t n = read(fd, &byte, 1);
    deed_complete_i64(task, "told", n);
    (void)send(fd, &byte, 1, MSG_NOSIGNAL);
}

static void deed_politely(ops_task task, ops_val config)
{
    static int marker;
    (void)config;
    (void)ops.exec->set_user(ops.h, task, &marker);
}

static void deeds_cancel(ops_node *node, ops_task task, uint32_t reason)
{
    (void)node;
    if (ops.exec->get_user(ops.h, task) != NULL) {
        deed_complete_i64(task, "reason", reason);
    }
}

/* ---- HTTP ---- */

static void on_chunk(void *user, ops_task task, ops_str bytes)
{
    int64_t *total = user;
    (void)task;
    *total += (int64_t)bytes.n;
}

static void on_streamed(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
        return;
    }
    deed_complete_i64(task, "streamed", *(int64_t *)user + (int64_t)res->body.n * 1000);
}

static void deed_http_stream(ops_task task, ops_val config)
{
    ops_http_req req = {.size = sizeof req,
                        .flags = OPS_HTTP_IDEMPOTENCY_KEY,
                        .method = ops_text("PUT"),
                        .url = ops_get_str(config, "url", "http://x/"),
                        .label = ops_text("first"),
                        .body = ops_text("body"),
                        .on_chunk = on_chunk,
                        .on_done = on_streamed,
                        .user = ops_task_alloc(task, sizeof(int64_t))};
    if (ops.http->send(ops.h, task, &req, NULL) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "no call");
    }
}

static void on_answer(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct ops_map out = ops_map_begin(task);
    (void)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
        return;
    }
    ops_map_i64(&out, "status", res->status);
    for (uint64_t i = 0; i < res->n_headers; i++) {
        ops_map_str(&out, i == 0 ? "h0" : "h1", res->header_values[i]);
    }
    ops_map_str(&out, "body", res->body);
    ops_map_str(&out, "url", res->effective_url);
    ops_map_i64(&out, "not_after", res->tls_not_after_unix_ms);
    ops_map_str(&out, "subject", res->tls_subject);
    ops_map_str(&out, "issuer", res->tls_issuer);
    ops_map_i64(&out, "bytes", (int64_t)res->body_bytes);
    ops_complete_map(task, &out);
}

/* A call is sent, then the strand is held up, so that the answer has to wait and be kept. */
static void deed_http_late(ops_task task, ops_val config)
{
    const struct timespec moment = {0, 50000000};
    ops_http_req req = {.size = sizeof req, .on_done = on_answer};
    req.url = ops_get_str(config, "url", "http://x/");
    if (ops.http->send(ops.h, task, &req, NULL) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "no call");
        return;
    }
    (void)nanosleep(&moment, NULL);
}

static void deed_http_abort(ops_task task, ops_val config)
{
    ops_op op = 0;
    ops_http_req req = {.size = sizeof req, .url = ops_text("http://x/"), .on_done = on_answer};
    (void)config;
    if (ops.http->send(ops.h, task, &req, &op) != OPS_OK || ops.http->abort(ops.h, op) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "no call");
    }
}

/* ---- Jobs ---- */

static void job_work(void *user)
{
    *(int *)user += 1;
}

static void job_done(void *user, ops_task task, ops_status status)
{
    deed_complete_i64(task, "job", *(int *)user * 10 + status);
}

static void deed_job(ops_task task, ops_val config)
{
    int *n = ops_task_alloc(task, sizeof *n);
    (void)config;
    if (ops.job->run(ops.h, task, job_work, job_done, n, NULL) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "no job");
    }
}

/* ---- Dispatch ---- */

static const struct deed deeds_right[] = {
    {"now", deed_now},
    {"later", deed_later},
    {"timer_aborted", deed_timer_aborted},
    {"zones", deed_zones},
    {"thread", deed_thread},
    {"post", deed_post},
    {"progress", deed_progress},
    {"log", deed_log},
    {"log_flood", deed_log_flood},
    {"info", deed_info},
    {"info_of_before", deed_info_of_before},
    {"bytes", deed_bytes},
    {"bytes_alone", deed_bytes_alone},
    {"port", deed_port},
    {"fail", deed_fail},
    {"never", deed_never},
    {"until_cancelled", deed_until_cancelled},
    {"until_told", deed_until_told},
    {"politely", deed_politely},
    {"http_stream", deed_http_stream},
    {"http_late", deed_http_late},
    {"http_abort", deed_http_abort},
    {"job", deed_job},
    {NULL, NULL},
};

static deed_function find_deed(const struct deed *deeds, ops_str name)
{
    for (; deeds->name != NULL; deeds++) {
        if (ops_equal(name, deeds->name)) {
            return deeds->run;
        }
    }
    return NULL;
}

static void deeds_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_str name = ops_get_str(config, "do", "port");
    deed_function run = find_deed(deeds_right, name);
    (void)node;
    if (run == NULL) {
        run = find_deed(deeds_wrong, name);
    }
    if (run == NULL) {
        ops_fail_text(task, OPS_E_CONFIG, "no such deed");
        return;
    }
    run(task, config);
}

/* ---- A node with a state ---- */

struct ops_node {
    ops_str name; /* of the settings: lives until destroy() */
    int64_t tasks;
};

static ops_status stateful_create(ops_plugin *plugin, ops_scope scope, ops_val settings,
                                  ops_node **out, ops_error *err)
{
    void *memory = NULL;
    (void)plugin;
    if (ops.value->alloc(ops.h, scope, sizeof **out, &memory) != OPS_OK) {
        return ops_error_fill(err, OPS_E_RESOURCE, "no memory");
    }
    *out = memory;
    (*out)->name = ops_get_str(settings, "name", "nobody");
    return OPS_OK;
}

static void stateful_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    (void)config;
    ops_map_str(&out, "name", node->name);
    ops_map_i64(&out, "tasks", ++node->tasks);
    ops_complete_map(task, &out);
}

static void stateful_destroy(ops_node *node)
{
    node->tasks = -1;
    ops_log_text(0, OPS_LOG_WARN, "a node was destroyed");
}

static const ops_node_type parallel =
    OPS_NODE_WITH_CANCEL("deeds", OPS_NODE_PARALLEL, deeds_execute, deeds_cancel);
static const ops_node_type blocking = OPS_NODE_WITH_CANCEL(
    "deeds.blocking", OPS_NODE_PARALLEL | OPS_NODE_BLOCKING, deeds_execute, deeds_cancel);
static const ops_node_type serial =
    OPS_NODE_WITH_CANCEL("deeds.serial", OPS_NODE_BLOCKING, deeds_execute, deeds_cancel);
static const ops_node_type routes = OPS_NODE("deeds.routes", OPS_NODE_PARALLEL, deeds_execute);
static const ops_node_type stateful = {
    .size = sizeof stateful,
    .name = "deeds.stateful",
    .config_version = 3,
    .create = stateful_create,
    .execute = stateful_execute,
    .destroy = stateful_destroy,
};

static void deeds_shutdown(ops_plugin *plugin)
{
    (void)plugin;
    ops_log_text(0, OPS_LOG_WARN, "the plugin was shut down");
}

OPS_PLUGIN_WITH("deeds", "1.0.0", ops_default_init, deeds_shutdown, &parallel, &blocking, &serial,
                &routes, &stateful);
