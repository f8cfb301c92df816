/* SPDX-License-Identifier: Apache-2.0 */
/* What follows what: depends_on, edges, the edges in a conditional's config, on_error: goto. */
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/suggest.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/scope.h"
#include "core/model/tree.h"

/* Nobody in the body is called so: a node of another body, or a slip of the pen. */
static void report_no_node(struct draft *draft, uint32_t body, const struct tree *name,
                           const char *what)
{
    const struct report *report = &draft->loader->report;
    struct str near = draft_nearest_node(draft, body, name->text);
    uint32_t inside = draft_find_container(draft, body, name->text);
    uint32_t visible = draft_find_visible(draft, body, name->text);
    if (visible != DRAFT_NO_NODE) {
        report_error(report, name->place, "%s names '%.*s', which is outside of this body", what,
                     STR_ARG(name->text));
        report_hint(report, "what is before the loop has ended when its body runs");
        return;
    }
    if (inside != DRAFT_NO_NODE) {
        struct str id = draft->drafts[inside].id;
        report_error(report, name->place, "%s names '%.*s', which is inside the loop '%.*s'", what,
                     STR_ARG(name->text), STR_ARG(id));
        report_hint(report, "from outside only the loop is there: '%.*s'", STR_ARG(id));
        return;
    }
    if (draft->has_lost_nodes && near.n == 0) {
        return;
    }
    report_error(report, name->place, "%s names the unknown node '%.*s'", what,
                 STR_ARG(name->text));
    if (near.n > 0) {
        report_hint(report, "did you mean '%.*s'?", STR_ARG(near));
    }
}

static int read_depends(struct draft *draft, uint32_t index)
{
    const struct tree *list = format_list(draft->drafts[index].tree, "depends_on");
    if (list == NULL) {
        return 0;
    }
    struct label what = label_of("'depends_on' of node", draft->nodes[index].id);
    int status = 0;
    for (uint32_t i = 0; i < list->count && status == 0; i++) {
        const struct tree *name = &list->as.items[i];
        if (!tree_is_scalar(name) || name->kind == TREE_NULL) {
            continue; /* the table of keys has said so */
        }
        struct draft_edge edge = {
            .source = edges_find_end(draft, draft->nodes[index].body, name, what.text),
            .target = index,
            .place = name->place,
        };
        if (edge.source != DRAFT_NO_NODE) {
            status = draft_add_edge(draft, &edge);
        }
    }
    return status;
}

static bool has_outcome(const struct draft_node *node, uint32_t outcome)
{
    for (uint32_t i = 0; i < node->outcome_count; i++) {
        if (node->outcomes[i] == outcome) {
            return true;
        }
    }
    return outcome == OUTCOME_SUCCESS || outcome == OUTCOME_ERROR;
}

static bool is_later_outcome(struct str name)
{
    return str_equal(name, STR("denied"));
}

/* An outcome of all that may spend. */
static void check_budget(struct draft *draft, uint32_t source, const struct tree *name)
{
    const struct node *node = &draft->nodes[source];
    if (!budget_is_for(node)) {
        report_error(&draft->loader->report, name->place,
                     "node '%.*s' has no outcome 'budget': nodes of type '%.*s' make no calls that "
                     "are paid for",
                     STR_ARG(node->id), STR_ARG(node->type->name));
    }
}

/* A route that is called like an outcome, or like another route, is reported elsewhere. */
static bool is_doubled(const struct draft_node *node, uint32_t i)
{
    bool is_doubled = node->outcomes[i] == OUTCOME_SUCCESS || node->outcomes[i] == OUTCOME_ERROR;
    for (uint32_t other = 0; other < i && !is_doubled; other++) {
        is_doubled = node->outcomes[other] == node->outcomes[i];
    }
    return is_doubled;
}

