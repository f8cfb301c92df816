/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/queue and /api/v1/dlq: what waits for its turn, and what waits for a person. */
#include <stdio.h>

#include "core/api/item_cursor.h"
#include "core/api/item_filter.h"
#include "core/api/item_write.h"
#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

const char *const route_queue_params[] = {"limit", "cursor", "workflow", "node", "priority", NULL};
const char *const route_dlq_params[] = {"limit", "cursor", "workflow", "node", "priority",
                                        "code",  "older",  "newer",    NULL};

enum { ITEM_FULL = 1 };

struct page {
    struct builder *b;
    struct document *live; /* by number, see item_live.h; NULL: nothing is known */
    uint64_t limit;
    uint64_t count;
    struct journal_item_place last; /* of the last one that is shown */
};

/* What the engine does not let it start for, the first of it. */
static void add_wait(const struct page *page, const struct journal_item *item)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)item->number);
    const struct value *live =
        page->live != NULL ? value_get(document_root(page->live), str_from(number)) : NULL;
    const struct value *waits = value_get(live, STR("waits"));
    bool has_one = value_is(waits, VALUE_LIST) && value_count(waits) > 0;
    builder_key(page->b, STR("waits_for"));
    json_text_part(page->b, page->live, has_one ? value_at(waits, 0) : NULL, 3);
}

static int add_item(void *user, const struct journal_item *item)
{
    struct page *page = user;
    if (page->count == page->limit) {
        return ITEM_FULL;
    }
    page->count++;
    page->last = (struct journal_item_place){item->priority, item->turn_at, item->number};
    builder_map_begin(page->b);
    item_write_members(page->b, item);
    add_wait(page, item);
    builder_map_end(page->b);
    return 0;
}

static int read_cursor(const struct query *query, struct journal_item_filter *filter,
                       struct error *err)
{
    const struct query_range numbers = {1, INT64_MAX};
    return filter->is_dead ? query_number(query, "cursor", numbers, &filter->after.number, err)
                           : item_cursor_read(query_get(query, "cursor"), &filter->after, err);
}

static int read_filter(const struct route_call *call, struct journal_item_filter *filter,
                       uint64_t *limit, struct error *err)
{
    const struct query_range limits = {1, ROUTE_PAGE_MOST};
    int status = item_filter_read(call->query, call->request->now_unix_ms, filter, err);
    status = status != 0 ? status : query_number(call->query, "limit", limits, limit, err);
    status = status != 0 ? status : read_cursor(call->query, filter, err);
    filter->limit = (uint32_t)*limit + 1;
    return status;
}

static void write_cursor(const struct journal_item_filter *filter,
                         const struct journal_item_place *last, char out[ITEM_CURSOR_SIZE])
{
    if (filter->is_dead) {
        (void)snprintf(out, ITEM_CURSOR_SIZE, "%llu", (unsigned long long)last->number);
    } else {
        item_cursor_write(last, out);
    }
}

static int answer_list(const struct route_call *call, struct journal_item_filter *filter,
                       struct answer *answer, struct error *err)
{
    struct page page = {.limit = ROUTE_PAGE};
    char cursor[ITEM_CURSOR_SIZE] = "";
    int status = read_filter(call, filter, &page.limit, err);
    if (status != 0) {
        return status;
    }
    page.b = builder_create();
    page.live = call->request->live.n > 0 ? json_text_read(page.b, call->request->live) : NULL;
    builder_map_begin(page.b);
    builder_key(page.b, STR("items"));
    builder_list_begin(page.b);
    if (call->request->reader != NULL) {
        status = journal_reader_items(call->request->reader, filter, add_item, &page, err);
    }
    document_unref(page.live);
    if (status != 0 && status != ITEM_FULL) {
        builder_destroy(page.b);
        return status;
    }
    builder_list_end(page.b);
    if (status == ITEM_FULL) {
        write_cursor(filter, &page.last, cursor);
    }
    json_text_member_or_null(page.b, STR("next_cursor"), str_from(cursor));
    builder_member_bool(page.b, STR("at_work"), call->request->numbers != NULL);
    builder_map_end(page.b);
    return route_finish(page.b, answer, err);
}

int route_queue(const struct route_call *call, struct answer *answer, struct error *err)
{
    struct journal_item_filter filter = {0};
    return answer_list(call, &filter, answer, err);
}

int route_dlq(const struct route_call *call, struct answer *answer, struct error *err)
{
    struct journal_item_filter filter = {.is_dead = true};
    return answer_list(call, &filter, answer, err);
}
