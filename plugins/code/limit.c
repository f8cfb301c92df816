/* SPDX-License-Identifier: Apache-2.0 */
#include "limit.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

enum unit { UNIT_BYTES, UNIT_MS, UNIT_COUNT };

enum kind {
    KIND_NONE,
    KIND_WALL,
    KIND_CPU,
    KIND_MEMORY,
    KIND_OUTPUT,
    KIND_FILE_SIZE,
    KIND_PROCESSES,
    KIND_OPEN_FILES,
    KIND_COUNT,
};

static const struct {
    ops_status code;
    enum unit unit;
    const char *symbol;
    const char *of; /* behind the value */
    const char *hint;
} kinds[KIND_COUNT] = {
    [KIND_WALL] = {OPS_E_TIMEOUT, UNIT_MS, "code.wall_limit", "by the clock",
                   "raise 'wall' under the node's 'limits'"},
    [KIND_CPU] = {OPS_E_RESOURCE, UNIT_MS, "code.cpu_limit", "of computing time",
                  "raise 'cpu_time' under the node's 'limits'"},
    [KIND_MEMORY] = {OPS_E_RESOURCE, UNIT_BYTES, "code.memory_limit", "of memory",
                     "use less, or raise 'memory' under the node's 'limits'"},
    [KIND_OUTPUT] = {OPS_E_RESOURCE, UNIT_BYTES, "code.output_limit", "of output",
                     "write less, or raise 'output' under the node's 'limits'"},
    [KIND_FILE_SIZE] = {OPS_E_RESOURCE, UNIT_BYTES, "code.file_size_limit", "for one file",
                        "write less, or raise 'file_size' under the node's 'limits'"},
    [KIND_PROCESSES] = {OPS_E_RESOURCE, UNIT_COUNT, "code.processes_limit", "processes",
                        "start fewer at once, or raise 'processes' under the node's 'limits'"},
    [KIND_OPEN_FILES] = {OPS_E_RESOURCE, UNIT_COUNT, "code.open_files_limit", "open files",
                         "open fewer at once, or raise 'open_files' under the node's 'limits'"},
};

static enum kind kind_of_exit(uint32_t limit)
{
    switch (limit) {
    case OPS_LIMIT_WALL:
        return KIND_WALL;
    case OPS_LIMIT_CPU:
        return KIND_CPU;
    case OPS_LIMIT_MEMORY:
        return KIND_MEMORY;
    case OPS_LIMIT_OUTPUT:
        return KIND_OUTPUT;
    case OPS_LIMIT_FILE:
        return KIND_FILE_SIZE;
    case OPS_LIMIT_COUNT:
        return KIND_PROCESSES;
    default:
        return KIND_NONE;
    }
}

void limit_add_size(struct text *text, uint64_t bytes)
{
    static const struct {
        uint64_t bytes;
        const char *name;
    } units[] = {
        {1, "bytes"},     {1000, "KB"},       {1 << 10, "KiB"}, {1000000, "MB"},
        {1 << 20, "MiB"}, {1000000000, "GB"}, {1 << 30, "GiB"},
    };
    size_t best = 0; /* the shortest number: as it was written, most likely */
    for (size_t i = 1; i < sizeof(units) / sizeof(units[0]); i++) {
        if (bytes % units[i].bytes == 0 && units[i].bytes > units[best].bytes) {
            best = i;
        }
    }
    text_add_format(text, "%" PRIu64 " %s", bytes / units[best].bytes, units[best].name);
}

