/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/load.h"

#include <stdlib.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/model/group.h"
#include "core/model/queue_item.h"
#include "core/model/recursion.h"
#include "core/model/tree.h"

static int report_unwanted(const struct loader *file, struct error *err)
{
    struct str wanted = file->options->id;
    struct suggest nearest = suggest_start(wanted);
    struct strbuf list = STRBUF_INIT;
    for (size_t i = 0; i < file->definition_count; i++) {
        struct str id = file->definitions[i].id;
        strbuf_append_format(&list, "%s'%.*s'", i > 0 ? ", " : "", STR_ARG(id));
        suggest_offer(&nearest, id);
    }
    bool is_near = nearest.best.n > 0;
    int status = error_set(err, E_NOT_FOUND, "%.*s has no pipeline '%.*s'; it has %.*s%s%.*s%s",
                           STR_ARG(file->options->file), STR_ARG(wanted),
                           STR_ARG(strbuf_str(&list)), is_near ? "; did you mean '" : "",
                           STR_ARG(nearest.best), is_near ? "'?" : "");
    strbuf_finish(&list);
    return status;
}

/* What is asked for: all of the file, or the one that is named. */
static int need_wanted(struct loader *file, struct error *err)
{
    struct str wanted = file->options->id;
    bool is_found = wanted.n == 0;
    for (size_t i = 0; i < file->definition_count; i++) {
        struct definition *definition = &file->definitions[i];
        if (wanted.n == 0 || str_equal(definition->id, wanted)) {
            definition_need(file->loading, definition);
            is_found = true;
        }
    }
    return is_found ? 0 : report_unwanted(file, err);
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

static int read_definition(struct definition *definition)
{
    struct loader *file = definition->loader;
    struct pipeline *pipeline = NULL;
    int status = profile_resolve(definition);
    if (status == 0) {
        status = draft_read(file, definition->whole, definition->key, &pipeline);
    }
    if (status == 0 && pipeline != NULL) {
        status = group_join(file->group, pipeline, file->report.number, file->is_library);
        definition->pipeline = status == 0 ? pipeline : NULL;
    }
    if (status == 0 && pipeline != NULL) {
        status = queue_item_make(file->group, pipeline, file->report.number, file->is_library);
    }
    return status;
}

/* Reading one may need others, which are added to the end of the row. */
static int read_needed(struct loading *loading)
{
    struct definition *definition = NULL;
    int status = 0;
    while (status == 0 && (definition = definition_next(loading)) != NULL) {
        status = read_definition(definition);
    }
    return status;
}

static void warn_left_out(const struct loading *loading, struct str id,
                          const struct diagnostic *reason)
{
    const struct report *report = loading->reports[loading->any_place.file];
    report_warning(report, loading->any_place, "the workflow '%.*s' cannot be run from here: %s",
                   STR_ARG(id), reason->message);
    report_hint(report, "it is in %s:%u:%u", reason->place.file, reason->place.line,
                reason->place.column);
}

static int read_candidate(struct loading *loading, struct str id)
{
    struct definition *definition = NULL;
    struct error err = {0};
    int status = definition_find(loading->files[0], id, &definition, &err);
    if (status == 0 && definition != NULL && definition_has_body(definition)) {
        definition_need(loading, definition);
        status = read_needed(loading);
    }
    return status;
}

/*
 * A node that takes the name of its pipeline from data may mean any. Those that have faults are
 * left out, with a warning: nobody has said that they are meant.
 */
static int try_candidate(struct loading *loading, struct str id)
{
    struct diagnostics *shown = loading->diagnostics;
    struct diagnostics found = DIAGNOSTICS_INIT;
    loading_report_to(loading, &found);
    int status = read_candidate(loading, id);
    loading_report_to(loading, shown);
    for (size_t i = 0; i < found.count; i++) {
        if (found.items[i].severity == DIAGNOSTIC_ERROR) {
            warn_left_out(loading, id, &found.items[i]);
            break;
        }
    }
    status = status == 0 ? diagnostics_status(&found) : status;
    diagnostics_finish(&found);
    return status;
}

static int try_candidates(struct loading *loading)
{
    const struct load_library *library = loading->options->library;
    const struct loader *file = loading->files[0];
    int status = 0;
    for (size_t i = 0; i < file->definition_count && status == 0; i++) {
        status = try_candidate(loading, file->definitions[i].id);
    }
    struct str id = {0};
    for (size_t i = 0;
         library != NULL && status == 0 && (id = library->id_at(library->user, i)).n > 0; i++) {
        status = try_candidate(loading, id);
    }
    return status;
}

/* The pipelines that were asked for; ids in the order of the file. */
static int take_wanted(const struct loader *file, struct definitions *definitions)
{
    for (size_t i = 0; i < file->definition_count; i++) {
        const struct definition *definition = &file->definitions[i];
        if (file->options->id.n > 0 && !str_equal(definition->id, file->options->id)) {
            continue;
        }
        char *id = str_dup(definition->id);
        if (id == NULL) {
            return E_NOMEM;
        }
        definitions->ids[definitions->count] = str_make(id, definition->id.n);
        definitions->pipelines[definitions->count++] = pipeline_ref(definition->pipeline);
    }
    return 0;
}

static int load(struct loading *loading, struct str text, struct definitions **out_definitions,
                struct error *err)
{
    struct loader *file = NULL;
    int status = definition_open(loading, loading->options->file, text, &file);
    if (status == 0) {
        status = need_wanted(file, err);
    }
    if (status == 0) {
        status = make_room(file->definition_count, out_definitions);
    }
    if (status == 0) {
        status = read_needed(loading);
    }
    if (status == 0) {
        recursion_check(loading);
    }
    if (status == 0 && loading->any_place.line > 0) {
        status = try_candidates(loading);
    }
    return status == 0 ? take_wanted(file, *out_definitions) : status;
}

int load_text(struct str text, const struct load_options *options, struct diagnostics *diagnostics,
              struct definitions **out_definitions, struct error *err)
{
    struct definitions *definitions = NULL;
    size_t errors_before = diagnostics->error_count;
    struct str file = options->file.n > 0 ? options->file : STR("-");
    struct pipeline_group *group = group_create();
    if (group == NULL) {
        return error_nomem(err);
    }
    struct loading loading = {.options = options, .diagnostics = diagnostics, .group = group};
    int status = load(&loading, text, &definitions, err);
    loading_finish(&loading);
    group_unref(group);
    diagnostics_sort(diagnostics);
    diagnostics_merge_equal(diagnostics);
    if (status == E_NOMEM || (status == 0 && diagnostics_status(diagnostics) != 0)) {
        status = error_nomem(err);
    } else if (status != E_NOT_FOUND && diagnostics->error_count > errors_before) {
        status = error_set(err, E_INVALID, "'%.*s' has %zu error%s", STR_ARG(file),
                           diagnostics->error_count - errors_before,
                           diagnostics->error_count - errors_before == 1 ? "" : "s");
    }
    if (status != 0) {
        definitions_destroy(definitions);
        return status;
    }
    *out_definitions = definitions;
    return 0;
}

/* Files of settings and diagrams have no ids; what is wrong with a pipeline is not asked here. */
static int read_ids(struct loader *file, int read_status, load_id_cb on_id, void *user,
                    struct error *err)
{
    const struct diagnostics *found = file->report.diagnostics;
    if (read_status != 0 && !file->is_foreign) {
        const struct diagnostic *first = &found->items[0];
        (void)error_set(err, E_INVALID, "%s", first->message);
        error_set_place(err, first->place.file, first->place.line, first->place.column);
        return E_INVALID;
    }
    int status = 0;
    for (size_t i = 0; i < file->definition_count && status == 0; i++) {
        if (file->definitions[i].id.n > 0) {
            status = on_id(user, file->definitions[i].id);
        }
    }
    return status;
}

int load_ids(struct str text, struct str file, load_id_cb on_id, void *user, struct error *err)
{
    struct load_options options = {.file = file};
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct loader *loader = NULL;
    struct loading loading = {
        .options = &options, .diagnostics = &diagnostics, .group = group_create()};
    if (loading.group == NULL) {
        return error_nomem(err);
    }
    struct pipeline_group *group = loading.group;
    int status = definition_open(&loading, file, text, &loader);
    if (status == E_NOMEM || diagnostics_status(&diagnostics) != 0) {
        status = error_nomem(err);
    } else {
        status = read_ids(loader, status, on_id, user, err);
    }
    loading_finish(&loading);
    group_unref(group);
    diagnostics_finish(&diagnostics);
    return status;
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
