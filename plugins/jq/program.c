/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libjq stops for two things only: jq_halt(), which it looks at before each instruction, and the
 * handler that it calls when memory is out, before it would abort the process. The first may come
 * from another thread; what it sets is an int that nobody else writes meanwhile. The second jumps
 * back to the begin of the run; what libjq had in its hands is leaked then, and so is the program.
 * Nothing stops a single long instruction (a sort, a regular expression): see the README.
 */
#include "program.h"

#include <jq.h>
#include <jv.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

/* Deeper values are not even freed: libjq would do that by recursion. */
enum { DEPTH_THAT_CAN_BE_FREED = 2000, MESSAGE_BYTES = 900 };

/* The results as they come, as JSON. */
struct collected {
    char *p;
    size_t n;
    size_t cap;
    uint32_t count;
};

static void program_destroy(struct program *program)
{
    if (program == NULL) {
        return;
    }
    if (program->jq != NULL) {
        jq_teardown(&program->jq);
    }
    free(program->text);
    free(program);
}

static void fail(struct run *run, ops_status code, const char *symbol, const char *message)
{
    run->outcome.code = code;
    run->outcome.symbol = symbol;
    (void)snprintf(run->outcome.message, sizeof(run->outcome.message), "%s", message);
}

static struct program *take_kept(struct programs *programs, ops_str text)
{
    (void)pthread_mutex_lock(&programs->mutex);
    struct program **at = &programs->kept;
    while (*at != NULL && ((*at)->n != text.n || memcmp((*at)->text, text.p, text.n) != 0)) {
        at = &(*at)->next;
    }
    struct program *program = *at;
    if (program != NULL) {
        *at = program->next;
        programs->count--;
    }
    (void)pthread_mutex_unlock(&programs->mutex);
    return program;
}

/* Keeps the program for the next one, and drops the one that was not used for longest. */
static void give_back(struct programs *programs, struct program *program)
{
    struct program *dropped = NULL;
    (void)pthread_mutex_lock(&programs->mutex);
    program->next = programs->kept;
    programs->kept = program;
    if (++programs->count > PROGRAMS_KEPT) {
        struct program **at = &programs->kept;
        while ((*at)->next != NULL) {
            at = &(*at)->next;
        }
        dropped = *at;
        *at = NULL;
        programs->count--;
    }
    (void)pthread_mutex_unlock(&programs->mutex);
    program_destroy(dropped);
}

