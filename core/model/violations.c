/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/violations.h"

#include "core/base/error.h"
#include "core/expr/template.h"
#include "core/model/format.h"
#include "core/model/known_values.h"
#include "core/model/scope.h"
#include "core/model/tree.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { MOST_COMPARED = 100 }; /* each with each; beyond it nobody reads them all */

/* "/routes/0/name" → "routes.0.name". */
static void pointer_as_path(struct str pointer, struct strbuf *out)
{
    for (size_t i = 1; i < pointer.n; i++) {
        char c = pointer.p[i];
        if (c == '~' && i + 1 < pointer.n) {
            i++;
            c = pointer.p[i] == '1' ? '/' : '~';
        } else if (c == '/') {
            c = '.';
        }
        strbuf_append_char(out, c);
    }
}

static struct str parent_of(struct str pointer)
{
    while (pointer.n > 0 && pointer.p[pointer.n - 1] != '/') {
        pointer.n--;
    }
    return pointer.n > 0 ? str_make(pointer.p, pointer.n - 1) : pointer;
}

/* Text with an expression in it: "5{{ x }}". */
static bool is_mixed(const struct tree *value)
{
    struct str text = tree_is(value, TREE_TEXT) ? str_trim(value->text) : STR("");
    bool is_alone = str_starts_with(text, STR("{{")) && str_ends_with(text, STR("}}"));
    return !is_alone && memmem(text.p, text.n, "{{", 2) != NULL;
}

static void report_violation(const struct draft *draft, const struct tree *tree,
                             const struct schema_violation *violation, const char *what)
{
    const struct report *report = &draft->loader->report;
    const struct tree *key = NULL;
    const struct tree *value = tree_pointer(tree, violation->pointer, &key);
    bool is_key = violation->on_key && key != NULL;
    struct strbuf path = STRBUF_INIT;
    pointer_as_path(is_key ? parent_of(violation->pointer) : violation->pointer, &path);
    struct str shown = strbuf_str(&path);
    report_error(report, is_key ? key->place : value->place, "%s%s%s%.*s%s%s %.*s", what,
                 is_key || shown.n > 0 ? ":" : "", shown.n > 0 ? " '" : "", STR_ARG(shown),
                 shown.n > 0 ? "'" : "", is_key && shown.n > 0 ? ":" : "",
                 STR_ARG(violation->message));
    if (violation->suggestion.n > 0) {
        report_hint(report, "did you mean '%.*s'?", STR_ARG(violation->suggestion));
    } else if (str_equal_text(violation->rule, "type") && is_mixed(value)) {
        report_hint(report, "text around an expression makes text of it: leave it out");
    }
    strbuf_finish(&path);
}

/* The i-th name that "must have one of the keys 'a' or 'b'" tells; empty at the end. */
static struct str missing_at(const struct schema_violation *missing, size_t i)
{
    struct str rest = missing->message;
    struct str name = STR("");
    for (size_t at = 0; at <= i; at++) {
        const char *begin = memchr(rest.p, '\'', rest.n);
        size_t n = begin != NULL ? rest.n - (size_t)(begin + 1 - rest.p) : 0;
        const char *end = n > 0 ? memchr(begin + 1, '\'', n) : NULL;
        if (end == NULL) {
            return STR("");
        }
        name = str_make(begin + 1, (size_t)(end - begin - 1));
        rest = str_make(end + 1, n - name.n - 1);
    }
    return name;
}

static bool is_missing(const struct schema_violation *missing, struct str name)
{
    struct str other = STR("");
    for (size_t i = 0; (other = missing_at(missing, i)).n > 0; i++) {
        if (str_equal(other, name)) {
            return true;
        }
    }
    return false;
}

/* A key that is missing because it is misspelt: "unknown key 'uri'; did you mean 'url'?" tells. */
static bool is_misspelt(const struct schema_report *violations,
                        const struct schema_violation *missing)
{
    if (!str_equal_text(missing->rule, "required")) {
        return false;
    }
    for (size_t i = 0; i < schema_report_count(violations); i++) {
        const struct schema_violation *other = schema_report_at(violations, i);
        if (other->on_key && other->suggestion.n > 0 &&
            str_equal(parent_of(other->pointer), missing->pointer) &&
            is_missing(missing, other->suggestion)) {
            return true;
        }
    }
    return false;
}

