/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/scope.h"

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/expression_text.h"
#include "core/model/hidden_texts.h"
#include "core/model/known_values.h"
#include "core/model/lookup.h"
#include "core/model/schema_marks.h"
#include "core/model/secret_uses.h"
#include "core/model/sure_failure.h"
#include "core/model/tree.h"
#include "core/value/builder.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

static struct use use_at(struct draft *draft, const struct scope_at *at)
{
    return (struct use){
        .site = at->site, .node = at->node, .body = lookup_at(draft, at).body, .names = at->names};
}

static int note_use(struct draft *draft, const struct use *use, const struct secret_site *site)
{
    struct use *uses =
        array_reserve(draft->uses, &draft->use_cap, draft->use_count + 1, sizeof(*uses));
    if (uses == NULL) {
        return E_NOMEM;
    }
    draft->uses = uses;
    uses[draft->use_count++] = *use;
    return secret_uses_check(draft, use, site);
}

const char *scope_wrong_condition(int type)
{
    static const char *const names[] = {
        [CEL_NULL] = "null",           [CEL_INT] = "a number",  [CEL_UINT] = "a number",
        [CEL_DOUBLE] = "a number",     [CEL_STRING] = "text",   [CEL_BYTES] = "bytes",
        [CEL_LIST] = "a list",         [CEL_MAP] = "a map",     [CEL_TIMESTAMP] = "a time",
        [CEL_DURATION] = "a duration", [CEL_TYPE] = "a type",   [CEL_OPTIONAL] = "an optional",
        [CEL_JSON] = "a list or map",  [CEL_OBJECT] = "a node",
    };
    if (type == EXPR_TYPE_ARITHMETIC) {
        return "the result of arithmetic";
    }
    if (type == EXPR_TYPE_NUMBER) {
        return "a number";
    }
    return type == EXPR_TYPE_OPEN || type == CEL_BOOL ? NULL : names[type];
}

/* Whether what is missing in the text stands behind it, in what is a comment to YAML. */
static void hint_comment(struct draft *draft, const struct tree *scalar, const struct error *err)
{
    const struct report *report = report_of_place(&draft->loader->report, scalar->place);
    struct str source = report->source;
    size_t end = scalar->start + scalar->text.n;
    size_t at = end;
    if (scalar->style != TREE_PLAIN || report->is_json ||
        strstr(err->message, "no closing") == NULL) {
        return;
    }
    while (at < source.n && (source.p[at] == ' ' || source.p[at] == '\t')) {
        at++;
    }
    if (at > end && at < source.n && source.p[at] == '#') {
        report_hint(&draft->loader->report,
                    "quote the whole expression: in YAML ' #' begins a comment");
    }
}

static int compile(struct draft *draft, const struct tree *scalar, const struct scope_at *at,
                   struct expr **out_expr)
{
    const struct report *report = &draft->loader->report;
    struct lookup lookup = lookup_at(draft, at);
    struct expr_names names = lookup_names(&lookup);
    struct expr_fault fault = {0};
    struct error err = {0};
    unsigned flags = EXPR_BRACES |
                     (expression_text_has_dollar(scalar->text) ? EXPR_INPUT_DEFAULT : 0);
    int status = expr_compile(scalar->text, &names, flags, out_expr, &fault, &err);
    if (status != 0) {
        *out_expr = NULL;
    }
    if (status == 0 || status == E_NOMEM || lookup.is_lost) {
        return status == E_NOMEM ? status : 0;
    }
    report_error(report, draft_place_in(draft, scalar, fault.offset), "%s: %s", at->what,
                 err.message);
    hint_comment(draft, scalar, &err);
    return 0;
}

