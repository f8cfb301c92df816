/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/plugin.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/build_id.h"
#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/host/debug_wait.h"
#include "core/host/instance.h"
#include "core/host/manifest.h"
#include "core/host/registry.h"
#include "core/host/registry_file.h"
#include "core/host/runtime.h"
#include "core/host/task_failure.h"
#include "core/host/version.h"

#define ENTRY_SYMBOL "opstream_plugin_v1"

/* What epoch 1 had at its beginning; a plugin of later headers is larger. */
enum {
    DESC_SIZE_MIN = offsetof(ops_plugin_desc, get_ext) + sizeof(void *),
    DESC_SIZE_MAX = 65536,
    TYPE_SIZE_MIN = offsetof(ops_node_type, destroy) + sizeof(void *),
    TYPE_SIZE_MAX = 65536,
    TYPES_MAX = 1000,
    KNOWN_NODE_FLAGS = OPS_NODE_PARALLEL | OPS_NODE_BLOCKING | OPS_NODE_IDEMPOTENT,
};

/* ---- The descriptor ---- */

static int check_head(const ops_plugin_desc *desc, struct error *err)
{
    if (desc->magic != OPS_ABI_MAGIC) {
        return error_set(err, E_PLUGIN, "its descriptor begins with 0x%08X instead of 0x%08X",
                         desc->magic, OPS_ABI_MAGIC);
    }
    if (desc->size < DESC_SIZE_MIN || desc->size > DESC_SIZE_MAX) {
        return error_set(err, E_PLUGIN, "its descriptor says that it has %u bytes; epoch 1 has %d",
                         desc->size, (int)DESC_SIZE_MIN);
    }
    if (desc->abi_epoch != OPS_ABI_EPOCH) {
        return error_set(err, E_VERSION,
                         "its descriptor is of ABI epoch %u; this opstream %s offers %u",
                         desc->abi_epoch, OPSTREAM_VERSION, OPS_ABI_EPOCH);
    }
    if (desc->flags != 0) {
        return error_set(err, E_VERSION,
                         "its descriptor has flags (0x%x) that opstream %s does not know: install "
                         "a newer opstream",
                         desc->flags, OPSTREAM_VERSION);
    }
    if (desc->abi_minor > OPS_ABI_MINOR) {
        return error_set(
            err, E_VERSION, "its descriptor needs ABI %u.%u; this opstream %s offers %u.%u",
            OPS_ABI_EPOCH, desc->abi_minor, OPSTREAM_VERSION, OPS_ABI_EPOCH, OPS_ABI_MINOR);
    }
    return 0;
}

static int check_identity(const ops_plugin_desc *desc, const struct manifest *m, struct error *err)
{
    if (desc->manifest_crc != m->crc) {
        return error_set(err, E_PLUGIN,
                         "its code was built with another manifest (checksum %016llx, the "
                         "manifest's is %016llx): build it again",
                         (unsigned long long)desc->manifest_crc, (unsigned long long)m->crc);
    }
    if (desc->id == NULL || !str_equal_text(m->plugin.id, desc->id)) {
        return error_set(err, E_PLUGIN, "its code calls itself '%s', its manifest '%.*s'",
                         desc->id != NULL ? desc->id : "", STR_ARG(m->plugin.id));
    }
    if (desc->version == NULL || !str_equal_text(m->plugin.version, desc->version)) {
        return error_set(err, E_PLUGIN, "its code is version '%s', its manifest '%.*s'",
                         desc->version != NULL ? desc->version : "", STR_ARG(m->plugin.version));
    }
    return 0;
}

static const ops_node_type *find_type(const ops_plugin_desc *desc, struct str name)
{
    for (uint64_t i = 0; i < desc->n_types; i++) {
        if (str_equal_text(name, desc->types[i]->name)) {
            return desc->types[i];
        }
    }
    return NULL;
}

plugin_check_fn plugin_check_of(const ops_node_type *type)
{
    bool is_known = type->size >= offsetof(ops_node_type, check) + sizeof(type->check);
    return is_known ? type->check : NULL;
}

static int check_type(const ops_plugin_desc *desc, uint64_t index, const struct manifest *m,
                      struct error *err)
{
    const ops_node_type *type = desc->types[index];
    if (type == NULL || type->size < TYPE_SIZE_MIN || type->size > TYPE_SIZE_MAX ||
        type->name == NULL) {
        return error_set(err, E_PLUGIN, "entry %u of its node types is damaged", (unsigned)index);
    }
    if (type->execute == NULL) {
        return error_set(err, E_PLUGIN, "its node type '%s' has no execute()", type->name);
    }

