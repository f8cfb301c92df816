/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/manifest.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/host/manifest_place.h"
#include "core/host/manifest_schema.h"
#include "core/host/validate.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"
#include "opstream/abi.h"
#include "opstream/budget.h"
#include "opstream/http.h"
#include "opstream/mail.h"

/* ---- The form, by the schema of manifests ---- */

int manifest_form_create(struct schema **out_form, struct error *err)
{
    cleanup_document struct document *document = NULL;
    int status = manifest_schema_read(&document, err);
    return status == 0 ? schema_compile(document, out_form, err) : status;
}

/* What follows is said of the value there; one that is cut off leads nearly there. */
static void go_to(struct manifest *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void go_to(struct manifest *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(m->at, sizeof(m->at), format, args);
    va_end(args);
}

static void append_place(struct strbuf *out, struct str pointer, void *user)
{
    const struct manifest_source *source = user;
    manifest_place_append(out, source->text, pointer);
}

static int check_form(struct manifest *m, const struct manifest_source *source, struct error *err)
{
    struct manifest_source own = *source;
    struct strbuf first = STRBUF_INIT;
    int status = validate_document_at(source->form, m->document, &first, append_place, &own, err);
    go_to(m, "%s", strbuf_str(&first).p);
    strbuf_finish(&first);
    return status;
}

/* ---- The parts; the form is known to be right ---- */

static struct str get_str(const struct value *map, const char *key)
{
    const struct value *member = value_get(map, str_from(key));
    return value_is(member, VALUE_STRING) ? value_str(member) : str_make("", 0);
}

static uint32_t get_u32(const struct value *map, const char *key, uint32_t otherwise)
{
    const struct value *member = value_get(map, str_from(key));
    return value_is(member, VALUE_INT) ? (uint32_t)value_int(member) : otherwise;
}

static unsigned get_flag(const struct value *map, const char *key, unsigned flag)
{
    const struct value *member = value_get(map, str_from(key));
    return member != NULL && value_bool(member) ? flag : 0;
}

/* Lower-case letters, digits, '_' and '-', in parts with dots between. */
static bool is_name(struct str name)
{
    bool is_start = true;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!is_word && (c != '.' || is_start)) {
            return false;
        }
        is_start = c == '.';
    }
    return name.n > 0 && !is_start;
}

/* MAJOR.MINOR.PATCH of digits, then maybe "-" or "+" and more. */
static bool is_semver(struct str version)
{
    size_t i = 0;
    for (int part = 0; part < 3; part++) {
        size_t start = i;
        while (i < version.n && version.p[i] >= '0' && version.p[i] <= '9') {
            i++;
        }
        if (i == start || (part < 2 && (i == version.n || version.p[i++] != '.'))) {
            return false;
        }
    }
    return i == version.n || ((version.p[i] == '-' || version.p[i] == '+') && i + 1 < version.n);
}

static bool is_own_type(struct str type, struct str id)
{
    return str_equal(type, id) || (str_starts_with(type, id) && type.p[id.n] == '.');
}

static int read_head(struct manifest *m, const struct value *root, struct error *err)
{
    m->plugin.id = get_str(root, "id");
    m->plugin.version = get_str(root, "version");
    m->plugin.path = m->path;
    m->needs_process = str_equal(get_str(root, "isolation"), STR("process"));
    go_to(m, "/id");
    if (!is_name(m->plugin.id)) {
        return error_set(err, E_INVALID,
                         "/id '%.*s' must be made of lower-case "
                         "letters, digits, '_', '-' and dots",
                         STR_ARG(m->plugin.id));
    }
    go_to(m, "/version");
    if (!is_semver(m->plugin.version)) {
        return error_set(err, E_INVALID,
                         "/version '%.*s' must be MAJOR.MINOR.PATCH, such as '1.2.3'",
                         STR_ARG(m->plugin.version));
    }
    return 0;
}

/* What the service allows: as `rate_limit` of an integration is written. */
static int read_rate(struct manifest *m, const struct value *root, struct error *err)
{
    struct str text = get_str(root, "rate_limit");
    struct quantity_rate *rate = &m->plugin.rate_limit;
    go_to(m, "/rate_limit");
    int status = text.n > 0 ? quantity_parse_rate(text, rate, err) : 0;
    if (status == 0 && rate->count > INT32_MAX) {
        status = error_set(err, E_LIMIT, "'%.*s' is more than can be counted", STR_ARG(text));
    }
    if (status != 0) {
        error_prefix(err, "/rate_limit: ");
    }
    return status;
}

