/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/diagnostic.h"
#include "core/base/suggest.h"
#include "core/base/utf8.h"
#include "core/model/tree.h"

enum {
    REPORT_TEXT_SIZE = 1024,
    REPORT_HEAD = 300, /* of a text that does not fit: what is kept of its ends */
    REPORT_TAIL = 300,
    NEAREST_MAX_ERRORS = 100,
};

const struct report *report_of_place(const struct report *report, struct place place)
{
    return report->files != NULL && place.line > 0 ? report->files[place.file] : report;
}

struct place report_place(const struct report *report, size_t offset)
{
    struct place place = tree_place_of(report->source, offset);
    place.file = report->number;
    return place;
}

/* Of a text that is longer, the middle is left out: what is wrong stands at an end. */
static void shorten(char *text, size_t n)
{
    size_t head = utf8_whole_prefix(text, REPORT_HEAD);
    size_t tail = n - REPORT_TAIL;
    while (((unsigned char)text[tail] & 0xC0) == 0x80) {
        tail++;
    }
    memcpy(text + head, "...", 3);
    memmove(text + head + 3, text + tail, n - tail + 1);
}

/* The text, in `small` or on the heap for the caller to free; cut when memory is short. */
static char *format_text(char small[REPORT_TEXT_SIZE], const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    char *text = small;
    int length = vsnprintf(small, REPORT_TEXT_SIZE, format, args);
    if (length < 0) {
        small[0] = '\0';
    } else if (length >= REPORT_TEXT_SIZE) {
        size_t n = (size_t)length;
        char *large = malloc(n + 1);
        if (large == NULL) {
            small[utf8_whole_prefix(small, REPORT_TEXT_SIZE - 1)] = '\0';
        } else {
            (void)vsnprintf(large, n + 1, format, again); /* measured just above */
            shorten(large, n);
            text = large;
        }
    }
    va_end(again);
    return text;
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
    char small[REPORT_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    char *text = format_text(small, format, args);
    va_end(args);
    report_add(report, DIAGNOSTIC_ERROR, place, text);
    free(text != small ? text : NULL);
}

void report_warning(const struct report *report, struct place place, const char *format, ...)
{
    char small[REPORT_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    char *text = format_text(small, format, args);
    va_end(args);
    report_add(report, DIAGNOSTIC_WARNING, place, text);
    free(text != small ? text : NULL);
}

void report_empty(const struct report *report, struct place place, const char *why)
{
    if (report->holds == NULL) {
        report_error(report, place, "there is no pipeline in it: %s", why);
    } else {
        report_error(report, place, "no %s %s in it: %s", report->holds,
                     strcmp(report->holds, "settings") == 0 ? "are" : "is", why);
    }
}

void report_hint(const struct report *report, const char *format, ...)
{
    char small[REPORT_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    char *text = format_text(small, format, args);
    va_end(args);
    diagnostics_hint(report->diagnostics, "%s", text);
    free(text != small ? text : NULL);
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
