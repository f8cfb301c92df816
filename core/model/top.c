/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a pipeline that are not about single nodes. */
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/expr/template.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/input_defaults.h"
#include "core/model/known_values.h"
#include "core/model/schema_faults.h"
#include "core/model/schema_keys.h"
#include "core/model/scope.h"
#include "core/model/settings.h"
#include "core/model/tree.h"
#include "core/model/unused.h"
#include "core/model/violations.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { DEFAULT_BATCH_SIZE = 100, DEFAULT_PARALLEL_WORKERS = 10 };

static bool has_any(const struct tree *map, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tree_find(map, str_from(keys[i])) != NULL) {
            return true;
        }
    }
    return false;
}

static bool has_body(const struct tree *tree)
{
    static const char *const bodies[] = {"nodes", "edges", "steps", "states", "tools", "workflows"};
    return has_any(tree, bodies, sizeof(bodies) / sizeof(bodies[0]));
}

bool draft_is_profile(const struct tree *tree)
{
    static const char *const types[] = {"type", "service"};
    return !has_body(tree) && !has_any(tree, types, sizeof(types) / sizeof(types[0]));
}

static void check_maps(struct draft *draft)
{
    static const struct {
        const char *name;
        const struct format_key *table;
    } maps[] = {
        {"resilience", format_resilience_keys},
        {"scaling", format_scaling_keys},
        {"retention", format_retention_keys},
    };
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        const struct tree *map = format_map(draft->tree, maps[i].name);
        if (map != NULL) {
            struct label label = label_make("'%s'", maps[i].name);
            format_check(&draft->loader->report, map, maps[i].table, label.text,
                         draft->is_profile ? FORMAT_PROFILE : 0);
        }
    }
}

static bool check_label(struct draft *draft, const struct tree_member *label)
{
    bool is_text = tree_is_scalar(&label->value) && label->value.kind != TREE_NULL;
    if (!is_text) {
        report_error(&draft->loader->report, label->value.place,
                     "the label '%.*s' must be text, not %s", STR_ARG(label->key.text),
                     tree_kind_name(&label->value));
    }
    return is_text;
}

/* As everywhere where text is wanted, the source of a number counts: 1.10 is no 1.1. */
static int read_labels(struct draft *draft)
{
    const struct tree *labels = format_map(draft->tree, "labels");
    struct document *document = NULL;
    struct builder *b = builder_create();
    draft->storage->pipeline.labels = document_empty_map();
    builder_map_begin(b);
    for (uint32_t i = 0; labels != NULL && i < labels->count; i++) {
        const struct tree_member *label = &labels->as.members[i];
        if (check_label(draft, label)) {
            builder_member_string(b, label->key.text, label->value.text);
        }
    }
    builder_map_end(b);
    int status = builder_finish(b, &document, NULL);
    if (status != 0) {
        return status == E_EXISTS ? 0 : status; /* reported with the keys that are there twice */
    }
    draft->storage->pipeline.labels = document;
    return storage_take_document(draft->storage, document);
}

static bool is_pipeline_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool is_allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || (i > 0 && (c == '-' || c == '.'));
        if (!is_allowed) {
            return false;
        }
    }
    return id.n > 0 && id.n <= DRAFT_MAX_ID_BYTES;
}

static void check_id(struct draft *draft)
{
    const struct report *report = &draft->loader->report;
    struct str id = draft->storage->pipeline.id;
    const struct tree *written = tree_get(draft->tree, STR("id"));
    struct place place = written != NULL ? written->place : draft->tree->place;
    if (id.n == 0 && (format_is_misspelt(draft->tree, format_pipeline_keys, "name") ||
                      format_is_misspelt(draft->tree, format_pipeline_keys, "id"))) {
        return;
    }
    struct str name = {0};
    if (id.n == 0 && written == NULL && format_text(draft->tree, "name", &name) &&
        str_trim(name).n > 0) {
        report_error(report, tree_get(draft->tree, STR("name"))->place,
                     "no id can be made of this name: give an 'id'");
        report_hint(report, "of a name, letters a to z, digits and '_' become the id");
    } else if (id.n == 0) {
        report_error(report, place, "a pipeline needs a 'name' or an 'id'");
    } else if (!is_pipeline_id(id)) {
        report_error(report, place, "'%.*s' cannot be the id of a pipeline", STR_ARG(id));
        report_hint(report, "an id has letters, digits, '_', '-' and '.', at most %d",
                    DRAFT_MAX_ID_BYTES);
    }
}

