/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/status_text.h"

#include "core/base/clock.h"
#include "core/cli/terminal.h"
#include "core/cli/usage_text.h"
#include "core/cli/value_text.h"
#include "core/cli/wait_text.h"
#include "core/engine/last_attempt.h"
#include "core/value/value.h"

enum { LABEL_COLUMNS = 11, BAR_COLUMNS = 30, STATE_COLUMNS = 11 };

/* ---- parts ---- */

static void begin(const char *label, struct job_text_style style, struct strbuf *out)
{
    terminal_append_color(out, style.is_colored, COLOR_DIM, str_from(label));
    job_text_append_gap(out, strlen(label), LABEL_COLUMNS);
}

static void heading(const char *text, struct job_text_style style, struct strbuf *out)
{
    strbuf_append_char(out, '\n');
    terminal_append_color(out, style.is_colored, COLOR_BOLD, str_from(text));
    strbuf_append_char(out, '\n');
}

/* A cell of a table: `text` and the gap up to the next one. */
static void append_cell(struct str text, size_t columns, struct strbuf *out)
{
    terminal_append_safe(out, text);
    job_text_append_gap(out, terminal_safe_width(text), columns);
}

static void append_state_cell(struct str state, struct job_text_style style, struct strbuf *out)
{
    strbuf_append_text(out, "  ");
    job_text_append_state(state, style, out);
    job_text_append_gap(out, terminal_safe_width(state), STATE_COLUMNS);
}

static size_t widest(const struct value *list, const char *key)
{
    size_t most = 0;
    for (size_t i = 0; i < value_count(list); i++) {
        size_t width = terminal_safe_width(job_text_get(value_at(list, i), key));
        most = width > most ? width : most;
    }
    return most;
}

/* How many of a list are shown, and "and 3 more" behind them. */
static size_t shown(const struct value *list)
{
    size_t count = list != NULL ? value_count(list) : 0;
    return count < STATUS_TEXT_LINES_MOST ? count : STATUS_TEXT_LINES_MOST;
}

static void append_rest(uint64_t count, struct strbuf *out)
{
    if (count > 0) {
        strbuf_append_format(out, "  and %llu more\n", (unsigned long long)count);
    }
}

/* ---- the run ---- */

static void append_workflow(const struct value *job, struct job_text_style style,
                            struct strbuf *out)
{
    struct str version = job_text_get(job, "version");
    struct str name = job_text_get(job, "name");
    begin("run", style, out);
    terminal_append_safe(out, job_text_get(job, "id"));
    strbuf_append_char(out, '\n');
    begin("workflow", style, out);
    terminal_append_safe(out, job_text_get(job, "workflow"));
    if (version.n > 0) {
        strbuf_append_text(out, ", version ");
        terminal_append_safe(out, version);
    }
    if (name.n > 0 && !str_equal(name, job_text_get(job, "workflow"))) {
        strbuf_append_text(out, ": ");
        terminal_append_safe(out, name);
    }
    strbuf_append_char(out, '\n');
}

/* " while it is undone: it will be failed" */
static void append_ending(const struct value *ending, struct strbuf *out)
{
    struct str phase = job_text_get(ending, "phase");
    if (!value_is(ending, VALUE_MAP)) {
        return;
    }
    strbuf_append_text(out, str_equal_text(phase, "undoing") ? ", rolling back: it will be "
                            : str_equal_text(phase, "stopping")
                                ? ", nothing new starts: it will be "
                                : ", its endings run: it will be ");
    terminal_append_safe(out, job_text_get(ending, "status"));
}

static void append_status(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    struct str reason = job_text_get(job, "reason");
    begin("status", style, out);
    job_text_append_state(job_text_get(job, "status"), style, out);
    if (reason.n > 0) {
        strbuf_append_text(out, ": ");
        terminal_append_safe(out, reason);
    }
    append_ending(value_get(job, STR("ending")), out);
    strbuf_append_char(out, '\n');
}

static bool is_over(const struct value *job)
{
    return job_text_get(job, "completed_at").n > 0;
}

