/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/man_roff.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/value/json.h"
#include "core/value/value.h"

enum { DATE_BYTES = 16 };

/* What a character is written as; NULL: as itself. */
static const char *escape_of(char c)
{
    switch (c) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    default:
        return NULL;
    }
}

/* A point at the beginning of a line would be a macro. */
void man_roff_text(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        const char *escape = escape_of(text.p[i]);
        bool is_first = out->n == 0 || out->p[out->n - 1] == '\n';
        if (is_first && text.p[i] == '.') {
            strbuf_append_text(out, "\\&");
        }
        if (escape != NULL) {
            strbuf_append_text(out, escape);
        } else {
            strbuf_append_char(out, text.p[i]);
        }
    }
}

void man_roff_bold(struct strbuf *out, struct str text)
{
    strbuf_append_text(out, "\\fB");
    man_roff_text(out, text);
    strbuf_append_text(out, "\\fR");
}

void man_roff_italic(struct strbuf *out, struct str text)
{
    strbuf_append_text(out, "\\fI");
    man_roff_text(out, text);
    strbuf_append_text(out, "\\fR");
}

static void append_capitals(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        char capital = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        man_roff_text(out, str_make(&capital, 1));
    }
}

static void append_date(struct strbuf *out)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    char date[DATE_BYTES] = "";
    struct tm day;
    time_t seconds = text != NULL ? (time_t)strtoll(text, NULL, 10) : 0;
    if (seconds > 0 && gmtime_r(&seconds, &day) != NULL) {
        (void)strftime(date, sizeof(date), "%Y-%m-%d", &day); /* else there is none */
    }
    strbuf_append_text(out, date);
}

void man_roff_begin(struct strbuf *out, struct str name, int section)
{
    strbuf_append_text(out, ".TH ");
    append_capitals(out, name);
    strbuf_append_format(out, " %d \"", section);
    append_date(out);
    strbuf_append_text(out, "\" \"OpStream " OPSTREAM_VERSION "\" ");
    strbuf_append_text(out, section == 1 ? "\"User commands\"\n" : "\"File formats\"\n");
    strbuf_append_text(out,
                       ".nr HY 0\n.nh\n.ad l\n"); /* names of keys and files are not to be cut */
}

void man_roff_name(struct strbuf *out, struct str name, const char *what)
{
    man_roff_section(out, "NAME");
    man_roff_text(out, name);
    strbuf_append_text(out, " \\- ");
    man_roff_text(out, str_from(what));
    strbuf_append_char(out, '\n');
}

void man_roff_section(struct strbuf *out, const char *title)
{
    strbuf_append_format(out, ".SH %s\n", title);
}

void man_roff_part(struct strbuf *out, const char *title)
{
    strbuf_append_format(out, ".SS %s\n", title);
}

static struct str take_line(struct str *rest)
{
    const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
    size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
    struct str line = str_make(rest->p, n);
    n += end != NULL ? 1 : 0;
    *rest = str_make(rest->p + n, rest->n - n);
    return line;
}

static void append_lines(struct strbuf *out, struct str text)
{
    while (text.n > 0) {
        man_roff_text(out, take_line(&text));
        strbuf_append_char(out, '\n');
    }
}

/* A paragraph begins there anyway. */
static bool follows_heading(const struct strbuf *out)
{
    size_t begin = out->n > 0 ? out->n - 1 : 0;
    while (begin > 0 && out->p[begin - 1] != '\n') {
        begin--;
    }
    return str_starts_with(str_make(out->p + begin, out->n - begin), STR(".S"));
}

void man_roff_example(struct strbuf *out, struct str text)
{
    strbuf_append_text(out, follows_heading(out) ? "" : ".PP\n");
    strbuf_append_text(out, ".RS 4\n.EX\n");
    append_lines(out, text);
    strbuf_append_text(out, ".EE\n.RE\n");
}

/* The lines at the beginning of `*rest` that begin with blanks, or those that do not. */
static struct str take_block(struct str *rest, bool is_indented)
{
    const char *begin = rest->p;
    while (rest->n > 0 && rest->p[0] != '\n' && (rest->p[0] == ' ') == is_indented) {
        (void)take_line(rest); /* it is between begin and what is left */
    }
    return str_make(begin, (size_t)(rest->p - begin));
}

/* As it is read when it is written into a line of its own, less the blanks that set it apart. */
static void append_indented(struct strbuf *out, struct str block)
{
    enum { BLANKS = 2 };
    struct strbuf text = STRBUF_INIT;
    while (block.n > 0) {
        struct str line = take_line(&block);
        size_t blanks = line.n > BLANKS && line.p[1] == ' ' ? BLANKS : 1;
        strbuf_append(&text, line.p + blanks, line.n - blanks);
        strbuf_append_char(&text, '\n');
    }
    man_roff_example(out, strbuf_str(&text));
    strbuf_finish(&text);
}

void man_roff_paragraphs(struct strbuf *out, struct str text)
{
    bool is_first = true;
    while (text.n > 0) {
        if (text.p[0] == '\n') {
            (void)take_line(&text); /* an empty one */
        } else if (text.p[0] == ' ') {
            append_indented(out, take_block(&text, true));
        } else {
            strbuf_append_text(out, is_first ? "" : ".PP\n");
            append_lines(out, take_block(&text, false));
        }
        is_first = false;
    }
}

void man_roff_default(struct strbuf *out, const struct value *fallback)
{
    struct strbuf text = STRBUF_INIT;
    if (value_is(fallback, VALUE_STRING)) {
        strbuf_append_str(&text, value_str(fallback));
    } else if (fallback != NULL) {
        json_write(fallback, JSON_COMPACT, &text);
    }
    if (text.n > 0) {
        strbuf_append_text(out, " Default: ");
        man_roff_text(out, strbuf_str(&text));
        strbuf_append_char(out, '.');
    }
    strbuf_finish(&text);
}

void man_roff_item_begin(struct strbuf *out)
{
    strbuf_append_text(out, ".TP\n");
}

void man_roff_item_end(struct strbuf *out)
{
    strbuf_append_char(out, '\n');
}

void man_roff_see_also(struct strbuf *out, const char *const *pages)
{
    man_roff_section(out, "SEE ALSO");
    for (; *pages != NULL; pages++) {
        struct str page = str_from(*pages);
        const char *open = strchr(*pages, '(');
        size_t n = open != NULL ? (size_t)(open - *pages) : page.n;
        man_roff_bold(out, str_make(page.p, n));
        man_roff_text(out, str_make(page.p + n, page.n - n));
        strbuf_append_text(out, pages[1] != NULL ? ",\n" : "\n");
    }
}
