/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/diagnostic.h"
#include "core/base/suggest.h"
#include "core/base/utf8.h"

enum { REPORT_TEXT_SIZE = 2048, NEAREST_MAX_ERRORS = 100 };

const struct report *report_of_place(const struct report *report, struct place place)
{
    return report->files != NULL && place.line > 0 ? report->files[place.file] : report;
}

/* A cut text must still be UTF-8. */
static void format_text(char text[REPORT_TEXT_SIZE], const char *format, va_list args)
{
    int length = vsnprintf(text, REPORT_TEXT_SIZE, format, args);
    if (length < 0) {
        text[0] = '\0';
    } else if (length >= REPORT_TEXT_SIZE) {
        text[utf8_whole_prefix(text, REPORT_TEXT_SIZE - 1)] = '\0';
    }
}

static void report_add(const struct report *report, enum diagnostic_severity severity,
                       struct place place, const char *text)
{
    const char *file = report_of_place(report, place)->file;
    struct diagnostic_place full = {file, place.line, place.column};
    diagnostics_add(report->diagnostics, severity, full, "%s", text);
}

void report_error(const struct report *report, struct place place, const char *format, ...)
{
    char text[REPORT_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);
    report_add(report, DIAGNOSTIC_ERROR, place, text);
}

void report_warning(const struct report *report, struct place place, const char *format, ...)
{
    char text[REPORT_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);
    report_add(report, DIAGNOSTIC_WARNING, place, text);
}

void report_hint(const struct report *report, const char *format, ...)
{
    char text[REPORT_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    format_text(text, format, args);
    va_end(args);
    diagnostics_hint(report->diagnostics, "%s", text);
}

void report_nearest(const struct report *report, const struct suggest *nearest)
{
    if (nearest->best.n > 0) {
        report_hint(report, "did you mean '%.*s'?", STR_ARG(nearest->best));
    }
}

bool report_wants_nearest(const struct report *report)
{
    return report->diagnostics->error_count < NEAREST_MAX_ERRORS;
}
