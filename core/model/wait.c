/* SPDX-License-Identifier: Apache-2.0 */
/* `wait`: for a time, or for an event that is sent to the run. */
#include "core/base/error.h"
#include "core/base/quantity.h"
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/scope.h"
#include "core/model/tree.h"
#include "core/model/violations.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

/* Exactly one of `seconds`, `until` and `event`; the other keys are of events. */
static void check_keys(const struct draft *draft, uint32_t index, const struct tree *config)
{
    static const char *const ends[] = {"seconds", "until", "event"};
    static const char *const of_events[] = {"match", "timeout"};
    struct str id = draft->nodes[index].id;
    unsigned count = 0;
    unsigned known = 0;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        count += tree_find(config, str_from(ends[i])) != NULL;
    }
    for (size_t i = 0; i < sizeof(of_events) / sizeof(of_events[0]); i++) {
        known += tree_find(config, str_from(of_events[i])) != NULL;
    }
    bool has_unknown = config->count > count + known; /* which is reported, and meant to be one */
    if (count > 1) {
        report_error(
            report_of(draft), config->place,
            "node '%.*s' has more than one of 'seconds', 'until' and 'event' in its config",
            STR_ARG(id));
    } else if (count == 0 && !has_unknown) {
        report_error(report_of(draft), config->place,
                     "node '%.*s' needs one of 'seconds', 'until' and 'event' in its config",
                     STR_ARG(id));
    }
    for (size_t i = 0; i < sizeof(of_events) / sizeof(of_events[0]); i++) {
        const struct tree_member *member = tree_find(config, str_from(of_events[i]));
        if (member != NULL && tree_find(config, STR("event")) == NULL) {
            report_error(report_of(draft), member->key.place,
                         "'%s' of node '%.*s' goes with 'event'", of_events[i], STR_ARG(id));
        }
    }
}

static void check_timeout(const struct draft *draft, uint32_t index, const struct tree *config)
{
    const struct tree *timeout = tree_get(config, STR("timeout"));
    int64_t ms = 0;
    bool is_template = tree_is(timeout, TREE_TEXT) &&
                       memchr(timeout->text.p, '{', timeout->text.n) != NULL;
    if (timeout == NULL || is_template) {
        return;
    }
    if (!tree_is(timeout, TREE_TEXT) || quantity_parse_duration(timeout->text, &ms, NULL) != 0) {
        report_error(report_of(draft), timeout->place,
                     "'timeout' of node '%.*s' must be a duration like 250ms, 30s, 5m, 2h or 7d",
                     STR_ARG(draft->nodes[index].id));
    } else if (ms == 0) {
        report_error(report_of(draft), timeout->place,
                     "'timeout' of node '%.*s' must be more than 0, not '%.*s'",
                     STR_ARG(draft->nodes[index].id), STR_ARG(timeout->text));
    }
}

/* The config without `match`, which is asked of each event and not when the node starts. */
static int split_match(struct draft *draft, const struct tree *config, struct tree *out)
{
    struct tree_member *members =
        arena_calloc(&draft->loader->arena, (size_t)config->count + 1, sizeof(*members));
    if (members == NULL) {
        return E_NOMEM;
    }
    *out = *config;
    out->count = 0;
    out->as.members = members;
    for (uint32_t i = 0; i < config->count; i++) {
        if (!str_equal(config->as.members[i].key.text, STR("match"))) {
            members[out->count++] = config->as.members[i];
        }
    }
    return 0;
}

int wait_check(struct draft *draft, uint32_t index, const struct tree *config,
               const struct scope_at *at)
{
    struct node *node = &draft->nodes[index];
    const struct tree *match = tree_get(config, STR("match"));
    struct label what = label_of("'match' of node", node->id);
    struct scope_at of = {
        .site = USE_NODE, .node = index, .names = SCOPE_SIGNAL, .what = what.text};
    struct tree rest = {0};
    check_keys(draft, index, config);
    check_timeout(draft, index, config);
    int status = split_match(draft, config, &rest);
    if (status == 0) {
        status =
            violations_check_template(draft, &rest, node->type->config_schema, at, &node->config);
    }
    if (status != 0 || match == NULL) {
        return status;
    }
    if (!tree_is_scalar(match) || match->kind == TREE_NULL) {
        report_error(report_of(draft), match->place, "%s must be an expression, not %s", what.text,
                     tree_kind_name(match));
        return 0;
    }
    return scope_compile_condition(draft, match, &of, &node->match);
}
