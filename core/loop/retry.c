/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a run that has ended, for another one that does the rest of its work. */
#include <stdio.h>

#include "core/base/error.h"
#include "core/engine/restore.h"
#include "core/engine/reuse.h"
#include "core/engine/run.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop_state.h"
#include "core/loop/retry_calls.h"
#include "core/loop/run_definition.h"
#include "core/loop/run_env.h"
#include "core/loop/run_rows.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

struct reading {
    struct loop *loop;
    struct loop_retry *retry;
    struct run *run;
    struct error *err;
};

static int find_pipeline(const struct reading *r, const struct journal_run *row)
{
    const struct pipeline *pipeline = NULL;
    const struct run_definition_wish wish = {
        .digest = row->definition, .workflow = row->workflow, .env = r->retry->env};
    int status = run_definition_find(r->loop, &wish, &pipeline, r->err);
    if (status == 0) {
        r->retry->pipeline = pipeline_ref(pipeline);
    }
    return status == LOOP_BLOCKED ? E_INVALID : status;
}

static int make_run(void *user, const struct journal_run *row)
{
    struct reading *r = user;
    struct run_options options = {.number = row->number, .id = row->id};
    if (row->queued_by.n > 0) { /* it would have another key, and the work might be done twice */
        return error_set(r->err, E_CONFLICT,
                         "it is a call of the retry queue, and no run: 'opstream dlq requeue' has "
                         "it made again, while it is neither done nor dropped");
    }
    if (row->ended_at == 0) {
        return error_set(r->err, E_CONFLICT,
                         "the run has not ended, it is %.*s; 'opstream cancel' ends it",
                         STR_ARG(row->blocked.n > 0 ? STR("blocked") : row->state));
    }
    if (row->parent != 0) {
        return error_set(r->err, E_INVALID,
                         "the run was called by another one: that one can be tried again");
    }
    int status = find_pipeline(r, row);
    if (status == 0) {
        status = run_rows_read_options(row->options, &options, r->err);
    }
    options.pipeline = r->retry->pipeline;
    if (status == 0) {
        status = run_create(&options, &r->run, r->err);
    }
    (void)snprintf(r->retry->definition, sizeof(r->retry->definition), "%.*s",
                   STR_ARG(row->definition));
    return status;
}

static int apply_row(void *user, const struct journal_row *row)
{
    struct reading *r = user;
    const struct restore_row restored = journal_row_to_restore(row);
    return restore_row(r->run, &restored, NULL, NULL, r->err);
}

int loop_retry_read(struct loop *loop, const struct loop_retry_wish *wish,
                    struct loop_retry *out_retry, struct error *err)
{
    const uint64_t number = wish->number;
    struct loop_retry retry = {0};
    struct reading r = {.loop = loop, .retry = &retry, .err = err};
    if (run_env_merge(run_env_find(&loop->env, number), wish->env, &retry.env) != 0) {
        return error_nomem(err);
    }
    int status = journal_reader_run_by_number(loop->reader, number, make_run, &r, err);
    if (status == 0) {
        status = journal_reader_rows(loop->reader, number, 0, 0, apply_row, &r, err);
    }
    if (status == 0 && !wish->takes_nothing) {
        status = reuse_build(r.run, wish->from, &retry.reuse, err);
    }
    if (status == 0 && !wish->may_double) {
        status = retry_calls_check(loop->reader, r.run, retry.reuse, err);
    }
    if (status == 0) {
        retry.input = document_ref(run_input(r.run));
    }
    run_destroy(r.run);
    if (status != 0) {
        loop_retry_finish(&retry);
        return status;
    }
    *out_retry = retry;
    return 0;
}

void loop_retry_finish(struct loop_retry *retry)
{
    pipeline_unref(retry->pipeline);
    document_unref(retry->input);
    document_unref(retry->reuse);
    document_unref(retry->env);
    *retry = (struct loop_retry){0};
}