static void report_outcome(struct draft *draft, uint32_t source, const struct tree *name)
{
    const struct report *report = &draft->loader->report;
    const struct draft_node *node = &draft->drafts[source];
    struct suggest nearest = suggest_start(name->text);
    struct strbuf list = STRBUF_INIT;
    for (uint32_t i = 0; i < node->outcome_count && i < 20; i++) {
        struct str outcome = draft->outcomes[node->outcomes[i]];
        if (is_doubled(node, i)) {
            continue;
        }
        strbuf_append_format(&list, "'%.*s', ", STR_ARG(outcome));
        suggest_offer(&nearest, outcome);
    }
    suggest_offer(&nearest, STR("success"));
    suggest_offer(&nearest, STR("error"));
    if (nearest.best.n == 0 && str_starts_with(name->text, STR("fail"))) {
        nearest.best = STR("error");
    }
    report_error(report, name->place,
                 "node '%.*s' has no outcome '%.*s'; it has %.*s'success' and 'error'",
                 STR_ARG(draft->nodes[source].id), STR_ARG(name->text), STR_ARG(strbuf_str(&list)));
    report_nearest(report, &nearest);
    strbuf_finish(&list);
}

/* Sets the outcome of an edge whose source is known. */
static int read_outcome(struct draft *draft, const struct tree *name, struct draft_edge *edge)
{
    edge->is_named = true;
    int status = draft_outcome(draft, name->text, &edge->outcome);
    if (status != 0 || !draft->drafts[edge->source].is_typed ||
        has_outcome(&draft->drafts[edge->source], edge->outcome)) {
        return status;
    }
    if (str_equal(name->text, STR("budget"))) {
        check_budget(draft, edge->source, name);
    } else if (is_later_outcome(name->text)) {
        report_error(&draft->loader->report, name->place, "the outcome '%.*s' is not built yet",
                     STR_ARG(name->text));
    } else if (str_equal(name->text, STR("queued"))) {
        report_error(&draft->loader->report, name->place,
                     "node '%.*s' has no outcome 'queued': its calls go to no queue",
                     STR_ARG(draft->nodes[edge->source].id));
        report_hint(&draft->loader->report, "give it on_open: queue");
    } else {
        report_outcome(draft, edge->source, name);
    }
    return 0;
}

static const struct tree *text_of(const struct tree *map, const char *key)
{
    const struct tree *value = tree_get(map, str_from(key));
    return tree_is_scalar(value) && value->kind != TREE_NULL ? value : NULL;
}

/* The node at one end of a written edge. */
static uint32_t read_end(struct draft *draft, uint32_t body, const struct tree *map,
                         const char *key)
{
    const struct tree *name = text_of(map, key);
    if (name != NULL) {
        struct label what = label_make("'%s' of an edge", key);
        return edges_find_end(draft, body, name, what.text);
    }
    if (tree_find(map, str_from(key)) == NULL && !format_is_misspelt(map, format_edge_keys, key)) {
        report_error(&draft->loader->report, map->place, "an edge needs '%s'", key);
    }
    return DRAFT_NO_NODE;
}

static int read_edge(struct draft *draft, uint32_t body, const struct tree *map)
{
    const struct report *report = &draft->loader->report;
    format_check(report, map, format_edge_keys, "an edge", 0);
    if (!tree_is(map, TREE_MAP)) {
        report_hint(report, "write {source: NODE, target: NODE}");
        return 0;
    }
    const struct tree *outcome = text_of(map, "outcome");
    const struct tree *on = text_of(map, "on");
    struct draft_edge edge = {
        .source = read_end(draft, body, map, "source"),
        .target = read_end(draft, body, map, "target"),
        .when = text_of(map, "when"),
        .place = map->place,
    };
    if (outcome != NULL && on != NULL) {
        report_error(report, on->place, "an edge has both 'outcome' and 'on', which mean the same");
    }
    if (edge.source == DRAFT_NO_NODE || edge.target == DRAFT_NO_NODE) {
        return 0;
    }
    int status = 0;
    if (outcome != NULL || on != NULL) {
        status = read_outcome(draft, outcome != NULL ? outcome : on, &edge);
    }
    if (status == 0 && edge.when != NULL) {
        struct label what = label_make("'when' of the edge from '%.*s' to '%.*s'",
                                       STR_ARG(draft->nodes[edge.source].id),
                                       STR_ARG(draft->nodes[edge.target].id));
        struct scope_at at = {.site = USE_EDGE, .node = edge.source, .what = what.text};
        status = scope_compile_condition(draft, edge.when, &at, &edge.when_expr);
    }
    return status == 0 ? draft_add_edge(draft, &edge) : status;
}

