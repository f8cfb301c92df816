/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/list_text.h"

#include "core/cli/terminal.h"
#include "core/value/value.h"

enum { COLUMNS = 6, STATUS = 1, WORKFLOW = 2, WORKFLOW_MOST = 32 };

static const char *const headings[COLUMNS] = {"ID",      "STATUS", "WORKFLOW",
                                              "CREATED", "TOOK",   "NODES"};

/* The text of one cell, without colours. */
static void append_cell(const struct value *job, size_t column, struct strbuf *out)
{
    const struct value *progress = value_get(job, STR("progress"));
    struct job_text_style plain = {0};
    struct strbuf name = STRBUF_INIT;
    switch (column) {
    case 0:
        terminal_append_safe(out, job_text_get(job, "short_id"));
        break;
    case STATUS:
        job_text_append_state(job_text_get(job, "status"), plain, out);
        break;
    case WORKFLOW:
        terminal_append_safe(&name, job_text_get(job, "workflow"));
        strbuf_append(out, strbuf_str(&name).p, terminal_fit(strbuf_str(&name), WORKFLOW_MOST));
        strbuf_finish(&name);
        break;
    case 3:
        job_text_append_time(job, "created_at", out);
        break;
    case 4:
        job_text_append_seconds(job, "total_duration_seconds", out);
        break;
    default:
        strbuf_append_format(out, "%lld/%lld", (long long)job_text_int(progress, "done"),
                             (long long)job_text_int(progress, "total"));
        break;
    }
}

static void measure(const struct value *jobs, size_t widths[COLUMNS])
{
    for (size_t column = 0; column < COLUMNS; column++) {
        widths[column] = strlen(headings[column]);
    }
    for (size_t i = 0; i < value_count(jobs); i++) {
        for (size_t column = 0; column < COLUMNS; column++) {
            struct strbuf cell = STRBUF_INIT;
            append_cell(value_at(jobs, i), column, &cell);
            size_t width = terminal_width(strbuf_str(&cell));
            widths[column] = width > widths[column] ? width : widths[column];
            strbuf_finish(&cell);
        }
    }
}

static void append_headings(const size_t widths[COLUMNS], struct job_text_style style,
                            struct strbuf *out)
{
    struct strbuf line = STRBUF_INIT;
    for (size_t column = 0; column < COLUMNS; column++) {
        strbuf_append_text(&line, headings[column]);
        if (column + 1 < COLUMNS) {
            job_text_append_gap(&line, strlen(headings[column]), widths[column] + 2);
        }
    }
    terminal_append_color(out, style.is_colored, COLOR_BOLD, strbuf_str(&line));
    strbuf_append_char(out, '\n');
    strbuf_finish(&line);
}

static void append_row(const struct value *job, const size_t widths[COLUMNS],
                       struct job_text_style style, struct strbuf *out)
{
    for (size_t column = 0; column < COLUMNS; column++) {
        struct strbuf cell = STRBUF_INIT;
        append_cell(job, column, &cell);
        if (column == STATUS) {
            job_text_append_state(job_text_get(job, "status"), style, out);
        } else {
            strbuf_append_str(out, strbuf_str(&cell));
        }
        if (column + 1 < COLUMNS) {
            job_text_append_gap(out, terminal_width(strbuf_str(&cell)), widths[column] + 2);
        }
        strbuf_finish(&cell);
    }
    strbuf_append_char(out, '\n');
}

void list_text_append_jobs(const struct value *jobs, struct job_text_style style,
                           struct strbuf *out)
{
    size_t widths[COLUMNS];
    measure(jobs, widths);
    append_headings(widths, style, out);
    for (size_t i = 0; i < value_count(jobs); i++) {
        append_row(value_at(jobs, i), widths, style, out);
    }
}

void list_text_append(const struct value *page, struct job_text_style style, struct strbuf *out)
{
    const struct value *jobs = job_text_list(page, "jobs");
    struct str cursor = job_text_get(page, "next_cursor");
    if (jobs == NULL || value_count(jobs) == 0) {
        return;
    }
    list_text_append_jobs(jobs, style, out);
    if (cursor.n > 0) {
        strbuf_append_text(out, "\nthere are more: --cursor ");
        terminal_append_safe(out, cursor);
        strbuf_append_char(out, '\n');
    }
}
