/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SIM_SERVICE_WORLD_H
#define TESTS_SIM_SERVICE_WORLD_H

/*
 * Service world: the engine under a simulated clock, and services that its nodes call: each
 * `call.task` with a URL. A service answers after its latency as its behaviour says, counts its
 * calls, and how many there were at once. Everything is durable at once. A day takes as long as its
 * events do.
 *
 * Used by:  sim_services.
 * Uses:     engine, pipeline_fixture.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "tests/support/random.h"

#define SERVICE_WORLD_BEGIN INT64_C(1800000000000)

enum { SERVICE_WORLD_MOST = 4, SERVICE_WORLD_CALLS_KEPT = 200000 };

enum service_answer {
    SERVICE_GOOD,
    SERVICE_BAD,  /* UNAVAILABLE, without effect */
    SERVICE_HANGS /* no answer before it is told to stop */
};

struct service;
struct service_event;

/* What the service does with a call that comes now. */
typedef enum service_answer (*service_behaviour)(struct service *service, int64_t now);

struct service {
    const char *url;
    service_behaviour behave;
    int64_t latency_ms;
    struct random random;
    uint64_t calls;
    uint32_t active;
    uint32_t most_active;
    int64_t *called_at;  /* of the first calls; SERVICE_WORLD_CALLS_KEPT */
    uint32_t *active_at; /* how many were there then, this one among them */
};

struct service_world {
    struct engine *engine;
    int64_t now;
    struct service services[SERVICE_WORLD_MOST];
    size_t service_count;
    struct service_event *events; /* a heap */
    size_t event_count;
    size_t event_cap;
    uint64_t next_order;
    struct batch batch;
    uint64_t nodes_started;
    uint64_t nodes_completed; /* of plugins */
    uint64_t nodes_failed;
    uint64_t retries;
    uint64_t runs_ended;
    uint64_t runs_completed;
    /* From ready to the call of a service, for nodes that are named after it; ms. */
    int64_t *waited[SERVICE_WORLD_MOST];
    size_t waited_count[SERVICE_WORLD_MOST];
};

/* The services are named before anything calls them: `http` of the URL is found by its beginning.
 */
void service_world_init(struct service_world *world);
struct service *service_world_add(struct service_world *world, const char *url,
                                  service_behaviour behave, int64_t latency_ms);
void service_world_finish(struct service_world *world);

/* Starts a run of the YAML text. */
struct run *service_world_run(struct service_world *world, const char *yaml);

/* Until nothing happens any more, or the clock would pass `until`. */
void service_world_pass(struct service_world *world, int64_t until);

/* An operator's order for the only breaker there is. */
void service_world_order(struct service_world *world, enum breaker_order order);

/* The state of that breaker. */
enum breaker_state service_world_breaker(const struct service_world *world);

/* So many of 100 calls of the service took no longer, from ready to the answer; ms. */
int64_t service_world_percentile(struct service_world *world, const struct service *service,
                                 unsigned percent);

#endif
