/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/history_text.h"

#include "core/base/clock.h"
#include "core/cli/terminal.h"
#include "core/cli/usage_text.h"
#include "core/value/value.h"

enum { WHAT_COLUMNS = 20, VALUE_COLUMNS = 60 };

/* What a type of record is called; `%` stands for the state that its body has. */
struct phrase {
    const char *type;
    const char *text;
};

static const struct phrase phrases[] = {
    {"run_started", "run started"},
    {"node_queued", "node queued"},
    {"node_started", "node started"},
    {"node_stopping", "node stopping"},
    {"node_ended", "node %"},
    {"node_again", "round over"},
    {"node_retry", "attempt failed"},
    {"node_fallback", "falling back"},
    {"node_due", "time has come"},
    {"frame_started", "body started"},
    {"frame_stopping", "body %"},
    {"frame_ended", "body %"},
    {"signal", "event came"},
    {"signal_taken", "event taken"},
    {"signals_seen", "events left"},
    {"loop_reduced", "loop reduced"},
    {"item", "item"},
    {"credit", "credit"},
    {"run_stopping", "run %"},
    {"run_ending", "run is ending"},
    {"child_undoing", "child undoing"},
    {"child_undone", "child undone"},
    {"endings_dropped", "endings dropped"},
    {"run_ended", "run %"},
    {"run_undoing", "run undoing"},
    {"run_undone", "run undone"},
    {"node_lost", "node lost"},
    {"node_unknown", "node unknown"},
    {"run_paused", "run paused"},
    {"run_resumed", "run resumed"},
    {"node_reserved", "budget reserved"},
    {"node_spent", "spent"},
};

static const char *phrase_of(struct str type)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (str_equal_text(type, phrases[i].type)) {
            return phrases[i].text;
        }
    }
    return NULL;
}

/* Its call went to the retry queue: the engine says so of the record, not the node's output. */
static bool is_queued(const struct value *row)
{
    return str_equal_text(job_text_get(value_get(row, STR("body")), "from"), "queue");
}

static void append_what(const struct value *row, struct strbuf *out)
{
    struct str type = job_text_get(row, "type");
    struct str state = job_text_get(value_get(row, STR("body")), "state");
    const char *phrase = is_queued(row) ? "call queued" : phrase_of(type);
    if (phrase == NULL) {
        terminal_append_safe(out, type);
        return;
    }
    const char *mark = strchr(phrase, '%');
    strbuf_append(out, phrase, mark != NULL ? (size_t)(mark - phrase) : strlen(phrase));
    if (mark != NULL) {
        job_text_append_state(state, (struct job_text_style){0}, out);
    }
}

static enum terminal_color color_of(const struct value *row)
{
    struct str state = job_text_get(value_get(row, STR("body")), "state");
    struct str type = job_text_get(row, "type");
    bool is_run = str_starts_with(type, STR("run_"));
    return is_queued(row)                       ? COLOR_YELLOW
           : str_equal_text(state, "failed")    ? COLOR_RED
           : str_equal_text(state, "completed") ? COLOR_GREEN
           : str_equal_text(state, "cancelled") ? COLOR_YELLOW
           : is_run                             ? COLOR_BOLD
                                                : COLOR_NONE;
}

/* The start of a value's JSON. */
static void append_short(const struct value *value, struct strbuf *out)
{
    struct strbuf text = STRBUF_INIT;
    terminal_append_json(&text, value, JSON_COMPACT);
    size_t fit = terminal_fit(strbuf_str(&text), VALUE_COLUMNS);
    strbuf_append(out, strbuf_str(&text).p, fit);
    strbuf_append_text(out, fit < text.n ? "..." : "");
    strbuf_finish(&text);
}

/* When the next attempt is due. */
static void append_due(const struct value *row, struct strbuf *out)
{
    const struct value *due = value_get(value_get(row, STR("body")), STR("due"));
    bool is_again = str_equal_text(job_text_get(row, "type"), "node_retry");
    char text[CLOCK_TEXT_SIZE];
    if (is_again && value_is(due, VALUE_INT)) {
        clock_format_rfc3339(value_int(due), text);
        strbuf_append_format(out, "  again at %.10s %.12s", text, text + 11);
    }
}

/* What stood in for the call. */
static void append_origin(const struct value *row, struct strbuf *out)
{
    struct str from = job_text_get(value_get(row, STR("body")), "from");
    if (from.n > 0 && !is_queued(row)) {
        strbuf_append_text(out, str_equal_text(from, "cache")      ? "  from cache"
                                : str_equal_text(from, "fallback") ? "  from fallback"
                                                                   : "  from cache, as fallback");
    }
}

