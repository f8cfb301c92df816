/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node type `code`: runs Python, bash or JavaScript in a child process.
 *
 * Python and JavaScript are called by a small program of ours (runners.h), which is given to the
 * interpreter as an argument; code and inputs go through standard input and the result comes back
 * through descriptor 3, so that nothing that the code prints can be taken for it, and no file is
 * written. Bash gets the code itself, with the inputs as environment and as JSON on its input. The
 * host writes the inputs: secrets may be among them, which are not read here.
 */
#include <stdlib.h>
#include <string.h>

#include "opstream/sdk.h"
#include "run.h"
#include "runners.h"

/* The inputs of bash as environment: the host writes the values, which may be secrets. */
struct variables {
    ops_str *entries; /* "NAME=" */
    ops_val *values;
    struct text names; /* what the entries are slices of */
    uint64_t n;
    uint64_t left_out; /* names of no variable */
};

static const char *const language_names[LANGUAGE_COUNT] = {"python", "bash", "javascript"};

static void on_stdout(void *user, ops_task task, ops_str bytes)
{
    (void)task;
    run_take_stdout(user, bytes);
}

static void on_stderr(void *user, ops_task task, ops_str bytes)
{
    (void)task;
    run_take_stderr(user, bytes);
}

static void on_result(void *user, ops_task task, ops_str bytes)
{
    struct run *run = user;
    (void)task;
    text_add(&run->answer, bytes);
}

/* What no variable can hold is still on the standard input. */
static void tell_left_out(ops_task task, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        ops_log_text(task, OPS_LOG_WARN,
                     "an input is too large for the environment, has a NUL byte, or no name of a "
                     "variable: read it from the standard input");
    }
}

static void on_exit_of_child(void *user, ops_task task, const ops_process_exit *exit,
                             const ops_error *err)
{
    struct run *run = user;
    if (exit != NULL) {
        tell_left_out(task, exit->env_left_out);
    }
    run_end(run, exit, err);
    run_destroy(run);
}

static struct run *begin_run(ops_task task, ops_val config)
{
    struct run *run = run_create(task);
    if (run == NULL) {
        return NULL;
    }
    ops_str language = ops_get_str(config, "language", "python");
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        if (ops_equal(language, language_names[i])) {
            run->language = (enum language)i;
        }
    }
    ops_str mode = ops_get_str(config, "result", "json");
    run->mode = ops_equal(mode, "text")   ? RESULT_TEXT
                : ops_equal(mode, "none") ? RESULT_NONE
                                          : RESULT_JSON;
    run->on_exit = ops_get(config, "on_exit");
    return run;
}

static ops_status spawn(struct run *run, const ops_str *argv, uint64_t n_argv, ops_val input,
                        const struct variables *variables)
{
    ops_process_spec spec = {
        .size = sizeof(spec),
        .flags = OPS_PROCESS_INHERIT_ENV,
        .argv = argv,
        .n_argv = n_argv,
        .env = variables->entries,
        .n_env = variables->n,
        .on_stdout = on_stdout,
        .on_stderr = on_stderr,
        .on_result = run->language != LANGUAGE_BASH ? on_result : NULL,
        .on_exit = on_exit_of_child,
        .user = run,
        .input_val = input,
        .env_vals = variables->values,
    };
    return ops.process->spawn(ops.h, run->task, &spec, NULL);
}

static ops_status start_with_runner(struct run *run, ops_str code, ops_val inputs)
{
    int is_python = run->language == LANGUAGE_PYTHON;
    const ops_str argv[] = {
        ops_text(run_program(run->language)),
        ops_text(is_python ? "-c" : "-e"),
        ops_text(is_python ? runner_python : runner_javascript),
    };
    const struct variables none = {0};
    struct ops_map map = ops_map_begin(run->task);
    ops_val request = 0;
    ops_map_str(&map, "code", code);
    ops_map_val(&map, "inputs", inputs);
    ops_status status = ops_map_end(&map, &request);
    return status == OPS_OK ? spawn(run, argv, 3, request, &none) : status;
}

static void variables_finish(struct variables *variables)
{
    text_finish(&variables->names);
    free(variables->entries);
    free(variables->values);
}

static int is_variable_name(ops_str name)
{
    uint64_t good = 0;
    while (good < name.n) {
        char c = name.p[good];
        int is_letter = c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(good > 0 && c >= '0' && c <= '9')) {
            return 0;
        }
        good++;
    }
    return name.n > 0;
}

