/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.process: child processes of a task.
 *
 * spawn() copies all that it was given, on whatever thread it is called; the child is started on
 * the loop's thread, with which it ends at the latest (PR_SET_PDEATHSIG).
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/module.h"
#include "core/host/cgroup_files.h"
#include "core/host/cgroup_home.h"
#include "core/host/child_env.h"
#include "core/host/child_values.h"
#include "core/host/kin.h"
#include "core/host/op.h"
#include "core/host/process.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

enum {
    ARGUMENTS_MAX = 4096,
    /* Less than a cancelled task is given, so that the end of its child is still told to it. */
    DEFAULT_GRACE_MS = 10000,
    LIMITS_SIZE_MIN = offsetof(ops_process_limits, kill_grace_ms) + sizeof(uint64_t),
    SPEC_SIZE_MIN = offsetof(ops_process_spec, user) + sizeof(void *),
    KNOWN_FLAGS = OPS_PROCESS_INHERIT_ENV | OPS_PROCESS_MERGE_ERROR,
};

struct process_op {
    struct op op;
    struct arena arena;
    const char **argv;
    struct child_env env;
    struct child_values values; /* of handles; until the child has them */
    const char *cwd;
    struct str input;
    unsigned flags;
    struct process_limits limits;
    bool wants_group;                /* a limit is set that a group holds better */
    ops_process_output on_output[3]; /* by enum process_stream */
    ops_process_done on_exit;
    void *user;
    char mark[KIN_MARK_SIZE]; /* of this child alone, in its environment */
    struct process *process;
    ops_process_exit exit;
    bool has_exit;
    uint64_t env_left_out;
    struct error failure; /* why there is no exit */
};

/* ==== Telling the plugin, on the strand ==== */

static ops_status status_of(const struct process_op *process)
{
    switch (process->failure.code) {
    case E_NOT_FOUND:
        return OPS_E_NOT_FOUND;
    case E_CANCELED:
        return OPS_E_CANCELLED;
    case E_INVALID:
        return OPS_E_PERMISSION;
    default:
        return OPS_E_RESOURCE;
    }
}

static void process_op_call_exit(struct op *op)
{
    struct process_op *process = (struct process_op *)op;
    if (process->has_exit) {
        process->on_exit(process->user, op->task->handle, &process->exit, NULL);
        return;
    }
    const ops_error error = {
        .size = sizeof(error),
        .code = status_of(process),
        .message = ops_from_str(str_from(process->failure.message)),
    };
    process->on_exit(process->user, op->task->handle, NULL, &error);
}

static void process_op_call_cancelled(struct op *op)
{
    (void)error_set(&((struct process_op *)op)->failure, E_CANCELED, "cancelled before it began");
    process_op_call_exit(op);
}

static void call_output(struct op *op, enum process_stream stream, struct str bytes)
{
    struct process_op *process = (struct process_op *)op;
    process->on_output[stream](process->user, op->task->handle, ops_from_str(bytes));
}

static void call_stdout(struct op *op, struct str bytes)
{
    call_output(op, PROCESS_STDOUT, bytes);
}

static void call_stderr(struct op *op, struct str bytes)
{
    call_output(op, PROCESS_STDERR, bytes);
}

static void call_result(struct op *op, struct str bytes)
{
    call_output(op, PROCESS_RESULT, bytes);
}

/* ==== The child, on the loop ==== */

static void on_bytes(void *user, enum process_stream stream, struct str bytes)
{
    static const op_bytes_cb calls[] = {
        [PROCESS_STDOUT] = call_stdout,
        [PROCESS_STDERR] = call_stderr,
        [PROCESS_RESULT] = call_result,
    };
    struct process_op *process = user;
    op_invoke(&process->op, calls[stream], bytes);
}

/* Lines that plugins made of what children wrote are not yet shown: the children wait for that. */
static bool is_busy(void *user)
{
    const struct process_op *process = user;
    return atomic_load(&process->op.host->pending_logs) >= HOST_BUSY_LOGS;
}

