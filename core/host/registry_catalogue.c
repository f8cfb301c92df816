/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/registry_catalogue.h"

#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/host/manifest.h"
#include "core/host/probe_result.h"
#include "core/host/registry.h"
#include "core/host/registry_file.h"
#include "core/host/registry_types.h"

/* ---- One type ---- */

/* A file without a readable manifest that by its name should have the type. */
static struct registry_file *find_by_name(const struct registry *registry, struct str name)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        struct registry_file *file = registry->files[i];
        struct str path = file->info.path;
        size_t start = path.n;
        while (start > 0 && path.p[start - 1] != '/') {
            start--;
        }
        struct str stem = str_make(path.p + start, path.n - start);
        if (file->info.id.n > 0 || !str_ends_with(stem, STR(".so"))) {
            continue;
        }
        stem.n -= 3;
        if (str_equal(stem, name) || (str_starts_with(name, stem) && name.p[stem.n] == '.')) {
            return file;
        }
    }
    return NULL;
}

static const struct node_type *refuse_unknown(const struct registry *registry, struct str name,
                                              struct error *err)
{
    const struct registry_file *file = find_by_name(registry, name);
    if (file != NULL) {
        return registry_file_refuse(file, err);
    }
    error_set(err, E_NOT_FOUND, "no plugin has the node type '%.*s' (searched: %s)", STR_ARG(name),
              registry->folders_text.p);
    return NULL;
}

/* Somebody has put another file there, and no code of the old one runs. */
static bool is_outdated(const struct registry_file *file)
{
    struct trust_stamp now = trust_stamp_of(file->info.path.p);
    return !file->is_loaded && !trust_stamp_equal(&file->stamp, &now);
}

static const struct node_type *type_of(struct registry *registry, struct str name,
                                       struct error *err)
{
    const struct registry_type *type = strmap_get(&registry->types.by_name, name);
    if (type == NULL) {
        return refuse_unknown(registry, name, err);
    }
    if (type->rival != NULL) {
        error_set(err, E_PLUGIN,
                  "the node type '%.*s' is in two plugins: '%.*s' and '%.*s'; remove one",
                  STR_ARG(name), STR_ARG(type->file->info.path), STR_ARG(type->rival->info.path));
        return NULL;
    }
    if (registry_file_read_manifest(registry, type->file, err) != 0) {
        return NULL;
    }
    if (is_outdated(type->file)) {
        error_set(err, E_CONFLICT, "plugin file '%.*s' is being changed: try again",
                  STR_ARG(type->file->info.path));
        return NULL;
    }
    registry_file_look_at_trial(registry, type->file);
    if (type->file->problem_code != 0) {
        return registry_file_refuse(type->file, err);
    }

    const struct manifest_node *node = manifest_find_node(type->file->manifest, name);
    if (node == NULL) {
        error_set(err, E_PLUGIN, "plugin file '%.*s' has no node type '%.*s' any more",
                  STR_ARG(type->file->info.path), STR_ARG(name));
        return NULL;
    }
    return &node->type;
}

/* ---- What was there before ---- */

/*
 * An upgrade that is half way, or of a plugin that needs a newer host, takes nothing away from this
 * process: until its end it has what it has already used. Of the type, or with `name` empty, `id`.
 */
static const struct registry_file *find_kept(const struct registry *registry, struct str id,
                                             struct str name)
{
    for (size_t i = registry->retired_count; i-- > 0;) {
        const struct registry_file *file = registry->retired[i];
        if (file->problem_code == 0 && registry_file_is_kept(file) &&
            (name.n > 0 ? manifest_find_node(file->manifest, name) != NULL
                        : str_equal(file->info.id, id))) {
            return file;
        }
    }
    return NULL;
}

static const struct node_type *kept_type_of(const struct registry *registry, struct str name)
{
    const struct registry_type *type = strmap_get(&registry->types.by_name, name);
    bool is_disputed = type != NULL && type->rival != NULL;
    const struct registry_file *file = is_disputed ? NULL
                                                   : find_kept(registry, str_make(NULL, 0), name);
    return file != NULL ? &manifest_find_node(file->manifest, name)->type : NULL;
}

/* ---- The functions of struct catalogue ---- */

