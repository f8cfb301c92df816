/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin for the museum: each node type goes through one table of the interface, calls all that
 * is in it, and tells what it got. What it tells must be the same for ever: no times, no numbers
 * of processes, no texts of messages.
 */

#include "opstream/sdk.h"

/* What a task tells, from its beginning to its end. */
static struct ops_map *begin(ops_task task)
{
    struct ops_map *out = (struct ops_map *)ops_task_alloc(task, sizeof *out);
    if (out != NULL) {
        *out = ops_map_begin(task);
    }
    return out;
}

static void end_if_refused(ops_task task, ops_status status)
{
    if (status != OPS_OK) {
        ops_fail_text(task, status, "it was refused");
    }
}

/* ---- ops.value ---- */

static void make_values(struct ops_map *out, ops_task task)
{
    const ops_str bytes = ops_slice("\0\1\2", 3);
    ops_val list[2] = {0, 0};
    ops_val both = 0;
    ops_map_null(out, "null");
    ops_map_bool(out, "bool", 1);
    ops_map_i64(out, "int", INT64_MIN);
    ops_map_f64(out, "double", 0.5);
    ops_map_text(out, "text", "\xC3\xA4");
    ops_map_bytes(out, "bytes", bytes);
    (void)ops.value->new_i64(ops.h, task, 1, &list[0]);
    (void)ops.value->new_str(ops.h, task, ops_text("b"), &list[1]);
    ops_status status = ops.value->new_list(ops.h, task, list, 2, &both);
    ops_map_made(out, "list", status, both);
}

static void read_values(struct ops_map *out, ops_task task, ops_val config)
{
    ops_val list = ops_get(config, "list");
    ops_val item = 0;
    ops_str key = ops_text(NULL);
    ops_str text = ops_text(NULL);
    int64_t i = 0;
    double d = 0;
    int32_t b = 0;
    ops_map_i64(out, "type", ops.value->type(ops.h, list));
    ops_map_i64(out, "count", (int64_t)ops.value->count(ops.h, list));
    ops_map_i64(out, "at", ops.value->at(ops.h, list, 1, &item));
    ops_map_i64(out, "get_i64", ops.value->get_i64(ops.h, item, &i));
    ops_map_i64(out, "is", i);
    ops_map_i64(out, "get_f64", ops.value->get_f64(ops.h, item, &d));
    ops_map_i64(out, "get_str", ops.value->get_str(ops.h, item, &text));
    ops_map_i64(out, "get_bool", ops.value->get_bool(ops.h, item, &b));
    ops_map_i64(out, "pair", ops.value->pair(ops.h, config, 0, &key, &item));
    ops_map_str(out, "key", key);
    ops_map_i64(out, "get_bytes", ops.value->get_bytes(ops.h, ops_get(config, "text"), &text));
    ops_map_i64(out, "bytes_n", (int64_t)text.n);
    ops_map_i64(out, "beyond", ops.value->at(ops.h, list, 9, &item));
    ops_map_i64(out, "stale", ops.value->get_i64(ops.h, 4711, &i));
    ops_map_i64(out, "to_json", ops.value->to_json(ops.h, config, &text));
    ops_map_str(out, "json", text);
    ops_map_i64(out, "from_json",
                ops.value->from_json(ops.h, task, ops_text("{\"a\":[1,2.5,null]}"), &item, NULL));
    ops_map_val(out, "read", item);
}

static void use_scopes(struct ops_map *out, ops_task task)
{
    ops_scope scope = 0;
    ops_val inner = 0;
    ops_val kept = 0;
    void *memory = NULL;
    int64_t i = 0;
    ops_map_i64(out, "open", ops.value->scope_open(ops.h, task, &scope));
    (void)ops.value->new_i64(ops.h, scope, 7, &inner);
    ops_map_i64(out, "retain", ops.value->retain(ops.h, inner, task, &kept));
    ops_map_i64(out, "alloc", ops.value->alloc(ops.h, scope, 64, &memory));
    ops_map_bool(out, "is_cleared", memory != NULL && *(const char *)memory == 0);
    ops_map_i64(out, "close", ops.value->scope_close(ops.h, scope));
    ops_map_i64(out, "closed", ops.value->get_i64(ops.h, inner, &i));
    ops_map_val(out, "kept", kept);
}

