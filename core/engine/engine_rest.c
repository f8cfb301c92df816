/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that leave memory: for good, or while they only wait. */
#include "core/base/check.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_guard.h"
#include "core/engine/engine_state.h"
#include "core/engine/member.h"
#include "core/engine/sleepers.h"
#include "core/engine/waits.h"

bool engine_only_waits(const struct run *root, struct engine_rest *out_wait)
{
    struct member *top = member_of(root);
    struct engine_rest wait = {.wake_at = INT64_MAX, .guard_due = INT64_MAX};
    struct member_wait asked = {.guard = NULL};
    uint32_t queued = 0;
    for (struct member *at = top; at != NULL; at = member_next_below(top, at)) {
        struct run_wait own = {.wake_at = INT64_MAX};
        if (at->has_continue || !run_only_waits(at->run, &own)) {
            return false;
        }
        if (own.queued > 0) {
            member_look_for_guard(at, &asked);
        }
        queued += own.queued;
        wait.wake_at = own.wake_at < wait.wake_at ? own.wake_at : wait.wake_at;
    }
    if (asked.is_of_many || asked.nodes != queued) {
        return false;
    }
    wait.guard = asked.guard;
    wait.nodes = asked.nodes;
    wait.turn = asked.turn;
    if (wait.guard != NULL) {
        wait.guard_due = breaker_next_due(dispatch_guard_breaker(wait.guard));
    }
    *out_wait = wait;
    return true;
}

void engine_unload(struct engine *engine, struct run *root)
{
    struct member *top = member_of(root);
    while (top->first_called != NULL) {
        struct member *leaf = top->first_called;
        while (leaf->first_called != NULL) {
            leaf = leaf->first_called;
        }
        engine_drop_member(engine, leaf);
    }
    engine_drop_member(engine, top);
}

struct noting {
    const struct run *root;
    struct strbuf *path;
};

static void note_path(void *user, const struct engine_wait *wait)
{
    const struct noting *noting = user;
    engine_append_wait_path(noting->root, wait, noting->path);
}

int engine_sleep(struct engine *engine, struct run *root, const struct engine_rest *wait)
{
    struct strbuf path = STRBUF_INIT;
    (void)engine_each_wait(engine, root, 1, note_path,
                           &(struct noting){.root = root, .path = &path});
    const struct sleeper_options options = {.number = run_number(root),
                                            .guard = wait->guard,
                                            .nodes = wait->nodes,
                                            .turn = wait->turn,
                                            .wake_at = wait->wake_at,
                                            .node = strbuf_str(&path)};
    int status = strbuf_status(&path);
    if (status == 0) {
        status = sleepers_add(engine->sleepers, &options);
    }
    if (status == 0) {
        engine_unload(engine, root);
    }
    strbuf_finish(&path);
    return status;
}

bool engine_find_sleeper(const struct engine *engine, uint64_t number,
                         struct engine_sleeper *out_sleeper)
{
    struct sleeper_options found;
    if (!sleepers_find(engine->sleepers, number, &found)) {
        return false;
    }
    *out_sleeper = (struct engine_sleeper){.key = dispatch_guard_key(found.guard),
                                           .breaker = dispatch_guard_breaker(found.guard),
                                           .nodes = found.nodes,
                                           .node = found.node};
    return true;
}

bool engine_next_awake(struct engine *engine, int64_t now_unix_ms, uint64_t *out_number)
{
    return sleepers_next_awake(engine->sleepers, engine->dispatch, now_unix_ms, out_number);
}

uint64_t engine_sleeping(const struct engine *engine)
{
    return sleepers_count(engine->sleepers);
}

bool engine_keeps(const struct run *run)
{
    return member_of(run)->has_undo && member_of(run)->caller != NULL;
}

void engine_remove(struct engine *engine, struct run *run)
{
    CHECK(run_is_ended(run));
    engine_drop_member(engine, member_of(run));
}
