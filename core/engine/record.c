/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/record.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/grow.h"
#include "core/value/value.h"

static struct scope_change *find_scope(const struct batch *batch, const struct scope_change *change)
{
    for (size_t i = 0; i < batch->scope_count; i++) {
        struct scope_change *earlier = &batch->scopes[i];
        if (strcmp(earlier->kind, change->kind) == 0 && str_equal(earlier->key, change->key)) {
            return earlier;
        }
    }
    return NULL;
}

const char *run_state_name(enum run_state state)
{
    static const char *const names[] = {
#define X(name, text) [name] = text,
        RUN_STATES(X)
#undef X
    };
    return names[state];
}

bool run_state_is_terminal(enum run_state state)
{
    return state == RUN_COMPLETED || state == RUN_FAILED || state == RUN_CANCELLED;
}

const char *node_state_name(enum node_state state)
{
    static const char *const names[] = {
#define X(name, text) [name] = text,
        NODE_STATES(X)
#undef X
    };
    return names[state];
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->record_count; i++) {
        document_unref(batch->records[i].output);
        document_unref(batch->records[i].error);
        document_unref(batch->records[i].detail);
        document_unref(batch->records[i].done);
        edge_set_finish(&batch->records[i].taken);
        free(batch->records[i].path);
    }
    for (size_t i = 0; i < batch->effect_count; i++) {
        document_unref(batch->effects[i].config);
    }
    for (size_t i = 0; i < batch->scope_count; i++) {
        document_unref(batch->scopes[i].state);
    }
    for (size_t i = 0; i < batch->cache_count; i++) {
        document_unref(batch->caches[i].output);
        document_unref(batch->caches[i].items);
    }
    batch->record_count = 0;
    batch->effect_count = 0;
    batch->cache_count = 0;
    batch->scope_count = 0;
    batch->has_failed = false;
    batch->lacks_room = false;
}

void batch_finish(struct batch *batch)
{
    if (batch == NULL) {
        return;
    }
    batch_clear(batch);
    free(batch->records);
    free(batch->effects);
    free(batch->scopes);
    free(batch->caches);
    *batch = BATCH_INIT;
}

void batch_add_record(struct batch *batch, const struct record *record)
{
    struct record *records = array_reserve(batch->records, &batch->record_cap,
                                           batch->record_count + 1, sizeof(*records));
    if (records == NULL) {
        batch->has_failed = true;
        struct edge_set taken = record->taken;
        edge_set_finish(&taken);
        return;
    }
    batch->records = records;
    (void)document_ref(record->output); /* the same pointer comes back */
    (void)document_ref(record->error);
    (void)document_ref(record->detail);
    (void)document_ref(record->done);
    records[batch->record_count++] = *record;
}

void batch_add_effect(struct batch *batch, const struct effect *effect)
{
    struct effect *effects = array_reserve(batch->effects, &batch->effect_cap,
                                           batch->effect_count + 1, sizeof(*effects));
    if (effects == NULL) {
        batch->has_failed = true;
        return;
    }
    batch->effects = effects;
    (void)document_ref(effect->config);
    effects[batch->effect_count++] = *effect;
}

void batch_add_scope(struct batch *batch, const struct scope_change *change)
{
    struct scope_change *kept = find_scope(batch, change);
    if (kept == NULL) {
        struct scope_change *scopes = array_reserve(batch->scopes, &batch->scope_cap,
                                                    batch->scope_count + 1, sizeof(*scopes));
        if (scopes == NULL) {
            batch->has_failed = true;
            return;
        }
        batch->scopes = scopes;
        kept = &scopes[batch->scope_count++];
        kept->state = NULL;
    }
    (void)document_ref(change->state); /* first: it may be the same one */
    document_unref(kept->state);
    *kept = *change;
}

void batch_add_cache(struct batch *batch, const struct cache_entry *entry)
{
    struct cache_entry *entries =
        array_reserve(batch->caches, &batch->cache_cap, batch->cache_count + 1, sizeof(*entries));
    if (entries == NULL) {
        batch->has_failed = true;
        return;
    }
    batch->caches = entries;
    (void)document_ref(entry->output);
    (void)document_ref(entry->items);
    entries[batch->cache_count++] = *entry;
}
