/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin for tests: what it may do with `key` of its config, which is made of a secret. Built
 * twice, as `keeper` without the capability secret.read and as `reader` with it.
 */

#include "opstream/sdk.h"

/* Adds what get_str() says of `v`: the status, and the text where there is one. */
static void add_text(struct ops_map *out, const char *name, ops_val v)
{
    char word[16];
    ops_str text = ops_text(NULL);
    ops_status status = ops.value->get_str(ops.h, v, &text);
    (void)snprintf(word, sizeof word, "status %d", (int)status);
    if (status == OPS_OK) {
        ops_map_str(out, name, text);
    } else {
        ops_map_text(out, name, word);
    }
}

static void add_joined(struct ops_map *out, ops_task task, ops_val key)
{
    ops_val open[2] = {0, 0};
    ops_val parts[2] = {key, 0};
    ops_val joined = 0;
    (void)ops.value->new_str(ops.h, task, ops_text("ab"), &open[0]);
    open[1] = open[0];
    parts[1] = open[0];
    ops_map_i64(out, "join", ops.secret->join(ops.h, task, parts, 2, OPS_SECRET_BASE64, &joined));
    add_text(out, "joined", joined);
    (void)ops.secret->join(ops.h, task, open, 2, OPS_SECRET_BASE64, &joined);
    add_text(out, "open", joined);
    add_text(out, "prefixed", ops_with_prefix(task, "Bearer ", open[0]));
    ops_map_bool(out, "no_text", ops_with_prefix(task, "x", task) != 0);
}

static void add_wrong(struct ops_map *out, ops_task task, ops_val config)
{
    ops_val parts[1] = {config};
    ops_val joined = 0;
    ops_map_i64(out, "a_map", ops.secret->join(ops.h, task, parts, 1, 0, &joined));
    ops_map_i64(out, "flags", ops.secret->join(ops.h, task, parts, 1, 2, &joined));
    ops_map_i64(out, "no_parts", ops.secret->join(ops.h, task, NULL, 1, 0, &joined));
    ops_map_i64(out, "many", ops.secret->join(ops.h, task, parts, 65, 0, &joined));
    parts[0] = 4711;
    ops_map_i64(out, "stale", ops.secret->join(ops.h, task, parts, 1, 0, &joined));
    ops_map_i64(out, "stale_scope", ops.secret->join(ops.h, task + 1, parts, 0, 0, &joined));
    ops_map_i64(out, "no_out", ops.secret->join(ops.h, task, parts, 0, 0, NULL));
}

static void look_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    ops_val key = ops_get(config, "key");
    ops_val kept = 0;
    ops_str text = ops_text(NULL);
    (void)node;
    ops_map_i64(&out, "type", ops.value->type(ops.h, key));
    add_text(&out, "text", key);
    ops_map_i64(&out, "bytes", ops.value->get_bytes(ops.h, key, &text));
    ops_map_i64(&out, "count", (int64_t)ops.value->count(ops.h, key));
    (void)ops.value->to_json(ops.h, config, &text);
    ops_map_str(&out, "json", text);
    (void)ops.value->retain(ops.h, key, ops.host->scope, &kept);
    add_text(&out, "kept", kept);
    (void)ops.value->new_list(ops.h, task, &key, 1, &kept);
    (void)ops.value->at(ops.h, kept, 0, &kept);
    add_text(&out, "in_list", kept);
    (void)ops.secret->digest(ops.h, task, key, ops_text("data"), &text);
    ops_map_i64(&out, "digest", (int64_t)text.n);
    add_joined(&out, task, key);
    add_wrong(&out, task, config);
    ops_complete_map(task, &out);
}

static void on_done(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct ops_map out = ops_map_begin(task);
    (void)user;
    (void)err;
    ops_map_str(&out, "url", res != NULL ? res->effective_url : ops_text("none"));
    ops_complete_map(task, &out);
}

/* With a header of a handle beside one of a text; `hidden_url` says where the URL comes from. */
static void send_execute(ops_node *node, ops_task task, ops_val config)
{
    const ops_str names[2] = {ops_text("A"), ops_text("B")};
    const ops_str values[2] = {ops_text("open"), ops_text("not sent")};
    const ops_val vals[2] = {0, ops_get(config, ops_get_bool(config, "bad", 0) ? "bad" : "key")};
    ops_http_req req = {0};
    (void)node;
    req.size = (uint32_t)sizeof req;
    req.header_names = names;
    req.header_values = values;
    req.header_vals = vals;
    req.n_headers = 2;
    req.url = ops_text("http://a/");
    req.url_val = ops_get_bool(config, "hidden_url", 0) ? ops_get(config, "key") : 0;
    req.on_done = on_done;
    if (ops_get_bool(config, "old", 0)) {
        req.size = (uint32_t)offsetof(ops_http_req, header_vals);
    }
    ops_status status = ops.http->send(ops.h, task, &req, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "not sent");
    }
}

static void on_adopted(void *user, ops_task task, ops_status status, ops_val made)
{
    struct ops_map out = ops_map_begin(task);
    (void)user;
    ops_map_i64(&out, "status", status);
    add_text(&out, "made", made);
    ops_complete_map(task, &out);
}

