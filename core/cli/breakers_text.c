/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/breakers_text.h"

#include "core/base/clock.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

enum { SINCE = 13, NEXT = 34, SCOPE = 55 }; /* where these columns begin */

/* Of no other state can one say when a call is let through. */
static void append_next(const struct value *breaker, int64_t now, struct strbuf *out)
{
    struct str due = job_text_get(breaker, "due_at");
    char text[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(now, text);
    if (!str_equal_text(job_text_get(breaker, "state"), "open")) {
        strbuf_append_char(out, '-');
    } else if (due.n == strlen(text) && memcmp(due.p, text, due.n) > 0) {
        job_text_append_time(breaker, "due_at", out);
    } else {
        strbuf_append_text(out, "with the next call");
    }
}

static void append_row(const struct value *breaker, int64_t now, struct job_text_style style,
                       struct strbuf *out)
{
    struct str state = job_text_get(breaker, "state");
    struct strbuf cell = STRBUF_INIT;
    state = state.n > 0 ? state : STR("unknown");
    job_text_append_state(state, style, out);
    job_text_append_gap(out, terminal_safe_width(state), SINCE);
    job_text_append_time(breaker, "since", &cell);
    strbuf_append_str(out, strbuf_str(&cell));
    job_text_append_gap(out, cell.n, NEXT - SINCE);
    strbuf_clear(&cell);
    append_next(breaker, now, &cell);
    strbuf_append_str(out, strbuf_str(&cell));
    job_text_append_gap(out, cell.n, SCOPE - NEXT);
    terminal_append_safe(out, job_text_get(breaker, "scope"));
    strbuf_append_char(out, '\n');
    strbuf_finish(&cell);
}

void breakers_text_append(const struct value *page, int64_t now_unix_ms,
                          struct job_text_style style, struct strbuf *out)
{
    const struct value *breakers = job_text_list(page, "breakers");
    struct str cursor = job_text_get(page, "next_cursor");
    if (breakers == NULL || value_count(breakers) == 0) {
        return;
    }
    terminal_append_color(out, style.is_colored, COLOR_BOLD,
                          STR("STATE        SINCE                NEXT TRY             SCOPE"));
    strbuf_append_char(out, '\n');
    for (size_t i = 0; i < value_count(breakers); i++) {
        append_row(value_at(breakers, i), now_unix_ms, style, out);
    }
    if (cursor.n > 0) {
        strbuf_append_text(out, "\nthere are more: --cursor '");
        terminal_append_safe(out, cursor);
        strbuf_append_text(out, "'\n");
    }
}
