/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_lines.h"

#include "core/cli/run_view.h"
#include "core/engine/record.h"
#include "core/model/pipeline.h"

enum {
    ITERATIONS_WITHOUT_SUM = 10,
    SUMS_OF_A_LOOP = 10,
    FIRST_SUM = 100, /* where the number of items is not known; doubled each time */
};

static bool is_inner(const struct run_lines *lines, struct step step)
{
    return step.frame != lines->view->root || !run_tree_is_plain(step);
}

/* Whether a line about an inner step may still be shown. Counts it. */
static bool take_step(struct run_lines *lines, struct step step)
{
    if (step.frame->is_quiet || lines->steps > RUN_LINES_STEPS_MOST) {
        return false;
    }
    if (lines->steps++ == RUN_LINES_STEPS_MOST) {
        run_text_note("... inner steps from here on: failures and sums only", lines->style,
                      lines->out);
        return false;
    }
    return true;
}

static bool take_failure(struct run_lines *lines)
{
    if (lines->failures > RUN_LINES_FAILURES_MOST) {
        return false;
    }
    if (lines->failures++ == RUN_LINES_FAILURES_MOST) {
        run_text_note("... inner failures from here on are counted only", lines->style, lines->out);
        return false;
    }
    return true;
}

static void add_started(struct run_lines *lines, struct step step)
{
    if (!lines->is_live && (!is_inner(lines, step) || take_step(lines, step))) {
        run_text_started(step, lines->style, lines->out);
    }
}

/* A loop or a call fails through what is in it, which has had its line. */
static bool is_worth_a_line(struct run_lines *lines, struct step step)
{
    const struct node_view *state = run_tree_state(step);
    if (state->state == NODE_NOT_RUN && !state->is_round_over) {
        return false;
    }
    if (!is_inner(lines, step)) {
        return true;
    }
    if (state->state == NODE_FAILED && !state->has_failures) {
        return take_failure(lines);
    }
    /* A live view keeps what is on the way of a machine, and endings and compensations. */
    bool is_kept = step.frame->top == RECORD_NO_NODE && !state->is_round_over;
    return (!lines->is_live || is_kept) && take_step(lines, step);
}

static void add_ended(struct run_lines *lines, struct step step)
{
    if (is_worth_a_line(lines, step)) {
        run_text_ended(step, lines->style, lines->out);
    }
}

static void add_retry(struct run_lines *lines, struct step step)
{
    if (!is_inner(lines, step) || (!lines->is_live && take_step(lines, step))) {
        run_text_retry(step, lines->style, lines->out);
    }
}

/* Ten lines for a loop whose number of items is known, one for each doubling otherwise. */
static void set_next_sum(struct node_view *loop)
{
    uint64_t tenth = loop->total / SUMS_OF_A_LOOP;
    if (loop->total > 0) {
        loop->next_sum += tenth > ITERATIONS_WITHOUT_SUM ? tenth : ITERATIONS_WITHOUT_SUM;
    } else {
        loop->next_sum = loop->next_sum > 0 ? 2 * loop->next_sum : FIRST_SUM;
    }
}

static void add_sum(struct run_lines *lines, struct step owner)
{
    struct node_view *loop = run_tree_state(owner);
    if (lines->is_live || run_tree_def(owner)->for_each == NULL || owner.frame->is_quiet) {
        return;
    }
    if (loop->next_sum == 0) {
        set_next_sum(loop);
    }
    if (loop->iterations < loop->next_sum) {
        return;
    }
    set_next_sum(loop);
    if (loop->iterations != loop->total && (!is_inner(lines, owner) || take_step(lines, owner))) {
        run_text_sum(owner, lines->style, lines->out);
    }
}

static void add_frame_ended(struct run_lines *lines, struct frame_view *frame,
                            const struct record *record)
{
    struct step owner = {.frame = frame->parent, .node = frame->owner};
    if (frame->kind != FRAME_ITEM && frame->kind != FRAME_GROUP) {
        return;
    }
    if (record->run_state == RUN_FAILED && lines->view->is_frames_own && take_failure(lines)) {
        run_text_frame_failed(frame, record->error, lines->style, lines->out);
    }
    add_sum(lines, owner);
}

void run_lines_add(struct run_lines *lines, const struct record *record)
{
    struct step step = run_view_step(lines->view, record->run, record->frame, record->node);
    if (step.frame == NULL) {
        return; /* memory ran out before */
    }
    if (record->type == RECORD_NODE_STARTED) {
        add_started(lines, step);
    } else if (record->type == RECORD_NODE_ENDED || record->type == RECORD_NODE_AGAIN) {
        add_ended(lines, step);
    } else if (record->type == RECORD_NODE_RETRY) {
        add_retry(lines, step);
    } else if (record->type == RECORD_FRAME_ENDED) {
        add_frame_ended(lines, step.frame, record);
    }
}

/* ---- waits ---- */

/* In a loop with many items, too: somebody has to know why it does not go on. */
static bool take_wait(struct run_lines *lines)
{
    if (lines->waits > RUN_LINES_WAITS_MOST) {
        return false;
    }
    if (lines->waits++ == RUN_LINES_WAITS_MOST) {
        run_text_note("... more inner steps wait", lines->style, lines->out);
        return false;
    }
    return true;
}

static bool is_brief(const struct run_lines *lines, const struct node_view *state)
{
    return state->gives_up_at != 0 &&
           state->gives_up_at - state->started_at <= lines->least_wait_ms;
}

static void add_waits_of(struct run_lines *lines, struct frame_view *frame)
{
    const struct body *body = frame->body;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count; i++) {
        struct step step = {.frame = frame, .node = i};
        struct node_view *state = run_tree_state(step);
        if (!run_tree_is_waiting(step) || state->is_told || is_brief(lines, state)) {
            continue;
        }
        state->is_told = true;
        if (!is_inner(lines, step) || take_wait(lines)) {
            run_text_waits(step, lines->style, lines->out);
        }
    }
}

void run_lines_add_waits(struct run_lines *lines)
{
    if (lines->view->new_waits == 0) {
        return;
    }
    lines->view->new_waits = 0;
    for (struct frame_view *frame = lines->view->tree.first; frame != NULL; frame = frame->next) {
        add_waits_of(lines, frame);
    }
}
