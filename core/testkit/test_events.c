/* SPDX-License-Identifier: Apache-2.0 */

/* What tasks tell, as the host's events; and how tests read it. */

#include <stdio.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/host/validate.h"
#include "core/model/catalogue.h"
#include "core/testkit/testkit.h"
#include "core/value/json.h"
#include "core/value/value.h"

static struct test_task *task_of(void *user, uint64_t token)
{
    struct ops_test_host *host = user;
    return test_tasks_get(&host->tasks, token);
}

static void task_is_over(struct test_task *task, bool is_kept)
{
    struct ops_test_host *host = task->owner;
    test_clock_stop(&task->deadline);
    host->running--;
    host->is_short = host->is_short || !is_kept;
    host->later -= task->cancel_later != 0 ? 1 : 0;
    task->cancel_later = 0;
    task->cancel_at.step = 0;
}

/* Outcomes besides success have no schema. */
static void check_output(const struct test_task *task, struct str port,
                         const struct document *output)
{
    struct error err = {0};
    bool has_schema = !task->is_check && port.n == 0 && task->type->output_schema != NULL;
    if (!has_schema || validate_document(task->type->output_schema, output, &err) == 0) {
        return;
    }
    error_prefix(&err,
                 "the output breaks the output_schema of '%.*s': ", STR_ARG(task->type->name));
    testkit_complain(task->owner, OPS_TEST_BAD_OUTPUT, task->number, COMPLAINT_FAULT, err.message);
}

static void on_done(void *user, uint64_t token, struct str port, const struct document *output)
{
    struct test_task *task = task_of(user, token);
    task_is_over(task, test_task_set_done(task, port, output));
    check_output(task, port, output);
}

static void on_failed(void *user, uint64_t token, const struct document *error)
{
    struct test_task *task = task_of(user, token);
    task_is_over(task, test_task_set_failed(task, error));
}

static void on_given_up(void *user, uint64_t token)
{
    struct test_task *task = task_of(user, token);
    task->result.is_given_up = 1;
    if (!task->was_killed) {
        testkit_complain(task->owner, OPS_TEST_GIVEN_UP, token, COMPLAINT_FAULT,
                         "it did not end within the grace after it was cancelled");
    }
}

/* Takes what is in `line`. */
static void keep_line(struct test_task *task, struct test_lines *lines, struct strbuf *line)
{
    bool is_kept = strbuf_status(line) == 0 &&
                   test_lines_add(lines, &task->arena, strbuf_str(line));
    task->owner->is_short = task->owner->is_short || !is_kept;
    strbuf_finish(line);
}

static void on_progress(void *user, uint64_t token, double fraction, struct str note)
{
    struct test_task *task = task_of(user, token);
    struct strbuf line = STRBUF_INIT;
    strbuf_append_format(&line, "%g", fraction);
    strbuf_append_text(&line, note.n > 0 ? " " : "");
    strbuf_append_str(&line, note);
    keep_line(task, &task->progress, &line);
}

static void on_item(void *user, uint64_t token, const struct document *item)
{
    struct test_task *task = task_of(user, token);
    struct strbuf line = STRBUF_INIT;
    json_write(document_root(item), JSON_COMPACT, &line);
    keep_line(task, &task->items, &line);
    if (task->credits == 0) {
        host_task_credit(task->owner->host, task->handle, 1);
    }
}

static void on_log(void *user, uint64_t token, int level, struct str text)
{
    struct test_task *task = task_of(user, token);
    struct strbuf line = STRBUF_INIT;
    strbuf_append_format(&line, "%s: ", log_level_name((enum log_level)level));
    strbuf_append_str(&line, text);
    keep_line(task, &task->logs, &line);
}

static void on_step(void *user, uint64_t token, enum host_step step)
{
    struct test_task *task = task_of(user, token);
    if (task == NULL) { /* it was given up and forgotten, and its thread comes back */
        return;
    }
    struct test_moment *at = &task->cancel_at;
    if (step != HOST_STEP_ENDS) {
        task->steps++;
        task->step_began_ns = step == HOST_STEP_BEGINS ? uv_hrtime() : 0;
    } else if (task->step_began_ns != 0) {
        uint64_t took_ns = uv_hrtime() - task->step_began_ns;
        task->longest_ns = took_ns > task->longest_ns ? took_ns : task->longest_ns;
    }
    bool is_now = at->step != 0 && at->step == task->steps &&
                  (at->moment == OPS_TEST_BEFORE) == (step != HOST_STEP_ENDS);
    if (!is_now) {
        return;
    }
    at->step = 0;
    if (at->moment == OPS_TEST_LATER) {
        task->cancel_later = at->how;
        task->owner->later++;
    } else {
        testkit_cancel(task, at->how);
    }
}

struct host_events testkit_events(struct ops_test_host *host)
{
    return (struct host_events){.user = host,
                                .on_done = on_done,
                                .on_failed = on_failed,
                                .on_progress = on_progress,
                                .on_item = on_item,
                                .on_log = on_log,
                                .on_given_up = on_given_up,
                                .on_step = on_step};
}

/* ---- For tests: the contract is in opstream/test.h ---- */

/* Who ended it from another thread may not have returned from that yet: the host has told, though.
 */
const ops_test_result *ops_test_end(ops_test_host *host, ops_test_task number)
{
    struct test_task *task = test_tasks_get(&host->tasks, number);
    if (task == NULL) {
        return NULL;
    }
    ops_test_result *result = &task->result;
    bool is_by_plugin = result->kind != OPS_TEST_RUNNING && result->is_given_up == 0;
    testkit_lock(host);
    result->ends = (is_by_plugin ? 1 : 0) + task->more_ends;
    testkit_unlock(host);
    return result;
}

uint64_t ops_test_item_count(const ops_test_host *host, ops_test_task number)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    return task != NULL ? task->items.count : 0;
}

const char *ops_test_item(const ops_test_host *host, ops_test_task number, uint64_t i)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    return task != NULL ? test_lines_at(&task->items, i) : NULL;
}

uint64_t ops_test_progress_count(const ops_test_host *host, ops_test_task number)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    return task != NULL ? task->progress.count : 0;
}

const char *ops_test_progress(const ops_test_host *host, ops_test_task number, uint64_t i)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    return task != NULL ? test_lines_at(&task->progress, i) : NULL;
}

/* The plugin's own lines may come from any thread. */
uint64_t ops_test_log_count(ops_test_host *host, ops_test_task number)
{
    if (number == 0) {
        testkit_lock(host);
        uint64_t count = host->logs.count;
        testkit_unlock(host);
        return count;
    }
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    return task != NULL ? task->logs.count : 0;
}

const char *ops_test_log(ops_test_host *host, ops_test_task number, uint64_t i)
{
    if (number == 0) {
        testkit_lock(host);
        const char *line = test_lines_at(&host->logs, i);
        testkit_unlock(host);
        return line;
    }
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    return task != NULL ? test_lines_at(&task->logs, i) : NULL;
}

ops_status ops_test_forget(ops_test_host *host, ops_test_task number)
{
    const struct test_task *task = test_tasks_get(&host->tasks, number);
    if (task == NULL || task->result.kind == OPS_TEST_RUNNING) {
        return OPS_E_STALE;
    }
    testkit_lock(host);
    test_tasks_forget(&host->tasks, number);
    testkit_unlock(host);
    return OPS_OK;
}
