/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin for tests: calls ops.process, ops.job and others well and badly. */

#include "opstream/sdk.h"

enum { OUTPUT_BYTES = 4096 };

/* What a child wrote, in the task's memory. */
struct output {
    uint64_t n;
    char bytes[OUTPUT_BYTES];
    ops_op op;
    int32_t signal; /* sent at the first output; 0: none */
};

static void on_exit_unused(void *user, ops_task task, const ops_process_exit *exit,
                           const ops_error *err)
{
    (void)user;
    (void)exit;
    (void)err;
    ops_fail_text(task, OPS_E_INTERNAL, "a child was started that should not be");
}

/* ---- What must be refused ---- */

static ops_process_spec good_spec(const ops_str *argv)
{
    ops_process_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.size = (uint32_t)sizeof spec;
    spec.argv = argv;
    spec.n_argv = 1;
    spec.on_exit = on_exit_unused;
    return spec;
}

static void add_spawn(struct ops_map *out, const char *name, ops_task task,
                      const ops_process_spec *spec)
{
    ops_map_i64(out, name, ops.process->spawn(ops.h, task, spec, NULL));
}

static void refuse_specs(struct ops_map *out, ops_task task)
{
    const ops_str yes = ops_text("true");
    const ops_str nul = ops_slice("a\0b", 3);
    const ops_str no_pair = ops_text("NAME");
    const ops_str impossible = ops_slice(NULL, 3);
    const ops_str nothing = ops_text("");
    ops_process_limits limits = {0};
    ops_process_spec spec = good_spec(&yes);
    spec.n_argv = 0;
    add_spawn(out, "no_argv", task, &spec);
    spec = good_spec(&nothing);
    add_spawn(out, "empty_program", task, &spec);
    spec = good_spec(&nul);
    add_spawn(out, "nul_in_argv", task, &spec);
    spec = good_spec(&impossible);
    add_spawn(out, "no_text", task, &spec);
    spec = good_spec(&yes);
    spec.n_argv = UINT64_MAX;
    add_spawn(out, "too_many", task, &spec);
    spec = good_spec(&yes);
    spec.env = &no_pair;
    spec.n_env = 1;
    add_spawn(out, "no_pair", task, &spec);
    spec = good_spec(&yes);
    spec.n_env = 1;
    add_spawn(out, "env_missing", task, &spec);
    spec = good_spec(&yes);
    spec.cwd = ops_text("relative");
    add_spawn(out, "relative_cwd", task, &spec);
    spec = good_spec(&yes);
    spec.input = impossible;
    add_spawn(out, "no_input", task, &spec);
    spec = good_spec(&yes);
    spec.limits = &limits;
    add_spawn(out, "limits_size", task, &spec);
    spec = good_spec(&yes);
    spec.size = 8;
    add_spawn(out, "size", task, &spec);
    spec = good_spec(&yes);
    spec.on_exit = NULL;
    add_spawn(out, "no_on_exit", task, &spec);
    spec = good_spec(&yes);
    add_spawn(out, "stale_task", task + 1, &spec);
    add_spawn(out, "no_spec", task, NULL);
}

static void work_nothing(void *user)
{
    (void)user;
}

static void done_nothing(void *user, ops_task task, ops_status status)
{
    (void)user;
    (void)task;
    (void)status;
}

static void refused_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    ops_str path = ops_text(NULL);
    (void)node;
    (void)config;
    refuse_specs(&out, task);
    ops_map_i64(&out, "kill_no_signal", ops.process->kill(ops.h, 1, 0));
    ops_map_i64(&out, "kill_far_signal", ops.process->kill(ops.h, 1, 4711));
    ops_map_i64(&out, "kill_stale", ops.process->kill(ops.h, 1, 15));
    ops_map_i64(&out, "find_nul", ops.process->find(ops.h, task, ops_slice("a\0b", 3), &path));
    ops_map_i64(&out, "find_stale", ops.process->find(ops.h, task + 1, ops_text("sh"), &path));
    ops_map_i64(&out, "job_no_work", ops.job->run(ops.h, task, NULL, done_nothing, NULL, NULL));
    ops_map_i64(&out, "job_no_done", ops.job->run(ops.h, task, work_nothing, NULL, NULL, NULL));
    ops_map_i64(&out, "job_stale_task",
                ops.job->run(ops.h, task + 1, work_nothing, done_nothing, NULL, NULL));
    ops_map_i64(&out, "job_abort_stale", ops.job->abort(ops.h, 1));
    ops_complete_map(task, &out);
}

static void find_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    ops_str path = ops_text("nowhere");
    (void)node;
    ops_status status = ops.process->find(ops.h, task, ops_get_str(config, "name", ""), &path);
    ops_map_i64(&out, "status", status);
    ops_map_str(&out, "path", path);
    ops_complete_map(task, &out);
}

