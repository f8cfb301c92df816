/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/sanitizer.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/value/builder.h"
#include "core/value/mask_copy.h"
#include "core/value/regex.h"
#include "core/value/sanitizer_kinds.h"
#include "core/value/value.h"

struct rule {
    enum sanitizer_kind kind;
    struct regex *regex; /* NULL: of cards */
};

struct sanitizer {
    size_t count;
    struct rule rules[];
};

struct span {
    size_t from;
    size_t to;
};

struct spans {
    struct span *items;
    size_t count;
    size_t cap;
};

struct str sanitizer_kind_name(enum sanitizer_kind kind)
{
    static const char *const names[SANITIZER_KINDS] = {
        [SANITIZER_PATTERN] = "pattern", [SANITIZER_EMAIL] = "email", [SANITIZER_CARD] = "card",
        [SANITIZER_PHONE] = "phone",     [SANITIZER_IP] = "ip",
    };
    CHECK(kind < SANITIZER_KINDS);
    return str_from(names[kind]);
}

static int compile(const struct sanitizer_rule *from, struct rule *out, struct error *err)
{
    bool is_own = from->kind == SANITIZER_PATTERN;
    bool is_empty = false;
    out->kind = from->kind;
    if (from->kind == SANITIZER_CARD) {
        return 0;
    }
    struct str pattern = is_own ? from->pattern : sanitizer_kind_pattern(from->kind);
    int status = regex_compile_within(pattern, SANITIZER_MAX_MEMORY_BYTES, &out->regex, err);
    if (status == 0) {
        status = regex_search(out->regex, STR(""), &is_empty, err);
    }
    if (status == 0 && is_empty) {
        status =
            error_set(err, E_INVALID,
                      "the regular expression matches the empty text: it has to need a character");
    }
    return status;
}

int sanitizer_create(const struct sanitizer_rule *rules, size_t count,
                     struct sanitizer **out_sanitizer, size_t *out_rule, struct error *err)
{
    CHECK(count <= SANITIZER_MAX_RULES);
    struct sanitizer *sanitizer = calloc(1, sizeof(*sanitizer) + count * sizeof(struct rule));
    if (sanitizer == NULL) {
        *out_rule = 0;
        return error_nomem(err);
    }
    sanitizer->count = count;
    for (size_t i = 0; i < count; i++) {
        int status = compile(&rules[i], &sanitizer->rules[i], err);
        if (status != 0) {
            *out_rule = i;
            sanitizer_destroy(sanitizer);
            return status;
        }
    }
    *out_sanitizer = sanitizer;
    return 0;
}

void sanitizer_destroy(struct sanitizer *sanitizer)
{
    for (size_t i = 0; sanitizer != NULL && i < sanitizer->count; i++) {
        regex_destroy(sanitizer->rules[i].regex);
    }
    free(sanitizer);
}

/* ---- texts ---- */

/* The first one of the rule from `from` on: 1, 0, or E_NOMEM. */
static int find(const struct rule *rule, struct str text, size_t from, struct span *out)
{
    if (rule->kind == SANITIZER_CARD) {
        return sanitizer_find_card(text, from, &out->from, &out->to) ? 1 : 0;
    }
    return regex_find(rule->regex, text, from, &out->from, &out->to);
}

static int add_span(struct spans *spans, struct span span)
{
    struct span *items = array_reserve(spans->items, &spans->cap, spans->count + 1, sizeof(*items));
    if (items == NULL) {
        return E_NOMEM;
    }
    spans->items = items;
    items[spans->count++] = span;
    return 0;
}

