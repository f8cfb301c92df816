/* SPDX-License-Identifier: Apache-2.0 */
/* State machines: a state is a node, a transition an edge. */
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/model/draft.h"
#include "core/model/engine_types.h"
#include "core/model/format.h"
#include "core/model/queue_item.h"
#include "core/model/scope.h"
#include "core/model/tree.h"

enum { DEFAULT_MAX_TRANSITIONS = 1000 };

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

/* A state is written with `action: {service, method, params}`, or like a node. */
static const struct tree *work_of(const struct tree *state)
{
    const struct tree *action = format_map(state, "action");
    return action != NULL ? action : state;
}

/* A state of a list without a name: perhaps written as in a map, `- open: {...}`. */
static void report_nameless(struct draft *draft, const struct tree *tree)
{
    bool is_named_so = tree->count == 1 &&
                       format_find(format_state_keys, tree->as.members[0].key.text) == NULL;
    report_error(report_of(draft), tree->place, "a state needs a 'name'");
    if (is_named_so) {
        report_hint(report_of(draft), "write {name: %.*s, ...}, or a map of states without '- '",
                    STR_ARG(tree->as.members[0].key.text));
    }
    draft->has_lost_nodes = true;
}

static int read_state(struct draft *draft, uint32_t body, const struct tree *tree,
                      const struct tree *key)
{
    struct draft_node node = {.tree = tree, .role = ROLE_STATE};
    if (!tree_is(tree, TREE_MAP)) {
        report_error(report_of(draft), tree->place, "a state must be a map, not %s",
                     tree_kind_name(tree));
        draft->has_lost_nodes = true;
        return 0;
    }
    const struct tree *written = tree_get(tree, STR("id"));
    written = written != NULL ? written : key;
    written = written != NULL ? written : tree_get(tree, STR("name"));
    if (!tree_is_scalar(written) || written->kind == TREE_NULL) {
        report_nameless(draft, tree);
        return 0;
    }
    node.work = work_of(tree);
    node.id = written->text;
    node.id_place = written->place;
    return draft_check_id(draft, body, node.id, node.id_place) ? draft_add_node(draft, body, node)
                                                               : 0;
}

int states_read(struct draft *draft, uint32_t body)
{
    const struct tree *list = draft->body_drafts[body].list;
    int status = 0;
    for (uint32_t i = 0; i < list->count && status == 0; i++) {
        bool is_map = tree_is(list, TREE_MAP);
        status = is_map
                     ? read_state(draft, body, &list->as.members[i].value, &list->as.members[i].key)
                     : read_state(draft, body, &list->as.items[i], NULL);
    }
    return status;
}

static bool has_action(const struct tree *state)
{
    return tree_find(state, STR("action")) != NULL || tree_find(state, STR("type")) != NULL ||
           tree_find(state, STR("service")) != NULL;
}

/* Nothing to do: an event ends the state. */
static void check_idle(struct draft *draft, uint32_t index)
{
    static const char *const keys[] = {
        "config",     "params",       "limits", "max_concurrency", "risk",
        "compensate", "at_most_once", "retry",  "circuit_breaker", "rate_limit",
        "on_open",    "fallback",     "cache"};
    struct node *node = &draft->nodes[index];
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct tree_member *member = tree_find(draft->drafts[index].tree, str_from(keys[i]));
        if (member != NULL) {
            report_error(report_of(draft), member->key.place,
                         "'%s' of state '%.*s' has no effect: the state has no action", keys[i],
                         STR_ARG(node->id));
        }
    }
    node->kind = NODE_IDLE;
    node->type = engine_types_of(draft->loader->options->engine_types, NODE_IDLE);
}

