/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a config names of the settings of its plugin, as the service that is called: where its name
 * stands as a text, it must be there. The schema says so by the mark x-ops-names, a JSON pointer
 * into the settings to the map that has the names: "/services", or, with what another key of the
 * config says, "/services/{service}/operations". What is computed is left to the plugin.
 */

#include <string.h>

#include "core/base/suggest.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/pipeline.h"
#include "core/model/report.h"
#include "core/model/schema_marks.h"
#include "core/model/tree.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { NAMES_SHOWN = 8 };

/* The text of the config's `key` where it is the same in every run, or an empty one. */
static struct str fixed_text(const struct node *node, struct str key)
{
    const struct value *value = value_get(template_source(node->config), key);
    bool is_fixed = value_is(value, VALUE_STRING) && !template_is_dynamic(node->config, value);
    return is_fixed ? value_str(value) : STR("");
}

/* The next part of a pointer, or what the config says for {key}; false: that is not known. */
static bool read_part(struct str part, const struct node *node, struct str *out)
{
    bool is_key = part.n > 2 && part.p[0] == '{' && part.p[part.n - 1] == '}';
    *out = is_key ? fixed_text(node, str_make(part.p + 1, part.n - 2)) : part;
    return out->n > 0;
}

/* The map in `settings` that has the names; NULL: it cannot be known, or another check says why. */
static const struct value *find_names(const struct value *settings, struct str pointer,
                                      const struct node *node)
{
    const struct value *at = settings;
    while (at != NULL && pointer.n > 0) {
        const char *slash = memchr(pointer.p + 1, '/', pointer.n - 1);
        size_t end = slash != NULL ? (size_t)(slash - pointer.p) : pointer.n;
        struct str part;
        if (!value_is(at, VALUE_MAP) || !read_part(str_make(pointer.p + 1, end - 1), node, &part)) {
            return NULL;
        }
        at = value_get(at, part);
        pointer = str_make(pointer.p + end, pointer.n - end);
    }
    return value_is(at, VALUE_MAP) ? at : NULL;
}

static void report_name(const struct report *report, const struct node *node,
                        const struct tree_member *member, const struct value *names)
{
    struct suggest nearest = suggest_start(member->value.text);
    struct strbuf all = STRBUF_INIT;
    size_t count = value_count(names);
    for (size_t i = 0; i < count; i++) {
        struct str name = value_str(&value_member_at(names, i)->key);
        suggest_offer(&nearest, name);
        if (i < NAMES_SHOWN) {
            strbuf_append_format(&all, "%s%.*s", i > 0 ? ", " : "", STR_ARG(name));
        }
    }
    report_error(report, member->value.place,
                 "config of node '%.*s': integrations.%.*s has no %.*s '%.*s'; it has %.*s%s",
                 STR_ARG(node->id), STR_ARG(node->type->plugin), STR_ARG(member->key.text),
                 STR_ARG(member->value.text), (int)all.n, all.n > 0 ? all.p : "",
                 count > NAMES_SHOWN ? " and more" : "");
    report_nearest(report, &nearest);
    strbuf_finish(&all);
}

static void check_member(const struct draft *draft, const struct node *node,
                         const struct tree_member *member, struct str pointer)
{
    const struct integration *integration =
        pipeline_find_integration(&draft->storage->pipeline, node->type->plugin);
    struct str name = fixed_text(node, member->key.text);
    if (integration == NULL || integration->settings == NULL || name.n == 0) {
        return;
    }
    const struct value *names = find_names(template_source(integration->settings), pointer, node);
    if (names != NULL && value_get(names, name) == NULL) {
        report_name(&draft->loader->report, node, member, names);
    }
}

static void check_node(const struct draft *draft, uint32_t index)
{
    const struct node *node = &draft->nodes[index];
    const struct tree *config = draft->drafts[index].config;
    const struct schema *schema = node->type != NULL ? node->type->config_schema : NULL;
    const struct value *root = schema != NULL ? schema_source(schema) : NULL;
    const struct value *properties = root != NULL ? schema_marks_properties(root, root) : NULL;
    if (!tree_is(config, TREE_MAP) || node->config == NULL || properties == NULL) {
        return;
    }
    for (uint32_t i = 0; i < config->count; i++) {
        const struct tree_member *member = &config->as.members[i];
        const struct value *mark =
            value_get(value_get(properties, member->key.text), STR("x-ops-names"));
        if (value_is(mark, VALUE_STRING)) {
            check_member(draft, node, member, value_str(mark));
        }
    }
}

int named_settings_check(struct draft *draft)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        check_node(draft, i);
    }
    return 0;
}