/* libjq's messages begin with "jq: error: " and repeat the program from the second line on. */
static void on_message(void *data, jv message)
{
    struct run *run = data;
    if (jv_get_kind(message) == JV_KIND_STRING && run->outcome.message[0] == '\0') {
        const char *text = jv_string_value(message);
        const char *prefix = "jq: error: ";
        text += strncmp(text, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
        int n = (int)strcspn(text, "\n");
        n = n < MESSAGE_BYTES ? n : MESSAGE_BYTES;
        while (n > 0 && (text[n - 1] == ':' || text[n - 1] == ' ')) {
            n--;
        }
        (void)snprintf(run->outcome.message, sizeof(run->outcome.message),
                       "the program does not compile: %.*s", n, text);
    }
    jv_free(message);
}

static int refuse_program(struct run *run)
{
    if (run->program.n > PROGRAM_BYTES_MAX) {
        fail(run, OPS_E_CONFIG, "jq.program", "the program is longer than 256 KiB");
        return 1;
    }
    if (memchr(run->program.p, '\0', (size_t)run->program.n) != NULL) {
        fail(run, OPS_E_CONFIG, "jq.program", "the program has a NUL byte");
        return 1;
    }
    struct scan_finding finding = scan_program(run->program);
    if (finding.cure == NULL) {
        return 0;
    }
    run->outcome.code = OPS_E_CONFIG;
    run->outcome.symbol = "jq.refused";
    run->outcome.hint = finding.cure;
    (void)snprintf(run->outcome.message, sizeof(run->outcome.message),
                   "'%.*s' may not be used (line %u of the program)", (int)finding.name.n,
                   finding.name.p, finding.line);
    return 1;
}

/* Where the thread goes back to; the data of libjq's handler get lost on the way. */
static _Thread_local jmp_buf *no_memory_jump;

static void on_no_memory(void *data)
{
    (void)data;
    longjmp(*no_memory_jump, 1);
}

static struct program *compile(struct run *run)
{
    struct program *program = calloc(1, sizeof(*program));
    char *text = malloc((size_t)run->program.n + 1);
    if (program == NULL || text == NULL) {
        free(program);
        free(text);
        fail(run, OPS_E_RESOURCE, "jq.memory", "out of memory");
        return NULL;
    }
    memcpy(text, run->program.p, (size_t)run->program.n);
    text[run->program.n] = '\0';
    program->text = text;
    program->n = run->program.n;
    program->jq = jq_init();
    if (program->jq == NULL) {
        program_destroy(program);
        fail(run, OPS_E_RESOURCE, "jq.memory", "out of memory");
        return NULL;
    }
    jq_set_nomem_handler(program->jq, on_no_memory, NULL);
    jq_set_error_cb(program->jq, on_message, run);
    if (!jq_compile(program->jq, text)) {
        program_destroy(program);
        run->outcome.code = OPS_E_CONFIG;
        run->outcome.symbol = "jq.syntax";
        return NULL;
    }
    return program;
}

/* How deep the borrowed value is, but not more than `limit`. */
static int depth_of(jv value, int limit)
{
    jv_kind kind = jv_get_kind(value);
    int deepest = 0;
    if (limit <= 0) {
        return 0;
    }
    if (kind == JV_KIND_ARRAY) {
        jv_array_foreach(value, i, item)
        {
            int depth = depth_of(item, limit - 1);
            deepest = depth > deepest ? depth : deepest;
            jv_free(item);
        }
    } else if (kind == JV_KIND_OBJECT) {
        jv_object_foreach(value, key, item)
        {
            int depth = depth_of(item, limit - 1);
            deepest = depth > deepest ? depth : deepest;
            jv_free(key);
            jv_free(item);
        }
    } else {
        return 0;
    }
    return deepest + 1;
}

static int append(struct collected *out, const char *bytes, size_t n)
{
    if (out->n + n + 1 > out->cap) {
        size_t cap = out->cap * 2 > out->n + n + 1 ? out->cap * 2 : out->n + n + 1;
        char *p = realloc(out->p, cap);
        if (p == NULL) {
            return 0;
        }
        out->p = p;
        out->cap = cap;
    }
    memcpy(out->p + out->n, bytes, n);
    out->n += n;
    return 1;
}

/* Takes the value. 0: the run is over. */
static int collect(struct run *run, struct collected *out, jv value)
{
    int depth = depth_of(value, DEPTH_THAT_CAN_BE_FREED);
    if (depth > RESULT_DEPTH_MAX) {
        fail(run, OPS_E_INPUT, "jq.result", "a result is nested deeper than 63 levels");
        if (depth < DEPTH_THAT_CAN_BE_FREED) {
            jv_free(value);
        }
        return 0;
    }
    jv text = jv_dump_string(value, 0);
    size_t n = (size_t)jv_string_length_bytes(jv_copy(text));
    int is_kept = out->n + n <= RESULT_BYTES_MAX && out->count < RESULT_COUNT_MAX &&
                  (out->count == 0 || append(out, ",", 1)) && append(out, jv_string_value(text), n);
    jv_free(text);
    out->count++;
    if (!is_kept) {
        fail(run, OPS_E_RESOURCE, "jq.result",
             "the results are more than 16 MiB or a million values");
    }
    return is_kept;
}

static void fail_by_error(struct run *run, jv message)
{
    jv text = jv_get_kind(message) == JV_KIND_STRING ? message : jv_dump_string(message, 0);
    char line[MESSAGE_BYTES + 16];
    (void)snprintf(line, sizeof(line), "%.*s", MESSAGE_BYTES, jv_string_value(text));
    jv_free(text);
    size_t n = strlen(line);
    while (n > 0 && ((unsigned char)line[n - 1] & 0x80) != 0 && n >= MESSAGE_BYTES - 4) {
        line[--n] = '\0'; /* it may have been cut inside a character */
    }
    fail(run, OPS_E_INPUT, "jq.error", line);
}

static void fail_by_stop(struct run *run, enum stop stop)
{
    switch (stop) {
    case STOP_TIME:
        fail(run, OPS_E_TIMEOUT, "jq.timeout", "the program did not end in time and was stopped");
        run->outcome.hint = "make it do less, or raise 'time_limit_ms'";
        return;
    case STOP_MEMORY:
        fail(run, OPS_E_RESOURCE, "jq.memory",
             "the program was stopped: the memory in use grew by more than its limit");
        run->outcome.hint = "make it do less, or raise the node's 'limits: {memory: 2GB}'";
        return;
    case STOP_CANCEL:
    case STOP_NONE:
        fail(run, OPS_E_CANCELLED, "jq.cancelled", "cancelled");
        return;
    }
}

/* From here on the run may be stopped. 0: it was stopped already. */
static int set_running(struct run *run, struct program *program)
{
    (void)pthread_mutex_lock(&run->mutex);
    int is_free = run->stop == STOP_NONE;
    run->running = is_free ? program : NULL;
    (void)pthread_mutex_unlock(&run->mutex);
    return is_free;
}

static enum stop clear_running(struct run *run)
{
    (void)pthread_mutex_lock(&run->mutex);
    run->running = NULL;
    enum stop stop = run->stop;
    (void)pthread_mutex_unlock(&run->mutex);
    return stop;
}

/* All results, until the program ends or is stopped. 0: it failed, and that is noted. */
static int run_to_end(struct run *run, struct program *program, jv input, struct collected *out)
{
    jq_start(program->jq, input, 0);
    if (!set_running(run, program)) { /* after the start, which takes a halt back */
        return 0;
    }
    for (;;) {
        jv value = jq_next(program->jq);
        if (jv_is_valid(value)) {
            if (!collect(run, out, value)) {
                return 0;
            }
            if (run->results == RESULTS_FIRST || (run->results == RESULTS_ONE && out->count > 1)) {
                return 1;
            }
            continue;
        }
        if (jq_halted(program->jq)) {
            jv_free(value);
            return 0; /* whoever did it says why */
        }
        if (jv_invalid_has_msg(jv_copy(value))) {
            fail_by_error(run, jv_invalid_get_msg(value));
            return 0;
        }
        jv_free(value);
        return 1;
    }
}

static void make_output(struct run *run, struct collected *out)
{
    if (run->results == RESULTS_ONE && out->count > 1) {
        fail(run, OPS_E_INPUT, "jq.results", "the program gave more than one result");
        run->outcome.hint = "put it in [ ], or set 'results: first' or 'results: all'";
        return;
    }
    ops_str text = ops_slice(out->p, out->n);
    struct collected list = {0};
    if (run->results == RESULTS_ALL) {
        if (!append(&list, "[", 1) || !append(&list, out->n > 0 ? out->p : "", out->n) ||
            !append(&list, "]", 1)) {
            free(list.p);
            fail(run, OPS_E_RESOURCE, "jq.memory", "out of memory");
            return;
        }
        text = ops_slice(list.p, list.n);
    } else if (out->count == 0) {
        text = ops_text("null");
    }
    run->outcome.code = ops.value->from_json(ops.h, run->task, text, &run->outcome.output, NULL);
    if (run->outcome.code != OPS_OK) {
        fail(run, run->outcome.code, "jq.result", "the result is too large, or no JSON");
    }
    free(list.p);
}

static void run_program(struct run *run, struct program *program, struct collected *out)
{
    ops_str json = ops_text("null");
    if (run->input != 0 && ops.value->to_json(ops.h, run->input, &json) != OPS_OK) {
        fail(run, OPS_E_RESOURCE, "jq.input", "the input cannot be read");
        return;
    }
    if (json.n > INT32_MAX / 2) {
        fail(run, OPS_E_RESOURCE, "jq.input", "the input is larger than 1 GiB");
        return;
    }
    jv input = jv_parse_sized(json.p, (int)json.n);
    if (!jv_is_valid(input)) {
        jv_free(input);
        fail(run, OPS_E_INPUT, "jq.input", "libjq cannot read the input");
        return;
    }
    if (run_to_end(run, program, input, out)) {
        make_output(run, out);
    }
}

/* A program that was stopped is not used again; of another the last value is dropped. */
static void end_run(struct run *run, struct program *program)
{
    enum stop stop = clear_running(run);
    if (stop != STOP_NONE) {
        fail_by_stop(run, stop);
        program_destroy(program);
        return;
    }
    jq_start(program->jq, jv_null(), 0);
    jq_set_error_cb(program->jq, NULL, NULL);
    give_back(run->programs, program);
}

void program_run(struct run *run)
{
    if (refuse_program(run)) {
        return;
    }
    struct program *volatile program = take_kept(run->programs, run->program);
    struct collected *out = calloc(1, sizeof(*out));
    jmp_buf no_memory;
    if (out == NULL || setjmp(no_memory) != 0) {
        (void)clear_running(run);
        fail(run, OPS_E_RESOURCE, "jq.memory", "out of memory");
        run->outcome.hint = "make the program do less";
        return; /* the program is in an unknown state: it is never used again */
    }
    no_memory_jump = &no_memory;
    if (program == NULL) {
        program = compile(run);
    } else {
        jq_set_nomem_handler(program->jq, on_no_memory, NULL); /* it is the thread's */
    }
    if (program != NULL) {
        run_program(run, program, out);
        end_run(run, program);
    }
    free(out->p);
    free(out);
}

void program_stop(struct run *run, enum stop why)
{
    (void)pthread_mutex_lock(&run->mutex);
    if (run->stop == STOP_NONE) {
        run->stop = why;
        if (run->running != NULL) {
            jq_halt(run->running->jq, jv_invalid(), jv_invalid());
        }
    }
    (void)pthread_mutex_unlock(&run->mutex);
}

void programs_drop(struct programs *programs)
{
    (void)pthread_mutex_lock(&programs->mutex);
    struct program *kept = programs->kept;
    programs->kept = NULL;
    programs->count = 0;
    (void)pthread_mutex_unlock(&programs->mutex);
    while (kept != NULL) {
        struct program *next = kept->next;
        program_destroy(kept);
        kept = next;
    }
}
