/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/yaml_error.h"

#include "core/model/report.h"
#include "core/model/tree.h"

struct known_problem {
    const char *problem; /* as libyaml says it, or its beginning */
    const char *message;
    const char *hint; /* NULL: none */
};

static const struct known_problem known_problems[] = {
    {"mapping values are not allowed", "a ':' is not allowed here",
     "put quotes around text with ': ' in it, or mend the indentation"},
    {"did not find expected key", "this does not line up with the lines above",
     "keys of one map begin in the same column"},
    {"did not find expected '-' indicator", "this does not line up with the list above",
     "entries of one list begin with '- ' in the same column"},
    {"did not find expected ',' or ']'", "a ',' or ']' is missing before this", NULL},
    {"did not find expected ',' or '}'", "a ',' or '}' is missing before this", NULL},
    {"could not find expected ':'", "a ':' is missing behind this key",
     "put a space behind the ':', and quotes around text of several lines"},
    {"found unexpected end of stream", "the quoted text that begins here has no end",
     "close it with the same quote"},
    {"found unknown escape character", "unknown escape in a double-quoted text",
     "write '\\\\' for a backslash, or take single quotes"},
    {"block sequence entries are not allowed", "a list is not allowed here",
     "begin it on a line of its own"},
    {"found a tab character", "a tab is used for indentation", "use spaces"},
    {"found character that cannot start any token", "this character cannot begin a value",
     "put the value in quotes; indent with spaces, not with tabs"},
    {"did not find expected alphabetic or numeric character",
     "'*' and '&' begin the name of an alias or anchor", "put the value in quotes"},
    {"did not find expected node content", "a value is missing here", NULL},
    {"did not find expected <document start>", "text behind the end of the document", NULL},
    {"found unexpected document indicator", "the document ends inside a quoted text", NULL},
    {"found undefined tag handle", "tags are not allowed",
     "put text that begins with '!' in quotes"},
    {"control characters are not allowed", "control characters are not allowed", NULL},
};

static struct str source_line(struct str source, uint32_t line)
{
    const char *at = source.p;
    const char *end = source.p + source.n;
    for (; line > 1 && at != NULL && at < end; line--) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at != NULL ? at + 1 : end;
    }
    if (at == NULL || at >= end) {
        return STR("");
    }
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    return str_make(at, (size_t)((line_end != NULL ? line_end : end) - at));
}

/* A `?`, `{{` or comma of a call outside quotes: YAML gives all three a meaning of its own. */
static bool has_bare_expression(struct str line)
{
    char quote = '\0';
    unsigned parens = 0;
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        char next = i + 1 < line.n ? line.p[i + 1] : ' ';
        char before = i > 0 ? line.p[i - 1] : ' ';
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if ((c == '"' || c == '\'') && strchr(" [{,:(", before) != NULL) {
            quote = c;
        } else if (c == '#' && before == ' ') {
            return false;
        } else if ((c == '{' && next == '{') || (c == '?' && next == ' ' && i > 0) ||
                   (c == ',' && parens > 0)) {
            return true;
        } else if (c == '(') {
            parens++;
        } else if (c == ')' && parens > 0) {
            parens--;
        }
    }
    return false;
}

bool yaml_error_hint_quotes(const struct report *report, struct place place)
{
    if (!has_bare_expression(source_line(report->source, place.line))) {
        return false;
    }
    report_hint(report, "quote the expression: '?', ',' and '{{' mean something else in YAML");
    return true;
}

static const struct known_problem *find_problem(const char *problem)
{
    for (size_t i = 0; i < sizeof(known_problems) / sizeof(known_problems[0]); i++) {
        if (str_starts_with(str_from(problem), str_from(known_problems[i].problem))) {
            return &known_problems[i];
        }
    }
    return NULL;
}

void yaml_error_report(const struct report *report, struct place place, const char *problem,
                       const char *context)
{
    const struct known_problem *known = find_problem(problem);
    bool is_end = tree_place_of(report->source, report->source.n).line <= place.line &&
                  source_line(report->source, place.line).n == 0;
    if (is_end && context != NULL && strstr(context, "flow") != NULL) {
        report_error(report, place, "the text ends too early: a '[' or '{' is still open");
    } else if (is_end) {
        report_error(report, place, "the text ends too early: %s",
                     context != NULL ? context : problem);
    } else if (known != NULL) {
        report_error(report, place, "%s", known->message);
    } else {
        report_error(report, place, "not valid YAML: %s%s%s", context != NULL ? context : "",
                     context != NULL ? ": " : "", problem);
    }
    if (!yaml_error_hint_quotes(report, place) && !is_end && known != NULL && known->hint != NULL) {
        report_hint(report, "%s", known->hint);
    }
}