static uint32_t limit_of(const struct process_op *process, const struct process_end *end)
{
    switch (end->limit) {
    case PROCESS_LIMIT_WALL:
        return OPS_LIMIT_WALL;
    case PROCESS_LIMIT_CPU:
        return OPS_LIMIT_CPU;
    case PROCESS_LIMIT_MEMORY:
        return OPS_LIMIT_MEMORY;
    case PROCESS_LIMIT_FILE:
        return OPS_LIMIT_FILE;
    case PROCESS_LIMIT_OUTPUT:
        return OPS_LIMIT_OUTPUT;
    case PROCESS_LIMIT_COUNT:
        return OPS_LIMIT_COUNT;
    case PROCESS_LIMIT_NONE:
        break;
    }
    /* The kernel refuses memory, and the program then ends in its own way. */
    uint64_t memory = process->limits.memory_bytes;
    bool is_failed = end->exit_code != 0 && !end->is_killed;
    bool is_full = memory != 0 && end->max_memory_bytes >= memory - memory / 8;
    return is_failed && is_full ? OPS_LIMIT_MEMORY : OPS_LIMIT_NONE;
}

static uint64_t limit_value(const struct process_limits *limits, uint32_t limit)
{
    switch (limit) {
    case OPS_LIMIT_WALL:
        return limits->wall_ms;
    case OPS_LIMIT_CPU:
        return limits->cpu_ms;
    case OPS_LIMIT_MEMORY:
        return limits->memory_bytes;
    case OPS_LIMIT_OUTPUT:
        return limits->output_bytes != 0 ? limits->output_bytes : PROCESS_OUTPUT_BYTES;
    case OPS_LIMIT_FILE:
        return limits->file_bytes;
    case OPS_LIMIT_COUNT:
        return limits->processes;
    default:
        return 0;
    }
}

/* The program was found, but is not what the kernel can run. */
static void set_exec_failure(struct process_op *process, const struct process_end *end)
{
    int code = end->exec_errno == ENOENT || end->exec_errno == ENOTDIR  ? E_NOT_FOUND
               : end->exec_errno == ENOMEM || end->exec_errno == EAGAIN ? E_LIMIT
                                                                        : E_INVALID;
    (void)error_set_errno(&process->failure, code, end->exec_errno, "'%s': cannot %s",
                          process->argv[0], end->exec_step);
}

static void on_end(void *user, const struct process_end *end)
{
    struct process_op *process = user;
    process->process = NULL;
    if (end->exec_errno != 0) {
        set_exec_failure(process, end);
    } else {
        process->has_exit = true;
        process->exit = (ops_process_exit){
            .size = sizeof(process->exit),
            .exit_code = end->exit_code,
            .signal = end->signal,
            .limit = limit_of(process, end),
            .wall_us = end->wall_us,
            .cpu_us = end->cpu_us,
            .max_memory = end->max_memory_bytes,
            .env_left_out = process->env_left_out,
        };
        process->exit.limit_value = limit_value(&process->limits, process->exit.limit);
    }
    op_finish(&process->op, process_op_call_exit);
}

/* Replaces argv[0] by the path that it names. */
static int find_program(struct process_op *process)
{
    cleanup_free char *path = NULL;
    int status = process_find(str_from(process->argv[0]), getenv("PATH"), &path, &process->failure);
    if (status == 0) {
        process->argv[0] = arena_dup(&process->arena, str_from(path));
        status = process->argv[0] != NULL ? 0 : error_nomem(&process->failure);
    }
    return status;
}

/* NULL: none is needed. It is made when the first one is: what has no limits pays nothing. */
static struct cgroup_home *find_home(struct process_op *process)
{
    struct host *host = process->op.host;
    if (!process->wants_group) {
        return NULL;
    }
    if (!host->has_home) {
        cgroup_home_init(&host->home, &cgroup_files_real, "");
        host->has_home = true;
        log_write(LOG_LEVEL_DEBUG, "control groups for steps with limits",
                  LOG_FIELDS(log_str("groups", strbuf_str(&host->home.text))));
    }
    return &host->home;
}

/* Once: a step has no group, or not all of it, and goes on by rlimits. */
static void tell_trouble(struct cgroup_home *home)
{
    if (home != NULL && home->trouble.n > 0 && !home->has_told) {
        home->has_told = true;
        log_write(LOG_LEVEL_WARN, "control groups do not limit all steps; rlimits do",
                  LOG_FIELDS(log_str("why", strbuf_str(&home->trouble))));
    }
}

