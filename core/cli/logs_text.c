/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/logs_text.h"

#include "core/cli/terminal.h"
#include "core/value/value.h"

static enum terminal_color color_of(struct str level)
{
    return str_equal_text(level, "error")  ? COLOR_RED
           : str_equal_text(level, "warn") ? COLOR_YELLOW
                                           : COLOR_DIM;
}

void logs_text_append(const struct value *row, struct job_text_style style, struct strbuf *out)
{
    struct str level = job_text_get(row, "level");
    int64_t attempt = job_text_attempt(row);
    struct strbuf safe = STRBUF_INIT;
    job_text_append_moment(row, "at", out);
    strbuf_append_text(out, "  ");
    terminal_append_safe(&safe, level);
    terminal_append_color(out, style.is_colored, color_of(level), strbuf_str(&safe));
    job_text_append_gap(out, safe.n, 7);
    terminal_append_safe(out, job_text_get(row, "path"));
    if (attempt > 0) {
        strbuf_append_format(out, " (attempt %lld)", (long long)attempt);
    }
    terminal_append_color(out, style.is_colored, COLOR_DIM, STR("  | "));
    terminal_append_safe(out, job_text_get(row, "line"));
    strbuf_append_char(out, '\n');
    strbuf_finish(&safe);
}