    if ((type->flags & ~(uint32_t)KNOWN_NODE_FLAGS) != 0) {
        return error_set(err, E_VERSION,
                         "its node type '%s' has flags (0x%x) that opstream %s does not know: "
                         "install a newer opstream",
                         type->name, type->flags & ~(uint32_t)KNOWN_NODE_FLAGS, OPSTREAM_VERSION);
    }
    const struct manifest_node *node = manifest_find_node(m, str_from(type->name));
    if (node == NULL) {
        return error_set(err, E_PLUGIN, "its code has the node type '%s', its manifest has not",
                         type->name);
    }
    if (node->config_version != type->config_version) {
        return error_set(err, E_PLUGIN,
                         "its node type '%s' reads configs of version %u, its manifest says %u",
                         type->name, type->config_version, node->config_version);
    }
    if ((type->flags & OPS_NODE_IDEMPOTENT) != 0 &&
        (node->type.flags & NODE_TYPE_IDEMPOTENT) == 0) {
        return error_set(err, E_PLUGIN,
                         "its node type '%s' is idempotent by its code, not by its manifest",
                         type->name);
    }
    bool says_check = (node->type.flags & NODE_TYPE_CHECKS) != 0;
    if (says_check != (plugin_check_of(type) != NULL)) {
        return error_set(err, E_PLUGIN, "its node type '%s' has a check() by its %s, not by its %s",
                         type->name, says_check ? "manifest" : "code",
                         says_check ? "code" : "manifest");
    }
    for (uint64_t i = 0; i < index; i++) {
        if (strcmp(desc->types[i]->name, type->name) == 0) {
            return error_set(err, E_PLUGIN, "its code has the node type '%s' twice", type->name);
        }
    }
    return 0;
}

static int check_types(const ops_plugin_desc *desc, const struct manifest *m, struct error *err)
{
    if (desc->types == NULL || desc->n_types > TYPES_MAX) {
        return error_set(err, E_PLUGIN, "its list of node types is damaged");
    }
    for (uint64_t i = 0; i < desc->n_types; i++) {
        int status = check_type(desc, i, m, err);
        if (status != 0) {
            return status;
        }
    }
    for (size_t i = 0; i < m->node_count; i++) {
        if (find_type(desc, m->nodes[i].type.name) == NULL) {
            return error_set(err, E_PLUGIN,
                             "its manifest has the node type '%.*s', its code has not",
                             STR_ARG(m->nodes[i].type.name));
        }
    }
    return 0;
}

int plugin_check_descriptor(const ops_plugin_desc *desc, const struct manifest *manifest,
                            struct error *err)
{
    int status = check_head(desc, err);
    if (status == 0) {
        status = check_identity(desc, manifest, err);
    }
    return status == 0 ? check_types(desc, manifest, err) : status;
}

/* ---- Interfaces ---- */

static const ops_str no_text = {NULL, 0};

static void refuse_iface(ops_error *why, ops_status code, struct str message, struct str hint)
{
    task_failure_fill(why, code, ops_from_str(message), hint.n > 0 ? ops_from_str(hint) : no_text);
}

/* Why this host has nothing behind an interface; NULL: it has. */
static const char *find_lack(const struct host *host, const char *id)
{
    if (strcmp(id, OPS_IF_HTTP) == 0 && host->http == NULL) {
        return "this opstream runs without outgoing HTTP";
    }
    if (strcmp(id, OPS_IF_KV) == 0 && host->kv == NULL) {
        return "this opstream keeps nothing for plugins";
    }
    if (strcmp(id, OPS_IF_BUDGET) == 0 && host->budget == NULL) {
        return "this opstream keeps no budgets";
    }
    if (strcmp(id, OPS_IF_MAIL) == 0 && host->mail == NULL) {
        return "this opstream runs without outgoing mail";
    }
    return NULL;
}

/* Whether this plugin gets it; only what is said of it in the manifest, but for the basic ones. */
static bool is_granted(const struct plugin *plugin, const struct version_interface *interface,
                       ops_error *why)
{
    const struct manifest *m = plugin->manifest;
    if (interface->is_basic == 0 && manifest_find_interface(m, str_from(interface->id)) == NULL) {
        refuse_iface(why, OPS_E_PERMISSION, STR("the manifest does not ask for this interface"),
                     STR("add it to interfaces.required or interfaces.optional"));
        return false;
    }
    if (interface->capability != NULL &&
        !manifest_has_capability(m, str_from(interface->capability))) {
        refuse_iface(why, OPS_E_PERMISSION,
                     STR("the manifest does not ask for the capability of this interface"),
                     STR("ops.process needs the capability 'exec'"));
        return false;
    }
    const char *lack = find_lack(plugin->host, interface->id);
    if (lack != NULL) {
        refuse_iface(why, OPS_E_UNSUPPORTED, str_from(lack), str_make(NULL, 0));
        return false;
    }
    return true;
}