static int start_child(struct process_op *process)
{
    const char *folder = NULL;
    int status = find_program(process);
    if (status == 0) {
        status = module_folder(&folder, &process->failure);
    }
    if (status != 0) {
        return status;
    }
    struct strbuf helper = STRBUF_INIT;
    strbuf_append_format(&helper, "%s/opstream-exec", folder);
    const char *const *env = child_env_list(&process->env);
    if (strbuf_status(&helper) != 0 || env == NULL) {
        strbuf_finish(&helper);
        return error_nomem(&process->failure);
    }
    const struct process_spec spec = {
        .loop = process->op.host->loop,
        .helper = helper.p,
        .argv = process->argv,
        .env = env,
        .cwd = process->cwd,
        .input = process->input,
        .flags = process->flags,
        .mark = process->mark,
        .umask = -1,
        .home = find_home(process),
        .limits = process->limits,
        .user = process,
        .on_bytes = on_bytes,
        .is_busy = is_busy,
        .on_end = on_end,
    };
    status = process_start(&spec, &process->process, &process->failure);
    tell_trouble(spec.home);
    strbuf_finish(&helper);
    return status;
}

static void process_op_start(struct op *op)
{
    struct process_op *process = (struct process_op *)op;
    int status = start_child(process);
    child_values_finish(&process->values);
    if (status != 0) {
        op_finish(op, process_op_call_exit);
    }
}

static void process_op_abort(struct op *op, enum op_abort how)
{
    struct process *process = ((struct process_op *)op)->process;
    if (how == OP_ABORT_DROP) {
        process_kill(process);
    } else {
        process_terminate(process);
    }
}

static void process_op_destroy(struct op *op)
{
    struct process_op *process = (struct process_op *)op;
    child_env_finish(&process->env);
    child_values_finish(&process->values);
    arena_finish(&process->arena);
    free(process);
}

static const struct op_type process_type = {
    .name = "process",
    .is_real = true,
    .start = process_op_start,
    .abort = process_op_abort,
    .destroy = process_op_destroy,
};

/* ==== Copying what the plugin asks for, on any thread ==== */

static bool is_text(ops_str s)
{
    return !ops_bytes_are_bad(s) && (s.n == 0 || memchr(s.p, '\0', (size_t)s.n) == NULL);
}

static ops_status copy_text(struct process_op *process, ops_str text, const char **out)
{
    if (!is_text(text)) {
        return OPS_E_INPUT;
    }
    *out = arena_dup(&process->arena, str_from_ops(text));
    return *out != NULL ? OPS_OK : OPS_E_RESOURCE;
}

static ops_status copy_argv(struct process_op *process, const ops_process_spec *spec)
{
    if (spec->argv == NULL || spec->n_argv == 0 || spec->argv[0].n == 0) {
        return OPS_E_INPUT;
    }
    if (spec->n_argv > ARGUMENTS_MAX) {
        return OPS_E_RESOURCE;
    }
    process->argv = arena_calloc(&process->arena, (size_t)spec->n_argv + 1, sizeof(*process->argv));
    ops_status status = process->argv != NULL ? OPS_OK : OPS_E_RESOURCE;
    for (uint64_t i = 0; i < spec->n_argv && status == OPS_OK; i++) {
        status = copy_text(process, spec->argv[i], &process->argv[i]);
    }
    return status;
}

static ops_status env_status(int status)
{
    return status == 0 ? OPS_OK : status == E_NOMEM ? OPS_E_RESOURCE : OPS_E_INPUT;
}

/* What a handle says, behind "NAME="; `bytes` counts those of all handles. */
static ops_status add_value(struct process_op *process, struct str name, ops_val v, size_t *bytes)
{
    struct str entry = STR("");
    ops_status status =
        child_values_add(&process->values, process->op.task->plugin, v, name, "", &entry);
    if (status != OPS_OK) {
        return status;
    }
    if (entry.n > OPS_PROCESS_ENTRY_MOST || *bytes + entry.n > OPS_PROCESS_ENTRIES_MOST ||
        memchr(entry.p, '\0', entry.n) != NULL) {
        process->env_left_out++;
        return OPS_OK;
    }
    *bytes += entry.n;
    return env_status(child_env_add_kept(&process->env, entry));
}