static ops_status adopt_with(ops_task task, const ops_secret_req *like, ops_str text, uint64_t ttl)
{
    ops_secret_req req = *like;
    req.text = text;
    req.ttl_ms = ttl;
    return ops.secret->adopt(ops.h, task, &req, NULL);
}

/* `text` of the config, as a secret like `key`; `bad`: what is refused. */
static void adopt_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_secret_req req = {0};
    ops_str text = ops_get_str(config, "text", "");
    (void)node;
    req.size = (uint32_t)sizeof req;
    req.of = ops_get(config, "key");
    req.done = on_adopted;
    if (!ops_get_bool(config, "bad", 0)) {
        ops_status status = adopt_with(task, &req, text, 1000);
        if (status != OPS_OK) {
            ops_fail_text(task, status, "not adopted");
        }
        return;
    }
    struct ops_map out = ops_map_begin(task);
    ops_map_i64(&out, "short", adopt_with(task, &req, ops_text("abc"), 1));
    ops_map_i64(&out, "nul", adopt_with(task, &req, ops_slice("ab\0cd", 5), 1));
    ops_map_i64(&out, "no_text", adopt_with(task, &req, ops_text("\xFF\xFF\xFF\xFF"), 1));
    ops_map_i64(&out, "no_time", adopt_with(task, &req, text, 0));
    ops_map_i64(&out, "no_request", ops.secret->adopt(ops.h, task, NULL, NULL));
    ops_map_i64(&out, "stale", adopt_with(task + 1, &req, text, 1));
    req.of = config;
    ops_map_i64(&out, "of_a_map", adopt_with(task, &req, text, 1));
    req.of = 4711;
    ops_map_i64(&out, "of_stale", adopt_with(task, &req, text, 1));
    req.of = ops_get(config, "key");
    req.flags = 1;
    ops_map_i64(&out, "flags", adopt_with(task, &req, text, 1));
    req.flags = 0;
    req.size = 8;
    ops_map_i64(&out, "size", adopt_with(task, &req, text, 1));
    req.size = (uint32_t)sizeof req;
    req.done = NULL;
    ops_map_i64(&out, "no_done", adopt_with(task, &req, text, 1));
    ops_complete_map(task, &out);
}

/* What the child wrote; one task runs at a time. */
static struct {
    char text[512];
    size_t n;
} written;

static void on_stdout(void *user, ops_task task, ops_str bytes)
{
    size_t room = sizeof(written.text) - written.n;
    size_t n = bytes.n < room ? (size_t)bytes.n : room;
    (void)user;
    (void)task;
    memcpy(written.text + written.n, bytes.p, n);
    written.n += n;
}

static void on_exit_of_child(void *user, ops_task task, const ops_process_exit *exit,
                             const ops_error *err)
{
    struct ops_map out = ops_map_begin(task);
    const ops_str text = {written.text, written.n};
    (void)user;
    ops_map_str(&out, "text", err != NULL ? err->message : text);
    ops_map_i64(&out, "left_out", exit != NULL ? (int64_t)exit->env_left_out : -1);
    ops_complete_map(task, &out);
}

/* A child that shows all that comes by handle; `in` says what its input is. */
static void run_execute(ops_node *node, ops_task task, ops_val config)
{
    const ops_str argv[] = {ops_text("sh"), ops_text("-c"),
                            ops_text("cat; echo \"$A|$B|$C|$D|${E-none}|${F-none}\"")};
    const ops_str env[] = {ops_text("A=plain"), ops_text("B="), ops_text("C="),
                           ops_text("D=d"),     ops_text("E="), ops_text("F=")};
    const ops_val vals[] = {0,
                            ops_get(config, "key"),
                            config,
                            ops_get(config, "null"),
                            ops_get(config, "long"),
                            ops_get(config, "nul")};
    ops_process_spec spec = {0};
    (void)node;
    written.n = 0;
    spec.size = (uint32_t)sizeof spec;
    spec.argv = argv;
    spec.n_argv = 3;
    spec.env = env;
    spec.n_env = 4;
    spec.input = ops_text("not read");
    spec.input_val = ops_get(config, ops_get_bool(config, "text", 0) ? "key" : "in");
    spec.env_vals = vals;
    spec.on_stdout = on_stdout;
    spec.on_exit = on_exit_of_child;
    if (ops_get_bool(config, "all", 0)) {
        spec.n_env = 6;
    }
    if (ops_get_bool(config, "stale", 0)) {
        spec.input_val = 4711;
    }
    if (ops_get_bool(config, "old", 0)) {
        spec.size = (uint32_t)offsetof(ops_process_spec, input_val);
    }
    ops_status status = ops.process->spawn(ops.h, task, &spec, NULL);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "not started");
    }
}

static const ops_node_type adopt = OPS_NODE(SECRETS_ID ".adopt", OPS_NODE_PARALLEL, adopt_execute);
static const ops_node_type look = OPS_NODE(SECRETS_ID ".look", OPS_NODE_PARALLEL, look_execute);
static const ops_node_type run = OPS_NODE(SECRETS_ID ".run", OPS_NODE_PARALLEL, run_execute);
static const ops_node_type send = OPS_NODE(SECRETS_ID ".send", OPS_NODE_PARALLEL, send_execute);
OPS_PLUGIN(SECRETS_ID, "1.0.0", &adopt, &look, &run, &send);
