/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_NUMBERS_H
#define CORE_API_NUMBERS_H

/*
 * Numbers: what the process at work knows about itself, for /health and /metrics. Whoever carries
 * the routes fills it for each request.
 *
 * Used by:  route_health, route_status, route_metrics, the engine's owner.
 * Uses:     policy (states of breakers, admission), value.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/policy/admission.h"
#include "core/policy/alert.h"
#include "core/policy/breaker.h"
#include "core/policy/purse.h"

struct api_numbers {
    const char *version;        /* of the program; static */
    int64_t started_at_unix_ms; /* when the process became the engine */
    const char *trouble;        /* why nothing becomes durable at the moment; NULL: all is well */
    uint64_t runs_in_memory;    /* that are loaded, roots and children */
    uint64_t runs_parked;       /* that wait as rows */
    uint64_t nodes_running;
    uint64_t queue_depth;    /* nodes that wait for a permit */
    uint64_t writes_waiting; /* of the journal */
    uint64_t timers_armed;   /* in memory */
    uint64_t clients;        /* connections to the control socket */
    uint64_t runs_started;   /* since the process started; the same below */
    uint64_t runs_completed; /* roots */
    uint64_t runs_failed;
    uint64_t runs_cancelled;
    uint64_t nodes_started;
    struct purse_total spent;                 /* by calls that are paid for */
    uint64_t alerts[ALERT_KINDS];             /* that began */
    uint64_t alerts_active[ALERT_KINDS];      /* now */
    uint64_t breaker_changes[BREAKER_STATES]; /* by the state that one has changed to */
    uint64_t cache_hits;
    uint64_t cache_misses;
    uint64_t writes_committed;           /* batches that became durable */
    uint64_t requests;                   /* to the API */
    uint64_t refused[ADMISSION_ANSWERS]; /* starts and events: there was no room for them */
    uint64_t refused_reads;              /* too many waited */
    uint64_t refused_connections;        /* there were too many */
    uint64_t refused_bodies;             /* too much of other requests was in memory */
    uint64_t clients_dropped;            /* they read too slowly */
    uint64_t memory_bytes;               /* resident; for /metrics alone */
};

struct builder;

/* What /health and /api/v1/status say alike, as members of the map that `b` is in. */
void api_numbers_append(const struct api_numbers *numbers, int64_t now_unix_ms, struct builder *b);

#endif
