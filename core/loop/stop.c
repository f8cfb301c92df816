/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a run, and all that it started, to end. */
#include "core/engine/engine.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_tasks.h"

void loop_run_cancel(struct loop_run *run)
{
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run && !below->is_awaited && !below->is_ended) {
            run_driver_handle(
                below, &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED});
        }
    }
}

void loop_run_kill(struct loop_run *run)
{
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run) {
            run_driver_handle(
                below, &(struct run_event){.type = RUN_EVENT_CANCEL, .reason = STOP_SHUTDOWN});
        }
    }
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run) {
            run_tasks_kill(below);
        }
    }
}
