/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/name_hint.h"

#include "core/base/arena.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/schema_marks.h"
#include "core/model/tree.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* Words of other tools and languages. */
static const struct {
    const char *word;
    const char *hint;
} foreign_words[] = {
    {"True", "write true"},
    {"TRUE", "write true"},
    {"False", "write false"},
    {"FALSE", "write false"},
    {"yes", "write true"},
    {"no", "write false"},
    {"on", "write true"},
    {"off", "write false"},
    {"None", "write null"},
    {"Null", "write null"},
    {"NULL", "write null"},
    {"nil", "write null"},
    {"undefined", "write null"},
    {"env", "environment variables are written ${NAME}"},
    {"secret", "did you mean 'secrets'?"},
    {"steps", "did you mean 'nodes'?"},
    {"tasks", "did you mean 'nodes'?"},
    {"states", "did you mean 'nodes'?"},
    {"params", "did you mean 'input'?"},
    {"parameters", "did you mean 'input'?"},
    {"args", "did you mean 'input'?"},
    {"vars", "did you mean 'config'?"},
    {"variables", "did you mean 'config'?"},
    {"index", "did you mean 'iter.index'?"},
};

static struct str make(struct draft *draft, const char *format, struct str name)
{
    struct strbuf out = STRBUF_INIT;
    const char *at = strstr(format, "%s");
    strbuf_append_str(&out, str_make(format, (size_t)(at - format)));
    strbuf_append_str(&out, name);
    strbuf_append_text(&out, at + 2);
    struct str hint =
        strbuf_status(&out) == 0 ? arena_dup_str(&draft->loader->arena, strbuf_str(&out)) : STR("");
    strbuf_finish(&out);
    return hint.p != NULL ? hint : STR("");
}

/* `my` is all that an expression sees of the node `my-node`: the rest is arithmetic. */
static const struct draft_node *find_dashed(const struct draft *draft, uint32_t body,
                                            struct str name)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        struct str id = draft->drafts[i].id;
        bool begins_so = str_starts_with(id, name) && id.n > name.n &&
                         strchr("-. ", id.p[name.n]) != NULL;
        if (begins_so && draft_find_visible(draft, body, id) != DRAFT_NO_NODE) {
            return &draft->drafts[i];
        }
    }
    return NULL;
}

/* The loop whose items are called `name`, or NULL. */
static const struct draft_node *find_loop(const struct draft *draft, struct str name)
{
    for (uint32_t i = 0; i < draft->node_count; i++) {
        struct str as = STR("");
        const struct draft_node *node = &draft->drafts[i];
        bool has_items =
            tree_is(node->tree, TREE_MAP) && tree_find(node->tree, STR("for_each")) != NULL &&
            (format_text(node->tree, "as", &as) || format_text(node->tree, "as_batch", &as));
        if (has_items && str_equal(as, name)) {
            return node;
        }
    }
    return NULL;
}

struct str name_hint(struct draft *draft, uint32_t body, struct str name)
{
    const struct pipeline *pipeline = &draft->storage->pipeline;
    const struct value *input =
        pipeline->input_schema != NULL ? schema_source(pipeline->input_schema) : NULL;
    const struct draft_node *dashed = find_dashed(draft, body, name);
    const struct draft_node *loop = find_loop(draft, name);
    if (dashed != NULL) {
        return make(draft, "write nodes['%s']", dashed->id);
    }
    if (input != NULL && value_get(schema_marks_properties(input, input), name) != NULL) {
        return make(draft, "did you mean 'input.%s'?", name);
    }
    if (value_get(document_root(pipeline->config), name) != NULL) {
        return make(draft, "did you mean 'config.%s'?", name);
    }
    if (loop != NULL) {
        return make(draft, "it is there only inside the loop '%s', as its item", loop->id);
    }
    for (size_t i = 0; i < sizeof(foreign_words) / sizeof(foreign_words[0]); i++) {
        if (str_equal_text(name, foreign_words[i].word)) {
            return str_from(foreign_words[i].hint);
        }
    }
    return STR("");
}
