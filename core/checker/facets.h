/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_FACETS_H
#define CORE_CHECKER_FACETS_H

/*
 * Facets: the schemas that rule one place in a value, all at once.
 *
 * They are that which stands there, what it refers to, all of its allOf, and one branch, by chance,
 * of its oneOf, anyOf and if. A keyword is looked for in all of them, in this order.
 *
 * Used by:  config_maker, sample_text.
 * Uses:     value, chance.
 * Threads:  [any]
 */

#include <stddef.h>

#include "core/base/str.h"

struct chance;
struct value;

enum { FACETS_MOST = 64 };

struct facets {
    const struct value *root; /* what $ref begins at */
    const struct value *maps[FACETS_MOST];
    size_t count; /* what is beyond FACETS_MOST is left out */
};

/* Of the place that `schema` is for, within `root`; both are kept, `schema` may be NULL. */
void facets_collect(struct facets *facets, const struct value *root, const struct value *schema,
                    struct chance *chance);

/* What `key` says in the first that has it; NULL: none. */
const struct value *facets_find(const struct facets *facets, const char *key);

/* The same as a number of things; `otherwise`: none says it, or it is no such number. */
size_t facets_size(const struct facets *facets, const char *key, size_t otherwise);

/* The schema of the member `name`; NULL: nothing is said of it. */
const struct value *facets_property(const struct facets *facets, struct str name);

#endif
