/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_summary.h"

#include "core/base/quantity.h"
#include "core/cli/job_text.h"
#include "core/cli/run_view.h"
#include "core/cli/terminal.h"
#include "core/cli/value_text.h"
#include "core/engine/failure.h"
#include "core/engine/last_attempt.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

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

static void append_outcome(const struct run_view *view, struct run_text_style style,
                           struct strbuf *out)
{
    char duration[QUANTITY_TEXT_SIZE];
    quantity_format_duration(run_view_ms(view, view->ended_at), duration);
    enum terminal_color color = view->state == RUN_COMPLETED ? COLOR_GREEN
                                : view->state == RUN_FAILED  ? COLOR_RED
                                                             : COLOR_YELLOW;
    terminal_append_color(out, style.is_colored, color, str_from(run_state_name(view->state)));
    strbuf_append_format(out, " in %s", duration);
    bool is_first = true;
    uint32_t queued = run_view_queued(view);
    bool has_others = view->completed > queued; /* of a machine each visit is counted */
    append_count(out, has_others ? view->completed - queued : 0, "completed", &is_first);
    append_count(out, queued, "queued", &is_first);
    append_count(out, view->failed, "failed", &is_first);
    append_count(out, view->skipped, "skipped", &is_first);
    append_count(out, view->cancelled, "cancelled", &is_first);
    append_count(out, run_view_not_run(view), "not run", &is_first);
    strbuf_append_char(out, '\n');
}

/* "  way: ask > deploy > ask > done" */
static void append_way(const struct run_view *view, struct strbuf *out)
{
    size_t half = RUN_SUMMARY_STATES_MOST / 2;
    if (view->kept.history_count == 0) {
        return;
    }
    strbuf_append_text(out, "  way: ");
    for (size_t i = 0; i < view->kept.history_count; i++) {
        bool is_left_out = view->kept.history_total > RUN_SUMMARY_STATES_MOST && i >= half &&
                           i + half < view->kept.history_total;
        if (is_left_out) {
            i += (size_t)view->kept.history_total - 2 * half - 1;
            strbuf_append_text(out, " > ...");
            continue;
        }
        strbuf_append_text(out, i > 0 ? " > " : "");
        terminal_append_safe(out, view->pipeline->nodes[view->kept.history[i]].id);
    }
    strbuf_append_char(out, '\n');
}

static void append_text_line(const char *label, struct str text, struct strbuf *out)
{
    if (text.n > 0) {
        strbuf_append_text(out, label);
        terminal_append_safe(out, text);
        strbuf_append_char(out, '\n');
    }
}

static void append_reason(const struct run_view *view, struct strbuf *out)
{
    const struct value *root = document_root(view->error);
    struct str reason = job_text_get(root, LAST_ATTEMPT_KEY);
    const struct value *node = value_get(root, STR("node"));
    strbuf_append_text(out, "  ");
    if (value_is(node, VALUE_STRING)) {
        strbuf_append_text(out, "node '");
        terminal_append_safe(out, value_str(node));
        strbuf_append_text(out, "': ");
    }
    run_text_append_error(view->error, out);
    strbuf_append_char(out, '\n');
    append_text_line("  not retried: ", reason, out);
    append_text_line("  hint: ", failure_hint(view->error), out);
}

static void append_failure_text(const struct failure_view *failure, struct strbuf *out)
{
    run_text_append_failure(failure->error, out);
    strbuf_append_text(out, failure->is_handled ? " (handled)" : "");
}

/* Of the failures from the `i`th on, those that say the same; 0: one before it says it. */
static uint64_t count_equal(const struct run_view *view, size_t i, struct str text)
{
    struct strbuf other = STRBUF_INIT;
    uint64_t count = 0;
    for (size_t k = 0; k < view->kept.failure_count; k++) {
        strbuf_clear(&other);
        append_failure_text(&view->kept.failures[k], &other);
        bool is_equal = str_equal(strbuf_str(&other), text);
        if (is_equal && k < i) {
            count = 0;
            break;
        }
        count += is_equal ? 1 : 0;
    }
    strbuf_finish(&other);
    return count;
}

