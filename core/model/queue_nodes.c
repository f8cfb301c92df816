/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `queue.process` with `nodes`: a group of two nodes. The first, which has the id of the group,
 * works the queue off; the second is a loop over what was delivered, with the nodes as its body.
 * What the first gives is the output of the group.
 */
#include <string.h>

#include "core/base/error.h"
#include "core/model/draft.h"
#include "core/model/engine_types.h"
#include "core/model/format.h"
#include "core/model/root_names.h"
#include "core/model/scope.h"
#include "core/model/tree.h"
#include "core/value/json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { MEMBERS_MOST = 24 };

/* Keys of the group's map that are the first node's, and those of the loop. */
static const char *const work_keys[] = {
    "type",  "config",  "params", "limits",          "max_concurrency", "at_most_once",
    "retry", "on_open", "cache",  "circuit_breaker", "rate_limit",      "fallback",
};
static const char *const loop_keys[] = {
    "nodes",        "edges",        "as",    "as_batch", "batch_size", "parallel_workers",
    "max_parallel", "max_failures", "until",
};

/* No node that somebody writes can have this id: it is a word of expressions. */
static const char loop_id[] = "nodes";

bool queue_nodes_is(const struct tree *node)
{
    struct str type = {0};
    return tree_find(node, STR("nodes")) != NULL && tree_find(node, STR("for_each")) == NULL &&
           format_text(node, "type", &type) && str_equal(type, STR("queue.process"));
}

/* ---- what stands in the file for it ---- */

struct making {
    struct draft *draft;
    const struct tree *from;
    struct tree_member *members;
    uint32_t count;
};

/* A text that is written nowhere: its place is that of the group. */
static struct tree make_text(const struct making *making, struct str text)
{
    return (struct tree){.kind = TREE_TEXT,
                         .style = TREE_BLOCK,
                         .size = 1,
                         .start = UINT32_MAX,
                         .place = making->from->place,
                         .text = text};
}

static void add_text(struct making *making, const char *key, struct str text)
{
    making->members[making->count++] = (struct tree_member){.key = make_text(making, str_from(key)),
                                                            .value = make_text(making, text)};
}

static void add_keys(struct making *making, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct tree_member *member = tree_find(making->from, str_from(keys[i]));
        if (member != NULL) {
            making->members[making->count++] = *member;
        }
    }
}

static int begin(struct making *making)
{
    making->count = 0;
    making->members =
        arena_calloc(&making->draft->loader->arena, MEMBERS_MOST, sizeof(*making->members));
    return making->members != NULL ? 0 : E_NOMEM;
}

static struct tree end(const struct making *making)
{
    return (struct tree){.kind = TREE_MAP,
                         .height = making->from->height,
                         .size = making->from->size,
                         .start = making->from->start,
                         .place = making->from->place,
                         .count = making->count,
                         .as.members = making->members};
}

/* `before`, the node's output, `behind`; in the arena. */
static int output_of(const struct draft *draft, struct str id, const char *before,
                     const char *behind, struct str *out)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, before);
    if (root_names_is_identifier(id)) {
        strbuf_append_str(&text, id);
    } else {
        strbuf_append_text(&text, "nodes[");
        json_write_string(id, &text);
        strbuf_append_char(&text, ']');
    }
    strbuf_append_text(&text, ".output");
    strbuf_append_text(&text, behind);
    int status = strbuf_status(&text);
    *out = status == 0 ? arena_dup_str(&draft->loader->arena, strbuf_str(&text)) : STR("");
    strbuf_finish(&text);
    return status == 0 && out->p == NULL ? E_NOMEM : status;
}

static int make_list(struct making *making, struct str id, struct tree *items)
{
    struct str over = {0};
    int status = begin(making);
    if (status == 0) {
        add_text(making, "id", id);
        add_keys(making, work_keys, COUNT(work_keys));
        items[0] = end(making);
        status = output_of(making->draft, id, "", ".items", &over);
    }
    status = status == 0 ? begin(making) : status;
    if (status == 0) {
        add_text(making, "id", str_from(loop_id));
        add_text(making, "for_each", over);
        add_text(making, "collect", STR("none"));
        add_keys(making, loop_keys, COUNT(loop_keys));
        items[1] = end(making);
    }
    return status;
}

int queue_nodes_add_body(struct draft *draft, uint32_t owner)
{
    struct draft_node *node = &draft->drafts[owner];
    struct making making = {.draft = draft, .from = node->tree};
    struct tree *list = arena_calloc(&draft->loader->arena, 1, sizeof(*list));
    struct tree *items = arena_calloc(&draft->loader->arena, 2, sizeof(*items));
    if (list == NULL || items == NULL || make_list(&making, node->id, items) != 0) {
        return E_NOMEM;
    }
    *list = *node->tree;
    list->kind = TREE_LIST;
    list->count = 2;
    list->as.items = items;
    struct draft_body body = {
        .form = FORM_QUEUE,
        .owner = owner,
        .depth = draft->body_drafts[node->body].depth + 1,
        .tree = node->tree,
        .list = list,
        .what = STR("nodes"),
        .place = node->tree->place,
    };
    uint32_t number = 0;
    int status = draft_add_body(draft, &body, &number);
    draft->drafts[owner].own_body = number;
    return status;
}

int queue_nodes_read(struct draft *draft, uint32_t body)
{
    const struct tree *list = draft->body_drafts[body].list;
    uint32_t owner = draft->body_drafts[body].owner;
    int status = 0;
    for (uint32_t i = 0; i < list->count && status == 0; i++) {
        struct draft_node node = {.tree = &list->as.items[i],
                                  .id = i == 0 ? draft->drafts[owner].id : str_from(loop_id),
                                  .id_place = draft->drafts[owner].id_place};
        status = draft_add_node(draft, body, node);
    }
    return status;
}

/* ---- the group ---- */

/* Keys of loops that mean nothing here. */
static void refuse_keys(const struct draft *draft, uint32_t index)
{
    static const struct {
        const char *key;
        const char *why;
    } refused[] = {
        {"output", "its output is what became of the calls"},
        {"collect", "its output is what became of the calls"},
        {"max_iterations", "'max_items' of its config says how many calls there are"},
        {"on_limit", "'max_items' of its config says how many calls there are"},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        const struct tree_member *member =
            tree_find(draft->drafts[index].tree, str_from(refused[i].key));
        if (member != NULL) {
            report_error(&draft->loader->report, member->key.place,
                         "'%s' of node '%.*s' has no effect: %s", refused[i].key,
                         STR_ARG(draft->nodes[index].id), refused[i].why);
        }
    }
}

int queue_nodes_check(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    struct making making = {.draft = draft, .from = draft->drafts[index].tree};
    struct scope_at at = {.site = USE_NODE, .node = index, .what = "the group"};
    struct scope_at inside = {.site = USE_OUTPUT, .body = node->own_body, .what = "its output"};
    struct str output = {0};
    refuse_keys(draft, index);
    node->kind = NODE_GROUP;
    node->type = engine_types_of(draft->loader->options->engine_types, NODE_QUEUE);
    draft->drafts[index].is_typed = true;
    int status = scope_compile_template(draft, NULL, NULL, &at, &node->config);
    if (status == 0 && node->own_body != 0) {
        status = output_of(draft, node->id, "{{ ", " }}", &output);
        const struct tree text = make_text(&making, output);
        status = status == 0 ? scope_compile_template(draft, &text, NULL, &inside,
                                                      &draft->bodies[node->own_body].output)
                             : status;
    }
    return status;
}