static void value_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map *made = begin(task);
    struct ops_map *out = begin(task);
    ops_val values = 0;
    (void)node;
    if (made == NULL || out == NULL) {
        return;
    }
    make_values(made, task);
    ops_status status = ops_map_end(made, &values);
    ops_map_made(out, "made", status, values);
    read_values(out, task, config);
    use_scopes(out, task);
    ops_complete_map(task, out);
}

/* ---- ops.exec and ops.log ---- */

static void on_posted(void *user, ops_task task)
{
    struct ops_map *out = (struct ops_map *)user;
    ops_map_bool(out, "user", ops.exec->get_user(ops.h, task) == user);
    ops_map_i64(out, "cancelled", ops.exec->cancelled(ops.h, task));
    ops_complete_map(task, out);
}

static void on_writable(void *user, ops_task task)
{
    end_if_refused(task, ops.exec->post(ops.h, task, on_posted, user));
}

static void exec_execute(ops_node *node, ops_task task, ops_val config)
{
    const ops_str keys[1] = {ops_text("key")};
    const ops_str values[1] = {ops_text("value")};
    struct ops_map *out = begin(task);
    ops_task_info info;
    (void)node;
    if (out == NULL) {
        return;
    }
    memset(&info, 0, sizeof info);
    info.size = (uint32_t)sizeof info;
    ops_map_i64(out, "info", ops.exec->info(ops.h, task, &info));
    ops_map_i64(out, "attempt", info.attempt);
    ops_map_str(out, "workflow", info.workflow);
    ops_map_str(out, "node", info.node);
    ops_map_str(out, "type", info.type);
    ops_map_bool(out, "has_key", info.idempotency_key.n > 0);
    ops_map_bool(out, "has_run", info.run_id.n > 0);
    ops_log_text(task, OPS_LOG_INFO, "a line");
    ops.log->write(ops.h, task, OPS_LOG_WARN, ops_text("pairs"), keys, values, 1);
    ops_map_i64(out, "progress", ops.exec->progress(ops.h, task, 0.5, ops_text("half")));
    ops_map_i64(out, "emit", ops.exec->emit(ops.h, task, ops_text(NULL), config));
    ops_map_i64(out, "emit_port", ops.exec->emit(ops.h, task, ops_text("x"), config));
    ops_map_i64(out, "no_port", ops.exec->complete(ops.h, task, ops_text("x"), config));
    ops_map_i64(out, "stale", ops.exec->complete(ops.h, 4711, ops_text(NULL), config));
    ops_map_i64(out, "set_user", ops.exec->set_user(ops.h, task, out));
    end_if_refused(task, ops.exec->on_writable(ops.h, task, on_writable, out));
}

static void port_execute(ops_node *node, ops_task task, ops_val config)
{
    (void)node;
    end_if_refused(task, ops.exec->complete(ops.h, task, ops_text("other"), config));
}

static void fail_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_error e = ops_error_make(OPS_E_CONFLICT, "as it should be");
    (void)node;
    e.retry = OPS_RETRY_NO;
    e.effect = OPS_EFFECT_DONE;
    e.retry_after_ms = 1500;
    e.symbol = ops_text("tour.fail");
    e.path = ops_text("/list");
    e.hint = ops_text("nothing");
    e.details = config;
    e.upstream_status = 409;
    (void)ops.exec->fail(ops.h, task, &e);
}

/* ---- ops.timer and ops.job ---- */

static void on_aborted(void *user, ops_task task, ops_status status)
{
    struct ops_map *out = (struct ops_map *)user;
    ops_map_i64(out, "aborted", status);
    ops_complete_map(task, out);
}

static void on_time(void *user, ops_task task, ops_status status)
{
    struct ops_map *out = (struct ops_map *)user;
    ops_op op = 0;
    ops_map_i64(out, "after", status);
    status = ops.timer->after(ops.h, task, 3600000, on_aborted, out, &op);
    end_if_refused(task, status != OPS_OK ? status : ops.timer->abort(ops.h, op));
}

