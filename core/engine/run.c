/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning and the end of a run's memory, and what may be asked of it.
 */
#include "core/engine/run.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/engine/endings.h"
#include "core/engine/run_state.h"
#include "core/engine/signals.h"
#include "core/value/value.h"

enum { DEFAULT_MAX_MEMORY_MB = 1024 };

/* ---- lifecycle ---- */

int run_create(const struct run_options *options, struct run **out_run, struct error *err)
{
    const struct pipeline *pipeline = options->pipeline;
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return error_nomem(err);
    }
    run->pipeline = pipeline_ref(pipeline);
    run->input = document_ref(options->input);
    run->user = options->user;
    run->depth = options->depth;
    run->max_memory_mb = options->max_memory_mb;
    if (run->max_memory_mb == 0) {
        run->max_memory_mb = pipeline->max_memory_mb > 0 ? pipeline->max_memory_mb
                                                         : DEFAULT_MAX_MEMORY_MB;
    }
    run->has_rollback = pipeline->has_rollback ||
                        (options->has_rollback && !pipeline->refuses_rollback);
    run->secrets = options->secrets;
    run->id = str_dup(options->id);
    run->triggered_by = str_dup(options->triggered_by);
    run->root = frame_create(run, NULL, 0, &pipeline->bodies[0]);
    run->next_frame = 1;
    run->work = calloc((size_t)pipeline->node_count + 1, sizeof(*run->work));
    if (run->id == NULL || run->triggered_by == NULL || run->root == NULL || run->work == NULL) {
        run_destroy(run);
        return error_nomem(err);
    }
    *out_run = run;
    return 0;
}

void run_destroy(struct run *run)
{
    if (run == NULL) {
        return;
    }
    frame_destroy(run->root);
    signals_finish(run);
    undo_finish(run);
    document_unref(run->input);
    document_unref(run->output);
    document_unref(run->error);
    free(run->frames);
    free(run->work);
    free(run->id);
    free(run->triggered_by);
    pipeline_unref(run->pipeline);
    free(run);
}

/* ---- queries ---- */

bool run_has_work(const struct run *run)
{
    return signals_have_news(run) || run->first_listed != NULL || run->first_settled != NULL ||
           endings_have_work(run);
}

bool run_has_failed(const struct run *run)
{
    return run->has_failed;
}

bool run_is_ended(const struct run *run)
{
    return run->state == RUN_COMPLETED || run->state == RUN_FAILED || run->state == RUN_CANCELLED;
}

enum run_state run_state(const struct run *run)
{
    return run->state;
}

const struct pipeline *run_pipeline(const struct run *run)
{
    return run->pipeline;
}

struct str run_id(const struct run *run)
{
    return str_from(run->id);
}

void *run_user(const struct run *run)
{
    return run->user;
}

void run_note_value_bytes(struct run *run, size_t bytes)
{
    run->value_bytes = bytes;
}

uint32_t run_max_memory_mb(const struct run *run)
{
    return run->max_memory_mb;
}

uint32_t run_depth(const struct run *run)
{
    return run->depth;
}

const struct secrets *run_secrets(const struct run *run)
{
    return run->secrets;
}

bool run_has_rollback(const struct run *run)
{
    return run->has_rollback;
}

bool run_has_undo(const struct run *run)
{
    return run->state == RUN_COMPLETED && run->undo.count > 0;
}

const struct document *run_undo_error(const struct run *run)
{
    return run->undo.error;
}

const struct document *run_output(const struct run *run)
{
    return run->output;
}

const struct document *run_error(const struct run *run)
{
    return run->error;
}

int64_t run_started_at(const struct run *run)
{
    return run->started_at;
}

struct run_node_view run_frame_node_in(const struct frame *frame, uint32_t node)
{
    const struct run_node *state = frame_node(frame, node);
    return (struct run_node_view){
        .state = (enum node_state)state->state,
        .attempt = state->attempt,
        .outcome = state->outcome,
        .ready_at_unix_ms = state->ready_at,
        .started_at_unix_ms = state->started_at,
        .ended_at_unix_ms = state->ended_at,
        .output = state->output,
        .error = state->error,
        .detail = state->detail,
    };
}

struct run_node_view run_frame_node(const struct run *run, uint64_t frame, uint32_t node)
{
    const struct frame *at = frame_find(run, frame);
    return at != NULL ? run_frame_node_in(at, node) : (struct run_node_view){0};
}

struct run_node_view run_node(const struct run *run, uint32_t node)
{
    return run_frame_node_in(run->root, node);
}
