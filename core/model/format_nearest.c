/* SPDX-License-Identifier: Apache-2.0 */
/* Which key was meant: one that is spelt nearly so, or one that other tools call so. */
#include <stddef.h>

#include "core/base/suggest.h"
#include "core/model/format.h"
#include "core/model/tree.h"

/* The first whose key the table has counts. */
static const struct {
    const char *other;
    const char *key;
} synonyms[] = {
    {"after", "depends_on"},
    {"always", "finally"},
    {"args", "config"},
    {"arguments", "config"},
    {"catch", "on_error"},
    {"cond", "when"},
    {"condition", "when"},
    {"constants", "config"},
    {"continue_on_error", "on_error"},
    {"cron", "schedule"},
    {"depends", "depends_on"},
    {"depends_on", "transitions"},
    {"do", "nodes"},
    {"edges", "transitions"},
    {"else", "to"},
    {"env", "environment"},
    {"events", "transitions"},
    {"from", "source"},
    {"function", "action"},
    {"function", "type"},
    {"guard", "when"},
    {"if", "when"},
    {"in", "for_each"},
    {"initial", "initial_state"},
    {"interval", "delay"},
    {"items", "for_each"},
    {"jobs", "nodes"},
    {"kind", "type"},
    {"limit", "max_iterations"},
    {"loop", "for_each"},
    {"needs", "depends_on"},
    {"next", "to"},
    {"node", "goto"},
    {"on", "transitions"},
    {"on", "trigger"},
    {"on_error", "on_failure"},
    {"operation", "action"},
    {"operation", "method"},
    {"options", "config"},
    {"parallel", "max_parallel"},
    {"parallelism", "parallel_workers"},
    {"parameters", "config"},
    {"plugin", "type"},
    {"requires", "depends_on"},
    {"retries", "retry"},
    {"run_after", "depends_on"},
    {"settings", "config"},
    {"stages", "steps"},
    {"start", "initial_state"},
    {"start_at", "initial_state"},
    {"step", "type"},
    {"steps", "nodes"},
    {"target", "goto"},
    {"target", "to"},
    {"tasks", "nodes"},
    {"then", "to"},
    {"times", "max_iterations"},
    {"to", "target"},
    {"tool", "name"},
    {"tool", "type"},
    {"triggered_by", "trigger"},
    {"uses", "type"},
    {"variables", "config"},
    {"vars", "config"},
    {"while", "until"},
    {"with", "config"},
    {"with_items", "for_each"},
    {"workers", "parallel_workers"},
};

struct str format_nearest(const struct format_key *table, struct str wrong)
{
    for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
        const struct format_key *key = str_equal_text(wrong, synonyms[i].other)
                                           ? format_find(table, str_from(synonyms[i].key))
                                           : NULL;
        if (key != NULL) {
            return key->name;
        }
    }
    struct suggest nearest = suggest_start(wrong);
    for (; table->name.n > 0; table++) {
        suggest_offer(&nearest, table->name);
    }
    return nearest.best;
}

bool format_is_misspelt(const struct tree *map, const struct format_key *table, const char *key)
{
    for (uint32_t i = 0; tree_is(map, TREE_MAP) && i < map->count; i++) {
        struct str written = map->as.members[i].key.text;
        if (format_find(table, written) == NULL &&
            str_equal_text(format_nearest(table, written), key)) {
            return true;
        }
    }
    return false;
}