static int read_texts(struct draft *draft)
{
    struct pipeline *pipeline = &draft->storage->pipeline;
    const struct loader *loader = draft->loader;
    struct str name = pipeline->id;
    struct str version = STR("");
    struct str description = STR("");
    (void)format_text(draft->tree, "name", &name);               /* without: the id */
    (void)format_text(draft->tree, "version", &version);         /* without: none */
    (void)format_text(draft->tree, "description", &description); /* without: none */
    if (draft_keep_text(draft, name, &pipeline->name) != 0 ||
        draft_keep_text(draft, version, &pipeline->version) != 0 ||
        draft_keep_text(draft, description, &pipeline->description) != 0 ||
        draft_keep_text(draft, loader->file, &pipeline->file) != 0 ||
        storage_take_document(draft->storage, document_ref(loader->source)) != 0) {
        return E_NOMEM;
    }
    pipeline->source = value_str(document_root(loader->source));
    return 0;
}

static void read_numbers(struct draft *draft)
{
    struct pipeline *pipeline = &draft->storage->pipeline;
    struct str policy = STR("");
    (void)format_text(draft->tree, "error_policy", &policy); /* without: stop_on_error */
    pipeline->is_continue_on_error = str_equal(policy, STR("continue"));
    if (!draft->is_single) {
        (void)format_duration(draft->tree, "timeout", &pipeline->timeout_ms); /* without: none */
    }
    (void)format_duration(format_map(draft->tree, "resilience"), "timeout",
                          &draft->node_timeout_ms); /* without: none */
    const struct tree *scaling = format_map(draft->tree, "scaling");
    draft->batch_size = DEFAULT_BATCH_SIZE;
    draft->parallel_workers = DEFAULT_PARALLEL_WORKERS;
    (void)format_count(scaling, "max_parallel_nodes",
                       &pipeline->max_parallel_nodes);                         /* or no limit */
    (void)format_count(scaling, "max_memory_mb", &pipeline->max_memory_mb);    /* or the default */
    (void)format_count(scaling, "batch_size", &draft->batch_size);             /* or the default */
    (void)format_count(scaling, "parallel_workers", &draft->parallel_workers); /* likewise */
    settings_read_retention(format_map(draft->tree, "retention"), &pipeline->retention);
    pipeline->refuses_rollback = format_bool(draft->tree, "rollback", &pipeline->has_rollback) &&
                                 !pipeline->has_rollback;
}

/* No other run could start: what runs are given is a map. */
static void check_input_type(struct draft *draft, const struct tree *tree)
{
    const struct tree *type = tree_get(tree, STR("type"));
    bool is_map = type == NULL ||
                  (tree_is(type, TREE_TEXT) && str_equal(type->text, STR("object")));
    for (uint32_t i = 0; tree_is(type, TREE_LIST) && i < type->count; i++) {
        is_map = is_map || str_equal(type->as.items[i].text, STR("object"));
    }
    if (!is_map) {
        report_error(&draft->loader->report, type->place,
                     "'input' must be of type 'object': what a run is given is always a map");
        report_hint(&draft->loader->report, "write {type: object, properties: {NAME: {...}}}");
    }
}

static int read_input(struct draft *draft)
{
    const struct tree *tree = format_map(draft->tree, "input");
    cleanup_document struct document *document = NULL;
    if (tree == NULL) {
        return 0;
    }
    schema_keys_check(&draft->loader->report, tree);
    int status = scope_make_document(draft, tree, NULL, &document);
    if (status != 0) {
        return status == E_INVALID ? 0 : status;
    }
    struct schema *schema = NULL;
    status = schema_faults_report(&draft->loader->report, tree, document, &schema);
    if (status != 0 || schema == NULL) {
        return status;
    }
    check_input_type(draft, tree);
    draft->storage->pipeline.input_schema = schema;
    status = storage_take_schema(draft->storage, schema);
    return status == 0 ? input_defaults_check(draft, tree, document) : status;
}

/* The depth is that of the file's tree, which has its limit. */
static void refuse_expressions(const struct draft *draft, const struct tree *tree)
{
    for (uint32_t i = 0; tree_is(tree, TREE_MAP) && i < tree->count; i++) {
        refuse_expressions(draft, &tree->as.members[i].value);
    }
    for (uint32_t i = 0; tree_is(tree, TREE_LIST) && i < tree->count; i++) {
        refuse_expressions(draft, &tree->as.items[i]);
    }
    if (tree_is(tree, TREE_TEXT) && known_values_has_expression(tree->text)) {
        report_error(&draft->loader->report, tree->place,
                     "'config' holds constants: an expression is not allowed here");
        bool is_secret = memmem(tree->text.p, tree->text.n, "secrets", 7) != NULL;
        report_hint(&draft->loader->report,
                    is_secret ? "a secret is named where it is needed: in 'integrations', or in "
                                "fields such as 'headers' of http"
                              : "write it where the value is read, or into a node of type 'set'");
    }
}

