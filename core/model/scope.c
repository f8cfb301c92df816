/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/scope.h"

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/suggest.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/expression_text.h"
#include "core/model/hidden_texts.h"
#include "core/model/known_values.h"
#include "core/model/name_hint.h"
#include "core/model/schema_marks.h"
#include "core/model/secret_uses.h"
#include "core/model/tree.h"
#include "core/value/builder.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

struct root_name {
    struct str name;
    int slot; /* -1: reserved, and nothing here */
};

static const struct root_name root_names[] = {
    {{"input", 5}, SLOT_INPUT}, {{"config", 6}, SLOT_CONFIG}, {{"run", 3}, SLOT_RUN},
    {{"event", 5}, SLOT_EVENT}, {{"now", 3}, SLOT_NOW},       {{"date", 4}, SLOT_DATE},
    {{"time", 4}, SLOT_TIME},   {{"nodes", 5}, SLOT_NODES},   {{"secrets", 7}, SLOT_SECRETS},
    {{"iter", 4}, -1},
};

/* RESERVED of CEL's grammar, with its literals and `in`. */
static const struct str cel_words[] = {
    {"as", 2},   {"break", 5},     {"const", 5}, {"continue", 8}, {"else", 4},   {"false", 5},
    {"for", 3},  {"function", 8},  {"if", 2},    {"import", 6},   {"in", 2},     {"let", 3},
    {"loop", 4}, {"namespace", 9}, {"null", 4},  {"package", 7},  {"return", 6}, {"true", 4},
    {"var", 3},  {"void", 4},      {"while", 5},
};

bool scope_is_reserved(struct str name)
{
    for (size_t i = 0; i < sizeof(root_names) / sizeof(root_names[0]); i++) {
        if (str_equal(name, root_names[i].name)) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(cel_words) / sizeof(cel_words[0]); i++) {
        if (name.n == cel_words[i].n && name.p[0] == cel_words[i].p[0] &&
            str_equal(name, cel_words[i])) {
            return true;
        }
    }
    return false;
}

