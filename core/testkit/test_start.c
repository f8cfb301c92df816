/* SPDX-License-Identifier: Apache-2.0 */

/* Starting tasks, and what a test asks of the whole host. The contract is in opstream/test.h. */

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/testkit/testkit.h"
#include "core/value/value.h"

/* ---- Starting ---- */

static void on_deadline(struct host_alarm *alarm)
{
    struct test_task *task =
        (struct test_task *)((char *)alarm - offsetof(struct test_task, deadline));
    testkit_cancel(task, OPS_CANCEL_TIMEOUT);
}

/* What a start needs besides the spec. */
struct start {
    struct ops_test_host *host;
    struct test_task *task;
    struct document *settings;
    struct document *config;
    int64_t deadline_unix_ms;
};

static struct str text_or(const char *text, const char *otherwise)
{
    return str_from(text != NULL ? text : otherwise);
}

static int start_check(const struct start *start, const ops_test_spec *spec, struct error *err)
{
    const struct host_check_spec check = {
        .type = start->task->type,
        .settings = start->settings,
        .origin = text_or(spec->origin, ""),
        .deadline_unix_ms = start->deadline_unix_ms,
        .token = start->task->number,
    };
    return host_check_start(start->host->host, &check, &start->task->handle, err);
}

static int start_task(const struct start *start, const ops_test_spec *spec, struct error *err)
{
    char key[32];
    (void)snprintf(key, sizeof key, "key-%" PRIu64, start->task->number);
    const struct host_task_spec task = {
        .type = start->task->type,
        .settings = start->settings,
        .config = start->config,
        .run_id = text_or(spec->run_id, "run"),
        .workflow = STR("test"),
        .path = text_or(spec->node, "node"),
        .idempotency_key = text_or(spec->idempotency_key, key),
        .attempt = spec->attempt > 0 ? spec->attempt : 1,
        .deadline_unix_ms = start->deadline_unix_ms,
        .credits = spec->credits,
        .token = start->task->number,
    };
    return host_task_start(start->host->host, &task, &start->task->handle, err);
}

static int read_json(const struct start *start, const char *what, const char *text,
                     struct document **out_document, struct error *err)
{
    int status =
        fake_secrets_read(&start->host->secrets, text != NULL ? text : "{}", out_document, err);
    if (status != 0 && status != E_NOMEM) {
        error_prefix(err, "%s: ", what);
        err->code = E_INVALID;
        status = E_INVALID;
    }
    return status;
}

static int begin(struct start *start, const ops_test_spec *spec, struct error *err)
{
    int status = read_json(start, "settings", spec->settings, &start->settings, err);
    if (status == 0) {
        status = read_json(start, "config", spec->config, &start->config, err);
    }
    if (status != 0) {
        return status;
    }

    status = start->task->is_check ? start_check(start, spec, err) : start_task(start, spec, err);
    if (status == E_PLUGIN) {
        err->code = E_INVALID; /* create() failed */
    }
    return status;
}

static const struct node_type *find_type(const struct ops_test_host *host, const char *name,
                                         struct error *err)
{
    bool is_only_one = host->types[0] != NULL && host->types[1] == NULL;
    if (name == NULL && !is_only_one) {
        (void)error_set(err, E_NOT_FOUND, "the plugin has more than one node type: say which");
        return NULL;
    }
    return host_plugin_file_type(host->file, str_from(name != NULL ? name : host->types[0]), err);
}

static const char *spec_problem(const ops_test_spec *spec)
{
    bool is_check = (spec->flags & OPS_TEST_CHECK) != 0;
    bool has_more = spec->config != NULL || spec->idempotency_key != NULL || spec->run_id != NULL ||
                    spec->node != NULL || spec->attempt != 0 || spec->credits != 0;
    if ((spec->flags & ~OPS_TEST_CHECK) != 0 || spec->reserved0 != 0) {
        return "the spec has a flag that is not known";
    }
    if (is_check && has_more) {
        return "a check has a type, settings, an origin and a deadline, and nothing else";
    }
    return !is_check && spec->origin != NULL ? "only a check has an origin" : NULL;
}

static void start_deadline(struct test_task *task, uint64_t ms)
{
    if (ms > 0) {
        task->deadline.fire = on_deadline;
        test_clock_start(&task->owner->clock, &task->deadline, ms);
    }
}

