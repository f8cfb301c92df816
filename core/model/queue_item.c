/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/queue_item.h"

#include <string.h>

#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/group.h"
#include "core/model/policy.h"
#include "core/model/reading.h"
#include "core/model/storage.h"
#include "core/model/tree.h"
#include "core/value/value.h"

bool queue_item_is_for(const struct node *node)
{
    return node->kind == NODE_PLUGIN && node->policies != NULL &&
           node->policies->on_open == ON_OPEN_QUEUE;
}

int queue_item_add_outcome(struct draft *draft, uint32_t index)
{
    struct draft_node *node = &draft->drafts[index];
    uint32_t count = node->outcome_count;
    uint32_t *outcomes = arena_calloc(&draft->loader->arena, count + 1, sizeof(*outcomes));
    if (outcomes == NULL) {
        return E_NOMEM;
    }
    if (count > 0) {
        memcpy(outcomes, node->outcomes, count * sizeof(*outcomes));
    }
    int status = draft_outcome(draft, STR("queued"), &outcomes[count]);
    node->outcomes = outcomes;
    node->outcome_count += status == 0 ? 1 : 0;
    return status;
}

/* ---- what cannot be ---- */

static struct place place_of(const struct draft *draft, uint32_t index)
{
    const struct tree_member *member = tree_find(draft->drafts[index].tree, STR("on_open"));
    return member != NULL ? member->key.place : draft->nodes[index].place;
}

static void refuse(const struct draft *draft, uint32_t index, const char *why, const char *hint)
{
    report_error(&draft->loader->report, place_of(draft, index),
                 "calls of node '%.*s' cannot be queued: %s", STR_ARG(draft->nodes[index].id), why);
    report_hint(&draft->loader->report, "%s", hint);
}

static int check_node(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct integration *integration =
        pipeline_find_integration(&draft->storage->pipeline, node->type->plugin);
    struct template *config = NULL;
    const char *why = NULL;
    if (node->has_readers) {
        refuse(draft, index, "a loop goes over its items as they come", "write on_open: wait");
        return 0;
    }
    if (node->compensate != 0) {
        refuse(draft, index, "it could be undone before it is done",
               "take 'compensate' away, or write on_open: wait");
        return 0;
    }
    if (integration != NULL && !queue_item_is_free(integration->settings)) {
        refuse(draft, index, "the settings of its plugin read what only this run knows",
               "settings may read secrets and constants; or write on_open: wait");
        return 0;
    }
    int status = queue_item_config(node->config, &config, &why);
    if (status == 0 && why != NULL) {
        refuse(draft, index, why,
               "give the secret a field of its own, in which nothing else is read but constants; "
               "or write on_open: wait");
    } else if (status == 0) {
        node->item_config = config;
        status = storage_take_template(draft->storage, config);
    }
    return status;
}

int queue_item_check(struct draft *draft)
{
    int status = 0;
    for (uint32_t i = 0; i < draft->node_count && status == 0; i++) {
        const struct node *node = &draft->nodes[i];
        if (node->type != NULL && node->config != NULL && queue_item_is_for(node) &&
            template_fault_count(node->config) == 0) {
            status = check_node(draft, i);
        }
    }
    return status;
}

/* ---- reading its output ---- */

/* `node.output.status` and such, which tells one output from the other. */
static bool asks(const struct draft *draft, const struct expr *expr, uint32_t body, uint32_t node)
{
    for (size_t i = 0; expr != NULL && i < expr_reference_count(expr); i++) {
        const struct expr_reference *reference = expr_reference_at(expr, i);
        size_t at = 0;
        if (reference->slot == SLOT_NODES && reference->path_count > 0) {
            at = draft_find_visible(draft, body, reference->path[0]) == node ? 1 : SIZE_MAX;
        } else if (reference->slot != (int)(SLOT_NODE_FIRST + node)) {
            at = SIZE_MAX;
        }
        bool is_long = at < reference->path_count && str_equal(reference->path[at], STR("output"));
        size_t field = at == SIZE_MAX ? at : at + (is_long ? 1 : 0);
        if (field < reference->path_count &&
            ((is_long && str_equal(reference->path[field], STR("status"))) ||
             str_equal(reference->path[field], STR("queue_id")))) {
            return true;
        }
    }
    return false;
}

