/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node type `jq`: reshapes JSON by a jq program, with libjq, on the host's job pool.
 *
 * A timer looks after each run: over its time or memory it is stopped (program.h). A run that does
 * not even stop is given up after a moment: the task fails, and the thread is lost until libjq
 * comes back, if ever. The host replaces 16 lost threads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

enum {
    TICK_MS = 100,
    GIVE_UP_MS = 1000, /* from the stop to giving up */
    TIME_LIMIT_MS = 10000,
};

static const uint64_t memory_limit_bytes = (uint64_t)1 << 30;

/* One task. Both sides may end first: the pool with the work, or the task when it is given up. */
struct job {
    struct job *next; /* of all that are under way */
    struct job **prev;
    struct run run;
    uint64_t begun_ns; /* 0: no thread has taken it yet; guarded by the run's mutex, as is: */
    int is_finished;
    int is_given_up; /* the task has ended, and the work frees the job */
    uint64_t stopped_ns;
    uint64_t time_limit_ns;
    uint64_t memory_limit;
    uint64_t memory_before;
};

/* Static, because a run that was given up may come back to it at any time. */
static struct programs programs = PROGRAMS_INIT;

/* All that are under way: to find a task's, and those that the host dropped without a word. */
static pthread_mutex_t jobs_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct job *first_job;

