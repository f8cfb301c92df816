/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/violations.h"

#include "core/base/error.h"
#include "core/expr/template.h"
#include "core/model/scope.h"
#include "core/model/tree.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

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
    }
    strbuf_finish(&path);
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
        struct label wanted = label_make("must have the key '%.*s'", STR_ARG(other->suggestion));
        if (other->on_key && other->suggestion.n > 0 &&
            str_equal(parent_of(other->pointer), missing->pointer) &&
            str_starts_with(missing->message, str_from(wanted.text))) {
            return true;
        }
    }
    return false;
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
    for (size_t i = 0; i < schema_report_count(violations); i++) {
        const struct schema_violation *violation = schema_report_at(violations, i);
        if (!is_misspelt(violations, violation)) {
            report_violation(draft, tree, violation, what);
        }
    }
    schema_report_destroy(violations);
    return 0;
}

static bool is_unknown(const struct value *value, void *user)
{
    return value_type(value) == VALUE_STRING && template_is_dynamic(user, value);
}

int violations_check_template(struct draft *draft, const struct tree *tree,
                              const struct schema *schema, const struct scope_at *at,
                              const struct template **out_template)
{
    const struct value *source = schema != NULL ? schema_source(schema) : NULL;
    int status = scope_compile_template(draft, tree, source, at, out_template);
    if (status != 0 || *out_template == NULL || schema == NULL) {
        return status;
    }
    struct schema_report *violations = NULL;
    struct error err = {0};
    struct template *template = (struct template *)(uintptr_t)*out_template;
    status = schema_validate_partial(schema, template_source(template), is_unknown, template,
                                     &violations, &err);
    return report_all(draft, tree, status, violations, &err, at->what);
}

/* Expressions as they are written. */
static bool is_open(const struct value *value, void *user)
{
    (void)user;
    if (value_type(value) != VALUE_STRING) {
        return false;
    }
    struct str text = value_str(value);
    return memmem(text.p, text.n, "{{", 2) != NULL || memmem(text.p, text.n, "${", 2) != NULL;
}

int violations_check_open(struct draft *draft, const struct tree *tree, const struct value *value,
                          const struct schema *schema, const char *what)
{
    cleanup_document struct document *given = NULL;
    cleanup_document struct document *filled = NULL;
    struct error err = {0};
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
    status =
        schema_validate_partial(schema, document_root(filled), is_open, NULL, &violations, &err);
    return report_all(draft, tree, status, violations, &err, what);
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
