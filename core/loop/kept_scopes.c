/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/kept_scopes.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/commit.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"

/* ---- from an earlier process ---- */

struct kind {
    const char *name;
    int (*restore)(struct engine *engine, struct str key, struct str state, int64_t now_unix_ms,
                   struct error *err);
    const char *unreadable;
};

static const struct kind kinds[] = {
    {ENGINE_SCOPE_BREAKER, engine_restore_breaker,
     "the state of a breaker cannot be read: it begins closed"},
    {ENGINE_SCOPE_LIMITER, engine_restore_limiter,
     "the state of a rate limit cannot be read: it begins anew"},
};

struct loading {
    struct loop *loop;
    const struct kind *kind;
};

static int load(void *user, const struct journal_scope_row *row)
{
    const struct loading *loading = user;
    const struct kind *kind = loading->kind;
    struct error err = {0};
    int status = kind->restore(loading->loop->engine, row->key, row->state, clock_unix_ms(), &err);
    if (status == E_NOMEM) {
        return status;
    }
    if (status != 0) {
        log_write(LOG_LEVEL_WARN, kind->unreadable,
                  LOG_FIELDS(log_str("scope", row->key), log_text("why", err.message)));
    }
    return 0;
}

int kept_scopes_load(struct loop *loop, struct error *err)
{
    bool has_any = journal_sqlite_has_scopes(loop->journal);
    int status = 0;
    for (size_t i = 0; has_any && status == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct loading loading = {.loop = loop, .kind = &kinds[i]};
        status = journal_reader_scopes(loop->reader, str_from(kinds[i].name), load, &loading, err);
    }
    return status;
}

/* ---- what is over ---- */

void kept_scopes_prune(struct loop *loop)
{
    int64_t now = clock_unix_ms();
    int64_t since = now - loop->scopes_pruned_at;
    bool is_due = since >= KEPT_SCOPES_INTERVAL_MS || since < 0;
    struct commit *commit = is_due && loop->state_folder != NULL ? commit_create(loop) : NULL;
    if (commit == NULL) {
        return;
    }
    loop->scopes_pruned_at = now;
    if (engine_prune_limits(loop->engine, KEPT_SCOPES_PORTION, now, &commit->batch) != 0) {
        commit->has_failed = true;
    }
    run_driver_submit(commit);
}
