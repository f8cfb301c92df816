/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/control_definition.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/bundle.h"
#include "core/model/bundle_recorder.h"
#include "core/model/layout.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"

/* A variable as it was when the definition was loaded. */
struct env_reading {
    struct env_reading *next;
    char *name;
    char *value; /* NULL: it was not set */
};

/* ---- lifecycle ---- */

static void free_str(struct str text)
{
    free((char *)(uintptr_t)text.p); /* a copy of ours */
}

static void definition_destroy(struct control_definition *definition)
{
    while (definition->readings != NULL) {
        struct env_reading *reading = definition->readings;
        definition->readings = reading->next;
        free(reading->name);
        free(reading->value);
        free(reading);
    }
    definitions_destroy(definition->definitions);
    free_str(definition->bundle);
    free_str(definition->compiled_by);
    free_str(definition->text);
    free_str(definition->id);
    free(definition);
}

/* 0, or E_NOMEM. */
static int copy_str(struct str text, struct str *out)
{
    char *copy = str_dup(text);
    if (copy != NULL) {
        *out = str_make(copy, text.n);
    }
    return copy != NULL ? 0 : E_NOMEM;
}

static struct control_definition *definition_create(const struct control_definition_wish *wish)
{
    struct control_definition *definition = calloc(1, sizeof(*definition));
    if (definition == NULL) {
        return NULL;
    }
    definition->is_bundle = wish->is_bundle;
    int status = copy_str(wish->text, wish->is_bundle ? &definition->bundle : &definition->text);
    if (status != 0 || copy_str(wish->id, &definition->id) != 0) {
        definition_destroy(definition);
        return NULL;
    }
    return definition;
}

/* ---- the environment ---- */

/* One load, and what it read. */
struct watched_env {
    const struct load_options *options;
    struct control_definition *definition;
    bool has_failed; /* out of memory: a reading is missing */
};

static const char *read_env(const struct load_options *options, struct str name)
{
    return options->env != NULL ? options->env(options->user, name) : NULL;
}

static const char *watch_env(void *user, struct str name)
{
    struct watched_env *watched = user;
    const char *value = read_env(watched->options, name);
    struct env_reading *reading = calloc(1, sizeof(*reading));
    if (reading == NULL) {
        watched->has_failed = true;
        return value;
    }
    reading->next = watched->definition->readings;
    watched->definition->readings = reading;
    reading->name = str_dup(name);
    reading->value = value != NULL ? str_dup(str_from(value)) : NULL;
    watched->has_failed = watched->has_failed || reading->name == NULL ||
                          (value != NULL && reading->value == NULL);
    return value;
}

static bool is_same_env(const struct control_definition *definition,
                        const struct load_options *options)
{
    for (const struct env_reading *at = definition->readings; at != NULL; at = at->next) {
        const char *now = read_env(options, str_from(at->name));
        bool is_same = now != NULL && at->value != NULL ? strcmp(now, at->value) == 0
                                                        : now == NULL && at->value == NULL;
        if (!is_same) {
            return false;
        }
    }
    return true;
}

/* ---- loading ---- */

/* The first thing that is wrong, with its place. */
static void say_first(struct diagnostics *diagnostics, struct error *err)
{
    diagnostics_sort(diagnostics);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *first = &diagnostics->items[i];
        if (first->severity == DIAGNOSTIC_ERROR) {
            (void)error_set(err, E_INVALID, "the definition, line %u, column %u: %s",
                            first->place.line, first->place.column, first->message);
            return;
        }
    }
}

/* YAML or JSON text without any library; it becomes a bundle of its own. */
static int load_alone(struct control_definition *definition, struct load_options *options,
                      struct error *err)
{
    struct bundle_recorder recorder;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf bundle = STRBUF_INIT;
    options->file = STR("definition.yaml");
    options->id = definition->id;
    struct load_options recording = bundle_recorder_init(&recorder, options);
    int status =
        load_text(definition->text, &recording, &diagnostics, &definition->definitions, err);
    if (status == E_INVALID) {
        say_first(&diagnostics, err);
    }
    if (status == 0) {
        status = bundle_recorder_write(&recorder, definition->text, &bundle, err);
    }
    if (status == 0 && copy_str(strbuf_str(&bundle), &definition->bundle) != 0) {
        status = error_nomem(err);
    }
    strbuf_finish(&bundle);
    bundle_recorder_finish(&recorder);
    diagnostics_finish(&diagnostics);
    return status;
}

