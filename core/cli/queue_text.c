/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/queue_text.h"

#include "core/cli/terminal.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { LABEL = 10 };

/* "sync/notify"; of a run its workflow. */
static void append_call(const struct value *item, struct strbuf *out)
{
    struct str node = job_text_get(item, "node");
    strbuf_append_str(out, job_text_get(item, "workflow"));
    strbuf_append_text(out, node.n > 0 ? "/" : "");
    strbuf_append_str(out, node);
}

static void begin_line(const char *label, struct strbuf *out)
{
    strbuf_append_text(out, label);
    job_text_append_gap(out, str_from(label).n, LABEL);
}

static void append_line(const char *label, struct str text, struct strbuf *out)
{
    if (text.n > 0) {
        begin_line(label, out);
        terminal_append_safe(out, text);
        strbuf_append_char(out, '\n');
    }
}

static void append_time_line(const struct value *letter, const char *label, const char *key,
                             struct strbuf *out)
{
    if (job_text_get(letter, key).n > 0) {
        begin_line(label, out);
        job_text_append_time(letter, key, out);
        strbuf_append_char(out, '\n');
    }
}

/* Who repairs something has to know that it is not what the run asked for. */
static void append_edits(const struct value *letter, struct strbuf *out)
{
    int64_t edits = job_text_int(letter, "edits");
    if (edits <= 0) {
        return;
    }
    begin_line("edited", out);
    if (edits == 1) {
        strbuf_append_text(out, "once");
    } else {
        strbuf_append_format(out, "%lld times", (long long)edits);
    }
    strbuf_append_text(out, ": the input below is a person's, with a key of its own\n");
}

static void append_errors(const struct value *letter, struct strbuf *out)
{
    const struct value *errors = job_text_list(letter, "errors");
    size_t count = errors != NULL ? value_count(errors) : 0;
    int64_t all = job_text_int(letter, "failures");
    if (all > (int64_t)count) {
        strbuf_append_format(out, "\nthe last %zu of %lld errors\n", count, (long long)all);
    } else if (count > 0) {
        strbuf_append_text(out, "\nerrors\n");
    }
    for (size_t i = 0; i < count; i++) {
        const struct value *error = value_at(errors, i);
        strbuf_append_text(out, "  ");
        job_text_append_time(error, "at", out);
        strbuf_append_format(out, "  attempt %lld  ", (long long)job_text_int(error, "attempt"));
        job_text_append_failure(value_get(error, STR("error")), out);
        strbuf_append_char(out, '\n');
    }
}

void queue_text_append_letter(const struct value *letter, struct job_text_style style,
                              struct strbuf *out)
{
    struct strbuf call = STRBUF_INIT;
    const struct value *input = value_get(letter, STR("input"));
    append_line("id", job_text_get(letter, "id"), out);
    begin_line("state", out);
    job_text_append_state(job_text_get(letter, "state"), style, out);
    strbuf_append_char(out, '\n');
    append_call(letter, &call);
    append_line("call", strbuf_str(&call), out);
    append_line("of run", job_text_get(letter, "run"), out);
    append_line("node", job_text_get(letter, "path"), out);
    append_line("priority", job_text_get(letter, "priority"), out);
    begin_line("attempts", out);
    strbuf_append_format(out, "%lld\n", (long long)job_text_int(letter, "attempts"));
    append_time_line(letter, "queued", "queued_at", out);
    append_time_line(letter, "created", "created_at", out);
    append_time_line(letter, "next try", "next_at", out);
    append_line("reason", job_text_get(letter, "reason"), out);
    append_edits(letter, out);
    append_errors(letter, out);
    strbuf_append_text(out, "\ninput\n");
    terminal_append_json(out, input, JSON_PRETTY);
    strbuf_append_char(out, '\n');
    strbuf_finish(&call);
}
