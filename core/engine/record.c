/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/record.h"

#include <stdlib.h>

#include "core/base/grow.h"
#include "core/value/value.h"

const char *run_state_name(enum run_state state)
{
    static const char *const names[] = {
#define X(name, text) [name] = text,
        RUN_STATES(X)
#undef X
    };
    return names[state];
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
    }
    for (size_t i = 0; i < batch->effect_count; i++) {
        document_unref(batch->effects[i].config);
    }
    batch->record_count = 0;
    batch->effect_count = 0;
    batch->has_failed = false;
}

void batch_finish(struct batch *batch)
{
    if (batch == NULL) {
        return;
    }
    batch_clear(batch);
    free(batch->records);
    free(batch->effects);
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