/* Returns for how many it stands. */
static uint64_t append_failure(const struct run_view *view, size_t i, struct run_text_style style,
                               struct strbuf *out)
{
    const struct failure_view *failure = &view->kept.failures[i];
    struct strbuf text = STRBUF_INIT;
    struct strbuf path = STRBUF_INIT;
    append_failure_text(failure, &text);
    uint64_t count = count_equal(view, i, strbuf_str(&text));
    if (count > 0) {
        terminal_append_safe(&path, str_from(failure->path));
        strbuf_append_text(out, "    ");
        terminal_append_color(out, style.is_colored, COLOR_RED, strbuf_str(&path));
        strbuf_append_text(out, "  ");
        strbuf_append_str(out, strbuf_str(&text));
        if (count > 1) {
            strbuf_append_format(out, " (and %llu more like it)", (unsigned long long)(count - 1));
        }
        strbuf_append_char(out, '\n');
        append_text_line("      hint: ", failure_hint(failure->error), out);
    }
    strbuf_finish(&path);
    strbuf_finish(&text);
    return count;
}

/* Many items fail for one reason: it is said once. */
static void append_failures(const struct run_view *view, struct run_text_style style,
                            struct strbuf *out)
{
    uint64_t told = 0;
    size_t lines = 0;
    if (view->kept.failure_count == 0) {
        return;
    }
    strbuf_append_text(out, "  failed inside:\n");
    for (size_t i = 0; i < view->kept.failure_count && lines < RUN_SUMMARY_FAILURES_MOST; i++) {
        uint64_t count = append_failure(view, i, style, out);
        told += count;
        lines += count > 0 ? 1 : 0;
    }
    if (view->kept.failure_total > told) {
        strbuf_append_format(out, "    and %llu more\n",
                             (unsigned long long)(view->kept.failure_total - told));
    }
}

static void append_events(const struct run_view *view, struct strbuf *out)
{
    for (size_t i = 0; i < view->kept.event_count; i++) {
        const struct value *name = value_get(document_root(view->kept.events[i]), STR("name"));
        strbuf_append_text(out, "  the event '");
        terminal_append_safe(out, value_str(name));
        strbuf_append_text(out, "' was sent and nothing took it\n");
    }
}

/* "  undone: 3, 1 could not be, 2 not tried (killed)" */
static void append_undone(const struct run_view *view, struct strbuf *out)
{
    uint64_t not_undone = run_view_not_undone(view);
    if (view->undone + view->undo_failures + not_undone > 0) {
        strbuf_append_format(out, "  undone: %llu", (unsigned long long)view->undone);
        if (view->undo_failures > 0) {
            strbuf_append_format(out, ", %llu could not be",
                                 (unsigned long long)view->undo_failures);
        }
        if (not_undone > 0) {
            strbuf_append_format(out, ", %llu not tried (killed)", (unsigned long long)not_undone);
        }
        strbuf_append_char(out, '\n');
    }
}

/* "  endings: on_failure completed, finally not run (killed)" */
static void append_endings(const struct run_view *view, struct strbuf *out)
{
    struct str dropped[RUN_VIEW_ENDINGS_MOST];
    size_t dropped_count = run_view_dropped_endings(view, dropped);
    for (size_t i = 0; i < view->ending_count; i++) {
        const struct ending_view *ending = &view->endings[i];
        strbuf_append_format(out, "%s%.*s %s", i == 0 ? "  endings: " : ", ", STR_ARG(ending->what),
                             run_state_name(ending->state));
    }
    for (size_t i = 0; i < dropped_count; i++) {
        strbuf_append_format(out, "%s%.*s not run (killed)",
                             i + view->ending_count == 0 ? "  endings: " : ", ",
                             STR_ARG(dropped[i]));
    }
    strbuf_append_text(out, view->ending_count + dropped_count > 0 ? "\n" : "");
}

void run_summary_append(const struct run_view *view, struct run_text_style style,
                        struct strbuf *out)
{
    append_output(view, style, out);
    append_outcome(view, style, out);
    append_way(view, out);
    if (view->error != NULL && view->state == RUN_FAILED) {
        append_reason(view, out);
    }
    append_failures(view, style, out);
    append_undone(view, out);
    append_endings(view, out);
    append_events(view, out);
    if (view->has_failed) {
        strbuf_append_text(out, "  memory ran out: not all that happened is shown\n");
    }
}