static void append_trouble(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    struct str trouble = job_text_get(job, "trouble");
    if (trouble.n == 0 || is_over(job)) {
        return;
    }
    begin("trouble", style, out);
    strbuf_append_text(out, "nothing can be kept at the moment: ");
    terminal_append_safe(out, trouble);
    strbuf_append_char(out, '\n');
}

/* What lets it go on; for a decision that is said below, node by node. */
static void append_hint(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    struct str hint = job_text_get(job, "hint");
    bool has_decision = str_equal_text(job_text_get(job, "status"), "approval_required") &&
                        value_count(job_text_list(job, "waits_for")) > 0;
    if (hint.n > 0 && !has_decision) {
        begin("", style, out);
        terminal_append_safe(out, hint);
        strbuf_append_char(out, '\n');
    }
}

void status_text_append_bar(double fraction, unsigned columns, struct strbuf *out)
{
    unsigned inside = columns > 2 ? columns - 2 : 1;
    fraction = fraction > 1.0 ? 1.0 : fraction > 0.0 ? fraction : 0.0;
    unsigned full = (unsigned)(fraction * inside);
    strbuf_append_char(out, '[');
    for (unsigned i = 0; i < inside; i++) {
        strbuf_append_char(out, i < full ? '=' : i == full ? '>' : ' ');
    }
    strbuf_append_char(out, ']');
}

static void append_progress(const struct value *job, struct job_text_style style,
                            struct strbuf *out)
{
    const struct value *progress = value_get(job, STR("progress"));
    double fraction = job_text_number(progress, "fraction", 0.0);
    begin("progress", style, out);
    if (style.columns > 0) {
        bool is_narrow = style.columns < LABEL_COLUMNS + BAR_COLUMNS + 24;
        status_text_append_bar(fraction, is_narrow ? 12 : BAR_COLUMNS, out);
        strbuf_append_format(out, " %3.0f %%  ", fraction * 100.0);
    }
    strbuf_append_format(out, "%lld/%lld nodes", (long long)job_text_int(progress, "done"),
                         (long long)job_text_int(progress, "total"));
    int64_t failed = job_text_int(job, "failed_steps");
    if (failed > 0) {
        strbuf_append_format(out, ", %lld failed", (long long)failed);
    }
    strbuf_append_char(out, '\n');
}

static void append_duration(const struct value *job, struct job_text_style style,
                            struct strbuf *out)
{
    bool has_estimate = job_text_number(job, "estimated_remaining_seconds", -1.0) >= 0.0;
    if (job_text_get(job, "started_at").n == 0) {
        return;
    }
    begin(is_over(job) ? "took" : "so far", style, out);
    job_text_append_seconds(job, "total_duration_seconds", out);
    if (has_estimate && !is_over(job)) {
        strbuf_append_text(out, ", about ");
        job_text_append_seconds(job, "estimated_remaining_seconds", out);
        strbuf_append_text(out, " left (usually ");
        job_text_append_seconds(job, "usual_duration_seconds", out);
        strbuf_append_char(out, ')');
    }
    strbuf_append_char(out, '\n');
}

