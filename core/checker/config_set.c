/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/config_set.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/base/suggest.h"
#include "core/checker/chance.h"
#include "core/checker/config_maker.h"
#include "core/checker/subject.h"
#include "core/host/manifest.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { TRIES_FOR_EACH = 4 };

static int read_file(const char *path, struct document **out_document, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    int status = subject_read_file(path, &text, err);
    if (status == 0) {
        status = json_read(strbuf_str(&text), NULL, out_document, err);
        if (status == E_INVALID) {
            error_prefix(err, "%s:%u:%u: ", path, err != NULL ? err->line : 0,
                         err != NULL ? err->column : 0);
        }
    }
    strbuf_finish(&text);
    return status;
}

/* Taken: it is the set's, or ends here. */
static void add(struct config_set *set, struct document *config)
{
    for (size_t i = 0; i < set->count; i++) {
        if (value_equal(document_root(set->configs[i]), document_root(config))) {
            document_unref(config);
            return;
        }
    }
    if (set->count == CONFIG_SET_MOST) {
        document_unref(config);
        return;
    }
    set->configs[set->count++] = config;
}

static int add_copy(struct config_set *set, const struct document *document,
                    const struct value *value, struct error *err)
{
    struct document *config = NULL;
    struct builder *b = builder_create();
    builder_embed(b, document, value);
    int status = builder_finish(b, &config, err);
    if (status == 0) {
        add(set, config);
    }
    return status;
}

static int add_given(struct config_set *set, const char *path, struct str type, struct error *err)
{
    struct document *document = NULL;
    int status = read_file(path, &document, err);
    if (status != 0) {
        return status;
    }
    const struct value *list = value_get(document_root(document), type);
    if (!value_is(document_root(document), VALUE_MAP) ||
        (list != NULL && !value_is(list, VALUE_LIST))) {
        status = error_set(err, E_INVALID, "'%s' is not like {\"%.*s\": [{...}, ...]}", path,
                           STR_ARG(type));
    }
    for (size_t i = 0; status == 0 && list != NULL && i < value_count(list); i++) {
        status = add_copy(set, document, value_at(list, i), err);
    }
    document_unref(document);
    return status;
}

/* Each type has a sequence of its own, whatever others there are. */
static struct chance chance_for(const struct subject *subject, struct str name)
{
    uint64_t state = subject->seed;
    for (size_t i = 0; i < name.n; i++) {
        state = state * 31 + (unsigned char)name.p[i];
    }
    return (struct chance){state};
}

static int add_made(struct config_set *set, const struct subject *subject,
                    const struct manifest_node *node, size_t wanted, struct error *err)
{
    struct chance chance = chance_for(subject, node->type.name);
    int status = 0;
    for (size_t i = 0; set->count < wanted && i < wanted * TRIES_FOR_EACH; i++) {
        struct document *config = NULL;
        enum config_size size = i == 0 ? CONFIG_SMALL : i % 3 == 1 ? CONFIG_LARGE : CONFIG_MEDIUM;
        status = config_maker_make(node->type.config_schema, &chance, size, &config, err);
        if (status == 0) {
            add(set, config);
        } else if (status != E_NOT_FOUND) {
            return status;
        }
    }
    return set->count > 0 ? 0 : status;
}

int config_set_init(struct config_set *set, const struct subject *subject,
                    const struct manifest_node *node, size_t wanted, struct error *err)
{
    *set = (struct config_set){.count = 0};
    int status = subject->config_path != NULL
                     ? add_given(set, subject->config_path, node->type.name, err)
                     : 0;
    if (status == 0) {
        status = add_made(set, subject, node, wanted, err);
    }
    if (status != 0) {
        config_set_finish(set);
    }
    return status;
}