/* A match of nothing, as of \b, hides nothing; the search goes on behind the next byte. */
static int find_all(const struct rule *rule, struct str text, struct spans *spans)
{
    struct span span = {0};
    size_t at = 0;
    int status = 0;
    while (status == 0 && at <= text.n) {
        status = find(rule, text, at, &span);
        if (status <= 0) {
            return status;
        }
        status = 0;
        bool is_one = span.to > span.from &&
                      (rule->kind == SANITIZER_PATTERN || rule->kind == SANITIZER_CARD ||
                       sanitizer_kind_holds(rule->kind, text, span.from, &span.to));
        at = span.to > span.from ? span.to : span.to + 1;
        if (is_one) {
            status = add_span(spans, span);
        }
    }
    return status;
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void append_masked(struct str text, struct spans *spans, struct strbuf *out)
{
    size_t done = 0;
    qsort(spans->items, spans->count, sizeof(struct span), compare_spans);
    for (size_t i = 0; i < spans->count; i++) {
        struct span span = spans->items[i];
        if (i == 0 || span.from > done) {
            strbuf_append(out, text.p + done, span.from - done);
            strbuf_append_text(out, "***");
        }
        done = span.to > done ? span.to : done;
    }
    strbuf_append(out, text.p + done, text.n - done);
}

static int mask_by(const struct sanitizer *sanitizer, bool is_number, struct str text,
                   struct strbuf *out)
{
    struct spans spans = {0};
    int status = 0;
    for (size_t i = 0; i < sanitizer->count && status == 0; i++) {
        enum sanitizer_kind kind = sanitizer->rules[i].kind;
        if (!is_number || kind == SANITIZER_PATTERN || kind == SANITIZER_CARD) {
            status = find_all(&sanitizer->rules[i], text, &spans);
        }
    }
    if (status == 0 && spans.count > 0) {
        append_masked(text, &spans, out);
        status = strbuf_status(out) != 0 ? E_NOMEM : MASK_FOUND;
    }
    free(spans.items);
    return status;
}

int sanitizer_text(const struct sanitizer *sanitizer, struct str text, struct strbuf *out)
{
    return mask_by(sanitizer, false, text, out);
}

/* ---- documents ---- */

static int find_text(const void *user, struct str text, struct strbuf *out)
{
    return mask_by(user, false, text, out);
}

static int find_number(const void *user, struct str digits, struct strbuf *out)
{
    return mask_by(user, true, digits, out);
}

int sanitizer_document(const struct sanitizer *sanitizer, const struct document *document,
                       struct document **out_document)
{
    const struct mask_finder finder = {sanitizer, find_text, find_number};
    return mask_copy_document(&finder, document, out_document);
}

/* What decides what follows a failure. */
static bool is_for_programs(struct str key)
{
    static const char *const names[] = {"code",           "symbol",          "retry",      "effect",
                                        "retry_after_ms", "upstream_status", "repeatable", "node"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_equal_text(key, names[i])) {
            return true;
        }
    }
    return false;
}

static struct document *put_back(const struct document *failure, const struct document *masked)
{
    struct document *whole = NULL;
    const struct value *root = document_root(failure);
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(root); i++) {
        const struct value_member *own = value_member_at(root, i);
        const struct value_member *other = value_member_at(document_root(masked), i);
        bool is_kept = is_for_programs(value_str(&own->key));
        builder_key(b, value_str(is_kept ? &own->key : &other->key));
        builder_embed(b, is_kept ? failure : masked, is_kept ? &own->value : &other->value);
    }
    builder_map_end(b);
    (void)builder_finish(b, &whole, NULL); /* NULL: out of memory, or keys that are alike now */
    return whole;
}

int sanitizer_failure(const struct sanitizer *sanitizer, const struct document *failure,
                      struct document **out_failure)
{
    struct document *masked = NULL;
    int status = sanitizer_document(sanitizer, failure, &masked);
    bool is_map = status == MASK_FOUND && value_is(document_root(failure), VALUE_MAP) &&
                  value_is(document_root(masked), VALUE_MAP);
    struct document *whole = is_map ? put_back(failure, masked) : NULL;
    if (whole != NULL) {
        document_unref(masked);
        masked = whole;
    }
    if (status >= 0) {
        *out_failure = masked;
    }
    return status;
}