static void on_worked(void *user, ops_task task, ops_status status)
{
    struct ops_map *out = (struct ops_map *)user;
    ops_map_i64(out, "job", status);
    ops_map_i64(out, "job_abort_stale", ops.job->abort(ops.h, 4711));
    end_if_refused(task, ops.timer->after(ops.h, task, 1, on_time, out, NULL));
}

static void work(void *user)
{
    ops_map_text((struct ops_map *)user, "worked", "yes");
}

static void time_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map *out = begin(task);
    int32_t ahead = 0;
    uint64_t now = ops.timer->now_ns(ops.h);
    (void)node;
    (void)config;
    if (out == NULL) {
        return;
    }
    ops_map_i64(out, "zone",
                ops.timer->zone_offset(ops.h, ops_text("Asia/Tokyo"), 1700000000000, &ahead));
    ops_map_i64(out, "ahead", ahead);
    ops_map_i64(out, "no_zone", ops.timer->zone_offset(ops.h, ops_text("Nowhere"), 0, &ahead));
    ops_map_bool(out, "goes_on", ops.timer->now_ns(ops.h) >= now);
    ops_map_bool(out, "is_late", ops.timer->unix_ms(ops.h) > 1700000000000);
    end_if_refused(task, ops.job->run(ops.h, task, work, on_worked, out, NULL));
}

/* ---- ops.process ---- */

static void on_output(void *user, ops_task task, ops_str bytes)
{
    (void)task;
    ops_map_str((struct ops_map *)user, "output", bytes); /* it is written in one piece */
}

static void on_exit_of_child(void *user, ops_task task, const ops_process_exit *exit,
                             const ops_error *err)
{
    struct ops_map *out = (struct ops_map *)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
        return;
    }
    ops_map_i64(out, "code", exit->exit_code);
    ops_map_i64(out, "signal", exit->signal);
    ops_map_i64(out, "limit", exit->limit);
    ops_map_i64(out, "left_out", (int64_t)exit->env_left_out);
    ops_complete_map(task, out);
}

static void process_execute(ops_node *node, ops_task task, ops_val config)
{
    const ops_str argv[3] = {ops_text("sh"), ops_text("-c"),
                             ops_text("read -r line; echo \"$line $A $B\"; exit 3")};
    const ops_str env[2] = {ops_text("A=a"), ops_text("B=")};
    const ops_val vals[2] = {0, ops_get(config, "text")};
    struct ops_map *out = begin(task);
    ops_str path = ops_text(NULL);
    ops_process_limits limits;
    ops_process_spec spec;
    (void)node;
    if (out == NULL) {
        return;
    }
    memset(&limits, 0, sizeof limits);
    limits.size = (uint32_t)sizeof limits;
    limits.wall_ms = 60000;
    memset(&spec, 0, sizeof spec);
    spec.size = (uint32_t)sizeof spec;
    spec.flags = OPS_PROCESS_INHERIT_ENV;
    spec.argv = argv;
    spec.n_argv = 3;
    spec.env = env;
    spec.n_env = 2;
    spec.env_vals = vals;
    spec.cwd = ops_text("/");
    spec.input = ops_text("input\n");
    spec.limits = &limits;
    spec.on_stdout = on_output;
    spec.on_exit = on_exit_of_child;
    spec.user = out;
    ops_map_i64(out, "find", ops.process->find(ops.h, task, ops_text("sh"), &path));
    ops_map_i64(out, "kill_stale", ops.process->kill(ops.h, 4711, 9));
    end_if_refused(task, ops.process->spawn(ops.h, task, &spec, NULL));
}

/* ---- ops.kv ---- */

static ops_kv_req kv_request(struct ops_map *out, ops_kv_done done)
{
    ops_kv_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.key = ops_text("tour");
    req.done = done;
    req.user = out;
    return req;
}

static void on_removed(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct ops_map *out = (struct ops_map *)user;
    (void)entry;
    ops_map_i64(out, "remove", status);
    ops_complete_map(task, out);
}