static int add_end(struct draft *draft, uint32_t node, uint32_t outcome, struct str name)
{
    struct named_end *ends =
        array_reserve(draft->ends, &draft->end_cap, draft->end_count + 1, sizeof(*ends));
    if (ends == NULL) {
        return E_NOMEM;
    }
    draft->ends = ends;
    struct named_end *end = &ends[draft->end_count];
    *end = (struct named_end){.node = node, .outcome = outcome};
    int status = draft_keep_text(draft, name, &end->name);
    if (status == 0) {
        draft->end_count++;
    }
    return status;
}

/* No node has the name: an end by intent, or a slip of the pen. */
static void report_end(struct draft *draft, uint32_t body, const struct tree_member *member)
{
    const struct report *report = &draft->loader->report;
    struct str name = member->value.text;
    struct str near = draft_nearest_node(draft, body, name);
    if (near.n > 0) {
        report_error(report, member->value.place, "'%.*s' names the unknown node '%.*s'",
                     STR_ARG(member->key.text), STR_ARG(name));
        report_hint(report, "did you mean '%.*s'?", STR_ARG(near));
    } else if ((draft->loader->options->flags & LOAD_STRICT) != 0) {
        report_error(report, member->value.place, "'%.*s' names no node: '%.*s'",
                     STR_ARG(member->key.text), STR_ARG(name));
    } else {
        report_warning(report, member->value.place,
                       "'%.*s' names no node: the branch ends there, as '%.*s'",
                       STR_ARG(member->key.text), STR_ARG(name));
    }
}

static int read_branch(struct draft *draft, uint32_t index, const char *key, uint32_t outcome)
{
    const struct tree_member *member = tree_find(draft->drafts[index].config, str_from(key));
    if (member == NULL || !tree_is_scalar(&member->value) || member->value.kind == TREE_NULL) {
        return 0;
    }
    uint32_t body = draft->nodes[index].body;
    struct draft_edge edge = {.source = index,
                              .target = draft_find_node(draft, body, member->value.text),
                              .outcome = outcome,
                              .is_named = true,
                              .place = member->value.place};
    if (edge.target != DRAFT_NO_NODE) {
        return draft_add_edge(draft, &edge);
    }
    report_end(draft, body, member);
    return add_end(draft, index, outcome, member->value.text);
}

static int read_goto(struct draft *draft, uint32_t index)
{
    const struct tree *map = format_map(draft->drafts[index].tree, "on_error");
    const struct tree *name = text_of(map, "goto");
    if (name == NULL) {
        return 0;
    }
    struct label what = label_of("'on_error' of node", draft->nodes[index].id);
    uint32_t body = draft->nodes[index].body;
    struct draft_edge edge = {.source = index,
                              .target = edges_find_end(draft, body, name, what.text),
                              .outcome = OUTCOME_ERROR,
                              .is_named = true,
                              .place = name->place};
    return edge.target != DRAFT_NO_NODE ? draft_add_edge(draft, &edge) : 0;
}