int scope_compile_expr(struct draft *draft, const struct tree *scalar, const struct scope_at *at,
                       const struct expr **out_expr, int *out_type)
{
    *out_expr = NULL;
    struct expr *expr = NULL;
    int status = compile(draft, scalar, at, &expr);
    if (status != 0 || expr == NULL) {
        return status;
    }
    *out_type = expr_static_type(expr);
    struct use use = use_at(draft, at);
    use.expr = expr;
    use.scalar = scalar;
    status = sure_failure_report(draft, &use, at->what, NULL, out_type);
    int taken = storage_take_expr(draft->storage, expr);
    if (status != 0 || taken != 0) {
        return E_NOMEM;
    }
    *out_expr = expr;
    return note_use(draft, &use, &(struct secret_site){.what = at->what});
}

int scope_compile_condition(struct draft *draft, const struct tree *scalar,
                            const struct scope_at *at, const struct expr **out_expr)
{
    int type = EXPR_TYPE_OPEN;
    int status = scope_compile_expr(draft, scalar, at, out_expr, &type);
    const char *wrong = scope_wrong_condition(type);
    if (status == 0 && *out_expr != NULL) {
        draft->uses[draft->use_count - 1].is_condition = wrong == NULL;
    }
    if (status == 0 && wrong != NULL) {
        report_error(&draft->loader->report, draft_place_in(draft, scalar, 0),
                     "%s must be true or false, and this is always %s", at->what, wrong);
        report_hint(&draft->loader->report, "compare it with something: nothing is truthy");
    }
    return status;
}

struct template_job {
    struct draft *draft;
    const struct tree *tree;
    const struct value *schema;
    const struct scope_at *at;
    struct lookup *lookup;
    bool has_faults; /* on_fault() has reported some */
};

static bool is_raw(void *user, struct str pointer)
{
    const struct template_job *job = user;
    if (job->schema == NULL || (job->at->names & SCOPE_UNMARKED) != 0) {
        return false;
    }
    return schema_marks_flag(job->schema, schema_marks_at(job->schema, pointer), STR("x-ops-raw"));
}

static bool is_expression(const struct template_job *job, struct str pointer)
{
    return job->schema != NULL && (job->at->names & SCOPE_UNMARKED) == 0 &&
           schema_marks_is_expression(job->schema, schema_marks_at(job->schema, pointer));
}

static const char *read_env(void *user, struct str name)
{
    const struct load_options *options = ((struct template_job *)user)->draft->loader->options;
    if (str_starts_with(name, STR(SECRETS_VARIABLE_PREFIX))) {
        return NULL; /* report_unset() says where secrets are read */
    }
    return options->env != NULL ? options->env(options->user, name) : NULL;
}

static void on_fault(void *user, struct str pointer, struct expr_fault fault,
                     const struct error *err)
{
    struct template_job *job = user;
    if (is_expression(job, pointer)) {
        return; /* compiled and reported as an expression of its own */
    }
    const struct tree *scalar = tree_pointer(job->tree, pointer, NULL);
    job->has_faults = true;
    if ((job->at->names & SCOPE_NOTHING) != 0 && known_values_has_expression(scalar->text)) {
        return; /* the expression itself is the fault */
    }
    if (job->lookup->is_lost) {
        job->lookup->is_lost = false;
        return;
    }
    report_error(&job->draft->loader->report, draft_place_in(job->draft, scalar, fault.offset),
                 "%s: %s", job->at->what, err->message);
    hint_comment(job->draft, scalar, err);
}

struct typing_job {
    const struct value *schema; /* the root */
    bool is_json;               /* its numbers are numbers, where YAML's may stand for text */
    bool has_failed;            /* out of memory */
};

static const void *typing_child(void *user, const void *context, const struct str *key)
{
    const struct typing_job *job = user;
    return schema_marks_child(job->schema, context, key);
}

