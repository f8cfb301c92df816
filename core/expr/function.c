/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

static const struct function_table *const tables[] = {
    &function_types, &function_texts,  &function_formats, &function_maths,     &function_lists,
    &function_sets,  &function_codecs, &function_times,   &function_optionals,
};

enum { TABLE_COUNT = sizeof(tables) / sizeof(tables[0]) };

const struct function *function_find(struct str name, enum function_form form, size_t args,
                                     const struct function **out_nearest)
{
    *out_nearest = NULL;
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct function *f = &tables[t]->functions[i];
            if (!str_equal_text(name, f->name)) {
                continue;
            }
            if ((f->forms & form) != 0 && args >= f->min_args && args <= f->max_args) {
                return f;
            }
            *out_nearest = f;
        }
    }
    return NULL;
}

void function_suggest(struct suggest *nearest)
{
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            suggest_offer(nearest, str_from(tables[t]->functions[i].name));
        }
    }
}
