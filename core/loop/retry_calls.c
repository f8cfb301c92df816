/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/retry_calls.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/record.h"
#include "core/engine/run.h"
#include "core/journal/journal_reader.h"
#include "core/model/pipeline.h"
#include "core/value/value.h"

enum { PAGE = 100 };

struct search {
    struct journal_reader *reader;
    const struct run *old;
    const struct document *reuse; /* NULL: nothing is taken over */
    uint64_t after;
    uint32_t read; /* of a page */
    uint64_t count;
    struct strbuf first; /* the id of the first one */
};

static bool is_taken_over(const struct search *search, struct str node)
{
    return search->reuse != NULL && value_get(document_root(search->reuse), node) != NULL;
}

static void note(struct search *search, struct str id)
{
    if (search->count++ == 0) {
        strbuf_append_str(&search->first, id);
    }
}

/* "each" of "RUN/each[17].fix" and of "RUN/each[1]/charge". */
static struct str node_of(const struct search *search, struct str id)
{
    size_t begin = run_id(search->old).n + 1;
    size_t end = begin;
    while (end < id.n && strchr("[#@./:", id.p[end]) == NULL) {
        end++;
    }
    return begin < id.n ? str_make(id.p + begin, end - begin) : STR("");
}

static int note_item(void *user, const struct journal_item *item)
{
    struct search *search = user;
    search->after = item->number;
    search->read++;
    if (!is_taken_over(search, node_of(search, item->id))) {
        note(search, item->id);
    }
    return 0;
}

/* Of the run itself, and of those that it called. */
static int find_own(struct search *search, struct error *err)
{
    int status = 0;
    do {
        const struct journal_item_filter filter = {
            .of_run = run_id(search->old), .after = {.number = search->after}, .limit = PAGE};
        search->read = 0;
        status = journal_reader_items(search->reader, &filter, note_item, search, err);
    } while (status == 0 && search->read == PAGE);
    return status;
}

static int note_run(void *user, const struct journal_run *run)
{
    struct search *search = user;
    if (run->ended_at == 0) {
        note(search, run->id);
    }
    return 0;
}

/* Those of an earlier run that this one has taken over: their ids begin with that one's. */
static int find_inherited(struct search *search, struct error *err)
{
    const struct pipeline *pipeline = run_pipeline(search->old);
    const struct body *body = &pipeline->bodies[0];
    int status = 0;
    for (uint32_t i = body->first_node; i < body->first_node + body->node_count && status == 0;
         i++) {
        struct run_node_view node = run_node(search->old, i);
        bool is_queued = node.from == OUTPUT_FROM_QUEUE && node.output != NULL &&
                         !is_taken_over(search, pipeline->nodes[i].id);
        const struct value *id =
            is_queued ? value_get(document_root(node.output), STR(OUTPUT_QUEUE_ID)) : NULL;
        bool is_own = value_is(id, VALUE_STRING) &&
                      str_starts_with(value_str(id), run_id(search->old));
        if (value_is(id, VALUE_STRING) && !is_own) {
            status = journal_reader_run(search->reader, value_str(id), note_run, search, err);
            status = status == E_NOT_FOUND ? 0 : status; /* settled long ago */
        }
    }
    return status;
}

static int refuse(const struct search *search, struct error *err)
{
    const char *first = strbuf_str(&search->first).p;
    return error_set(
        err, E_CONFLICT,
        "%llu call%s of the run still %s in the retry queue and would be made a second "
        "time, with another key: '%s'%s; have it settled ('opstream queue run', "
        "'opstream dlq'), or say --force",
        (unsigned long long)search->count, search->count == 1 ? "" : "s",
        search->count == 1 ? "is" : "are", first, search->count == 1 ? "" : " is the first");
}

int retry_calls_check(struct journal_reader *reader, const struct run *old,
                      const struct document *reuse, struct error *err)
{
    struct search search = {.reader = reader, .old = old, .reuse = reuse, .first = STRBUF_INIT};
    int status = find_own(&search, err);
    status = status != 0 ? status : find_inherited(&search, err);
    if (status == 0 && strbuf_status(&search.first) != 0) {
        status = error_nomem(err);
    }
    if (status == 0 && search.count > 0) {
        status = refuse(&search, err);
    }
    strbuf_finish(&search.first);
    return status;
}
