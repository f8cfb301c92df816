/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/definition.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/suggest.h"
#include "core/model/draft.h"
#include "core/model/foreign.h"
#include "core/model/format.h"
#include "core/model/group.h"
#include "core/model/json_tree.h"
#include "core/model/load.h"
#include "core/model/source.h"
#include "core/model/tree.h"
#include "core/model/yaml_tree.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static int check_source(const struct loader *loader)
{
    return source_check(&loader->report, loader->report.is_json ? SOURCE_JSON : SOURCE_YAML);
}

/* E_INVALID when nothing more can be said about it. */
static int read_text(struct loader *loader, struct tree *out_tree)
{
    int status = loader->report.is_json ? json_tree_read(&loader->report, &loader->arena, out_tree)
                                        : yaml_tree_read(&loader->report, &loader->arena, out_tree);
    /* In a map the rest is looked at as well. */
    return status == E_INVALID && tree_is(out_tree, TREE_MAP) ? 0 : status;
}

/* As read_text(). */
static int read_tree(struct loader *loader, struct tree *out_tree)
{
    int status = check_source(loader);
    if (status != 0) {
        return status;
    }
    if (!loader->report.is_json && foreign_is_diagram(&loader->report)) {
        loader->is_foreign = true;
        return E_INVALID;
    }
    status = read_text(loader, out_tree);
    if (status == 0 && !tree_is(out_tree, TREE_MAP)) {
        report_error(&loader->report, out_tree->place, "a pipeline must be a map, not %s",
                     tree_kind_name(out_tree));
        loader->is_foreign = true;
    } else if (status == 0) {
        loader->is_foreign = foreign_is_settings(&loader->report, out_tree);
    }
    return loader->is_foreign ? E_INVALID : status;
}

static int keep_source(struct loader *loader)
{
    struct builder *b = builder_create();
    builder_string(b, loader->report.source);
    return builder_finish(b, &loader->source, NULL);
}

static int make_room(struct loader *loader, size_t count)
{
    loader->definitions = arena_calloc(&loader->arena, count + 1, sizeof(*loader->definitions));
    return loader->definitions != NULL ? 0 : E_NOMEM;
}

/* There is room for it. */
static int add_definition(struct loader *loader, const struct tree *tree, struct str key)
{
    struct str id = draft_pipeline_id(loader, tree, key);
    if (id.p == NULL) {
        return E_NOMEM;
    }
    loader->definitions[loader->definition_count++] =
        (struct definition){.loader = loader, .tree = tree, .key = key, .id = id};
    return 0;
}

static int add_one(struct loader *loader, const struct tree *tree)
{
    int status = make_room(loader, 1);
    return status == 0 ? add_definition(loader, tree, STR("")) : status;
}

static int add_several(struct loader *loader, const struct tree *map)
{
    int status = make_room(loader, map->count);
    if (map->count == 0) {
        report_error(&loader->report, map->place, "'workflows' is empty");
    }
    for (uint32_t i = 0; i < map->count && status == 0; i++) {
        const struct tree_member *member = &map->as.members[i];
        if (tree_is(&member->value, TREE_MAP)) {
            status = add_definition(loader, &member->value, member->key.text);
        } else {
            report_error(&loader->report, member->value.place,
                         "the pipeline '%.*s' must be a map, not %s", STR_ARG(member->key.text),
                         tree_kind_name(&member->value));
        }
    }
    return status;
}

/* Two pipelines of one file could not be told apart. */
static int index_ids(struct loader *loader)
{
    int status = 0;
    for (size_t i = 0; i < loader->definition_count && status == 0; i++) {
        struct definition *definition = &loader->definitions[i];
        status = strmap_add(&loader->ids, definition->id, definition);
        if (status == E_EXISTS) {
            const struct definition *first = strmap_get(&loader->ids, definition->id);
            report_error(&loader->report, definition->tree->place,
                         "two pipelines have the id '%.*s'; the first is at %u:%u",
                         STR_ARG(definition->id), first->tree->place.line,
                         first->tree->place.column);
            status = 0;
        }
    }
    return status;
}

static int find_definitions(struct loader *loader, const struct tree *root)
{
    const struct tree *one = tree_get(root, STR("workflow"));
    const struct tree *several = tree_get(root, STR("workflows"));
    if (one == NULL && !tree_is(several, TREE_MAP)) {
        return add_one(loader, root);
    }
    format_check(&loader->report, root, format_file_keys, "the file", 0);
    if (one != NULL && several != NULL) {
        report_error(&loader->report, several->place, "'workflow' and 'workflows' in one file");
    }
    if (tree_is(one, TREE_MAP)) {
        return add_one(loader, one);
    }
    return tree_is(several, TREE_MAP) ? add_several(loader, several) : 0;
}

/* ---- the files ---- */

