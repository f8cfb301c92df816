/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_text.h"

#include <stdio.h>

#include "core/base/quantity.h"
#include "core/cli/job_text.h"
#include "core/cli/run_view.h"
#include "core/cli/terminal.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

enum {
    NAME_COLUMNS_LEAST = 8,
    NAME_COLUMNS_PADDED = 32, /* of longer names only their own lines are wider */
    PATH_COLUMNS = 20,
    WORD_COLUMNS = 10,
    OTHER_COLUMNS = 36, /* what a row has beside the name: the word, the time, counts */
    EVENTS_SHOWN = 5,
};

/* Paths are longer than names. */
static bool has_paths(const struct pipeline *pipeline)
{
    for (uint32_t i = 0; i < pipeline->bodies[0].node_count; i++) {
        if (pipeline->nodes[i].kind == NODE_WORKFLOW) {
            return true;
        }
    }
    return pipeline->body_count > 1;
}

struct run_text_style run_text_style_of(const struct run_view *view, bool is_colored,
                                        unsigned live_columns)
{
    size_t widest = NAME_COLUMNS_LEAST;
    size_t padded = NAME_COLUMNS_PADDED;
    size_t most = 0;
    if (live_columns > 0) {
        most = live_columns > OTHER_COLUMNS ? live_columns - OTHER_COLUMNS : 0;
        most = most < NAME_COLUMNS_LEAST ? NAME_COLUMNS_LEAST : most;
        padded = most < padded ? most : padded;
        widest = has_paths(view->pipeline) ? PATH_COLUMNS : widest;
    }
    for (uint32_t i = 0; i < view->node_count; i++) {
        size_t width = terminal_safe_width(view->pipeline->nodes[i].name);
        widest = width > widest ? width : widest;
    }
    widest = widest > padded ? padded : widest;
    return (struct run_text_style){
        .is_colored = is_colored, .name_columns = (unsigned)widest, .name_most = (unsigned)most};
}

/* ---- parts of lines ---- */

static void append_padding(struct strbuf *out, size_t used, size_t columns)
{
    for (; used < columns; used++) {
        strbuf_append_char(out, ' ');
    }
}

static void append_path(struct step step, struct strbuf *out)
{
    struct strbuf path = STRBUF_INIT;
    run_tree_append_path(step, &path);
    terminal_append_safe(out, strbuf_str(&path));
    strbuf_finish(&path);
}

/* The end of `text` that fits, behind a sign that something is left out; returns its width. */
static size_t append_tail(struct str text, size_t columns, struct strbuf *out)
{
    size_t width = terminal_width(text);
    if (width > columns) {
        while (width + 1 > columns && text.n > 0) {
            size_t n = 1;
            while (n < text.n && ((unsigned char)text.p[n] & 0xc0u) == 0x80u) {
                n++;
            }
            width -= terminal_width(str_make(text.p, n));
            text = str_make(text.p + n, text.n - n);
        }
        strbuf_append_text(out, "\xE2\x80\xA6"); /* an ellipsis */
        width++;
    }
    strbuf_append_str(out, text);
    return width;
}

/* Names that differ do so at their end as often as at their start. Returns the width. */
static size_t append_ends(struct str name, size_t most, struct strbuf *out)
{
    size_t width = terminal_width(name);
    if (most == 0 || width <= most) {
        strbuf_append_str(out, name);
        return width;
    }
    struct str head = str_make(name.p, terminal_fit(name, (most - 1) / 2));
    size_t used = terminal_width(head);
    strbuf_append_str(out, head);
    return used + append_tail(str_make(name.p + head.n, name.n - head.n), most - used, out);
}

/* A name may be cut, a path is not: a line of a log may be long. */
static void append_name(struct step step, struct run_text_style style, struct strbuf *out)
{
    struct strbuf safe = STRBUF_INIT;
    bool is_plain = run_tree_is_plain(step);
    if (is_plain) {
        terminal_append_safe(&safe, run_tree_def(step)->name);
    } else {
        append_path(step, &safe);
    }
    size_t width = append_ends(strbuf_str(&safe), is_plain ? style.name_most : 0, out);
    append_padding(out, width, style.name_columns);
    strbuf_finish(&safe);
}

