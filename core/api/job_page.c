/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_page.h"

#include "core/api/query.h"
#include "core/api/route_call.h"
#include "core/value/builder.h"

int job_page_read(struct job_page *page, const struct query *query, struct error *err)
{
    const struct query_range limits = {1, ROUTE_PAGE_MOST};
    const struct query_range places = {0, INT64_MAX};
    page->limit = ROUTE_PAGE;
    int status = query_number(query, "limit", limits, &page->limit, err);
    return status != 0 ? status : query_number(query, "after", places, &page->after, err);
}

int job_page_count(struct job_page *page, uint64_t at)
{
    if (page->count == page->limit) {
        page->has_more = true;
        return JOB_PAGE_FULL;
    }
    page->count++;
    page->last = at;
    return 0;
}

void job_page_begin(struct job_page *page, struct str name)
{
    builder_map_begin(page->b);
    builder_member_string(page->b, STR("id"), page->id);
    builder_key(page->b, name);
    builder_list_begin(page->b);
}

void job_page_end(struct job_page *page)
{
    uint64_t last = page->count > 0 ? page->last : page->after;
    builder_list_end(page->b);
    if (page->has_more) {
        builder_member_int(page->b, STR("next_after"), (int64_t)page->last);
    } else {
        builder_member_null(page->b, STR("next_after"));
    }
    builder_member_int(page->b, STR("last"), (int64_t)last);
    builder_map_end(page->b);
}
