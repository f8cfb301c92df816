/* SPDX-License-Identifier: Apache-2.0 */
#include "message/inline.h"

#include <string.h>

/*
 * An end is looked for so far only, marks are nested so deep only, and after so many that never end
 * no more are looked for: what people write is less, and what they do not costs little.
 */
enum { FAR = 2000, DEEP = 8, MOST_OPEN = 500 };

enum mode { MODE_MRKDWN, MODE_PLAIN, MODE_HTML };

struct writer {
    struct text *out;
    enum mode mode;
    uint32_t depth;
    uint32_t open; /* marks so far that nothing ends */
};

/* Shows nothing, and keeps Slack from reading a mark where none was meant, or missing one. */
#define ZERO_WIDTH "\xE2\x80\x8B"

/* ---- Characters ---- */

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Of a word, for Slack: what is not ASCII counts as well. */
static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           ((unsigned char)c & 0x80u) != 0;
}

static int is_punctuation(char c)
{
    return c > ' ' && c < 0x7F && !is_word(c);
}

static int begins_with(ops_str s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && memcmp(s.p, word, n) == 0;
}

static ops_str part(ops_str s, uint64_t from, uint64_t end)
{
    ops_str out = {s.p + from, end - from};
    return out;
}

static uint64_t run_at(ops_str s, uint64_t at)
{
    uint64_t end = at;
    while (end < s.n && s.p[end] == s.p[at]) {
        end++;
    }
    return end - at;
}

/* ---- Plain characters ---- */

static const char *escape_of(char c)
{
    return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
}

static void put(struct writer *writer, char c)
{
    const char *escape = writer->mode != MODE_PLAIN ? escape_of(c) : NULL;
    if (writer->mode == MODE_HTML && (c == '"' || c == '\n')) {
        escape = c == '"' ? "&quot;" : "<br>\n";
    }
    if (escape != NULL) {
        text_append_literal(writer->out, escape);
    } else {
        text_append(writer->out, &c, 1);
    }
}

void inline_append_escaped(struct text *out, ops_str text)
{
    struct writer writer = {out, MODE_MRKDWN, 0, 0};
    for (uint64_t i = 0; i < text.n; i++) {
        put(&writer, text.p[i]);
    }
}

/* A character that is no mark, though Slack would take it for one. */
static void put_literal(struct writer *writer, char c)
{
    int is_mark = c == '*' || c == '_' || c == '~' || c == '`';
    if (writer->mode == MODE_MRKDWN && is_mark) {
        text_append_literal(writer->out, ZERO_WIDTH);
    }
    put(writer, c);
}

/* ---- Entities, comments, line breaks: what stands for something else ---- */

static size_t put_entity(struct writer *writer, ops_str s)
{
    static const struct {
        const char *from;
        char to;
    } table[] = {{"&amp;", '&'},  {"&lt;", '<'},   {"&gt;", '>'},
                 {"&quot;", '"'}, {"&#39;", '\''}, {"&nbsp;", ' '}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (begins_with(s, table[i].from)) {
            put(writer, table[i].to);
            return strlen(table[i].from);
        }
    }
    return 0;
}

static size_t put_html(struct writer *writer, ops_str s)
{
    static const char *const breaks[] = {"<br>", "<br/>", "<br />"};
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        if (begins_with(s, breaks[i])) {
            put(writer, '\n');
            return strlen(breaks[i]);
        }
    }
    if (!begins_with(s, "<!--")) {
        return 0;
    }
    for (uint64_t i = 4; i + 3 <= s.n && i < FAR; i++) {
        if (begins_with(part(s, i, s.n), "-->")) {
            return (size_t)i + 3;
        }
    }
    return 0;
}

/* ---- Code ---- */

/* Where the run of backticks that closes the one at `at` begins; 0: nothing closes it. */
static uint64_t find_code_end(ops_str s, uint64_t at)
{
    uint64_t size = run_at(s, at);
    for (uint64_t i = at + size; i < s.n && i < at + FAR; i++) {
        uint64_t n = s.p[i] == '`' ? run_at(s, i) : 0;
        if (n == size) {
            return i;
        }
        i += n > 0 ? n - 1 : 0;
    }
    return 0;
}