/* Adds one; those whose name is none for a variable are left out. */
static void add_variable(struct variables *variables, ops_str name, ops_val value)
{
    if (!is_variable_name(name)) {
        variables->left_out++;
        return;
    }
    size_t begin = variables->names.n;
    text_add(&variables->names, name);
    text_add(&variables->names, ops_text("="));
    variables->entries[variables->n].n = variables->names.n - begin;
    variables->values[variables->n++] = value;
}

static ops_status make_variables(ops_val inputs, struct variables *variables)
{
    uint64_t n = ops.value->count(ops.h, inputs);
    variables->entries = calloc((size_t)n + 1, sizeof(*variables->entries));
    variables->values = calloc((size_t)n + 1, sizeof(*variables->values));
    ops_status status = variables->entries != NULL && variables->values != NULL ? OPS_OK
                                                                                : OPS_E_RESOURCE;
    for (uint64_t i = 0; i < n && status == OPS_OK; i++) {
        ops_str name = ops_text(NULL);
        ops_val value = 0;
        status = ops.value->pair(ops.h, inputs, i, &name, &value);
        if (status == OPS_OK) {
            add_variable(variables, name, value);
        }
    }
    uint64_t at = 0; /* the names do not move any more */
    for (uint64_t i = 0; i < variables->n; i++) {
        variables->entries[i].p = variables->names.p + at;
        at += variables->entries[i].n;
    }
    return status == OPS_OK && variables->names.is_failed ? OPS_E_RESOURCE : status;
}

static ops_status start_bash(struct run *run, ops_str code, ops_val inputs)
{
    const ops_str argv[] = {
        ops_text("bash"), ops_text("-c"), code, ops_text("bash"), /* $0 */
    };
    struct variables variables = {0};
    ops_status status = make_variables(inputs, &variables);
    if (status == OPS_OK) {
        status = spawn(run, argv, 4, inputs, &variables);
    }
    if (status == OPS_OK) {
        tell_left_out(run->task, variables.left_out);
    }
    variables_finish(&variables);
    return status;
}

/* What bash cannot be given is the config's fault. 1: it has been told. */
static int refuse_code(ops_task task, enum language language, ops_str code, const char *path)
{
    ops_error error = ops_error_make(OPS_E_CONFIG, NULL);
    if (language == LANGUAGE_BASH && code.n > OPS_PROCESS_ENTRY_MOST) {
        error.message = ops_text("the code is longer than 131,071 bytes, which bash cannot be "
                                 "given");
        error.hint = ops_text("put it in a file and run that");
    } else if (memchr(code.p, '\0', (size_t)code.n) != NULL) {
        error.message = ops_text("the code has a NUL byte");
    } else {
        return 0;
    }
    error.symbol = ops_text("code.syntax");
    error.path = ops_text(path);
    (void)ops.exec->fail(ops.h, task, &error);
    return 1;
}

static void code_execute(ops_node *node, ops_task task, ops_val config)
{
    (void)node;
    const char *key = ops_get(config, "code") != 0 ? "code" : "script";
    ops_str code = ops_get_str(config, key, "");
    struct run *run = begin_run(task, config);
    if (run == NULL) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
        return;
    }
    if (refuse_code(task, run->language, code, key[0] == 'c' ? "/code" : "/script")) {
        run_destroy(run);
        return;
    }
    ops_val inputs = ops_get(config, "input_mapping");
    ops_status status = OPS_OK;
    if (inputs == 0) {
        status = ops.value->new_map(ops.h, task, NULL, NULL, 0, &inputs);
    }
    if (status == OPS_OK) {
        status = run->language == LANGUAGE_BASH ? start_bash(run, code, inputs)
                                                : start_with_runner(run, code, inputs);
    }
    if (status != OPS_OK) {
        ops_fail_format(task, status, "the inputs cannot be given to %s",
                        run_program(run->language));
        run_destroy(run);
    }
}

static void code_shutdown(ops_plugin *plugin)
{
    (void)plugin;
    run_destroy_all();
}

static const ops_node_type code_type = OPS_NODE("code", OPS_NODE_PARALLEL, code_execute);
OPS_PLUGIN_WITH("code", "1.0.0", ops_default_init, code_shutdown, &code_type);
