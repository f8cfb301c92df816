/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_kept.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

int run_kept_add_failure(struct run_kept *kept, char *path, const struct record *record)
{
    kept->failure_total++;
    if (kept->failure_count == RUN_KEPT_FAILURES_MOST) {
        free(path);
        return 0;
    }
    struct failure_view *failures = array_reserve(kept->failures, &kept->failure_cap,
                                                  kept->failure_count + 1, sizeof(*failures));
    kept->failures = failures != NULL ? failures : kept->failures;
    if (failures == NULL || path == NULL) {
        free(path);
        return E_NOMEM;
    }
    failures[kept->failure_count++] = (struct failure_view){
        .path = path, .error = document_ref(record->error), .is_handled = record->is_handled};
    return 0;
}

int run_kept_add_step(struct run_kept *kept, struct step step)
{
    const struct node_view *state = run_tree_state(step);
    if (!kept->keeps_steps) {
        return 0;
    }
    kept->step_total++;
    if (kept->step_count == RUN_KEPT_STEPS_MOST) {
        return 0;
    }
    struct step_view *steps =
        array_reserve(kept->steps, &kept->step_cap, kept->step_count + 1, sizeof(*steps));
    char *path = steps != NULL ? run_tree_path(step) : NULL;
    char *child = state->child != NULL ? str_dup(str_from(state->child)) : NULL;
    kept->steps = steps != NULL ? steps : kept->steps;
    if (path == NULL || (state->child != NULL && child == NULL)) {
        free(path);
        free(child);
        return E_NOMEM;
    }
    kept->steps[kept->step_count++] = (struct step_view){
        .path = path,
        .id = run_tree_def(step)->id,
        .state = state->state,
        .attempt = state->attempt - state->before,
        .started_at = state->started_at,
        .ended_at = state->ended_at,
        .output = document_ref(state->output),
        .error = document_ref(state->error),
        .from = state->from,
        .detail = document_ref(state->detail),
        .child = child,
    };
    return 0;
}

int run_kept_add_state(struct run_kept *kept, uint32_t node)
{
    kept->history_total++;
    if (kept->history_count == RUN_KEPT_HISTORY_MOST) {
        return 0;
    }
    uint32_t *history =
        array_reserve(kept->history, &kept->history_cap, kept->history_count + 1, sizeof(*history));
    if (history == NULL) {
        return E_NOMEM;
    }
    kept->history = history;
    history[kept->history_count++] = node;
    return 0;
}

int run_kept_add_event(struct run_kept *kept, const struct document *event)
{
    const struct document **events = array_reserve(
        (void *)kept->events, &kept->event_cap, kept->event_count + 1, sizeof(struct document *));
    if (events == NULL) {
        return E_NOMEM;
    }
    kept->events = events;
    events[kept->event_count++] = document_ref(event);
    return 0;
}

void run_kept_drop_event(struct run_kept *kept, uint64_t index)
{
    if (index >= kept->event_count) {
        return; /* memory ran out before */
    }
    document_unref(kept->events[index]);
    kept->event_count--;
    memmove((void *)(kept->events + index), (const void *)(kept->events + index + 1),
            (kept->event_count - index) * sizeof(struct document *));
}

void run_kept_finish(struct run_kept *kept)
{
    for (size_t i = 0; i < kept->failure_count; i++) {
        free(kept->failures[i].path);
        document_unref(kept->failures[i].error);
    }
    for (size_t i = 0; i < kept->step_count; i++) {
        free(kept->steps[i].path);
        free(kept->steps[i].child);
        document_unref(kept->steps[i].output);
        document_unref(kept->steps[i].error);
        document_unref(kept->steps[i].detail);
    }
    for (size_t i = 0; i < kept->event_count; i++) {
        document_unref(kept->events[i]);
    }
    free(kept->failures);
    free(kept->steps);
    free((void *)kept->events);
    free(kept->history);
    *kept = (struct run_kept){0};
}
