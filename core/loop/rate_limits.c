/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/rate_limits.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/loop_state.h"

static int load(void *user, const struct journal_scope_row *row)
{
    struct loop *loop = user;
    struct error err = {0};
    int status = engine_restore_limiter(loop->engine, row->key, row->state, clock_unix_ms(), &err);
    if (status == E_NOMEM) {
        return status;
    }
    if (status != 0) {
        log_write(LOG_LEVEL_WARN, "the state of a rate limit cannot be read: it begins anew",
                  LOG_FIELDS(log_str("scope", row->key), log_text("why", err.message)));
    }
    return 0;
}

int rate_limits_load(struct loop *loop, struct error *err)
{
    if (!journal_sqlite_has_scopes(loop->journal)) {
        return 0;
    }
    return journal_reader_scopes(loop->reader, STR(ENGINE_SCOPE_LIMITER), load, loop, err);
}