/* ---- A line of sh ---- */

static void on_output(void *user, ops_task task, ops_str bytes)
{
    struct output *output = (struct output *)user;
    (void)task;
    uint64_t n = bytes.n < OUTPUT_BYTES - output->n ? bytes.n : OUTPUT_BYTES - output->n;
    memcpy(output->bytes + output->n, bytes.p, (size_t)n);
    output->n += n;
    if (output->signal != 0) {
        (void)ops.process->kill(ops.h, output->op, output->signal);
        output->signal = 0;
    }
}

static void on_exit_shell(void *user, ops_task task, const ops_process_exit *exit,
                          const ops_error *err)
{
    struct output *output = (struct output *)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
        return;
    }
    struct ops_map out = ops_map_begin(task);
    ops_map_str(&out, "out", ops_slice(output->bytes, output->n));
    ops_map_i64(&out, "code", exit->exit_code);
    ops_map_i64(&out, "signal", exit->signal);
    ops_map_i64(&out, "limit", exit->limit);
    ops_complete_map(task, &out);
}

static void shell_execute(ops_node *node, ops_task task, ops_val config)
{
    struct output *output = (struct output *)ops_task_alloc(task, sizeof *output);
    const ops_str argv[] = {ops_get_str(config, "program", "sh"), ops_text("-c"),
                            ops_get_str(config, "line", "")};
    const ops_str env[] = {ops_text("A=1"), ops_text("B=2"), ops_text("A=3")};
    const ops_str inherit[] = {ops_text("SERVICES_TEST"), ops_text("PATH"), ops_text("NOT_SET")};
    ops_process_spec spec = good_spec(argv);
    (void)node;
    if (output == NULL) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
        return;
    }
    memset(output, 0, sizeof *output);
    output->signal = (int32_t)ops_get_i64(config, "signal", 0);
    spec.n_argv = 3;
    spec.env = env;
    spec.n_env = 3;
    spec.inherit = inherit;
    spec.n_inherit = 3;
    spec.flags = (uint32_t)ops_get_i64(config, "flags", 0);
    spec.cwd = ops_get_str(config, "cwd", NULL);
    spec.input = ops_get_str(config, "input", NULL);
    spec.on_stdout = on_output;
    spec.on_exit = on_exit_shell;
    spec.user = output;
    ops_status status = ops.process->spawn(ops.h, task, &spec, &output->op);
    if (status != OPS_OK) {
        ops_fail_text(task, status, "spawn");
    }
}

/* ---- Jobs ---- */

static void on_job_done(void *user, ops_task task, ops_status status)
{
    struct ops_map out = ops_map_begin(task);
    (void)user;
    ops_map_i64(&out, "status", status);
    ops_complete_map(task, &out);
}

/* The abort comes right behind the start: the job is either taken back or has run. */
static void jobs_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_op last = 0;
    ops_status status = OPS_OK;
    (void)node;
    (void)config;
    status = ops.job->run(ops.h, task, work_nothing, on_job_done, NULL, &last);
    if (status == OPS_OK) {
        status = ops.job->abort(ops.h, last);
    }
    if (status != OPS_OK) {
        ops_fail_text(task, status, "job");
    }
}

/* What check() says of the config's `value` by its `schema`, and of calls that make no sense. */
static void schema_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_val schema = ops_get(config, "schema");
    ops_val value = ops_get(config, "value");
    ops_val bytes = 0;
    ops_error err = ops_error_make(OPS_OK, "fine");
    struct ops_map out = ops_map_begin(task);
    (void)node;
    (void)ops.value->new_bytes(ops.h, task, ops_text("b"), &bytes);
    ops_map_i64(&out, "status", ops.schema->check(ops.h, task, schema, value, &err));
    ops_map_str(&out, "message", err.message);
    ops_map_i64(&out, "no_err", ops.schema->check(ops.h, task, schema, value, NULL));
    ops_map_i64(&out, "bytes", ops.schema->check(ops.h, task, schema, bytes, NULL));
    ops_map_i64(&out, "stale_schema", ops.schema->check(ops.h, task, 4711, value, NULL));
    ops_map_i64(&out, "stale_value", ops.schema->check(ops.h, task, schema, 4711, NULL));
    ops_map_i64(&out, "stale_scope", ops.schema->check(ops.h, task + 1, schema, value, NULL));
    ops_map_i64(&out, "no_host", ops.schema->check(NULL, task, schema, value, NULL));
    ops_complete_map(task, &out);
}

static void map_hex(struct ops_map *out, const char *key, ops_str bytes)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * 32];
    uint64_t n = bytes.n < 32 ? bytes.n : 32;
    for (uint64_t i = 0; i < n; i++) {
        hex[2 * i] = digits[(unsigned char)bytes.p[i] >> 4];
        hex[2 * i + 1] = digits[(unsigned char)bytes.p[i] & 15];
    }
    ops_map_str(out, key, ops_slice(hex, 2 * n));
}

