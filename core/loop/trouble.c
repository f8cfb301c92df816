/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/trouble.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/engine/run.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"

enum { AGAIN_MS = 10 * 60 * 1000, FLAPPING_MS = 60 * 1000 };

static void say(struct trouble *trouble, const struct journal_trouble *now)
{
    const struct loop *loop = trouble->loop;
    const struct loop_run *run = now->run != 0 ? run_table_find(loop, now->run) : NULL;
    trouble->said_at_ms = clock_monotonic_ns() / 1000000;
    trouble->is_said = true;
    log_write(LOG_LEVEL_ERROR,
              "nothing can be kept at the moment: runs wait, and go on by themselves later",
              LOG_FIELDS(log_text("why", now->why), log_text("folder", loop->state_folder),
                         log_str("first_run", run != NULL ? run_id(run->run) : STR("-")),
                         log_int("first_needs_bytes", (int64_t)now->bytes),
                         log_int("writes_waiting", (int64_t)loop->numbers.writes_waiting)));
}

static void on_again(uv_timer_t *timer)
{
    struct trouble *trouble = timer->data;
    struct journal_trouble now = journal_sqlite_trouble(trouble->loop->journal);
    if (now.why != NULL) {
        say(trouble, &now);
    }
}

/* A disk that is full, and is not, and is full: once a minute is enough. */
static void begin(struct trouble *trouble, const struct journal_trouble *now)
{
    int64_t since_ms = clock_monotonic_ns() / 1000000 - trouble->said_at_ms;
    int64_t first_ms = trouble->said_at_ms == 0 || since_ms >= FLAPPING_MS ? 0
                                                                           : FLAPPING_MS - since_ms;
    if (first_ms == 0) {
        say(trouble, now);
    }
    (void)uv_timer_start(&trouble->again, on_again, first_ms > 0 ? (uint64_t)first_ms : AGAIN_MS,
                         AGAIN_MS); /* cannot fail */
}

static void end(struct trouble *trouble)
{
    (void)uv_timer_stop(&trouble->again); /* cannot fail */
    if (trouble->is_said) {
        log_write(LOG_LEVEL_INFO, "what happens is kept again: runs go on", NULL, 0);
    }
    trouble->is_said = false;
}

void trouble_init(struct trouble *trouble, struct loop *loop)
{
    trouble->loop = loop;
    (void)uv_timer_init(&loop->uv, &trouble->again); /* always succeeds */
    trouble->again.data = trouble;
}

void trouble_finish(struct trouble *trouble)
{
    uv_close((uv_handle_t *)&trouble->again, NULL);
}

void trouble_look(struct trouble *trouble)
{
    const struct loop *loop = trouble->loop;
    if (loop->state_folder == NULL) {
        return;
    }
    struct journal_trouble now = journal_sqlite_trouble(loop->journal);
    bool is_begun = now.why != NULL && trouble->why == NULL;
    bool is_over = now.why == NULL && trouble->why != NULL;
    trouble->why = now.why;
    if (is_begun && !trouble->is_given_up) {
        begin(trouble, &now);
    } else if (is_over) {
        end(trouble);
    }
}

void trouble_give_up(struct trouble *trouble)
{
    const struct loop *loop = trouble->loop;
    if (!trouble->is_given_up && loop->state_folder != NULL) {
        journal_sqlite_give_up(loop->journal);
        trouble->is_given_up = true;
    }
}

void trouble_say_lost(const struct trouble *trouble)
{
    if (trouble->records_lost > 0) {
        log_write(LOG_LEVEL_WARN,
                  "there was no room for what came last: it was acknowledged to nobody, and its "
                  "nodes run again",
                  LOG_FIELDS(log_int("records_not_kept", (int64_t)trouble->records_lost)));
    }
}