static enum terminal_color color_of(enum node_state state)
{
    switch (state) {
    case NODE_COMPLETED:
        return COLOR_GREEN;
    case NODE_FAILED:
        return COLOR_RED;
    case NODE_CANCELLED:
    case NODE_STOPPING:
        return COLOR_YELLOW;
    case NODE_RUNNING:
        return COLOR_BLUE;
    case NODE_PENDING:
    case NODE_READY:
    case NODE_QUEUED:
    case NODE_SKIPPED:
    case NODE_NOT_RUN:
        return COLOR_DIM;
    }
    return COLOR_NONE;
}

static void append_word(struct strbuf *out, const char *word, enum terminal_color color,
                        struct run_text_style style)
{
    terminal_append_color(out, style.is_colored, color, str_from(word));
    append_padding(out, strlen(word), WORD_COLUMNS);
    strbuf_append_char(out, ' ');
}

static void append_duration(struct strbuf *out, int64_t ms)
{
    char text[QUANTITY_TEXT_SIZE];
    quantity_format_duration(ms, text);
    strbuf_append_format(out, "%8s", text);
}

void run_text_append_error(const struct document *failure, struct strbuf *out)
{
    job_text_append_error(failure != NULL ? document_root(failure) : NULL, out);
}

void run_text_append_failure(const struct document *failure, struct strbuf *out)
{
    job_text_append_failure(failure != NULL ? document_root(failure) : NULL, out);
}

void run_text_append_counts(const struct node_view *node, struct strbuf *out)
{
    strbuf_append_format(out, "%llu", (unsigned long long)node->iterations);
    if (node->total > 0) {
        strbuf_append_format(out, "/%llu", (unsigned long long)node->total);
    }
    if (node->failed_iterations > 0) {
        strbuf_append_format(out, ", %llu failed", (unsigned long long)node->failed_iterations);
    }
}

static void append_event(struct strbuf *out, struct str name)
{
    strbuf_append_char(out, '\'');
    terminal_append_safe(out, name);
    strbuf_append_char(out, '\'');
}

/* Transitions may name an event more than once, each time with another guard. */
static bool is_named_before(const struct pipeline *pipeline, const struct node *def, uint32_t i)
{
    uint32_t outcome = pipeline->edges[def->first_out + i].outcome;
    for (uint32_t k = 0; k < i; k++) {
        if (pipeline->edges[def->first_out + k].outcome == outcome) {
            return true;
        }
    }
    return outcome < OUTCOME_FIRST_NAMED;
}

static void append_transitions(struct step step, struct strbuf *out)
{
    const struct pipeline *pipeline = step.frame->pipeline;
    const struct node *def = run_tree_def(step);
    struct strbuf names = STRBUF_INIT;
    uint32_t count = 0;
    for (uint32_t i = 0; i < def->out_count; i++) {
        if (is_named_before(pipeline, def, i)) {
            continue;
        }
        if (count < EVENTS_SHOWN) {
            strbuf_append_text(&names, count > 0 ? ", " : "");
            append_event(&names, pipeline->outcomes[pipeline->edges[def->first_out + i].outcome]);
        }
        count++;
    }
    strbuf_append_text(out, count == 1 ? "for the event " : "for one of the events ");
    strbuf_append_str(out, strbuf_str(&names));
    if (count > EVENTS_SHOWN) {
        strbuf_append_format(out, " and %u more", count - EVENTS_SHOWN);
    }
    strbuf_finish(&names);
}