static ops_status add_entries(struct process_op *process, const ops_process_spec *spec)
{
    ops_status status = OPS_OK;
    size_t bytes = 0;
    for (uint64_t i = 0; i < spec->n_env && status == OPS_OK; i++) {
        struct str entry = str_from_ops(spec->env[i]);
        ops_val v = spec->env_vals != NULL ? spec->env_vals[i] : 0;
        if (!is_text(spec->env[i])) {
            status = OPS_E_INPUT;
        } else if (v == 0) {
            status = env_status(child_env_add(&process->env, entry));
        } else {
            status = add_value(process, entry, v, &bytes);
        }
    }
    return status;
}

static ops_status add_marks(struct process_op *process)
{
    const char *mark = process->op.host->child_mark;
    static _Atomic uint64_t last_number;
    (void)snprintf(process->mark, sizeof(process->mark), "OPSTREAM_STEP=%d-%" PRIu64, (int)getpid(),
                   atomic_fetch_add(&last_number, 1) + 1); /* fits */
    int status = child_env_add(&process->env, str_from(process->mark));
    if (status == 0 && mark != NULL) {
        status = child_env_add(&process->env, str_from(mark));
    }
    return env_status(status);
}

static ops_status copy_env(struct process_op *process, const ops_process_spec *spec)
{
    if ((spec->n_env > 0 && spec->env == NULL) || (spec->n_inherit > 0 && spec->inherit == NULL)) {
        return OPS_E_INTERNAL;
    }
    int status = 0;
    if ((spec->flags & OPS_PROCESS_INHERIT_ENV) != 0) {
        status = child_env_inherit_all(&process->env);
    }
    for (uint64_t i = 0; i < spec->n_inherit && status == 0; i++) {
        struct str name = str_from_ops(spec->inherit[i]);
        status = is_text(spec->inherit[i]) ? child_env_inherit(&process->env, name) : E_INVALID;
    }
    if (status != 0) {
        return env_status(status);
    }
    ops_status added = add_entries(process, spec);
    return added == OPS_OK ? add_marks(process) : added;
}

static ops_status copy_folder_and_input(struct process_op *process, const ops_process_spec *spec)
{
    if (ops_bytes_are_bad(spec->input)) {
        return OPS_E_INTERNAL;
    }
    if (spec->cwd.n > 0) {
        ops_status status = copy_text(process, spec->cwd, &process->cwd);
        if (status != OPS_OK || process->cwd[0] != '/') {
            return status != OPS_OK ? status : OPS_E_INPUT;
        }
    }
    if (spec->input_val != 0) {
        return child_values_add(&process->values, process->op.task->plugin, spec->input_val,
                                STR(""), "\n", &process->input);
    }
    if (spec->input.n > 0) {
        process->input = arena_dup_str(&process->arena, str_from_ops(spec->input));
        return process->input.p != NULL ? OPS_OK : OPS_E_RESOURCE;
    }
    return OPS_OK;
}

static void copy_callbacks(struct process_op *process, const ops_process_spec *spec)
{
    process->on_output[PROCESS_STDOUT] = spec->on_stdout;
    process->on_output[PROCESS_STDERR] = spec->on_stderr;
    process->on_output[PROCESS_RESULT] = spec->on_result;
    process->on_exit = spec->on_exit;
    process->user = spec->user;
    process->flags = (spec->on_stdout != NULL ? PROCESS_WANTS_STDOUT : 0u) |
                     (spec->on_stderr != NULL ? PROCESS_WANTS_STDERR : 0u) |
                     (spec->on_result != NULL ? PROCESS_WANTS_RESULT : 0u);
    if ((spec->flags & OPS_PROCESS_MERGE_ERROR) != 0) {
        process->flags |= PROCESS_MERGES_STDERR;
    }
}

/* Neither may lift what the other one sets. */
static uint64_t stricter(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* Half of the machine: one script may not drive all others out of memory. */
static uint64_t default_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes / 2 : 0;
}