static const void *wrap_table(const struct host *host, const struct version_interface *interface,
                              ops_error *why)
{
    const struct host_tables *tables = host->tables;
    const void *table = tables == NULL
                            ? interface->table
                            : tables->wrap(tables->self, interface->id, interface->table);
    if (table == NULL) {
        refuse_iface(why, OPS_E_UNSUPPORTED, STR("this opstream runs without this interface"),
                     str_make(NULL, 0));
    }
    return table;
}

static const void *get_iface(const ops_host *table, const char *id, uint32_t min_version,
                             ops_error *why)
{
    struct plugin *plugin = table != NULL ? plugin_from(table->h) : NULL;
    if (plugin == NULL || id == NULL) {
        refuse_iface(why, OPS_E_INTERNAL, STR("get_iface() needs the host's table and an id"),
                     str_make(NULL, 0));
        return NULL;
    }

    const struct version_interface *interface = version_interface_find(id);
    if (interface == NULL) {
        refuse_iface(why, OPS_E_UNSUPPORTED, STR("this opstream does not have this interface"),
                     STR("install a newer opstream"));
        return NULL;
    }
    if (interface->version < min_version) {
        refuse_iface(why, OPS_E_UNSUPPORTED,
                     STR("this opstream has an older version of this interface"),
                     STR("install a newer opstream"));
        return NULL;
    }
    return is_granted(plugin, interface, why) ? wrap_table(plugin->host, interface, why) : NULL;
}

/* ---- Loading ---- */

static void tell_stage(const struct host *host, enum probe_stage stage)
{
    if (host->on_stage != NULL) {
        host->on_stage(stage);
    }
}

static int open_library(struct host *host, const struct manifest *m, enum trial_mode mode,
                        void **out_library, struct error *err)
{
    const char *path = NULL;
    int status = trial_get(host, m, mode, &path, err);
    if (status != 0) {
        return status;
    }
    status = debug_wait(path, err);
    if (status != 0) {
        return status;
    }

    tell_stage(host, PROBE_DLOPEN);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        const char *why = dlerror(); /* names the file and an unresolved symbol */
        return error_set(err, E_PLUGIN, "plugin '%.*s' (%.*s): cannot be loaded: %s",
                         STR_ARG(m->plugin.id), STR_ARG(m->path), why != NULL ? why : "unknown");
    }
    *out_library = library;
    return 0;
}

static int check_library(const struct host *host, const struct manifest *m, void *library,
                         const ops_plugin_desc **out_desc, struct error *err)
{
    tell_stage(host, PROBE_SYMBOL);
    const ops_plugin_desc *desc = dlsym(library, ENTRY_SYMBOL);
    if (desc == NULL) {
        return error_set(err, E_PLUGIN, "it does not export the symbol " ENTRY_SYMBOL);
    }
    tell_stage(host, PROBE_DESCRIPTOR);
    *out_desc = desc;
    return plugin_check_descriptor(desc, m, err);
}

static int load(struct host *host, const struct manifest *m, enum trial_mode mode,
                const ops_plugin_desc **out_desc, struct error *err)
{
    void *library = NULL;
    int status = version_check(m, err);
    if (status == 0) {
        status = open_library(host, m, mode, &library, err);
        if (status != 0) {
            return status; /* it is named */
        }
        status = check_library(host, m, library, out_desc, err);
    }
    if (status != 0) {
        error_prefix(err, "plugin '%.*s' (%.*s): ", STR_ARG(m->plugin.id), STR_ARG(m->path));
    }
    return status;
}

static struct plugin *plugin_create(struct host *host, const struct manifest *m,
                                    const ops_plugin_desc *desc)
{
    struct plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL) {
        return NULL;
    }

    plugin->magic = PLUGIN_MAGIC;
    plugin->number = ++host->plugin_count;
    plugin->host = host;
    plugin->manifest = m;
    plugin->reads_secrets = manifest_has_capability(m, STR("secret.read"));
    plugin->desc = desc;
    plugin->id = desc->id;
    plugin->path = m->path.p;
    plugin->scope = scope_create(plugin);
    if (plugin->scope == NULL) {
        free(plugin);
        return NULL;
    }
    plugin->table = (ops_host){
        .size = sizeof(ops_host),
        .abi_minor = OPS_ABI_MINOR,
        .h = plugin,
        .scope = plugin->scope->handle,
        .name = {"opstream", 8},
        .version = ops_from_str(STR(OPSTREAM_VERSION)),
        .get_iface = get_iface,
    };
    return plugin;
}

