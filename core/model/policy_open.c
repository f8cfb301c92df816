/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `on_open`: what a node does while the breaker of its service is open. A map says more of one of
 * the words: {queue: {priority: high}}.
 */
#include "core/model/catalogue.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/policies.h"
#include "core/model/tree.h"

/* In a map; faults go to the report. */
static void lay_map(struct draft *draft, struct policy_said said, struct policies_draft *out)
{
    const struct report *report = &draft->loader->report;
    const struct tree *queue = tree_get(said.map, STR("queue"));
    struct str word = {0};
    format_check(report, said.map, format_on_open_keys, said.what, 0);
    if (queue == NULL) {
        if (!format_is_misspelt(said.map, format_on_open_keys, "queue")) {
            report_error(report, said.map->place, "%s needs a 'queue'", said.what);
            report_hint(report, "write {queue: {priority: high}}, or one of the words alone");
        }
        return;
    }
    out->policies.on_open = ON_OPEN_QUEUE;
    if (tree_is(queue, TREE_MAP)) {
        struct label what = label_make("'queue' of %s", said.what);
        format_check(report, queue, format_queue_keys, what.text, 0);
        (void)(format_text(queue, "priority", &word) && /* another word was reported */
               queue_priority_find(word, &out->policies.priority));
    }
}

int policy_open_lay(struct draft *draft, struct policy_said said, struct policies_draft *out)
{
    static const struct {
        const char *word;
        enum on_open on_open;
    } rows[] = {{"fail", ON_OPEN_FAIL}, {"fallback", ON_OPEN_FALLBACK}, {"queue", ON_OPEN_QUEUE}};
    if (tree_is(said.map, TREE_MAP)) {
        lay_map(draft, said, out);
        return 0;
    }
    /* Another word was reported by the table of keys. */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && tree_is(said.map, TREE_TEXT); i++) {
        if (str_equal_text(said.map->text, rows[i].word)) {
            out->policies.on_open = rows[i].on_open;
        }
    }
    return 0;
}

static void check_breaker(const struct draft *draft, uint32_t index, struct place place,
                          const struct node_policies *own)
{
    const struct report *report = &draft->loader->report;
    const struct node *node = &draft->nodes[index];
    if (!own->breaker.is_on) {
        report_error(report, place,
                     "'on_open' of node '%.*s' has no effect: its circuit_breaker is off",
                     STR_ARG(node->id));
        report_hint(report, "leave 'on_open' out, or give the node a breaker: circuit_breaker: {}");
    } else if (node->type->origin_key.n == 0 && !own->breaker.is_asked_for) {
        report_error(report, place,
                     "'on_open' of node '%.*s' has no effect: type '%.*s' calls no address, so it "
                     "has a breaker only where one is asked for",
                     STR_ARG(node->id), STR_ARG(node->type->name));
        report_hint(report, "add circuit_breaker: {}");
    }
}

void policy_open_settle(const struct draft *draft, uint32_t index, struct node_policies *own)
{
    const struct node *node = &draft->nodes[index];
    const struct tree_member *member = tree_find(draft->drafts[index].tree, STR("on_open"));
    if (member == NULL) {
        own->on_open = node->fallback != NULL ? ON_OPEN_FALLBACK : own->on_open;
        return;
    }
    if (node->type != NULL) {
        check_breaker(draft, index, member->key.place, own);
    }
    if (own->on_open == ON_OPEN_FALLBACK &&
        tree_find(draft->drafts[index].tree, STR("fallback")) == NULL) {
        report_error(&draft->loader->report, member->value.place,
                     "'on_open: fallback' of node '%.*s' needs a 'fallback'", STR_ARG(node->id));
        report_hint(&draft->loader->report, "add fallback: {value: ...}, for example");
    }
}