static void on_found(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct ops_map *out = (struct ops_map *)user;
    ops_kv_req req = kv_request(out, on_removed);
    ops_map_i64(out, "get", status);
    if (entry != NULL) {
        ops_map_str(out, "value", entry->value);
        ops_map_bool(out, "has_version", entry->version != 0);
        ops_map_bool(out, "expires", entry->expires_unix_ms != 0);
        req.flags = OPS_KV_IF_VERSION;
        req.version = entry->version;
    }
    end_if_refused(task, ops.kv->remove(ops.h, task, &req, NULL));
}

static void on_put(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct ops_map *out = (struct ops_map *)user;
    const ops_kv_req req = kv_request(out, on_found);
    ops_map_i64(out, "put", status);
    ops_map_bool(out, "stands", entry != NULL);
    end_if_refused(task, ops.kv->get(ops.h, task, &req, NULL));
}

static void kv_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map *out = begin(task);
    ops_kv_req req = kv_request(out, on_put);
    (void)node;
    (void)config;
    if (out == NULL) {
        return;
    }
    req.value = ops_text("value");
    req.ttl_ms = 3600000;
    req.flags = OPS_KV_IF_ABSENT;
    ops_map_i64(out, "abort_stale", ops.kv->abort(ops.h, 4711));
    end_if_refused(task, ops.kv->put(ops.h, task, &req, NULL));
}

/* ---- ops.schema and ops.secret ---- */

static void on_adopted(void *user, ops_task task, ops_status status, ops_val made)
{
    struct ops_map *out = (struct ops_map *)user;
    ops_str text = ops_text(NULL);
    ops_map_i64(out, "adopt", status);
    ops_map_i64(out, "read", ops.value->get_str(ops.h, made, &text));
    ops_complete_map(task, out);
}

static void adopt(struct ops_map *out, ops_task task, ops_val key)
{
    ops_secret_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.of = key;
    req.text = ops_text("made-of-the-key");
    req.ttl_ms = 3600000;
    req.done = on_adopted;
    req.user = out;
    end_if_refused(task, ops.secret->adopt(ops.h, task, &req, NULL));
}

static void on_signed(void *user, ops_task task, ops_str signature, const ops_error *err)
{
    struct ops_map *out = (struct ops_map *)user;
    ops_map_i64(out, "sign", err != NULL ? err->code : OPS_OK);
    ops_map_bytes(out, "signature", signature);
    adopt(out, task, *(const ops_val *)ops.exec->get_user(ops.h, task));
}

static void sign(struct ops_map *out, ops_task task, ops_val key)
{
    ops_sign_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.algorithm = OPS_SIGN_HMAC_SHA256;
    req.key = key;
    req.data = ops_text("data");
    req.done = on_signed;
    req.user = out;
    end_if_refused(task, ops.secret->sign(ops.h, task, &req, NULL));
}

static void secret_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map *out = begin(task);
    ops_val *kept = (ops_val *)ops_task_alloc(task, sizeof *kept);
    ops_val key = ops_get(config, "key");
    ops_str text = ops_text(NULL);
    ops_val joined = 0;
    (void)node;
    if (out == NULL || kept == NULL) {
        return;
    }
    *kept = key;
    (void)ops.exec->set_user(ops.h, task, kept);
    ops_map_i64(out, "get_str", ops.value->get_str(ops.h, key, &text));
    joined = ops_with_prefix(task, "Bearer ", key);
    ops_map_i64(out, "joined", ops.value->get_str(ops.h, joined, &text));
    ops_map_i64(out, "digest", ops.secret->digest(ops.h, task, key, ops_text("data"), &text));
    ops_map_bytes(out, "digest_bytes", text);
    ops_map_i64(out, "abort_stale", ops.secret->abort(ops.h, 4711));
    ops_map_i64(
        out, "schema",
        ops.schema->check(ops.h, task, ops_get(config, "schema"), ops_get(config, "list"), NULL));
    ops_map_i64(
        out, "breaks",
        ops.schema->check(ops.h, task, ops_get(config, "schema"), ops_get(config, "text"), NULL));
    sign(out, task, key);
}

/* ---- ops.budget ---- */