static void append_times(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    static const char *const rows[][2] = {{"created", "created_at"},
                                          {"started", "started_at"},
                                          {"ended", "completed_at"},
                                          {"wakes", "wake_at"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (job_text_get(job, rows[i][1]).n > 0) {
            begin(rows[i][0], style, out);
            job_text_append_time(job, rows[i][1], out);
            strbuf_append_text(out, " UTC\n");
        }
    }
}

static void append_usage(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    const struct value *usage = value_get(job, STR("usage"));
    if (value_is(usage, VALUE_MAP)) {
        begin("spent", style, out);
        usage_text_append(usage, out);
        strbuf_append_char(out, '\n');
    }
}

static void append_labels(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    const struct value *labels = value_get(job, STR("labels"));
    if (!value_is(labels, VALUE_MAP) || value_count(labels) == 0) {
        return;
    }
    begin("labels", style, out);
    for (size_t i = 0; i < value_count(labels); i++) {
        const struct value_member *label = value_member_at(labels, i);
        strbuf_append_text(out, i > 0 ? ", " : "");
        terminal_append_safe(out, value_str(&label->key));
        strbuf_append_char(out, '=');
        if (value_is(&label->value, VALUE_STRING)) {
            terminal_append_safe(out, value_str(&label->value));
        } else {
            terminal_append_json(out, &label->value, JSON_COMPACT);
        }
    }
    strbuf_append_char(out, '\n');
}

static void append_caller(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    struct str parent = job_text_get(job, "parent");
    if (parent.n == 0) {
        return;
    }
    begin("called by", style, out);
    terminal_append_safe(out, parent);
    strbuf_append_text(out, ", node ");
    terminal_append_safe(out, job_text_get(job, "parent_path"));
    strbuf_append_char(out, '\n');
}

/* In single quotes where a shell would not take it as it is. */
static void append_word(struct str word, struct strbuf *out)
{
    bool is_quoted = false;
    for (size_t i = 0; i < word.n; i++) {
        is_quoted = is_quoted || strchr("[]#*?~ ", word.p[i]) != NULL;
    }
    strbuf_append_text(out, is_quoted ? "'" : "");
    terminal_append_safe(out, word);
    strbuf_append_text(out, is_quoted ? "'" : "");
}

/* The commands, to be copied. */
static void append_decision(const struct value *job, const struct value *wait,
                            struct job_text_style style, struct strbuf *out)
{
    static const char *const answers[][2] = {{"--output JSON", "it did it, and gave this"},
                                             {"--fail", "it failed"},
                                             {"--again", "it is to start again"}};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        begin("", style, out);
        strbuf_append_text(out, "  opstream resolve ");
        append_word(job_text_get(job, "short_id"), out);
        strbuf_append_char(out, ' ');
        append_word(job_text_get(wait, "path"), out);
        strbuf_append_format(out, " %s", answers[i][0]);
        job_text_append_gap(out, strlen(answers[i][0]), 15);
        strbuf_append_format(out, "# %s\n", answers[i][1]);
    }
}

static void append_waits(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    const struct value *waits = job_text_list(job, "waits_for");
    for (size_t i = 0; i < shown(waits); i++) {
        const struct value *wait = value_at(waits, i);
        begin(i == 0 ? "waits for" : "", style, out);
        terminal_append_safe(out, job_text_get(wait, "path"));
        strbuf_append_text(out, ": ");
        wait_text_append(wait, out);
        strbuf_append_char(out, '\n');
        if (str_equal_text(job_text_get(wait, "for"), "decision")) {
            append_decision(job, wait, style, out);
        }
    }
    append_rest((waits != NULL ? value_count(waits) - shown(waits) : 0) +
                    (uint64_t)job_text_int(job, "waits_left_out"),
                out);
}

/* ---- nodes ---- */

/* "1.00 s", or since when: a node that works has no duration yet. */
static void append_step_time(const struct value *step, struct strbuf *out)
{
    struct strbuf text = STRBUF_INIT;
    if (job_text_number(step, "duration_seconds", -1.0) >= 0.0) {
        job_text_append_seconds(step, "duration_seconds", &text);
    } else if (job_text_is(step, "resolved")) {
        strbuf_append_text(&text, "as resolved");
    } else if (job_text_get(step, "started_at").n > 0) {
        bool is_at_work = !str_equal_text(job_text_get(step, "status"), "unknown");
        strbuf_append_text(&text, is_at_work ? "since " : "begun ");
        job_text_append_time(step, "started_at", &text);
    }
    strbuf_append_str(out, strbuf_str(&text));
    strbuf_finish(&text);
}

/* What has become of the call that the node has left to the retry queue. */
static void append_queued(const struct value *step, struct strbuf *out)
{
    struct str state = job_text_get(step, "queue_state");
    if (job_text_get(step, "queue_id").n == 0) {
        return;
    }
    if (str_equal_text(state, "done")) {
        strbuf_append_text(out, "  by the retry queue");
        return;
    }
    strbuf_append_text(out, str_equal_text(state, "dead") || str_equal_text(state, "unknown")
                                ? "  its call needs a person ('opstream dlq'): "
                            : str_equal_text(state, "dropped") ? "  a person dropped its call: "
                            : state.n == 0                     ? "  its call was queued: "
                                                               : "  in the retry queue: ");
    terminal_append_safe(out, job_text_get(step, "queue_id"));
}

