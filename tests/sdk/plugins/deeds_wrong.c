/* SPDX-License-Identifier: Apache-2.0 */

/* What a plugin must not do, and what the host must answer: each deed counts what was otherwise. */

#include "deeds.h"

#include <math.h>
#include <stdlib.h>

#define OTHERWISE(count, is_right) ((count) += (is_right) ? 0 : 1)

static void deed_twice(ops_task task, ops_val config)
{
    ops_complete(task, config);
    ops_complete(task, config);
    ops_fail_text(task, OPS_E_INTERNAL, "and again");
}

static void deed_emit_after(ops_task task, ops_val config)
{
    ops_status emitted;
    ops_status noted;
    ops_op op = 0;
    ops_complete(task, config);
    emitted = ops.exec->emit(ops.h, task, ops_text(NULL), config);
    noted = ops.exec->progress(ops.h, task, 0.5, ops_text("late"));
    if (emitted != OPS_E_STALE || noted != OPS_E_STALE || ops.exec->cancelled(ops.h, task) == 0 ||
        ops.exec->on_writable(ops.h, task, NULL, NULL) == OPS_OK ||
        ops.timer->abort(ops.h, op) != OPS_E_STALE) {
        abort(); /* nothing can be told any more */
    }
}

/* A number that looks random and is the same each time. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A number without sense, or one that is nearly right. */
static uint64_t made_up(uint64_t *state, uint64_t model)
{
    uint64_t random = next_random(state);
    switch (random & 3) {
    case 0:
        return random;
    case 1:
        return model ^ ((uint64_t)1 << (random >> 58));
    case 2:
        return (model & 0xE000000000000000u) | (random & 0x1FFFFFFFFFFFFFFFu);
    default:
        return (model & 0xFFFFFFFF00000000u) | (random >> 40);
    }
}

/* Never the handles themselves: those are right. */
static int is_own(uint64_t handle, ops_task task, ops_val config)
{
    return handle == task || handle == config || handle == ops.host->scope;
}

static void deed_random(ops_task task, ops_val config)
{
    uint64_t state = 88172645463325252u;
    int64_t otherwise = 0;
    for (int i = 0; i < 1000000; i++) {
        uint64_t handle = made_up(&state, i % 2 == 0 ? task : config);
        ops_val v = 0;
        ops_str s;
        if (is_own(handle, task, config) || ops.value->type(ops.h, handle) != OPS_TYPE_NONE) {
            continue; /* a lucky guess of a value of this very task */
        }
        OTHERWISE(otherwise, ops.value->get_str(ops.h, handle, &s) != OPS_OK);
        OTHERWISE(otherwise,
                  ops.exec->complete(ops.h, handle, ops_text(NULL), config) == OPS_E_STALE);
        OTHERWISE(otherwise,
                  ops.exec->complete(ops.h, task, ops_text(NULL), handle) == OPS_E_INPUT);
        OTHERWISE(otherwise, ops.exec->fail(ops.h, handle, NULL) == OPS_E_STALE);
        OTHERWISE(otherwise, ops.timer->abort(ops.h, handle) == OPS_E_STALE);
        OTHERWISE(otherwise, ops.http->abort(ops.h, handle) == OPS_E_STALE);
        OTHERWISE(otherwise, ops.value->new_i64(ops.h, handle, 1, &v) == OPS_E_STALE);
        if (otherwise != 0) {
            break;
        }
    }
    deed_complete_i64(task, "otherwise", otherwise);
}