static void add_interfaces(struct manifest *m, const struct value *map, bool is_required)
{
    for (size_t i = 0; map != NULL && i < value_count(map); i++) {
        const struct value_member *member = value_member_at(map, i);
        m->interfaces[m->interface_count++] = (struct manifest_interface){
            .id = value_str(&member->key),
            .version = (uint32_t)value_int(&member->value),
            .is_required = is_required,
        };
    }
}

static int read_interfaces(struct manifest *m, const struct value *root, struct error *err)
{
    const struct value *interfaces = value_get(root, STR("interfaces"));
    const struct value *required = value_get(interfaces, STR("required"));
    const struct value *optional = value_get(interfaces, STR("optional"));
    size_t count = (required != NULL ? value_count(required) : 0) +
                   (optional != NULL ? value_count(optional) : 0);
    m->interfaces = arena_calloc(&m->arena, count + 1, sizeof *m->interfaces);
    if (m->interfaces == NULL) {
        return error_nomem(err);
    }

    add_interfaces(m, required, true);
    add_interfaces(m, optional, false);
    return 0;
}

/* The schema at `key` of `map`, compiled; NULL when there is none. `where`: its pointer's start. */
static int read_schema(struct manifest *m, const struct value *map, const char *key,
                       struct str where, struct schema **out_schema, struct error *err)
{
    const struct value *source = value_get(map, str_from(key));
    if (source == NULL) {
        return 0;
    }

    int status = schema_compile_strictly(m->document, source, out_schema, err);
    if (status != 0) {
        const char *end = err != NULL && err->message[0] == '/' ? strchr(err->message, ':') : NULL;
        size_t n = strlen(m->at);
        (void)snprintf(m->at + n, sizeof(m->at) - n, "/%s%.*s", key,
                       end != NULL ? (int)(end - err->message) : 0,
                       end != NULL ? err->message : "");
        error_prefix(err, "the %s of '%.*s': ", key, STR_ARG(where));
    }
    return status;
}

static int read_ports(struct manifest *m, struct node_type *type, const struct value *entry,
                      struct error *err)
{
    const struct value *list = value_get(entry, STR("ports"));
    size_t count = list != NULL ? value_count(list) : 0;
    struct str *ports = arena_calloc(&m->arena, count + 1, sizeof *ports);
    if (ports == NULL) {
        return error_nomem(err);
    }

    for (size_t i = 0; i < count; i++) {
        ports[i] = value_str(value_at(list, i));
        if (str_equal(ports[i], STR("success")) || str_equal(ports[i], STR("error"))) {
            return error_set(err, E_INVALID,
                             "the ports of '%.*s' name '%.*s', which "
                             "every node has",
                             STR_ARG(type->name), STR_ARG(ports[i]));
        }
    }
    type->ports = ports;
    type->port_count = count;
    return 0;
}

static unsigned read_flags(const struct value *entry)
{
    const struct value *side_effects = value_get(entry, STR("side_effects"));
    bool is_pure = side_effects != NULL && !value_bool(side_effects);
    return get_flag(entry, "idempotent", NODE_TYPE_IDEMPOTENT) |
           get_flag(entry, "processes", NODE_TYPE_PROCESSES) |
           get_flag(entry, "streams", NODE_TYPE_STREAMS) |
           get_flag(entry, "check", NODE_TYPE_CHECKS) | (is_pure ? NODE_TYPE_PURE : 0);
}

/*
 * A pointer into the settings with a star for what the property `name` says: there is the URL. (It
 * cannot be shown in a comment, which it would end.)
 */
static bool read_named_origin(struct str pointer, struct str name, struct node_type *type)
{
    const char *star = pointer.n > 0 ? memmem(pointer.p, pointer.n, "/*/", 3) : NULL;
    if (star == NULL || pointer.p[0] != '/') {
        return false;
    }
    type->origin_map = str_make(pointer.p + 1, (size_t)(star - pointer.p - 1));
    type->origin_key = str_make(star + 3, (size_t)(pointer.p + pointer.n - star - 3));
    type->origin_name = name;
    type->flags |= NODE_TYPE_NAMED_ORIGIN;
    return type->origin_map.n > 0 && type->origin_key.n > 0 &&
           memchr(type->origin_map.p, '/', type->origin_map.n) == NULL &&
           memchr(type->origin_key.p, '/', type->origin_key.n) == NULL;
}

