/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/yaml_error.h"

#include "core/model/report.h"
#include "core/model/tree.h"

struct known_problem {
    const char *problem; /* as libyaml says it, or its beginning */
    const char *at;      /* what stands at the place, ' ' for any white space; NULL: anything */
    const char *message;
    const char *hint; /* NULL: none */
};

static const char key_is_missing[] = "a key must be text, and there is none before this ':'";
static const char quote_colon[] = "put text that begins with ':' in quotes";
static const char file_is_empty[] = "the file is empty"; /* see report_empty() */
static const char quote_value[] = "put the value in quotes";

/* The first that fits counts. */
static const struct known_problem known_problems[] = {
    {"mapping values are not allowed", NULL, "a ':' is not allowed here",
     "put quotes around text with ': ' in it, or mend the indentation"},
    {"did not find expected key", ": ", key_is_missing, quote_colon},
    {"did not find expected key", NULL, "this does not line up with the lines above",
     "keys of one map begin in the same column"},
    {"did not find expected '-' indicator", ": ", key_is_missing, quote_colon},
    {"did not find expected '-' indicator", NULL, "this does not line up with the list above",
     "entries of one list begin with '- ' in the same column"},
    {"did not find expected ',' or ']'", NULL, "a ',' or ']' is missing before this", NULL},
    {"did not find expected ',' or '}'", NULL, "a ',' or '}' is missing before this", NULL},
    {"could not find expected ':'", NULL, "a ':' is missing behind this key",
     "put a space behind the ':', and quotes around text of several lines"},
    {"found unexpected ':'", NULL, "a ':' within '[]' and '{}' needs a blank behind it",
     "put text with ':' in it in quotes"},
    {"found unexpected end of stream", NULL, "the quoted text that begins here has no end",
     "close it with the same quote"},
    {"found unknown escape character", NULL, "unknown escape in a double-quoted text",
     "write '\\\\' for a backslash, or take single quotes"},
    {"found invalid Unicode character escape code", NULL, "this escape is no character",
     "write the character itself"},
    {"did not find expected comment or line break", NULL,
     "text of '|' and '>' begins on the next line",
     "put a value that begins with '|' or '>' in quotes"},
    {"block sequence entries are not allowed", NULL, "a list is not allowed here",
     "begin it on a line of its own"},
    {"found a tab character", NULL, "a tab is used for indentation", "use spaces"},
    {"found character that cannot start any token", "\t", "a tab is not allowed here",
     "indent with spaces, not with tabs"},
    {"found character that cannot start any token", "@", "plain text cannot begin with '@'",
     quote_value},
    {"found character that cannot start any token", "`", "plain text cannot begin with '`'",
     quote_value},
    {"found character that cannot start any token", "%", "plain text cannot begin with '%'",
     quote_value},
    {"did not find expected alphabetic or numeric character", NULL,
     "names of anchors and aliases have letters, digits, '-' and '_' only",
     "put a value that begins with '&' or '*' in quotes"},
    {"did not find expected node content", ": ", key_is_missing, quote_colon},
    {"did not find expected node content", ":",
     "plain text within '[]' and '{}' cannot begin with ':'", quote_value},
    {"did not find expected node content", "...", file_is_empty, NULL},
    {"did not find expected node content", NULL, "a value is missing here", NULL},
    {"did not find expected <document start>", NULL, "text behind the end of the document", NULL},
    {"found unexpected document indicator", NULL, "the document ends inside a quoted text", NULL},
    {"found undefined tag handle", NULL, "tags are not allowed",
     "put text that begins with '!' in quotes"},
    {"found incompatible YAML document", NULL, "no other YAML than 1.1 and 1.2 is supported",
     "leave the '%YAML' line out"},
    {"control characters are not allowed", NULL, "control characters are not allowed", NULL},
};

/* What is no matter of a character, but of where the parser was. */
static const struct known_problem known_contexts[] = {
    {"while scanning a directive", NULL, "directives are not supported",
     "leave the line that begins with '%' out, or indent it when it is text"},
    {"while scanning a tag", NULL, "tags are not allowed",
     "put text that begins with '!' in quotes"},
    {"while scanning a %TAG directive", NULL, "tags are not allowed",
     "leave the line that begins with '%' out"},
    {"while scanning a %YAML directive", NULL, "no other YAML than 1.1 and 1.2 is supported",
     "leave the '%YAML' line out"},
};

static size_t line_begin(struct str source, size_t offset)
{
    while (offset > 0 && source.p[offset - 1] != '\n') {
        offset--;
    }
    return offset;
}

