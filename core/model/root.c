/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a definition itself, and what it runs at its end. */
#include "core/base/error.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/tree.h"

/* The ways to write a body; of a definition exactly one. */
static const struct {
    const char *key;
    enum draft_form form;
} body_keys[] = {
    {"nodes", FORM_NODES}, {"steps", FORM_STEPS},     {"states", FORM_STATES},
    {"tools", FORM_TOOLS}, {"workflows", FORM_STEPS}, /* of nodes that run them */
};

/* Keys that mean something beside one of these only. */
static const struct {
    const char *key;
    const char *body;
} companions[] = {
    {"edges", "nodes"},    {"initial_state", "states"}, {"max_transitions", "states"},
    {"sequence", "tools"}, {"duration", "tools"},       {"interval", "tools"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

static const struct tree_member *member_of(const struct draft *draft, const char *key)
{
    return tree_find(draft->tree, str_from(key));
}

static void check_companions(const struct draft *draft)
{
    for (size_t i = 0; i < COUNT(companions); i++) {
        const struct tree_member *member = member_of(draft, companions[i].key);
        if (member == NULL || member_of(draft, companions[i].body) != NULL ||
            format_is_misspelt(draft->tree, format_pipeline_keys, companions[i].body)) {
            continue;
        }
        report_error(report_of(draft), member->key.place, "'%s' without '%s'", companions[i].key,
                     companions[i].body);
        if (member_of(draft, "steps") != NULL && str_equal_text(STR("edges"), companions[i].key)) {
            report_hint(report_of(draft), "steps run in the order in which they are written");
        }
        if (member_of(draft, "states") != NULL && str_equal_text(STR("edges"), companions[i].key)) {
            report_hint(report_of(draft), "states go on by their 'transitions'");
        }
    }
    const struct tree_member *interval = member_of(draft, "interval");
    if (interval != NULL && member_of(draft, "tools") != NULL &&
        member_of(draft, "duration") == NULL) {
        report_error(report_of(draft), interval->key.place, "'interval' without 'duration'");
    }
}

/* Fills form, list and what; of several bodies the first in the order of the table. */
static void choose_body(const struct draft *draft, struct draft_body *root)
{
    const struct tree_member *chosen = NULL;
    for (size_t i = 0; i < COUNT(body_keys); i++) {
        const struct tree_member *member = member_of(draft, body_keys[i].key);
        if (member == NULL) {
            continue;
        }
        if (chosen != NULL) {
            report_error(report_of(draft), member->key.place,
                         "a pipeline has one body: '%s' stands beside '%.*s' at %u:%u",
                         body_keys[i].key, STR_ARG(chosen->key.text), chosen->key.place.line,
                         chosen->key.place.column);
            continue;
        }
        chosen = member;
        bool is_right = tree_is(&member->value, TREE_LIST) ||
                        (body_keys[i].form == FORM_STATES && tree_is(&member->value, TREE_MAP));
        root->form = body_keys[i].form;
        root->what = str_from(body_keys[i].key);
        root->list = is_right ? &member->value : NULL;
        if (!is_right && body_keys[i].form == FORM_STATES) {
            report_error(report_of(draft), member->value.place,
                         "'states' of the pipeline must be a map or a list, not %s",
                         tree_kind_name(&member->value));
        }
    }
}

int root_add(struct draft *draft)
{
    struct draft_body root = {
        .owner = DRAFT_NO_NODE,
        .tree = draft->tree,
        .what = STR("nodes"),
        .place = draft->tree->place,
    };
    if (draft->is_single) {
        root.form = FORM_ONE;
        root.list = draft->tree;
        return draft_add_body(draft, &root, NULL);
    }
    choose_body(draft, &root);
    check_companions(draft);
    if (root.list != NULL && str_equal_text(root.what, "workflows")) {
        int status = child_list(draft, root.list, &root.list);
        return status == 0 ? draft_add_body(draft, &root, NULL) : status;
    }
    if (root.form == FORM_TOOLS && member_of(draft, "duration") != NULL) {
        root.form = FORM_GROUP;
    }
    return draft_add_body(draft, &root, NULL);
}

int root_add_endings(struct draft *draft)
{
    struct pipeline *pipeline = &draft->storage->pipeline;
    const struct {
        const char *key;
        uint32_t *body;
    } endings[] = {
        {"on_failure", &pipeline->on_failure},
        {"on_cancel", &pipeline->on_cancel},
        {"on_success", &pipeline->on_success},
        {"finally", &pipeline->finally},
    };
    int status = 0;
    for (size_t i = 0; i < COUNT(endings) && !draft->is_profile && status == 0; i++) {
        const struct tree *list = format_list(draft->tree, endings[i].key);
        struct draft_body body = {
            .form = FORM_STEPS,
            .owner = DRAFT_NO_NODE,
            .tree = draft->tree,
            .list = list,
            .what = str_from(endings[i].key),
            .place = list != NULL ? list->place : draft->tree->place,
        };
        if (list != NULL) {
            status = draft_add_body(draft, &body, endings[i].body);
        }
    }
    return status;
}
