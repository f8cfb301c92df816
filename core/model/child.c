/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that run another pipeline: which one, and whether it takes what they give it. */
#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/expr/template.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/root_names.h"
#include "core/model/tree.h"
#include "core/model/violations.h"
#include "core/value/value.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

static void report_unknown(struct draft *draft, const struct tree *name, const struct error *err)
{
    if (definition_is_doubled(draft->loader, name->place, name->text, err)) {
        return;
    }
    struct str nearest = definition_nearest(draft->loader, name->text);
    report_error(report_of(draft), name->place, "there is no workflow '%.*s'", STR_ARG(name->text));
    if (nearest.n > 0) {
        report_hint(report_of(draft), "did you mean '%.*s'? %s", STR_ARG(nearest), err->message);
    } else {
        report_hint(report_of(draft), "%s", err->message);
    }
}

/* Constant parts of the input; nothing is given for members that the templates may yet add. */
static int check_input(struct draft *draft, uint32_t index, const struct tree *config,
                       const struct template *template, struct definition *child)
{
    const struct schema *schema = NULL;
    int status = definition_input(child, &schema);
    const struct tree *input = tree_get(config, STR("input"));
    if (input == NULL && config->count > (tree_get(config, STR("wait")) != NULL ? 2u : 1u)) {
        return 0; /* an unknown key, which was reported, may be meant to be it */
    }
    const struct value *value = value_get(template_source(template), STR("input"));
    if (status != 0 || schema == NULL || draft->nodes[index].is_chained ||
        (value != NULL && value_type(value) != VALUE_MAP)) {
        return status;
    }
    struct label what = label_make("input of workflow '%.*s' in node '%.*s'", STR_ARG(child->id),
                                   STR_ARG(draft->nodes[index].id));
    return violations_check_open(draft, input != NULL ? input : config, value, schema, what.text);
}

static bool is_constant(const struct template *template, const struct tree *name)
{
    const struct value *value = value_get(template_source(template), STR("workflow"));
    return tree_is_scalar(name) && value != NULL && value_type(value) == VALUE_STRING &&
           !template_is_dynamic(template, value);
}

int child_check(struct draft *draft, uint32_t index, const struct tree *config,
                const struct template *template)
{
    struct node *node = &draft->nodes[index];
    struct loading *loading = draft->loader->loading;
    const struct tree *name = tree_get(config, STR("workflow"));
    struct definition *child = NULL;
    struct error err = {0};
    node->is_chained = str_equal(draft->body_drafts[node->body].what, STR("workflows"));
    if (name == NULL) {
        return 0; /* the schema has said so */
    }
    if (!is_constant(template, name)) {
        loading->any_place = loading->any_place.line > 0 ? loading->any_place : name->place;
        return 0;
    }
    struct str id = value_str(value_get(template_source(template), STR("workflow")));
    int status = definition_find(draft->loader, id, &child, &err);
    if (status != 0) {
        return status;
    }
    if (child == NULL) {
        if (err.code != 0) {
            report_unknown(draft, name, &err);
        }
        return 0;
    }
    if (!definition_has_body(child)) {
        report_error(report_of(draft), name->place, "'%.*s' is a profile: it cannot run",
                     STR_ARG(id));
        return 0;
    }
    definition_need(loading, child);
    status = draft_keep_text(draft, id, &node->child);
    return status == 0 ? check_input(draft, index, config, template, child) : status;
}

/* ---- workflows: [a, b] ---- */

static struct tree text_like(const struct tree *at, struct str text)
{
    struct tree tree = *at;
    tree.kind = TREE_TEXT;
    tree.text = text;
    return tree;
}

static int make_map(struct arena *arena, const struct tree *at, const struct tree_member *members,
                    uint32_t count, struct tree *out)
{
    struct tree_member *kept = arena_calloc(arena, count, sizeof(*kept));
    if (kept == NULL) {
        return E_NOMEM;
    }
    *out = (struct tree){
        .kind = TREE_MAP, .count = count, .size = 1, .start = at->start, .place = at->place};
    for (uint32_t i = 0; i < count; i++) {
        kept[i] = members[i];
        out->size += 1 + members[i].value.size;
        out->height = out->height > members[i].value.height ? out->height : members[i].value.height;
    }
    out->height++;
    out->as.members = kept;
    return 0;
}

/* An id that is taken, and the number to try behind it next. */
struct taken_id {
    unsigned next;
};

/* The workflow's id, or with a number behind it when that is taken. Fails with E_NOMEM. */
static int choose_id(struct draft *draft, struct str id, struct strmap *taken, struct str *out)
{
    struct arena *arena = &draft->loader->arena;
    struct taken_id *own = arena_calloc(arena, 1, sizeof(*own));
    struct taken_id *earlier = strmap_get(taken, id);
    struct str chosen = id;
    unsigned n = earlier != NULL ? earlier->next : 2;
    for (; strmap_get(taken, chosen) != NULL || root_names_is_reserved(chosen); n++) {
        struct label numbered = label_make("%.*s_%u", STR_ARG(id), n);
        chosen = arena_dup_str(arena, str_from(numbered.text));
        if (chosen.p == NULL) {
            return E_NOMEM;
        }
    }
    if (own == NULL) {
        return E_NOMEM;
    }
    if (earlier != NULL) {
        earlier->next = n;
    }
    own->next = 2;
    *out = chosen;
    return strmap_add(taken, chosen, own);
}

static int make_node(struct draft *draft, const struct tree *id, struct strmap *taken,
                     struct tree *out)
{
    struct arena *arena = &draft->loader->arena;
    struct str chosen = {0};
    struct tree config;
    struct tree_member inside = {text_like(id, STR("workflow")), text_like(id, id->text)};
    int status = choose_id(draft, id->text, taken, &chosen);
    if (status == 0) {
        status = make_map(arena, id, &inside, 1, &config);
    }
    if (status != 0) {
        return status;
    }
    struct tree_member members[] = {
        {text_like(id, STR("id")), text_like(id, chosen)},
        {text_like(id, STR("type")), text_like(id, STR("workflow"))},
        {text_like(id, STR("config")), config},
    };
    return make_map(arena, id, members, 3, out);
}

int child_list(struct draft *draft, const struct tree *ids, const struct tree **out_list)
{
    struct arena *arena = &draft->loader->arena;
    struct tree *list = arena_calloc(arena, 1, sizeof(*list));
    struct tree *items = arena_calloc(arena, (size_t)ids->count + 1, sizeof(*items));
    struct strmap taken = STRMAP_INIT;
    if (list == NULL || items == NULL) {
        return E_NOMEM;
    }
    *list = *ids;
    list->count = 0;
    list->as.items = items;
    int status = 0;
    for (uint32_t i = 0; i < ids->count && i <= DRAFT_MAX_NODES && status == 0; i++) {
        const struct tree *id = &ids->as.items[i];
        if (tree_is_scalar(id) && id->text.n > 0) { /* the table of keys has reported others */
            status = make_node(draft, id, &taken, &items[list->count]);
            list->count += status == 0 ? 1 : 0;
        }
    }
    strmap_finish(&taken);
    *out_list = list;
    return status;
}
