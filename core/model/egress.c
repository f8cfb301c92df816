/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/egress.h"

#include "core/base/error.h"
#include "core/expr/expr.h"
#include "core/expr/template.h"
#include "core/expr/template_start.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/value/schema.h"
#include "core/value/secret_hosts.h"
#include "core/value/value.h"

struct search {
    const struct pipeline *pipeline;
    struct strbuf hosts;
};

static void add_start(void *user, struct str start, bool is_whole)
{
    secret_hosts_add_url(&((struct search *)user)->hosts, start, is_whole);
}

/* Of constants, and of a schema what stands at `key` (empty: everywhere). Documents have a depth
 * of VALUE_MAX_DEPTH at most, and so has this recursion. */
static void add_texts(struct search *search, const struct value *value, struct str key, bool counts)
{
    bool is_map = value_type(value) == VALUE_MAP;
    if (value_type(value) == VALUE_STRING && counts) {
        add_start(search, value_str(value), true);
    }
    for (size_t i = 0; is_map && i < value_count(value); i++) {
        const struct value_member *member = value_member_at(value, i);
        bool is_it = key.n == 0 || str_equal(value_str(&member->key), key);
        add_texts(search, &member->value, key, is_it);
    }
    for (size_t i = 0; value_type(value) == VALUE_LIST && i < value_count(value); i++) {
        add_texts(search, value_at(value, i), key, counts);
    }
}

static void add_defaults(struct search *search, const struct schema *schema)
{
    if (schema != NULL) {
        add_texts(search, schema_source(schema), STR("default"), false);
    }
}

/* Expressions read nothing but constants here. */
static int fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    const struct pipeline *pipeline = user;
    if (slot != SLOT_CONFIG) {
        return error_set(err, E_INVALID, "it is not known before a run");
    }
    cel_set_value(out, pipeline->config, document_root(pipeline->config));
    return 0;
}

static int add_template(struct search *search, const struct template *template)
{
    const struct expr_scope scope = {.fetch = fetch, .user = search->pipeline};
    return template != NULL ? template_start_each(template, &scope, SLOT_CONFIG, add_start, search)
                            : 0;
}

static int add_node(struct search *search, const struct draft *draft, const struct node *node)
{
    const struct catalogue *catalogue = draft->loader->options->catalogue;
    const struct plugin_type *plugin =
        node->type->plugin.n > 0 ? catalogue->find_plugin(catalogue->user, node->type->plugin)
                                 : NULL;
    if (node->kind == NODE_PLUGIN) {
        add_defaults(search, node->type->config_schema);
        add_defaults(search, plugin != NULL ? plugin->settings_schema : NULL);
    }
    return add_template(search, node->config);
}

static int find_hosts(struct draft *draft, struct pipeline *pipeline)
{
    struct search search = {.pipeline = pipeline};
    int status = 0;
    add_texts(&search, document_root(pipeline->config), STR(""), true);
    for (uint32_t i = 0; i < pipeline->integration_count && status == 0; i++) {
        status = add_template(&search, pipeline->integrations[i].settings);
    }
    for (uint32_t i = 0; i < draft->node_count && status == 0; i++) {
        status = draft->nodes[i].type != NULL ? add_node(&search, draft, &draft->nodes[i]) : 0;
    }
    if (status == 0) {
        status = strbuf_status(&search.hosts);
    }
    if (status == 0) {
        status = draft_keep_text(draft, strbuf_str(&search.hosts), &pipeline->hosts);
    }
    strbuf_finish(&search.hosts);
    return status;
}

/* ---- the secrets of settings ---- */

static void add_names(const struct expr *expr, struct strbuf *out)
{
    for (size_t i = 0; i < expr_reference_count(expr); i++) {
        const struct expr_reference *reference = expr_reference_at(expr, i);
        if (reference->slot == SLOT_SECRETS && reference->path_count > 0 && !reference->is_test) {
            strbuf_append_text(out, out->n > 0 ? "," : "");
            strbuf_append_str(out, reference->path[0]);
        }
    }
}

static int name_secrets(struct draft *draft, struct integration *integration)
{
    const struct template *settings = integration->settings;
    struct strbuf names = STRBUF_INIT;
    for (size_t i = 0; settings != NULL && i < template_expr_count(settings); i++) {
        struct str pointer = {0};
        size_t offset = 0;
        add_names(template_expr_at(settings, i, &pointer, &offset), &names);
    }
    int status = strbuf_status(&names);
    if (status == 0 && names.n > 0) {
        status = draft_keep_text(draft, strbuf_str(&names), &integration->secrets);
    }
    strbuf_finish(&names);
    return status;
}

int egress_find(struct draft *draft)
{
    struct pipeline *pipeline = &draft->storage->pipeline;
    if (pipeline->secret_count == 0 && pipeline->hidden_count == 0) {
        return 0;
    }
    int status = 0;
    for (uint32_t i = 0; i < pipeline->integration_count && status == 0; i++) {
        struct integration *integration =
            (struct integration *)(uintptr_t)&pipeline->integrations[i]; /* still ours */
        status = name_secrets(draft, integration);
    }
    return status == 0 ? find_hosts(draft, pipeline) : status;
}
