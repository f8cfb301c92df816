/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/overview_text.h"

#include <string.h>

#include "core/cli/terminal.h"
#include "core/value/value.h"

enum { LABEL_COLUMNS = 11, STATE_COLUMNS = 13, UNTIL_COLUMNS = 27, WAITING_COLUMNS = 10 };

static void begin(const char *label, struct job_text_style style, struct strbuf *out)
{
    terminal_append_color(out, style.is_colored, COLOR_DIM, str_from(label));
    job_text_append_gap(out, strlen(label), LABEL_COLUMNS);
}

static void append_engine(const struct value *status, struct job_text_style style,
                          struct strbuf *out)
{
    struct str trouble = job_text_get(status, "trouble");
    begin("engine", style, out);
    if (!job_text_is(status, "at_work")) {
        strbuf_append_text(out, "none is at work: 'opstream serve' goes on with what is left\n");
        return;
    }
    strbuf_append_text(out, "at work since ");
    job_text_append_time(status, "started_at", out);
    long long runs = (long long)job_text_int(status, "runs_in_memory");
    strbuf_append_format(out, " UTC, %lld run%s in memory, %lld resting\n", runs,
                         runs == 1 ? "" : "s", (long long)job_text_int(status, "runs_parked"));
    if (trouble.n > 0) {
        begin("trouble", style, out);
        strbuf_append_text(out, "nothing can be kept at the moment: ");
        terminal_append_safe(out, trouble);
        strbuf_append_char(out, '\n');
    }
}

/* "2 running, 14 completed"; in the order of their lives. */
static void append_runs(const struct value *status, struct job_text_style style, struct strbuf *out)
{
    static const char *const states[] = {"pending",   "queued",  "running",
                                         "paused",    "blocked", "approval_required",
                                         "completed", "failed",  "cancelled"};
    const struct value *runs = value_get(status, STR("runs"));
    size_t shown = 0;
    begin("runs", style, out);
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        int64_t count = job_text_int(runs, states[i]);
        if (count > 0) {
            strbuf_append_format(out, "%s%lld ", shown++ > 0 ? ", " : "", (long long)count);
            job_text_append_state(str_from(states[i]), style, out);
        }
    }
    strbuf_append_text(out, shown > 0 ? "\n" : "none\n");
}

/* Calls that wait for their service, and those that nobody makes any more. */
static void append_items(const struct value *status, struct job_text_style style,
                         struct strbuf *out)
{
    const struct value *queue = value_get(status, STR("queue"));
    int64_t waiting = job_text_int(queue, "waiting");
    int64_t dead = job_text_int(queue, "dead");
    if (waiting == 0 && dead == 0) {
        return;
    }
    begin("queue", style, out);
    strbuf_append_format(out, "%lld wait for their service", (long long)waiting);
    if (dead > 0) {
        strbuf_append_format(out, ", %lld dead: 'opstream dlq list'", (long long)dead);
    }
    strbuf_append_char(out, '\n');
}

static void append_queue(const struct value *status, struct job_text_style style,
                         struct strbuf *out)
{
    if (!job_text_is(status, "at_work")) {
        return;
    }
    begin("nodes", style, out);
    strbuf_append_format(out, "%lld at work, %lld wait before they may start\n",
                         (long long)job_text_int(status, "nodes_running"),
                         (long long)job_text_int(status, "queue_depth"));
}

static void append_breaker(const struct value *breaker, int64_t now, struct job_text_style style,
                           struct strbuf *out)
{
    struct str state = job_text_get(breaker, "state");
    struct strbuf cell = STRBUF_INIT;
    begin("breaker", style, out);
    job_text_append_state(state, style, out);
    job_text_append_gap(out, terminal_safe_width(state), STATE_COLUMNS);
    bool is_open = str_equal_text(state, "open");
    if (is_open && job_text_is_past(job_text_get(breaker, "due_at"), now)) {
        strbuf_append_text(&cell, "the next call is a trial");
    } else if (is_open) {
        strbuf_append_text(&cell, "until ");
        job_text_append_time(breaker, "due_at", &cell);
    } else {
        strbuf_append_char(&cell, '-');
    }
    strbuf_append_str(out, strbuf_str(&cell));
    job_text_append_gap(out, cell.n, UNTIL_COLUMNS);
    strbuf_clear(&cell);
    strbuf_append_format(&cell, "%lld wait", (long long)job_text_int(breaker, "waiting"));
    strbuf_append_str(out, strbuf_str(&cell));
    job_text_append_gap(out, cell.n, WAITING_COLUMNS);
    terminal_append_safe(out, job_text_get(breaker, "scope"));
    strbuf_append_char(out, '\n');
    strbuf_finish(&cell);
}