static const struct node_type *find_type(void *user, struct str name, struct error *err)
{
    struct registry *registry = user;
    struct error problem = {0};
    if (registry_load(registry, err) != 0) {
        return NULL;
    }

    const struct node_type *type = type_of(registry, name, &problem);
    bool may_help =
        problem.code == E_CONFLICT ||
        (registry->was_indexed && problem.code != E_NOMEM && problem.code != E_NOT_FOUND);
    if (type == NULL && may_help && registry_repair(registry, &problem) == 0) {
        problem = (struct error){0};
        type = type_of(registry, name, &problem);
    }
    if (type != NULL) {
        const struct registry_type *known = strmap_get(&registry->types.by_name, name);
        registry_file_keep(known->file);
        return type;
    }
    type = kept_type_of(registry, name);
    if (type == NULL) {
        error_copy(err, &problem);
    }
    return type;
}

static const struct plugin_type *find_plugin(void *user, struct str id)
{
    struct registry *registry = user;
    struct registry_file *file =
        registry_load(registry, NULL) == 0 ? registry_find_plugin(registry, id) : NULL;
    if (file != NULL && registry_file_read_manifest(registry, file, NULL) == 0 &&
        file->problem_code == 0) {
        return &file->manifest->plugin;
    }
    const struct registry_file *kept = find_kept(registry, id, str_make(NULL, 0));
    return kept != NULL ? &kept->manifest->plugin : NULL;
}

static const struct node_type *type_at(void *user, size_t i)
{
    struct registry *registry = user;
    if (registry_load(registry, NULL) != 0 || i >= registry->types.sorted_count) {
        return NULL;
    }
    return type_of(registry, registry->types.sorted[i]->line.name, NULL);
}

/* Of what is not trusted, whether it has been tried: no manifest is read for it. */
static struct str note_of(const struct registry *registry, const struct registry_file *file)
{
    struct probe_result result = PROBE_RESULT_INIT;
    if (file->hash[0] == '\0') {
        return str_make(NULL, 0);
    }
    struct str note = STR("not tried yet");
    if (copy_shelf_find_result(&registry->copies, file->hash, &result)) {
        note = result.outcome == PROBE_PASSED    ? str_make(NULL, 0)
               : result.outcome == PROBE_REFUSED ? STR("tried, and did not start")
                                                 : STR("tried, and cannot be used");
    }
    probe_result_finish(&result);
    return note;
}

static bool line_at(void *user, size_t i, struct node_type_line *out_line)
{
    struct registry *registry = user;
    if (registry_load(registry, NULL) != 0 || i >= registry->types.sorted_count) {
        return false;
    }
    *out_line = registry->types.sorted[i]->line;
    out_line->note = note_of(registry, registry->types.sorted[i]->file);
    return true;
}

/* A folder that was refused is in the list like a file. */
static const struct registry_file *find_refused(const struct registry *registry, struct str folder)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        const struct registry_file *file = registry->files[i];
        if (file->info.problem.n > 0 && str_equal(file->info.path, folder)) {
            return file;
        }
    }
    return NULL;
}

/* Those that were not looked into say why; the program's own may be missing. */
static struct str folders_text(void *user)
{
    struct registry *registry = user;
    struct strbuf *told = &registry->folders_told;
    strbuf_clear(told);
    for (size_t i = 0; registry_load(registry, NULL) == 0 && i < registry->folder_count; i++) {
        const struct registry_file *refused = find_refused(registry, registry->folders[i]);
        strbuf_append_format(told, "%s%.*s", i > 0 ? ", " : "", STR_ARG(registry->folders[i]));
        struct trust_stamp stamp = trust_stamp_of(registry->folders[i].p);
        if (i < registry->named_count && trust_stamp_equal(&stamp, &(struct trust_stamp){0})) {
            strbuf_append_text(told, " (not there)");
        }
        if (refused != NULL) {
            strbuf_append_format(told, " (not used: %.*s)", STR_ARG(refused->info.problem));
        }
    }
    bool is_told = told->n > 0 && strbuf_status(told) == 0;
    return strbuf_str(is_told ? told : &registry->folders_text);
}

void registry_catalogue_init(struct catalogue *catalogue, struct registry *registry)
{
    *catalogue = (struct catalogue){
        .user = registry,
        .find_type = find_type,
        .find_plugin = find_plugin,
        .type_at = type_at,
        .line_at = line_at,
        .folders = folders_text,
    };
}
