/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the expressions of a draft name, once the graph stands: that it is there, can have run,
 * and is not absent by surprise.
 */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/absent.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/queue_item.h"
#include "core/model/reach.h"
#include "core/model/reading.h"
#include "core/model/root_names.h"
#include "core/model/schema_marks.h"
#include "core/model/scope.h"
#include "core/model/shapes.h"
#include "core/model/tree.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static const struct str node_fields[] = {
    {"output", 6},      {"status", 6},       {"error", 5},       {"attempts", 8},
    {"started_at", 10}, {"finished_at", 11}, {"from_cache", 10}, {"from_fallback", 13},
};
static const struct str time_fields[] = {{"started_at", 10}, {"finished_at", 11}};
static const struct str loop_fields[] = {{"errors", 6}, {"counts", 6}};
static const struct str run_fields[] = {
    {"id", 2},     {"workflow", 8}, {"version", 7}, {"started_at", 10}, {"triggered_by", 12},
    {"status", 6}, {"error", 5},
};
static const struct str iter_fields[] = {{"index", 5}, {"first", 5}, {"count", 5}};
static const struct str signal_fields[] = {{"name", 4}, {"data", 4}, {"time", 4}};
static const struct str milestone_fields[] = {
    {"id", 2}, {"name", 4}, {"output", 6}, {"counts", 6}, {"errors", 6},
};
static const struct str event_fields[] = {
    {"id", 2}, {"type", 4}, {"time", 4}, {"data", 4}, {"headers", 7},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_field(const struct reading *reading, const struct str *fields, size_t count)
{
    if (reading->reference->path_count == 0 ||
        reading_is_one_of(reading->reference->path[0], fields, count)) {
        return;
    }
    struct str field = reading->reference->path[0];
    struct suggest nearest = suggest_start(field);
    for (size_t i = 0; i < count; i++) {
        suggest_offer(&nearest, fields[i]);
    }
    report_error(reading_report(reading), reading_place(reading), "%s: '%.*s' has no '%.*s'",
                 reading_who(reading).text, STR_ARG(reading->reference->root), STR_ARG(field));
    report_nearest(reading_report(reading), &nearest);
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
static void check_path(const struct reading *reading, const struct value *root, size_t first,
                       const char *name)
{
    const struct value *schema = root;
    struct label inner = {{0}};
    for (size_t i = first; i < reading->reference->path_count && schema != NULL; i++) {
        const struct str *step = &reading->reference->path[i];
        const struct value *properties = schema_marks_properties(root, schema);
        bool is_known = value_get(properties, *step) != NULL;
        bool is_closed = schema_marks_is_closed(root, schema);
        struct suggest nearest = is_known ? suggest_start(*step)
                                          : nearest_property(properties, *step);
        if (!is_known && is_closed) {
            bool is_asked = reading_is_guarded(reading); /* then nothing fails */
            (is_asked ? report_warning : report_error)(
                reading_report(reading), reading_place(reading), "%s: %s has no '%.*s'",
                reading_who(reading).text, name, STR_ARG(*step));
            report_nearest(reading_report(reading), &nearest);
            return;
        }
        if (!is_known && nearest.best.n > 0) {
            reading_reporter(reading, LOAD_STRICT)(reading_report(reading), reading_place(reading),
                                                   "%s: nothing says that %s has '%.*s'",
                                                   reading_who(reading).text, name, STR_ARG(*step));
            report_nearest(reading_report(reading), &nearest);
            return;
        }
        schema = schema_marks_child(root, schema, step);
        if (reading->reference->slot == SLOT_INPUT) {
            inner = i == first ? label_make("'input.%.*s'", STR_ARG(*step))
                               : label_make("%.*s.%.*s'", (int)strlen(inner.text) - 1, inner.text,
                                            STR_ARG(*step));
            name = inner.text;
        }
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

/* By a default of another schema that it refers to. */
static bool is_filled_in(struct draft *draft, struct str name)
{
    cleanup_document struct document *empty = document_empty_map();
    cleanup_document struct document *filled = NULL;
    int status = schema_fill_defaults(draft->storage->pipeline.input_schema, empty, &filled, NULL);
    draft->lacks_memory = draft->lacks_memory || status == E_NOMEM;
    return status == 0 && value_get(document_root(filled), name) != NULL;
}

static void check_input(const struct reading *reading)
{
    const struct schema *schema = reading->draft->storage->pipeline.input_schema;
    if (schema == NULL || reading->reference->path_count == 0) {
        return;
    }
    const struct value *root = schema_source(schema);
    struct str name = reading->reference->path[0];
    const struct value *property = value_get(schema_marks_properties(root, root), name);
    check_path(reading, root, 0, "'input'");
    if (property != NULL && !reading_is_guarded(reading) &&
        value_get(property, STR("default")) == NULL &&
        !is_listed(value_get(root, STR("required")), name) &&
        !reading_is_asked(reading, SLOT_INPUT, name) && !is_filled_in(reading->draft, name)) {
        report_warning(reading_report(reading), reading_place(reading),
                       "%s: 'input.%.*s' may be absent: it has no default and is not required",
                       reading_who(reading).text, STR_ARG(name));
        report_hint(reading_report(reading), "guard it: default(input.?%.*s, ...)", STR_ARG(name));
    }
}

static void check_config(const struct reading *reading)
{
    const struct value *config = document_root(reading->draft->storage->pipeline.config);
    if (reading->draft->is_config_faulty || reading->reference->path_count == 0 ||
        reading_is_guarded(reading) || value_get(config, reading->reference->path[0]) != NULL) {
        return;
    }
    struct str name = reading->reference->path[0];
    struct suggest nearest = suggest_start(name);
    for (size_t i = 0; i < value_count(config); i++) {
        suggest_offer(&nearest, value_str(&value_member_at(config, i)->key));
    }
    reading_reporter(reading, LOAD_START | LOAD_STRICT)(
        reading_report(reading), reading_place(reading), "%s: nothing sets 'config.%.*s'",
        reading_who(reading).text, STR_ARG(name));
    report_nearest(reading_report(reading), &nearest);
}

static bool report_inside(const struct reading *reading, struct str id)
{
    report_error(reading_report(reading), reading_place(reading),
                 "%s: the loop '%.*s' has not ended inside of it", reading_who(reading).text,
                 STR_ARG(id));
    return false;
}

/* Whether `node` can have ended when the expression is evaluated; if not, that is reported. */
static bool check_order(const struct reading *reading, const struct reading_view *view,
                        uint32_t node)
{
    struct str id = reading->draft->nodes[node].id;
    if (reading->use->site == USE_SETTINGS) {
        report_error(reading_report(reading), reading_place(reading),
                     "%s cannot name the node '%.*s': they are read before any node runs",
                     reading_who(reading).text, STR_ARG(id));
        return false;
    }
    if (view->kind == VIEW_ALL || view->kind == VIEW_ENDING || reading->reach == NULL ||
        (view->kind == VIEW_END && view->node == node) ||
        reading_is_round_before(reading, view, node) ||
        reading_is_before(reading, node, view->node)) {
        return true;
    }
    if (view->node == node && view->kind == VIEW_INSIDE) {
        return report_inside(reading, id);
    }
    if (view->node == node) {
        report_error(reading_report(reading), reading_place(reading),
                     "node '%.*s' cannot read itself", STR_ARG(id));
        return false;
    }
    report_error(reading_report(reading), reading_place(reading),
                 "%s: '%.*s' cannot have run before it", reading_who(reading).text, STR_ARG(id));
    struct str self = reading->draft->nodes[view->node].id;
    if (reading->draft->bodies[reading->draft->nodes[node].body].kind == BODY_STATES) {
        report_hint(reading_report(reading), "no transitions lead from '%.*s' to '%.*s'",
                    STR_ARG(id), STR_ARG(self));
        return false;
    }
    if (reading->draft->drafts[node].is_set_aside) {
        return false; /* it may depend on this one: nothing can be advised */
    }
    if (reading_is_before(reading, view->node, node)) {
        report_hint(reading_report(reading), "'%.*s' depends on it", STR_ARG(id));
    } else if (view->node == reading->use->node && view->kind == VIEW_START) {
        report_hint(reading_report(reading), "add '%.*s' to 'depends_on'", STR_ARG(id));
    } else {
        report_hint(reading_report(reading), "add '%.*s' to 'depends_on' of '%.*s'", STR_ARG(id),
                    STR_ARG(self));
    }
    return false;
}

/* The output of a `set` node as it is written; NULL for other nodes. */
static const struct value *written_output(const struct node *node)
{
    return node->kind == NODE_SET && node->config != NULL ? template_source(node->config) : NULL;
}

/* `node.status` where the output has a status, too: nobody could tell which is meant. */
static bool is_ambiguous(const struct reading *reading, uint32_t node, struct str field)
{
    const struct node *it = &reading->draft->nodes[node];
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
static void check_written(const struct reading *reading, uint32_t node, size_t first)
{
    const struct expr_reference *reference = reading->reference;
    const struct node *it = &reading->draft->nodes[node];
    const struct value *value = written_output(it);
    for (size_t i = first; i < reference->path_count && value_is(value, VALUE_MAP); i++) {
        const struct value *inner = value_get(value, reference->path[i]);
        if (inner == NULL) {
            struct label name = label_of("the output of", it->id);
            struct suggest nearest = nearest_property(value, reference->path[i]);
            report_error(reading_report(reading), reading_place(reading), "%s: %s has no '%.*s'",
                         reading_who(reading).text, name.text, STR_ARG(reference->path[i]));
            report_nearest(reading_report(reading), &nearest);
        }
        value = inner;
    }
}

static void check_output(const struct reading *reading, const struct reading_view *view,
                         uint32_t node, size_t first)
{
    const struct node *it = &reading->draft->nodes[node];
    bool is_of_queued = queue_item_check_read(reading, view, node, first);
    if (!reading_is_guarded(reading) && !reading_asks_output(reading, first) &&
        reading_may_be_absent(reading, view, node) &&
        !reading_is_asked(reading, (int)(SLOT_NODE_FIRST + node), STR("output"))) {
        report_warning(reading_report(reading), reading_place(reading),
                       "%s: '%.*s' may have no output here", reading_who(reading).text,
                       STR_ARG(it->id));
        if (root_names_is_identifier(it->id)) {
            report_hint(reading_report(reading),
                        "guard it: has(%.*s.output), or coalesce(%.*s.?output, ...)",
                        STR_ARG(it->id), STR_ARG(it->id));
        } else {
            report_hint(reading_report(reading), "guard it with has() or coalesce()");
        }
    }
    if (!is_of_queued && it->type != NULL && it->type->output_schema != NULL) {
        struct label name = label_of("the output of", it->id);
        check_path(reading, schema_source(it->type->output_schema), first, name.text);
    } else if (!reading_is_guarded(reading)) {
        check_written(reading, node, first);
    }
}

/* True, and reported, for NODE.stream where nothing can read it. */
static bool check_stream(const struct reading *reading, uint32_t node, size_t first)
{
    const struct expr_reference *reference = reading->reference;
    struct str id = reading->draft->nodes[node].id;
    if (reference->path_count <= first || !str_equal(reference->path[first], STR("stream"))) {
        return false;
    }
    report_error(reading_report(reading), reading_place(reading),
                 "%s: '%.*s.stream' is only for 'for_each'", reading_who(reading).text,
                 STR_ARG(id));
    report_hint(reading_report(reading), "write for_each: %.*s.stream, and nothing else in it",
                STR_ARG(id));
    return true;
}

/* `first`: where the path goes on behind the node. */
static void check_node(const struct reading *reading, uint32_t node, size_t first, bool is_short)
{
    const struct expr_reference *reference = reading->reference;
    struct str id = reading->draft->nodes[node].id;
    struct reading_view view = {0};
    if (reading->use->site != USE_SETTINGS) {
        view = reading_find_view(reading, reading->draft->nodes[node].body);
    }
    if (check_stream(reading, node, first) || !check_order(reading, &view, node) ||
        reference->path_count <= first) {
        return;
    }
    struct str field = reference->path[first];
    bool is_field = reading_is_one_of(field, node_fields, COUNT(node_fields));
    if (is_field && is_short && is_ambiguous(reading, node, field)) {
        report_error(reading_report(reading), reading_place(reading),
                     "%s: '%.*s.%.*s' can mean the node's own or its output's",
                     reading_who(reading).text, STR_ARG(id), STR_ARG(field));
        report_hint(reading_report(reading), "write '%.*s.output.%.*s', or nodes['%.*s'].%.*s",
                    STR_ARG(id), STR_ARG(field), STR_ARG(id), STR_ARG(field));
    } else if (reading_is_one_of(field, loop_fields, COUNT(loop_fields)) &&
               reading->draft->nodes[node].kind == NODE_LOOP) {
        return; /* they are there when the output is */
    } else if (reading_is_one_of(field, loop_fields, COUNT(loop_fields))) {
        report_error(reading_report(reading), reading_place(reading), "%s: only a loop has '%.*s'",
                     reading_who(reading).text, STR_ARG(field));
        report_hint(reading_report(reading), "write '%.*s.output.%.*s' for a field of the output",
                    STR_ARG(id), STR_ARG(field));
    } else if (str_equal(field, STR("output"))) {
        check_output(reading, &view, node, first + 1);
    } else if (!is_field) {
        check_output(reading, &view, node, first);
    } else if (str_equal(field, STR("error"))) {
        absent_check_error(reading, &view, node, first);
    } else if (reading_is_one_of(field, time_fields, COUNT(time_fields))) {
        absent_check_time(reading, &view, node, first);
    }
}

static void check_nodes_map(const struct reading *reading)
{
    if (reading->reference->path_count == 0) {
        return;
    }
    struct str id = reading->reference->path[0];
    uint32_t node = draft_find_visible(reading->draft, reading->use->body, id);
    if (node != DRAFT_NO_NODE) {
        check_node(reading, node, 1, false);
        return;
    }
    struct str near = draft_nearest_node(reading->draft, reading->use->body, id);
    report_error(reading_report(reading), reading_place(reading), "%s: there is no node '%.*s'",
                 reading_who(reading).text, STR_ARG(id));
    if (near.n > 0) {
        report_hint(reading_report(reading), "did you mean '%.*s'?", STR_ARG(near));
    }
}

static void check_run(const struct reading *reading)
{
    const struct expr_reference *reference = reading->reference;
    check_field(reading, run_fields, COUNT(run_fields));
    if (reference->path_count > 0 && str_equal(reference->path[0], STR("error"))) {
        absent_check_run_error(reading);
    }
}

static void check_reference(const struct reading *reading)
{
    int slot = reading->reference->slot;
    if (slot == SLOT_INPUT) {
        check_input(reading);
    } else if (slot == SLOT_CONFIG) {
        check_config(reading);
    } else if (slot == SLOT_RUN) {
        check_run(reading);
    } else if (slot == SLOT_EVENT) {
        check_field(reading, event_fields, COUNT(event_fields));
    } else if (slot == SLOT_ITER) {
        check_field(reading, iter_fields, COUNT(iter_fields));
    } else if (slot == SLOT_SIGNAL) {
        check_field(reading, signal_fields, COUNT(signal_fields));
    } else if (slot == SLOT_MILESTONE) {
        check_field(reading, milestone_fields, COUNT(milestone_fields));
    } else if (slot == SLOT_NODES) {
        check_nodes_map(reading);
    } else if (slot >= SLOT_NODE_FIRST && slot < SLOT_ITEM_FIRST) {
        check_node(reading, (uint32_t)(slot - SLOT_NODE_FIRST), 0, true);
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
    bool is_at_node = use->site == USE_NODE || use->site == USE_EDGE || use->site == USE_FAILED;
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
    struct reading reading = {.draft = draft, .use = use};
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
        report_error(reading_report(&reading), reading_place_at(&reading, fault.offset), "%s: %s",
                     reading_who(&reading).text, err.message);
    } else if (wrong != NULL) {
        struct str source = expr_source(use->expr);
        report_error(reading_report(&reading), reading_place_at(&reading, 0),
                     "%s: '%.*s' must be true or false, and this is always %s",
                     reading_who(&reading).text, STR_ARG(source), wrong);
        report_hint(reading_report(&reading), "compare it with something: nothing is truthy");
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
        struct reading reading = {.draft = draft,
                                  .reach = is_set_aside(draft, use) ? NULL : reach,
                                  .status = &status,
                                  .use = use};
        size_t errors = reading_report(&reading)->diagnostics->error_count;
        for (size_t r = 0; r < expr_reference_count(reading.use->expr); r++) {
            reading.reference = expr_reference_at(reading.use->expr, r);
            check_reference(&reading);
        }
        /* Of what a wrong name would hold nothing is known. */
        if (status == 0 && reading_report(&reading)->diagnostics->error_count == errors) {
            status = check_types(draft, use);
        }
    }
    reach_destroy(reach);
    return status;
}
