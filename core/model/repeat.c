/* SPDX-License-Identifier: Apache-2.0 */
/* `repeat`: one node again and again, until its output says that it is enough. */
#include "core/base/error.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/scope.h"
#include "core/model/tree.h"

enum { DEFAULT_MAX_ITERATIONS = 1000 };

int repeat_read(struct draft *draft, uint32_t index)
{
    struct node *node = &draft->nodes[index];
    const struct tree *map = format_map(draft->drafts[index].tree, "repeat");
    if (map == NULL) {
        return 0;
    }
    struct label what = label_of("'repeat' of node", node->id);
    struct label of = label_of("'until' of node", node->id);
    const struct tree *until = tree_get(map, STR("until"));
    struct scope_at at = {.site = USE_SELF, .node = index, .what = of.text};
    struct repeat *repeat = arena_calloc(&draft->storage->arena, 1, sizeof(*repeat));
    if (repeat == NULL) {
        return E_NOMEM;
    }
    format_check(&draft->loader->report, map, format_repeat_keys, what.text, 0);
    repeat->max_iterations = DEFAULT_MAX_ITERATIONS;
    (void)format_count(map, "max_iterations", &repeat->max_iterations); /* or the default */
    (void)format_duration(map, "delay", &repeat->delay_ms);             /* without: none */
    node->repeat = repeat;
    if (until == NULL && !format_is_misspelt(map, format_repeat_keys, "until")) {
        report_error(&draft->loader->report, map->place, "%s needs 'until'", what.text);
        report_hint(&draft->loader->report, "for a list of things to do: for_each");
    }
    if (!tree_is_scalar(until) || until->kind == TREE_NULL) {
        return 0;
    }
    return scope_compile_condition(draft, until, &at, &repeat->until);
}