/* `action` as a map says all that the state does. */
static void check_action_map(struct draft *draft, uint32_t index, const struct tree *action)
{
    static const char *const keys[] = {"type", "service", "config", "params"};
    struct str id = draft->nodes[index].id;
    struct label what = label_of("'action' of state", id);
    format_check(report_of(draft), action, format_action_keys, what.text, 0);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct tree_member *member = tree_find(draft->drafts[index].tree, str_from(keys[i]));
        if (member != NULL) {
            report_error(report_of(draft), member->key.place,
                         "state '%.*s' has '%s' beside its 'action'", STR_ARG(id), keys[i]);
            report_hint(report_of(draft), "put it into the map of 'action', or leave it out");
        }
    }
    const struct tree_member *method = tree_find(action, STR("method"));
    if (method != NULL && tree_find(action, STR("action")) != NULL) {
        report_error(report_of(draft), method->key.place,
                     "%s has both 'action' and 'method', which mean the same", what.text);
    }
}

static void check_action(struct draft *draft, uint32_t index)
{
    const struct tree *action = tree_get(draft->drafts[index].tree, STR("action"));
    if (tree_is(action, TREE_MAP)) {
        check_action_map(draft, index, action);
    } else if (action != NULL && !tree_is(action, TREE_TEXT)) {
        report_error(report_of(draft), action->place,
                     "'action' of state '%.*s' must be {service, method, params}, not %s",
                     STR_ARG(draft->nodes[index].id), tree_kind_name(action));
    }
}

bool states_check(struct draft *draft, uint32_t index)
{
    const struct tree *tree = draft->drafts[index].tree;
    struct node *node = &draft->nodes[index];
    struct label what = label_of("state", node->id);
    format_check(report_of(draft), tree, format_state_keys, what.text, 0);
    check_action(draft, index);
    const struct tree_member *result = tree_find(tree, STR("result"));
    const struct tree *transitions = format_map(tree, "transitions");
    struct str text = STR("");
    if (result != NULL && transitions != NULL && transitions->count > 0) {
        report_error(report_of(draft), result->key.place,
                     "'result' of state '%.*s' has no effect: its transitions go on",
                     STR_ARG(node->id));
    }
    node->is_failed_end = format_text(tree, "result", &text) && str_equal(text, STR("failed"));
    if (!has_action(tree)) {
        check_idle(draft, index);
        return false;
    }
    return true;
}

/* The state that `to` names, or DRAFT_NO_NODE, which is reported. */
static uint32_t find_target(struct draft *draft, uint32_t index, const struct tree *outcome,
                            const struct tree *to)
{
    struct str id = draft->nodes[index].id;
    if (!tree_is_scalar(to) || to->kind == TREE_NULL) {
        report_error(report_of(draft), to->place,
                     "the transition '%.*s' of state '%.*s' must be a state, or a list of {when, "
                     "to}, not %s",
                     STR_ARG(outcome->text), STR_ARG(id), tree_kind_name(to));
        draft->has_lost_transitions = true;
        return DRAFT_NO_NODE;
    }
    uint32_t target = draft_find_node(draft, draft->nodes[index].body, to->text);
    if (target == DRAFT_NO_NODE) {
        struct str near = draft_nearest_node(draft, draft->nodes[index].body, to->text);
        draft->has_lost_transitions = true;
        if (draft->has_lost_nodes && near.n == 0) {
            return target;
        }
        report_error(report_of(draft), to->place,
                     "invalid state transition: '%.*s' of state '%.*s' names the unknown state "
                     "'%.*s'",
                     STR_ARG(outcome->text), STR_ARG(id), STR_ARG(to->text));
        if (near.n > 0) {
            report_hint(report_of(draft), "did you mean '%.*s'?", STR_ARG(near));
        }
    }
    return target;
}