static void append_breakers(const struct value *status, int64_t now, struct job_text_style style,
                            struct strbuf *out)
{
    const struct value *list = job_text_list(status, "breakers");
    int64_t left_out = job_text_int(status, "breakers_left_out");
    for (size_t i = 0; list != NULL && i < value_count(list); i++) {
        append_breaker(value_at(list, i), now, style, out);
    }
    if (left_out > 0) {
        strbuf_append_format(out, "and %lld more: 'opstream breakers'\n", (long long)left_out);
    }
}

static void append_limits(const struct value *status, struct job_text_style style,
                          struct strbuf *out)
{
    const struct value *list = job_text_list(status, "limits");
    for (size_t i = 0; list != NULL && i < value_count(list); i++) {
        const struct value *limit = value_at(list, i);
        begin("limit", style, out);
        terminal_append_safe(out, job_text_get(limit, "scope"));
        strbuf_append_format(
            out, ": %lld of %lld at work, %lld wait\n", (long long)job_text_int(limit, "in_use"),
            (long long)job_text_int(limit, "limit"), (long long)job_text_int(limit, "waiting"));
    }
}

static void append_rates(const struct value *status, struct job_text_style style,
                         struct strbuf *out)
{
    const struct value *list = job_text_list(status, "rate_limits");
    for (size_t i = 0; list != NULL && i < value_count(list); i++) {
        const struct value *rate = value_at(list, i);
        begin("rate", style, out);
        terminal_append_safe(out, job_text_get(rate, "scope"));
        bool is_frozen = job_text_get(rate, "frozen_until").n > 0;
        strbuf_append_format(out, ": %lld wait, %s ", (long long)job_text_int(rate, "waiting"),
                             is_frozen ? "frozen until" : "the next may go at");
        job_text_append_time(rate, is_frozen ? "frozen_until" : "until", out);
        strbuf_append_text(out, " UTC\n");
    }
}

static void append_bad_service(const struct value *service, struct job_text_style style,
                               struct strbuf *out)
{
    struct str state = job_text_get(service, "state");
    struct str origin = job_text_get(service, "origin");
    struct str why = job_text_get(service, "why");
    if (!str_equal_text(state, "down") && !str_equal_text(state, "given_up")) {
        return;
    }
    begin("service", style, out);
    job_text_append_state(state, style, out);
    strbuf_append_text(out, " since ");
    job_text_append_time(service, "since", out);
    strbuf_append_text(out, " UTC ");
    terminal_append_safe(out, job_text_get(service, "plugin"));
    if (origin.n > 0) {
        strbuf_append_char(out, ' ');
        terminal_append_safe(out, origin);
    }
    if (why.n > 0) {
        strbuf_append_text(out, ": ");
        terminal_append_safe(out, why);
    }
    strbuf_append_char(out, '\n');
}

/* "2 up, 1 down"; then those that are not up, with what they said. */
static void append_services(const struct value *status, struct job_text_style style,
                            struct strbuf *out)
{
    static const char *const states[] = {"up", "unknown", "down", "given_up"};
    const struct value *list = job_text_list(status, "services");
    size_t count = list != NULL ? value_count(list) : 0;
    size_t shown = 0;
    if (count == 0) {
        return;
    }
    begin("services", style, out);
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        int64_t in_state = 0;
        for (size_t k = 0; k < count; k++) {
            in_state += str_equal_text(job_text_get(value_at(list, k), "state"), states[i]) ? 1 : 0;
        }
        if (in_state > 0) {
            strbuf_append_format(out, "%s%lld ", shown++ > 0 ? ", " : "", (long long)in_state);
            job_text_append_state(str_from(states[i]), style, out);
        }
    }
    strbuf_append_char(out, '\n');
    for (size_t k = 0; k < count; k++) {
        append_bad_service(value_at(list, k), style, out);
    }
}

void overview_text_append(const struct value *status, int64_t now_unix_ms,
                          struct job_text_style style, struct strbuf *out)
{
    append_engine(status, style, out);
    append_runs(status, style, out);
    append_queue(status, style, out);
    append_items(status, style, out);
    append_breakers(status, now_unix_ms, style, out);
    append_limits(status, style, out);
    append_rates(status, style, out);
    append_services(status, style, out);
}