static void on_reserved(void *user, ops_task task, ops_status status,
                        const ops_budget_answer *answer)
{
    struct ops_map *out = (struct ops_map *)user;
    ops_budget_used used;
    memset(&used, 0, sizeof used);
    used.size = (uint32_t)sizeof used;
    used.calls = 1;
    used.reservation = status == OPS_OK ? answer->reservation : 0;
    used.input_tokens = 10;
    used.output_tokens = 5;
    used.cost = 0.25;
    ops_map_i64(out, "reserve", status);
    ops_map_i64(out, "settle", ops.budget->settle(ops.h, task, &used));
    ops_map_i64(out, "abort_stale", ops.budget->abort(ops.h, 4711));
    ops_complete_map(task, out);
}

static void budget_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map *out = begin(task);
    ops_budget_req req;
    (void)node;
    if (out == NULL) {
        return;
    }
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.calls = 1;
    req.tokens = ops_get_i64(config, "tokens", 0);
    req.cost = 0.5;
    req.done = on_reserved;
    req.user = out;
    end_if_refused(task, ops.budget->reserve(ops.h, task, &req, NULL));
}

/* ---- ops.http and ops.mail ---- */

static void on_mailed(void *user, ops_task task, const ops_mail_res *res, const ops_error *err)
{
    struct ops_map *out = (struct ops_map *)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
        return;
    }
    ops_map_i64(out, "mailed", res->code);
    ops_map_str(out, "reply", res->reply);
    ops_map_bool(out, "has_id", res->message_id.n > 0);
    ops_complete_map(task, out);
}

static void mail_execute(ops_node *node, ops_task task, ops_val config)
{
    const ops_str to = ops_text("b@two.test");
    ops_mail_attachment file;
    const ops_mail_attachment *const files[1] = {&file};
    struct ops_map *out = begin(task);
    ops_mail_req req;
    (void)node;
    if (out == NULL) {
        return;
    }
    memset(&file, 0, sizeof file);
    file.size = (uint32_t)sizeof file;
    file.name = ops_text("a.txt");
    file.bytes = ops_text("bytes of the file");
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.tls = OPS_MAIL_PLAIN;
    req.host = ops_text("127.0.0.1");
    req.port = (uint32_t)ops_get_i64(config, "port", 0);
    req.from = ops_text("A <a@one.test>");
    req.to = &to;
    req.n_to = 1;
    req.subject = ops_text("a subject");
    req.text = ops_text("a text");
    req.attachments = files;
    req.n_attachments = 1;
    req.label = ops_text("label");
    req.on_done = on_mailed;
    req.user = out;
    ops_map_i64(out, "abort_stale", ops.mail->abort(ops.h, 4711));
    end_if_refused(task, ops.mail->send(ops.h, task, &req, NULL));
}

static void on_chunk(void *user, ops_task task, ops_str bytes)
{
    (void)task;
    ops_map_str((struct ops_map *)user, "chunk", bytes); /* it is sent in one piece */
}

static void on_answer(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct ops_map *out = (struct ops_map *)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
        return;
    }
    for (uint64_t i = 0; i < res->n_headers; i++) {
        if (ops_equal(res->header_names[i], "x-tour") ||
            ops_equal(res->header_names[i], "X-Tour")) {
            ops_map_str(out, "header", res->header_values[i]);
        }
    }
    ops_map_i64(out, "status", res->status);
    ops_map_i64(out, "body", (int64_t)res->body.n);
    ops_map_i64(out, "body_bytes", (int64_t)res->body_bytes);
    ops_map_i64(out, "tls", res->tls_not_after_unix_ms);
    ops_map_bool(out, "has_url", res->effective_url.n > 0);
    ops_map_bool(out, "took", res->duration_ms >= 0);
    ops_complete_map(task, out);
}