static int add_transition(struct draft *draft, uint32_t index, const struct tree *outcome,
                          const struct tree *to, const struct tree *when)
{
    struct draft_edge edge = {
        .source = index,
        .target = find_target(draft, index, outcome, to),
        .is_named = true,
        .when = tree_is_scalar(when) && when->kind != TREE_NULL ? when : NULL,
        .place = to->place,
    };
    if (edge.target == DRAFT_NO_NODE) {
        return 0;
    }
    int status = draft_outcome(draft, outcome->text, &edge.outcome);
    if (status == 0 && edge.when != NULL) {
        struct label what = label_make("'when' of transition '%.*s' of state '%.*s'",
                                       STR_ARG(outcome->text), STR_ARG(draft->nodes[index].id));
        struct scope_at at = {.site = USE_EDGE, .node = index, .what = what.text};
        at.names = edge.outcome >= OUTCOME_FIRST_NAMED ? SCOPE_EVENT : 0;
        status = scope_compile_condition(draft, edge.when, &at, &edge.when_expr);
    }
    return status == 0 ? draft_add_edge(draft, &edge) : status;
}

/* One of a list: {when, to}; without `when` it is taken if none before is. */
static int read_guarded(struct draft *draft, uint32_t index, const struct tree *outcome,
                        const struct tree *map)
{
    struct label what = label_make("transition '%.*s' of state '%.*s'", STR_ARG(outcome->text),
                                   STR_ARG(draft->nodes[index].id));
    format_check(report_of(draft), map, format_transition_keys, what.text, 0);
    const struct tree *to = tree_get(map, STR("to"));
    if (tree_is(map, TREE_MAP) && to == NULL &&
        !format_is_misspelt(map, format_transition_keys, "to")) {
        report_error(report_of(draft), map->place, "%s needs 'to'", what.text);
    }
    draft->has_lost_transitions = draft->has_lost_transitions || to == NULL;
    return to != NULL ? add_transition(draft, index, outcome, to, tree_get(map, STR("when"))) : 0;
}

/* Any name may be that of an event; one letter beside an outcome it hardly is. */
static void check_event(const struct draft *draft, const struct tree *name)
{
    static const char *const outcomes[] = {"success", "error", "timeout", "cancel"};
    struct suggest nearest = suggest_start(name->text);
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (str_equal_text(name->text, outcomes[i]) || str_equal_text(name->text, "queued")) {
            return;
        }
        suggest_offer(&nearest, str_from(outcomes[i]));
    }
    if (nearest.best.n > 0) {
        report_warning(report_of(draft), name->place, "'%.*s' is no outcome, but an event",
                       STR_ARG(name->text));
        report_nearest(report_of(draft), &nearest);
    }
}

static bool is_instant(const struct node *node)
{
    return node->kind == NODE_SET || node->kind == NODE_PASSTHROUGH || node->kind == NODE_START;
}

/* Outcomes that a state cannot have; an event may be called like one, but hardly is. */
static void check_possible(const struct draft *draft, uint32_t index, const struct tree *name)
{
    const struct node *node = &draft->nodes[index];
    bool is_idle = node->kind == NODE_IDLE;
    bool has_timeout = node->timeout_ms > 0 && !is_instant(node);
    bool is_success = str_equal(name->text, STR("success"));
    bool is_of_work = is_success || str_equal(name->text, STR("error"));
    bool is_timeout = str_equal(name->text, STR("timeout"));
    bool goes_on = has_timeout && (!is_success || node->on_error == ON_ERROR_CONTINUE);
    if ((is_of_work && is_idle && !goes_on) ||
        (is_timeout && (is_idle || is_instant(node)) && !has_timeout)) {
        report_warning(report_of(draft), name->place,
                       "only an event that is called '%.*s' takes this transition of state "
                       "'%.*s': the state %s",
                       STR_ARG(name->text), STR_ARG(node->id),
                       is_of_work         ? "has no action"
                       : is_instant(node) ? "takes no time"
                                          : "has no 'timeout'");
        if (is_idle) {
            report_hint(report_of(draft), is_of_work ? "give the state an 'action', or the "
                                                       "transition the name of the event"
                                                     : "add timeout: 30s, for example");
        }
    }
}

