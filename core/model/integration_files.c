/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `integrations: {slack: slack.yaml}`: settings in a file of their own. They take the place of its
 * name before a definition is laid over a profile, so that all that comes later sees settings; they
 * keep the place where they are written, so that messages about them point there. The config of a
 * definition that is one node may come from a file in the same way.
 */
#include "core/base/error.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/tree.h"
#include "core/model/tree_build.h"

/* What all files together may bring: each may be named many times. */
enum { MAX_VALUES = TREE_MAX_ALIASED };

static bool is_file_name(const struct tree *value)
{
    return tree_is(value, TREE_TEXT) &&
           (str_ends_with(value->text, STR(".yaml")) || str_ends_with(value->text, STR(".yml")) ||
            str_ends_with(value->text, STR(".json")));
}

static bool names_files(const struct tree *integrations)
{
    for (uint32_t i = 0; integrations != NULL && i < integrations->count; i++) {
        if (is_file_name(&integrations->as.members[i].value)) {
            return true;
        }
    }
    return false;
}

/* The file must be known before the environment is, and before any run. */
static bool is_computed(struct str name)
{
    return memmem(name.p, name.n, "${", 2) != NULL || memmem(name.p, name.n, "{{", 2) != NULL;
}

static void report_missing(const struct report *report, const struct tree_member *member,
                           const struct error *err)
{
    struct str plugin = member->key.text;
    struct str name = member->value.text;
    if (err->code == E_NOT_FOUND) {
        report_error(report, member->value.place,
                     "there is no file '%.*s' with the settings of '%.*s'", STR_ARG(name),
                     STR_ARG(plugin));
        report_hint(report, "%s", err->message);
    } else if (err->code != 0) {
        report_error(report, member->value.place, "the settings of '%.*s': %s", STR_ARG(plugin),
                     err->message);
    }
}

/* `*out_settings` is NULL when there is something wrong, which is reported. */
static int find_settings(struct loader *loader, const struct tree_member *member,
                         const struct tree **out_settings)
{
    struct error err = {0};
    *out_settings = NULL;
    if (is_computed(member->value.text)) {
        report_error(&loader->report, member->value.place,
                     "the file with the settings of '%.*s' cannot be computed",
                     STR_ARG(member->key.text));
        report_hint(&loader->report, "write its name; what is in the file may be computed");
        return 0;
    }
    int status =
        definition_part(loader, DEFINITION_SETTINGS, member->value.text, out_settings, &err);
    if (status == 0 && *out_settings == NULL) {
        report_missing(&loader->report, member, &err);
    }
    return status;
}

/* What is not to be had stays out: that is reported, and its settings are not known. */
static int read_integrations(struct loader *loader, const struct tree *map, struct tree *out)
{
    uint32_t brought = 0;
    int status = tree_build_begin(out, map, map->count, &loader->arena);
    for (uint32_t i = 0; i < map->count && status == 0; i++) {
        struct tree_member member = map->as.members[i];
        const struct tree *settings = NULL;
        if (!is_file_name(&member.value)) {
            tree_build_add(out, &member);
            continue;
        }
        status = find_settings(loader, &member, &settings);
        if (settings == NULL) {
            continue;
        }
        if (settings->size > MAX_VALUES - brought) {
            report_error(&loader->report, member.value.place,
                         "the files of settings have more than %d values in all", MAX_VALUES);
            break;
        }
        brought += settings->size;
        member.value = *settings;
        tree_build_add(out, &member);
    }
    return status;
}

/* Of the one node that the asked-for file is. */
static int read_config(struct definition *definition)
{
    struct loader *loader = definition->loader;
    const struct tree *from = definition->tree;
    struct tree_member config = {.key = {.kind = TREE_TEXT, .text = STR("config")}};
    const struct tree *map = NULL;
    struct error err = {0};
    int status =
        definition_part(loader, DEFINITION_CONFIG, loader->options->node_config, &map, &err);
    if (map == NULL) {
        if (status == 0 && err.code != 0) {
            report_error(&loader->report, from->place, "the config: %s", err.message);
        }
        return status != 0 ? status : E_INVALID; /* of a config that nobody knows no more is said */
    }
    struct tree *tree = arena_calloc(&loader->arena, 1, sizeof(*tree));
    status = tree != NULL ? tree_build_begin(tree, from, (size_t)from->count + 1, &loader->arena)
                          : E_NOMEM;
    if (status != 0) {
        return status;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        tree_build_add(tree, &from->as.members[i]);
    }
    config.value = *map;
    config.key.place = map->place;
    tree_build_add(tree, &config);
    definition->tree = tree;
    return 0;
}

static int read_settings(struct definition *definition)
{
    struct loader *loader = definition->loader;
    const struct tree *integrations = format_map(definition->tree, "integrations");
    if (!names_files(integrations)) {
        return 0;
    }
    struct tree *tree = arena_calloc(&loader->arena, 1, sizeof(*tree));
    const struct tree *from = definition->tree;
    int status = tree != NULL ? tree_build_begin(tree, from, from->count, &loader->arena) : E_NOMEM;
    for (uint32_t i = 0; i < from->count && status == 0; i++) {
        struct tree_member member = from->as.members[i];
        if (&from->as.members[i].value == integrations) {
            status = read_integrations(loader, integrations, &member.value);
        }
        tree_build_add(tree, &member);
    }
    if (status == 0) {
        definition->tree = tree;
    }
    return status;
}

int integration_files_read(struct definition *definition)
{
    struct loader *loader = definition->loader;
    int status = read_settings(definition);
    bool has_config = loader->options->node_config.n > 0 && loader == loader->loading->files[0];
    return status == 0 && has_config ? read_config(definition) : status;
}