void run_text_append_wait(struct step step, struct strbuf *out)
{
    const struct document *name = run_tree_state(step)->waits_for;
    const struct document *failure = run_tree_state(step)->error;
    if (run_tree_state(step)->is_unknown) {
        strbuf_append_text(out, "for you to say whether it did its work: 'opstream resolve'");
        if (failure != NULL) {
            strbuf_append_text(out, "  ");
            run_text_append_failure(failure, out);
        }
        return;
    }
    if (name == NULL) {
        append_transitions(step, out);
        return;
    }
    strbuf_append_text(out, "for the event ");
    append_event(out, value_str(document_root(name)));
}

/* ---- lines ---- */

void run_text_started(struct step step, struct run_text_style style, struct strbuf *out)
{
    const struct node_view *state = run_tree_state(step);
    append_word(out, "started", COLOR_BLUE, style);
    append_name(step, style, out);
    strbuf_append_text(out, "  ");
    terminal_append_color(out, style.is_colored, COLOR_DIM, run_tree_def(step)->type->name);
    if (state->attempt > state->before + 1) {
        strbuf_append_format(out, "  attempt %u", state->attempt - state->before);
    }
    strbuf_append_char(out, '\n');
}

static void append_end_of_loop(const struct node_view *node, struct strbuf *out)
{
    strbuf_append_format(out, "  %llu %s", (unsigned long long)node->iterations,
                         node->iterations == 1 ? "item" : "items");
    if (node->failed_iterations > 0) {
        strbuf_append_format(out, ", %llu failed", (unsigned long long)node->failed_iterations);
    }
}

static void append_next_round(const struct node_view *node, struct strbuf *out)
{
    char text[QUANTITY_TEXT_SIZE];
    quantity_format_duration(node->due_at - node->ended_at, text);
    strbuf_append_format(out, "  again in %s", text);
}

/* What stood in for the call; why follows, where there was one. */
static void append_origin(const struct node_view *node, struct strbuf *out)
{
    static const char *const texts[] = {
        [0] = "",
        [OUTPUT_FROM_CACHE] = "  from cache",
        [OUTPUT_FROM_FALLBACK] = "  from fallback",
        [OUTPUT_FROM_BOTH] = "  from cache, as fallback",
        [OUTPUT_FROM_QUEUE] = "  circuit open, in the retry queue: ",
    };
    strbuf_append_text(out, texts[node->from]);
    if (node->from == OUTPUT_FROM_QUEUE) {
        terminal_append_safe(out, run_view_queue_id(node->output));
    }
}

void run_text_ended(struct step step, struct run_text_style style, struct strbuf *out)
{
    const struct node_view *state = run_tree_state(step);
    enum node_state shown = state->is_round_over ? NODE_COMPLETED : state->state;
    bool is_queued = shown == NODE_COMPLETED && state->from == OUTPUT_FROM_QUEUE;
    append_word(out, is_queued ? "queued" : node_state_name(shown),
                is_queued ? COLOR_YELLOW : color_of(shown), style);
    append_name(step, style, out);
    if (state->ended_at != 0) {
        strbuf_append_text(out, "  ");
        append_duration(out, run_tree_node_ms(state, state->ended_at));
    }
    bool has_looped = state->iterations > 0 || shown == NODE_COMPLETED;
    if (run_tree_def(step)->for_each != NULL && has_looped) {
        append_end_of_loop(state, out);
    }
    append_origin(state, out);
    if (state->due_at != 0) {
        append_next_round(state, out);
    }
    if (state->state == NODE_FAILED || (state->from & OUTPUT_FROM_FALLBACK) != 0) {
        strbuf_append_text(out, "  ");
        run_text_append_failure(state->error, out);
    }
    strbuf_append_char(out, '\n');
}

void run_text_retry(struct step step, struct run_text_style style, struct strbuf *out)
{
    const struct node_view *state = run_tree_state(step);
    append_word(out, "retrying", COLOR_YELLOW, style);
    append_name(step, style, out);
    strbuf_append_text(out, "  ");
    append_duration(out, run_tree_node_ms(state, state->ended_at));
    append_next_round(state, out);
    strbuf_append_text(out, "  ");
    run_text_append_failure(state->error, out);
    strbuf_append_char(out, '\n');
}

