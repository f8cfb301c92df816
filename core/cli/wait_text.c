/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/wait_text.h"

#include "core/base/clock.h"
#include "core/cli/job_text.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

static void append_until(const struct value *wait, const char *word, struct strbuf *out)
{
    if (job_text_get(wait, "until").n > 0) {
        strbuf_append_text(out, word);
        job_text_append_time(wait, "until", out);
        strbuf_append_text(out, " UTC");
    }
}

static bool is_past(struct str moment)
{
    return job_text_is_past(moment, clock_unix_ms());
}

/* The run is paused, or there is no room for it yet. */
static void append_attempt(const struct value *wait, struct strbuf *out)
{
    strbuf_append_text(out, "its next attempt, ");
    if (is_past(job_text_get(wait, "until"))) {
        strbuf_append_text(out, "as soon as it may start");
    } else {
        append_until(wait, "at ", out);
    }
}

static void append_event(const struct value *wait, struct strbuf *out)
{
    struct str event = job_text_get(wait, "event");
    if (event.n > 0) {
        strbuf_append_text(out, "the event '");
        terminal_append_safe(out, event);
        strbuf_append_char(out, '\'');
    } else {
        strbuf_append_text(out, "an event");
    }
    append_until(wait, ", until ", out);
}

static void append_breaker(const struct value *wait, struct strbuf *out)
{
    struct str state = job_text_get(wait, "state");
    if (str_equal_text(state, "forced_open")) {
        strbuf_append_text(out, "circuit opened by hand: 'opstream breakers close' lets calls on");
    } else if (str_equal_text(state, "half_open")) {
        strbuf_append_text(out, "circuit half open, its trial is under way");
    } else if (is_past(job_text_get(wait, "until"))) {
        strbuf_append_text(out, "circuit open, tried again now");
    } else {
        strbuf_append_text(out, "circuit open");
        append_until(wait, " until ", out);
    }
}

static void append_scope(const struct value *wait, struct strbuf *out)
{
    struct str scope = job_text_get(wait, "scope");
    terminal_append_safe(out, str_equal_text(scope, "run") ? STR("max_parallel_nodes") : scope);
    strbuf_append_text(out, ": ");
}

static void append_in_use(const struct value *wait, struct strbuf *out)
{
    strbuf_append_format(out, "%lld of %lld at work", (long long)job_text_int(wait, "in_use"),
                         (long long)job_text_int(wait, "limit"));
}

void wait_text_append(const struct value *wait, struct strbuf *out)
{
    struct str what = job_text_get(wait, "for");
    if (str_equal_text(what, "decision")) {
        strbuf_append_text(out, "nobody knows whether it did its work: look, then say");
    } else if (str_equal_text(what, "attempt")) {
        append_attempt(wait, out);
    } else if (str_equal_text(what, "event")) {
        append_event(wait, out);
    } else if (str_equal_text(what, "time")) {
        append_until(wait, "", out);
    } else if (str_equal_text(what, "breaker")) {
        append_scope(wait, out);
        append_breaker(wait, out);
    } else if (str_equal_text(what, "permit")) {
        append_scope(wait, out);
        append_in_use(wait, out);
    } else if (str_equal_text(what, "budget")) {
        append_scope(wait, out);
        strbuf_append_text(out, "its retry budget is spent, ");
        append_in_use(wait, out);
    } else if (str_equal_text(what, "rate_limit")) {
        append_scope(wait, out);
        strbuf_append_text(out, job_text_is(wait, "frozen")
                                    ? "the service wants no calls now, the next"
                                    : "as many calls as its rate allows, the next");
        append_until(wait, " at ", out);
    } else if (str_equal_text(what, "spending")) {
        terminal_append_safe(out, job_text_get(wait, "why"));
        strbuf_append_text(out, "; others may give back");
    } else if (str_equal_text(what, "memory")) {
        strbuf_append_format(out, "max_memory_mb: values take %lld of %lld MiB, others have to end",
                             (long long)job_text_int(wait, "in_use"),
                             (long long)job_text_int(wait, "limit"));
    } else {
        append_scope(wait, out);
        terminal_append_safe(out, what);
        append_until(wait, " until ", out);
    }
}