static bool is_required(const struct schema_violation *violation)
{
    return str_equal_text(violation->rule, "required");
}

/* An unknown key that is near no known one. */
static bool is_foreign(const struct schema_violation *violation)
{
    return violation->on_key && violation->suggestion.n == 0 &&
           str_starts_with(violation->message, STR("unknown key '"));
}

/*
 * The only key that is missing where `spot` is the only unknown one, or the other way round, which
 * then is what was meant; NULL: nobody can tell.
 */
static const struct schema_violation *counterpart(const struct schema_report *violations,
                                                  const struct schema_violation *spot)
{
    const struct schema_violation *found = NULL;
    bool is_missing = is_required(spot);
    struct str map = is_missing ? spot->pointer : parent_of(spot->pointer);
    for (size_t i = 0; i < schema_report_count(violations); i++) {
        const struct schema_violation *other = schema_report_at(violations, i);
        bool is_like = is_required(other) ? is_missing : !is_missing;
        struct str at = is_required(other) ? other->pointer : parent_of(other->pointer);
        if (other == spot || (!is_required(other) && !is_foreign(other)) || !str_equal(at, map) ||
            is_misspelt(violations, other)) {
            continue;
        }
        if (is_like || found != NULL) {
            return NULL;
        }
        found = other;
    }
    return found;
}

/* The name that "must have the key 'url'" tells; empty where it is one of several. */
static struct str missing_key(const struct schema_violation *missing)
{
    return str_starts_with(missing->message, STR("must have the key '")) ? missing_at(missing, 0)
                                                                         : STR("");
}

/* The member of a map before or (`step` 1) behind that of `key`, or NULL. */
static const struct tree_member *beside(const struct tree *tree, struct str pointer,
                                        const struct tree *key, int step)
{
    const struct tree *map = tree_pointer(tree, parent_of(pointer), NULL);
    for (uint32_t i = 0; tree_is(map, TREE_MAP) && i < map->count; i++) {
        if (&map->as.members[i].key == key) {
            bool is_there = step < 0 ? i > 0 : i + 1 < map->count;
            return is_there ? &map->as.members[i] + step : NULL;
        }
    }
    return NULL;
}

/* The key with no value that an unknown one stands behind: its block was not indented. */
static const struct tree_member *block_before(const struct tree *tree,
                                              const struct schema_violation *unknown)
{
    const struct tree *key = NULL;
    (void)tree_pointer(tree, unknown->pointer, &key);
    const struct tree_member *before = key != NULL ? beside(tree, unknown->pointer, key, -1) : NULL;
    return before != NULL && before->value.kind == TREE_NULL ? before : NULL;
}

/* A key with no value whose block was not indented, which the key behind it tells. */
static bool is_block_before(const struct schema_report *violations, const struct tree *tree,
                            const struct schema_violation *violation)
{
    const struct tree *key = NULL;
    const struct tree *value = tree_pointer(tree, violation->pointer, &key);
    for (size_t i = 0; tree_is(value, TREE_NULL) && i < schema_report_count(violations); i++) {
        const struct schema_violation *other = schema_report_at(violations, i);
        const struct tree_member *block = is_foreign(other) ? block_before(tree, other) : NULL;
        if (block != NULL && &block->value == value) {
            return true;
        }
    }
    return false;
}

/* What to do about a key that is near no known one. */
static void hint_foreign(const struct draft *draft, const struct schema_report *violations,
                         const struct tree *tree, const struct schema_violation *unknown)
{
    const struct schema_violation *missing = counterpart(violations, unknown);
    const struct tree_member *block = block_before(tree, unknown);
    if (block != NULL) {
        report_hint(&draft->loader->report, "indent it deeper to put it below '%.*s'",
                    STR_ARG(block->key.text));
    } else if (missing != NULL && missing_key(missing).n > 0) {
        report_hint(&draft->loader->report, "did you mean '%.*s'?", STR_ARG(missing_key(missing)));
    }
}

/* A key that stands beside 'config' and is unknown there: it was meant to be in it. */
static bool is_beside_config(const struct draft *draft, struct str key)
{
    static const struct format_key *const tables[] = {format_node_keys, format_single_keys,
                                                      format_state_keys, format_action_keys,
                                                      format_tool_keys};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (format_find(tables[i], key) != NULL) {
            return false;
        }
    }
    return tree_find(draft->config_owner, key) != NULL;
}

