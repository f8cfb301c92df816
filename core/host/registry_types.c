/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/registry_types.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/host/registry_file.h"

static int add_type(struct registry_types *types, struct registry_file *file,
                    const struct node_type_line *line, struct arena *arena)
{
    struct registry_type *known = strmap_get(&types->by_name, line->name);
    if (known != NULL) {
        known->rival = file->is_misplaced ? known->rival : file;
        return 0;
    }

    struct registry_type *type = arena_calloc(arena, 1, sizeof *type);
    if (type == NULL) {
        return E_NOMEM;
    }
    type->line = *line;
    type->file = file;
    return strmap_add(&types->by_name, type->line.name, type);
}

int registry_types_add(struct registry_types *types, struct registry_file *file,
                       struct arena *arena)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < file->type_count; i++) {
        status = add_type(types, file, &file->types[i], arena);
    }
    return status;
}

static int compare_types(const void *a, const void *b)
{
    const struct registry_type *const *left = a;
    const struct registry_type *const *right = b;
    return str_compare((*left)->line.name, (*right)->line.name);
}

int registry_types_sort(struct registry_types *types)
{
    size_t cursor = 0;
    size_t count = 0;
    types->sorted =
        (struct registry_type **)calloc(types->by_name.count + 1, sizeof *types->sorted);
    if (types->sorted == NULL) {
        return E_NOMEM;
    }

    for (struct registry_type *type = strmap_next(&types->by_name, &cursor, NULL); type != NULL;
         type = strmap_next(&types->by_name, &cursor, NULL)) {
        if (type->rival == NULL && type->file->problem_code == 0) {
            types->sorted[count++] = type;
        }
    }
    types->sorted_count = count;
    qsort((void *)types->sorted, count, sizeof *types->sorted, compare_types);
    return 0;
}

void registry_types_finish(struct registry_types *types)
{
    strmap_finish(&types->by_name);
    free((void *)types->sorted);
    *types = (struct registry_types){0};
}