/* The end of sign(), with what the calls that make no sense gave. */
static void on_signed(void *user, ops_task task, ops_str signature, const ops_error *err)
{
    struct ops_map *out = user;
    ops_map_i64(out, "status", err != NULL ? err->code : OPS_OK);
    ops_map_str(out, "message", err != NULL ? err->message : ops_text("fine"));
    ops_map_i64(out, "bytes", (int64_t)signature.n);
    map_hex(out, "hex", signature);
    ops_complete_map(task, out);
}

static ops_status sign_with(ops_task task, const ops_sign_req *base, ops_val key,
                            uint32_t algorithm, uint32_t size)
{
    ops_sign_req req = *base;
    req.key = key;
    req.algorithm = algorithm;
    req.size = size;
    return ops.secret->sign(ops.h, task, &req, NULL);
}

static void add_digests(struct ops_map *out, ops_task task, ops_val key, ops_val config)
{
    ops_str bytes = ops_text(NULL);
    ops_map_i64(out, "digest", ops.secret->digest(ops.h, task, key, ops_text("a"), &bytes));
    map_hex(out, "digest_hex", bytes);
    ops_map_i64(out, "of_map", ops.secret->digest(ops.h, task, config, ops_text("a"), &bytes));
    ops_map_i64(out, "of_stale", ops.secret->digest(ops.h, task, 4711, ops_text("a"), &bytes));
    ops_map_i64(out, "in_stale", ops.secret->digest(ops.h, task + 1, key, ops_text("a"), &bytes));
    ops_map_i64(out, "no_out", ops.secret->digest(ops.h, task, key, ops_text("a"), NULL));
    ops_map_i64(out, "no_bytes", ops.secret->digest(ops.h, task, key, ops_slice(NULL, 3), &bytes));
    ops_map_i64(out, "no_host", ops.secret->digest(NULL, task, key, ops_text("a"), &bytes));
}

/* ops.secret, as the config says; and calls that make no sense. */
static void sign_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map *out = ops_task_alloc(task, sizeof *out);
    int is_rsa = ops_equal(ops_get_str(config, "way", "hmac"), "rs256");
    ops_op op = 0;
    (void)node;
    if (out == NULL) {
        return;
    }
    ops_sign_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.algorithm = is_rsa ? OPS_SIGN_RS256 : OPS_SIGN_HMAC_SHA256;
    req.key = ops_get(config, "key");
    req.data = ops_get_str(config, "data", "");
    req.done = on_signed;
    req.user = out;
    *out = ops_map_begin(task);
    add_digests(out, task, req.key, config);
    ops_map_i64(out, "stale_key", sign_with(task, &req, 4711, req.algorithm, req.size));
    ops_map_i64(out, "stale_task", sign_with(task + 1, &req, req.key, req.algorithm, req.size));
    ops_map_i64(out, "algorithm", sign_with(task, &req, req.key, 3, req.size));
    ops_map_i64(out, "size", sign_with(task, &req, req.key, req.algorithm, 8));
    ops_map_i64(out, "no_request", ops.secret->sign(ops.h, task, NULL, NULL));
    ops_sign_req bad = req;
    bad.data = ops_slice(NULL, 3);
    ops_map_i64(out, "bad_data", ops.secret->sign(ops.h, task, &bad, NULL));
    bad = req;
    bad.done = NULL;
    ops_map_i64(out, "no_done", ops.secret->sign(ops.h, task, &bad, NULL));
    ops_map_i64(out, "abort_stale", ops.secret->abort(ops.h, 4711));
    ops_status status = ops.secret->sign(ops.h, task, &req, &op);
    if (status == OPS_OK && ops_get_bool(config, "abort", 0)) {
        status = ops.secret->abort(ops.h, op);
    }
    if (status != OPS_OK) {
        ops_fail_text(task, status, "not signed");
    }
}

static const ops_node_type sign = OPS_NODE("services.sign", OPS_NODE_PARALLEL, sign_execute);
static const ops_node_type schema = OPS_NODE("services.schema", OPS_NODE_PARALLEL, schema_execute);
static const ops_node_type refused =
    OPS_NODE("services.refused", OPS_NODE_PARALLEL, refused_execute);
static const ops_node_type find = OPS_NODE("services.find", OPS_NODE_PARALLEL, find_execute);
static const ops_node_type shell = OPS_NODE("services.shell", OPS_NODE_PARALLEL, shell_execute);
static const ops_node_type jobs = OPS_NODE("services.jobs", OPS_NODE_PARALLEL, jobs_execute);
OPS_PLUGIN("services", "1.0.0", &refused, &find, &schema, &sign, &shell, &jobs);