/*
 * The pipeline's own constants: environment variables are put in, and nothing else.
 * `*out_document` stays as it is when there are none.
 */
static int read_own_config(struct draft *draft, struct document **out_document)
{
    const struct tree *tree = draft->is_single ? NULL : format_map(draft->tree, "config");
    struct scope_at at = {.site = USE_SETTINGS, .names = SCOPE_NOTHING, .what = "'config'"};
    if (tree == NULL) {
        return 0;
    }
    const struct template *template = NULL;
    int status = scope_compile_template(draft, tree, NULL, &at, &template);
    if (status != 0) {
        return status;
    }
    draft->is_config_faulty = template == NULL || !template_is_constant(template);
    if (draft->is_config_faulty) {
        refuse_expressions(draft, tree);
        return 0;
    }
    struct expr_scope scope = {0};
    struct expr_budget budget = expr_default_budget;
    return template_resolve(template, &scope, &budget, out_document, NULL);
}

static int read_config(struct draft *draft)
{
    const struct document *site = draft->loader->options->config;
    struct document *own = document_empty_map();
    draft->storage->pipeline.config = own;
    int status = read_own_config(draft, &own);
    if (status != 0) {
        return status;
    }
    struct document *config = own;
    if (site != NULL) {
        status = settings_merge(own, site, &config);
        document_unref(own);
    }
    if (status != 0) {
        return status;
    }
    draft->storage->pipeline.config = config;
    return storage_take_document(draft->storage, config);
}

int top_read(struct draft *draft)
{
    draft->is_profile = draft_is_profile(draft->tree);
    draft->is_single = !draft->is_profile && !has_body(draft->tree);
    format_check(&draft->loader->report, draft->tree,
                 draft->is_single ? format_single_keys : format_pipeline_keys, "the pipeline",
                 draft->is_profile ? FORMAT_PROFILE : 0);
    check_id(draft);
    check_maps(draft);
    read_numbers(draft);
    int status = read_texts(draft);
    if (status == 0) {
        status = policies_read_resilience(draft);
    }
    if (status == 0) {
        status = budget_read_pipeline(draft);
    }
    if (status == 0) {
        status = read_labels(draft);
    }
    if (status == 0) {
        status = monitoring_read(draft);
    }
    if (status == 0) {
        status = sanitize_read(draft);
    }
    if (status == 0) {
        status = read_input(draft);
    }
    return status == 0 ? read_config(draft) : status;
}

/* The keys of an integration that are the plugin's own, in the loader's arena. */
static int split_settings(struct draft *draft, const struct tree *map, struct tree *out)
{
    struct tree_member *members =
        arena_alloc(&draft->loader->arena, (map->count + 1) * sizeof(*members));
    if (members == NULL) {
        return E_NOMEM;
    }
    *out = *map;
    out->count = 0;
    out->as.members = members;
    for (uint32_t i = 0; i < map->count; i++) {
        if (format_find(format_policy_keys, map->as.members[i].key.text) == NULL) {
            members[out->count++] = map->as.members[i];
        }
    }
    return 0;
}

static void report_no_settings(const struct draft *draft, const struct tree_member *setting,
                               struct str plugin)
{
    const struct report *report = &draft->loader->report;
    report_error(report, setting->key.place, "the plugin '%.*s' has no setting '%.*s'",
                 STR_ARG(plugin), STR_ARG(setting->key.text));
    struct str nearest = format_nearest(format_policy_keys, setting->key.text);
    if (format_is_of_a_node(setting->key.text)) {
        report_hint(report, "nodes differ in it: put it at a node");
    } else if (nearest.n > 0) {
        report_hint(report, "did you mean '%.*s'?", STR_ARG(nearest));
    } else {
        report_hint(report, "it has none of its own, only timeout, max_concurrency and policies");
    }
}