struct str scope_reserved_at(size_t i)
{
    size_t roots = sizeof(root_names) / sizeof(root_names[0]);
    size_t words = sizeof(cel_words) / sizeof(cel_words[0]);
    if (i < roots) {
        return root_names[i].name;
    }
    return i - roots < words ? cel_words[i - roots] : STR("");
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool scope_is_identifier(struct str name)
{
    if (name.n == 0 || !is_letter(name.p[0])) {
        return false;
    }
    for (size_t i = 1; i < name.n; i++) {
        if (!is_letter(name.p[i]) && !(name.p[i] >= '0' && name.p[i] <= '9')) {
            return false;
        }
    }
    return true;
}

/* Where an expression is written, for the names in it. */
struct lookup {
    struct draft *draft;
    uint32_t body; /* names are looked up here first */
    const struct scope_at *at;
    bool is_lost; /* a name may be that of a node that could not be read: that was reported */
};

static struct lookup lookup_at(struct draft *draft, const struct scope_at *at)
{
    bool has_node = at->site == USE_NODE || at->site == USE_EDGE || at->site == USE_SELF ||
                    at->site == USE_FAILED;
    uint32_t body = has_node ? draft->nodes[at->node].body : at->body;
    return (struct lookup){.draft = draft, .body = body, .at = at};
}

/* "did you mean 'x'?" over node ids and the names that are always there. */
static struct str nearest_hint(const struct lookup *lookup, struct str name)
{
    struct suggest nearest = suggest_start(name);
    suggest_offer(&nearest, draft_nearest_node(lookup->draft, lookup->body, name));
    for (size_t i = 0; i < sizeof(root_names) / sizeof(root_names[0]); i++) {
        if (root_names[i].slot >= 0 && root_names[i].slot != SLOT_SECRETS) {
            suggest_offer(&nearest, root_names[i].name);
        }
    }
    if (nearest.best.n == 0) {
        return STR("");
    }
    struct label label = label_make("did you mean '%.*s'?", STR_ARG(nearest.best));
    return arena_dup_str(&lookup->draft->loader->arena, str_from(label.text));
}

/* The loop whose body this is, or NULL. */
static const struct for_each *loop_around(const struct draft *draft, uint32_t body)
{
    const struct draft_body *in = &draft->body_drafts[body];
    bool is_inside = in->owner != DRAFT_NO_NODE && !in->is_compensation;
    return is_inside ? draft->drafts[in->owner].loop : NULL;
}

/* A node or an item of this name, from the inside out; -1 when there is none. */
static int find_slot(const struct lookup *lookup, struct str name)
{
    const struct draft *draft = lookup->draft;
    for (uint32_t body = lookup->body; body != DRAFT_NO_BODY;
         body = draft_body_around(draft, body)) {
        const struct for_each *loop = loop_around(draft, body);
        uint32_t node = draft_find_node(draft, body, name);
        if (node != DRAFT_NO_NODE) {
            return (int)(SLOT_NODE_FIRST + node);
        }
        if (loop != NULL && str_equal(loop->as, name)) {
            return (int)(SLOT_ITEM_FIRST + draft->body_drafts[body].owner);
        }
    }
    return -1;
}

/* Names that are there in few places only; -1 when this is none of them. */
static int find_special(const struct lookup *lookup, struct str name)
{
    if ((lookup->at->names & SCOPE_SIGNAL) != 0 && str_equal(name, STR("signal"))) {
        return SLOT_SIGNAL;
    }
    if ((lookup->at->names & SCOPE_REDUCE) != 0 && str_equal(name, STR("acc"))) {
        return SLOT_ACC;
    }
    if ((lookup->at->names & SCOPE_REDUCE) != 0 && str_equal(name, STR("item"))) {
        return SLOT_REDUCE_ITEM;
    }
    uint32_t milestones = lookup->draft->storage->pipeline.notices[NOTICE_MILESTONES];
    if (milestones != 0 && lookup->body == milestones && str_equal(name, STR("node"))) {
        return SLOT_MILESTONE;
    }
    return -1;
}

static int find_iter(const struct lookup *lookup, struct str *out_hint)
{
    for (uint32_t body = lookup->body; body != DRAFT_NO_BODY;
         body = draft_body_around(lookup->draft, body)) {
        if (loop_around(lookup->draft, body) != NULL) {
            return SLOT_ITER;
        }
    }
    *out_hint = STR("it is there only inside a loop: in the nodes of 'for_each'");
    return -1;
}

/* The name of the items of the loop whose own key this is, which are there only in its body. */
static bool is_own_item(const struct lookup *lookup, struct str name)
{
    const struct scope_at *at = lookup->at;
    const struct for_each *loop = at->site == USE_NODE ? lookup->draft->drafts[at->node].loop
                                                       : NULL;
    return loop != NULL && str_equal(loop->as, name);
}

/* What the items are called, where they are not called `item`. */
static struct str hint_item(const struct lookup *lookup)
{
    struct draft *draft = lookup->draft;
    for (uint32_t body = lookup->body; body != DRAFT_NO_BODY;
         body = draft_body_around(draft, body)) {
        const struct for_each *loop = loop_around(draft, body);
        if (loop != NULL) {
            struct label label = label_make("the items are called '%.*s' here", STR_ARG(loop->as));
            return arena_dup_str(&draft->loader->arena, str_from(label.text));
        }
    }
    return STR("it is there only inside a loop: in the nodes of 'for_each'");
}

/* An outcome of the node that the edge with this `when` leads away from. */
static bool is_outcome(const struct lookup *lookup, struct str name)
{
    const struct draft *draft = lookup->draft;
    if (lookup->at->site != USE_EDGE) {
        return false;
    }
    const struct draft_node *node = &draft->drafts[lookup->at->node];
    for (uint32_t i = 0; i < node->outcome_count; i++) {
        if (str_equal(draft->outcomes[node->outcomes[i]], name)) {
            return true;
        }
    }
    return str_equal(name, STR("success")) || str_equal(name, STR("error"));
}

/* Why there is no such name: something near, or a node that is out of sight. */
static struct str hint_for(const struct lookup *lookup, struct str name)
{
    struct draft *draft = lookup->draft;
    if (is_own_item(lookup, name)) {
        return STR("the items are there only inside the loop, in its 'nodes'");
    }
    if (str_equal(name, STR("item"))) {
        return hint_item(lookup);
    }
    if (is_outcome(lookup, name)) {
        struct label label = label_make("write outcome: %.*s in place of 'when'", STR_ARG(name));
        return arena_dup_str(&draft->loader->arena, str_from(label.text));
    }
    if ((lookup->at->names & SCOPE_REDUCE) != 0) {
        return STR("there are 'acc', what was collected so far, and 'item'");
    }
    uint32_t inside = report_wants_nearest(&draft->loader->report)
                          ? draft_find_container(draft, lookup->body, name)
                          : DRAFT_NO_NODE;
    if (inside == DRAFT_NO_NODE) {
        struct str hint = report_wants_nearest(&draft->loader->report)
                              ? name_hint(draft, lookup->body, name)
                              : STR("");
        return hint.n > 0 ? hint : nearest_hint(lookup, name);
    }
    struct str id = draft->drafts[inside].id;
    struct label label =
        label_make("it is inside the loop '%.*s': use '%.*s.output'", STR_ARG(id), STR_ARG(id));
    return arena_dup_str(&draft->loader->arena, str_from(label.text));
}

static int resolve_name(void *user, struct str name, struct str *out_hint)
{
    struct lookup *lookup = user;
    for (size_t i = 0; i < sizeof(root_names) / sizeof(root_names[0]); i++) {
        if (str_equal(name, root_names[i].name)) {
            return root_names[i].slot >= 0 ? root_names[i].slot : find_iter(lookup, out_hint);
        }
    }
    if (lookup->draft->body_count == 0) {
        return -1; /* 'config', which is read before the bodies */
    }
    int slot = find_special(lookup, name);
    slot = slot >= 0 ? slot : find_slot(lookup, name);
    if (slot < 0) {
        *out_hint = hint_for(lookup, name);
        lookup->is_lost = lookup->draft->has_lost_nodes && out_hint->n == 0;
    }
    return slot;
}

/* What a name means follows from the body and from the names that are special to the place. */
static struct expr_names names_of(struct lookup *lookup)
{
    struct draft *draft = lookup->draft;
    struct expr_names names = {.resolve = resolve_name, .user = lookup};
    if (draft->body_count > 0) {
        unsigned special = lookup->at->names & (SCOPE_SIGNAL | SCOPE_REDUCE);
        expr_memo_enter(&draft->memo, (uint64_t)lookup->body << 32 | special);
        names.memo = &draft->memo;
    }
    return names;
}

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

static struct place place_in(const struct draft *draft, const struct tree *scalar, size_t offset)
{
    const struct report *report = report_of_place(&draft->loader->report, scalar->place);
    return tree_place_at(scalar, report->source, offset);
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

static int fetch_nothing(const void *user, int slot, struct cel *out, struct error *err)
{
    (void)user;
    (void)slot;
    (void)out;
    return error_set(err, E_INVALID, "a constant reads nothing");
}

/* A use whose result stands in a template. */
struct templated {
    const struct template *template;
    size_t i; /* of the expression in it */
};

static void report_failure(struct draft *draft, const struct use *use, const char *what,
                           struct expr_fault fault, const struct error *err)
{
    report_error(&draft->loader->report, place_in(draft, use->scalar, use->offset + fault.offset),
                 "%s always fails: %s", what, err->message);
}

/* A part that always fails. Fails with E_NOMEM. */
static int check_parts(struct draft *draft, const struct use *use, const char *what,
                       bool *out_fails)
{
    struct expr_fault fault = {0};
    struct error err = {0};
    int status = expr_find_failure(use->expr, &fault, &err);
    *out_fails = status == E_INVALID;
    if (*out_fails) {
        report_failure(draft, use, what, fault, &err);
    }
    return *out_fails ? 0 : status;
}

/* A result that cannot stand in its template, whatever its value is. Fails with E_NOMEM. */
static int check_result(struct draft *draft, const struct use *use, const char *what,
                        const struct templated *in, const struct cel *value)
{
    struct error err = {0};
    int status = in != NULL ? template_check_result(in->template, in->i, value, &err) : 0;
    if (status != 0 && status != E_NOMEM) {
        report_failure(draft, use, what, expr_place(use->expr), &err);
        status = 0;
    }
    return status;
}

/*
 * An expression that names nothing has one value for ever: found now, or never to be found. `*type`
 * becomes the value's; a failure is reported. Fails with E_NOMEM.
 */
static int check_value(struct draft *draft, const struct use *use, const char *what,
                       const struct templated *in, int *type)
{
    struct expr_scope scope = {.fetch = fetch_nothing};
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct cel value;
    struct error err = {0};
    int status = expr_evaluate(use->expr, &scope, &arena, &budget, &value, &err);
    if (status == 0) {
        *type = (int)value.type;
        status = check_result(draft, use, what, in, &value);
    } else if (status != E_NOMEM) {
        bool is_reported = false;
        *type = EXPR_TYPE_OPEN; /* what it would be does not matter */
        status = check_parts(draft, use, what, &is_reported);
        if (status == 0 && !is_reported) {
            report_failure(draft, use, what, expr_place(use->expr), &err);
        }
    }
    arena_finish(&arena);
    return status;
}

/* `{{ fetch }}`: a node has its output, and much else, but is no value itself. */
static bool report_node(struct draft *draft, const struct use *use, const char *what)
{
    const struct expr_reference *reference = expr_reference_at(use->expr, 0);
    struct expr_fault whole = expr_place(use->expr);
    bool is_node = reference->slot >= SLOT_NODE_FIRST && reference->slot < SLOT_ITEM_FIRST;
    if (!is_node || reference->path_count > 0 || reference->length != whole.length) {
        return false;
    }
    report_error(&draft->loader->report, place_in(draft, use->scalar, use->offset + whole.offset),
                 "%s always fails: '%.*s' is a node and no value", what, STR_ARG(reference->root));
    report_hint(&draft->loader->report, "write %.*s.output", STR_ARG(reference->root));
    return true;
}

/* What always fails in an expression, or with its result in `in` (may be NULL). */
static int check_constant(struct draft *draft, const struct use *use, const char *what,
                          const struct templated *in, int *type)
{
    bool fails = false;
    if (expr_reference_count(use->expr) == 0) {
        return check_value(draft, use, what, in, type);
    }
    if (in != NULL && report_node(draft, use, what)) {
        return 0;
    }
    int status = check_parts(draft, use, what, &fails);
    int result = expr_static_type(use->expr);
    if (status == 0 && !fails && (result == CEL_BYTES || result == CEL_TYPE)) {
        status = check_result(draft, use, what, in, &(struct cel){.type = (uint8_t)result});
    }
    return status;
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
    struct expr_names names = names_of(&lookup);
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
    report_error(report, place_in(draft, scalar, fault.offset), "%s: %s", at->what, err.message);
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
    status = check_constant(draft, &use, at->what, NULL, out_type);
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
        report_error(&draft->loader->report, place_in(draft, scalar, 0),
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
    report_error(&job->draft->loader->report, place_in(job->draft, scalar, fault.offset), "%s: %s",
                 job->at->what, err->message);
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
        struct templated in = {template, i};
        int type = EXPR_TYPE_OPEN;
        int status = check_constant(job->draft, &use, job->at->what, &in, &type);
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
        .names = names_of(&lookup),
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