static int load_bundle(struct control_definition *definition, const struct load_options *options,
                       struct error *err)
{
    struct bundle *bundle = NULL;
    int status = bundle_read(definition->bundle, &bundle, err);
    if (status == 0) {
        status = bundle_load(bundle, options, &definition->definitions, err);
    }
    bundle_destroy(bundle);
    if (status == E_CORRUPT || status == E_VERSION) { /* the client's mistake, not ours */
        err->code = E_INVALID;
        status = E_INVALID;
    }
    return status;
}

/* Of all that were loaded together any one tells it. */
static int describe(struct control_definition *definition, const char *program, struct error *err)
{
    struct strbuf compiled_by = STRBUF_INIT;
    const struct definitions *all = definition->definitions;
    const struct pipeline *any = NULL;
    for (size_t i = 0; any == NULL && i < all->count; i++) {
        any = all->pipelines[i];
    }
    if (any != NULL) {
        layout_write(any, program, &compiled_by);
    }
    bool is_whole = strbuf_status(&compiled_by) == 0 &&
                    copy_str(strbuf_str(&compiled_by), &definition->compiled_by) == 0;
    strbuf_finish(&compiled_by);
    bundle_digest(definition->bundle, definition->digest);
    return is_whole ? 0 : error_nomem(err);
}

static int load(struct control_definition *definition, const struct control_definition_wish *wish,
                struct error *err)
{
    struct watched_env watched = {.options = wish->options, .definition = definition};
    struct load_options options = *wish->options;
    options.env = watch_env;
    options.user = &watched;
    int status = wish->is_bundle ? load_bundle(definition, &options, err)
                                 : load_alone(definition, &options, err);
    if (status == 0 && watched.has_failed) {
        status = error_nomem(err);
    }
    return status == 0 ? describe(definition, wish->program, err) : status;
}

/* ---- the list ---- */

static bool is_wanted(const struct control_definition *definition,
                      const struct control_definition_wish *wish)
{
    struct str text = wish->is_bundle ? definition->bundle : definition->text;
    return definition->is_bundle == wish->is_bundle && str_equal(text, wish->text) &&
           str_equal(definition->id, wish->id) && is_same_env(definition, wish->options);
}

static void put_first(struct control_definition **list, struct control_definition *definition)
{
    definition->next = *list;
    *list = definition;
}

int control_definition_find(struct control_definition **list,
                            const struct control_definition_wish *wish,
                            const struct control_definition **out_definition, struct error *err)
{
    struct control_definition **at = list;
    while (*at != NULL && !is_wanted(*at, wish)) {
        at = &(*at)->next;
    }
    struct control_definition *definition = *at;
    if (definition != NULL) {
        *at = definition->next;
        put_first(list, definition);
        *out_definition = definition;
        return 0;
    }
    definition = definition_create(wish);
    int status = definition != NULL ? load(definition, wish, err) : error_nomem(err);
    if (status == 0) {
        put_first(list, definition);
        *out_definition = definition;
    } else if (definition != NULL) {
        definition_destroy(definition);
    }
    return status;
}

void control_definitions_trim(struct control_definition **list)
{
    size_t count = 0;
    size_t bytes = 0;
    struct control_definition **at = list;
    while (*at != NULL) {
        struct control_definition *definition = *at;
        size_t own = definition->text.n + definition->bundle.n;
        if (count == CONTROL_DEFINITIONS_MOST || own > CONTROL_DEFINITIONS_MAX_BYTES - bytes) {
            *at = definition->next;
            definition_destroy(definition);
            continue;
        }
        count++;
        bytes += own;
        at = &definition->next;
    }
}

void control_definitions_finish(struct control_definition **list)
{
    while (*list != NULL) {
        struct control_definition *definition = *list;
        *list = definition->next;
        definition_destroy(definition);
    }
}