static struct test_task *add_task(struct ops_test_host *host)
{
    testkit_lock(host);
    struct test_task *task = test_tasks_add(&host->tasks);
    testkit_unlock(host);
    return task;
}

static void drop_task(struct ops_test_host *host)
{
    testkit_lock(host);
    test_tasks_drop_last(&host->tasks);
    testkit_unlock(host);
}

ops_status ops_test_start(ops_test_host *host, const ops_test_spec *spec, ops_test_task *out,
                          ops_test_problem *why)
{
    struct error err = {0};
    const char *problem = spec_problem(spec);
    if (problem != NULL) {
        return testkit_refuse(OPS_E_CONFIG, why, problem);
    }
    const struct node_type *type = find_type(host, spec->type, &err);
    bool is_check = (spec->flags & OPS_TEST_CHECK) != 0;
    if (type != NULL && is_check && (type->flags & NODE_TYPE_CHECKS) == 0) {
        return testkit_refuse(OPS_E_NOT_FOUND, why, "the node type has no check()");
    }
    if (type == NULL) {
        return testkit_explain(&err, why);
    }
    struct start start = {.host = host, .task = add_task(host)};
    if (start.task == NULL) {
        return testkit_refuse(OPS_E_RESOURCE, why, "out of memory");
    }

    start.task->owner = host;
    start.task->type = type;
    start.task->is_check = is_check;
    start.task->credits = spec->credits;
    start.deadline_unix_ms =
        spec->deadline_ms > 0 ? ops_test_unix_ms(host) + (int64_t)spec->deadline_ms : 0;
    int status = begin(&start, spec, &err);
    document_unref(start.settings);
    document_unref(start.config);
    if (status != 0) {
        drop_task(host);
        return testkit_explain(&err, why);
    }
    host->running++;
    start_deadline(start.task, spec->deadline_ms);
    *out = start.task->number;
    return OPS_OK;
}

/* ---- Complaints and counts ---- */

const ops_test_complaint *ops_test_complaint_at(ops_test_host *host, size_t i)
{
    testkit_lock(host);
    const ops_test_complaint *complaint = complaint_at(&host->complaints, i);
    testkit_unlock(host);
    return complaint;
}

const char *ops_test_complaints(ops_test_host *host)
{
    struct strbuf *text = &host->complaints_text;
    testkit_lock(host);
    strbuf_clear(text);
    complaints_write(&host->complaints, text);
    bool is_short = strbuf_status(text) != 0 || host->complaints.is_short;
    testkit_unlock(host);
    if (is_short) {
        return "out of memory";
    }
    return text->n > 0 ? text->p : "";
}

void ops_test_count(ops_test_host *host, ops_test_counts *out)
{
    struct host_counts counts;
    host_count(host->host, &counts);
    testkit_lock(host);
    uint64_t calls = fault_all_calls(&host->faults);
    testkit_unlock(host);
    *out = (ops_test_counts){
        .tasks = counts.tasks,
        .abandoned = counts.abandoned,
        .operations = counts.operations,
        .http_open = host->http.open,
        .jobs = counts.jobs,
        .task_values = counts.task_values,
        .task_bytes = counts.task_bytes,
        .nodes = counts.instances,
        .kept_values = counts.kept_values,
        .kept_bytes = counts.kept_bytes,
        .calls = calls,
    };
}

/* ---- Faults ---- */

ops_status ops_test_fault_add(ops_test_host *host, const ops_test_fault *fault)
{
    testkit_lock(host);
    ops_status status = fault_add(&host->faults, fault);
    testkit_unlock(host);
    return status;
}

uint64_t ops_test_fault_hits(ops_test_host *host)
{
    testkit_lock(host);
    uint64_t hits = host->faults.hits;
    testkit_unlock(host);
    return hits;
}

const char *ops_test_fault_last(ops_test_host *host)
{
    testkit_lock(host);
    const char *name = host->faults.last_hit;
    testkit_unlock(host);
    return name;
}

void ops_test_fault_clear(ops_test_host *host)
{
    testkit_lock(host);
    faults_clear(&host->faults);
    testkit_unlock(host);
}

uint64_t ops_test_calls(ops_test_host *host, const char *where)
{
    testkit_lock(host);
    uint64_t calls = fault_calls(&host->faults, where);
    testkit_unlock(host);
    return calls;
}