void run_text_frame_failed(const struct frame_view *frame, const struct document *error,
                           struct run_text_style style, struct strbuf *out)
{
    struct strbuf path = STRBUF_INIT;
    append_word(out, "failed", COLOR_RED, style);
    run_tree_append_frame_path(frame, &path);
    terminal_append_safe(out, strbuf_str(&path));
    append_padding(out, terminal_safe_width(strbuf_str(&path)), style.name_columns);
    strbuf_append_text(out, "  ");
    run_text_append_failure(error, out);
    strbuf_append_char(out, '\n');
    strbuf_finish(&path);
}

void run_text_sum(struct step step, struct run_text_style style, struct strbuf *out)
{
    append_word(out, "running", COLOR_BLUE, style);
    append_name(step, style, out);
    strbuf_append_text(out, "  ");
    run_text_append_counts(run_tree_state(step), out);
    strbuf_append_char(out, '\n');
}

/* The event that a step waits for; "EVENT" when there are several. */
static struct str event_of(struct step step)
{
    const struct pipeline *pipeline = step.frame->pipeline;
    const struct document *name = run_tree_state(step)->waits_for;
    const struct node *def = run_tree_def(step);
    struct str found = name != NULL ? value_str(document_root(name)) : STR("");
    for (uint32_t i = 0; name == NULL && i < def->out_count; i++) {
        if (!is_named_before(pipeline, def, i)) {
            bool is_first = found.n == 0;
            found = is_first ? pipeline->outcomes[pipeline->edges[def->first_out + i].outcome]
                             : STR("EVENT");
        }
    }
    return found;
}

/* Events can be sent to the run itself only. */
static void append_how_to_send(struct step step, struct strbuf *out)
{
    if (run_tree_state(step)->is_unknown) {
        return;
    }
    for (const struct frame_view *at = step.frame; at != NULL; at = at->parent) {
        if (at->prefix != NULL) {
            return; /* in a child run */
        }
    }
    strbuf_append_text(out, " (--send ");
    terminal_append_safe(out, event_of(step));
    strbuf_append_char(out, ')');
}

void run_text_waits(struct step step, struct run_text_style style, struct strbuf *out)
{
    append_word(out, "waiting", COLOR_YELLOW, style);
    append_name(step, style, out);
    strbuf_append_text(out, "  ");
    run_text_append_wait(step, out);
    append_how_to_send(step, out);
    strbuf_append_char(out, '\n');
}

void run_text_waits_at(struct str path, struct run_text_style style, struct strbuf *out)
{
    struct strbuf safe = STRBUF_INIT;
    size_t most = style.name_most > 0 ? style.name_most : SIZE_MAX;
    terminal_append_safe(&safe, path);
    append_word(out, "waiting", COLOR_YELLOW, style);
    append_padding(out, append_tail(strbuf_str(&safe), most, out), style.name_columns);
    strbuf_append_text(out, "  ");
    strbuf_finish(&safe);
}

void run_text_note(const char *text, struct run_text_style style, struct strbuf *out)
{
    append_padding(out, 0, WORD_COLUMNS + 1);
    terminal_append_color(out, style.is_colored, COLOR_DIM, str_from(text));
    strbuf_append_char(out, '\n');
}

void run_text_log(struct step step, struct str line, struct run_text_style style,
                  struct strbuf *out)
{
    append_padding(out, 0, WORD_COLUMNS + 1);
    append_name(step, style, out);
    terminal_append_color(out, style.is_colored, COLOR_DIM, STR("  | "));
    terminal_append_safe(out, line);
    strbuf_append_char(out, '\n');
}

/* ---- live ---- */

static void append_live_word(struct step step, struct run_text_style style, struct strbuf *out)
{
    const struct node_view *state = run_tree_state(step);
    bool is_waiting = state->due_at != 0 || run_tree_is_waiting(step);
    append_word(out, is_waiting ? "waiting" : node_state_name(state->state),
                is_waiting ? COLOR_YELLOW : color_of(state->state), style);
}

