/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_list.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"

void job_list_finish(struct job_list *list)
{
    free(list->items);
    arena_finish(&list->arena);
    *list = JOB_LIST_INIT;
}

static bool copy_text(struct arena *arena, struct str *text)
{
    *text = arena_dup_str(arena, *text);
    return text->p != NULL;
}

static int copy_texts(struct arena *arena, struct journal_run *run)
{
    struct str *const texts[] = {
        &run->id,      &run->definition,   &run->workflow, &run->name,
        &run->version, &run->labels,       &run->state,    &run->blocked,
        &run->call,    &run->parent_path,  &run->key,      &run->request,
        &run->options, &run->triggered_by, &run->result,   &run->spent,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!copy_text(arena, texts[i])) {
            return E_NOMEM;
        }
    }
    return 0;
}

int job_list_add(void *user, const struct journal_run *run)
{
    struct job_list *list = user;
    struct journal_run *items =
        array_reserve(list->items, &list->cap, list->count + 1, sizeof(*items));
    if (items == NULL) {
        return E_NOMEM;
    }
    list->items = items;
    items[list->count] = *run;
    int status = copy_texts(&list->arena, &items[list->count]);
    list->count += status == 0;
    return status;
}
