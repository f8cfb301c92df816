/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/tape_call.h"

#include <stdlib.h>

#include "core/base/grow.h"

void tape_row_finish(struct tape_row *row)
{
    free((void *)row->calls);
    arena_finish(&row->arena);
    *row = TAPE_ROW_INIT;
}

struct tape_call *tape_row_add(struct tape_row *row)
{
    struct tape_call **calls =
        array_reserve((void *)row->calls, &row->cap, row->count + 1, sizeof *row->calls);
    row->calls = calls != NULL ? calls : row->calls;
    struct tape_call *call = arena_calloc(&row->arena, 1, sizeof *call);
    if (calls == NULL || call == NULL) {
        return NULL;
    }
    calls[row->count++] = call;
    return call;
}
