/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/pieces.h"

#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"

enum { FEW_PIECES = 4 };

struct cutter {
    struct str string;
    size_t at;
    struct piece *pieces;
    size_t room; /* for pieces: what is more is only counted */
    size_t count;
    struct expr_fault fault;
    struct error *err;
};

/* `text` is not empty, and `at` is inside the string. */
static bool is_at(const struct cutter *c, size_t at, const char *text)
{
    if (c->string.p[at] != text[0]) {
        return false; /* nearly always */
    }
    size_t n = strlen(text);
    return c->string.n - at >= n && memcmp(c->string.p + at, text, n) == 0;
}

static struct str slice(const struct cutter *c, size_t from, size_t to)
{
    return str_make(c->string.p + from, to - from);
}

static int fail_at(struct cutter *c, size_t from, size_t to, const char *message)
{
    c->fault = (struct expr_fault){from, to - from};
    return error_set(c->err, E_INVALID, "%s", message);
}

static void add(struct cutter *c, const struct piece *piece)
{
    if (c->count < c->room) {
        c->pieces[c->count] = *piece;
    }
    c->count++;
}

static void add_text(struct cutter *c, size_t from, size_t to)
{
    if (to > from) {
        struct piece piece = {.kind = PIECE_TEXT, .text = slice(c, from, to), .offset = from};
        piece.whole = piece.text;
        add(c, &piece);
    }
}

/* Whether the quote at `at` begins a raw string: its prefix holds an r. */
static bool is_raw_string(const struct cutter *c, size_t from, size_t at)
{
    for (size_t back = 1; back <= 2 && at >= from + back; back++) {
        char before = c->string.p[at - back];
        if (before == 'r' || before == 'R') {
            return true;
        }
        if (before != 'b' && before != 'B') {
            return false;
        }
    }
    return false;
}

/* From an opening quote to behind the closing one; to the end when there is none. */
static size_t skip_string(const struct cutter *c, size_t from, size_t at)
{
    bool is_raw = is_raw_string(c, from, at);
    const char quote[] = {c->string.p[at], '\0'};
    const char triple[] = {quote[0], quote[0], quote[0], '\0'};
    const char *end = is_at(c, at, triple) ? triple : quote;
    at += strlen(end);
    while (at < c->string.n && !is_at(c, at, end)) {
        at += c->string.p[at] == '\\' && !is_raw && at + 1 < c->string.n ? 2 : 1;
    }
    return at < c->string.n ? at + strlen(end) : c->string.n;
}

static size_t skip_comment(const struct cutter *c, size_t at)
{
    while (at < c->string.n && c->string.p[at] != '\n') {
        at++;
    }
    return at;
}

/* Where the expression that begins at `from` ends: at `close` outside strings and braces. */
static bool find_close(const struct cutter *c, size_t from, const char *close, size_t *out)
{
    size_t depth = 0;
    size_t at = from;
    while (at < c->string.n) {
        switch (c->string.p[at]) {
        case '}':
            if (depth == 0 && is_at(c, at, close)) {
                *out = at;
                return true;
            }
            depth -= depth > 0 ? 1u : 0u;
            at++;
            break;
        case '{':
            depth++;
            at++;
            break;
        case '\'':
        case '"':
            at = skip_string(c, from, at);
            break;
        case '/':
            at = is_at(c, at, "//") ? skip_comment(c, at) : at + 1;
            break;
        default:
            at++;
            break;
        }
    }
    return false;
}

static int cut_expr(struct cutter *c, bool is_dollar)
{
    size_t start = c->at;
    size_t from = start + 2;
    size_t end = 0;
    if (!find_close(c, from, is_dollar ? "}" : "}}", &end)) {
        return fail_at(c, start, start + 2,
                       is_dollar ? "'${' has no closing '}': '$${' writes '${'"
                                 : "'{{' has no closing '}}': {{ '{{' }} writes '{{'");
    }
    c->at = end + (is_dollar ? 1 : 2);
    struct piece piece = {.kind = PIECE_EXPR,
                          .text = slice(c, from, end),
                          .whole = slice(c, start, c->at),
                          .offset = from,
                          .is_dollar = is_dollar};
    struct str text = str_trim(piece.text);
    if (text.n == 0) {
        return fail_at(c, start, c->at, "there is no expression between the braces");
    }
    if (str_starts_with(text, STR("{{"))) {
        size_t inner = (size_t)(text.p - c->string.p);
        return fail_at(c, inner, inner + 2, "'{{' inside of braces: leave the inner ones out");
    }
    add(c, &piece);
    return 0;
}