/* The property with the URL of the service, or its name; none: the type is left as it is. */
static int find_origin(const struct value *schema, struct node_type *type, struct error *err)
{
    const struct value *properties = value_get(schema, STR("properties"));
    for (size_t i = 0; value_is(properties, VALUE_MAP) && i < value_count(properties); i++) {
        const struct value_member *member = value_member_at(properties, i);
        const struct value *mark = value_get(&member->value, STR("x-ops-origin"));
        struct str name = value_str(&member->key);
        if (value_is(mark, VALUE_STRING) && !read_named_origin(value_str(mark), name, type)) {
            return error_set(err, E_INVALID,
                             "'x-ops-origin' of '%.*s' must be true or, "
                             "as '/services/*/base_url', say where in the settings the URL is",
                             STR_ARG(name));
        }
        if (value_is(mark, VALUE_BOOL) && value_bool(mark)) {
            type->origin_key = name;
            type->origin_default = get_str(&member->value, "default");
        }
        if (type->origin_key.n > 0) {
            return 0;
        }
    }
    return 0;
}

/* Of the config, else of the plugin's settings. */
static int read_origin(const struct manifest *m, const struct value *entry, struct node_type *type,
                       struct error *err)
{
    const struct value *root = document_root(m->document);
    int status = find_origin(value_get(entry, STR("config_schema")), type, err);
    if (status != 0 || type->origin_key.n > 0) {
        return status;
    }
    status = find_origin(value_get(root, STR("settings_schema")), type, err);
    if (status == 0 && type->origin_name.n > 0) {
        return error_set(err, E_INVALID,
                         "'x-ops-origin' of the setting '%.*s' must be "
                         "true: only a config can name one of the settings",
                         STR_ARG(type->origin_name));
    }
    type->flags |= type->origin_key.n > 0 ? NODE_TYPE_SET_ORIGIN : 0;
    return status;
}

static int check_type_name(const struct manifest *m, size_t index, struct str name,
                           struct error *err)
{
    if (!is_name(name) || !is_own_type(name, m->plugin.id)) {
        return error_set(err, E_INVALID,
                         "the node type '%.*s' must be '%.*s' or begin "
                         "with '%.*s.'",
                         STR_ARG(name), STR_ARG(m->plugin.id), STR_ARG(m->plugin.id));
    }
    for (size_t i = 0; i < index; i++) {
        if (str_equal(m->nodes[i].type.name, name)) {
            return error_set(err, E_INVALID, "the node type '%.*s' is there twice", STR_ARG(name));
        }
    }
    return 0;
}

/* The entry as a document of its own, that shares the manifest's. */
static int read_description(struct node_type *type, const struct manifest *m,
                            const struct value *entry, struct error *err)
{
    struct document *description = NULL;
    struct builder *b = builder_create();
    builder_embed(b, m->document, entry);
    int status = builder_finish(b, &description, err);
    type->description = description;
    return status;
}

static int read_node(struct manifest *m, size_t index, const struct value *entry, struct error *err)
{
    struct manifest_node *node = &m->nodes[index];
    struct node_type *type = &node->type;
    struct schema *config = NULL;
    struct schema *output = NULL;
    struct str name = get_str(entry, "type");
    go_to(m, "/nodes/%zu/type", index);
    int status = check_type_name(m, index, name, err);
    if (status != 0) {
        return status;
    }

    struct str risk = get_str(entry, "risk");
    m->node_count = index + 1;
    node->magic = MANIFEST_NODE_MAGIC;
    node->config_version = get_u32(entry, "config_version", 1);
    node->manifest = m;
    type->name = name;
    type->plugin = m->plugin.id;
    type->summary = get_str(entry, "summary");
    type->risk = risk.n > 0 ? risk : STR("low");
    type->ports_from = get_str(entry, "ports_from");
    bool has_calls = manifest_find_interface(m, str_from(OPS_IF_HTTP)) != NULL ||
                     manifest_find_interface(m, str_from(OPS_IF_MAIL)) != NULL;
    bool has_budget = manifest_find_interface(m, str_from(OPS_IF_BUDGET)) != NULL;
    type->flags = read_flags(entry) | (has_calls ? NODE_TYPE_CALLS : 0) |
                  (has_budget ? NODE_TYPE_SPENDS : 0);
    go_to(m, "/nodes/%zu", index);
    status = read_origin(m, entry, type, err);
    if (status == 0) {
        status = read_schema(m, entry, "config_schema", name, &config, err);
    }
    type->config_schema = config;
    if (status == 0) {
        status = read_schema(m, entry, "output_schema", name, &output, err);
        type->output_schema = output;
    }
    if (status == 0) {
        status = read_ports(m, type, entry, err);
    }
    return status == 0 ? read_description(type, m, entry, err) : status;
}