static size_t put_code(struct writer *writer, ops_str s)
{
    uint64_t size = run_at(s, 0);
    uint64_t end = writer->open < MOST_OPEN ? find_code_end(s, 0) : 0;
    if (end == 0) {
        writer->open++;
        for (uint64_t i = 0; i < size; i++) {
            put(writer, '`');
        }
        return (size_t)size;
    }
    ops_str code = part(s, size, end);
    if (code.n > 2 && is_space(code.p[0]) && is_space(code.p[code.n - 1])) {
        code = part(code, 1, code.n - 1);
    }
    static const char *const before[] = {"`", "", "<code>"};
    static const char *const after[] = {"`", "", "</code>"};
    text_append_literal(writer->out, before[writer->mode]);
    for (uint64_t i = 0; i < code.n; i++) { /* Slack knows no way to have a backtick in code */
        char c = code.p[i];
        put(writer, c == '\n' ? ' ' : c == '`' && writer->mode == MODE_MRKDWN ? '\'' : c);
    }
    text_append_literal(writer->out, after[writer->mode]);
    return (size_t)(end + size);
}

/* ---- Links ---- */

static int is_linkable(ops_str url)
{
    static const char *const schemes[] = {"http://", "https://", "mailto:", "tel:"};
    int is_known = 0;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        is_known = is_known || (begins_with(url, schemes[i]) && url.n > strlen(schemes[i]));
    }
    for (uint64_t i = 0; is_known && i < url.n; i++) {
        is_known = (unsigned char)url.p[i] > ' ' && url.p[i] != 0x7F;
    }
    return is_known;
}

/* Where the bracket that closes the one at `at` stands; 0: nothing closes it. */
static uint64_t find_bracket_end(ops_str s, uint64_t at)
{
    uint32_t depth = 0;
    for (uint64_t i = at; i < s.n && i < at + FAR; i++) {
        uint64_t code = s.p[i] == '`' ? find_code_end(s, i) : 0;
        if (s.p[i] == '\\') {
            i++;
        } else if (code > 0) {
            i = code + run_at(s, code) - 1;
        } else if (s.p[i] == '[') {
            depth++;
        } else if (s.p[i] == ']' && --depth == 0) {
            return i;
        }
    }
    return 0;
}

/* The URL at the beginning of `s`, in <> or with balanced parentheses; how far it goes. */
static uint64_t read_target(ops_str s, ops_str *out_url)
{
    uint32_t depth = 0;
    uint64_t i = 0;
    if (s.n > 0 && s.p[0] == '<') {
        while (i < s.n && i < FAR && s.p[i] != '>' && s.p[i] != '\n') {
            i++;
        }
        *out_url = part(s, 1, i);
        return i < s.n && s.p[i] == '>' ? i + 1 : 0;
    }
    for (; i < s.n && i < FAR && !is_space(s.p[i]); i++) {
        if (s.p[i] == ')' && depth-- == 0) {
            break;
        }
        depth += s.p[i] == '(';
    }
    *out_url = part(s, 0, i);
    return i;
}

/* Behind a title and the parenthesis that ends the link; 0: that is not what stands at `at`. */
static uint64_t read_link_end(ops_str s, uint64_t at)
{
    while (at < s.n && is_space(s.p[at])) {
        at++;
    }
    char quote = at < s.n ? s.p[at] : '\0';
    if (quote == '"' || quote == '\'') {
        for (at++; at < s.n && s.p[at] != quote; at++) {
            at += s.p[at] == '\\';
        }
        at++;
    }
    while (at < s.n && is_space(s.p[at])) {
        at++;
    }
    return at < s.n && s.p[at] == ')' ? at + 1 : 0;
}

size_t inline_read_link(ops_str s, ops_str *out_text, ops_str *out_url)
{
    ops_str url = {NULL, 0};
    uint64_t open = s.n > 0 && s.p[0] == '!' ? 1 : 0;
    uint64_t close = s.n > open && s.p[open] == '[' ? find_bracket_end(s, open) : 0;
    if (close == 0 || close + 1 >= s.n || s.p[close + 1] != '(') {
        return 0;
    }
    uint64_t target = read_target(part(s, close + 2, s.n), &url);
    uint64_t end = target > 0 ? read_link_end(s, close + 2 + target) : 0;
    if (end == 0 || !is_linkable(url)) {
        return 0;
    }
    *out_text = part(s, open + 1, close);
    *out_url = url;
    return (size_t)end;
}

/* What ends a link for Slack is percent-encoded. */
static void put_url(struct writer *writer, ops_str url)
{
    for (uint64_t i = 0; i < url.n; i++) {
        char c = url.p[i];
        if (c == '<' || c == '>' || c == '|') {
            text_append_literal(writer->out, c == '<' ? "%3C" : c == '>' ? "%3E" : "%7C");
        } else {
            put(writer, c);
        }
    }
}