/* By the expression itself, or by `when` of the node or of those that it is in. */
static bool is_asked(const struct reading *reading, uint32_t node)
{
    const struct draft *draft = reading->draft;
    const struct use *use = reading->use;
    bool has_node = use->site == USE_NODE || use->site == USE_SELF;
    uint32_t at = has_node ? use->node : draft->bodies[use->body].owner;
    if (reading_is_guarded(reading) || asks(draft, use->expr, use->body, node)) {
        return true;
    }
    while (at != DRAFT_NO_NODE) {
        uint32_t body = draft->nodes[at].body;
        if (asks(draft, draft->nodes[at].when, body, node)) {
            return true;
        }
        at = draft->bodies[body].owner;
    }
    return false;
}

/* `queued` edges leave it, and none of them leads here: it was not queued. */
static bool is_passed_by(const struct reading *reading, const struct reading_view *view,
                         uint32_t node)
{
    const struct pipeline *pipeline = &reading->draft->storage->pipeline;
    const struct node *def = &reading->draft->nodes[node];
    bool has_way = false;
    for (uint32_t i = 0; i < def->out_count; i++) {
        const struct edge *edge = &pipeline->edges[def->first_out + i];
        if (!str_equal(reading->draft->outcomes[edge->outcome], STR("queued"))) {
            continue;
        }
        has_way = true;
        bool is_behind = view->kind != VIEW_START && view->kind != VIEW_INSIDE;
        if (is_behind || edge->target == view->node ||
            reading_is_before(reading, edge->target, view->node)) {
            return reading->use->site == USE_EDGE && view->node == node;
        }
    }
    return has_way;
}

bool queue_item_check_read(const struct reading *reading, const struct reading_view *view,
                           uint32_t node, size_t first)
{
    static const struct str fields[] = {{"status", 6}, {"reason", 6}, {"queue_id", 8}};
    const struct node *def = &reading->draft->nodes[node];
    const struct expr_reference *reference = reading->reference;
    if (!queue_item_is_for(def) || reference->path_count <= first) {
        return false;
    }
    if (reading_is_one_of(reference->path[first], fields, sizeof(fields) / sizeof(fields[0]))) {
        return true;
    }
    if (reading->reach != NULL && !is_asked(reading, node) && !is_passed_by(reading, view, node)) {
        report_error(reading_report(reading), reading_place(reading),
                     "%s: the output of '%.*s' has no '%.*s' when its call is queued",
                     reading_who(reading).text, STR_ARG(def->id), STR_ARG(reference->path[first]));
        report_hint(reading_report(reading),
                    "ask has(%.*s.output.queue_id) first, guard it with .? or default(), or lead "
                    "an edge with outcome: queued elsewhere",
                    STR_ARG(def->id));
    }
    return false;
}

/* ---- the pipeline ---- */

/* What the node was to its pipeline is nothing to its item. */
static int fill_node(struct pipeline_storage *item, const struct node *from)
{
    struct node *node = arena_calloc(&item->arena, 1, sizeof(*node));
    struct node_policies *policies = arena_alloc(&item->arena, sizeof(*policies));
    if (node == NULL || policies == NULL) {
        return E_NOMEM;
    }
    *policies = *from->policies;
    policies->on_open = ON_OPEN_WAIT;
    *node = (struct node){
        .id = from->id,
        .name = from->name,
        .kind = from->kind,
        .type = from->type,
        .place = from->place,
        .is_at_most_once = from->is_at_most_once,
        .may_repeat = from->may_repeat,
        .timeout_ms = from->timeout_ms,
        .concurrency = from->concurrency,
        .limits = from->limits,
        .policies = policies,
        .secrets = from->secrets,
        .risk = from->risk,
        .config = from->item_config,
    };
    item->pipeline.nodes = node;
    item->pipeline.node_count = 1;
    return 0;
}