static void end_loader(struct loader *loader)
{
    for (size_t i = 0; i < loader->definition_count; i++) {
        schema_destroy(loader->definitions[i].input);
    }
    strmap_finish(&loader->ids);
    document_unref(loader->source);
    arena_finish(&loader->arena);
    free(loader);
}

void loading_finish(struct loading *loading)
{
    strmap_finish(&loading->missing_secrets);
    for (size_t i = 0; i < loading->file_count; i++) {
        end_loader(loading->files[i]);
    }
    free(loading->files);
    free(loading->reports);
    *loading = (struct loading){0};
}

void loading_report_to(struct loading *loading, struct diagnostics *diagnostics)
{
    loading->diagnostics = diagnostics;
    for (size_t i = 0; i < loading->file_count; i++) {
        loading->files[i]->report.diagnostics = diagnostics;
    }
}

/* Takes `loader`. Reports find others by their place, so each must know where they are. */
static int add_file(struct loading *loading, struct loader *loader)
{
    size_t count = loading->file_count + 1;
    struct loader **files =
        array_reserve(loading->files, &loading->file_cap, count, sizeof(struct loader *));
    loading->files = files != NULL ? files : loading->files;
    const struct report **reports =
        array_reserve(loading->reports, &loading->report_cap, count, sizeof(const struct report *));
    loading->reports = reports != NULL ? reports : loading->reports;
    if (files == NULL || reports == NULL) {
        end_loader(loader);
        return E_NOMEM;
    }
    files[count - 1] = loader;
    reports[count - 1] = &loader->report;
    loading->file_count = count;
    return 0;
}

/* While a file is read all places are its own; the trees then may be mixed. */
static void share_reports(struct loading *loading)
{
    for (size_t i = 0; i < loading->file_count; i++) {
        loading->files[i]->report.files = loading->reports;
    }
}

/* Deeper it would stand, with `integrations` around it, deeper than trees may. */
static void check_height(struct loader *loader, const struct tree *root)
{
    if (root->height > TREE_MAX_DEPTH - 2) {
        report_error(&loader->report, root->place, "%s nested deeper than %d levels", loader->part,
                     TREE_MAX_DEPTH - 2);
    } else {
        loader->settings = (struct tree *)(uintptr_t)root; /* of the loader's arena */
    }
}

static int read_part(struct loader *loader, struct tree *root)
{
    int status = check_source(loader);
    status = status == 0 ? read_text(loader, root) : status;
    if (status == 0 && !tree_is(root, TREE_MAP)) {
        report_error(&loader->report, root->place, "the %s must be a map, not %s", loader->part,
                     tree_kind_name(root));
    } else if (status == 0) {
        check_height(loader, root);
    }
    return status;
}

static int read_file(struct loader *loader)
{
    struct tree *root = arena_calloc(&loader->arena, 1, sizeof(*root));
    if (root == NULL) {
        return E_NOMEM;
    }
    if (loader->part != NULL) {
        return read_part(loader, root);
    }
    int status = read_tree(loader, root);
    if (status == 0) {
        status = keep_source(loader);
    }
    if (status == 0) {
        status = find_definitions(loader, root);
    }
    return status == 0 ? index_ids(loader) : status;
}

static int open_file(struct loading *loading, const struct load_library_text *file,
                     const char *part, struct loader **out_file)
{
    struct str name = file->file;
    struct str text = file->text;
    struct loader *loader = calloc(1, sizeof(*loader));
    if (loader == NULL) {
        return E_NOMEM;
    }
    bool has_mark = str_starts_with(text, STR("\xEF\xBB\xBF"));
    struct str source = has_mark ? str_make(text.p + 3, text.n - 3) : text;
    struct str kept = arena_dup_str(&loader->arena, name.n > 0 ? name : STR("-"));
    loader->loading = loading;
    loader->options = loading->options;
    loader->group = loading->group;
    loader->file = kept;
    loader->part = part;
    loader->report = (struct report){.diagnostics = loading->diagnostics,
                                     .file = kept.p,
                                     .source = source,
                                     .holds = part,
                                     .is_json = source_is_json(name, source),
                                     .number = (uint32_t)loading->file_count};
    if (kept.p == NULL) {
        end_loader(loader);
        return E_NOMEM;
    }
    int status = add_file(loading, loader);
    if (status == 0) {
        status = group_add_file(loading->group, kept);
    }
    if (status != 0) {
        return status;
    }
    *out_file = loader;
    status = read_file(loader);
    share_reports(loading);
    return status;
}

int definition_open(struct loading *loading, struct str name, struct str text,
                    struct loader **out_file)
{
    const struct load_library_text file = {name, text};
    return open_file(loading, &file, NULL, out_file);
}

/* ---- the row of those that are needed ---- */

void definition_need(struct loading *loading, struct definition *definition)
{
    if (definition->is_needed) {
        return;
    }
    definition->is_needed = true;
    if (loading->last != NULL) {
        loading->last->next = definition;
    } else {
        loading->first = definition;
    }
    loading->last = definition;
}