static void put_label(struct writer *writer, ops_str markdown)
{
    struct text plain = {NULL, 0, 0, 0};
    inline_append_plain(&plain, markdown);
    for (size_t i = 0; i < plain.n; i++) {
        put(writer, plain.p[i] == '\n' ? ' ' : plain.p[i]);
    }
    writer->out->failed = writer->out->failed || plain.failed;
    text_finish(&plain);
}

static void put_anchor(struct writer *writer, ops_str url, ops_str label)
{
    text_append_literal(writer->out, "<a href=\"");
    put_url(writer, url);
    text_append_literal(writer->out, "\">");
    put_label(writer, label);
    text_append_literal(writer->out, "</a>");
}

static size_t put_link(struct writer *writer, ops_str s)
{
    ops_str text = {NULL, 0};
    ops_str url = {NULL, 0};
    size_t n = writer->open < MOST_OPEN ? inline_read_link(s, &text, &url) : 0;
    writer->open += n == 0;
    if (n > 0 && writer->mode == MODE_MRKDWN) {
        text_append_literal(writer->out, "<");
        put_url(writer, url);
        text_append_literal(writer->out, text.n > 0 ? "|" : "");
        put_label(writer, text);
        text_append_literal(writer->out, ">");
    } else if (n > 0 && writer->mode == MODE_HTML) {
        put_anchor(writer, url, text.n > 0 ? text : url);
    } else if (n > 0) {
        inline_append_plain(writer->out, text.n > 0 ? text : url);
    }
    return n;
}

/* <https://example.com> */
static size_t put_autolink(struct writer *writer, ops_str s)
{
    ops_str url = {NULL, 0};
    uint64_t n = read_target(s, &url);
    if (n == 0 || !is_linkable(url)) {
        return 0;
    }
    if (writer->mode == MODE_HTML) {
        put_anchor(writer, url, url);
        return (size_t)n;
    }
    text_append_literal(writer->out, writer->mode == MODE_MRKDWN ? "<" : "");
    put_url(writer, url);
    text_append_literal(writer->out, writer->mode == MODE_MRKDWN ? ">" : "");
    return (size_t)n;
}

/* An address in the text: Slack links it by itself, and there are no marks in it. */
static size_t put_bare_url(struct writer *writer, ops_str s)
{
    uint64_t n = 0;
    if (!begins_with(s, "http://") && !begins_with(s, "https://")) {
        return 0;
    }
    while (n < s.n && (unsigned char)s.p[n] > ' ' && s.p[n] != '<' && s.p[n] != '>' &&
           s.p[n] != ')' && s.p[n] != ']' && s.p[n] != '|' && s.p[n] != '`') {
        n++;
    }
    if (writer->mode == MODE_HTML) {
        put_anchor(writer, part(s, 0, n), part(s, 0, n));
        return (size_t)n;
    }
    for (uint64_t i = 0; i < n; i++) {
        put(writer, s.p[i]);
    }
    return (size_t)n;
}

/* ---- Emphasis ---- */

static void write_inline(struct writer *writer, ops_str s);

/* Where the run that closes that of `size` at `at` begins; 0: nothing closes it. */
static uint64_t find_close(ops_str s, uint64_t at, uint64_t size)
{
    char c = s.p[at];
    for (uint64_t i = at + size; i < s.n && i < at + FAR; i++) {
        uint64_t code = s.p[i] == '`' ? find_code_end(s, i) : 0;
        uint64_t n = s.p[i] == c ? run_at(s, i) : 0;
        char after = i + n < s.n ? s.p[i + n] : ' ';
        if (n == size && !is_space(s.p[i - 1]) && i > at + size && (c != '_' || !is_word(after))) {
            return i;
        }
        i = s.p[i] == '\\' ? i + 1 : code > 0 ? code + run_at(s, code) - 1 : n > 0 ? i + n - 1 : i;
    }
    return 0;
}

/* "*", "_" or "*_": what Slack has for the marks of Markdown; and HTML. */
static void put_marks(struct writer *writer, char c, uint64_t size, int is_end)
{
    static const char *const tags[][2] = {
        {"<s>", "</s>"},
        {"<em>", "</em>"},
        {"<strong>", "</strong>"},
        {"<strong><em>", "</em></strong>"},
    };
    if (writer->mode == MODE_HTML) {
        text_append_literal(writer->out, tags[c == '~' ? 0 : size][is_end]);
    }
    if (writer->mode == MODE_MRKDWN) {
        text_append_literal(writer->out, c == '~'    ? "~"
                                         : size == 1 ? "_"
                                         : size == 2 ? "*"
                                         : is_end    ? "_*"
                                                     : "*_");
    }
}

