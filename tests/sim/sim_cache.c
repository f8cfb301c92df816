/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of earlier calls: those whose write is durable, but for some that a dying process has
 * written without a word. Answers come late, twice, or for a run that nobody waits in any more. In
 * a calm world there never is one: what another run did first would change how a run ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/grow.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_store.h"
#include "tests/support/cache_items.h"

static int see(void *user, const struct record *record)
{
    cache_items_see(user, record);
    return 0;
}

/* With its items, which are durable with it. */
static const struct document *keep_output(struct sim *sim, const struct cache_entry *entry)
{
    struct cache_items items;
    if (entry->items == NULL) {
        return document_ref(entry->output);
    }
    cache_items_begin(&items, entry);
    SIM_HOLDS(sim, sim_store_read(sim->store, entry->run_number, see, &items) == 0);
    const struct document *whole = cache_items_end(&items);
    SIM_HOLDS(sim, whole != NULL);
    return whole;
}

void sim_cache_keep(struct sim *sim, const struct batch *batch)
{
    for (size_t i = 0; i < batch->cache_count; i++) {
        size_t cap = sim->entry_cap;
        sim->entries =
            array_reserve(sim->entries, &cap, sim->entry_count + 1, sizeof(*sim->entries));
        sim->entry_ports = array_reserve((void *)sim->entry_ports, &sim->entry_cap,
                                         sim->entry_count + 1, sizeof(char *));
        SIM_HOLDS(sim, sim->entries != NULL && sim->entry_ports != NULL);
        struct cache_entry *kept = &sim->entries[sim->entry_count];
        *kept = batch->caches[i];
        kept->items = NULL;
        kept->output = keep_output(sim, &batch->caches[i]);
        sim->entry_ports[sim->entry_count] = str_dup(kept->port);
        SIM_HOLDS(sim, sim->entry_ports[sim->entry_count] != NULL);
        sim->entry_count++;
    }
}

void sim_cache_ask(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    struct str key = value_str(document_root(effect->config));
    struct sim_event event = {.type = SIM_CACHED,
                              .run = run->index,
                              .frame = effect->frame,
                              .node = effect->node,
                              .life = run->root->life,
                              .turn = effect->turn,
                              .after = effect->at_unix_ms};
    uint32_t times = !sim->is_calm && random_percent(&sim->random, 10) ? 2 : 1;
    (void)snprintf(event.cache_key, sizeof(event.cache_key), "%.*s", STR_ARG(key));
    for (uint32_t i = 0; i < times; i++) {
        event.at = sim_later(sim, random_percent(&sim->random, 90) ? 20 : 3000);
        sim_schedule(sim, event);
    }
}

void sim_cache_answer(struct sim_run *run, const struct sim_event *event)
{
    struct sim *sim = run->sim;
    struct run_event answer = {
        .type = RUN_EVENT_CACHED, .frame = event->frame, .node = event->node, .index = event->turn};
    for (size_t i = sim->entry_count; i > 0 && !sim->is_calm; i--) {
        const struct cache_entry *entry = &sim->entries[i - 1];
        if (strcmp(entry->key, event->cache_key) == 0) {
            bool is_good = entry->at_unix_ms >= event->after;
            answer.output = is_good ? entry->output : NULL;
            answer.port = is_good ? str_from(sim->entry_ports[i - 1]) : STR("");
            sim->hits += is_good ? 1u : 0u;
            break;
        }
    }
    sim_driver_tell(run, &answer, SIM_ANSWER_NONE);
}

void sim_cache_finish(struct sim *sim)
{
    for (size_t i = 0; i < sim->entry_count; i++) {
        document_unref(sim->entries[i].output);
        free(sim->entry_ports[i]);
    }
    free(sim->entries);
    free((void *)sim->entry_ports);
}
