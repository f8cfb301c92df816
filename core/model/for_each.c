/* SPDX-License-Identifier: Apache-2.0 */
/* Loops: what they go over, how, and what they collect. */
#include "core/base/error.h"
#include "core/expr/cel.h"
#include "core/expr/expr.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/engine_types.h"
#include "core/model/format.h"
#include "core/model/format_values.h"
#include "core/model/root_names.h"
#include "core/model/scope.h"
#include "core/model/tree.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { DEFAULT_MAX_ITERATIONS = 100000 };

/* Keys that say how a loop goes. */
static const char *const loop_keys[] = {
    "as",       "as_batch", "batch_size", "parallel_workers", "max_parallel", "max_failures",
    "on_limit", "until",    "collect",    "max_iterations",   "edges",        "output",
};

/* Keys of a node that does work, which a loop with `nodes` leaves to these. */
static const char *const work_keys[] = {
    "config",          "params",       "service", "action",          "limits",
    "max_concurrency", "at_most_once", "retry",   "circuit_breaker", "rate_limit",
    "on_open",         "fallback",     "cache",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

/* The member of the node's map, or NULL. */
static const struct tree_member *member_of(const struct draft *draft, uint32_t index,
                                           const char *key)
{
    return tree_find(draft->drafts[index].tree, str_from(key));
}

/* Keys of loops on a node that is none. */
static void refuse_loop_keys(const struct draft *draft, uint32_t index)
{
    for (size_t i = 0; i < COUNT(loop_keys); i++) {
        const struct tree_member *member = member_of(draft, index, loop_keys[i]);
        bool is_pipelines = draft->is_single && str_equal_text(STR("output"), loop_keys[i]);
        if (member != NULL && !is_pipelines) {
            report_error(report_of(draft), member->key.place,
                         "'%s' of node '%.*s' is of loops: it needs 'for_each'", loop_keys[i],
                         STR_ARG(draft->nodes[index].id));
            if (str_equal_text(member->key.text, "until")) {
                report_hint(report_of(draft), "to run one node again: repeat: {until: ...}");
            }
        }
    }
}

/* A loop with `nodes` does nothing itself. */
static void refuse_work_keys(const struct draft *draft, uint32_t index)
{
    for (size_t i = 0; i < COUNT(work_keys); i++) {
        const struct tree_member *member = member_of(draft, index, work_keys[i]);
        if (member != NULL) {
            report_error(report_of(draft), member->key.place,
                         "the loop '%.*s' has 'nodes', so '%s' goes to one of these",
                         STR_ARG(draft->nodes[index].id), work_keys[i]);
        }
    }
    struct str type = STR("loop");
    const struct tree *written = tree_get(draft->drafts[index].tree, STR("type"));
    if (format_text(draft->drafts[index].tree, "type", &type) && !str_equal(type, STR("loop"))) {
        report_error(report_of(draft), written->place,
                     "node '%.*s' has 'nodes', so its type is 'loop', not '%.*s'",
                     STR_ARG(draft->nodes[index].id), STR_ARG(type));
    }
}

/* A loop of one node, whose keys are in the same map. */
static void check_single(const struct draft *draft, uint32_t index)
{
    static const char *const body_keys[] = {"edges", "output"};
    for (size_t i = 0; i < COUNT(body_keys); i++) {
        const struct tree_member *member = member_of(draft, index, body_keys[i]);
        if (member != NULL && !draft->is_single) {
            report_error(report_of(draft), member->key.place, "'%s' of node '%.*s' needs 'nodes'",
                         body_keys[i], STR_ARG(draft->nodes[index].id));
        }
    }
}

static void refuse_repeat(const struct draft *draft, uint32_t index)
{
    const struct tree_member *repeat = member_of(draft, index, "repeat");
    if (repeat != NULL) {
        report_error(report_of(draft), repeat->key.place,
                     "node '%.*s' has both 'for_each' and 'repeat'",
                     STR_ARG(draft->nodes[index].id));
        report_hint(report_of(draft), "give the loop 'nodes', and one of these the 'repeat'");
    }
}

/* The whole of `text`, without blanks and {{ }} around it. */
static struct str bare_text(struct str text)
{
    text = str_trim(text);
    if (text.n >= 4 && str_starts_with(text, STR("{{")) && str_ends_with(text, STR("}}"))) {
        text = str_trim(str_make(text.p + 2, text.n - 4));
    }
    return text;
}

/* The node of `NODE.stream` when that is all that the expression says, or DRAFT_NO_NODE. */
static uint32_t stream_of(const struct draft *draft, uint32_t index, const struct expr *expr)
{
    if (expr_reference_count(expr) != 1) {
        return DRAFT_NO_NODE;
    }
    const struct expr_reference *reference = expr_reference_at(expr, 0);
    size_t last = reference->path_count - 1;
    if (reference->path_count == 0 || !str_equal(reference->path[last], STR("stream")) ||
        reference->length != bare_text(expr_source(expr)).n) {
        return DRAFT_NO_NODE;
    }
    if (reference->slot == SLOT_NODES && last == 1) {
        return draft_find_visible(draft, draft->nodes[index].body, reference->path[0]);
    }
    bool is_node = reference->slot >= SLOT_NODE_FIRST && reference->slot < SLOT_ITEM_FIRST;
    return is_node && last == 0 ? (uint32_t)(reference->slot - SLOT_NODE_FIRST) : DRAFT_NO_NODE;
}

static bool is_no_collection(int type)
{
    return type != EXPR_TYPE_OPEN && type != CEL_LIST && type != CEL_MAP && type != CEL_JSON;
}

static int read_expression(struct draft *draft, uint32_t index, const struct tree *value,
                           struct for_each *out)
{
    struct label what = label_of("'for_each' of node", draft->nodes[index].id);
    struct scope_at at = {
        .site = USE_NODE, .node = index, .names = SCOPE_STREAM, .what = what.text};
    int type = EXPR_TYPE_OPEN;
    size_t uses = draft->use_count;
    int status = scope_compile_expr(draft, value, &at, &out->items, &type);
    if (status != 0 || out->items == NULL) {
        return status;
    }
    out->stream = stream_of(draft, index, out->items);
    if (out->stream != DRAFT_NO_NODE) {
        draft->use_count = uses; /* for_each_link() checks it */
        out->items = NULL;
    } else if (is_no_collection(type)) {
        report_error(report_of(draft), value->place,
                     "%s must be a list, a map of lists or NODE.stream", what.text);
        if (type == CEL_INT) {
            report_hint(report_of(draft), "to count: range(%.*s)", STR_ARG(value->text));
        }
    }
    return 0;
}

/* A list holds templates; in a map of lists, text is an expression. */
static int read_written(struct draft *draft, uint32_t index, const struct tree *value,
                        struct for_each *out)
{
    static const char product[] = "{\"additionalProperties\": {\"format\": \"cel\"}}";
    struct label what = label_of("'for_each' of node", draft->nodes[index].id);
    struct scope_at at = {.site = USE_NODE, .node = index, .what = what.text};
    cleanup_document struct document *schema = NULL;
    int status = json_read(str_from(product), NULL, &schema, NULL);
    if (status != 0) {
        return status;
    }
    for (uint32_t i = 0; tree_is(value, TREE_MAP) && i < value->count; i++) {
        const struct tree_member *member = &value->as.members[i];
        if (!tree_is(&member->value, TREE_LIST) && !tree_is(&member->value, TREE_TEXT)) {
            report_error(report_of(draft), member->value.place,
                         "'%.*s' of %s must be a list, or an expression that gives one, not %s",
                         STR_ARG(member->key.text), what.text, tree_kind_name(&member->value));
        }
    }
    return scope_compile_template(
        draft, value, tree_is(value, TREE_MAP) ? document_root(schema) : NULL, &at, &out->list);
}

static int read_items(struct draft *draft, uint32_t index, struct for_each *out)
{
    const struct tree_member *member = member_of(draft, index, "for_each");
    struct str id = draft->nodes[index].id;
    if (member == NULL &&
        format_is_misspelt(draft->drafts[index].tree, format_node_keys, "for_each")) {
        return 0;
    }
    if (member == NULL) {
        report_error(report_of(draft), draft->nodes[index].place,
                     "node '%.*s' has 'nodes' and needs 'for_each'", STR_ARG(id));
        report_hint(report_of(draft), "say what the loop goes over: for_each: input.items");
        return 0;
    }
    const struct tree *value = &member->value;
    if (tree_is(value, TREE_LIST) || tree_is(value, TREE_MAP)) {
        return read_written(draft, index, value, out);
    }
    if (!tree_is(value, TREE_TEXT)) {
        report_error(report_of(draft), value->place,
                     "'for_each' of node '%.*s' must be a list, a map of lists or an expression, "
                     "not %s",
                     STR_ARG(id), tree_kind_name(value));
        if (tree_is(value, TREE_INT)) {
            report_hint(report_of(draft), "to count: range(%.*s)", STR_ARG(value->text));
        }
        return 0;
    }
    return read_expression(draft, index, value, out);
}

/* The name of the items: one that means nothing else here. */
static int read_as(struct draft *draft, uint32_t index, struct for_each *out)
{
    const struct tree *tree = draft->drafts[index].tree;
    const struct tree_member *as = member_of(draft, index, "as");
    const struct tree_member *batch = member_of(draft, index, "as_batch");
    const struct tree_member *written = batch != NULL ? batch : as;
    out->as = STR("item");
    out->is_batch = batch != NULL;
    if (as != NULL && batch != NULL) {
        report_error(report_of(draft), batch->key.place, "node '%.*s' has both 'as' and 'as_batch'",
                     STR_ARG(draft->nodes[index].id));
    }
    if (!format_text(tree, batch != NULL ? "as_batch" : "as", &out->as)) {
        return 0;
    }
    uint32_t body = draft->nodes[index].own_body;
    uint32_t node = draft_find_visible(draft, body, out->as);
    if (!root_names_is_identifier(out->as) || root_names_is_reserved(out->as)) {
        report_error(report_of(draft), written->value.place,
                     "'%.*s' cannot be the name of an item: it is %s", STR_ARG(out->as),
                     root_names_is_reserved(out->as) ? "reserved"
                                                     : "no name of letters, digits and _");
    } else if (node != DRAFT_NO_NODE) {
        struct place there = draft->drafts[node].id_place;
        report_error(report_of(draft), written->value.place,
                     "'%.*s' cannot be the name of an item: it is a node, at %u:%u",
                     STR_ARG(out->as), there.line, there.column);
    }
    return draft_keep_text(draft, out->as, &out->as);
}

/* N, or N% of all items. */
static void read_max_failures(const struct draft *draft, uint32_t index, struct for_each *out)
{
    const struct tree_member *member = member_of(draft, index, "max_failures");
    out->max_failures_percent = -1;
    if (member == NULL) {
        return;
    }
    const struct tree *value = &member->value;
    double percent = 0;
    if (tree_is(value, TREE_INT) && value->as.integer >= 0 && value->as.integer <= INT32_MAX) {
        out->max_failures = (uint32_t)value->as.integer;
    } else if (tree_is(value, TREE_TEXT) && str_ends_with(value->text, STR("%")) &&
               format_values_percent(str_make(value->text.p, value->text.n - 1), &percent)) {
        out->max_failures_percent = percent;
    } else {
        report_error(report_of(draft), value->place,
                     "'max_failures' of node '%.*s' must be a whole number, or a share like 10%%",
                     STR_ARG(draft->nodes[index].id));
        if (percent > 100) {
            report_hint(report_of(draft), "at most 100%% of the items can fail");
        }
    }
}

static void read_counts(const struct draft *draft, uint32_t index, struct for_each *out)
{
    const struct tree *tree = draft->drafts[index].tree;
    struct str on_limit = STR("fail");
    out->batch_size = draft->batch_size;
    out->parallel_workers = draft->parallel_workers;
    out->max_parallel = 1;
    out->max_iterations = DEFAULT_MAX_ITERATIONS;
    (void)format_count(tree, "batch_size", &out->batch_size);             /* or the pipeline's */
    (void)format_count(tree, "parallel_workers", &out->parallel_workers); /* or the pipeline's */
    (void)format_count(tree, "max_parallel", &out->max_parallel);         /* or one */
    (void)format_count(tree, "max_iterations", &out->max_iterations);     /* or the default */
    (void)format_text(tree, "on_limit", &on_limit);                       /* or failing */
    out->stops_at_limit = str_equal(on_limit, STR("stop"));
    read_max_failures(draft, index, out);
    const struct tree_member *parallel = member_of(draft, index, "max_parallel");
    if (out->is_batch && parallel != NULL) {
        report_error(report_of(draft), parallel->key.place,
                     "'max_parallel' of node '%.*s' has no effect: with 'as_batch' the body runs "
                     "once for a batch",
                     STR_ARG(draft->nodes[index].id));
    }
}

/* {reduce, init}. */
static int read_reduce(struct draft *draft, uint32_t index, const struct tree *map,
                       struct for_each *out)
{
    struct str id = draft->nodes[index].id;
    struct label what = label_of("'collect' of node", id);
    struct label of = label_of("'reduce' of node", id);
    const struct tree *reduce = tree_get(map, STR("reduce"));
    const struct tree *init = tree_get(map, STR("init"));
    out->collect = COLLECT_REDUCE;
    format_check(report_of(draft), map, format_collect_keys, what.text, 0);
    if (reduce == NULL && !format_is_misspelt(map, format_collect_keys, "reduce")) {
        report_error(report_of(draft), map->place, "%s needs 'reduce'", what.text);
    }
    if (!tree_is_scalar(reduce) || reduce->kind == TREE_NULL) {
        return 0;
    }
    int type = EXPR_TYPE_OPEN;
    struct scope_at at = {.site = USE_NODE, .node = index, .names = SCOPE_REDUCE, .what = of.text};
    int status = scope_compile_expr(draft, reduce, &at, &out->reduce, &type);
    if (status != 0 || init == NULL) {
        return status;
    }
    struct label first = label_of("'init' of node", id);
    struct scope_at before = {.site = USE_NODE, .node = index, .what = first.text};
    return scope_compile_template(draft, init, NULL, &before, &out->init);
}

static int read_collect(struct draft *draft, uint32_t index, struct for_each *out)
{
    static const char *const names[] = {"list", "none", "count"};
    static const enum loop_collect values[] = {COLLECT_LIST, COLLECT_NONE, COLLECT_COUNT};
    const struct tree_member *member = member_of(draft, index, "collect");
    if (member == NULL) {
        return 0;
    }
    const struct tree *value = &member->value;
    if (tree_is(value, TREE_MAP)) {
        return read_reduce(draft, index, value, out);
    }
    for (size_t i = 0; tree_is(value, TREE_TEXT) && i < COUNT(names); i++) {
        if (str_equal_text(value->text, names[i])) {
            out->collect = values[i];
            return 0;
        }
    }
    report_error(report_of(draft), value->place,
                 "'collect' of node '%.*s' must be 'list', 'none', 'count' or {reduce, init}",
                 STR_ARG(draft->nodes[index].id));
    return 0;
}

/* What sees the nodes of the body. */
static int read_inside(struct draft *draft, uint32_t index, struct for_each *out)
{
    struct node *node = &draft->nodes[index];
    const struct tree *until = tree_get(draft->drafts[index].tree, STR("until"));
    const struct tree *output = tree_get(draft->drafts[index].tree, STR("output"));
    struct label what = label_of("'until' of node", node->id);
    struct scope_at at = {.site = USE_OUTPUT, .body = node->own_body, .what = what.text};
    int status = 0;
    if (node->own_body == 0) {
        return 0; /* its nodes are no list */
    }
    if (tree_is_scalar(until) && until->kind != TREE_NULL) {
        status = scope_compile_condition(draft, until, &at, &out->until);
    }
    if (status != 0 || output == NULL || draft->drafts[index].role != ROLE_LOOP) {
        return status;
    }
    struct label of = label_of("'output' of node", node->id);
    at.what = of.text;
    return scope_compile_template(draft, output, NULL, &at, &draft->bodies[node->own_body].output);
}

int for_each_read(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    enum draft_role role = draft->drafts[index].role;
    if (role == ROLE_NODE) {
        refuse_loop_keys(draft, index);
    }
    if (role != ROLE_LOOP && role != ROLE_EACH) {
        return 0;
    }
    struct for_each *loop = arena_calloc(&draft->storage->arena, 1, sizeof(*loop));
    if (loop == NULL) {
        return E_NOMEM;
    }
    loop->stream = DRAFT_NO_NODE;
    node->for_each = loop;
    draft->drafts[index].loop = loop;
    node->kind = NODE_LOOP;
    node->type = engine_types_of(draft->loader->options->engine_types, NODE_LOOP);
    draft->drafts[index].is_typed = true;
    refuse_repeat(draft, index);
    if (role == ROLE_LOOP) {
        refuse_work_keys(draft, index);
    } else {
        check_single(draft, index);
    }
    struct scope_at at = {.site = USE_NODE, .node = index, .what = "the loop"};
    int status = scope_compile_template(draft, NULL, NULL, &at, &node->config);
    if (status == 0) {
        status = read_as(draft, index, loop);
    }
    read_counts(draft, index, loop);
    static int (*const steps[])(struct draft *, uint32_t,
                                struct for_each *) = {read_items, read_collect, read_inside};
    for (size_t i = 0; i < COUNT(steps) && status == 0; i++) {
        status = steps[i](draft, index, loop);
    }
    return status;
}

/* Whether the loop can go over the stream of its producer; if not, that is reported. */
static bool check_stream(const struct draft *draft, uint32_t index, uint32_t producer)
{
    const struct node *node = &draft->nodes[index];
    const struct node *from = &draft->nodes[producer];
    struct place place = member_of(draft, index, "for_each")->value.place;
    if (from->body != node->body) {
        report_error(report_of(draft), place,
                     "'%.*s.stream' cannot be read in another body than that of '%.*s'",
                     STR_ARG(from->id), STR_ARG(from->id));
        report_hint(report_of(draft), "a stream is read by loops beside its node");
        return false;
    }
    if (from->type == NULL) {
        return false; /* that has been said */
    }
    if (from->kind != NODE_PLUGIN || (from->type->flags & NODE_TYPE_STREAMS) == 0) {
        report_error(report_of(draft), place,
                     "'%.*s' has no stream: nodes of type '%.*s' emit no items", STR_ARG(from->id),
                     STR_ARG(from->type->name));
        report_hint(report_of(draft), "go over its output: for_each: %.*s.output...",
                    STR_ARG(from->id));
        return false;
    }
    return true;
}

/* A stream is no edge: the loop starts with the first item, not with the node's end. */
static void check_edges(const struct draft *draft)
{
    for (size_t i = 0; i < draft->edge_count; i++) {
        const struct draft_edge *edge = &draft->edges[i];
        const struct for_each *loop = draft->nodes[edge->target].for_each;
        if (loop != NULL && loop->stream == edge->source) {
            struct str from = draft->nodes[edge->source].id;
            report_error(report_of(draft), edge->place,
                         "'%.*s' reads the stream of '%.*s' and cannot depend on it, too",
                         STR_ARG(draft->nodes[edge->target].id), STR_ARG(from));
            report_hint(report_of(draft), "leave the dependency out: the first item starts it");
        }
    }
}

int for_each_link(struct draft *draft)
{
    bool has_streams = false;
    for (uint32_t i = 0; i < draft->node_count; i++) {
        struct for_each *loop = draft->drafts[i].loop;
        if (loop == NULL || loop->stream == DRAFT_NO_NODE) {
            continue;
        }
        if (!check_stream(draft, i, loop->stream)) {
            loop->stream = DRAFT_NO_NODE;
            continue;
        }
        has_streams = true;
        draft->nodes[loop->stream].has_readers = true;
        loop->next_reader = draft->nodes[loop->stream].first_reader;
        draft->nodes[loop->stream].first_reader = i + 1;
    }
    if (has_streams) {
        check_edges(draft);
    }
    return 0;
}