/* How many bytes are done; 0: the mark opens nothing. */
static uint64_t put_emphasis(struct writer *writer, ops_str s, uint64_t at)
{
    uint64_t size = run_at(s, at);
    char c = s.p[at];
    char before = at > 0 ? s.p[at - 1] : ' ';
    int is_open = at + size < s.n && !is_space(s.p[at + size]) && size <= (c == '~' ? 2 : 3) &&
                  (c != '_' || !is_word(before)) && writer->depth < DEEP &&
                  writer->open < MOST_OPEN;
    uint64_t close = is_open ? find_close(s, at, size) : 0;
    if (close == 0) {
        writer->open++;
        return 0;
    }
    uint64_t end = close + size;
    int is_slack = writer->mode == MODE_MRKDWN;
    text_append_literal(writer->out, is_slack && is_word(before) ? ZERO_WIDTH : "");
    put_marks(writer, c, size, 0);
    writer->depth++;
    write_inline(writer, part(s, at + size, close));
    writer->depth--;
    put_marks(writer, c, size, 1);
    text_append_literal(writer->out, is_slack && end < s.n && is_word(s.p[end]) ? ZERO_WIDTH : "");
    return end - at;
}

/* ---- All of it ---- */

/* What is written for what stands at `at`; how many bytes that were, 0: it is a plain character. */
static uint64_t put_special(struct writer *writer, ops_str s, uint64_t at)
{
    ops_str rest = part(s, at, s.n);
    int has_next = rest.n > 1;
    int is_word_start = at == 0 || !is_word(s.p[at - 1]);
    uint64_t n = 0;
    switch (s.p[at]) {
    case '\\':
        if (has_next && (is_punctuation(rest.p[1]) || rest.p[1] == '\n')) {
            put_literal(writer, rest.p[1]);
            return 2;
        }
        return 0;
    case '`':
        return put_code(writer, rest);
    case '[':
        return put_link(writer, rest);
    case '!':
        return has_next && rest.p[1] == '[' ? put_link(writer, rest) : 0;
    case '<':
        n = put_autolink(writer, rest);
        return n > 0 ? n : put_html(writer, rest);
    case '&':
        return put_entity(writer, rest);
    case 'h':
        return is_word_start ? put_bare_url(writer, rest) : 0;
    case '*':
    case '_':
    case '~':
        n = put_emphasis(writer, s, at);
        for (uint64_t left = n == 0 ? run_at(s, at) : 0; left > 0; left--, n++) {
            put(writer, s.p[at]);
        }
        return n;
    default:
        return 0;
    }
}

/* White space at the end and at the beginning of lines is none of the text. */
static int is_margin(ops_str s, uint64_t at)
{
    uint64_t end = at;
    if (!is_space(s.p[at]) || s.p[at] == '\n') {
        return 0;
    }
    while (end < s.n && (is_space(s.p[end]) && s.p[end] != '\n')) {
        end++;
    }
    return end == s.n || s.p[end] == '\n' || (at > 0 && s.p[at - 1] == '\n');
}

static void write_inline(struct writer *writer, ops_str s)
{
    uint64_t at = 0;
    while (at < s.n) {
        if (writer->depth == 0 && is_margin(s, at)) {
            while (at < s.n && is_space(s.p[at]) && s.p[at] != '\n') {
                at++;
            }
            continue;
        }
        uint64_t n = put_special(writer, s, at);
        if (n == 0) {
            put(writer, s.p[at]);
        }
        at += n > 0 ? n : 1;
    }
}

void inline_append_mrkdwn(struct text *out, ops_str markdown)
{
    struct writer writer = {out, MODE_MRKDWN, 0, 0};
    write_inline(&writer, markdown);
}

void inline_append_plain(struct text *out, ops_str markdown)
{
    struct writer writer = {out, MODE_PLAIN, 0, 0};
    write_inline(&writer, markdown);
}

void inline_append_html(struct text *out, ops_str markdown)
{
    struct writer writer = {out, MODE_HTML, 0, 0};
    write_inline(&writer, markdown);
}

void inline_append_html_text(struct text *out, ops_str text)
{
    struct writer writer = {out, MODE_HTML, 0, 0};
    for (uint64_t i = 0; i < text.n; i++) {
        put(&writer, text.p[i]);
    }
}
