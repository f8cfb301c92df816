/* SPDX-License-Identifier: Apache-2.0 */
#include "stand_in.h"

struct call {
    ops_val config;
    stand_in_answer_fn answer;
};

static int steers(ops_str key)
{
    return ops_equal(key, "fail") || ops_equal(key, "takes_ms");
}

static void log_call(ops_task task, ops_val config)
{
    char line[1024];
    ops_str json = ops_text("");
    (void)ops.value->to_json(ops.h, config, &json); /* then the line is only poorer */
    (void)snprintf(line, sizeof line, "call %.*s", (int)(json.n < 1000 ? json.n : 1000), json.p);
    ops_log_text(task, OPS_LOG_INFO, line);
}

/* Whether a text in the config holds the word that asks for a failure. */
static int has_fail_text(ops_val config)
{
    ops_str json = ops_text("");
    (void)ops.value->to_json(ops.h, config, &json);
    for (uint64_t i = 0; i + 4 <= json.n; i++) {
        if (memcmp(json.p + i, "FAIL", 4) == 0) {
            return 1;
        }
    }
    return 0;
}

static int fails_as_asked(ops_task task, ops_val config)
{
    ops_task_info info;
    memset(&info, 0, sizeof info);
    info.size = (uint32_t)sizeof info;
    (void)ops.exec->info(ops.h, task, &info); /* then it reads as attempt 0 */
    if (has_fail_text(config)) {
        ops_fail_text(task, OPS_E_UPSTREAM, "the service failed as it was asked to");
        return 1;
    }
    if ((int64_t)info.attempt <= ops_get_i64(config, "fail", 0)) {
        ops_fail_format(task, OPS_E_UNAVAILABLE, "attempt %u failed as it was asked to",
                        info.attempt);
        return 1;
    }
    return 0;
}

static void answer(ops_task task, const struct call *call)
{
    if (!fails_as_asked(task, call->config)) {
        call->answer(task, call->config);
    }
}

static void on_time(void *user, ops_task task, ops_status status)
{
    if (status == OPS_OK) {
        answer(task, (const struct call *)user);
    } else {
        ops_fail_text(task, OPS_E_CANCELLED, "stopped while the service was waited for");
    }
}

void stand_in_call(ops_task task, ops_val config, stand_in_answer_fn answer_fn)
{
    int64_t takes_ms = ops_get_i64(config, "takes_ms", 0);
    struct call *call = (struct call *)ops_task_alloc(task, sizeof *call);
    if (call == NULL) {
        return;
    }

    call->config = config;
    call->answer = answer_fn;
    log_call(task, config);
    if (takes_ms <= 0) {
        answer(task, call);
        return;
    }

    ops_status status = ops.timer->after(ops.h, task, (uint64_t)takes_ms, on_time, call, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the time could not be waited for");
    }
}

void stand_in_echo(struct ops_map *out, ops_val config)
{
    uint64_t n = ops.value->count(ops.h, config);
    for (uint64_t i = 0; i < n && out->n < OPS_MAP_MEMBERS; i++) {
        ops_str key = {NULL, 0};
        ops_val value = 0;
        out->status = out->status != OPS_OK ? out->status
                                            : ops.value->pair(ops.h, config, i, &key, &value);
        if (out->status == OPS_OK && !steers(key)) {
            out->keys[out->n] = key;
            out->values[out->n] = value;
            out->n++;
        }
    }
}

void stand_in_answer_echo(ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    stand_in_echo(&out, config);
    ops_complete_map(task, &out);
}

void stand_in_add_name(struct ops_map *out, const char *key, const char *prefix, ops_val config)
{
    char name[128];
    uint32_t hash = 2166136261u; /* FNV-1a */
    ops_str json = ops_text("");
    (void)ops.value->to_json(ops.h, config, &json); /* then the name is that of nothing */
    for (uint64_t i = 0; i < json.n; i++) {
        hash = (hash ^ (unsigned char)json.p[i]) * 16777619u;
    }
    (void)snprintf(name, sizeof name, "%s%08x", prefix, hash);
    ops_map_text(out, key, name);
}