/* While its call is in the queue it is not done, though the run has gone on. */
static struct str state_of_step(const struct value *step)
{
    struct str queue = job_text_get(step, "queue_state");
    bool is_queued = job_text_get(step, "queue_id").n > 0 && !str_equal_text(queue, "done") &&
                     str_equal_text(job_text_get(step, "status"), "completed");
    return !is_queued                         ? job_text_get(step, "status")
           : str_equal_text(queue, "dead")    ? STR("dead")
           : str_equal_text(queue, "unknown") ? STR("unknown")
           : str_equal_text(queue, "dropped") ? STR("dropped")
                                              : STR("queued");
}

static void append_step(const struct value *step, size_t columns, struct job_text_style style,
                        struct strbuf *out)
{
    const struct value *error = value_get(step, STR("error"));
    int64_t attempt = job_text_int(step, "attempt");
    append_state_cell(state_of_step(step), style, out);
    append_cell(job_text_get(step, "path"), columns + 2, out);
    append_step_time(step, out);
    if (attempt > 1) {
        strbuf_append_format(out, "  attempt %lld", (long long)attempt);
    }
    if (job_text_is(step, "from_cache")) {
        bool is_fallback = job_text_is(step, "from_fallback");
        strbuf_append_text(out, is_fallback ? "  from cache, as fallback" : "  from cache");
    } else if (job_text_is(step, "from_fallback")) {
        strbuf_append_text(out, "  from fallback");
    }
    append_queued(step, out);
    if (value_is(error, VALUE_MAP)) {
        strbuf_append_text(out, "  ");
        job_text_append_failure(error, out);
    }
    strbuf_append_char(out, '\n');
}

static bool has_failed(const struct value *step)
{
    return str_equal_text(job_text_get(step, "status"), "failed");
}

/* Inside loops, groups and endings: those that failed; the rest is counted. */
static void append_inner(const struct value *job, size_t columns, struct job_text_style style,
                         struct strbuf *out)
{
    const struct value *steps = job_text_list(job, "inner_results");
    size_t count = steps != NULL ? value_count(steps) : 0;
    size_t said = 0;
    for (size_t i = 0; i < count && said < STATUS_TEXT_LINES_MOST; i++) {
        if (has_failed(value_at(steps, i))) {
            append_step(value_at(steps, i), columns, style, out);
            said++;
        }
    }
    uint64_t others = count - said + (uint64_t)job_text_int(job, "inner_results_left_out");
    if (others > 0) {
        strbuf_append_format(out, "  and %llu inside them ('opstream history')\n",
                             (unsigned long long)others);
    }
}

/* Nodes that have no row: no way led to them, or none has yet. */
static void append_not_reached(const struct value *job, size_t known, struct strbuf *out)
{
    int64_t total = job_text_int(value_get(job, STR("progress")), "total");
    if (total > (int64_t)known) {
        strbuf_append_format(out, is_over(job) ? "  %lld not run\n" : "  %lld not reached yet\n",
                             (long long)total - (long long)known);
    }
}

static size_t path_columns(const struct value *job, const struct value *steps)
{
    const struct value *inner = job_text_list(job, "inner_results");
    size_t most = widest(steps, "path");
    for (size_t i = 0; inner != NULL && i < value_count(inner); i++) {
        const struct value *step = value_at(inner, i);
        size_t width = has_failed(step) ? terminal_safe_width(job_text_get(step, "path")) : 0;
        most = width > most ? width : most;
    }
    return most;
}

static void append_steps(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    const struct value *steps = job_text_list(job, "step_results");
    size_t count = steps != NULL ? value_count(steps) : 0;
    size_t first = count > STATUS_TEXT_STEPS_MOST ? count - STATUS_TEXT_STEPS_MOST : 0;
    if (count == 0) {
        return;
    }
    heading("nodes", style, out);
    size_t columns = path_columns(job, steps);
    if (first > 0) {
        strbuf_append_format(out, "  %zu before these\n", first);
    }
    for (size_t i = first; i < count; i++) {
        append_step(value_at(steps, i), columns, style, out);
    }
    append_inner(job, columns, style, out);
    append_not_reached(job, count, out);
}

/* ---- what belongs to it ---- */

