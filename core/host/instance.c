/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/instance.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/host/manifest.h"
#include "core/host/plugin.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/strand.h"
#include "core/host/task_failure.h"
#include "core/host/validate.h"
#include "core/value/value.h"

static void link_first(struct plugin *plugin, struct instance *instance)
{
    instance->next = plugin->instances;
    plugin->instances = instance;
}

/* It is the last used one from here on. */
static struct instance *instance_find(struct plugin *plugin, const struct manifest_node *node,
                                      const struct document *settings)
{
    for (struct instance **at = &plugin->instances; *at != NULL; at = &(*at)->next) {
        struct instance *found = *at;
        if (found->node == node &&
            (found->settings == settings ||
             value_equal(document_root(found->settings), document_root(settings)))) {
            *at = found->next;
            link_first(plugin, found);
            return found;
        }
    }
    return NULL;
}

static void instance_free(struct instance *instance)
{
    if (instance->scope != NULL) {
        handle_retire(&instance->plugin->host->scopes, instance->scope->handle);
    }
    strand_unref(instance->strand);
    document_unref(instance->settings);
    free(instance);
}

static struct instance *instance_alloc(struct plugin *plugin, const struct manifest_node *node,
                                       const struct document *settings)
{
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL) {
        return NULL;
    }

    instance->plugin = plugin;
    instance->node = node;
    instance->type = plugin_find_type(plugin, node);
    instance->settings = document_ref(settings);
    instance->scope = scope_create(plugin);
    bool needs_strand = (instance->type->flags & OPS_NODE_PARALLEL) == 0;
    instance->strand = needs_strand ? strand_create() : NULL;
    if (instance->scope == NULL || (needs_strand && instance->strand == NULL)) {
        instance_free(instance);
        return NULL;
    }
    return instance;
}

static int tell_refusal(const struct instance *instance, ops_status status, const ops_error *told,
                        struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    task_failure_append_text(&text, told->message);
    const char *why = text.n > 0 ? text.p : "it gave no message";
    const char *plugin = instance->plugin->id;
    int code = status == OPS_E_CONFIG ? E_INVALID : E_PLUGIN;
    if (code == E_INVALID) {
        error_set(err, code, "plugin '%s' does not take its settings (integrations.%s): %s", plugin,
                  plugin, why);
    } else {
        error_set(err, code, "plugin '%s': create() of '%s' failed with %s: %s", plugin,
                  instance->type->name, task_failure_code_name(status), why);
    }
    strbuf_finish(&text);
    return code;
}

/* Calls create(). */
static int instance_begin(struct instance *instance, struct error *err)
{
    const ops_node_type *type = instance->type;
    if (type->create == NULL) {
        return 0;
    }
    ops_val settings =
        scope_add(instance->scope, instance->settings, document_root(instance->settings));
    if (settings == 0) {
        return error_nomem(err);
    }

    ops_error told = {.size = sizeof told};
    ops_node *self = NULL;
    ops_status status =
        type->create(instance->plugin->self, instance->scope->handle, settings, &self, &told);
    if (status != OPS_OK) {
        return tell_refusal(instance, status, &told, err);
    }
    if (self == NULL) {
        return error_set(err, E_PLUGIN, "plugin '%s': create() of '%s' succeeded without a node",
                         instance->plugin->id, type->name);
    }
    instance->self = self;
    return 0;
}

static int check_settings(const struct plugin *plugin, const struct document *settings,
                          struct error *err)
{
    const struct schema *schema = plugin->manifest->plugin.settings_schema;
    if (schema == NULL) {
        return 0;
    }

    int status = validate_document(schema, settings, err);
    if (status != 0) {
        error_prefix(err, "the settings of plugin '%s' are not valid: ", plugin->id);
    }
    return status;
}

static void instance_end(struct instance *instance)
{
    if (instance->type->destroy != NULL) {
        instance->type->destroy(instance->self);
    }
    instance_free(instance);
}

/* Of those that are too many the one that was used longest ago and that no task uses; false: none.
 */
static bool destroy_surplus(struct plugin *plugin, const struct manifest_node *node)
{
    struct instance **last = NULL;
    size_t count = 0;
    for (struct instance **at = &plugin->instances; *at != NULL; at = &(*at)->next) {
        bool is_of_type = (*at)->node == node;
        count += is_of_type ? 1 : 0;
        if (is_of_type && count > 1 && atomic_load(&(*at)->tasks) == 0) {
            last = at;
        }
    }
    if (count <= INSTANCES_MOST || last == NULL) {
        return false;
    }
    struct instance *surplus = *last;
    *last = surplus->next;
    instance_end(surplus);
    return true;
}

int instance_get(struct plugin *plugin, const struct manifest_node *node,
                 const struct document *settings, struct instance **out_instance, struct error *err)
{
    struct instance *instance = instance_find(plugin, node, settings);
    if (instance != NULL) {
        *out_instance = instance;
        return 0;
    }

    int status = check_settings(plugin, settings, err);
    if (status != 0) {
        return status;
    }
    instance = instance_alloc(plugin, node, settings);
    if (instance == NULL) {
        return error_nomem(err);
    }
    status = instance_begin(instance, err);
    if (status != 0) {
        instance_free(instance);
        return status;
    }

    link_first(plugin, instance);
    while (destroy_surplus(plugin, node)) {
        /* one is the rule: more, when tasks of others have ended since */
    }
    *out_instance = instance;
    return 0;
}

void instance_enter(struct instance *instance)
{
    (void)atomic_fetch_add(&instance->tasks, 1);
}

void instance_leave(struct instance *instance)
{
    (void)atomic_fetch_sub(&instance->tasks, 1);
}

void instance_destroy_all(struct plugin *plugin)
{
    while (plugin->instances != NULL) {
        struct instance *instance = plugin->instances;
        plugin->instances = instance->next;
        instance_end(instance);
    }
}