static bool is_one_beside_config(const struct draft *draft, const struct schema_violation *missing)
{
    struct str name = STR("");
    for (size_t i = 0; (name = missing_at(missing, i)).n > 0; i++) {
        if (is_beside_config(draft, name)) {
            return true;
        }
    }
    return false;
}

/* Whether another violation tells the same mistake better. */
static bool is_told(const struct draft *draft, const struct schema_report *violations,
                    const struct tree *tree, const struct schema_violation *violation)
{
    if (is_required(violation) && violation->pointer.n == 0 &&
        is_one_beside_config(draft, violation)) {
        return true; /* as an unknown key */
    }
    if (is_required(violation)) {
        return is_misspelt(violations, violation) ||
               (missing_key(violation).n > 0 && counterpart(violations, violation) != NULL);
    }
    return is_block_before(violations, tree, violation);
}

static int report_all(const struct draft *draft, const struct tree *tree, int status,
                      struct schema_report *violations, const struct error *err, const char *what)
{
    if (status == 0 || status == E_NOMEM) {
        return status;
    }
    if (violations == NULL) {
        report_error(&draft->loader->report, tree->place, "%s: %s", what, err->message);
        return 0;
    }
    bool is_compared = schema_report_count(violations) <= MOST_COMPARED;
    for (size_t i = 0; i < schema_report_count(violations); i++) {
        const struct schema_violation *violation = schema_report_at(violations, i);
        if (is_compared && is_told(draft, violations, tree, violation)) {
            continue;
        }
        report_violation(draft, tree, violation, what);
        if (is_compared && is_foreign(violation)) {
            hint_foreign(draft, violations, tree, violation);
        }
    }
    schema_report_destroy(violations);
    return 0;
}

int violations_check_template(struct draft *draft, const struct tree *tree,
                              const struct schema *schema, const struct scope_at *at,
                              const struct template **out_template)
{
    const struct value *source = schema != NULL ? schema_source(schema) : NULL;
    bool is_unmarked = schema != NULL && !schema_has_annotations(schema);
    struct scope_at here = *at;
    here.names |= is_unmarked ? SCOPE_UNMARKED : 0u;
    int status = scope_compile_template(draft, tree, source, &here, out_template);
    if (status != 0 || *out_template == NULL || schema == NULL) {
        return status;
    }
    struct schema_report *violations = NULL;
    struct error err = {0};
    struct known_values known;
    status = known_values_find(*out_template, &known);
    if (status != 0) {
        return status;
    }
    status = schema_validate_partial(schema, template_source(*out_template), known_values_look,
                                     &known, &violations, &err);
    status = report_all(draft, tree, status, violations, &err, at->what);
    status = known.status != 0 ? known.status : status;
    known_values_finish(&known);
    return status;
}

int violations_check_open(struct draft *draft, const struct tree *tree, const struct value *value,
                          const struct schema *schema, const char *what)
{
    cleanup_document struct document *given = NULL;
    cleanup_document struct document *filled = NULL;
    struct error err = {0};
    int looked = 0;
    int status = 0;
    if (value != NULL) {
        struct builder *b = builder_create();
        builder_copy(b, value);
        status = builder_finish(b, &given, &err);
    } else {
        given = document_empty_map();
    }
    if (status == 0) {
        status = schema_fill_defaults(schema, given, &filled, &err);
    }
    if (status != 0) {
        return status == E_NOMEM ? status : 0;
    }
    struct schema_report *violations = NULL;
    status = schema_validate_partial(schema, document_root(filled), known_values_look_open, &looked,
                                     &violations, &err);
    status = report_all(draft, tree, status, violations, &err, what);
    return looked != 0 ? looked : status;
}

int violations_check_plain(struct draft *draft, const struct tree *tree,
                           const struct schema *schema, const struct scope_at *at)
{
    cleanup_document struct document *document = NULL;
    int status = scope_make_document(draft, tree, schema_source(schema), &document);
    if (status != 0) {
        return status == E_INVALID ? 0 : status;
    }
    struct schema_report *violations = NULL;
    struct error err = {0};
    status = schema_validate(schema, document_root(document), &violations, &err);
    return report_all(draft, tree, status, violations, &err, at->what);
}