/* The line that the byte `offset` is on, without its end. */
static struct str source_line(struct str source, size_t offset)
{
    size_t end = offset < source.n ? offset : source.n;
    size_t begin = line_begin(source, end);
    while (end < source.n && source.p[end] != '\n') {
        end++;
    }
    return str_make(source.p + begin, end - begin);
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

static bool hint_quotes(const struct report *report, struct str source, size_t offset)
{
    if (!report_wants_nearest(report) || !has_bare_expression(source_line(source, offset))) {
        return false;
    }
    report_hint(report, "quote the expression: '?', ',' and '{{' mean something else in YAML");
    return true;
}

bool yaml_error_hint_quotes(const struct report *report, const struct tree *tree)
{
    return hint_quotes(report, report_of_place(report, tree->place)->source, tree->start);
}

static bool is_at(const struct yaml_failure *failure, struct str source, const char *at)
{
    for (size_t i = 0; at != NULL && at[i] != '\0'; i++) {
        size_t offset = failure->offset + i;
        char c = offset < source.n ? source.p[offset] : '\n';
        bool is_same = c == at[i] || (at[i] == ' ' && strchr("\t\r\n", c) != NULL);
        if (!is_same) {
            return false;
        }
    }
    return true;
}

static const struct known_problem *find_problem(const struct report *report,
                                                const struct yaml_failure *failure)
{
    static const struct known_problem parted_key = {
        NULL, NULL,
        "a ',' or a bracket is missing before this, or the key and its ':' are not on one line",
        NULL};
    static const struct known_problem second_document = {
        NULL, NULL, "a second document begins here", "put several pipelines under 'workflows:'"};
    static const struct known_problem second_value = {NULL, NULL, "a second document begins here",
                                                      "leave one of them out"};
    static const struct known_problem block_text = {
        NULL, NULL, "text of '|' and '>' must be indented", "indent it with 1 blank or more"};
    static const struct known_problem long_key = {NULL, NULL,
                                                  "a key may have at most 1,024 characters", NULL};
    struct str problem = str_from(failure->problem);
    if (str_starts_with(problem, STR("could not find expected ':'")) && failure->is_long) {
        return &long_key;
    }
    if (str_starts_with(problem, STR("did not find expected ','")) && failure->is_parted &&
        is_at(failure, report->source, ":")) {
        return &parted_key;
    }
    if (str_starts_with(problem, STR("did not find expected <document start>")) &&
        failure->behind != YAML_BEHIND_VALUE) {
        return failure->behind != YAML_BEHIND_END ? &block_text
               : report->holds == NULL            ? &second_document
                                                  : &second_value;
    }
    for (size_t i = 0; i < sizeof(known_contexts) / sizeof(known_contexts[0]); i++) {
        if (failure->context != NULL &&
            str_equal_text(str_from(failure->context), known_contexts[i].problem)) {
            return &known_contexts[i];
        }
    }
    for (size_t i = 0; i < sizeof(known_problems) / sizeof(known_problems[0]); i++) {
        if (str_starts_with(problem, str_from(known_problems[i].problem)) &&
            is_at(failure, report->source, known_problems[i].at)) {
            return &known_problems[i];
        }
    }
    return NULL;
}

/* Where the text of the last line before `offset` begins that is neither blank nor a comment. */
static size_t text_before(struct str source, size_t offset)
{
    size_t begin = line_begin(source, offset);
    while (begin > 0) {
        begin = line_begin(source, begin - 1);
        size_t at = begin;
        while (source.p[at] == ' ') {
            at++;
        }
        if (strchr("\r\n#", source.p[at]) == NULL) {
            return at;
        }
    }
    return 0;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* `id`, `id:a` and `-id: a` are text to YAML; it stumbles only over what is on the next line. */
static bool report_missing_space(const struct report *report, size_t offset)
{
    struct str source = report->source;
    size_t at = text_before(source, offset);
    while (source.p[at] == '-' && source.p[at + 1] == ' ') {
        at += 2;
    }
    if (source.p[at] == '-' && is_word(source.p[at + 1])) {
        report_error(report, report_place(report, at), "a space is missing behind this '-'");
        return true;
    }
    size_t word = at;
    while (at < offset && is_word(source.p[at])) {
        at++;
    }
    if (at < offset && source.p[at] == ':' && is_word(source.p[at + 1])) {
        report_error(report, report_place(report, at), "a space is missing behind this ':'");
        return true;
    }
    if (at > word && at < offset && strchr("\r\n", source.p[at]) != NULL) {
        report_error(report, report_place(report, word), "a ':' is missing behind this key");
        return true;
    }
    return false;
}

static bool report_wide_space(const struct report *report, size_t at)
{
    struct str rest = str_make(report->source.p + at, report->source.n - at);
    if (!str_starts_with(rest, STR("\xc2\xa0"))) {
        return false;
    }
    report_error(report, report_place(report, at),
                 "a no-break space (U+00A0) is used for indentation");
    report_hint(report, "use plain spaces");
    return true;
}

/* A ':' behind the first word of a line that goes on with the value of the line above. */
static bool report_value_goes_on(const struct report *report, const struct yaml_failure *failure)
{
    struct str source = report->source;
    size_t begin = line_begin(source, failure->offset);
    size_t key = begin;
    while (source.p[key] == ' ' || source.p[key] == '-') {
        key++;
    }
    if (report_wide_space(report, key) || report_wide_space(report, text_before(source, key))) {
        return true;
    }
    size_t end = key;
    while (end < failure->offset && is_word(source.p[end])) {
        end++;
    }
    if (end != failure->offset) {
        return false;
    }
    if (!report_missing_space(report, failure->offset)) {
        report_error(report, report_place(report, key),
                     "this line is indented as if it went on with the value above it");
        report_hint(report, "keys of one map begin in the same column");
    }
    return true;
}

/* Whether an operator of expressions begins at `at`: the quoted text was the first operand. */
static bool is_operator(struct str source, size_t at)
{
    static const char *const operators[] = {"==", "!=", "<", ">", "&&", "||", "+ ", "in ", "? "};
    struct str rest = str_make(source.p + at, source.n - at);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (str_starts_with(rest, str_from(operators[i]))) {
            return true;
        }
    }
    return false;
}

/* `"{{ input.a }}" == "x"`: to YAML the value ends with its quotes. */
static bool report_operator(const struct report *report, const struct yaml_failure *failure)
{
    struct str source = report->source;
    size_t before = failure->offset;
    while (before > 0 && source.p[before - 1] == ' ') {
        before--;
    }
    bool is_quoted = before > 0 && (source.p[before - 1] == '"' || source.p[before - 1] == '\'');
    if (!is_quoted || !is_operator(source, failure->offset)) {
        return false;
    }
    report_error(report, failure->place, "the quoted text ended before this");
    report_hint(report, source.p[before - 1] == '"'
                            ? "put the whole expression in quotes, and '...' around texts in it"
                            : "put the whole expression in quotes of the other kind");
    return true;
}

/* Text behind a closing quote: most often the quote was meant to be part of the text. */
static bool report_quote_in_quotes(const struct report *report, const struct yaml_failure *failure)
{
    const char *before = report->source.p + failure->offset - 1;
    if (failure->offset == 0 || failure->offset >= report->source.n || before[1] == ':' ||
        (*before != '\'' && *before != '"')) {
        return false;
    }
    report_error(report, failure->place, "the quoted text ended before this");
    if (*before == '"') {
        report_hint(report, "within \"...\" write \\\" for a quote, or put '...' around the text");
    } else {
        report_hint(report, "within '...' write '' for a quote, or put \"...\" around the text");
    }
    return true;
}

/* Mistakes that libyaml's words do not tell from others. */
static bool report_cause(const struct report *report, const struct yaml_failure *failure)
{
    struct str problem = str_from(failure->problem);
    if (str_starts_with(problem, STR("mapping values are not allowed"))) {
        return report_value_goes_on(report, failure);
    }
    return str_starts_with(problem, STR("did not find expected")) &&
           (report_operator(report, failure) || report_quote_in_quotes(report, failure));
}

static void report_end(const struct report *report, const struct yaml_failure *failure)
{
    const char *context = failure->context;
    if (failure->open != NULL) {
        report_error(report, failure->place, "the text ends, and the '%c' at %u:%u is still open",
                     report->source.p[failure->open->start], failure->open->place.line,
                     failure->open->place.column);
    } else {
        report_error(report, failure->place, "the text ends too early: %s",
                     context != NULL ? context : failure->problem);
    }
    (void)hint_quotes(report, report->source, failure->offset); /* the hint may not apply */
}

void yaml_error_report(const struct report *report, const struct yaml_failure *failure)
{
    const struct known_problem *known = find_problem(report, failure);
    struct place place = failure->place;
    if (failure->offset == report->source.n &&
        source_line(report->source, failure->offset).n == 0) {
        report_end(report, failure);
        return;
    }
    if (report_cause(report, failure)) {
        return;
    }
    if (known == NULL) {
        const char *context = failure->context != NULL ? failure->context : "";
        report_error(report, place, "not valid YAML: %s%s%s", context,
                     context[0] != '\0' ? ": " : "", failure->problem);
    } else if (known->message == file_is_empty) {
        report_empty(report, place, known->message);
    } else {
        report_error(report, place, "%s", known->message);
    }
    if (hint_quotes(report, report->source, failure->offset) || known == NULL) {
        return;
    }
    if (known->hint != NULL) {
        report_hint(report, "%s", known->hint);
    } else if (failure->open != NULL) {
        report_hint(report, "the '%c' at %u:%u is still open",
                    report->source.p[failure->open->start], failure->open->place.line,
                    failure->open->place.column);
    }
}
