/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_HEALTH_CHECKS_H
#define CORE_LOOP_HEALTH_CHECKS_H

/*
 * Health checks: what runs of pipelines with `monitoring.health_check_interval` call is asked
 * whether it is there, by the check() of its plugin, as long as such a run is in memory and has not
 * ended. A service is a plugin with its settings, and the origin of a URL where a config names one;
 * runs that name the same share its questions. Those whose name is the same in every run are asked
 * from the start of the run on, the others once a node has called them.
 *
 * A question waits for nothing: where the limits of the service would make it wait it is not put.
 * What comes of it is a line in the log, an event for who listens and a row for who looks. It
 * changes no breaker, no budget, and nothing durable.
 *
 * Used by:  loop, run_driver, run_tasks, http_gate; for the files of this folder alone.
 * Uses:     policy (health), engine (service), host, log.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/base/str.h"

struct document;
struct health_service;
struct health_wish;
struct loop;
struct loop_run;
struct node;
struct run_place;
struct strbuf;

/* So many are known at once; one more takes the place of one that no run names. */
enum { HEALTH_SERVICES_MOST = 200 };

struct health_checks {
    struct loop *loop;
    uv_timer_t timer;
    struct health_service *services; /* the newest first */
    size_t count;
    bool is_full_told; /* in the log */
    bool is_over;
};

void health_checks_init(struct health_checks *checks, struct loop *loop);

/* Ends the questions that are out, at once, and puts no more. */
void health_checks_stop(struct health_checks *checks);

/* The handle; while the loop closes its handles. */
void health_checks_close(struct health_checks *checks);

/* Memory; the host is closed. */
void health_checks_finish(struct health_checks *checks);

/* The run goes on in this process: its services are wanted. Again: nothing happens. */
void health_checks_note_run(struct loop_run *run);

/* A task of the run's node begins; with its resolved settings and config. */
void health_checks_note_task(struct loop_run *run, uint32_t node, const struct document *settings,
                             const struct document *config);

/* The run has ended, or leaves memory: it wants nothing any more. */
void health_checks_drop_run(struct loop_run *run);

/* The services that are shown, as JSON: a list of rows as loop_append_counts() has them. */
void health_checks_append(const struct health_checks *checks, struct strbuf *out);

/* ---- of the host ---- */

/* Whether a task's token is that of a question; the others are those of tasks of runs. */
bool health_checks_own(uint64_t token);

/* `error` NULL: it is there. */
void health_checks_answer(uint64_t token, const struct document *error);
void health_checks_give_up(uint64_t token);
void health_checks_log(uint64_t token, int level, struct str line);

/*
 * In whose name a question makes its calls: a node whose limits they keep. False: no run wants to
 * know any more.
 */
bool health_checks_place(uint64_t token, struct run_place *out_place);

/* A call that the question needs did not go out: it counts as not put. */
void health_checks_skip(uint64_t token);

#endif
