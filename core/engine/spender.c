/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/spender.h"

#include <stdbool.h>

#include "core/base/error.h"
#include "core/engine/engine_state.h"
#include "core/engine/member.h"
#include "core/engine/record.h"

static bool is_live(const struct spender *at)
{
    return spending_is_live(at->run, at->frame, at->node, at->attempt);
}

/* The node that waits for the end of this run; false: nobody does. */
static bool go_up(struct spender *at)
{
    const struct member *member = member_of(at->run);
    if (member->parent == NULL) {
        return false;
    }
    *at = (struct spender){.run = member->parent->run,
                           .frame = member->parent_frame,
                           .node = member->parent_node,
                           .attempt = member->parent_attempt};
    return is_live(at);
}

static int note(const struct spender *spender, struct run_event *event, int64_t now,
                struct batch *batch)
{
    struct spender at = *spender;
    int status = 0;
    do {
        size_t first = batch->record_count;
        event->frame = at.frame;
        event->node = at.node;
        event->attempt = at.attempt;
        run_decide(at.run, event, now, batch);
        status = batch->has_failed ? E_NOMEM : engine_apply(at.run, batch, first);
    } while (status == 0 && go_up(&at));
    return status;
}

enum spender_answer spender_ask(const struct spender *spender, const struct purse_amount *wanted,
                                int64_t now_unix_ms, struct spending_refusal *out_refusal)
{
    struct spender at = *spender;
    if (!is_live(&at)) {
        return SPENDER_GONE;
    }
    do {
        spending_ask(at.run, at.frame, at.node, wanted, now_unix_ms, out_refusal);
        if (out_refusal->verdict != PURSE_FITS) {
            return SPENDER_REFUSED;
        }
    } while (go_up(&at));
    return SPENDER_GRANTED;
}

int spender_reserve(const struct spender *spender, const struct purse_amount *wanted,
                    int64_t now_unix_ms, struct batch *batch, struct spending_refusal *out_refusal)
{
    struct run_event event = {.type = RUN_EVENT_RESERVED, .held = wanted};
    enum spender_answer said = spender_ask(spender, wanted, now_unix_ms, out_refusal);
    int status = said == SPENDER_GRANTED ? note(spender, &event, now_unix_ms, batch) : 0;
    return status == 0 ? (int)said : status;
}

int spender_settle(const struct spender *spender, const struct purse_use *use,
                   const struct purse_amount *held, int64_t now_unix_ms, struct batch *batch)
{
    struct run_event event = {.type = RUN_EVENT_SPENT, .use = use, .held = held};
    return is_live(spender) ? note(spender, &event, now_unix_ms, batch) : 0;
}