static bool typing_write(void *user, const void *context, const struct tree *scalar,
                         struct builder *b)
{
    struct typing_job *job = user;
    if (scalar->kind == TREE_TEXT && schema_marks_is_expression(job->schema, context)) {
        job->has_failed = expression_text_write(scalar->text, b) != 0 || job->has_failed;
        return true;
    }
    bool is_source = !job->is_json && scalar->style == TREE_PLAIN && scalar->kind != TREE_NULL &&
                     scalar->kind != TREE_TEXT && schema_marks_wants_text(job->schema, context);
    if (is_source) {
        builder_string(b, scalar->text);
    }
    return is_source;
}

int scope_make_document(struct draft *draft, const struct tree *tree, const struct value *schema,
                        struct document **out_document)
{
    struct builder *b = builder_create();
    struct typing_job job = {
        .schema = schema, .is_json = report_of_place(&draft->loader->report, tree->place)->is_json};
    struct tree_typing typing = {.child = typing_child, .write = typing_write, .user = &job};
    tree_write(tree, schema != NULL ? &typing : NULL, schema, b);
    struct error err = {0};
    struct document *document = NULL;
    int status = builder_finish(b, &document, &err);
    if (job.has_failed) {
        document_unref(document);
        return E_NOMEM;
    }
    if (status == 0) {
        *out_document = document;
    } else if (status != E_NOMEM) {
        report_error(&draft->loader->report, tree->place, "%s", err.message);
        status = E_INVALID;
    }
    return status;
}

/* A variable that holds a secret is not read as others are: its value would go anywhere. */
static bool report_secret(const struct template_job *job, struct place place, struct str name)
{
    char buffer[sizeof("{{ secrets. }}") + SECRETS_MAX_NAME_BYTES];
    struct str cure = secret_uses_of_variable(name, buffer, sizeof(buffer));
    if (cure.n == 0) {
        return false;
    }
    report_error(&job->draft->loader->report, place, "%s: '%.*s' is a secret's variable",
                 job->at->what, STR_ARG(name));
    report_hint(&job->draft->loader->report, "write %.*s", STR_ARG(cure));
    return true;
}

/* Variables that are not set: they may be set when it matters. */
static void report_unset(const struct template_job *job, const struct template *template)
{
    const struct loader *loader = job->draft->loader;
    for (size_t i = 0; i < template_unset_count(template); i++) {
        struct str pointer = {0};
        struct str name = template_unset_at(template, i, &pointer);
        const struct tree *scalar = tree_pointer(job->tree, pointer, NULL);
        if (report_secret(job, scalar->place, name)) {
            continue;
        }
        if ((loader->options->flags & LOAD_START) != 0) {
            report_error(&loader->report, scalar->place,
                         "%s: the environment variable '%.*s' is not set", job->at->what,
                         STR_ARG(name));
        } else {
            report_warning(&loader->report, scalar->place,
                           "%s: the environment variable '%.*s' is not set", job->at->what,
                           STR_ARG(name));
        }
        report_hint(&loader->report, "set it, or give a default: ${%.*s:-...}", STR_ARG(name));
    }
}

