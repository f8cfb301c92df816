/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_text.h"

#include <stdio.h>

#include "core/base/quantity.h"
#include "core/cli/run_view.h"
#include "core/cli/terminal.h"
#include "core/cli/value_text.h"
#include "core/engine/failure.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

enum { NAME_COLUMNS_LEAST = 8, NAME_COLUMNS_MOST = 32, WORD_COLUMNS = 10 };

static const struct node *node_of(const struct run_view *view, uint32_t node)
{
    return &view->pipeline->nodes[node];
}

struct run_text_style run_text_style_of(const struct run_view *view, bool is_colored)
{
    size_t columns = NAME_COLUMNS_LEAST;
    for (uint32_t i = 0; i < view->node_count; i++) {
        size_t width = terminal_safe_width(node_of(view, i)->name);
        columns = width > columns ? width : columns;
    }
    columns = columns > NAME_COLUMNS_MOST ? NAME_COLUMNS_MOST : columns;
    return (struct run_text_style){.is_colored = is_colored, .name_columns = (unsigned)columns};
}

static void append_padding(struct strbuf *out, size_t used, size_t columns)
{
    for (; used < columns; used++) {
        strbuf_append_char(out, ' ');
    }
}

static void append_name(const struct run_view *view, uint32_t node, struct run_text_style style,
                        struct strbuf *out)
{
    struct strbuf safe = STRBUF_INIT;
    terminal_append_safe(&safe, node_of(view, node)->name);
    struct str name = strbuf_str(&safe);
    name.n = terminal_fit(name, style.name_columns);
    strbuf_append_str(out, name);
    append_padding(out, terminal_width(name), style.name_columns);
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

void run_text_started(const struct run_view *view, uint32_t node, struct run_text_style style,
                      struct strbuf *out)
{
    append_word(out, "started", COLOR_BLUE, style);
    append_name(view, node, style, out);
    strbuf_append_text(out, "  ");
    terminal_append_color(out, style.is_colored, COLOR_DIM, node_of(view, node)->type->name);
    strbuf_append_char(out, '\n');
}

/* "CODE: message" of a failure. */
static void append_failure(struct strbuf *out, const struct document *failure)
{
    struct str code = failure_code(failure);
    if (code.n > 0) {
        terminal_append_safe(out, code);
        strbuf_append_text(out, ": ");
    }
    terminal_append_safe(out, failure_message(failure));
}

void run_text_ended(const struct run_view *view, uint32_t node, struct run_text_style style,
                    struct strbuf *out)
{
    const struct node_view *state = &view->nodes[node];
    append_word(out, node_state_name(state->state), color_of(state->state), style);
    append_name(view, node, style, out);
    if (state->ended_at != 0) {
        strbuf_append_text(out, "  ");
        append_duration(out, run_view_node_ms(state, state->ended_at));
    }
    if (state->state == NODE_FAILED) {
        strbuf_append_text(out, "  ");
        append_failure(out, state->error);
    }
    strbuf_append_char(out, '\n');
}

void run_text_log(const struct run_view *view, uint32_t node, struct str line,
                  struct run_text_style style, struct strbuf *out)
{
    append_padding(out, 0, WORD_COLUMNS + 1);
    append_name(view, node, style, out);
    terminal_append_color(out, style.is_colored, COLOR_DIM, STR("  | "));
    terminal_append_safe(out, line);
    strbuf_append_char(out, '\n');
}

void run_text_live(const struct run_view *view, uint32_t node, int64_t now,
                   struct run_text_style style, struct strbuf *out)
{
    const struct node_view *state = &view->nodes[node];
    append_word(out, node_state_name(state->state), color_of(state->state), style);
    append_name(view, node, style, out);
    strbuf_append_text(out, "  ");
    append_duration(out, run_view_node_ms(state, now));
    if (state->fraction >= 0.0) {
        strbuf_append_format(out, "  %3.0f %%", state->fraction * 100.0);
    }
    if (state->note[0] != '\0') {
        strbuf_append_text(out, "  ");
        terminal_append_safe(out, str_from(state->note));
    }
}

void run_text_progress(const struct run_view *view, int64_t now, struct run_text_style style,
                       struct strbuf *out)
{
    char duration[QUANTITY_TEXT_SIZE];
    quantity_format_duration(run_view_ms(view, now), duration);
    struct strbuf text = STRBUF_INIT;
    strbuf_append_format(&text, "%u/%u done, %u running", view->ended, view->node_count,
                         view->running);
    if (view->failed > 0) {
        strbuf_append_format(&text, ", %u failed", view->failed);
    }
    strbuf_append_format(&text, ", %s", duration);
    terminal_append_color(out, style.is_colored, COLOR_BOLD, strbuf_str(&text));
    strbuf_finish(&text);
}

static void append_output(const struct run_view *view, struct run_text_style style,
                          struct strbuf *out)
{
    if (view->output == NULL) {
        return;
    }
    const struct value *root = document_root(view->output);
    if (value_is(root, VALUE_NULL) || (value_is(root, VALUE_MAP) && value_count(root) == 0)) {
        return;
    }
    terminal_append_color(out, style.is_colored, COLOR_BOLD, STR("output"));
    strbuf_append_char(out, '\n');
    value_text_append(root, 2, out);
    strbuf_append_char(out, '\n');
}

static void append_count(struct strbuf *out, uint32_t count, const char *word, bool *is_first)
{
    if (count == 0) {
        return;
    }
    strbuf_append_format(out, "%s%u %s", *is_first ? ": " : ", ", count, word);
    *is_first = false;
}

static void append_reason(const struct run_view *view, struct strbuf *out)
{
    struct str hint = failure_hint(view->error);
    const struct value *node = value_get(document_root(view->error), STR("node"));
    strbuf_append_text(out, "  ");
    if (value_is(node, VALUE_STRING)) {
        strbuf_append_text(out, "node '");
        terminal_append_safe(out, value_str(node));
        strbuf_append_text(out, "': ");
    }
    append_failure(out, view->error);
    strbuf_append_char(out, '\n');
    if (hint.n > 0) {
        strbuf_append_text(out, "  hint: ");
        terminal_append_safe(out, hint);
        strbuf_append_char(out, '\n');
    }
}

void run_text_summary(const struct run_view *view, struct run_text_style style, struct strbuf *out)
{
    append_output(view, style, out);
    char duration[QUANTITY_TEXT_SIZE];
    quantity_format_duration(run_view_ms(view, view->ended_at), duration);
    enum terminal_color color = view->state == RUN_COMPLETED ? COLOR_GREEN
                                : view->state == RUN_FAILED  ? COLOR_RED
                                                             : COLOR_YELLOW;
    terminal_append_color(out, style.is_colored, color, str_from(run_state_name(view->state)));
    strbuf_append_format(out, " in %s", duration);
    bool is_first = true;
    append_count(out, view->completed, "completed", &is_first);
    append_count(out, view->failed, "failed", &is_first);
    append_count(out, view->skipped, "skipped", &is_first);
    append_count(out, view->cancelled, "cancelled", &is_first);
    append_count(out, run_view_not_run(view), "not run", &is_first);
    strbuf_append_char(out, '\n');
    if (view->error != NULL && view->state == RUN_FAILED) {
        append_reason(view, out);
    }
}