static void http_execute(ops_node *node, ops_task task, ops_val config)
{
    const ops_str names[2] = {ops_text("X-One"), ops_text("Authorization")};
    const ops_str values[2] = {ops_text("one"), ops_text(NULL)};
    const ops_val vals[2] = {0, ops_with_prefix(task, "Bearer ", ops_get(config, "key"))};
    struct ops_map *out = begin(task);
    ops_http_req req;
    (void)node;
    if (out == NULL) {
        return;
    }
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT | OPS_HTTP_IDEMPOTENCY_KEY;
    req.method = ops_text("POST");
    req.url = ops_get_str(config, "url", NULL);
    req.header_names = names;
    req.header_values = values;
    req.header_vals = vals;
    req.n_headers = 2;
    req.body = ops_text("a body");
    req.label = ops_text("label");
    req.timeout_ms = 60000;
    req.on_chunk = on_chunk;
    req.on_done = on_answer;
    req.user = out;
    ops_map_i64(out, "abort_stale", ops.http->abort(ops.h, 4711));
    end_if_refused(task, ops.http->send(ops.h, task, &req, NULL));
}

/* ---- The plugin ---- */

struct ops_node {
    ops_str greeting; /* of the settings: lives until destroy() */
};

struct ops_plugin {
    int64_t nodes;
};

static struct ops_plugin plugin;
static struct ops_node node_of_settings;

static ops_status settings_create(ops_plugin *own, ops_scope scope, ops_val settings,
                                  ops_node **out, ops_error *err)
{
    (void)scope;
    if (ops_get_bool(settings, "refuse", 0)) {
        return ops_error_fill(err, OPS_E_CONFIG, "it refuses, as the settings say");
    }
    own->nodes++;
    node_of_settings.greeting = ops_get_str(settings, "greeting", "none");
    *out = &node_of_settings;
    return OPS_OK;
}

static void settings_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    (void)config;
    ops_map_str(&out, "greeting", node->greeting);
    ops_map_i64(&out, "nodes", plugin.nodes);
    ops_map_bool(&out, "has_name", ops.host->name.n > 0 && ops.host->version.n > 0);
    ops_complete_map(task, &out);
}

static void settings_destroy(ops_node *node)
{
    (void)node;
    plugin.nodes--;
}

static void settings_check(ops_node *node, ops_task task, ops_str origin)
{
    (void)node;
    (void)origin;
    ops_fail_text(task, OPS_E_UNSUPPORTED, "there is nothing to ask");
}

static ops_status tour_init(const ops_host *host, ops_plugin **out, ops_error *err)
{
    *out = &plugin;
    return ops_tables_fetch(host, err);
}

static void tour_shutdown(ops_plugin *own)
{
    own->nodes = 0;
}

static const ops_node_type types_value = OPS_NODE("tour.value", OPS_NODE_PARALLEL, value_execute);
static const ops_node_type types_exec = OPS_NODE("tour.exec", 0, exec_execute);
static const ops_node_type types_port = OPS_NODE("tour.port", OPS_NODE_PARALLEL, port_execute);
static const ops_node_type types_fail = OPS_NODE("tour.fail", OPS_NODE_BLOCKING, fail_execute);
static const ops_node_type types_time = OPS_NODE("tour.time", OPS_NODE_PARALLEL, time_execute);
static const ops_node_type types_process =
    OPS_NODE("tour.process", OPS_NODE_PARALLEL, process_execute);
static const ops_node_type types_kv = OPS_NODE("tour.kv", OPS_NODE_PARALLEL, kv_execute);
static const ops_node_type types_secret =
    OPS_NODE("tour.secret", OPS_NODE_PARALLEL, secret_execute);
static const ops_node_type types_budget =
    OPS_NODE("tour.budget", OPS_NODE_PARALLEL, budget_execute);
static const ops_node_type types_mail = OPS_NODE("tour.mail", OPS_NODE_PARALLEL, mail_execute);
static const ops_node_type types_http = OPS_NODE("tour.http", OPS_NODE_PARALLEL, http_execute);
static const ops_node_type types_settings = {(uint32_t)sizeof(ops_node_type),
                                             0u,
                                             "tour.settings",
                                             1u,
                                             0u,
                                             settings_create,
                                             settings_execute,
                                             NULL,
                                             settings_destroy,
                                             settings_check};
OPS_PLUGIN_WITH("tour", "1.0.0", tour_init, tour_shutdown, &types_value, &types_exec, &types_port,
                &types_fail, &types_time, &types_process, &types_kv, &types_secret, &types_budget,
                &types_mail, &types_http, &types_settings);