/* What there is to say about it beside its name and time. */
static void append_detail(struct step step, int64_t now, struct strbuf *out)
{
    const struct node_view *state = run_tree_state(step);
    char text[QUANTITY_TEXT_SIZE];
    if (run_tree_def(step)->for_each != NULL) {
        strbuf_append_text(out, "  ");
        run_text_append_counts(state, out);
    }
    if (state->due_at != 0) {
        bool is_retrying = state->is_retrying;
        quantity_format_duration(state->due_at > now ? state->due_at - now : 0, text);
        strbuf_append_format(out, "  %s %u in %s", is_retrying ? "attempt" : "round",
                             is_retrying ? state->attempt - state->before + 1 : state->round + 2,
                             text);
    } else if (run_tree_is_waiting(step)) {
        strbuf_append_text(out, "  ");
        run_text_append_wait(step, out);
        append_how_to_send(step, out);
    }
    if (state->fraction >= 0.0) {
        strbuf_append_format(out, "  %3.0f %%", state->fraction * 100.0);
    }
    if (state->note != NULL) {
        strbuf_append_text(out, "  ");
        terminal_append_safe(out, str_from(state->note));
    }
}

void run_text_live(struct step step, int64_t now, struct run_text_style style, struct strbuf *out)
{
    append_live_word(step, style, out);
    append_name(step, style, out);
    strbuf_append_text(out, "  ");
    append_duration(out, run_tree_node_ms(run_tree_state(step), now));
    append_detail(step, now, out);
}

void run_text_live_inner(struct step step, int64_t now, struct run_text_style style,
                         struct strbuf *out)
{
    struct strbuf path = STRBUF_INIT;
    append_padding(out, 0, WORD_COLUMNS + 1);
    append_path(step, &path);
    size_t most = style.name_most > 0 ? style.name_most : SIZE_MAX;
    append_padding(out, append_tail(strbuf_str(&path), most, out), style.name_columns);
    strbuf_finish(&path);
    strbuf_append_text(out, "  ");
    append_duration(out, run_tree_node_ms(run_tree_state(step), now));
    append_detail(step, now, out);
}

static void append_state(const struct run_view *view, struct strbuf *out)
{
    for (uint32_t i = 0; i < view->node_count; i++) {
        struct step step = {.frame = view->root, .node = i};
        enum node_state state = run_tree_state(step)->state;
        if (state == NODE_QUEUED || run_tree_is_under_way(step)) {
            strbuf_append_text(out, "in ");
            append_event(out, run_tree_def(step)->id);
            strbuf_append_text(out, ", ");
            break;
        }
    }
    strbuf_append_format(out, "%llu %s left", (unsigned long long)view->kept.history_total,
                         view->kept.history_total == 1 ? "state" : "states");
}

void run_text_progress(const struct run_view *view, int64_t now, struct run_text_style style,
                       struct strbuf *out)
{
    char duration[QUANTITY_TEXT_SIZE];
    quantity_format_duration(run_view_ms(view, now), duration);
    struct strbuf text = STRBUF_INIT;
    if (view->root->body->kind == BODY_STATES) {
        append_state(view, &text);
    } else {
        strbuf_append_format(&text, "%u/%u done, %u running", view->ended, view->node_count,
                             view->running);
    }
    if (view->failed > 0) {
        strbuf_append_format(&text, ", %u failed", view->failed);
    }
    if (view->state == RUN_CANCELLING) {
        strbuf_append_text(&text, ", cancelling");
    } else if (view->state == RUN_ENDING) {
        strbuf_append_format(&text, ", %s, endings", run_state_name(view->outcome));
    }
    strbuf_append_format(&text, ", %s", duration);
    terminal_append_color(out, style.is_colored, COLOR_BOLD, strbuf_str(&text));
    strbuf_finish(&text);
}
