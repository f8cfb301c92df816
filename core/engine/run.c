/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning and the end of a run's memory, and what may be asked of it.
 */
#include "core/engine/run.h"
#include "core/engine/attempts.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/engine/endings.h"
#include "core/engine/run_state.h"
#include "core/engine/signals.h"
#include "core/model/policy.h"
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
    run->number = options->number;
    run->instance = options->instance;
    run->input = document_ref(options->input);
    run->reuse = document_ref(options->reuse);
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
    run->priority = pipeline->queued_by.n > 0 ? pipeline->nodes[0].policies->priority
                                              : QUEUE_PRIORITY_NORMAL;
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
    notices_finish(run);
    document_unref(run->input);
    document_unref(run->reuse);
    document_unref(run->output);
    document_unref(run->error);
    for (size_t i = 0; i < RUN_FAILURES_KEPT; i++) {
        document_unref(run->failures[i]);
    }
    free(run->frames);
    free(run->work);
    free(run->id);
    free(run->triggered_by);
    pipeline_unref(run->pipeline);
    free(run);
}

/* ---- queries ---- */

const struct purse_total *run_spent(const struct run *run)
{
    return &run->spent;
}

bool run_has_work(const struct run *run)
{
    return signals_have_news(run) || run->first_listed != NULL || run->first_settled != NULL ||
           notices_have_work(run) || endings_have_work(run);
}

bool run_has_failed(const struct run *run)
{
    return run->has_failed;
}

bool run_is_ended(const struct run *run)
{
    return run_state_is_terminal(run->state);
}

bool run_is_undoing(const struct run *run)
{
    return run->is_undoing;
}

bool run_is_paused(const struct run *run)
{
    return run->is_paused;
}

size_t run_event_count(const struct run *run)
{
    return run->signal_count;
}

uint32_t run_unknown_count(const struct run *run)
{
    return run->unknown;
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

uint64_t run_number(const struct run *run)
{
    return run->number;
}

uint64_t run_last_seq(const struct run *run)
{
    return run->last_seq;
}

void *run_user(const struct run *run)
{
    return run->user;
}

void run_note_memory(struct run *run, const struct run_memory *memory)
{
    run->memory = *memory;
}

uint32_t run_tasks(const struct run *run, bool is_called)
{
    return run->tasks + (is_called ? run->root_tasks : 0);
}

uint32_t run_max_memory_mb(const struct run *run)
{
    return run->max_memory_mb;
}

uint32_t run_depth(const struct run *run)
{
    return run->depth;
}

struct secrets *run_secrets(const struct run *run)
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

bool run_undo_child(const struct run *run, size_t i, struct run_attempt *out_attempt)
{
    for (size_t k = 0; k < run->undo.count; k++) {
        const struct undo_entry *entry = &run->undo.entries[k];
        if (entry->is_child && i-- == 0) {
            *out_attempt = (struct run_attempt){entry->frame, entry->node, entry->attempt};
            return true;
        }
    }
    return false;
}

const struct document *run_undo_error(const struct run *run)
{
    return run->undo.error;
}

const struct document *run_input(const struct run *run)
{
    return run->input;
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

struct turn_key run_turn(const struct run *run)
{
    return (struct turn_key){.at = run->turn_at, .id = run->number, .priority = run->priority};
}

struct run_node_view run_frame_node_in(const struct frame *frame, uint32_t node)
{
    const struct run_node *state = frame_node(frame, node);
    return (struct run_node_view){
        .state = (enum node_state)state->state,
        .is_delayed = state->is_delayed,
        .is_falling_back = state->is_falling_back,
        .from = state->from,
        .is_retrying = state->is_retrying,
        .failures = state->failures,
        .tries_end_at_unix_ms = attempts_end_at(frame, node),
        .is_untried = attempts_is_untried(frame, node),
        .is_unknown = state->is_unknown,
        .is_dead = state->is_dead,
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
