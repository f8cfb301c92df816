/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_cache.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct found {
    struct document *output; /* owned; NULL: nothing */
    struct strbuf port;
};

static int take(void *user, const struct journal_cache_row *row)
{
    struct found *found = user;
    strbuf_append_str(&found->port, row->port);
    int status = strbuf_status(&found->port);
    return status == 0 ? json_read(row->output, NULL, &found->output, NULL) : status;
}

static void find(const struct loop *loop, const struct effect *effect, struct found *found)
{
    struct error err = {0};
    struct str key = value_str(document_root(effect->config));
    int status = loop->reader != NULL ? journal_reader_cached(loop->reader, key, effect->at_unix_ms,
                                                              take, found, &err)
                                      : 0;
    if (status != 0) {
        log_write(LOG_LEVEL_WARN, "a result that was kept cannot be read: the node goes without",
                  LOG_FIELDS(log_text("key", key.p), log_text("reason", err.message)));
        document_unref(found->output);
        found->output = NULL;
    }
}

void run_cache_answer(struct loop_run *run, const struct effect *effect)
{
    struct loop *loop = run->loop;
    struct found found = {.port = STRBUF_INIT};
    find(loop, effect, &found);
    loop->numbers.cache_hits += found.output != NULL ? 1u : 0u;
    loop->numbers.cache_misses += found.output == NULL ? 1u : 0u;
    run_driver_handle(run, &(struct run_event){.type = RUN_EVENT_CACHED,
                                               .frame = effect->frame,
                                               .node = effect->node,
                                               .index = effect->turn,
                                               .port = strbuf_str(&found.port),
                                               .output = found.output});
    document_unref(found.output);
    strbuf_finish(&found.port);
}
