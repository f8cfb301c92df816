/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/policies.h"

#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/tree.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

static struct policies_draft policies_default(void)
{
    return (struct policies_draft){
        .policies = {.retry = RETRY_SETTINGS_DEFAULT, .breaker = BREAKER_SETTINGS_DEFAULT}};
}

bool policies_says(struct policy_said said, const char *key)
{
    return tree_find(said.map, str_from(key)) != NULL;
}

struct place policies_place_of(struct policy_said said, const char *key)
{
    const struct tree_member *member = tree_find(said.map, str_from(key));
    return member != NULL ? member->key.place : said.map->place;
}

static const struct {
    const char *key;
    /* NULL: it is the node's alone, see stand_ins.c */
    int (*lay)(struct draft *draft, struct policy_said said, struct policies_draft *out);
    const char *why;  /* nodes of the engine's types cannot have it: they ... */
    bool is_of_nodes; /* no place around them says it */
} rows[] = {
    {"retry", policy_retry_lay, "run once", false},
    {"circuit_breaker", policy_breaker_lay, "call no service", false},
    {"rate_limit", policy_rate_lay, "call no service", false},
    {"on_open", policy_open_lay, "call no service", true},
    {"fallback", NULL, "call no service", true},
    {"cache", NULL, "call no service", true},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

enum place_kind {
    PLACE_AROUND,
    PLACE_NODE,
};

/* What the place `of` says, laid over what `out` has. */
static int lay_place(struct draft *draft, const struct tree *map, enum place_kind kind,
                     const char *of, struct policies_draft *out)
{
    int status = 0;
    for (size_t i = 0; i < ROW_COUNT && status == 0; i++) {
        const struct tree *value = tree_get(map, str_from(rows[i].key));
        if (value != NULL && rows[i].lay != NULL && (kind == PLACE_NODE || !rows[i].is_of_nodes)) {
            struct label what = label_make("'%s' of %s", rows[i].key, of);
            status = rows[i].lay(draft, (struct policy_said){value, what.text}, out);
        }
    }
    return status;
}

static bool says_policy(const struct tree *map)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (tree_find(map, str_from(rows[i].key)) != NULL) {
            return true;
        }
    }
    return false;
}

static int keep(struct draft *draft, struct policies_draft *from, const struct node_policies **out)
{
    if (from->kept == NULL) {
        struct node_policies *kept = arena_alloc(&draft->storage->arena, sizeof(*kept));
        if (kept == NULL) {
            return E_NOMEM;
        }
        *kept = from->policies;
        from->kept = kept;
    }
    *out = from->kept;
    return 0;
}

int policies_read_resilience(struct draft *draft)
{
    const struct tree *map = format_map(draft->tree, "resilience");
    draft->policies = policies_default();
    return map != NULL ? lay_place(draft, map, PLACE_AROUND, "'resilience'", &draft->policies) : 0;
}

/* The place around `plugin`, before its integration says anything. */
static struct policies_draft policies_of_plugin(const struct draft *draft, struct str plugin)
{
    const struct catalogue *catalogue = draft->loader->options->catalogue;
    const struct plugin_type *type = catalogue->find_plugin(catalogue->user, plugin);
    struct policies_draft of = draft->policies;
    of.kept = NULL;
    if (type != NULL && type->rate_limit.count > 0) {
        policy_rate_set(&of.policies.rate, type->rate_limit);
    }
    return of;
}

int policies_read_integration(struct draft *draft, const struct tree_member *member,
                              const char *what, struct policies_draft *out)
{
    const struct tree *map = &member->value;
    *out = policies_of_plugin(draft, member->key.text);
    return lay_place(draft, map, PLACE_AROUND, what, out);
}

/* A node that calls nobody. */
static void refuse_policies(const struct draft *draft, uint32_t index)
{
    const struct node *node = &draft->nodes[index];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct tree_member *member =
            tree_find(draft->drafts[index].tree, str_from(rows[i].key));
        if (member == NULL) {
            continue;
        }
        report_error(report_of(draft), member->key.place,
                     "'%s' of node '%.*s' has no effect: nodes of type '%.*s' %s", rows[i].key,
                     STR_ARG(node->id), STR_ARG(node->type->name), rows[i].why);
        if (node->kind == NODE_WORKFLOW) {
            report_hint(report_of(draft), "it goes to nodes of the pipeline that is run");
        } else if (node->kind == NODE_QUEUE) {
            report_hint(report_of(draft), "it goes to the nodes whose calls are queued");
        }
    }
}

/* The place around the node: its plugin's, for which `own` is there, or `resilience`. */
static struct policies_draft *place_around(struct draft *draft, const struct node *node,
                                           struct policies_draft *own)
{
    const struct pipeline *pipeline = &draft->storage->pipeline;
    if (node->type == NULL) {
        return &draft->policies;
    }
    const struct integration *integration = pipeline_find_integration(pipeline, node->type->plugin);
    if (integration != NULL) {
        return &draft->integration_policies[integration - pipeline->integrations];
    }
    *own = policies_of_plugin(draft, node->type->plugin);
    return own->policies.rate.limit > 0 ? own : &draft->policies;
}

int policies_read_node(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct tree *tree = draft->drafts[index].tree;
    if (node->type != NULL && node->kind != NODE_PLUGIN) {
        refuse_policies(draft, index);
        return 0;
    }
    struct policies_draft of_plugin;
    struct policies_draft *around = place_around(draft, node, &of_plugin);
    if (!says_policy(tree)) {
        return keep(draft, around, &node->policies);
    }
    struct policies_draft own = *around;
    struct label of = label_of("node", node->id);
    own.kept = NULL;
    int status = lay_place(draft, tree, PLACE_NODE, of.text, &own);
    if (status == 0) {
        status = stand_ins_read(draft, index);
    }
    policy_open_settle(draft, index, &own.policies);
    bool has_own_rate = own.policies.rate.limit > 0 && tree_find(tree, STR("rate_limit")) != NULL;
    if (has_own_rate) { /* both hold */
        own.policies.rate_around = around->policies.rate;
    }
    return status == 0 ? keep(draft, &own, &node->policies) : status;
}
