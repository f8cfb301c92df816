/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/expression_text.h"

#include <string.h>

#include "core/expr/foreign.h"
#include "core/value/builder.h"

/* What is nested deeper is refused anyway. */
enum { MAX_OPEN = 256 };

enum brace { BRACE_MAP, BRACE_DOUBLE, BRACE_DOLLAR };

struct copy {
    struct str text;
    size_t at;
    struct strbuf out;
    uint8_t open[MAX_OPEN]; /* enum brace, innermost last */
    size_t depth;
};

static bool is_at(const struct copy *copy, struct str word)
{
    return str_starts_with(str_make(copy->text.p + copy->at, copy->text.n - copy->at), word);
}

static void write(struct copy *copy, struct str replacement)
{
    strbuf_append_str(&copy->out, replacement);
    copy->at += replacement.n;
}

static void open_brace(struct copy *copy, enum brace brace, struct str replacement)
{
    if (copy->depth < MAX_OPEN) {
        copy->open[copy->depth++] = (uint8_t)brace;
    }
    write(copy, replacement);
}

static void close_brace(struct copy *copy)
{
    enum brace brace = copy->depth > 0 ? copy->open[copy->depth - 1] : BRACE_DOUBLE;
    bool is_double = brace == BRACE_DOUBLE && is_at(copy, STR("}}"));
    copy->depth -= copy->depth > 0 ? 1 : 0;
    write(copy, is_double ? STR(" )") : brace == BRACE_DOLLAR ? STR(")") : STR("}"));
}

/* From a quote to behind the one that closes it. */
static void copy_string(struct copy *copy)
{
    struct str text = copy->text;
    size_t start = copy->at;
    size_t end = start + 1;
    while (end < text.n && text.p[end] != text.p[start]) {
        end += text.p[end] == '\\' && end + 1 < text.n ? 2 : 1;
    }
    end += end < text.n ? 1 : 0;
    write(copy, str_make(text.p + start, end - start));
}

static void copy_next(struct copy *copy)
{
    char c = copy->text.p[copy->at];
    if (c == '"' || c == '\'') {
        copy_string(copy);
    } else if (is_at(copy, STR("{{"))) {
        open_brace(copy, BRACE_DOUBLE, STR("( "));
    } else if (is_at(copy, STR("${")) && foreign_variable(copy->text, copy->at).n > 0) {
        open_brace(copy, BRACE_MAP, STR("${"));
    } else if (is_at(copy, STR("${"))) {
        open_brace(copy, BRACE_DOLLAR, STR("( "));
    } else if (c == '{') {
        open_brace(copy, BRACE_MAP, STR("{"));
    } else if (c == '}') {
        close_brace(copy);
    } else {
        write(copy, str_make(&c, 1));
    }
}

bool expression_text_has_dollar(struct str text)
{
    return text.n >= 2 && memmem(text.p, text.n, "${", 2) != NULL;
}

int expression_text_write(struct str text, struct builder *b)
{
    bool has_dollar = expression_text_has_dollar(text);
    struct copy copy = {.text = text, .out = STRBUF_INIT};
    strbuf_append_text(&copy.out, has_dollar ? "${" : "{{");
    while (copy.at < text.n) {
        copy_next(&copy);
    }
    strbuf_append_text(&copy.out, has_dollar ? " }" : " }}");
    builder_string(b, strbuf_str(&copy.out));
    int status = strbuf_status(&copy.out);
    strbuf_finish(&copy.out);
    return status;
}
