/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/load.h"

#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/model/draft.h"
#include "core/model/foreign.h"
#include "core/model/format.h"
#include "core/model/group.h"
#include "core/model/json_tree.h"
#include "core/model/source.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* One pipeline of the file, before it is checked. */
struct found {
    const struct tree *tree;
    struct str key; /* under `workflows:`, or empty */
    struct str id;
};

/* All of them. */
struct finds {
    struct found *items; /* in the loader's arena */
    size_t count;
};

static bool is_json_text(struct str file, struct str text)
{
    if (str_ends_with(file, STR(".json"))) {
        return true;
    }
    struct str trimmed = str_trim(text);
    return !str_ends_with(file, STR(".yaml")) && !str_ends_with(file, STR(".yml")) &&
           trimmed.n > 0 && (trimmed.p[0] == '{' || trimmed.p[0] == '[');
}

static int read_tree(struct loader *loader, struct tree *out_tree)
{
    int status = source_check(&loader->report, loader->report.is_json ? SOURCE_JSON : SOURCE_YAML);
    if (status != 0) {
        return status;
    }
    if (!loader->report.is_json && foreign_is_diagram(&loader->report)) {
        return E_INVALID;
    }
    status = loader->report.is_json ? json_tree_read(&loader->report, &loader->arena, out_tree)
                                    : yaml_tree_read(&loader->report, &loader->arena, out_tree);
    if (status == E_INVALID && tree_is(out_tree, TREE_MAP)) {
        status = 0; /* the rest is looked at as well */
    }
    if (status == 0 && !tree_is(out_tree, TREE_MAP)) {
        report_error(&loader->report, out_tree->place, "a pipeline must be a map, not %s",
                     tree_kind_name(out_tree));
        status = E_INVALID;
    }
    if (status == 0 && foreign_is_settings(&loader->report, out_tree)) {
        status = E_INVALID;
    }
    return status;
}

static int keep_source(struct loader *loader)
{
    struct builder *b = builder_create();
    builder_string(b, loader->report.source);
    int status = builder_finish(b, &loader->source, NULL);
    return status;
}

static int find_one(struct loader *loader, const struct tree *tree, struct finds *finds)
{
    finds->items = arena_calloc(&loader->arena, 1, sizeof(*finds->items));
    if (finds->items == NULL) {
        return E_NOMEM;
    }
    finds->items[0] = (struct found){.tree = tree, .id = draft_pipeline_id(loader, tree, STR(""))};
    finds->count = 1;
    return finds->items[0].id.p != NULL ? 0 : E_NOMEM;
}

static int find_several(struct loader *loader, const struct tree *map, struct finds *finds)
{
    finds->items = arena_calloc(&loader->arena, (size_t)map->count + 1, sizeof(*finds->items));
    if (finds->items == NULL) {
        return E_NOMEM;
    }
    if (map->count == 0) {
        report_error(&loader->report, map->place, "'workflows' is empty");
    }
    for (uint32_t i = 0; i < map->count; i++) {
        const struct tree_member *member = &map->as.members[i];
        if (!tree_is(&member->value, TREE_MAP)) {
            report_error(&loader->report, member->value.place,
                         "the pipeline '%.*s' must be a map, not %s", STR_ARG(member->key.text),
                         tree_kind_name(&member->value));
            continue;
        }
        finds->items[finds->count++] = (struct found){
            .tree = &member->value,
            .key = member->key.text,
            .id = draft_pipeline_id(loader, &member->value, member->key.text),
        };
    }
    return 0;
}

/* Two pipelines of one file could not be told apart. */
static int check_doubled(struct loader *loader, const struct finds *finds)
{
    struct strmap seen = STRMAP_INIT;
    int status = 0;
    for (size_t i = 0; i < finds->count && status == 0; i++) {
        struct found *found = &finds->items[i];
        status = strmap_add(&seen, found->id, found);
        if (status == E_EXISTS) {
            const struct found *first = strmap_get(&seen, found->id);
            report_error(&loader->report, found->tree->place,
                         "two pipelines have the id '%.*s'; the first is at %u:%u",
                         STR_ARG(found->id), first->tree->place.line, first->tree->place.column);
            status = 0;
        }
    }
    strmap_finish(&seen);
    return status;
}

static int find_pipelines(struct loader *loader, const struct tree *root, struct finds *finds)
{
    const struct tree *one = tree_get(root, STR("workflow"));
    const struct tree *several = tree_get(root, STR("workflows"));
    if (one == NULL && !tree_is(several, TREE_MAP)) {
        return find_one(loader, root, finds);
    }
    format_check(&loader->report, root, format_file_keys, "the file", 0);
    if (one != NULL && several != NULL) {
        report_error(&loader->report, several->place, "'workflow' and 'workflows' in one file");
    }
    if (tree_is(one, TREE_MAP)) {
        return find_one(loader, one, finds);
    }
    int status = tree_is(several, TREE_MAP) ? find_several(loader, several, finds) : 0;
    return status == 0 ? check_doubled(loader, finds) : status;
}

