/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/edge_set.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"

/* Words behind the first. */
static uint32_t more_words(uint32_t count)
{
    return count > 64 ? (count - 1) / 64 : 0;
}

int edge_set_init(struct edge_set *set, uint32_t count)
{
    struct edge_set made = {.count = count};
    if (count > 64) {
        made.more = calloc(more_words(count), sizeof(*made.more));
        if (made.more == NULL) {
            return E_NOMEM;
        }
    }
    *set = made;
    return 0;
}

void edge_set_finish(struct edge_set *set)
{
    free(set->more);
    *set = EDGE_SET_INIT;
}

int edge_set_copy(const struct edge_set *set, struct edge_set *out)
{
    struct edge_set made = EDGE_SET_INIT;
    if (edge_set_init(&made, set->count) != 0) {
        return E_NOMEM;
    }
    made.first = set->first;
    if (set->more != NULL) {
        memcpy(made.more, set->more, more_words(set->count) * sizeof(*made.more));
    }
    *out = made;
    return 0;
}

void edge_set_put(struct edge_set *set, uint32_t edge, bool is_taken)
{
    CHECK(edge < set->count);
    uint64_t *word = edge < 64 ? &set->first : &set->more[edge / 64 - 1];
    uint64_t bit = UINT64_C(1) << (edge % 64);
    *word = is_taken ? *word | bit : *word & ~bit;
}