static void append_children(const struct value *job, struct job_text_style style,
                            struct strbuf *out)
{
    const struct value *children = job_text_list(job, "children");
    if (shown(children) == 0) {
        return;
    }
    size_t path = widest(children, "path");
    size_t workflow = widest(children, "workflow");
    heading("child runs", style, out);
    for (size_t i = value_count(children) - shown(children); i < value_count(children); i++) {
        const struct value *child = value_at(children, i);
        append_state_cell(job_text_get(child, "status"), style, out);
        append_cell(job_text_get(child, "path"), path + 2, out);
        append_cell(job_text_get(child, "workflow"), workflow + 2, out);
        terminal_append_safe(out, job_text_get(child, "id"));
        strbuf_append_char(out, '\n');
    }
    bool has_more = shown(children) < value_count(children) ||
                    job_text_is(job, "has_more_children");
    if (has_more) {
        strbuf_append_text(out, "  and more ('opstream list --parent ID')\n");
    }
}

static size_t widest_who(const struct value *audit, size_t first)
{
    size_t most = 0;
    for (size_t i = first; i < value_count(audit); i++) {
        struct strbuf who = STRBUF_INIT;
        job_text_append_who(value_at(audit, i), &who);
        size_t width = terminal_width(strbuf_str(&who));
        most = width > most ? width : most;
        strbuf_finish(&who);
    }
    return most;
}

static void append_audit(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    const struct value *audit = job_text_list(job, "audit");
    if (shown(audit) == 0) {
        return;
    }
    size_t first = value_count(audit) - shown(audit);
    size_t columns = widest_who(audit, first);
    heading("who did what", style, out);
    for (size_t i = first; i < value_count(audit); i++) {
        const struct value *row = value_at(audit, i);
        const struct value *detail = value_get(row, STR("detail"));
        strbuf_append_text(out, "  ");
        job_text_append_time(row, "at", out);
        strbuf_append_text(out, "  ");
        size_t begin_at = out->n;
        job_text_append_who(row, out);
        job_text_append_gap(out, terminal_width(str_make(out->p + begin_at, out->n - begin_at)),
                            columns + 2);
        terminal_append_safe(out, job_text_get(row, "action"));
        if (value_is(detail, VALUE_MAP) && value_count(detail) > 0) {
            strbuf_append_text(out, "  ");
            terminal_append_json(out, detail, JSON_COMPACT);
        }
        strbuf_append_char(out, '\n');
    }
}

static void append_text_line(const char *label, struct str text, struct job_text_style style,
                             struct strbuf *out)
{
    if (text.n > 0) {
        begin(label, style, out);
        terminal_append_safe(out, text);
        strbuf_append_char(out, '\n');
    }
}

/* The failure as 'opstream run' shows it. */
static void append_failure(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    const struct value *ending = value_get(job, STR("ending"));
    const struct value *error = value_get(value_is(ending, VALUE_MAP) ? ending : job, STR("error"));
    struct str node = job_text_get(error, "node");
    if (!value_is(error, VALUE_MAP)) {
        return;
    }
    begin("error", style, out);
    if (node.n > 0) {
        strbuf_append_text(out, "node '");
        terminal_append_safe(out, node);
        strbuf_append_text(out, "': ");
    }
    job_text_append_error(error, out);
    strbuf_append_char(out, '\n');
    append_text_line("no retry", job_text_get(error, LAST_ATTEMPT_KEY), style, out);
    append_text_line("hint", job_text_get(error, "hint"), style, out);
}

static void append_output(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    const struct value *output = value_get(job, STR("output"));
    if (output != NULL && !value_is(output, VALUE_NULL)) {
        heading("output", style, out);
        value_text_append(output, 2, out);
    }
}

void status_text_append(const struct value *job, struct job_text_style style, struct strbuf *out)
{
    append_workflow(job, style, out);
    append_status(job, style, out);
    append_trouble(job, style, out);
    append_hint(job, style, out);
    append_failure(job, style, out);
    append_progress(job, style, out);
    append_duration(job, style, out);
    append_times(job, style, out);
    append_usage(job, style, out);
    append_labels(job, style, out);
    append_caller(job, style, out);
    append_waits(job, style, out);
    append_steps(job, style, out);
    append_children(job, style, out);
    append_audit(job, style, out);
    append_output(job, style, out);
}
