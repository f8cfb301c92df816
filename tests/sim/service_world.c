/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/service_world.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"

struct service_event {
    int64_t at;
    uint64_t order;
    struct run *run;
    uint64_t frame;
    uint32_t node;
    uint32_t attempt;
    bool is_timer;
    enum timer_kind timer;
    struct service *service; /* whose call ends; NULL: none */
    enum service_answer answer;
};

/* ---- events ---- */

static bool is_before(const struct service_event *a, const struct service_event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void swap(struct service_event *a, struct service_event *b)
{
    struct service_event old = *a;
    *a = *b;
    *b = old;
}

static void push(struct service_world *world, struct service_event event)
{
    struct service_event *events =
        array_reserve(world->events, &world->event_cap, world->event_count + 1, sizeof(*events));
    CHECK(events != NULL);
    world->events = events;
    event.order = world->next_order++;
    size_t i = world->event_count++;
    events[i] = event;
    while (i > 0 && is_before(&events[i], &events[(i - 1) / 2])) {
        swap(&events[i], &events[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static struct service_event pop(struct service_world *world)
{
    struct service_event *events = world->events;
    struct service_event first = events[0];
    size_t i = 0;
    events[0] = events[--world->event_count];
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < world->event_count; child++) {
            least = is_before(&events[child], &events[least]) ? child : least;
        }
        if (least == i) {
            return first;
        }
        swap(&events[i], &events[least]);
        i = least;
    }
}

/* ---- services ---- */

static struct service *find_service(struct service_world *world, const struct effect *effect)
{
    const struct value *url = value_get(document_root(effect->config), STR("url"));
    for (size_t i = 0; value_is(url, VALUE_STRING) && i < world->service_count; i++) {
        if (str_starts_with(value_str(url), str_from(world->services[i].url))) {
            return &world->services[i];
        }
    }
    return NULL;
}

static void note_call(struct service *service, int64_t now)
{
    service->active++;
    service->most_active = service->active > service->most_active ? service->active
                                                                  : service->most_active;
    if (service->calls < SERVICE_WORLD_CALLS_KEPT) {
        service->called_at[service->calls] = now;
        service->active_at[service->calls] = service->active;
    }
    service->calls++;
}

static void start_task(struct service_world *world, const struct effect *effect)
{
    struct service *service = find_service(world, effect);
    CHECK(service != NULL);
    enum service_answer answer = service->behave(service, world->now);
    note_call(service, world->now);
    if (answer != SERVICE_HANGS) {
        push(world, (struct service_event){.at = world->now + service->latency_ms,
                                           .run = effect->run,
                                           .frame = effect->frame,
                                           .node = effect->node,
                                           .attempt = effect->attempt,
                                           .service = service,
                                           .answer = answer});
    }
}

/* What hangs ends at once when it is told to. Whatever its service was: there is one that hangs. */
static void stop_task(struct service_world *world, const struct effect *effect)
{
    struct service *service = NULL;
    for (size_t i = 0; i < world->service_count; i++) {
        service = world->services[i].behave(&world->services[i], world->now) == SERVICE_HANGS
                      ? &world->services[i]
                      : service;
    }
    push(world, (struct service_event){.at = world->now,
                                       .run = effect->run,
                                       .frame = effect->frame,
                                       .node = effect->node,
                                       .attempt = effect->attempt,
                                       .service = service,
                                       .answer = SERVICE_HANGS});
}

/* ---- what a batch asks for ---- */

static void note_wait(struct service_world *world, const struct record *record)
{
    const struct pipeline *pipeline = run_pipeline(record->run);
    struct str id = pipeline->nodes[record->node].id;
    for (size_t i = 0; i < world->service_count; i++) {
        bool is_its = str_equal_text(id, world->services[i].url + strlen("http://"));
        int64_t ready = run_frame_node(record->run, record->frame, record->node).ready_at_unix_ms;
        if (is_its && ready > 0 && world->waited_count[i] < SERVICE_WORLD_CALLS_KEPT) {
            world->waited[i][world->waited_count[i]++] = record->at_unix_ms - ready;
        }
    }
}

static void note_record(struct service_world *world, const struct record *record)
{
    bool is_node = record->type == RECORD_NODE_ENDED || record->type == RECORD_NODE_STARTED;
    bool is_call = is_node && run_pipeline(record->run)->nodes[record->node].kind == NODE_PLUGIN;
    world->retries += record->type == RECORD_NODE_RETRY ? 1u : 0u;
    if (record->type == RECORD_RUN_ENDED) {
        world->runs_ended++;
        world->runs_completed += record->run_state == RUN_COMPLETED ? 1u : 0u;
    }
    if (is_call && record->type == RECORD_NODE_STARTED) {
        world->nodes_started++;
        note_wait(world, record);
    } else if (is_call) {
        world->nodes_completed += record->node_state == NODE_COMPLETED ? 1u : 0u;
        world->nodes_failed += record->node_state == NODE_FAILED ? 1u : 0u;
    }
}

static void carry_out(struct service_world *world, const struct effect *effect, bool *goes_on)
{
    if (effect->type == EFFECT_START) {
        start_task(world, effect);
    } else if (effect->type == EFFECT_STOP) {
        stop_task(world, effect);
    } else if (effect->type == EFFECT_ARM_TIMER) {
        push(world, (struct service_event){.at = effect->at_unix_ms,
                                           .run = effect->run,
                                           .frame = effect->frame,
                                           .node = effect->node,
                                           .attempt = effect->attempt,
                                           .is_timer = true,
                                           .timer = effect->timer});
    } else if (effect->type == EFFECT_CONTINUE) {
        *goes_on = true;
    }
}

/* The batch is durable; `run` goes on as long as it asks for it. */
static void settle(struct service_world *world, struct run *run)
{
    bool goes_on = true;
    while (goes_on) {
        struct run *next = run;
        goes_on = false;
        for (size_t i = 0; i < world->batch.record_count; i++) {
            note_record(world, &world->batch.records[i]);
        }
        for (size_t i = 0; i < world->batch.effect_count; i++) {
            bool wants = false;
            carry_out(world, &world->batch.effects[i], &wants);
            next = wants ? world->batch.effects[i].run : next;
            goes_on = goes_on || wants;
        }
        batch_clear(&world->batch);
        if (goes_on) {
            CHECK(engine_continue(world->engine, next, world->now, &world->batch, NULL) == 0);
        }
    }
}

/* ---- what happens ---- */

static void fire(struct service_world *world, const struct service_event *event)
{
    struct run_event told = {.frame = event->frame, .node = event->node, .attempt = event->attempt};
    struct document *error = NULL;
    if (event->is_timer) {
        told.type = RUN_EVENT_TIMER;
        told.timer = event->timer;
    } else if (event->answer == SERVICE_GOOD) {
        told.type = RUN_EVENT_DONE;
        told.output = document_empty_map();
    } else {
        error = pipeline_fixture_json(
            event->answer == SERVICE_BAD
                ? "{\"code\":\"UNAVAILABLE\",\"message\":\"no\",\"effect\":\"none\"}"
                : "{\"code\":\"CANCELLED\",\"message\":\"told to\",\"effect\":\"none\"}");
        told.type = RUN_EVENT_FAILED;
        told.error = error;
    }
    if (event->service != NULL) {
        event->service->active--;
    }
    CHECK(engine_handle(world->engine, event->run, &told, world->now, &world->batch, NULL) == 0);
    document_unref(error);
    settle(world, event->run);
}

void service_world_pass(struct service_world *world, int64_t until)
{
    for (;;) {
        int64_t shared = engine_next_due(world->engine);
        int64_t next = world->event_count > 0 ? world->events[0].at : INT64_MAX;
        int64_t at = shared < next ? shared : next;
        if (at == INT64_MAX || at > until) {
            world->now = until != INT64_MAX ? until : world->now;
            return;
        }
        world->now = at > world->now ? at : world->now;
        if (shared <= next) {
            CHECK(engine_tick(world->engine, world->now, &world->batch, NULL) == 0);
            settle(world, NULL);
        } else {
            struct service_event event = pop(world);
            fire(world, &event);
        }
    }
}

void service_world_order(struct service_world *world, enum breaker_order order)
{
    struct engine_breaker found;
    CHECK(engine_next_breaker(world->engine, &(const void *){NULL}, &found));
    CHECK(engine_order_breaker(world->engine, found.key, order, world->now, &world->batch, NULL) ==
          0);
    settle(world, NULL);
}

enum breaker_state service_world_breaker(const struct service_world *world)
{
    struct engine_breaker found;
    CHECK(engine_next_breaker(world->engine, &(const void *){NULL}, &found));
    return found.breaker->state;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

int64_t service_world_percentile(struct service_world *world, const struct service *service,
                                 unsigned percent)
{
    size_t i = (size_t)(service - world->services);
    size_t count = world->waited_count[i];
    CHECK(count > 0);
    qsort(world->waited[i], count, sizeof(int64_t), compare);
    return world->waited[i][(count - 1) * percent / 100] + service->latency_ms;
}

/* ---- beginning and end ---- */

void service_world_init(struct service_world *world)
{
    *world = (struct service_world){.now = SERVICE_WORLD_BEGIN};
    CHECK(engine_create(&(struct engine_options){0}, &world->engine, NULL) == 0);
}

struct service *service_world_add(struct service_world *world, const char *url,
                                  service_behaviour behave, int64_t latency_ms)
{
    size_t i = world->service_count++;
    CHECK(i < SERVICE_WORLD_MOST);
    struct service *service = &world->services[i];
    *service = (struct service){.url = url,
                                .behave = behave,
                                .latency_ms = latency_ms,
                                .random = {i + 1},
                                .called_at = calloc(SERVICE_WORLD_CALLS_KEPT, sizeof(int64_t)),
                                .active_at = calloc(SERVICE_WORLD_CALLS_KEPT, sizeof(uint32_t))};
    world->waited[i] = calloc(SERVICE_WORLD_CALLS_KEPT, sizeof(int64_t));
    CHECK(service->called_at != NULL && service->active_at != NULL && world->waited[i] != NULL);
    return service;
}

struct run *service_world_run(struct service_world *world, const char *yaml)
{
    struct pipeline *pipeline = pipeline_fixture_load(yaml);
    const struct run_options options = {.pipeline = pipeline,
                                        .input = document_empty_map(),
                                        .id = STR("run"),
                                        .triggered_by = STR("manual")};
    struct run *run = NULL;
    CHECK(engine_start(world->engine, &options, world->now, &world->batch, &run, NULL) == 0);
    settle(world, run);
    pipeline_unref(pipeline);
    return run;
}

void service_world_finish(struct service_world *world)
{
    batch_finish(&world->batch);
    engine_destroy(world->engine);
    for (size_t i = 0; i < world->service_count; i++) {
        free(world->services[i].called_at);
        free(world->services[i].active_at);
        free(world->waited[i]);
    }
    free(world->events);
}
