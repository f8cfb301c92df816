/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a run, and all that it started, to end. */
#include "core/base/clock.h"
#include "core/engine/engine.h"
#include "core/loop/commit.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_tasks.h"

/* In the write of what it leads to, as every command of a person. `detail` is JSON. */
static void add_audit(struct commit *commit, const struct loop_run *run, struct str who,
                      const char *detail)
{
    if (who.n > 0) {
        commit_add_audit(commit, &(struct journal_audit){.at_unix_ms = clock_unix_ms(),
                                                         .who = who,
                                                         .action = STR("cancel"),
                                                         .run = run->number,
                                                         .detail = str_from(detail)});
    }
}

void loop_run_cancel(struct loop_run *run, struct str who)
{
    const struct run_event event = {.type = RUN_EVENT_CANCEL, .reason = STOP_REQUESTED};
    struct commit *commit = commit_create(run->loop);
    bool is_well = commit != NULL;
    if (is_well && !run->is_ended) {
        add_audit(commit, run, who, "{}");
    }
    for (struct loop_run *below = run->loop->runs; below != NULL && is_well; below = below->next) {
        bool is_told = below->root == run && !below->is_awaited && !below->is_ended;
        is_well = !is_told || run_driver_decide(below, &event, commit);
    }
    if (is_well) {
        run_driver_submit(commit);
    } else if (commit != NULL) {
        commit_destroy(commit);
    }
}

/* Each by itself, as far as memory goes: the tasks are killed in any case. */
static void tell_all(struct loop_run *run, struct str who)
{
    const struct run_event event = {.type = RUN_EVENT_CANCEL, .reason = STOP_SHUTDOWN};
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        struct commit *commit = below->root == run ? commit_create(run->loop) : NULL;
        if (commit == NULL) {
            continue;
        }
        if (below == run && !run->is_ended) {
            add_audit(commit, run, who, "{\"killed\":true}");
        }
        if (run_driver_decide(below, &event, commit)) {
            run_driver_submit(commit);
        } else {
            commit_destroy(commit);
        }
    }
}

void loop_run_kill(struct loop_run *run, struct str who)
{
    tell_all(run, who);
    for (struct loop_run *below = run->loop->runs; below != NULL; below = below->next) {
        if (below->root == run) {
            run_tasks_kill(below);
        }
    }
}