void limit_add_duration(struct text *text, uint64_t ms)
{
    static const struct {
        uint64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (units[i].ms > 1 && (ms == 0 || ms % units[i].ms != 0)) {
        i++;
    }
    text_add_format(text, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
}

static int has(ops_str text, const char *part)
{
    return text.n > 0 && memmem(text.p, (size_t)text.n, part, strlen(part)) != NULL;
}

/* What the kernel refused, as the exception names it. */
static enum kind kind_of_answer(ops_val answer)
{
    int64_t number = ops_get_i64(answer, "errno", 0);
    if (ops_equal(ops_get_str(answer, "error", ""), "MemoryError") || number == ENOMEM ||
        has(ops_get_str(answer, "message", ""), "Array buffer allocation failed")) {
        return KIND_MEMORY;
    }
    return number == EFBIG ? KIND_FILE_SIZE : number == EMFILE ? KIND_OPEN_FILES : KIND_NONE;
}

/* The same, as programs say it that tell nothing but their last words. */
static enum kind kind_of_words(const struct run *run)
{
    ops_str errors = text_slice(&run->errors);
    ops_str last = text_last_line(errors);
    if (has(last, "annot allocate ") || has(last, "std::bad_alloc") ||
        has(errors, "JavaScript heap out of memory")) {
        return KIND_MEMORY;
    }
    return has(last, "File too large")        ? KIND_FILE_SIZE
           : has(last, "Too many open files") ? KIND_OPEN_FILES
                                              : KIND_NONE;
}

/* 0: the node has no such limit. */
static uint64_t limit_of_node(const struct run *run, enum kind kind)
{
    ops_task_info info = {.size = sizeof(info)};
    (void)ops.exec->info(ops.h, run->task, &info); /* all is 0 then */
    switch (kind) {
    case KIND_MEMORY:
        return info.memory_bytes;
    case KIND_FILE_SIZE:
        return info.file_bytes;
    case KIND_CPU:
        return info.cpu_ms;
    case KIND_OPEN_FILES:
        return info.open_files;
    default:
        return 0;
    }
}

/* A shell tells by its exit code that what it ran was killed. */
static enum kind kind_of_code(const ops_process_exit *exit)
{
    return exit->exit_code == 128 + SIGXCPU   ? KIND_CPU
           : exit->exit_code == 128 + SIGXFSZ ? KIND_FILE_SIZE
                                              : KIND_NONE;
}

/*
 * That a program which failed had used nearly all of its memory says nothing when it names another
 * reason, or ended by an exit code of its own.
 */
static enum kind kind_for_sure(const ops_process_exit *exit, ops_val answer)
{
    int is_guess = exit->limit == OPS_LIMIT_MEMORY && (answer != 0 || exit->signal == 0);
    return is_guess ? KIND_NONE : kind_of_exit(exit->limit);
}

int limit_find(const struct run *run, const ops_process_exit *exit, ops_val answer,
               struct limit_hit *out)
{
    enum kind kind = kind_for_sure(exit, answer);
    uint64_t value = exit->limit_value;
    /* Memory and processes may be refused, and the program ends as it likes, or all of it is
     * killed. */
    int may_refuse = kind == KIND_MEMORY || kind == KIND_PROCESSES;
    int is_killed = kind != KIND_NONE && (!may_refuse || exit->signal == SIGKILL);
    if (kind == KIND_NONE) {
        kind = answer != 0 ? kind_of_answer(answer) : kind_of_code(exit);
        kind = answer == 0 && kind == KIND_NONE ? kind_of_words(run) : kind;
        value = limit_of_node(run, kind);
    }
    if (kind == KIND_NONE || value == 0) {
        return 0;
    }
    *out = (struct limit_hit){
        .code = kinds[kind].code, .symbol = kinds[kind].symbol, .hint = kinds[kind].hint};
    text_add(&out->text,
             ops_text(is_killed ? "was killed at its limit of " : "failed at its limit of "));
    if (kinds[kind].unit == UNIT_BYTES) {
        limit_add_size(&out->text, value);
    } else if (kinds[kind].unit == UNIT_MS) {
        limit_add_duration(&out->text, value);
    } else {
        text_add_format(&out->text, "%" PRIu64, value);
    }
    text_add_format(&out->text, " %s", kinds[kind].of);
    return 1;
}
