/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bodies a definition has and the ids of the nodes in them, since everything else may name
 * them. Bodies wait in a row: reading one adds those that its nodes have to the end, so that the
 * nodes of each lie together and no depth of a file costs stack.
 */
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/root_names.h"
#include "core/model/tree.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

/* Any text without control characters and without blanks at its ends. */
static bool is_node_id(struct str id)
{
    if (id.n == 0 || id.n > DRAFT_MAX_ID_BYTES || str_trim(id).n != id.n) {
        return false;
    }
    for (size_t i = 0; i < id.n; i++) {
        if ((unsigned char)id.p[i] < 0x20 || id.p[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

/* No other node that is in sight has the id. */
static bool check_taken(struct draft *draft, uint32_t body, struct str id, struct place place)
{
    uint32_t first = draft_find_node(draft, body, id);
    if (first != DRAFT_NO_NODE) {
        struct place there = draft->drafts[first].id_place;
        report_error(report_of(draft), place, "two nodes have the id '%.*s'; the first is at %u:%u",
                     STR_ARG(id), there.line, there.column);
        return false;
    }
    uint32_t around = draft_body_around(draft, body);
    first = around != DRAFT_NO_BODY ? draft_find_visible(draft, around, id) : DRAFT_NO_NODE;
    if (first != DRAFT_NO_NODE) {
        struct place there = draft->drafts[first].id_place;
        report_error(report_of(draft), place,
                     "the id '%.*s' is taken by a node that can be seen from here, at %u:%u",
                     STR_ARG(id), there.line, there.column);
        report_hint(report_of(draft), "take another name: '%.*s' means that node", STR_ARG(id));
        return false;
    }
    return true;
}

static bool is_right_id(struct draft *draft, uint32_t body, struct str id, struct place place)
{
    if (root_names_is_reserved(id)) {
        report_error(report_of(draft), place,
                     "'%.*s' is a reserved name and cannot be the id of a node", STR_ARG(id));
        report_hint(report_of(draft), "take another name, '%.*s_1' for example", STR_ARG(id));
        return false;
    }
    if (id.n == 0) {
        report_error(report_of(draft), place, "the id of a node is empty");
        return false;
    }
    if (!is_node_id(id)) {
        report_error(report_of(draft), place, "'%.*s' cannot be the id of a node", STR_ARG(id));
        report_hint(report_of(draft),
                    "an id has at most %d bytes, no control characters, and no blanks "
                    "around it; letters, digits and '_' are best",
                    DRAFT_MAX_ID_BYTES);
        return false;
    }
    return check_taken(draft, body, id, place);
}

bool draft_check_id(struct draft *draft, uint32_t body, struct str id, struct place place)
{
    bool is_right = is_right_id(draft, body, id, place);
    bool is_there = !is_right && draft_find_visible(draft, body, id) != DRAFT_NO_NODE;
    draft->has_lost_nodes = draft->has_lost_nodes || (!is_right && !is_there);
    return is_right;
}

int draft_add_body(struct draft *draft, const struct draft_body *body, uint32_t *out_body)
{
    if (body->depth > DRAFT_MAX_DEPTH) {
        report_error(report_of(draft), body->place, "bodies are nested too deep: the limit is %d",
                     DRAFT_MAX_DEPTH);
        report_hint(report_of(draft), "make a pipeline of its own of the inner part");
        return 0;
    }
    struct draft_body *bodies = array_reserve(draft->body_drafts, &draft->body_cap,
                                              (size_t)draft->body_count + 1, sizeof(*bodies));
    if (bodies == NULL) {
        return E_NOMEM;
    }
    draft->body_drafts = bodies;
    bodies[draft->body_count] = *body;
    if (out_body != NULL) {
        *out_body = draft->body_count;
    }
    draft->body_count++;
    return 0;
}

/* The body that the node `owner` has: a loop's, of `form`. */
static int add_own_body(struct draft *draft, uint32_t owner, enum draft_form form,
                        const struct tree *list)
{
    struct draft_node *node = &draft->drafts[owner];
    struct draft_body body = {
        .form = form,
        .owner = owner,
        .depth = draft->body_drafts[node->body].depth + 1,
        .tree = node->tree,
        .list = list,
        .what = form == FORM_TOOLS ? STR("tools") : STR("nodes"),
        .place = list->place,
    };
    uint32_t number = 0;
    int status = draft_add_body(draft, &body, &number);
    draft->drafts[owner].own_body = number;
    return status;
}

static int add_compensation(struct draft *draft, uint32_t owner, const struct tree *map)
{
    struct draft_body body = {
        .form = FORM_ONE,
        .is_compensation = true,
        .owner = owner,
        .depth = draft->body_drafts[draft->drafts[owner].body].depth + 1,
        .tree = map,
        .list = map,
        .what = STR("compensate"),
        .place = map->place,
    };
    uint32_t number = 0;
    int status = draft_add_body(draft, &body, &number);
    draft->drafts[owner].compensate = number;
    return status;
}

/* What is inside a node waits for its turn. */
static int add_inside(struct draft *draft, uint32_t index)
{
    struct draft_node *node = &draft->drafts[index];
    const struct tree *nodes = format_list(node->tree, "nodes");
    const struct tree *compensate = format_map(node->tree, "compensate");
    bool has_nodes = tree_find(node->tree, STR("nodes")) != NULL;
    int status = 0;
    if (draft->body_drafts[node->body].is_compensation) {
        return 0; /* it is one node that runs once */
    }
    if (node->role == ROLE_GROUP) {
        return add_own_body(draft, index, FORM_TOOLS, draft->body_drafts[node->body].list);
    }
    if (node->role == ROLE_NODE && queue_nodes_is(node->tree)) {
        node->role = ROLE_QUEUE;
        status = nodes != NULL ? queue_nodes_add_body(draft, index) : 0;
    } else if (node->role == ROLE_NODE && has_nodes) {
        node->role = ROLE_LOOP;
        status = nodes != NULL ? add_own_body(draft, index, FORM_NODES, nodes) : 0;
    } else if (node->role == ROLE_NODE && tree_find(node->tree, STR("for_each")) != NULL) {
        node->role = ROLE_EACH;
        return add_own_body(draft, index, FORM_ONE, node->tree);
    }
    return status == 0 && compensate != NULL ? add_compensation(draft, index, compensate) : status;
}

int draft_add_node(struct draft *draft, uint32_t body, struct draft_node node)
{
    uint32_t index = draft->node_count;
    struct draft_node *drafts =
        array_reserve(draft->drafts, &draft->draft_cap, (size_t)index + 1, sizeof(*drafts));
    if (drafts == NULL) {
        return E_NOMEM;
    }
    draft->drafts = drafts;
    struct draft_body *to = &draft->body_drafts[body];
    node.body = body;
    node.work = node.work != NULL ? node.work : node.tree;
    if (draft_keep_text(draft, node.id, &node.id) != 0 ||
        (to->form != FORM_ONE &&
         strmap_add(&to->ids, node.id, (void *)(uintptr_t)(index + 1)) != 0)) {
        return E_NOMEM;
    }
    drafts[index] = node;
    draft->node_count++;
    to->node_count++;
    return add_inside(draft, index);
}

static int read_node(struct draft *draft, uint32_t body, const struct tree *tree)
{
    struct draft_node node = {.tree = tree};
    if (!tree_is(tree, TREE_MAP)) {
        report_error(report_of(draft), tree->place, "a node must be a map, not %s",
                     tree_kind_name(tree));
        draft->has_lost_nodes = true;
        return 0;
    }
    if (!format_text(tree, "id", &node.id)) {
        draft->has_lost_nodes = true;
        format_check(report_of(draft), tree, format_node_keys, "a node", 0);
        if (tree_find(tree, STR("id")) == NULL &&
            !format_is_misspelt(tree, format_node_keys, "id")) {
            report_error(report_of(draft), tree->place, "a node needs an 'id'");
        }
        return 0;
    }
    node.id_place = tree_get(tree, STR("id"))->place;
    return draft_check_id(draft, body, node.id, node.id_place) ? draft_add_node(draft, body, node)
                                                               : 0;
}

/* False when there are none, or too many, which is reported. */
static bool check_count(struct draft *draft, const struct draft_body *body)
{
    const struct tree *list = body->list;
    bool is_one = body->form == FORM_ONE || body->form == FORM_GROUP;
    uint32_t count = is_one ? 1 : list->count;
    if (count == 0) {
        bool is_root = body == draft->body_drafts;
        report_error(report_of(draft), list->place, "'%.*s' is empty: %s", STR_ARG(body->what),
                     is_root ? "a pipeline has at least one node" : "give it a node");
        return false;
    }
    draft->is_full = count > DRAFT_MAX_NODES - draft->node_count;
    if (count > DRAFT_MAX_NODES) {
        report_error(report_of(draft), list->place, "%u nodes are too many: the limit is 10,000",
                     count);
    } else if (draft->is_full) {
        report_error(report_of(draft), list->place,
                     "too many nodes from here on: the limit is 10,000 in all bodies together");
    }
    return !draft->is_full;
}

static int read_list(struct draft *draft, uint32_t body)
{
    const struct tree *list = draft->body_drafts[body].list;
    int status = 0;
    for (uint32_t i = 0; i < list->count && status == 0; i++) {
        status = read_node(draft, body, &list->as.items[i]);
    }
    return status;
}

/* The node that undoes another may have a name of its own, for people. */
static int read_compensation(struct draft *draft, uint32_t body, struct draft_node node)
{
    const struct tree *id = tree_get(node.tree, STR("id"));
    const struct draft_node *owner = &draft->drafts[draft->body_drafts[body].owner];
    if (format_text(node.tree, "id", &node.id)) {
        node.id_place = id->place;
        return draft_check_id(draft, body, node.id, node.id_place)
                   ? draft_add_node(draft, body, node)
                   : 0;
    }
    node.id = owner->id;
    node.id_place = node.tree->place;
    return draft_add_node(draft, body, node);
}

static int read_one(struct draft *draft, uint32_t body)
{
    const struct draft_body *from = &draft->body_drafts[body];
    struct draft_node node = {.tree = from->list};
    if (from->is_compensation) {
        return read_compensation(draft, body, node);
    }
    if (from->owner != DRAFT_NO_NODE) {
        node.role = ROLE_ITEM;
        node.id = draft->drafts[from->owner].id;
        node.id_place = draft->drafts[from->owner].id_place;
        return draft_add_node(draft, body, node);
    }
    if (from->is_notice) {
        node.id = from->what;
        node.id_place = from->place;
        return draft_add_node(draft, body, node);
    }
    const struct tree *id = tree_get(node.tree, STR("id"));
    node.id = draft->storage->pipeline.id;
    node.id_place = id != NULL ? id->place : node.tree->place;
    return draft_check_id(draft, body, node.id, node.id_place) ? draft_add_node(draft, body, node)
                                                               : 0;
}

/* The tools are in the body of one node, which is repeated. */
static int read_group(struct draft *draft, uint32_t body)
{
    struct draft_node group = {.tree = draft->tree,
                               .role = ROLE_GROUP,
                               .id = STR("tools"),
                               .id_place = draft->body_drafts[body].list->place};
    return draft_add_node(draft, body, group);
}

static int read_body(struct draft *draft, uint32_t body)
{
    struct draft_body *from = &draft->body_drafts[body];
    from->first_node = draft->node_count;
    if (from->list == NULL || !check_count(draft, from)) {
        draft->has_lost_nodes = true;
        return 0;
    }
    switch (from->form) {
    case FORM_NODES:
    case FORM_STEPS:
        return read_list(draft, body);
    case FORM_ONE:
        return read_one(draft, body);
    case FORM_STATES:
        return states_read(draft, body);
    case FORM_TOOLS:
        return tools_read(draft, body);
    case FORM_GROUP:
        return read_group(draft, body);
    case FORM_QUEUE:
        return queue_nodes_read(draft, body);
    }
    unreachable_state("draft form", (int)from->form);
}

/* The arrays of the pipeline, now that their size is known. */
static int make_room(struct draft *draft)
{
    struct arena *arena = &draft->storage->arena;
    draft->nodes = arena_calloc(arena, (size_t)draft->node_count + 1, sizeof(*draft->nodes));
    draft->bodies = arena_calloc(arena, (size_t)draft->body_count + 1, sizeof(*draft->bodies));
    if (draft->nodes == NULL || draft->bodies == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < draft->node_count; i++) {
        const struct draft_node *from = &draft->drafts[i];
        draft->nodes[i] = (struct node){.id = from->id,
                                        .place = from->id_place,
                                        .body = from->body,
                                        .own_body = from->own_body,
                                        .compensate = from->compensate};
    }
    for (uint32_t i = 0; i < draft->body_count; i++) {
        const struct draft_body *from = &draft->body_drafts[i];
        bool is_single = (from->form == FORM_ONE && i > 0) || from->form == FORM_GROUP;
        draft->bodies[i] =
            (struct body){.kind = from->form == FORM_STATES ? BODY_STATES : BODY_GRAPH,
                          .owner = from->owner,
                          .first_node = from->first_node,
                          .node_count = from->node_count,
                          .is_single = is_single,
                          .what = from->what,
                          .place = from->place};
    }
    draft->storage->pipeline.bodies = draft->bodies;
    draft->storage->pipeline.body_count = draft->body_count;
    return 0;
}

int bodies_read(struct draft *draft)
{
    int status = root_add(draft);
    if (status == 0) {
        status = root_add_endings(draft);
    }
    if (status == 0) {
        status = notifications_add(draft);
    }
    for (uint32_t i = 0; i < draft->body_count && !draft->is_full && status == 0; i++) {
        status = read_body(draft, i);
    }
    return status == 0 ? make_room(draft) : status;
}

uint32_t draft_body_around(const struct draft *draft, uint32_t body)
{
    if (body == 0) {
        return DRAFT_NO_BODY;
    }
    uint32_t owner = draft->body_drafts[body].owner;
    return owner != DRAFT_NO_NODE ? draft->drafts[owner].body : 0;
}

uint32_t draft_find_node(const struct draft *draft, uint32_t body, struct str id)
{
    const struct draft_body *in = &draft->body_drafts[body];
    if (in->form == FORM_ONE) {
        bool is_it = in->node_count > 0 && !in->is_compensation &&
                     str_equal(draft->drafts[in->first_node].id, id);
        return is_it ? in->first_node : DRAFT_NO_NODE;
    }
    uintptr_t found = (uintptr_t)strmap_get(&in->ids, id);
    return found != 0 ? (uint32_t)(found - 1) : DRAFT_NO_NODE;
}

uint32_t draft_find_visible(const struct draft *draft, uint32_t body, struct str id)
{
    uint32_t found = DRAFT_NO_NODE;
    while (body != DRAFT_NO_BODY && found == DRAFT_NO_NODE) {
        found = draft_find_node(draft, body, id);
        body = draft_body_around(draft, body);
    }
    return found;
}

static bool is_around(const struct draft *draft, uint32_t outer, uint32_t body)
{
    while (body != DRAFT_NO_BODY && body != outer) {
        body = draft_body_around(draft, body);
    }
    return body == outer;
}

uint32_t draft_find_container(const struct draft *draft, uint32_t body, struct str id)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        uint32_t at = i;
        uint32_t in = draft->drafts[i].body;
        if (!str_equal(draft->drafts[i].id, id) || draft->body_drafts[in].is_compensation) {
            continue;
        }
        while (!is_around(draft, in, body) && draft->body_drafts[in].owner != DRAFT_NO_NODE) {
            at = draft->body_drafts[in].owner;
            in = draft->drafts[at].body;
        }
        if (at != i && is_around(draft, in, body)) {
            return at;
        }
    }
    return DRAFT_NO_NODE;
}
