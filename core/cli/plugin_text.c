/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plugin_text.h"

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/host/host.h"
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

void plugin_text_build(struct builder *b, const struct host_plugin_file *file)
{
    builder_map_begin(b);
    build_text(b, STR("id"), file->id);
    build_text(b, STR("version"), file->version);
    build_text(b, STR("path"), file->path);
    build_text(b, STR("problem"), file->problem);
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