/* What a call takes, in the words of usage_text. */
static bool is_spending(const struct value *row)
{
    struct str type = job_text_get(row, "type");
    return str_equal_text(type, "node_reserved") || str_equal_text(type, "node_spent");
}

static void append_why(const struct value *row, struct strbuf *out)
{
    const struct value *body = value_get(row, STR("body"));
    const struct value *error = value_get(body, STR("error"));
    const struct value *output = value_get(body, STR("output"));
    struct str reason = job_text_get(body, "reason");
    bool is_failure = value_is(error, VALUE_MAP) && str_equal_text(reason, "requested");
    if (reason.n > 0 && !is_failure) { /* the error says why */
        strbuf_append_text(out, "  because: ");
        terminal_append_safe(out, reason);
    }
    if (value_is(error, VALUE_MAP)) {
        strbuf_append_text(out, "  ");
        job_text_append_failure(error, out);
    } else if (is_queued(row)) {
        strbuf_append_text(out, "  ");
        terminal_append_safe(out, job_text_get(output, "queue_id"));
    } else if (is_spending(row)) {
        strbuf_append_text(out, "  ");
        usage_text_append(output, out);
    } else if (output != NULL && !value_is(output, VALUE_NULL)) {
        strbuf_append_text(out, "  ");
        append_short(output, out);
    }
}

/* What to do about a failure, on a line of its own. */
static void append_hint(const struct value *row, struct strbuf *out)
{
    const struct value *error = value_get(value_get(row, STR("body")), STR("error"));
    struct str hint = value_is(error, VALUE_MAP) ? job_text_get(error, "hint") : STR("");
    if (hint.n > 0) {
        strbuf_append_text(out, "    hint: ");
        terminal_append_safe(out, hint);
        strbuf_append_char(out, '\n');
    }
}

void history_text_append(const struct value *row, struct job_text_style style, struct strbuf *out)
{
    struct str path = job_text_get(row, "path");
    int64_t attempt = job_text_attempt(row);
    struct strbuf what = STRBUF_INIT;
    append_what(row, &what);
    job_text_append_moment(row, "at", out);
    strbuf_append_text(out, "  ");
    terminal_append_color(out, style.is_colored, color_of(row), strbuf_str(&what));
    job_text_append_gap(out, terminal_width(strbuf_str(&what)), path.n > 0 ? WHAT_COLUMNS : 0);
    terminal_append_safe(out, path);
    if (attempt > 0) {
        strbuf_append_format(out, "  attempt %lld", (long long)attempt);
    }
    append_due(row, out);
    append_origin(row, out);
    append_why(row, out);
    while (out->n > 0 && out->p[out->n - 1] == ' ') {
        out->n--;
    }
    strbuf_append_char(out, '\n');
    append_hint(row, out);
    strbuf_finish(&what);
}

/* ---- what people did ---- */

static const struct phrase deeds[] = {
    {"start", "started"},  {"cancel", "cancelled"}, {"pause", "paused"},
    {"resume", "resumed"}, {"send", "event sent"},  {"resolve", "resolved"},
};

static void append_deed(struct str action, struct strbuf *out)
{
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (str_equal_text(action, deeds[i].type)) {
            strbuf_append_text(out, deeds[i].text);
            return;
        }
    }
    terminal_append_safe(out, action);
}

/* The node of `resolve`, the event of `send`, and what was said of them. */
static void append_detail(const struct value *detail, struct strbuf *out)
{
    for (size_t i = 0; value_is(detail, VALUE_MAP) && i < value_count(detail); i++) {
        const struct value_member *member = value_member_at(detail, i);
        struct str key = value_str(&member->key);
        bool is_name = str_equal_text(key, "node") || str_equal_text(key, "name");
        strbuf_append_text(out, "  ");
        if (is_name && value_is(&member->value, VALUE_STRING)) {
            terminal_append_safe(out, value_str(&member->value));
        } else if (value_is(&member->value, VALUE_BOOL)) {
            terminal_append_safe(out, key);
        } else if (str_equal_text(key, "error")) {
            job_text_append_failure(&member->value, out);
        } else {
            append_short(&member->value, out);
        }
    }
}

void history_text_append_audit(const struct value *row, struct job_text_style style,
                               struct strbuf *out)
{
    struct strbuf what = STRBUF_INIT;
    append_deed(job_text_get(row, "action"), &what);
    strbuf_append_text(&what, " by ");
    job_text_append_who(row, &what);
    job_text_append_moment(row, "at", out);
    strbuf_append_text(out, "  ");
    terminal_append_color(out, style.is_colored, COLOR_BOLD, strbuf_str(&what));
    append_detail(value_get(row, STR("detail")), out);
    strbuf_append_char(out, '\n');
    strbuf_finish(&what);
}