/* Leaves only the pipeline that is wanted. */
static int select_wanted(const struct loader *loader, struct finds *finds, struct error *err)
{
    struct str wanted = loader->options->id;
    struct suggest nearest = suggest_start(wanted);
    struct strbuf list = STRBUF_INIT;
    if (wanted.n == 0) {
        return 0;
    }
    for (size_t i = 0; i < finds->count; i++) {
        if (str_equal(finds->items[i].id, wanted)) {
            finds->items[0] = finds->items[i];
            finds->count = 1;
            strbuf_finish(&list);
            return 0;
        }
        strbuf_append_format(&list, "%s'%.*s'", i > 0 ? ", " : "", STR_ARG(finds->items[i].id));
        suggest_offer(&nearest, finds->items[i].id);
    }
    bool is_near = nearest.best.n > 0;
    int status = error_set(err, E_NOT_FOUND, "%.*s has no pipeline '%.*s'; it has %.*s%s%.*s%s",
                           STR_ARG(loader->options->file), STR_ARG(wanted),
                           STR_ARG(strbuf_str(&list)), is_near ? "; did you mean '" : "",
                           STR_ARG(nearest.best), is_near ? "'?" : "");
    strbuf_finish(&list);
    return status;
}

static int make_room(size_t count, struct definitions **out_definitions)
{
    struct definitions *definitions = calloc(1, sizeof(*definitions));
    if (definitions == NULL) {
        return E_NOMEM;
    }
    definitions->pipelines = calloc(count + 1, sizeof(struct pipeline *));
    definitions->ids = calloc(count + 1, sizeof(*definitions->ids));
    if (definitions->pipelines == NULL || definitions->ids == NULL) {
        definitions_destroy(definitions);
        return E_NOMEM;
    }
    *out_definitions = definitions;
    return 0;
}

static int read_found(struct loader *loader, const struct found *found,
                      struct definitions *definitions)
{
    size_t i = definitions->count;
    char *id = str_dup(found->id);
    if (id == NULL) {
        return E_NOMEM;
    }
    definitions->ids[i] = str_make(id, found->id.n);
    definitions->count++;
    struct pipeline *pipeline = NULL;
    int status = draft_read(loader, found->tree, found->key, &pipeline);
    if (status == 0 && pipeline != NULL) {
        status = group_join(loader->group, pipeline, 0, false);
        definitions->pipelines[i] = status == 0 ? pipeline_ref(pipeline) : NULL;
    }
    return status;
}

static int load(struct loader *loader, struct definitions **out_definitions, struct error *err)
{
    struct tree root = {0};
    struct finds finds = {0};
    int status = read_tree(loader, &root);
    if (status == 0) {
        status = keep_source(loader);
    }
    if (status == 0) {
        status = find_pipelines(loader, &root, &finds);
    }
    if (status == 0) {
        status = select_wanted(loader, &finds, err);
    }
    if (status == 0) {
        status = make_room(finds.count, out_definitions);
    }
    for (size_t i = 0; i < finds.count && status == 0; i++) {
        status = read_found(loader, &finds.items[i], *out_definitions);
    }
    return status;
}

int load_text(struct str text, const struct load_options *options, struct diagnostics *diagnostics,
              struct definitions **out_definitions, struct error *err)
{
    struct definitions *definitions = NULL;
    size_t errors_before = diagnostics->error_count;
    cleanup_free char *file = options->file.n > 0 ? str_dup(options->file) : str_dup(STR("-"));
    struct pipeline_group *group = group_create();
    if (file == NULL || group == NULL || group_add_file(group, str_from(file)) != 0) {
        group_unref(group);
        return error_nomem(err);
    }
    struct str source =
        str_starts_with(text, STR("\xEF\xBB\xBF")) ? str_make(text.p + 3, text.n - 3) : text;
    struct loader loader = {
        .options = options,
        .report = {.diagnostics = diagnostics,
                   .file = file,
                   .source = source,
                   .is_json = is_json_text(options->file, source)},
        .group = group,
    };
    int status = load(&loader, &definitions, err);
    group_unref(group);
    document_unref(loader.source);
    arena_finish(&loader.arena);
    if (status == E_NOMEM || (status == 0 && diagnostics_status(diagnostics) != 0)) {
        status = error_nomem(err);
    } else if (status != E_NOT_FOUND && diagnostics->error_count > errors_before) {
        status = error_set(err, E_INVALID, "'%s' has %zu error%s", file,
                           diagnostics->error_count - errors_before,
                           diagnostics->error_count - errors_before == 1 ? "" : "s");
    }
    diagnostics_sort(diagnostics);
    if (status != 0) {
        definitions_destroy(definitions);
        return status;
    }
    *out_definitions = definitions;
    return 0;
}

void definitions_destroy(struct definitions *definitions)
{
    if (definitions == NULL) {
        return;
    }
    for (size_t i = 0; i < definitions->count; i++) {
        pipeline_unref(definitions->pipelines[i]);
        free((void *)(uintptr_t)definitions->ids[i].p);
    }
    free(definitions->pipelines);
    free(definitions->ids);
    free(definitions);
}
