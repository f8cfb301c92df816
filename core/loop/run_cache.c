/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_cache.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct found {
    struct document *output; /* owned; NULL: nothing */
    struct builder *items;   /* owned; a list that is not closed; NULL: it can have none */
    struct strbuf port;
};

static int take_output(struct found *found, const struct journal_cache_row *row)
{
    strbuf_append_str(&found->port, row->port);
    int status = strbuf_status(&found->port);
    if (status == 0 && row->items.n > 0) {
        found->items = builder_create();
        builder_map_begin(found->items);
        builder_key(found->items, STR("items"));
        builder_list_begin(found->items);
    }
    return status == 0 ? json_read(row->output, NULL, &found->output, NULL) : status;
}

static int take_items(struct found *found, const struct journal_cache_row *row)
{
    struct document *items = NULL;
    int status = json_read(row->items, NULL, &items, NULL);
    const struct value *list = status == 0 ? document_root(items) : NULL;
    for (size_t i = 0; list != NULL && i < value_count(list); i++) {
        builder_embed(found->items, items, value_at(list, i));
    }
    document_unref(items);
    return status;
}

static int take(void *user, const struct journal_cache_row *row)
{
    struct found *found = user;
    int status = found->output == NULL ? take_output(found, row) : 0;
    return status == 0 && found->items != NULL ? take_items(found, row) : status;
}

/* The result with its items, as the engine takes it. */
static int add_items(struct found *found)
{
    struct builder *b = found->items;
    struct document *output = found->output;
    if (b == NULL) {
        return 0;
    }
    builder_list_end(b);
    builder_key(b, STR("output"));
    builder_embed(b, output, document_root(output));
    builder_map_end(b);
    found->items = NULL;
    found->output = NULL;
    int status = builder_finish(b, &found->output, NULL);
    document_unref(output);
    return status;
}

static void find(const struct loop *loop, const struct effect *effect, struct found *found)
{
    struct error err = {0};
    struct str key = value_str(document_root(effect->config));
    int status = loop->reader != NULL ? journal_reader_cached(loop->reader, key, effect->at_unix_ms,
                                                              take, found, &err)
                                      : 0;
    status = status == 0 ? add_items(found) : status;
    if (status != 0) {
        log_write(LOG_LEVEL_WARN, "a result that was kept cannot be read: the node goes without",
                  LOG_FIELDS(log_text("key", key.p), log_text("reason", err.message)));
        document_unref(found->output);
        found->output = NULL;
        builder_destroy(found->items);
        found->items = NULL;
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
