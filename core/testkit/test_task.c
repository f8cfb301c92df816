/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/test_task.h"

#include <stdlib.h>

#include "core/base/grow.h"
#include "core/host/task_failure.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* ---- All of them ---- */

static void task_destroy(struct test_task *task)
{
    if (task == NULL) {
        return;
    }
    free((void *)task->items.lines);
    free((void *)task->progress.lines);
    free((void *)task->logs.lines);
    arena_finish(&task->arena);
    free(task);
}

struct test_task *test_tasks_add(struct test_tasks *tasks)
{
    struct test_task **grown =
        array_reserve((void *)tasks->tasks, &tasks->cap, tasks->count + 1, sizeof *tasks->tasks);
    if (grown == NULL) {
        return NULL;
    }
    tasks->tasks = grown;
    struct test_task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        return NULL;
    }
    tasks->tasks[tasks->count++] = task;
    task->number = tasks->count;
    task->result = (ops_test_result){.message = "", .error = "", .port = "", .output = ""};
    return task;
}

struct test_task *test_tasks_get(const struct test_tasks *tasks, uint64_t number)
{
    return number > 0 && number <= tasks->count ? tasks->tasks[number - 1] : NULL;
}

struct test_task *test_tasks_find_handle(const struct test_tasks *tasks, host_task handle)
{
    for (size_t i = tasks->count; i > tasks->forgotten; i--) {
        struct test_task *task = tasks->tasks[i - 1];
        if (task != NULL && task->handle == handle) {
            return task;
        }
    }
    return NULL;
}

const struct test_forgotten *test_tasks_find_forgotten(const struct test_tasks *tasks,
                                                       host_task handle)
{
    for (size_t i = 0; i < FORGOTTEN_MOST; i++) {
        const struct test_forgotten *forgotten = &tasks->last_forgotten[i];
        if (forgotten->number != 0 && forgotten->handle == handle) {
            return forgotten;
        }
    }
    return NULL;
}

void test_tasks_forget(struct test_tasks *tasks, uint64_t number)
{
    const struct test_task *task = tasks->tasks[number - 1];
    tasks->last_forgotten[tasks->forgotten_count++ % FORGOTTEN_MOST] =
        (struct test_forgotten){task->handle, number, task->result.is_given_up != 0};
    task_destroy(tasks->tasks[number - 1]);
    tasks->tasks[number - 1] = NULL;
    while (tasks->forgotten < tasks->count && tasks->tasks[tasks->forgotten] == NULL) {
        tasks->forgotten++;
    }
}

void test_tasks_drop_last(struct test_tasks *tasks)
{
    task_destroy(tasks->tasks[--tasks->count]);
    tasks->forgotten = tasks->forgotten < tasks->count ? tasks->forgotten : tasks->count;
}

void test_tasks_finish(struct test_tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        task_destroy(tasks->tasks[i]);
    }
    free((void *)tasks->tasks);
    tasks->tasks = NULL;
}

/* ---- Texts ---- */

bool test_lines_add(struct test_lines *lines, struct arena *arena, struct str text)
{
    const char **grown =
        array_reserve((void *)lines->lines, &lines->cap, lines->count + 1, sizeof *lines->lines);
    if (grown == NULL) {
        return false;
    }
    lines->lines = grown;
    const char *copy = arena_dup(arena, text);
    if (copy == NULL) {
        return false;
    }
    lines->lines[lines->count++] = copy;
    return true;
}

const char *test_lines_at(const struct test_lines *lines, uint64_t i)
{
    return i < lines->count ? lines->lines[i] : NULL;
}

/* ---- The end ---- */

static const char *keep_json(struct test_task *task, const struct document *document)
{
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(document), JSON_COMPACT, &text);
    const char *copy = strbuf_status(&text) == 0 ? arena_dup(&task->arena, strbuf_str(&text))
                                                 : NULL;
    strbuf_finish(&text);
    return copy;
}

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

bool test_task_set_done(struct test_task *task, struct str port, const struct document *output)
{
    const char *json = keep_json(task, output);
    const char *port_copy = arena_dup(&task->arena, port);
    task->result.kind = OPS_TEST_DONE;
    task->result.output = text_or_empty(json);
    task->result.port = text_or_empty(port_copy);
    return json != NULL && port_copy != NULL;
}

static struct str member_text(const struct value *map, const char *key)
{
    const struct value *member = value_get(map, str_from(key));
    return value_is(member, VALUE_STRING) ? value_str(member) : str_make("", 0);
}

/* Where `text` is in the list, or 0. */
static uint32_t index_of(struct str text, const char *const *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (str_equal_text(text, names[i])) {
            return i;
        }
    }
    return 0;
}

bool test_task_set_failed(struct test_task *task, const struct document *error)
{
    static const char *const effects[] = {"none", "maybe", "done"}; /* OPS_EFFECT_* */
    static const char *const retries[] = {"default", "yes", "no"};  /* OPS_RETRY_* */
    const struct value *map = document_root(error);
    const struct value *after = value_get(map, STR("retry_after_ms"));
    const char *json = keep_json(task, error);
    const char *message = arena_dup(&task->arena, member_text(map, "message"));
    const char *code = arena_dup(&task->arena, member_text(map, "code"));
    task->result.kind = OPS_TEST_FAILED;
    task->result.code = code != NULL ? task_failure_code_from_name(code) : OPS_E_INTERNAL;
    task->result.effect = index_of(member_text(map, "effect"), effects, 3);
    task->result.retry = index_of(member_text(map, "retry"), retries, 3);
    task->result.retry_after_ms = value_is(after, VALUE_INT) ? (uint64_t)value_int(after) : 0;
    task->result.error = text_or_empty(json);
    task->result.message = text_or_empty(message);
    return json != NULL && message != NULL && code != NULL;
}
