/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/breakers: the circuit breakers that have ever changed, by their scopes. */
#include <string.h>

#include "core/api/breaker_row.h"
#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/value/builder.h"

const char *const route_breakers_params[] = {"limit", "cursor", NULL};

struct page {
    struct builder *b;
    struct str after; /* scopes behind this one; empty: all */
    uint64_t limit;
    uint64_t count;
    struct strbuf last; /* the scope of the last one that is shown */
};

static bool is_behind(struct str scope, struct str after)
{
    size_t n = scope.n < after.n ? scope.n : after.n;
    int order = n > 0 ? memcmp(scope.p, after.p, n) : 0;
    return order > 0 || (order == 0 && scope.n > after.n);
}

static int add_breaker(void *user, const struct breaker_row *row)
{
    struct page *page = user;
    if (!is_behind(row->scope, page->after)) {
        return 0;
    }
    if (page->count == page->limit) {
        return BREAKER_ROW_FULL;
    }
    page->count++;
    strbuf_clear(&page->last);
    strbuf_append_str(&page->last, row->scope);
    builder_map_begin(page->b);
    json_text_member(page->b, STR("scope"), row->scope);
    json_text_member_or_null(page->b, STR("state"),
                             str_from(row->is_known ? breaker_state_name(row->state) : ""));
    json_text_time(page->b, STR("since"), row->since);
    json_text_time(page->b, STR("due_at"), row->due_at);
    builder_member_int(page->b, STR("openings"), row->openings);
    builder_map_end(page->b);
    return strbuf_status(&page->last);
}

/* `*out_is_cut`: there are more. */
static int add_page(const struct route_call *call, struct page *page, bool *out_is_cut,
                    struct error *err)
{
    struct journal_reader *reader = call->request->reader;
    int status = reader != NULL ? breaker_row_each(reader, add_breaker, page, err) : 0;
    *out_is_cut = status == BREAKER_ROW_FULL;
    return *out_is_cut ? 0 : status;
}

int route_breakers(const struct route_call *call, struct answer *answer, struct error *err)
{
    const struct query_range limits = {1, ROUTE_PAGE_MOST};
    struct page page = {.after = query_get(call->query, "cursor"), .limit = ROUTE_PAGE};
    bool is_cut = false;
    int status = query_number(call->query, "limit", limits, &page.limit, err);
    if (status != 0) {
        return status;
    }
    page.b = builder_create();
    builder_map_begin(page.b);
    builder_key(page.b, STR("breakers"));
    builder_list_begin(page.b);
    status = add_page(call, &page, &is_cut, err);
    if (status == 0) {
        builder_list_end(page.b);
        json_text_member_or_null(page.b, STR("next_cursor"),
                                 is_cut ? strbuf_str(&page.last) : STR(""));
        builder_map_end(page.b);
        status = route_finish(page.b, answer, err);
    } else {
        builder_destroy(page.b);
    }
    strbuf_finish(&page.last);
    return status;
}
