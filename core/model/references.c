/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the expressions of a draft name, once the graph stands: that it is there, can have run,
 * and is not absent by surprise.
 */
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/guards.h"
#include "core/model/reach.h"
#include "core/model/schema_marks.h"
#include "core/model/scope.h"
#include "core/model/shapes.h"
#include "core/model/tree.h"
#include "core/value/schema.h"
#include "core/value/value.h"

struct check {
    struct draft *draft;
    struct reach *reach; /* NULL when there are cycles */
    int *status;         /* E_NOMEM, once that happened */
    const struct use *use;
    const struct expr_reference *reference;
};

static const struct str node_fields[] = {
    {"output", 6},   {"status", 6},      {"error", 5},
    {"attempts", 8}, {"started_at", 10}, {"finished_at", 11},
};
static const struct str loop_fields[] = {{"errors", 6}, {"counts", 6}};
static const struct str run_fields[] = {
    {"id", 2},     {"workflow", 8}, {"version", 7}, {"started_at", 10}, {"triggered_by", 12},
    {"status", 6}, {"error", 5},
};
static const struct str iter_fields[] = {{"index", 5}, {"first", 5}, {"count", 5}};
static const struct str signal_fields[] = {{"name", 4}, {"data", 4}, {"time", 4}};
static const struct str event_fields[] = {
    {"id", 2}, {"type", 4}, {"time", 4}, {"data", 4}, {"headers", 7},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct report *report_of(const struct check *check)
{
    return &check->draft->loader->report;
}

/* A place in the expression. */
static struct place place_at(const struct check *check, size_t offset)
{
    const struct tree *scalar = check->use->scalar;
    return tree_place_at(scalar, report_of_place(report_of(check), scalar->place)->source,
                         check->use->offset + offset);
}

static struct place place_of(const struct check *check)
{
    return place_at(check, check->reference->offset);
}

typedef void (*report_cb)(const struct report *report, struct place place, const char *format, ...);

/* What is an error when one of `flags` is set, and else a warning. */
static report_cb reporter(const struct check *check, unsigned flags)
{
    return (check->draft->loader->options->flags & flags) != 0 ? report_error : report_warning;
}

/* The output of a body. */
static struct label who_ends(const struct check *check)
{
    uint32_t owner = check->draft->bodies[check->use->body].owner;
    return owner == DRAFT_NO_NODE ? label_make("'output'")
                                  : label_of("the loop", check->draft->nodes[owner].id);
}

/* Who says it. */
static struct label who(const struct check *check)
{
    switch (check->use->site) {
    case USE_NODE:
    case USE_SELF:
        return label_of("node", check->draft->nodes[check->use->node].id);
    case USE_EDGE:
        return label_of("an edge from", check->draft->nodes[check->use->node].id);
    case USE_OUTPUT:
        return who_ends(check);
    case USE_SETTINGS:
        return label_make("the settings");
    }
    return label_make("the pipeline");
}

static bool is_in(struct str name, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void check_field(const struct check *check, const struct str *fields, size_t count)
{
    if (check->reference->path_count == 0 || is_in(check->reference->path[0], fields, count)) {
        return;
    }
    struct str field = check->reference->path[0];
    struct suggest nearest = suggest_start(field);
    for (size_t i = 0; i < count; i++) {
        suggest_offer(&nearest, fields[i]);
    }
    report_error(report_of(check), place_of(check), "%s: '%.*s' has no '%.*s'", who(check).text,
                 STR_ARG(check->reference->root), STR_ARG(field));
    report_nearest(report_of(check), &nearest);
}

/* The described name that `step` is probably meant to be, or an empty text. */
static struct suggest nearest_property(const struct value *properties, struct str step)
{
    struct suggest nearest = suggest_start(step);
    for (size_t p = 0; properties != NULL && p < value_count(properties); p++) {
        suggest_offer(&nearest, value_str(&value_member_at(properties, p)->key));
    }
    return nearest;
}

/*
 * The steps of the path from `first` on. A member that a closed object does not have is an error;
 * one that an open object does not describe may be there, but looks misspelt when it nearly is one
 * that it does.
 */
static void check_path(const struct check *check, const struct value *root, size_t first,
                       const char *name)
{
    const struct value *schema = root;
    for (size_t i = first; i < check->reference->path_count && schema != NULL; i++) {
        const struct str *step = &check->reference->path[i];
        const struct value *properties = schema_marks_properties(root, schema);
        bool is_known = value_get(properties, *step) != NULL;
        bool is_closed = schema_marks_is_closed(root, schema);
        struct suggest nearest = is_known ? suggest_start(*step)
                                          : nearest_property(properties, *step);
        if (!is_known && is_closed) {
            report_error(report_of(check), place_of(check), "%s: %s has no '%.*s'", who(check).text,
                         name, STR_ARG(*step));
            report_nearest(report_of(check), &nearest);
            return;
        }
        if (!is_known && nearest.best.n > 0) {
            reporter(check, LOAD_STRICT)(report_of(check), place_of(check),
                                         "%s: nothing says that %s has '%.*s'", who(check).text,
                                         name, STR_ARG(*step));
            report_nearest(report_of(check), &nearest);
            return;
        }
        schema = schema_marks_child(root, schema, step);
    }
}

static bool is_listed(const struct value *names, struct str name)
{
    size_t count = value_is(names, VALUE_LIST) ? value_count(names) : 0;
    for (size_t i = 0; i < count; i++) {
        if (value_is(value_at(names, i), VALUE_STRING) &&
            str_equal(value_str(value_at(names, i)), name)) {
            return true;
        }
    }
    return false;
}

/* Whether absence is no surprise: `has(a.output) ? a.output.x : 0` asks before it reads. */
static bool is_guarded(const struct check *check)
{
    const struct expr_reference *reference = check->reference;
    for (size_t r = 0; r < expr_reference_count(check->use->expr); r++) {
        const struct expr_reference *other = expr_reference_at(check->use->expr, r);
        size_t same = 0;
        if (!other->is_guarded || other->slot != reference->slot) {
            continue;
        }
        while (same < other->path_count && same < reference->path_count &&
               str_equal(other->path[same], reference->path[same])) {
            same++;
        }
        if (same == other->path_count) {
            return true;
        }
    }
    return false;
}

static void check_input(const struct check *check)
{
    const struct schema *schema = check->draft->storage->pipeline.input_schema;
    if (schema == NULL || check->reference->path_count == 0) {
        return;
    }
    const struct value *root = schema_source(schema);
    struct str name = check->reference->path[0];
    const struct value *property = value_get(schema_marks_properties(root, root), name);
    check_path(check, root, 0, "'input'");
    if (property != NULL && !is_guarded(check) && value_get(property, STR("default")) == NULL &&
        !is_listed(value_get(root, STR("required")), name)) {
        report_warning(report_of(check), place_of(check),
                       "%s: 'input.%.*s' may be absent: it has no default and is not required",
                       who(check).text, STR_ARG(name));
        report_hint(report_of(check), "guard it: default(input.?%.*s, ...)", STR_ARG(name));
    }
}

static void check_config(const struct check *check)
{
    const struct value *config = document_root(check->draft->storage->pipeline.config);
    if (check->draft->is_config_faulty || check->reference->path_count == 0 || is_guarded(check) ||
        value_get(config, check->reference->path[0]) != NULL) {
        return;
    }
    struct str name = check->reference->path[0];
    struct suggest nearest = suggest_start(name);
    for (size_t i = 0; i < value_count(config); i++) {
        suggest_offer(&nearest, value_str(&value_member_at(config, i)->key));
    }
    reporter(check, LOAD_START | LOAD_STRICT)(report_of(check), place_of(check),
                                              "%s: nothing sets 'config.%.*s'", who(check).text,
                                              STR_ARG(name));
    report_nearest(report_of(check), &nearest);
}

static bool is_before(const struct check *check, uint32_t before, uint32_t node)
{
    bool result = false;
    if (*check->status == 0) {
        *check->status = reach_is_before(check->reach, before, node, &result);
    }
    return result;
}

static bool has_output(const struct check *check, uint32_t before, uint32_t node)
{
    bool result = true;
    if (*check->status == 0) {
        *check->status = reach_has_output(check->reach, before, node, &result);
    }
    return result;
}

static bool has_output_at_end(const struct check *check, uint32_t node)
{
    bool result = true;
    if (*check->status == 0) {
        *check->status = reach_has_output_at_end(check->reach, node, &result);
    }
    return result;
}

/* From where an expression looks at a node: from a place of the node's own body. */
enum view_kind {
    VIEW_START,  /* when `node` starts */
    VIEW_INSIDE, /* when something in the body of `node` is evaluated */
    VIEW_END,    /* when `node` has ended */
    VIEW_ALL,    /* when the body is at its end */
    VIEW_ENDING, /* when the run ends, somehow; `node` is the body that runs then */
};

struct view {
    enum view_kind kind;
    uint32_t node;
};

/* The view of `body`, which is that of the use or one around it. */
static struct view find_view(const struct check *check, uint32_t body)
{
    const struct draft *draft = check->draft;
    const struct use *use = check->use;
    enum view_kind kind = use->site == USE_NODE     ? VIEW_START
                          : use->site == USE_OUTPUT ? VIEW_ALL
                                                    : VIEW_END;
    struct view view = {kind, use->node};
    for (uint32_t in = use->body; in != body; in = draft_body_around(draft, in)) {
        const struct draft_body *from = &draft->body_drafts[in];
        view.node = from->owner != DRAFT_NO_NODE ? from->owner : in;
        view.kind = from->owner == DRAFT_NO_NODE ? VIEW_ENDING
                    : from->is_compensation      ? VIEW_END
                                                 : VIEW_INSIDE;
    }
    return view;
}

static bool report_inside(const struct check *check, struct str id)
{
    report_error(report_of(check), place_of(check),
                 "%s: the loop '%.*s' has not ended inside of it", who(check).text, STR_ARG(id));
    return false;
}

/* A node that is repeated sees what the round before left; in the first there is nothing. */
static bool is_round_before(const struct check *check, const struct view *view, uint32_t node)
{
    return view->kind == VIEW_START && view->node == node && check->use->site == USE_NODE &&
           check->draft->nodes[node].repeat != NULL;
}

/* Whether `node` can have ended when the expression is evaluated; if not, that is reported. */
static bool check_order(const struct check *check, const struct view *view, uint32_t node)
{
    struct str id = check->draft->nodes[node].id;
    if (check->use->site == USE_SETTINGS) {
        report_error(report_of(check), place_of(check),
                     "%s cannot name the node '%.*s': they are read before any node runs",
                     who(check).text, STR_ARG(id));
        return false;
    }
    if (view->kind == VIEW_ALL || view->kind == VIEW_ENDING || check->reach == NULL ||
        (view->kind == VIEW_END && view->node == node) || is_round_before(check, view, node) ||
        is_before(check, node, view->node)) {
        return true;
    }
    if (view->node == node && view->kind == VIEW_INSIDE) {
        return report_inside(check, id);
    }
    if (view->node == node) {
        report_error(report_of(check), place_of(check), "node '%.*s' cannot read itself",
                     STR_ARG(id));
        return false;
    }
    report_error(report_of(check), place_of(check), "%s: '%.*s' cannot have run before it",
                 who(check).text, STR_ARG(id));
    struct str self = check->draft->nodes[view->node].id;
    if (check->draft->bodies[check->draft->nodes[node].body].kind == BODY_STATES) {
        report_hint(report_of(check), "no transitions lead from '%.*s' to '%.*s'", STR_ARG(id),
                    STR_ARG(self));
        return false;
    }
    if (check->draft->drafts[node].is_set_aside) {
        return false; /* it may depend on this one: nothing can be advised */
    }
    if (is_before(check, view->node, node)) {
        report_hint(report_of(check), "'%.*s' depends on it", STR_ARG(id));
    } else if (view->node == check->use->node && view->kind == VIEW_START) {
        report_hint(report_of(check), "add '%.*s' to 'depends_on'", STR_ARG(id));
    } else {
        report_hint(report_of(check), "add '%.*s' to 'depends_on' of '%.*s'", STR_ARG(id),
                    STR_ARG(self));
    }
    return false;
}

static bool may_be_absent(const struct check *check, const struct view *view, uint32_t node)
{
    const struct node *it = &check->draft->nodes[node];
    if (check->reach == NULL) {
        return false;
    }
    switch (view->kind) {
    case VIEW_ENDING:
        return view->node != check->draft->storage->pipeline.on_success ||
               !has_output_at_end(check, node);
    case VIEW_ALL:
        return !has_output_at_end(check, node);
    case VIEW_END:
        if (view->node == node) {
            bool is_event_lacking = it->kind == NODE_IDLE && (check->use->names & SCOPE_EVENT) == 0;
            return check->use->site == USE_EDGE &&
                   (it->when != NULL || it->on_error == ON_ERROR_CONTINUE || is_event_lacking);
        }
        break;
    case VIEW_START:
        if (is_round_before(check, view, node)) {
            return true;
        }
        break;
    case VIEW_INSIDE:
        break;
    }
    return !has_output(check, node, view->node);
}

/* The output of a `set` node as it is written; NULL for other nodes. */
static const struct value *written_output(const struct node *node)
{
    return node->kind == NODE_SET && node->config != NULL ? template_source(node->config) : NULL;
}

/* `node.status` where the output has a status, too: nobody could tell which is meant. */
static bool is_ambiguous(const struct check *check, uint32_t node, struct str field)
{
    const struct node *it = &check->draft->nodes[node];
    const struct schema *schema = it->type != NULL ? it->type->output_schema : NULL;
    if (str_equal(field, STR("output"))) {
        return false;
    }
    if (schema == NULL) {
        return value_get(written_output(it), field) != NULL;
    }
    const struct value *root = schema_source(schema);
    return value_get(schema_marks_properties(root, root), field) != NULL;
}

/* What nobody writes into the output of a `set` node is not in it. */
static void check_written(const struct check *check, uint32_t node, size_t first)
{
    const struct expr_reference *reference = check->reference;
    const struct node *it = &check->draft->nodes[node];
    const struct value *value = written_output(it);
    for (size_t i = first; i < reference->path_count && value_is(value, VALUE_MAP); i++) {
        const struct value *inner = value_get(value, reference->path[i]);
        if (inner == NULL) {
            struct label name = label_of("the output of", it->id);
            struct suggest nearest = nearest_property(value, reference->path[i]);
            report_error(report_of(check), place_of(check), "%s: %s has no '%.*s'", who(check).text,
                         name.text, STR_ARG(reference->path[i]));
            report_nearest(report_of(check), &nearest);
        }
        value = inner;
    }
}

/* `has(a.output) ? a.x : 0`: the short form is asked for by the long one. */
static bool is_output_asked(const struct check *check, size_t first)
{
    const struct expr_reference *reference = check->reference;
    for (size_t r = 0; r < expr_reference_count(check->use->expr); r++) {
        const struct expr_reference *other = expr_reference_at(check->use->expr, r);
        bool is_it = other->is_guarded && other->slot == reference->slot &&
                     other->path_count == first + 1 && str_equal(other->path[first], STR("output"));
        for (size_t i = 0; i < first && is_it; i++) {
            is_it = str_equal(other->path[i], reference->path[i]);
        }
        if (is_it) {
            return true;
        }
    }
    return false;
}

static void check_output(const struct check *check, const struct view *view, uint32_t node,
                         size_t first)
{
    const struct node *it = &check->draft->nodes[node];
    if (!is_guarded(check) && !is_output_asked(check, first) && may_be_absent(check, view, node) &&
        !guards_hold(check->draft, check->use, node, STR("output"))) {
        report_warning(report_of(check), place_of(check), "%s: '%.*s' may have no output here",
                       who(check).text, STR_ARG(it->id));
        if (scope_is_identifier(it->id)) {
            report_hint(report_of(check),
                        "guard it: has(%.*s.output), or coalesce(%.*s.?output, ...)",
                        STR_ARG(it->id), STR_ARG(it->id));
        } else {
            report_hint(report_of(check), "guard it with has() or coalesce()");
        }
    }
    if (it->type != NULL && it->type->output_schema != NULL) {
        struct label name = label_of("the output of", it->id);
        check_path(check, schema_source(it->type->output_schema), first, name.text);
    } else if (!is_guarded(check)) {
        check_written(check, node, first);
    }
}

/* True, and reported, for NODE.stream where nothing can read it. */
static bool check_stream(const struct check *check, uint32_t node, size_t first)
{
    const struct expr_reference *reference = check->reference;
    struct str id = check->draft->nodes[node].id;
    if (reference->path_count <= first || !str_equal(reference->path[first], STR("stream"))) {
        return false;
    }
    report_error(report_of(check), place_of(check), "%s: '%.*s.stream' is only for 'for_each'",
                 who(check).text, STR_ARG(id));
    report_hint(report_of(check), "write for_each: %.*s.stream, and nothing else in it",
                STR_ARG(id));
    return true;
}

/* `first`: where the path goes on behind the node. */
static void check_node(const struct check *check, uint32_t node, size_t first, bool is_short)
{
    const struct expr_reference *reference = check->reference;
    struct str id = check->draft->nodes[node].id;
    struct view view = {0};
    if (check->use->site != USE_SETTINGS) {
        view = find_view(check, check->draft->nodes[node].body);
    }
    if (check_stream(check, node, first) || !check_order(check, &view, node) ||
        reference->path_count <= first) {
        return;
    }
    struct str field = reference->path[first];
    bool is_field = is_in(field, node_fields, COUNT(node_fields));
    if (is_field && is_short && is_ambiguous(check, node, field)) {
        report_error(report_of(check), place_of(check),
                     "%s: '%.*s.%.*s' can mean the node's own or its output's", who(check).text,
                     STR_ARG(id), STR_ARG(field));
        report_hint(report_of(check), "write '%.*s.output.%.*s', or nodes['%.*s'].%.*s",
                    STR_ARG(id), STR_ARG(field), STR_ARG(id), STR_ARG(field));
    } else if (is_in(field, loop_fields, COUNT(loop_fields)) &&
               check->draft->nodes[node].kind == NODE_LOOP) {
        return; /* they are there when the output is */
    } else if (is_in(field, loop_fields, COUNT(loop_fields))) {
        report_error(report_of(check), place_of(check), "%s: only a loop has '%.*s'",
                     who(check).text, STR_ARG(field));
        report_hint(report_of(check), "write '%.*s.output.%.*s' for a field of the output",
                    STR_ARG(id), STR_ARG(field));
    } else if (str_equal(field, STR("output"))) {
        check_output(check, &view, node, first + 1);
    } else if (!is_field) {
        check_output(check, &view, node, first);
    }
}

static void check_nodes_map(const struct check *check)
{
    if (check->reference->path_count == 0) {
        return;
    }
    struct str id = check->reference->path[0];
    uint32_t node = draft_find_visible(check->draft, check->use->body, id);
    if (node != DRAFT_NO_NODE) {
        check_node(check, node, 1, false);
        return;
    }
    struct str near = draft_nearest_node(check->draft, check->use->body, id);
    report_error(report_of(check), place_of(check), "%s: there is no node '%.*s'", who(check).text,
                 STR_ARG(id));
    if (near.n > 0) {
        report_hint(report_of(check), "did you mean '%.*s'?", STR_ARG(near));
    }
}

static void check_reference(const struct check *check)
{
    int slot = check->reference->slot;
    if (slot == SLOT_INPUT) {
        check_input(check);
    } else if (slot == SLOT_CONFIG) {
        check_config(check);
    } else if (slot == SLOT_RUN) {
        check_field(check, run_fields, COUNT(run_fields));
    } else if (slot == SLOT_EVENT) {
        check_field(check, event_fields, COUNT(event_fields));
    } else if (slot == SLOT_ITER) {
        check_field(check, iter_fields, COUNT(iter_fields));
    } else if (slot == SLOT_SIGNAL) {
        check_field(check, signal_fields, COUNT(signal_fields));
    } else if (slot == SLOT_NODES) {
        check_nodes_map(check);
    } else if (slot >= SLOT_NODE_FIRST && slot < SLOT_ITEM_FIRST) {
        check_node(check, (uint32_t)(slot - SLOT_NODE_FIRST), 0, true);
    }
}

static bool names_nodes(const struct draft *draft)
{
    for (size_t i = 0; i < draft->use_count; i++) {
        const struct expr *expr = draft->uses[i].expr;
        for (size_t r = 0; r < expr_reference_count(expr); r++) {
            int slot = expr_reference_at(expr, r)->slot;
            if (slot == SLOT_NODES || slot >= SLOT_NODE_FIRST) {
                return true;
            }
        }
    }
    return false;
}

/* The sets are large, and most short pipelines do without. */
static int make_reach(struct draft *draft, struct reach **out_reach)
{
    if (!names_nodes(draft)) {
        return 0;
    }
    *out_reach = reach_create(&draft->storage->pipeline);
    return *out_reach != NULL ? 0 : E_NOMEM;
}

/* The use is in or behind a cycle. */
static bool is_set_aside(const struct draft *draft, const struct use *use)
{
    bool is_at_node = use->site == USE_NODE || use->site == USE_EDGE;
    uint32_t node = is_at_node ? use->node : draft->body_drafts[use->body].owner;
    while (node != DRAFT_NO_NODE && !draft->drafts[node].is_set_aside) {
        node = draft->body_drafts[draft->nodes[node].body].owner;
    }
    return node != DRAFT_NO_NODE;
}

/* What the schemas of the data make sure to fail. */
static int check_types(struct draft *draft, const struct use *use)
{
    struct expr_fault fault = {0};
    struct error err = {0};
    struct check check = {.draft = draft, .use = use};
    int type = EXPR_TYPE_OPEN;
    if (!shapes_know(draft, use->expr)) {
        return 0;
    }
    int status = expr_check_types(use->expr, shapes_describe, draft, &type, &fault, &err);
    if (status == E_NOMEM || draft->lacks_memory) {
        return E_NOMEM;
    }
    const char *wrong = status == 0 && use->is_condition ? scope_wrong_condition(type) : NULL;
    if (status != 0) {
        report_error(report_of(&check), place_at(&check, fault.offset), "%s: %s", who(&check).text,
                     err.message);
    } else if (wrong != NULL) {
        struct str source = expr_source(use->expr);
        report_error(report_of(&check), place_at(&check, 0),
                     "%s: '%.*s' must be true or false, and this is always %s", who(&check).text,
                     STR_ARG(source), wrong);
        report_hint(report_of(&check), "compare it with something: nothing is truthy");
    }
    return 0;
}

int references_check(struct draft *draft)
{
    struct reach *reach = NULL;
    int status = make_reach(draft, &reach);
    if (status != 0) {
        return status;
    }
    for (size_t i = 0; i < draft->use_count && status == 0; i++) {
        const struct use *use = &draft->uses[i];
        struct check check = {.draft = draft,
                              .reach = is_set_aside(draft, use) ? NULL : reach,
                              .status = &status,
                              .use = use};
        size_t errors = report_of(&check)->diagnostics->error_count;
        for (size_t r = 0; r < expr_reference_count(check.use->expr); r++) {
            check.reference = expr_reference_at(check.use->expr, r);
            check_reference(&check);
        }
        /* Of what a wrong name would hold nothing is known. */
        if (status == 0 && report_of(&check)->diagnostics->error_count == errors) {
            status = check_types(draft, use);
        }
    }
    reach_destroy(reach);
    return status;
}