static ops_status copy_limits(struct process_op *process, const ops_process_limits *asked)
{
    static const ops_process_limits none = {.size = sizeof(none)};
    asked = asked != NULL ? asked : &none;
    if (asked->size < LIMITS_SIZE_MIN) {
        return OPS_E_INTERNAL;
    }
    const ops_task_info *pipeline = &process->op.task->info;
    struct process_limits *limits = &process->limits;
    *limits = (struct process_limits){
        .wall_ms = stricter(asked->wall_ms, pipeline->wall_ms),
        .cpu_ms = stricter(asked->cpu_ms, pipeline->cpu_ms),
        .memory_bytes = stricter(asked->memory_bytes, pipeline->memory_bytes),
        .file_bytes = stricter(asked->file_bytes, pipeline->file_bytes),
        .processes = stricter(asked->processes, pipeline->processes),
        .open_files = stricter(asked->files, pipeline->open_files),
        .output_bytes = stricter(asked->output_bytes, pipeline->output_bytes),
        .grace_ms = asked->kill_grace_ms != 0 ? asked->kill_grace_ms : DEFAULT_GRACE_MS,
    };
    process->wants_group =
        (limits->memory_bytes | limits->cpu_ms | limits->processes | limits->wall_ms) != 0;
    if (limits->memory_bytes == 0) {
        limits->memory_bytes = default_memory();
    }
    return OPS_OK;
}

static ops_status copy_spec(struct process_op *process, const ops_process_spec *spec)
{
    ops_status status = copy_argv(process, spec);
    if (status == OPS_OK) {
        status = copy_env(process, spec);
    }
    if (status == OPS_OK) {
        status = copy_folder_and_input(process, spec);
    }
    if (status == OPS_OK) {
        status = copy_limits(process, spec->limits);
    }
    copy_callbacks(process, spec);
    return status;
}

static ops_status service_process_spawn(void *h, ops_task task, const ops_process_spec *spec,
                                        ops_op *out)
{
    ops_process_spec known = {0}; /* what an older plugin does not have is zero */
    if (spec == NULL || spec->size < SPEC_SIZE_MIN || spec->on_exit == NULL) {
        return OPS_E_INTERNAL;
    }
    memcpy(&known, spec, spec->size < sizeof(known) ? spec->size : sizeof(known));
    if ((known.flags & ~(uint32_t)KNOWN_FLAGS) != 0) {
        return OPS_E_UNSUPPORTED;
    }
    struct process_op *process = calloc(1, sizeof(*process));
    if (process == NULL) {
        return OPS_E_RESOURCE;
    }
    ops_status status = op_init(&process->op, &process_type, h, task);
    if (status != OPS_OK) {
        free(process);
        return status;
    }
    child_env_init(&process->env, &process->arena);
    status = copy_spec(process, &known);
    if (status != OPS_OK) {
        op_discard(&process->op);
        return status;
    }
    return op_submit(&process->op, process_op_call_cancelled, out);
}

static void run_signal(struct op *op, int64_t signal)
{
    (void)process_signal(((struct process_op *)op)->process, (int)signal); /* it was checked */
}

static ops_status service_process_kill(void *h, ops_op op, int32_t signal)
{
    if (signal < 1 || signal > SIGRTMAX) {
        return OPS_E_INPUT;
    }
    return op_request(h, op, &process_type, run_signal, signal);
}

static ops_status service_process_find(void *h, ops_scope scope_handle, ops_str name, ops_str *out)
{
    struct plugin *plugin = plugin_from(h);
    if (plugin == NULL || out == NULL || ops_bytes_are_bad(name)) {
        return OPS_E_INTERNAL;
    }
    cleanup_free char *path = NULL;
    int status = process_find(str_from_ops(name), getenv("PATH"), &path, NULL);
    if (status != 0) {
        return status == E_NOMEM ? OPS_E_RESOURCE : OPS_E_NOT_FOUND;
    }
    struct scope *scope = scope_acquire(plugin, scope_handle);
    if (scope == NULL) {
        return OPS_E_STALE;
    }
    struct str kept = scope_dup(scope, str_from(path));
    scope_release(plugin, scope);
    if (kept.p == NULL) {
        return OPS_E_RESOURCE;
    }
    *out = ops_from_str(kept);
    return OPS_OK;
}

const ops_if_process service_process = {
    .size = sizeof(ops_if_process),
    .version = 1,
    .spawn = service_process_spawn,
    .kill = service_process_kill,
    .find = service_process_find,
};
