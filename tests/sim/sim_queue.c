/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The retry queue, as nodes that work on it see it: the question which items there are has an
 * answer, late or twice, and what became of these is told once they have been tried, or when the
 * node has waited long enough. The items themselves are nobody's runs here. How many there are
 * follows from the node alone, so that calm worlds end alike.
 */
#include "core/value/builder.h"
#include "core/value/value.h"
#include "tests/sim/sim.h"

static uint32_t items_of(const struct sim_event *event)
{
    return event->node % 3;
}

static void write_items(struct builder *b, uint32_t count)
{
    builder_list_begin(b);
    for (uint32_t i = 0; i < count; i++) {
        builder_map_begin(b);
        builder_member_int(b, STR("id"), (int64_t)i);
        builder_map_end(b);
    }
    builder_list_end(b);
}

static struct document *make(struct sim *sim, const struct sim_event *event)
{
    struct builder *b = builder_create();
    struct document *document = NULL;
    if (event->type == SIM_FOUND) {
        write_items(b, items_of(event));
    } else {
        builder_map_begin(b);
        builder_member_int(b, STR("processed"), (int64_t)items_of(event));
        builder_key(b, STR("items"));
        write_items(b, items_of(event));
        builder_map_end(b);
    }
    SIM_HOLDS(sim, builder_finish(b, &document, NULL) == 0);
    return document;
}

void sim_queue_ask(struct sim_run *run, const struct effect *effect)
{
    struct sim *sim = run->sim;
    bool is_question = effect->type == EFFECT_ASK_QUEUE;
    bool is_over = effect->type == EFFECT_END_QUEUE;
    struct sim_event event = {.type = is_question ? SIM_FOUND : SIM_WORKED,
                              .run = run->index,
                              .frame = effect->frame,
                              .node = effect->node,
                              .attempt = effect->attempt,
                              .life = run->root->life,
                              .turn = effect->turn};
    uint32_t times = !sim->is_calm && random_percent(&sim->random, 10) ? 2 : 1;
    for (uint32_t i = 0; i < times; i++) {
        event.at = sim_later(sim, is_question || is_over ? 20 : 3000);
        sim_schedule(sim, event);
    }
}

void sim_queue_answer(struct sim_run *run, const struct sim_event *event)
{
    struct document *output = make(run->sim, event);
    const struct run_event answer = {
        .type = event->type == SIM_FOUND ? RUN_EVENT_FOUND : RUN_EVENT_DONE,
        .frame = event->frame,
        .node = event->node,
        .attempt = event->attempt,
        .index = event->turn,
        .output = output,
    };
    sim_driver_tell(run, &answer, SIM_ANSWER_NONE);
    document_unref(output);
}