/* Resident bytes of the whole process: libjq does not tell what one program takes. */
static uint64_t resident_bytes(void)
{
    char text[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    char *got = fgets(text, sizeof(text), file);
    (void)fclose(file); /* it was only read */
    char *resident = got != NULL ? strchr(text, ' ') : NULL;
    return resident != NULL ? strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void job_link(struct job *job)
{
    (void)pthread_mutex_lock(&jobs_mutex);
    job->next = first_job;
    job->prev = &first_job;
    if (first_job != NULL) {
        first_job->prev = &job->next;
    }
    first_job = job;
    (void)pthread_mutex_unlock(&jobs_mutex);
}

static void job_destroy(struct job *job)
{
    (void)pthread_mutex_lock(&jobs_mutex);
    *job->prev = job->next;
    if (job->next != NULL) {
        job->next->prev = job->prev;
    }
    (void)pthread_mutex_unlock(&jobs_mutex);
    (void)pthread_mutex_destroy(&job->run.mutex); /* nobody else knows of it any more */
    free(job);
}

static struct job *job_create(ops_task task, ops_val config)
{
    struct job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return NULL;
    }
    ops_task_info info = {.size = sizeof(info)};
    (void)ops.exec->info(ops.h, task, &info); /* without it the defaults hold */
    ops_str results = ops_get_str(config, "results", "one");
    job->run.programs = &programs;
    job->run.task = task;
    job->run.input = ops_get(config, "input");
    job->run.program = ops_get_str(config, "program", ".");
    job->run.results = ops_equal(results, "all")     ? RESULTS_ALL
                       : ops_equal(results, "first") ? RESULTS_FIRST
                                                     : RESULTS_ONE;
    job->time_limit_ns = (uint64_t)ops_get_i64(config, "time_limit_ms", TIME_LIMIT_MS) * 1000000u;
    job->memory_limit = info.memory_bytes != 0 ? info.memory_bytes : memory_limit_bytes;
    job->memory_before = resident_bytes();
    (void)pthread_mutex_init(&job->run.mutex, NULL); /* with glibc it needs no memory */
    job_link(job);
    return job;
}

static void end_task(const struct job *job)
{
    const struct outcome *outcome = &job->run.outcome;
    if (outcome->code == OPS_OK) {
        ops_complete(job->run.task, outcome->output);
        return;
    }
    ops_error error = ops_error_make(outcome->code, outcome->message);
    error.retry = OPS_RETRY_NO; /* the same input would give the same */
    error.symbol = ops_text(outcome->symbol);
    error.hint = ops_text(outcome->hint);
    if (outcome->code == OPS_E_CONFIG) {
        error.path = ops_text("/program");
    }
    (void)ops.exec->fail(ops.h, job->run.task, &error); /* stale: it was given up just now */
}

/* On a thread of the pool. */
static void on_work(void *user)
{
    struct job *job = user;
    (void)pthread_mutex_lock(&job->run.mutex);
    job->begun_ns = ops.timer->now_ns(ops.h);
    (void)pthread_mutex_unlock(&job->run.mutex);
    program_run(&job->run);
    (void)pthread_mutex_lock(&job->run.mutex);
    job->is_finished = 1;
    int is_given_up = job->is_given_up;
    (void)pthread_mutex_unlock(&job->run.mutex);
    if (is_given_up) {
        job_destroy(job); /* the task is long over: nobody else will */
    }
}

static void on_done(void *user, ops_task task, ops_status status)
{
    struct job *job = user;
    if (status == OPS_OK) {
        end_task(job);
    } else {
        ops_fail_text(task, status, "the program was not run");
    }
    job_destroy(job);
}

/*
 * Ends the task while the work goes on. If it has not begun or has just ended, on_done() comes.
 * 1: the job is the work's now.
 */
static int give_up(struct job *job, const ops_error *error)
{
    ops_task task = job->run.task;
    (void)pthread_mutex_lock(&job->run.mutex);
    int is_given_up = job->begun_ns != 0 && !job->is_finished;
    job->is_given_up = is_given_up;
    (void)pthread_mutex_unlock(&job->run.mutex);
    if (is_given_up) {
        (void)ops.exec->fail(ops.h, task, error); /* stale: it was the host that gave it up */
    }
    return is_given_up;
}

static int give_up_hung(struct job *job)
{
    ops_error error = ops_error_make(
        OPS_E_TIMEOUT, "the program could not be stopped: one of its steps takes too long");
    error.retry = OPS_RETRY_NO;
    error.symbol = ops_text("jq.timeout");
    error.hint = ops_text("sort, match or build less at once");
    return give_up(job, &error);
}

static void stop(struct job *job, enum stop why, uint64_t now_ns)
{
    if (job->stopped_ns == 0) {
        job->stopped_ns = now_ns;
        program_stop(&job->run, why);
    }
}

/* 1: the job is not ours any more. */
static int look_after(struct job *job)
{
    uint64_t now_ns = ops.timer->now_ns(ops.h);
    if (job->stopped_ns != 0) {
        int is_hung = now_ns - job->stopped_ns > (uint64_t)GIVE_UP_MS * 1000000u;
        return is_hung ? give_up_hung(job) : 0;
    }
    (void)pthread_mutex_lock(&job->run.mutex);
    uint64_t begun_ns = job->begun_ns;
    (void)pthread_mutex_unlock(&job->run.mutex);
    if (begun_ns != 0 && now_ns - begun_ns > job->time_limit_ns) {
        stop(job, STOP_TIME, now_ns);
    } else if (begun_ns != 0 && resident_bytes() > job->memory_before + job->memory_limit) {
        stop(job, STOP_MEMORY, now_ns);
    }
    return 0;
}

static void on_tick(void *user, ops_task task, ops_status status)
{
    struct job *job = user;
    if (status == OPS_OK && !look_after(job)) {
        (void)ops.timer->after(ops.h, task, TICK_MS, on_tick, job, NULL); /* stale: it has ended */
    }
}

static struct job *find_job(ops_task task)
{
    (void)pthread_mutex_lock(&jobs_mutex);
    struct job *job = first_job;
    while (job != NULL && job->run.task != task) {
        job = job->next;
    }
    (void)pthread_mutex_unlock(&jobs_mutex);
    return job;
}

/* The end is not waited for: no timer of a cancelled task runs that could look after it. */
static void jq_cancel(ops_node *node, ops_task task, uint32_t reason)
{
    (void)node;
    struct job *job = find_job(task); /* there as long as its task, which has not ended */
    if (job == NULL) {
        return;
    }
    stop(job, STOP_CANCEL, ops.timer->now_ns(ops.h));
    int is_late = reason == OPS_CANCEL_TIMEOUT;
    ops_error error = ops_error_make(is_late ? OPS_E_TIMEOUT : OPS_E_CANCELLED,
                                     is_late ? "the program did not end in time"
                                             : "the program was ended by a cancel");
    error.retry = OPS_RETRY_NO;
    error.symbol = ops_text(is_late ? "jq.timeout" : "jq.cancelled");
    (void)give_up(job, &error);
}

static void jq_execute(ops_node *node, ops_task task, ops_val config)
{
    (void)node;
    struct job *job = job_create(task, config);
    if (job == NULL) {
        ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
        return;
    }
    ops_status status = ops.timer->after(ops.h, task, TICK_MS, on_tick, job, NULL);
    if (status == OPS_OK) {
        status = ops.job->run(ops.h, task, on_work, on_done, job, NULL);
    }
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the program cannot be run: too much waits already");
        job_destroy(job); /* the timer does not come: the task has ended */
    }
}

static void jq_shutdown(ops_plugin *plugin)
{
    (void)plugin;
    while (first_job != NULL) {
        job_destroy(first_job);
    }
    programs_drop(&programs);
}

static const ops_node_type jq_type =
    OPS_NODE_WITH_CANCEL("jq", OPS_NODE_PARALLEL | OPS_NODE_IDEMPOTENT, jq_execute, jq_cancel);
OPS_PLUGIN_WITH("jq", "1.0.0", ops_default_init, jq_shutdown, &jq_type);