static int read_transition(struct draft *draft, uint32_t index, const struct tree_member *member)
{
    static const char *const later[] = {"queued", "denied"};
    const struct tree *list = &member->value;
    bool has_queue = queue_item_is_for(&draft->nodes[index]);
    for (size_t i = has_queue ? 1 : 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (str_equal_text(member->key.text, later[i])) {
            report_error(report_of(draft), member->key.place, "the outcome '%s' is not built yet",
                         later[i]);
            return 0;
        }
    }
    check_event(draft, &member->key);
    check_possible(draft, index, &member->key);
    if (!tree_is(list, TREE_LIST)) {
        return add_transition(draft, index, &member->key, list, NULL);
    }
    int status = 0;
    for (uint32_t i = 0; i < list->count && status == 0; i++) {
        status = read_guarded(draft, index, &member->key, &list->as.items[i]);
    }
    return status;
}

static void read_initial(struct draft *draft, uint32_t body)
{
    struct draft_body *from = &draft->body_drafts[body];
    const struct tree *written = tree_get(from->tree, STR("initial_state"));
    struct body *out = &draft->bodies[body];
    out->max_transitions = DEFAULT_MAX_TRANSITIONS;
    (void)format_count(from->tree, "max_transitions", &out->max_transitions); /* or the default */
    out->initial = from->first_node;
    if (from->list == NULL) {
        return; /* it was said why */
    }
    if (written == NULL && format_is_misspelt(from->tree, format_pipeline_keys, "initial_state")) {
        return;
    }
    if (written == NULL) {
        report_error(report_of(draft), from->list != NULL ? from->list->place : from->place,
                     "no initial state defined");
        if (from->node_count > 0) {
            report_hint(report_of(draft), "add 'initial_state', '%.*s' for example",
                        STR_ARG(draft->drafts[from->first_node].id));
        }
        return;
    }
    if (!tree_is_scalar(written) || written->kind == TREE_NULL) {
        return; /* the table of keys has said so */
    }
    uint32_t initial = draft_find_node(draft, body, written->text);
    if (initial == DRAFT_NO_NODE) {
        struct str near = draft_nearest_node(draft, body, written->text);
        if (draft->has_lost_nodes && near.n == 0) {
            return;
        }
        report_error(report_of(draft), written->place,
                     "'initial_state' names the unknown state '%.*s'", STR_ARG(written->text));
        if (near.n > 0) {
            report_hint(report_of(draft), "did you mean '%.*s'?", STR_ARG(near));
        }
        return;
    }
    out->initial = initial;
    from->has_initial = true;
}

/* Whether states go on by something that is no `transitions`, which is reported. */
static bool has_foreign_edges(const struct draft *draft, const struct draft_body *from)
{
    bool is_foreign = tree_find(from->tree, STR("edges")) != NULL;
    for (uint32_t i = 0; i < from->node_count && !is_foreign; i++) {
        const struct tree *state = draft->drafts[from->first_node + i].tree;
        const struct tree_member *transitions = tree_find(state, STR("transitions"));
        is_foreign = (transitions != NULL && !tree_is(&transitions->value, TREE_MAP)) ||
                     format_is_misspelt(state, format_state_keys, "transitions");
    }
    return is_foreign;
}

int states_read_edges(struct draft *draft, uint32_t body)
{
    const struct draft_body *from = &draft->body_drafts[body];
    int status = 0;
    read_initial(draft, body);
    draft->has_lost_transitions = draft->has_lost_transitions || has_foreign_edges(draft, from);
    for (uint32_t i = 0; i < from->node_count && status == 0; i++) {
        uint32_t index = from->first_node + i;
        const struct tree *map = format_map(draft->drafts[index].tree, "transitions");
        for (uint32_t t = 0; map != NULL && t < map->count && status == 0; t++) {
            status = read_transition(draft, index, &map->as.members[t]);
        }
    }
    return status;
}