int config_set_init_bounds(struct config_set *set, const struct subject *subject,
                           const struct manifest_node *node, struct error *err)
{
    struct chance chance = chance_for(subject, node->type.name);
    *set = (struct config_set){.count = 0};
    for (int size = CONFIG_LEAST; size <= CONFIG_WIDE; size++) {
        struct document *config = NULL;
        int status = config_maker_make(node->type.config_schema, &chance, (enum config_size)size,
                                       &config, err);
        if (status == 0) {
            add(set, config);
        } else if (status != E_NOT_FOUND) {
            config_set_finish(set);
            return status;
        }
    }
    return 0;
}

void config_set_finish(struct config_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        document_unref(set->configs[i]);
    }
    set->count = 0;
}

/* ---- What the author gives, before it is used ---- */

static int look_at_settings(const struct subject *subject, struct error *err)
{
    const struct schema *schema = subject->manifest->plugin.settings_schema;
    struct document *document = NULL;
    int status = read_file(subject->settings_path, &document, err);
    if (status != 0) {
        return status;
    }
    const struct value *root = document_root(document);
    if (!value_is(root, VALUE_MAP)) {
        status =
            error_set(err, E_INVALID, "'%s' is not like {\"NAME\": VALUE}", subject->settings_path);
    } else if (schema == NULL && value_count(root) > 0) {
        status = error_set(err, E_INVALID,
                           "'%s': the plugin takes no settings, as it has no "
                           "settings_schema",
                           subject->settings_path);
    } else if (schema != NULL && schema_validate(schema, root, NULL, err) != 0) {
        error_prefix(err, "'%s': ", subject->settings_path);
        status = E_INVALID;
    }
    document_unref(document);
    return status;
}

static int look_at_type(const struct subject *subject, const struct value_member *member,
                        struct error *err)
{
    struct str type = value_str(&member->key);
    struct suggest nearest = suggest_start(type);
    for (size_t i = 0; i < subject->manifest->node_count; i++) {
        struct str name = subject->manifest->nodes[i].type.name;
        if (str_equal(name, type)) {
            return value_is(&member->value, VALUE_LIST)
                       ? 0
                       : error_set(err, E_INVALID, "'%s' is not like {\"%.*s\": [{...}, ...]}",
                                   subject->config_path, STR_ARG(type));
        }
        suggest_offer(&nearest, name);
    }
    if (nearest.best.n > 0) {
        return error_set(err, E_INVALID,
                         "'%s': the plugin has no node type '%.*s': did you mean '%.*s'?",
                         subject->config_path, STR_ARG(type), STR_ARG(nearest.best));
    }
    return error_set(err, E_INVALID, "'%s': the plugin has no node type '%.*s'",
                     subject->config_path, STR_ARG(type));
}

static int look_at_configs(const struct subject *subject, struct error *err)
{
    struct document *document = NULL;
    int status = read_file(subject->config_path, &document, err);
    if (status != 0) {
        return status;
    }
    const struct value *root = document_root(document);
    if (!value_is(root, VALUE_MAP)) {
        status = error_set(err, E_INVALID, "'%s' is not like {\"TYPE\": [{...}, ...]}",
                           subject->config_path);
    }
    for (size_t i = 0; status == 0 && i < value_count(root); i++) {
        status = look_at_type(subject, value_member_at(root, i), err);
    }
    document_unref(document);
    return status;
}

int config_set_look_at_given(const struct subject *subject, struct error *err)
{
    if (subject->manifest == NULL) {
        return 0; /* nothing of it runs */
    }
    int status = subject->settings_path != NULL ? look_at_settings(subject, err) : 0;
    return status == 0 && subject->config_path != NULL ? look_at_configs(subject, err) : status;
}

int config_set_settings(const struct subject *subject, struct chance *chance,
                        struct document **out_settings, struct error *err)
{
    if (subject->settings_path != NULL) {
        return read_file(subject->settings_path, out_settings, err);
    }
    const struct schema *schema = subject->manifest->plugin.settings_schema;
    if (schema == NULL) {
        *out_settings = document_empty_map();
        return 0;
    }
    enum config_size size = chance_percent(chance, 50) ? CONFIG_MEDIUM : CONFIG_SMALL;
    return config_maker_make(schema, chance, size, out_settings, err);
}
