/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/json_error.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/model/cursor.h"
#include "core/model/report.h"
#include "core/model/tree.h"

struct usual_mistake {
    const char *message; /* as the reader says it, or its beginning */
    const char *found;   /* one of these stands at the place; NULL: whatever */
    const char *instead; /* of the message; NULL: it stays */
    const char *hint;    /* NULL: none */
};

/* The first that fits counts. */
static const struct usual_mistake usual_mistakes[] = {
    {"nested deeper", NULL, "nested deeper than 64 levels", NULL},
    {"more values", NULL, "more than 1,000,000 values", NULL},
    {"expected", "/#", NULL, "JSON has no comments"},
    {"expected a key in double quotes", "}", "a ',' stands before this '}'", "remove the ','"},
    {"expected a key in double quotes", "'", NULL, "write \"...\" in place of '...'"},
    {"expected a key in double quotes", ",", NULL, "remove one ','"},
    {"expected a value", "'", NULL, "write text in double quotes, not in single ones"},
    {"expected a value", "]", "a value is missing before this ']'", "remove the ',' before it"},
    {"expected a value", ",", NULL, "remove one ','"},
    {"expected a value", "}", "a value is missing before this '}'", NULL},
    {"expected a value", "TFN", NULL,
     "true, false and null are in lower case; text must be in double quotes"},
    {"expected a value", "+.I", NULL,
     "a number begins with a digit or '-'; text must be in double quotes"},
    {"expected a value", NULL, NULL, "text must be in double quotes"},
    {"expected ',' or", "xobXOB0123456789", NULL,
     "numbers are decimal, without leading zeros; text must be in double quotes"},
    {"expected ',' or", "\"{[", NULL, "put a ',' behind the value before it"},
    {"expected ',' or", ":", NULL, "a ':' stands behind the key of a map only"},
    {"expected control characters", "\n\r", "a text in double quotes must end on its line",
     "close it with '\"', or write \\n for the line's end"},
    {"expected one of", NULL, NULL, "write \\\\ for a backslash"},
};

/* The source from the place on. */
static struct str source_at(struct str source, struct place place)
{
    struct cursor cursor = cursor_at_start(source, place.file);
    while (cursor.offset < source.n &&
           (cursor.place.line < place.line ||
            (cursor.place.line == place.line && cursor.place.column < place.column))) {
        cursor_step(&cursor);
    }
    return str_make(source.p + cursor.offset, source.n - cursor.offset);
}

static const struct usual_mistake *find_mistake(const char *message, struct str rest)
{
    for (size_t i = 0; i < sizeof(usual_mistakes) / sizeof(usual_mistakes[0]); i++) {
        const struct usual_mistake *usual = &usual_mistakes[i];
        bool is_found = usual->found == NULL || (rest.n > 0 && rest.p[0] != '\0' &&
                                                 strchr(usual->found, rest.p[0]) != NULL);
        if (is_found && str_starts_with(str_from(message), str_from(usual->message))) {
            return usual;
        }
    }
    return NULL;
}

void json_error_report(const struct report *report, const struct error *err)
{
    struct place place = {.line = err->line, .column = err->column, .file = report->number};
    struct str rest = source_at(report->source, place);
    const struct usual_mistake *usual = find_mistake(err->message, rest);
    if (str_trim(report->source).n == 0) {
        report_empty(report, report_place(report, 0), "the file is empty");
        return;
    }
    report_error(report, place, "%s",
                 usual != NULL && usual->instead != NULL ? usual->instead : err->message);
    if (usual != NULL && usual->hint != NULL && rest.n > 0) {
        report_hint(report, "%s", usual->hint);
    }
}