/* What a file says of the type of a node: all of it, or where it begins; empty: nothing. */
static struct str written_type(const struct draft_node *node)
{
    struct str type = STR("");
    if (node->role == ROLE_TOOL) {
        return format_text(node->tree, "name", &type) ? type : node->id;
    }
    return format_text(node->work, "type", &type) || format_text(node->work, "service", &type)
               ? type
               : STR("");
}

/* Whether a node is of a type of the plugin; its place is no matter. */
static bool is_used(const struct draft *draft, struct str plugin)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        struct str type = written_type(&draft->drafts[i]);
        if (str_starts_with(type, plugin) &&
            (type.n == plugin.n || type.p[plugin.n] == '.' || type.p[plugin.n] == '/')) {
            return true;
        }
    }
    return false;
}

static const struct plugin_type *find_plugin(struct draft *draft, const struct tree *key)
{
    const struct catalogue *catalogue = draft->loader->options->catalogue;
    const struct plugin_type *plugin = catalogue->find_plugin(catalogue->user, key->text);
    if (plugin == NULL && is_used(draft, key->text)) {
        report_error(&draft->loader->report, key->place, "the plugin '%.*s' is not installed",
                     STR_ARG(key->text));
        report_hint(&draft->loader->report, "the folders searched: %.*s",
                    STR_ARG(catalogue->folders(catalogue->user)));
    } else if (plugin == NULL) {
        report_warning(&draft->loader->report, key->place,
                       "the plugin '%.*s' is not installed, and no node uses it",
                       STR_ARG(key->text));
    }
    return plugin;
}

static int read_integration(struct draft *draft, const struct tree_member *member,
                            struct policies_draft *policies, struct integration *out)
{
    struct label what = label_of("integration", member->key.text);
    struct scope_at at = {.site = USE_SETTINGS, .names = SCOPE_SECRETS, .what = what.text};
    struct tree settings = {0};
    format_check(&draft->loader->report, &member->value, format_policy_keys, what.text,
                 FORMAT_OTHER_KEYS);
    if (tree_is(&member->value, TREE_TEXT)) {
        report_hint(&draft->loader->report, "or the name of a file that has it, such as %.*s.yaml",
                    STR_ARG(member->key.text));
    }
    if (!tree_is(&member->value, TREE_MAP)) {
        return 0;
    }
    (void)format_count(&member->value, "max_concurrency", &out->concurrency); /* or the default */
    (void)format_duration(&member->value, "timeout", &out->timeout_ms);       /* without: none */
    out->place = member->key.place;
    int status = draft_keep_text(draft, member->key.text, &out->plugin);
    if (status == 0) {
        status = policies_read_integration(draft, member, what.text, policies);
    }
    if (status == 0) {
        status = split_settings(draft, &member->value, &settings);
    }
    if (status != 0) {
        return status;
    }
    const struct plugin_type *plugin = find_plugin(draft, &member->key);
    const struct schema *schema = plugin != NULL ? plugin->settings_schema : NULL;
    if (plugin != NULL && schema == NULL && settings.count > 0) {
        report_no_settings(draft, &settings.as.members[0], member->key.text);
    }
    draft->integration = out;
    status = violations_check_template(draft, &settings, schema, &at, &out->settings);
    draft->integration = NULL;
    unused_report(&draft->loader->report, &settings, schema != NULL ? schema_source(schema) : NULL,
                  what.text);
    return status;
}

int top_read_integrations(struct draft *draft)
{
    const struct tree *map = format_map(draft->tree, "integrations");
    struct pipeline *pipeline = &draft->storage->pipeline;
    if (map == NULL || draft->is_profile) {
        return 0;
    }
    struct integration *integrations =
        arena_calloc(&draft->storage->arena, map->count + 1, sizeof(*integrations));
    draft->integration_policies =
        arena_calloc(&draft->loader->arena, map->count + 1, sizeof(*draft->integration_policies));
    if (integrations == NULL || draft->integration_policies == NULL) {
        return E_NOMEM;
    }
    int status = 0;
    for (uint32_t i = 0; i < map->count && status == 0; i++) {
        status = read_integration(draft, &map->as.members[i], &draft->integration_policies[i],
                                  &integrations[i]);
    }
    pipeline->integrations = integrations;
    pipeline->integration_count = map->count;
    return status;
}

int top_read_output(struct draft *draft)
{
    const struct tree *tree = tree_get(draft->tree, STR("output"));
    struct scope_at at = {.site = USE_OUTPUT, .what = "'output'"};
    if (tree == NULL || draft->is_profile) {
        return 0;
    }
    return scope_compile_template(draft, tree, NULL, &at, &draft->storage->pipeline.output);
}
