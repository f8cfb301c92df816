/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/input_defaults.h"

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/model/draft.h"
#include "core/model/tree.h"
#include "core/model/violations.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

struct default_check {
    struct draft *draft;
    const struct document *document; /* the whole schema */
    struct strbuf path;              /* "input.items[].name" */
};

/* A schema of its own: references lead to the definitions of the whole. */
static int compile(const struct default_check *check, const struct value *part,
                   struct schema **out_schema)
{
    const struct value *definitions = value_get(document_root(check->document), STR("$defs"));
    cleanup_document struct document *document = NULL;
    struct error err = {0};
    struct builder *b = builder_create();
    builder_map_begin(b);
    if (definitions != NULL) {
        builder_key(b, STR("$defs"));
        builder_embed(b, check->document, definitions);
    }
    builder_key(b, STR("allOf"));
    builder_list_begin(b);
    builder_embed(b, check->document, part);
    builder_list_end(b);
    builder_map_end(b);
    int status = builder_finish(b, &document, &err);
    return status == 0 ? schema_compile(document, out_schema, &err) : status;
}

static int check_default(struct default_check *check, const struct tree *tree,
                         const struct value *part)
{
    const struct tree *written = tree_get(tree, STR("default"));
    const struct value *value = value_get(part, STR("default"));
    struct schema *schema = NULL;
    if (written == NULL || value == NULL) {
        return 0;
    }
    int status = compile(check, part, &schema);
    if (status != 0) {
        return status == E_NOMEM ? status : 0; /* it refers to the schema around it */
    }
    struct label what = label_of("the default of", strbuf_str(&check->path));
    status = violations_check_open(check->draft, written, value, schema, what.text);
    schema_destroy(schema);
    return status;
}

static int check_schema(struct default_check *check, const struct tree *tree,
                        const struct value *part);

/* `tree` and `part` are the schema of what `joint` and `name` lead to from here. */
static int check_inner(struct default_check *check, const char *joint, struct str name,
                       const struct tree *tree, const struct value *part)
{
    size_t length = check->path.n;
    strbuf_append_text(&check->path, joint);
    strbuf_append_str(&check->path, name);
    int status = strbuf_status(&check->path);
    if (status == 0) {
        status = check_schema(check, tree, part);
        check->path.n = length;
        check->path.p[length] = '\0';
    }
    return status;
}

static int check_properties(struct default_check *check, const struct tree *tree,
                            const struct value *part)
{
    int status = 0;
    for (uint32_t i = 0; tree_is(tree, TREE_MAP) && i < tree->count && status == 0; i++) {
        const struct tree_member *member = &tree->as.members[i];
        status = check_inner(check, ".", member->key.text, &member->value,
                             value_get(part, member->key.text));
    }
    return status;
}

/* The depth is that of the file's tree, which has its limit. */
static int check_schema(struct default_check *check, const struct tree *tree,
                        const struct value *part)
{
    const struct diagnostics *found = check->draft->loader->report.diagnostics;
    size_t count = found->error_count;
    const struct tree *items = tree_get(tree, STR("items"));
    int status = check_properties(check, tree_get(tree, STR("properties")),
                                  value_get(part, STR("properties")));
    if (status == 0 && items != NULL) {
        status = check_inner(check, "[]", STR(""), items, value_get(part, STR("items")));
    }
    /* The inner defaults are filled into this one: what is wrong with them was said. */
    return status == 0 && found->error_count == count ? check_default(check, tree, part) : status;
}

int input_defaults_check(struct draft *draft, const struct tree *tree,
                         const struct document *schema)
{
    struct default_check check = {.draft = draft, .document = schema, .path = STRBUF_INIT};
    strbuf_append_text(&check.path, "input");
    int status = strbuf_status(&check.path);
    if (status == 0) {
        status = check_schema(&check, tree, document_root(schema));
    }
    strbuf_finish(&check.path);
    return status;
}
