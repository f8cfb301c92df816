/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plugin_text.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/host/host.h"
#include "core/model/catalogue.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static void build_text(struct builder *b, struct str key, struct str text)
{
    if (text.n > 0) {
        builder_member_string(b, key, text);
    } else {
        builder_member_null(b, key);
    }
}

static const struct value *nodes_of(const struct host_plugin_file *file)
{
    const struct value *root = file->manifest != NULL ? document_root(file->manifest) : NULL;
    const struct value *nodes = root != NULL ? value_get(root, STR("nodes")) : NULL;
    return value_is(nodes, VALUE_LIST) ? nodes : NULL;
}

size_t plugin_text_node_count(const struct host_plugin_file *file)
{
    const struct value *nodes = nodes_of(file);
    return nodes != NULL ? value_count(nodes) : 0;
}

int plugin_text_check_type(const struct catalogue *catalogue, const struct host_plugin_file *file,
                           size_t i, struct error *err)
{
    const struct value *type = value_get(value_at(nodes_of(file), i), STR("type"));
    bool is_named = file->problem.n == 0 && value_is(type, VALUE_STRING);
    bool is_there = !is_named || catalogue->find_type(catalogue->user, value_str(type), err);
    return is_there ? 0 : E_PLUGIN;
}

/* The plugin folder that it lies in: FOLDER/ID.so or FOLDER/ID/ID.so. */
static struct str folder_of(const struct host_plugin_file *file)
{
    struct str folder = file->path;
    for (int level = 0; level < 2; level++) {
        const char *slash = folder.n > 0 ? memrchr(folder.p, '/', folder.n) : NULL;
        struct str name =
            slash != NULL ? str_make(slash + 1, folder.n - (size_t)(slash + 1 - folder.p)) : folder;
        if (slash == NULL || (level == 1 && !str_equal(name, file->id))) {
            break;
        }
        folder.n = (size_t)(slash - folder.p);
    }
    return folder;
}

static void build_conflicts(struct builder *b, const struct host_plugin_file *file,
                            const struct catalogue *catalogue)
{
    builder_key(b, STR("conflicts"));
    builder_list_begin(b);
    for (size_t i = 0; i < plugin_text_node_count(file); i++) {
        struct error err = {0};
        if (plugin_text_check_type(catalogue, file, i, &err) != 0) {
            builder_string(b, str_from(err.message));
        }
    }
    builder_list_end(b);
}

void plugin_text_build(struct builder *b, const struct host_plugin_file *file,
                       const struct catalogue *catalogue)
{
    builder_map_begin(b);
    build_text(b, STR("id"), file->id);
    build_text(b, STR("version"), file->version);
    build_text(b, STR("folder"), folder_of(file));
    build_text(b, STR("path"), file->path);
    builder_member_bool(b, STR("usable"), file->problem.n == 0);
    build_text(b, STR("problem"), file->problem);
    builder_member_int(b, STR("node_types"), (int64_t)plugin_text_node_count(file));
    build_conflicts(b, file, catalogue);
    builder_key(b, STR("manifest"));
    if (file->manifest != NULL) {
        builder_embed(b, file->manifest, document_root(file->manifest));
    } else {
        builder_null(b);
    }
    builder_map_end(b);
}

int plugin_text_append_json(struct builder *b, struct strbuf *out)
{
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    if (builder_finish(b, &document, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    json_write(document_root(document), JSON_PRETTY, out);
    strbuf_append_char(out, '\n');
    return EXIT_DONE;
}
