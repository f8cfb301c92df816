/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/jobs/{id}/history: what the journal has of a run, in the order of commit. */
#include "core/api/job_page.h"
#include "core/api/job_path.h"
#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"

const char *const route_history_params[] = {"after", "limit", "children", NULL};

struct page {
    struct job_page page; /* counted by seq, or by id where child runs are in it */
    uint64_t number;
    uint64_t root;
    bool has_children;
};

static void write_row(struct builder *b, const struct journal_row *row, struct str path)
{
    builder_map_begin(b);
    builder_member_int(b, STR("id"), (int64_t)row->id);
    json_text_member(b, STR("run_id"), row->run_id);
    builder_member_int(b, STR("seq"), (int64_t)row->seq);
    json_text_time(b, STR("at"), row->at);
    json_text_member(b, STR("type"), row->type);
    json_text_member_or_null(b, STR("path"), path);
    builder_member_int(b, STR("attempt"), row->attempt);
    builder_key(b, STR("body"));
    json_text_value(b, row->body, 3);
    builder_map_end(b);
}

static int add_row(void *user, const struct journal_row *row)
{
    struct page *page = user;
    struct strbuf path = STRBUF_INIT;
    if (job_page_count(&page->page, page->has_children ? row->id : row->seq) != 0) {
        return JOB_PAGE_FULL;
    }
    bool is_below = job_path_append(page->page.id, row->run_id, row->path, &path);
    int status = strbuf_status(&path);
    if (status == 0 && is_below) {
        write_row(page->page.b, row, strbuf_str(&path));
    }
    strbuf_finish(&path);
    return status;
}

static int copy_numbers(void *user, const struct journal_run *run)
{
    struct page *page = user;
    page->number = run->number;
    page->root = run->root;
    return 0;
}

static int read_rows(struct journal_reader *reader, struct page *page, struct error *err)
{
    uint64_t after = page->page.after;
    uint32_t limit = (uint32_t)page->page.limit + 1;
    int status = journal_reader_run(reader, page->page.id, copy_numbers, page, err);
    if (status == 0 && page->has_children) {
        status = journal_reader_tree_rows(reader, page->root, after, limit, add_row, page, err);
    } else if (status == 0) {
        status = journal_reader_rows(reader, page->number, after, limit, add_row, page, err);
    }
    return status == JOB_PAGE_FULL ? 0 : status;
}

int route_history(const struct route_call *call, struct answer *answer, struct error *err)
{
    char id[ROUTE_ID_SIZE];
    struct page page = {0};
    struct journal_reader *reader = call->request->reader;
    int status = job_page_read(&page.page, call->query, err);
    status = status != 0 ? status : query_flag(call->query, "children", &page.has_children, err);
    status = status != 0 ? status : route_resolve_id(reader, str_from(call->id), id, answer, err);
    if (status != ROUTE_FOUND) {
        return status;
    }
    page.page.id = str_from(id);
    page.page.b = builder_create();
    job_page_begin(&page.page, STR("history"));
    status = read_rows(reader, &page, err);
    if (status != 0) {
        builder_destroy(page.page.b);
        return status;
    }
    job_page_end(&page.page);
    return route_finish(page.page.b, answer, err);
}