static int64_t wrong_texts(ops_task task)
{
    const ops_if_value *value = ops.value;
    int64_t otherwise = 0;
    ops_val v = 0;
    ops_error err = {.size = sizeof err};
    ops_str nowhere = {NULL, 5};
    ops_str endless = {"x", UINT64_MAX};
    OTHERWISE(otherwise, value->new_str(ops.h, task, ops_text("\xff"), &v) == OPS_E_INPUT);
    OTHERWISE(otherwise, value->new_str(ops.h, task, ops_text("\xed\xa0\x80"), &v) == OPS_E_INPUT);
    OTHERWISE(otherwise, value->new_str(ops.h, task, nowhere, &v) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->new_str(ops.h, task, endless, &v) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->new_bytes(ops.h, task, endless, &v) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->new_str(ops.h, task, ops_text("x"), NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->new_str(NULL, task, ops_text("x"), &v) == OPS_E_INTERNAL);
    OTHERWISE(otherwise,
              value->from_json(ops.h, task, ops_text("{\"a\":1,}"), &v, &err) == OPS_E_INPUT);
    OTHERWISE(otherwise, err.code == OPS_E_INPUT && err.message.n > 10);
    OTHERWISE(otherwise, value->from_json(ops.h, task, nowhere, &v, NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, v == 0);
    OTHERWISE(otherwise, value->new_str(ops.h, task, ops_text(NULL), &v) == OPS_OK);
    return otherwise;
}

static int64_t wrong_numbers(ops_task task)
{
    const ops_if_value *value = ops.value;
    int64_t otherwise = 0;
    int64_t i = 77;
    ops_val v = 0;
    void *memory = NULL;
    OTHERWISE(otherwise, value->new_f64(ops.h, task, (double)NAN, &v) == OPS_E_INPUT);
    OTHERWISE(otherwise, value->new_f64(ops.h, task, (double)INFINITY, &v) == OPS_E_INPUT);
    OTHERWISE(otherwise, value->new_f64(ops.h, task, 1.5, &v) == OPS_OK);
    OTHERWISE(otherwise, value->get_i64(ops.h, v, &i) == OPS_E_INPUT && i == 77);
    OTHERWISE(otherwise, value->get_i64(ops.h, v, NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->type(ops.h, v) == OPS_TYPE_DOUBLE);
    OTHERWISE(otherwise, value->type(ops.h, 0) == OPS_TYPE_NONE);
    OTHERWISE(otherwise, value->count(ops.h, v) == 0);
    OTHERWISE(otherwise, value->alloc(ops.h, task, UINT64_MAX, &memory) == OPS_E_RESOURCE);
    OTHERWISE(otherwise,
              ops.exec->progress(ops.h, task, (double)NAN, ops_text("x")) == OPS_E_INPUT);
    OTHERWISE(otherwise, ops.exec->progress(ops.h, task, -1, ops_text("\xff")) == OPS_E_INPUT);
    OTHERWISE(otherwise, ops.exec->progress(ops.h, task, -1, ops_text("x")) == OPS_OK);
    return otherwise;
}

static int64_t wrong_containers(ops_task task, ops_val config)
{
    const ops_if_value *value = ops.value;
    int64_t otherwise = 0;
    ops_val v = 0;
    ops_val stale = 0x1234567812345678u;
    ops_val list = 0;
    ops_str keys[2] = {ops_text("a"), ops_text("a")};
    ops_val values[2] = {config, config};
    OTHERWISE(otherwise, value->new_map(ops.h, task, keys, values, 2, &v) == OPS_E_INPUT);
    OTHERWISE(otherwise, value->new_map(ops.h, task, NULL, values, 2, &v) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->new_map(ops.h, task, keys, NULL, 1, &v) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->new_map(ops.h, task, keys, &stale, 1, &v) == OPS_E_STALE);
    OTHERWISE(otherwise, value->new_list(ops.h, task, NULL, 1, &v) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->new_list(ops.h, task, values, UINT64_MAX, &v) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, value->new_list(ops.h, task, NULL, 0, &list) == OPS_OK);
    OTHERWISE(otherwise, value->at(ops.h, list, 0, &v) == OPS_E_NOT_FOUND);
    OTHERWISE(otherwise, value->at(ops.h, config, 0, &v) == OPS_E_INPUT);
    OTHERWISE(otherwise, value->find(ops.h, config, ops_text("zz"), &v) == OPS_E_NOT_FOUND);
    OTHERWISE(otherwise, value->pair(ops.h, config, 99, NULL, NULL) == OPS_E_NOT_FOUND);
    for (int depth = 0; depth < 62; depth++) {
        OTHERWISE(otherwise, value->new_list(ops.h, task, &list, 1, &list) == OPS_OK);
    }
    OTHERWISE(otherwise, value->new_list(ops.h, task, &list, 1, &list) == OPS_OK);
    OTHERWISE(otherwise, value->new_list(ops.h, task, &list, 1, &v) == OPS_E_INPUT);
    return otherwise;
}

static void on_http(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    (void)user;
    (void)task;
    (void)res;
    (void)err;
    abort(); /* none of the calls was taken */
}

static int64_t wrong_requests(ops_task task)
{
    int64_t otherwise = 0;
    ops_http_req req = {.size = sizeof req, .url = ops_text("http://x/"), .on_done = on_http};
    ops_http_req bad = req;
    OTHERWISE(otherwise, ops.http->send(ops.h, task, NULL, NULL) == OPS_E_INTERNAL);
    bad.size = 8;
    OTHERWISE(otherwise, ops.http->send(ops.h, task, &bad, NULL) == OPS_E_INTERNAL);
    bad = req;
    bad.on_done = NULL;
    OTHERWISE(otherwise, ops.http->send(ops.h, task, &bad, NULL) == OPS_E_INTERNAL);
    bad = req;
    bad.n_headers = 3;
    OTHERWISE(otherwise, ops.http->send(ops.h, task, &bad, NULL) == OPS_E_INTERNAL);
    bad = req;
    bad.url = ops_text("http://\xff/");
    OTHERWISE(otherwise, ops.http->send(ops.h, task, &bad, NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, ops.http->send(ops.h, task + 1, &req, NULL) == OPS_E_STALE);
    OTHERWISE(otherwise, ops.http->send(NULL, task, &req, NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, ops.timer->after(ops.h, task, 1, NULL, NULL, NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, ops.exec->post(ops.h, task, NULL, NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, ops.exec->on_writable(ops.h, task, NULL, NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, ops.exec->info(ops.h, task, NULL) == OPS_E_INTERNAL);
    OTHERWISE(otherwise, ops.exec->emit(ops.h, task, ops_text("side"), 0) == OPS_E_UNSUPPORTED);
    return otherwise;
}

static int64_t wrong_interfaces(void)
{
    int64_t otherwise = 0;
    const ops_host *host = ops.host;
    ops_error why = {.size = sizeof why};
    OTHERWISE(otherwise, ops.process == NULL); /* the manifest has no capability 'exec' */
    OTHERWISE(otherwise, host->get_iface(host, OPS_IF_PROCESS, 1, &why) == NULL);
    OTHERWISE(otherwise, why.code == OPS_E_PERMISSION && why.message.n > 0 && why.hint.n > 0);
    OTHERWISE(otherwise, host->get_iface(host, "ops.telepathy", 1, &why) == NULL);
    OTHERWISE(otherwise, why.code == OPS_E_UNSUPPORTED && why.message.n > 0);
    OTHERWISE(otherwise, host->get_iface(host, OPS_IF_VALUE, 9, &why) == NULL);
    OTHERWISE(otherwise, why.code == OPS_E_UNSUPPORTED);
    OTHERWISE(otherwise, host->get_iface(NULL, OPS_IF_VALUE, 1, &why) == NULL);
    OTHERWISE(otherwise, why.code == OPS_E_INTERNAL);
    OTHERWISE(otherwise, host->get_iface(host, NULL, 1, NULL) == NULL);
    OTHERWISE(otherwise, host->get_iface(host, OPS_IF_JOB, 1, NULL) == ops.job && ops.job != NULL);
    return otherwise;
}

static void deed_wrong_arguments(ops_task task, ops_val config)
{
    int64_t otherwise = wrong_texts(task) * 1 + wrong_numbers(task) * 100 +
                        wrong_containers(task, config) * 10000 + wrong_requests(task) * 1000000 +
                        wrong_interfaces() * 100000000;
    deed_complete_i64(task, "otherwise", otherwise);
}

/* ---- Ends that are none ---- */

static void deed_fail_null(ops_task task, ops_val config)
{
    (void)config;
    (void)ops.exec->fail(ops.h, task, NULL);
}

static void deed_fail_odd_size(ops_task task, ops_val config)
{
    ops_error e = ops_error_make(OPS_E_TIMEOUT, "never read");
    (void)config;
    e.size = 3;
    (void)ops.exec->fail(ops.h, task, &e);
}

static void deed_fail_short(ops_task task, ops_val config)
{
    ops_error e = ops_error_make(OPS_E_TIMEOUT, "not known to the older plugin");
    (void)config;
    e.size = 8;
    (void)ops.exec->fail(ops.h, task, &e);
}

static void deed_fail_garbled(ops_task task, ops_val config)
{
    ops_error e = ops_error_make(OPS_E_AUTH, "bad \xff\xfe text");
    (void)config;
    e.details = 0x4242424242424242u;
    e.effect = 99;
    e.retry = 99;
    (void)ops.exec->fail(ops.h, task, &e);
}

/* The foreign value was another task's, which is over. */
static void deed_old_value(ops_task task, ops_val config)
{
    static ops_val old;
    ops_str s;
    ops_status status = old != 0 ? ops.value->get_str(ops.h, old, &s) : OPS_OK;
    old = ops_get(config, "do");
    deed_complete_i64(task, "status", status);
}

/* A value that was lifted lives on. */
static void deed_retain(ops_task task, ops_val config)
{
    static ops_val kept;
    ops_str s = {NULL, 0};
    ops_status status = kept != 0 ? ops.value->get_str(ops.h, kept, &s) : OPS_OK;
    if (kept == 0) {
        status = ops.value->retain(ops.h, ops_get(config, "do"), ops.host->scope, &kept);
    }
    deed_complete_i64(task, "status", status + (int64_t)s.n * 100);
}

/* 1 for each thing that is as it should be with scopes inside the task. */
static void deed_scopes(ops_task task, ops_val config)
{
    static ops_scope left_open; /* by an earlier task */
    ops_scope scope = 0;
    ops_val inner = 0;
    ops_val kept = 0;
    int64_t i = 0;
    int64_t good = 0;
    (void)config;
    good += left_open == 0 || ops.value->scope_close(ops.h, left_open) == OPS_E_STALE;
    good += ops.value->scope_open(ops.h, task, &scope) == OPS_OK;
    good += ops.value->new_i64(ops.h, scope, 7, &inner) == OPS_OK;
    good += ops.value->retain(ops.h, inner, task, &kept) == OPS_OK;
    good += ops.exec->emit(ops.h, task, ops_text(NULL), inner) == OPS_OK;
    good += ops.value->scope_close(ops.h, scope) == OPS_OK;
    good += ops.value->scope_close(ops.h, scope) == OPS_E_STALE;
    good += ops.value->get_i64(ops.h, inner, &i) == OPS_E_STALE;
    good += ops.value->new_i64(ops.h, scope, 7, &inner) == OPS_E_STALE;
    good += ops.value->get_i64(ops.h, kept, &i) == OPS_OK && i == 7;
    good += ops.value->scope_close(ops.h, task) == OPS_E_STALE;
    good += ops.value->scope_close(ops.h, ops.host->scope) == OPS_E_STALE;
    good += ops.value->scope_close(ops.h, 0) == OPS_E_STALE;
    good += ops.value->scope_open(ops.h, task, NULL) == OPS_E_INTERNAL;
    good += ops.value->scope_open(ops.h, scope, &scope) == OPS_E_STALE;
    good += ops.value->scope_open(ops.h, task, &left_open) == OPS_OK;
    good += ops.value->scope_open(ops.h, task, &scope) == OPS_OK;
    deed_complete_i64(task, "good", good);
}

const struct deed deeds_wrong[] = {
    {"twice", deed_twice},           {"emit_after", deed_emit_after},
    {"random", deed_random},         {"wrong_arguments", deed_wrong_arguments},
    {"fail_null", deed_fail_null},   {"fail_odd_size", deed_fail_odd_size},
    {"fail_short", deed_fail_short}, {"fail_garbled", deed_fail_garbled},
    {"old_value", deed_old_value},   {"retain", deed_retain},
    {"scopes", deed_scopes},         {NULL, NULL},
};