static void plugin_destroy(struct plugin *plugin)
{
    handle_retire(&plugin->host->scopes, plugin->scope->handle);
    plugin->magic = 0;
    free(plugin);
}

static int plugin_init(struct plugin *plugin, struct error *err)
{
    ops_error told = {.size = sizeof told};
    tell_stage(plugin->host, PROBE_INIT);
    ops_status status = plugin->desc->init != NULL
                            ? plugin->desc->init(&plugin->table, &plugin->self, &told)
                            : OPS_OK;
    if (status == OPS_OK) {
        return 0;
    }

    struct strbuf text = STRBUF_INIT;
    task_failure_append_text(&text, told.message);
    error_set(err, E_PLUGIN, "plugin '%s' (%s): init() failed with %s: %s", plugin->id,
              plugin->path, task_failure_code_name(status),
              text.n > 0 ? text.p : "it gave no message");
    strbuf_finish(&text);
    return E_PLUGIN;
}

static struct plugin *find_loaded(const struct host *host, const struct manifest *manifest)
{
    for (struct plugin *plugin = host->plugins; plugin != NULL; plugin = plugin->next) {
        if (plugin->manifest == manifest) {
            return plugin;
        }
    }
    return NULL;
}

/* The manifest may have been read again since, as the folders were looked into again. */
static struct plugin *find_by_code(const struct host *host, const ops_plugin_desc *desc)
{
    struct plugin *plugin = host->plugins;
    while (plugin != NULL && plugin->desc != desc) {
        plugin = plugin->next;
    }
    return plugin;
}

/* What the manifest calls required is there when its code runs. */
static int check_lacks(const struct host *host, const struct manifest *m, struct error *err)
{
    const struct version_interface *interface = NULL;
    for (unsigned i = 0; (interface = version_interface_at(i)) != NULL; i++) {
        const char *lack = find_lack(host, interface->id);
        const struct manifest_interface *needed =
            manifest_find_interface(m, str_from(interface->id));
        if (lack != NULL && needed != NULL && needed->is_required) {
            return error_set(err, E_PLUGIN, "plugin '%.*s' (%.*s) needs %s, and %s",
                             STR_ARG(m->plugin.id), STR_ARG(m->path), interface->id, lack);
        }
    }
    return 0;
}

int plugin_get(struct host *host, const struct manifest *manifest, enum trial_mode mode,
               struct plugin **out_plugin, struct error *err)
{
    const ops_plugin_desc *desc = NULL;
    *out_plugin = find_loaded(host, manifest);
    if (*out_plugin != NULL) {
        return 0;
    }
    int status = check_lacks(host, manifest, err);
    if (status == 0) {
        status = load(host, manifest, mode, &desc, err);
    }
    if (status != 0) {
        return status;
    }
    registry_file_of_manifest(host->registry, manifest)->is_loaded = true;
    *out_plugin = find_by_code(host, desc);
    if (*out_plugin != NULL) {
        return 0;
    }
    struct plugin *plugin = plugin_create(host, manifest, desc);
    if (plugin == NULL) {
        return error_nomem(err);
    }
    status = plugin_init(plugin, err);
    if (status != 0) {
        plugin_destroy(plugin);
        return status;
    }

    plugin->next = host->plugins;
    host->plugins = plugin;
    *out_plugin = plugin;
    return 0;
}

void plugin_shutdown_all(struct host *host)
{
    tell_stage(host, PROBE_DESTROY);
    for (struct plugin *plugin = host->plugins; plugin != NULL; plugin = plugin->next) {
        instance_destroy_all(plugin);
    }
    tell_stage(host, PROBE_SHUTDOWN);
    while (host->plugins != NULL) {
        struct plugin *plugin = host->plugins;
        host->plugins = plugin->next;
        if (plugin->desc->shutdown != NULL) {
            plugin->desc->shutdown(plugin->self);
        }
        plugin_destroy(plugin);
    }
}

const ops_node_type *plugin_find_type(const struct plugin *plugin, const struct manifest_node *node)
{
    const ops_node_type *type = find_type(plugin->desc, node->type.name);
    CHECK(type != NULL);
    return type;
}