static int fill_body(struct pipeline_storage *item)
{
    struct body *body = arena_calloc(&item->arena, 1, sizeof(*body));
    uint32_t *order = arena_calloc(&item->arena, 1, sizeof(*order));
    struct edge *edges = arena_calloc(&item->arena, 1, sizeof(*edges));
    item->ids = arena_calloc(&item->arena, 1, sizeof(*item->ids));
    if (body == NULL || order == NULL || edges == NULL || item->ids == NULL) {
        return E_NOMEM;
    }
    *body = (struct body){.owner = PIPELINE_NO_NODE,
                          .node_count = 1,
                          .what = STR("nodes"),
                          .place = item->pipeline.nodes[0].place};
    item->pipeline.bodies = body;
    item->pipeline.body_count = 1;
    item->pipeline.order = order;
    item->pipeline.edges = edges;
    item->pipeline.in_edges = order;
    return 0;
}

/* "sync/notify"; a second node of that id in another body: "sync/notify@7", by its number. */
static int choose_id(struct pipeline_group *group, uint32_t file, struct pipeline_storage *item,
                     const struct pipeline *from, uint32_t index)
{
    struct strbuf id = STRBUF_INIT;
    strbuf_append_format(&id, "%.*s/%.*s", STR_ARG(from->id), STR_ARG(from->nodes[index].id));
    if (strbuf_status(&id) == 0 && group_find(group, file, strbuf_str(&id)) != NULL) {
        strbuf_append_format(&id, "@%u", index);
    }
    item->pipeline.id = strbuf_status(&id) == 0 ? arena_dup_str(&item->arena, strbuf_str(&id))
                                                : STR("");
    strbuf_finish(&id);
    item->pipeline.name = item->pipeline.id;
    return item->pipeline.id.n > 0 ? 0 : E_NOMEM;
}

/* All of it is in the group, and lives as long. */
static void share(struct pipeline *item, const struct pipeline *from)
{
    item->queued_by = from->id;
    item->version = from->version;
    item->file = from->file;
    item->source = from->source;
    item->config = from->config;
    item->labels = from->labels;
    item->retention = from->retention;
    item->sanitizer = from->sanitizer;
    item->max_memory_mb = from->max_memory_mb;
    item->outcomes = from->outcomes;
    item->outcome_count = from->outcome_count;
    item->integrations = from->integrations;
    item->integration_count = from->integration_count;
    item->secrets = from->secrets;
    item->secret_count = from->secret_count;
    item->hidden = from->hidden;
    item->hidden_count = from->hidden_count;
    item->needed_secrets = from->needed_secrets;
    item->needed_secret_count = from->needed_secret_count;
    item->hosts = from->hosts;
}

static int make(struct pipeline_group *group, const struct pipeline *from, uint32_t index,
                uint32_t file, bool is_library)
{
    struct pipeline_storage *item = storage_create();
    struct node *node = (struct node *)(uintptr_t)&from->nodes[index];
    if (item == NULL) {
        return E_NOMEM;
    }
    share(&item->pipeline, from);
    int status = choose_id(group, file, item, from, index);
    status = status == 0 ? fill_node(item, node) : status;
    status = status == 0 ? fill_body(item) : status;
    if (status != 0) {
        storage_destroy(item);
        return status;
    }
    status = group_join(group, &item->pipeline, file, is_library);
    node->item = status == 0 ? &item->pipeline : NULL;
    return status;
}

int queue_item_make(struct pipeline_group *group, const struct pipeline *pipeline, uint32_t file,
                    bool is_library)
{
    int status = 0;
    for (uint32_t i = 0; i < pipeline->node_count && status == 0; i++) {
        if (pipeline->nodes[i].item_config != NULL) {
            status = make(group, pipeline, i, file, is_library);
        }
    }
    return status;
}
