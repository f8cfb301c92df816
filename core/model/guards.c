/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/guards.h"

#include "core/expr/expr.h"
#include "core/model/scope.h"

enum { MOST_PARENTHESES = 16 }; /* inside each other; beyond it nothing is taken for a guard */

/* What is looked for. */
struct question {
    const struct draft *draft;
    int slot; /* of a node, SLOT_RUN or SLOT_INPUT */
    struct str field;
    uint32_t body; /* where the names of the expression are looked up */
    const struct expr *expr;
};

/* Whether `reference` is of the slot; its path goes on at `*out_first`. */
static bool is_of_slot(const struct question *q, const struct expr_reference *reference,
                       size_t *out_first)
{
    if (reference->slot == SLOT_NODES && reference->path_count > 0) {
        *out_first = 1;
        uint32_t node = draft_find_visible(q->draft, q->body, reference->path[0]);
        return node != DRAFT_NO_NODE && q->slot == (int)(SLOT_NODE_FIRST + node);
    }
    *out_first = 0;
    return reference->slot == q->slot;
}

static bool is_status(const struct question *q, const struct expr_reference *reference)
{
    size_t first = 0;
    return is_of_slot(q, reference, &first) && reference->path_count == first + 1 &&
           str_equal(reference->path[first], STR("status"));
}

