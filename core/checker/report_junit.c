/* SPDX-License-Identifier: Apache-2.0 */
/* In the form that CI services read: a suite, a case for each rule. */
#include <inttypes.h>
#include <string.h>

#include "core/checker/report.h"
#include "core/checker/rule.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/cli/terminal.h"

/* The start of `text` is U+FFFE or U+FFFF, which XML has no way to write. */
static bool is_no_character(struct str text)
{
    return text.n >= 3 && memcmp(text.p, "\xEF\xBF", 2) == 0 && (text.p[2] & 0xFE) == 0xBE;
}

/* No control characters get here: terminal_append_safe() has escaped them, as XML cannot. */
static void append_escaped(struct strbuf *out, const char *text)
{
    struct strbuf safe = STRBUF_INIT;
    terminal_append_safe(&safe, str_from(text));
    for (size_t i = 0; i < safe.n; i++) {
        if (is_no_character(str_make(safe.p + i, safe.n - i))) {
            strbuf_append_char(out, '?');
            i += 2;
            continue;
        }
        switch (safe.p[i]) {
        case '&':
            strbuf_append_text(out, "&amp;");
            break;
        case '<':
            strbuf_append_text(out, "&lt;");
            break;
        case '>':
            strbuf_append_text(out, "&gt;");
            break;
        case '"':
            strbuf_append_text(out, "&quot;");
            break;
        default:
            strbuf_append_char(out, safe.p[i]);
            break;
        }
    }
    out->failed = out->failed || safe.failed;
    strbuf_finish(&safe);
}

static void append_findings(struct strbuf *out, const struct verdict *verdict)
{
    const char *text = NULL;
    for (size_t i = 0; (text = verdict_finding(verdict, i)) != NULL; i++) {
        append_escaped(out, text);
        strbuf_append_char(out, '\n');
    }
}

/* `tag` with the first finding as its message, and all of them inside. */
static void append_element(struct strbuf *out, const char *tag, const struct report_row *row)
{
    const char *first = verdict_finding(row->verdict, 0);
    strbuf_append_format(out, "      <%s message=\"", tag);
    append_escaped(out, first != NULL ? first : "");
    strbuf_append_text(out, "\">");
    append_findings(out, row->verdict);
    append_escaped(out, row->rule->mend);
    strbuf_append_format(out, "</%s>\n", tag);
}

static void append_seconds(struct strbuf *out, int64_t ms)
{
    strbuf_append_format(out, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

static void append_case(struct strbuf *out, const struct report_row *row)
{
    size_t kind = strcspn(row->rule->id, ".");
    strbuf_append_format(out, "    <testcase classname=\"%.*s\" name=\"%s\" time=\"", (int)kind,
                         row->rule->id, row->rule->id);
    append_seconds(out, row->verdict->took_ms);
    strbuf_append_text(out, "\">\n");
    if (row->verdict->outcome == VERDICT_SKIPPED) {
        append_element(out, "skipped", row);
    } else if (row->verdict->outcome == VERDICT_FAILED && row->rule->severity == RULE_ERROR) {
        append_element(out, "failure", row);
    } else if (row->verdict->outcome == VERDICT_FAILED) {
        strbuf_append_text(out, "      <system-out>warning: ");
        append_findings(out, row->verdict);
        strbuf_append_text(out, "</system-out>\n");
    }
    strbuf_append_text(out, "    </testcase>\n");
}

void report_append_junit(const struct report *report, struct strbuf *out)
{
    size_t failures = 0;
    size_t skipped = 0;
    int64_t took_ms = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct report_row *row = &report->rows[i];
        bool is_failed = row->verdict->outcome == VERDICT_FAILED;
        failures += is_failed && row->rule->severity == RULE_ERROR ? 1 : 0;
        skipped += row->verdict->outcome == VERDICT_SKIPPED ? 1 : 0;
        took_ms += row->verdict->took_ms;
    }
    strbuf_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    strbuf_append_text(out, "  <testsuite name=\"");
    append_escaped(out, report->subject->path);
    strbuf_append_format(out,
                         "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"",
                         report->count, failures, skipped);
    append_seconds(out, took_ms);
    strbuf_append_format(out,
                         "\">\n    <properties>\n      <property name=\"seed\" value=\"%" PRIu64
                         "\"/>\n    </properties>\n",
                         report->subject->seed);
    for (size_t i = 0; i < report->count; i++) {
        append_case(out, &report->rows[i]);
    }
    strbuf_append_text(out, "  </testsuite>\n</testsuites>\n");
}