/* False, and reported, for `depends_on` where something else says what follows what. */
static bool check_alone(struct draft *draft, uint32_t index)
{
    const struct draft_body *body = &draft->body_drafts[draft->nodes[index].body];
    const struct tree_member *member = tree_find(draft->drafts[index].tree, STR("depends_on"));
    if (member != NULL && draft->is_single && draft->nodes[index].body == 0) {
        return false; /* the table of keys has said so */
    }
    if (member == NULL || (body->form != FORM_STEPS && !body->is_compensation)) {
        return true;
    }
    report_error(&draft->loader->report, member->key.place,
                 body->is_compensation ? "'depends_on' of 'compensate' of node '%.*s': it runs "
                                         "when the node is undone"
                                       : "'depends_on' of node '%.*s': steps run in the order in "
                                         "which they are written",
                 STR_ARG(draft->nodes[index].id));
    if (str_equal(body->what, STR("steps"))) {
        report_hint(&draft->loader->report, "for another order write 'nodes' in place of 'steps'");
    }
    return false;
}

static int read_node_edges(struct draft *draft, uint32_t index)
{
    const struct node *node = &draft->nodes[index];
    int status = 0;
    enum draft_role role = draft->drafts[index].role;
    bool is_node = role == ROLE_NODE || role == ROLE_LOOP || role == ROLE_EACH ||
                   role == ROLE_QUEUE;
    if (is_node && check_alone(draft, index)) {
        status = read_depends(draft, index);
    }
    if (status == 0 && (is_node || role == ROLE_TOOL)) {
        status = read_goto(draft, index);
    }
    if (status == 0 && node->kind == NODE_CONDITIONAL) {
        status = read_branch(draft, index, "true_edge", OUTCOME_TRUE);
        if (status == 0) {
            status = read_branch(draft, index, "false_edge", OUTCOME_FALSE);
        }
    }
    return status;
}

/* A step that reads the stream of the one before does not wait for its end. */
static bool reads_stream_of(const struct draft *draft, uint32_t node, uint32_t producer)
{
    const struct for_each *loop = draft->drafts[node].loop;
    return loop != NULL && loop->stream == producer;
}

/* Each node behind the one before. */
static int chain_steps(struct draft *draft, const struct draft_body *body)
{
    int status = 0;
    for (uint32_t i = 1; i < body->node_count && status == 0; i++) {
        uint32_t target = body->first_node + i;
        struct draft_edge edge = {
            .source = target - 1, .target = target, .place = draft->nodes[target].place};
        if (!reads_stream_of(draft, target, target - 1)) {
            status = draft_add_edge(draft, &edge);
        }
    }
    return status;
}

static int read_body_edges(struct draft *draft, uint32_t body)
{
    const struct draft_body *in = &draft->body_drafts[body];
    int status = 0;
    for (uint32_t i = 0; i < in->node_count && status == 0; i++) {
        status = read_node_edges(draft, in->first_node + i);
    }
    bool is_sequence = in->form == FORM_STEPS || in->form == FORM_QUEUE;
    if (in->form == FORM_TOOLS) {
        (void)format_bool(draft->tree, "sequence", &is_sequence); /* without: no */
    }
    if (status == 0 && is_sequence) {
        return chain_steps(draft, in);
    }
    if (status == 0 && in->form == FORM_STATES) {
        return states_read_edges(draft, body);
    }
    const struct tree *list = in->form == FORM_NODES ? format_list(in->tree, "edges") : NULL;
    for (uint32_t i = 0; list != NULL && i < list->count && status == 0; i++) {
        status = read_edge(draft, body, &list->as.items[i]);
    }
    return status;
}

uint32_t edges_find_end(struct draft *draft, uint32_t body, const struct tree *name,
                        const char *what)
{
    uint32_t index = draft_find_node(draft, body, name->text);
    if (index == DRAFT_NO_NODE) {
        report_no_node(draft, body, name, what);
    }
    return index;
}

int edges_read(struct draft *draft)
{
    int status = 0;
    for (uint32_t i = 0; i < draft->body_count && status == 0; i++) {
        status = read_body_edges(draft, i);
    }
    return status;
}