/* `a.output`, something in it, or `a.x`, which is short for that. */
static bool is_field(const struct question *q, const struct expr_reference *reference)
{
    static const struct str others[] = {
        {"status", 6}, {"attempts", 8}, {"started_at", 10}, {"finished_at", 11},
        {"error", 5},  {"output", 6},   {"from_cache", 10}, {"from_fallback", 13},
    };
    size_t first = 0;
    if (!is_of_slot(q, reference, &first) || reference->path_count <= first) {
        return false;
    }
    bool is_short = str_equal(q->field, STR("output"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        is_short = is_short && !str_equal(reference->path[first], others[i]);
    }
    return is_short || str_equal(reference->path[first], q->field);
}

static struct str before(struct str text, const struct expr_reference *reference)
{
    return str_trim(str_make(text.p, reference->offset));
}

static struct str behind(struct str text, const struct expr_reference *reference)
{
    size_t end = reference->offset + reference->length;
    return str_trim(str_make(text.p + end, text.n - end));
}

static bool is_comparison(struct str sign)
{
    return str_equal(sign, STR("==")) || str_equal(sign, STR("!="));
}

static struct str first_two(struct str text)
{
    return str_make(text.p, text.n < 2 ? text.n : 2);
}

static struct str last_two(struct str text)
{
    return text.n < 2 ? text : str_make(text.p + text.n - 2, 2);
}

/* `a.status == ...`, `... != a.status`, `a.status in [...]` */
static bool compares_status(const struct question *q)
{
    struct str text = expr_source(q->expr);
    for (size_t r = 0; r < expr_reference_count(q->expr); r++) {
        const struct expr_reference *reference = expr_reference_at(q->expr, r);
        if (!is_status(q, reference)) {
            continue;
        }
        struct str rest = behind(text, reference);
        while (rest.n > 0 && (rest.p[0] == ')' || rest.p[0] == '}')) {
            rest = str_trim(str_make(rest.p + 1, rest.n - 1));
        }
        if (is_comparison(first_two(rest)) || str_starts_with(rest, STR("in ")) ||
            is_comparison(last_two(before(text, reference)))) {
            return true;
        }
    }
    return false;
}

/* From an opening quote to the closing one, or the end. */
static size_t skip_quoted(struct str text, size_t at)
{
    char quote = text.p[at++];
    while (at < text.n && text.p[at] != quote) {
        at += text.p[at] == '\\' ? 2 : 1;
    }
    return at;
}

/* Where `wanted` (NULL: the end of a bracket) stands outside of brackets and quotes, or text.n. */
static size_t find_outside(struct str text, size_t at, const char *wanted)
{
    size_t depth = 0;
    for (; at < text.n; at++) {
        char c = text.p[at];
        if (c == '"' || c == '\'') {
            at = skip_quoted(text, at);
        } else if (c == '(' || c == '[' || c == '{') {
            depth++;
        } else if (c == ')' || c == ']' || c == '}') {
            depth -= depth > 0 ? 1 : 0;
            if (depth == 0 && wanted == NULL) {
                return at;
            }
        } else if (depth == 0 && wanted != NULL &&
                   str_starts_with(str_make(text.p + at, text.n - at), str_from(wanted))) {
            return at;
        }
    }
    return text.n;
}

/* `c ? x : y`, and not `a.?b` or `a[?b]`. */
static bool is_choice(struct str text)
{
    size_t at = find_outside(text, 0, "?");
    while (at < text.n && at > 0 && text.p[at - 1] == '.') {
        at = find_outside(text, at + 1, "?");
    }
    return at < text.n;
}

/* What the status is sure to be, or not to be, where the answer lets the node run. */
static bool is_answer(struct str field, struct str sign, struct str literal)
{
    bool is_output = str_equal(field, STR("output"));
    bool is_quoted = literal.n >= 2 && (literal.p[0] == '\'' || literal.p[0] == '"') &&
                     literal.p[literal.n - 1] == literal.p[0];
    struct str status = is_quoted ? str_make(literal.p + 1, literal.n - 2) : STR("");
    if (str_equal(sign, STR("=="))) {
        return str_equal(status, is_output ? STR("completed") : STR("failed"));
    }
    return str_equal(sign, STR("!=")) && is_output &&
           (str_equal(status, STR("skipped")) || str_equal(status, STR("failed")));
}

static bool is_error(const struct question *q, const struct expr_reference *reference)
{
    size_t first = 0;
    return is_of_slot(q, reference, &first) && reference->path_count == first + 1 &&
           str_equal(reference->path[first], STR("error"));
}

/* `has(a.error) ? ... : a.x`: a node without an error has an output. */
static bool asks_error(const struct question *q)
{
    for (size_t r = 0; r < expr_reference_count(q->expr); r++) {
        const struct expr_reference *reference = expr_reference_at(q->expr, r);
        if (reference->is_guarded && is_error(q, reference)) {
            return true;
        }
    }
    return false;
}

/* Whether the question is `reference` with `left` before it and `right` behind it. */
static bool is_question_of(const struct question *q, const struct expr_reference *reference,
                           struct str left, struct str right)
{
    if (str_equal(left, STR("has("))) {
        return str_equal(right, STR(")")) && is_field(q, reference);
    }
    if (str_equal(left, STR("!has(")) && str_equal(q->field, STR("output"))) {
        return str_equal(right, STR(")")) && is_error(q, reference);
    }
    if (str_equal(left, STR("{{")) && str_starts_with(right, STR("}}"))) {
        left = STR("");
        right = str_trim(str_make(right.p + 2, right.n - 2));
    }
    if (q->slot == SLOT_INPUT || !is_status(q, reference) || (left.n > 0 && right.n > 0)) {
        return false;
    }
    struct str sign = left.n == 0 ? first_two(right) : last_two(left);
    struct str literal = left.n == 0 ? str_make(right.p + sign.n, right.n - sign.n)
                                     : str_make(left.p, left.n - sign.n);
    return is_answer(q->field, sign, str_trim(literal));
}

/* One question: `has(a.output)`, `a.status == 'completed'`. */
static bool is_question(const struct question *q, struct str text)
{
    size_t begin = (size_t)(text.p - expr_source(q->expr).p);
    for (size_t r = 0; r < expr_reference_count(q->expr); r++) {
        struct expr_reference reference = *expr_reference_at(q->expr, r);
        bool is_inside = reference.offset >= begin &&
                         reference.offset + reference.length <= begin + text.n;
        reference.offset -= is_inside ? begin : 0;
        if (is_inside &&
            is_question_of(q, &reference, before(text, &reference), behind(text, &reference))) {
            return true;
        }
    }
    return false;
}

/* Whether `text` holds only if the field is there: a question, or one of several joined by &&. */
static bool asks(const struct question *q, struct str text, unsigned depth)
{
    text = str_trim(text);
    if (depth > MOST_PARENTHESES || text.n == 0 || find_outside(text, 0, "||") < text.n ||
        is_choice(text)) {
        return false;
    }
    if ((text.p[0] == '(' || text.p[0] == '{') && find_outside(text, 0, NULL) + 1 == text.n) {
        return asks(q, str_make(text.p + 1, text.n - 2), depth + 1);
    }
    size_t from = 0;
    size_t to = find_outside(text, 0, "&&");
    while (to < text.n) {
        if (asks(q, str_make(text.p + from, to - from), depth + 1)) {
            return true;
        }
        from = to + 2;
        to = find_outside(text, from, "&&");
    }
    return from > 0 ? asks(q, str_make(text.p + from, text.n - from), depth + 1)
                    : is_question(q, text);
}

bool guards_hold(const struct draft *draft, const struct use *use, int slot, struct str field)
{
    struct question q = {draft, slot, field, use->body, use->expr};
    bool is_output = str_equal(field, STR("output"));
    if (slot != SLOT_INPUT && (compares_status(&q) || (is_output && asks_error(&q)))) {
        return true;
    }
    /* An edge is looked at even when its source was passed over. */
    bool has_node = use->site == USE_NODE || use->site == USE_SELF || use->site == USE_FAILED;
    uint32_t at = has_node ? use->node : draft->bodies[use->body].owner;
    while (at != DRAFT_NO_NODE) {
        q.expr = draft->nodes[at].when;
        q.body = draft->nodes[at].body;
        if (q.expr != NULL && q.expr != use->expr && asks(&q, expr_source(q.expr), 0)) {
            return true;
        }
        at = draft->bodies[q.body].owner;
    }
    return false;
}