struct definition *definition_next(struct loading *loading)
{
    struct definition *definition = loading->first;
    if (definition != NULL) {
        loading->first = definition->next;
        loading->last = loading->first != NULL ? loading->last : NULL;
        definition->next = NULL;
    }
    return definition;
}

/* ---- by id ---- */

/* A file that is named as settings and has pipelines is read as both. */
static struct loader *file_of_name(const struct loading *loading, struct str name, const char *part)
{
    for (size_t i = 0; i < loading->file_count; i++) {
        struct loader *file = loading->files[i];
        bool is_alike = part == NULL || file->part == NULL ? part == file->part
                                                           : strcmp(part, file->part) == 0;
        if (is_alike && str_equal(file->file, name)) {
            return file;
        }
    }
    return NULL;
}

static int find_in_library(struct loading *loading, struct str id,
                           struct definition **out_definition, struct error *err)
{
    const struct load_library *library = loading->options->library;
    struct load_library_text found = {0};
    int status = library->find(library->user, id, &found, err);
    if (status != 0) {
        return status == E_NOT_FOUND || status == E_CONFLICT ? 0 : status;
    }
    struct loader *loader = file_of_name(loading, found.file, NULL);
    if (loader == NULL) {
        status = definition_open(loading, found.file, found.text, &loader);
    }
    if (status == E_NOMEM) {
        return status;
    }
    loader->is_library = true;
    *out_definition = strmap_get(&loader->ids, id);
    if (*out_definition == NULL && loader->definition_count > 0) {
        (void)error_set(err, E_NOT_FOUND, "'%s' does not have it", loader->report.file);
    }
    return 0;
}

int definition_find(struct loader *from, struct str id, struct definition **out_definition,
                    struct error *err)
{
    struct definition *definition = strmap_get(&from->ids, id);
    struct error where = {0};
    if (definition == NULL && from->options->library != NULL) {
        int status = find_in_library(from->loading, id, &definition, &where);
        if (status != 0) {
            return status;
        }
    } else if (definition == NULL) {
        (void)error_set(&where, E_NOT_FOUND, "it is not in this file");
    }
    *err = where;
    *out_definition = definition;
    return 0;
}

int definition_part(struct loader *from, const char *part, struct str name,
                    const struct tree **out_map, struct error *err)
{
    const struct load_library *library = from->options->library;
    struct loading *loading = from->loading;
    struct load_library_text found = {0};
    struct error where = {0};
    int status = 0;
    *out_map = NULL;
    if (library == NULL || library->find_file == NULL) {
        (void)error_set(err, E_NOT_FOUND, "no folder is searched");
        return 0;
    }
    status = library->find_file(library->user, from->file, name, &found, &where);
    *err = where;
    if (status != 0) {
        return status == E_NOMEM ? status : 0;
    }
    struct loader *file = file_of_name(loading, found.file, part);
    if (file == NULL) {
        status = open_file(loading, &found, part, &file);
    }
    if (status == E_NOMEM) {
        return status;
    }
    *out_map = file->settings;
    return 0;
}

bool definition_is_doubled(const struct loader *from, struct place place, struct str id,
                           const struct error *err)
{
    if (err->code == E_CONFLICT) {
        report_error(&from->report, place, "the id '%.*s' is there twice: %s", STR_ARG(id),
                     err->message);
        report_hint(&from->report, "give one of them another id");
    }
    return err->code == E_CONFLICT;
}

struct str definition_nearest(struct loader *from, struct str id)
{
    const struct load_library *library = from->options->library;
    struct suggest nearest = suggest_start(id);
    if (!report_wants_nearest(&from->report)) {
        return STR("");
    }
    for (size_t i = 0; i < from->definition_count; i++) {
        suggest_offer(&nearest, from->definitions[i].id);
    }
    struct str other = {0};
    for (size_t i = 0; library != NULL && (other = library->id_at(library->user, i)).n > 0; i++) {
        suggest_offer(&nearest, other);
    }
    return nearest.best;
}

bool definition_has_body(const struct definition *definition)
{
    return !draft_is_profile(definition->tree);
}

int definition_input(struct definition *definition, const struct schema **out_schema)
{
    int status = profile_resolve(definition);
    if (status == 0 && !definition->has_input) {
        const struct tree *tree = format_map(definition->whole, "input");
        cleanup_document struct document *document = NULL;
        if (tree != NULL) {
            struct builder *b = builder_create();
            tree_write(tree, NULL, NULL, b);
            status = builder_finish(b, &document, NULL);
        }
        if (status == 0 && document != NULL) {
            status = schema_compile(document, &definition->input, NULL);
        }
        definition->has_input = status != E_NOMEM;
    }
    *out_schema = definition->input;
    return status == E_NOMEM ? status : 0;
}