static int read_nodes(struct manifest *m, const struct value *root, struct error *err)
{
    const struct value *list = value_get(root, STR("nodes"));
    m->nodes = arena_calloc(&m->arena, value_count(list), sizeof *m->nodes);
    if (m->nodes == NULL) {
        return error_nomem(err);
    }

    for (size_t i = 0; i < value_count(list); i++) {
        int status = read_node(m, i, value_at(list, i), err);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static int read_parts(struct manifest *m, const struct manifest_source *source, struct error *err)
{
    const struct value *root = document_root(m->document);
    struct schema *settings = NULL;
    int status = check_form(m, source, err);
    if (status == 0) {
        status = read_head(m, root, err);
    }
    if (status == 0) {
        status = read_rate(m, root, err);
    }
    if (status == 0) {
        status = read_interfaces(m, root, err);
    }
    if (status == 0) {
        m->at[0] = '\0';
        status = read_schema(m, root, "settings_schema", m->plugin.id, &settings, err);
        m->plugin.settings_schema = settings;
    }
    return status == 0 ? read_nodes(m, root, err) : status;
}

/*
 * A manifest of a newer interface may look otherwise: no more is taken from it than its name and
 * those of its node types, for the message of version_check().
 */
static int read_foreign(struct manifest *m, struct error *err)
{
    const struct value *root = document_root(m->document);
    const struct value *list = value_get(root, STR("nodes"));
    size_t count = value_is(list, VALUE_LIST) ? value_count(list) : 0;
    m->plugin.id = get_str(root, "id");
    m->plugin.version = get_str(root, "version");
    m->plugin.path = m->path;
    m->nodes = arena_calloc(&m->arena, count + 1, sizeof *m->nodes);
    if (m->nodes == NULL) {
        return error_nomem(err);
    }

    for (size_t i = 0; i < count; i++) {
        struct str name = get_str(value_at(list, i), "type");
        if (name.n > 0) {
            m->nodes[m->node_count++].type.name = name;
        }
    }
    return 0;
}

static bool is_foreign(struct manifest *m)
{
    const struct value *abi = value_get(document_root(m->document), STR("abi"));
    m->epoch = get_u32(abi, "epoch", OPS_ABI_EPOCH);
    m->minor_needed = get_u32(abi, "minor_needed", 0);
    return m->epoch != OPS_ABI_EPOCH || m->minor_needed > OPS_ABI_MINOR;
}

int manifest_read(const struct manifest_source *source, struct manifest **out_manifest,
                  struct error *err)
{
    struct manifest *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return error_nomem(err);
    }

    m->crc = source->crc;
    m->path = arena_dup_str(&m->arena, source->path);
    int status = m->path.p != NULL ? json_read(source->text, NULL, &m->document, err)
                                   : error_nomem(err);
    if (status == E_INVALID) {
        error_prefix(err, "its manifest is not valid JSON: line %u, column %u: ",
                     err != NULL ? err->line : 0, err != NULL ? err->column : 0);
    } else if (status == 0) {
        status = is_foreign(m) ? read_foreign(m, err) : read_parts(m, source, err);
    }
    if (status == E_INVALID && m->document != NULL) {
        manifest_place_add(source->text, str_from(m->at), err);
    }
    if (status != 0) {
        manifest_destroy(m);
        return status;
    }
    *out_manifest = m;
    return 0;
}

static void schema_end(const struct schema *schema)
{
    schema_destroy((struct schema *)(uintptr_t)schema);
}

void manifest_destroy(struct manifest *m)
{
    if (m == NULL) {
        return;
    }

    for (size_t i = 0; i < m->node_count; i++) {
        schema_end(m->nodes[i].type.config_schema);
        schema_end(m->nodes[i].type.output_schema);
        document_unref(m->nodes[i].type.description);
    }
    schema_end(m->plugin.settings_schema);
    document_unref(m->document);
    arena_finish(&m->arena);
    free(m);
}

const struct manifest_node *manifest_node_of(const struct node_type *type)
{
    const struct manifest_node *node =
        (const struct manifest_node *)(const void *)((const char *)type -
                                                     offsetof(struct manifest_node, type));
    CHECK_MAGIC(node, MANIFEST_NODE_MAGIC);
    return node;
}

const struct manifest_node *manifest_find_node(const struct manifest *manifest, struct str name)
{
    for (size_t i = 0; i < manifest->node_count; i++) {
        if (str_equal(manifest->nodes[i].type.name, name)) {
            return &manifest->nodes[i];
        }
    }
    return NULL;
}

const struct manifest_interface *manifest_find_interface(const struct manifest *manifest,
                                                         struct str id)
{
    for (size_t i = 0; i < manifest->interface_count; i++) {
        if (str_equal(manifest->interfaces[i].id, id)) {
            return &manifest->interfaces[i];
        }
    }
    return NULL;
}

bool manifest_has_capability(const struct manifest *manifest, struct str name)
{
    const struct value *root = document_root(manifest->document);
    const struct value *asked = value_get(value_get(root, STR("capabilities")), name);
    return value_is(asked, VALUE_BOOL) && value_bool(asked);
}