static int note_expressions(const struct template_job *job, const struct template *template)
{
    bool is_nothing = (job->at->names & SCOPE_NOTHING) != 0;
    struct tree_walk walk = {0};
    for (size_t i = 0; !is_nothing && i < template_expr_count(template); i++) {
        struct str pointer = {0};
        struct use use = use_at(job->draft, job->at);
        use.expr = template_expr_at(template, i, &pointer, &use.offset);
        use.scalar = tree_pointer_near(job->tree, pointer, &walk);
        if (is_expression(job, pointer)) {
            use.offset = 0;
        }
        struct sure_failure_place in = {template, i};
        int type = EXPR_TYPE_OPEN;
        int status = sure_failure_report(job->draft, &use, job->at->what, &in, &type);
        if (status == 0) {
            struct secret_site site = {.what = job->at->what,
                                       .schema = job->schema,
                                       .pointer = pointer,
                                       .is_settings = (job->at->names & SCOPE_SECRETS) != 0};
            status = note_use(job->draft, &use, &site);
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* Compiles the fields that are expressions by themselves, for exact places of their faults. */
static int check_expressions(const struct template_job *job, const struct tree *tree,
                             const struct value *schema, unsigned depth)
{
    if (schema == NULL || depth > TREE_MAX_DEPTH) {
        return 0;
    }
    if (tree->kind == TREE_TEXT && schema_marks_is_expression(job->schema, schema)) {
        struct expr *expr = NULL;
        int status = compile(job->draft, tree, job->at, &expr);
        expr_destroy(expr);
        return status;
    }
    int status = 0;
    for (uint32_t i = 0; tree->kind == TREE_LIST && i < tree->count && status == 0; i++) {
        const struct value *child = schema_marks_child(job->schema, schema, NULL);
        status = check_expressions(job, &tree->as.items[i], child, depth + 1);
    }
    for (uint32_t i = 0; tree->kind == TREE_MAP && i < tree->count && status == 0; i++) {
        const struct tree_member *member = &tree->as.members[i];
        const struct value *child = schema_marks_child(job->schema, schema, &member->key.text);
        status = check_expressions(job, &member->value, child, depth + 1);
    }
    return status;
}

/* What on_fault() has not said yet: faults of whole expressions, or of the template itself. */
static int report_faults(const struct template_job *job, const struct error *err)
{
    const struct report *report = &job->draft->loader->report;
    size_t count = report->diagnostics->error_count;
    int status = check_expressions(job, job->tree, job->schema, 0);
    if (status == 0 && !job->has_faults && report->diagnostics->error_count == count) {
        report_error(report, job->tree->place, "%s: %s", job->at->what, err->message);
    }
    return status;
}

static int note_hidden(struct template_job *job, const struct document *document)
{
    const struct hidden_site site = {.draft = job->draft,
                                     .what = job->at->what,
                                     .value = document_root(document),
                                     .schema = job->schema,
                                     .env = read_env,
                                     .user = job};
    int status = hidden_texts_find(&site);
    if (status == E_LIMIT) {
        report_error(&job->draft->loader->report, job->tree->place,
                     "%s: a pipeline may have %d secrets beside those in secrets.NAME, and this "
                     "has more",
                     job->at->what, HIDDEN_TEXTS_MAX);
        status = 0;
    }
    return status;
}

static int compile_document(struct template_job *job, const struct document *document,
                            const struct template **out_template)
{
    struct lookup lookup = lookup_at(job->draft, job->at);
    job->lookup = &lookup;
    struct template_options options = {
        .names = lookup_names(&lookup),
        .is_raw = is_raw,
        .env = read_env,
        .on_fault = on_fault,
        .user = job,
        .keeps_faulty = true,
    };
    struct template *template = NULL;
    struct error err = {0};
    int status = template_compile(document, document_root(document), &options, &template, &err);
    if (status != 0) {
        return status;
    }
    status = storage_take_template(job->draft->storage, template);
    if (status == 0 && template_fault_count(template) > 0) {
        status = report_faults(job, &err);
    }
    if (status != 0) {
        return status;
    }
    report_unset(job, template);
    *out_template = template;
    status = note_expressions(job, template);
    return status == 0 ? note_hidden(job, document) : status;
}

int scope_compile_template(struct draft *draft, const struct tree *tree, const struct value *schema,
                           const struct scope_at *at, const struct template **out_template)
{
    static const struct tree empty_map = {.kind = TREE_MAP, .height = 1, .size = 1};
    struct template_job job = {
        .draft = draft, .tree = tree != NULL ? tree : &empty_map, .schema = schema, .at = at};
    cleanup_document struct document *document = NULL;
    *out_template = NULL;
    int status = scope_make_document(draft, job.tree, schema, &document);
    if (status == E_INVALID) {
        return 0;
    }
    return status != 0 ? status : compile_document(&job, document, out_template);
}
