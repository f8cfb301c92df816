/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/report.h"

#include <inttypes.h>

#include "core/checker/rule.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/cli/terminal.h"
#include "core/host/manifest.h"

static bool is_error(const struct report_row *row)
{
    return row->verdict->outcome == VERDICT_FAILED && row->rule->severity == RULE_ERROR;
}

bool report_is_good(const struct report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (is_error(&report->rows[i])) {
            return false;
        }
    }
    return true;
}

void report_append_head(const struct report *report, struct strbuf *out)
{
    const struct manifest *manifest = report->subject->manifest;
    terminal_append_safe(out, str_from(report->subject->path));
    if (manifest != NULL) {
        strbuf_append_text(out, ": ");
        terminal_append_safe(out, manifest->plugin.id);
        strbuf_append_char(out, ' ');
        terminal_append_safe(out, manifest->plugin.version);
    }
    strbuf_append_format(out, ", seed %" PRIu64 "\n", report->subject->seed);
}

static const char *word_of(const struct report_row *row)
{
    switch (row->verdict->outcome) {
    case VERDICT_OK:
        return "ok";
    case VERDICT_SKIPPED:
        return "-";
    default:
        return row->rule->severity == RULE_ERROR ? "FAILED" : "warning";
    }
}

static void append_findings(const struct verdict *verdict, struct strbuf *out)
{
    const char *text = NULL;
    for (size_t i = 0; (text = verdict_finding(verdict, i)) != NULL; i++) {
        strbuf_append_text(out, "           ");
        terminal_append_safe(out, str_from(text));
        strbuf_append_char(out, '\n');
    }
    if (verdict->lost_count > 0) {
        strbuf_append_format(out, "           and %" PRIu32 " more\n", verdict->lost_count);
    }
}

void report_append_row(const struct report_row *row, struct strbuf *out)
{
    strbuf_append_format(out, "%-8s %-20s %s", word_of(row), row->rule->id, row->rule->title);
    if (row->verdict->remark[0] != '\0') {
        strbuf_append_text(out, " (");
        terminal_append_safe(out, str_from(row->verdict->remark));
        strbuf_append_char(out, ')');
    }
    strbuf_append_char(out, '\n');
    append_findings(row->verdict, out);
}

void report_append_sum(const struct report *report, struct strbuf *out)
{
    size_t errors = 0;
    size_t warnings = 0;
    size_t skipped = 0;
    const struct report_row *first = NULL;
    for (size_t i = 0; i < report->count; i++) {
        const struct report_row *row = &report->rows[i];
        bool is_broken = row->verdict->outcome == VERDICT_FAILED;
        errors += is_error(row) ? 1 : 0;
        warnings += is_broken && !is_error(row) ? 1 : 0;
        skipped += row->verdict->outcome == VERDICT_SKIPPED ? 1 : 0;
        first = first == NULL && is_broken ? row : first;
    }
    strbuf_append_format(out, "%zu %s: %zu ok, %zu failed, %zu %s, %zu not applicable\n",
                         report->count, report->count == 1 ? "rule" : "rules",
                         report->count - errors - warnings - skipped, errors, warnings,
                         warnings == 1 ? "warning" : "warnings", skipped);
    if (first != NULL) {
        strbuf_append_format(out,
                             "why, and what to do: opstream plugin check --explain %s\n"
                             "the same once more: --rule %s --seed %" PRIu64 "\n",
                             first->rule->id, first->rule->id, report->subject->seed);
    }
}
