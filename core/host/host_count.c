/* SPDX-License-Identifier: Apache-2.0 */

/* What there is of a host's things, and whether something is at work: for tests of plugins. */

#include "core/host/host.h"
#include "core/host/instance.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

void *host_tables_self(void *h)
{
    const struct plugin *plugin = plugin_from(h);
    return plugin != NULL && plugin->host->tables != NULL ? plugin->host->tables->self : NULL;
}

static uint64_t jobs_at_work(struct host *host)
{
    struct job_counts counts = job_pool_counts(host->jobs);
    uint64_t lost = counts.lost < counts.running ? counts.lost : counts.running;
    return (uint64_t)counts.queued + counts.running - lost;
}

static void count_task(struct task *task, struct host_counts *out)
{
    out->tasks++;
    scope_count(&task->scope, &out->task_values, &out->task_bytes);
    (void)pthread_mutex_lock(&task->lock);
    for (struct scope *scope = task->open_scopes; scope != NULL; scope = scope->next_open) {
        scope_count(scope, &out->task_values, &out->task_bytes);
    }
    (void)pthread_mutex_unlock(&task->lock);
}

static void count_plugin(struct plugin *plugin, struct host_counts *out)
{
    scope_count(plugin->scope, &out->kept_values, &out->kept_bytes);
    for (struct instance *at = plugin->instances; at != NULL; at = at->next) {
        out->instances++;
        scope_count(at->scope, &out->kept_values, &out->kept_bytes);
    }
}

void host_count(struct host *host, struct host_counts *out)
{
    struct job_counts jobs = job_pool_counts(host->jobs);
    *out = (struct host_counts){.abandoned = host->abandoned_count,
                                .operations = handle_table_live(&host->ops),
                                .jobs = jobs_at_work(host),
                                .lost_jobs = jobs.lost,
                                .threads = jobs.threads};
    for (struct task *task = host->first_task; task != NULL; task = task->next) {
        count_task(task, out);
    }
    for (struct plugin *plugin = host->plugins; plugin != NULL; plugin = plugin->next) {
        count_plugin(plugin, out);
    }
}

bool host_has_thread(struct host *host, pid_t tid)
{
    return job_pool_has_thread(host->jobs, tid);
}

bool host_has_mail(struct host *host)
{
    return mailbox_has_items(&host->mailbox);
}

/* In this order: a job that ends is posted before it is not counted any more. */
bool host_is_at_work(struct host *host)
{
    if (jobs_at_work(host) > 0 || host_has_mail(host)) {
        return true;
    }
    for (struct task *task = host->first_task; task != NULL; task = task->next) {
        for (const struct op *op = task->ops; op != NULL; op = op->next) {
            if (op->type->is_real) {
                return true;
            }
        }
    }
    return false;
}
