/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.job: work of a task on the job pool.
 *
 * A task may end while its work still runs. The op then stays until the work has returned, since
 * the pool looks at it; its thread is given up, so that others do not wait for it.
 */
#include <stdlib.h>

#include "core/host/job.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

struct job_op {
    struct op op;
    struct job job;
    void (*work)(void *user);
    void (*done)(void *user, ops_task task, ops_status status);
    void *user;
    ops_status status;
};

static struct job_op *op_of(struct job *job)
{
    return (struct job_op *)(void *)((char *)job - offsetof(struct job_op, job));
}

static void job_op_call(struct op *op)
{
    struct job_op *job_op = (struct job_op *)op;
    job_op->done(job_op->user, op->task->handle, job_op->status);
}

static void job_op_call_cancelled(struct op *op)
{
    ((struct job_op *)op)->status = OPS_E_CANCELLED;
    job_op_call(op);
}

static void on_work(struct job *job)
{
    struct job_op *job_op = op_of(job);
    job_op->work(job_op->user);
}

static void on_done(struct job *job)
{
    op_finish(&op_of(job)->op, job_op_call);
}

static void job_op_start(struct op *op)
{
    struct job_op *job_op = (struct job_op *)op;
    job_op->job.work = on_work;
    job_op->job.done = on_done;
    if (job_pool_submit(op->host->jobs, &job_op->job) != 0) {
        job_op->status = OPS_E_RESOURCE;
        op_finish(op, job_op_call);
    }
}

static void job_op_abort(struct op *op, enum op_abort how)
{
    struct job_op *job_op = (struct job_op *)op;
    if (job_pool_take_back(op->host->jobs, &job_op->job)) {
        op_finish(op, job_op_call_cancelled);
    } else if (how == OP_ABORT_DROP) {
        (void)job_pool_give_up(op->host->jobs, &job_op->job); /* false: as many are lost as may */
    }
}

static void job_op_destroy(struct op *op)
{
    free(op);
}

static const struct op_type job_type = {
    .name = "job",
    .start = job_op_start,
    .abort = job_op_abort,
    .destroy = job_op_destroy,
};

static ops_status service_job_run(void *h, ops_task task, void (*work)(void *user),
                                  void (*done)(void *user, ops_task task, ops_status status),
                                  void *user, ops_op *out)
{
    struct job_op *job_op = calloc(1, sizeof(*job_op));
    if (job_op == NULL) {
        return OPS_E_RESOURCE;
    }
    ops_status status = op_init(&job_op->op, &job_type, h, task);
    if (status != OPS_OK) {
        free(job_op);
        return status;
    }
    if (work == NULL || done == NULL) {
        op_discard(&job_op->op);
        return OPS_E_INTERNAL;
    }
    job_op->work = work;
    job_op->done = done;
    job_op->user = user;
    return op_submit(&job_op->op, job_op_call_cancelled, out);
}

static ops_status service_job_abort(void *h, ops_op op)
{
    return op_request_abort(h, op, &job_type);
}

const ops_if_job service_job = {
    .size = sizeof(ops_if_job),
    .version = 1,
    .run = service_job_run,
    .abort = service_job_abort,
};
