/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop_state.h"

struct run_keys {
    struct run_keys *next;
    struct loop_key known;
    char *key;
};

int run_keys_add(struct loop *loop, struct str key, const struct loop_key *known)
{
    struct run_keys *entry = calloc(1, sizeof(*entry));
    char *copy = str_dup(key);
    if (entry == NULL || copy == NULL) {
        free(entry);
        free(copy);
        return E_NOMEM;
    }
    *entry = (struct run_keys){.next = loop->keys, .known = *known, .key = copy};
    loop->keys = entry;
    return 0;
}

void run_keys_remove(struct loop *loop, uint64_t number)
{
    struct run_keys **at = &loop->keys;
    while (*at != NULL && (*at)->known.number != number) {
        at = &(*at)->next;
    }
    struct run_keys *entry = *at;
    if (entry != NULL) {
        *at = entry->next;
        free(entry->key);
        free(entry);
    }
}

void run_keys_finish(struct loop *loop)
{
    while (loop->keys != NULL) {
        run_keys_remove(loop, loop->keys->known.number);
    }
}

static int note_key(void *user, const struct journal_run *run)
{
    struct loop_key *known = user;
    known->number = run->number;
    known->has_ended = run->ended_at != 0;
    known->is_durable = true;
    (void)snprintf(known->id, sizeof(known->id), "%.*s", STR_ARG(run->id));
    (void)snprintf(known->request, sizeof(known->request), "%.*s", STR_ARG(run->request));
    return 0;
}

int loop_find_key(struct loop *loop, struct str key, struct loop_key *out_key, struct error *err)
{
    for (const struct run_keys *at = loop->keys; at != NULL; at = at->next) {
        if (str_equal_text(key, at->key)) {
            *out_key = at->known;
            return 0;
        }
    }
    *out_key = (struct loop_key){0};
    return loop->reader != NULL
               ? journal_reader_run_by_key(loop->reader, key, note_key, out_key, err)
               : error_set(err, E_NOT_FOUND, "no run has the key '%.*s'", STR_ARG(key));
}