/* The end of the capital name at `from`; `from` itself when there is none. */
static size_t skip_variable_name(const struct cutter *c, size_t from)
{
    size_t at = from;
    while (at < c->string.n) {
        char byte = c->string.p[at];
        bool is_digit = byte >= '0' && byte <= '9';
        if (!(byte >= 'A' && byte <= 'Z') && byte != '_' && !(is_digit && at > from)) {
            break;
        }
        at++;
    }
    return at;
}

/* ${NAME} or ${NAME:-default}: false when it is something else. */
static bool cut_variable(struct cutter *c)
{
    size_t from = c->at + 2;
    size_t name_end = skip_variable_name(c, from);
    size_t end = name_end;
    bool has_fallback = name_end < c->string.n && is_at(c, name_end, ":-");
    while (has_fallback && end < c->string.n && c->string.p[end] != '}') {
        end++;
    }
    if (name_end == from || end >= c->string.n || c->string.p[end] != '}') {
        return false;
    }
    struct piece piece = {.kind = PIECE_VARIABLE,
                          .text = slice(c, from, name_end),
                          .whole = slice(c, c->at, end + 1),
                          .offset = from,
                          .has_fallback = has_fallback};
    if (has_fallback) {
        piece.fallback = slice(c, name_end + 2, end);
    }
    c->at = end + 1;
    add(c, &piece);
    return true;
}

static int cut_all(struct cutter *c)
{
    size_t text = 0; /* the start of the text that is not yet a piece */
    int status = 0;
    c->at = 0;
    c->count = 0;
    while (c->at < c->string.n && status == 0) {
        if (c->string.p[c->at] != '{' && c->string.p[c->at] != '$') {
            c->at++;
        } else if (is_at(c, c->at, "$${")) {
            add_text(c, text, c->at);
            text = c->at + 1;
            c->at += 3;
        } else if (is_at(c, c->at, "{{") || is_at(c, c->at, "${")) {
            bool is_dollar = c->string.p[c->at] == '$';
            add_text(c, text, c->at);
            if (!is_dollar || !cut_variable(c)) {
                status = cut_expr(c, is_dollar);
            }
            text = c->at;
        } else {
            c->at++;
        }
    }
    if (status == 0) {
        add_text(c, text, c->string.n);
    }
    return status;
}

bool pieces_are_worth_it(struct str string)
{
    return string.n >= 2 && (memmem(string.p, string.n, "{{", 2) != NULL ||
                             memmem(string.p, string.n, "${", 2) != NULL);
}

int pieces_cut(struct str string, struct arena *arena, struct piece **out_pieces, size_t *out_count,
               struct expr_fault *out_fault, struct error *err)
{
    struct piece few[FEW_PIECES]; /* nearly always enough */
    struct cutter c = {.string = string, .pieces = few, .room = FEW_PIECES, .err = err};
    int status = cut_all(&c);
    if (status != 0) {
        *out_fault = c.fault;
        return status;
    }
    size_t size = (c.count > 0 ? c.count : 1) * sizeof(struct piece);
    struct piece *pieces = arena_alloc(arena, size);
    if (pieces == NULL) {
        return error_nomem(err);
    }
    if (c.count <= FEW_PIECES) {
        memcpy(pieces, few, c.count * sizeof(struct piece));
    } else {
        c.pieces = pieces;
        c.room = c.count;
        status = cut_all(&c);
    }
    *out_pieces = pieces;
    *out_count = c.count;
    return status;
}

const struct piece *pieces_only_expr(const struct piece *pieces, size_t count)
{
    const struct piece *only = NULL;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].kind == PIECE_TEXT && str_trim(pieces[i].text).n == 0) {
            continue;
        }
        if (only != NULL || pieces[i].kind != PIECE_EXPR) {
            return NULL;
        }
        only = &pieces[i];
    }
    return only;
}
