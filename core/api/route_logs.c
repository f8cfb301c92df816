/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/jobs/{id}/logs: the lines that the nodes of a run and of its child runs logged. */
#include <string.h>

#include "core/api/job_page.h"
#include "core/api/job_path.h"
#include "core/api/job_write.h"
#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/strmap.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"

const char *const route_logs_params[] = {"after", "limit", "node", NULL};

struct page {
    struct job_page page; /* counted by id */
    struct str node;      /* only of this one and what is inside it; empty: all */
    uint64_t taken;       /* lines of it */
};

static const char *level_name(int level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARN:
        return "warn";
    case LOG_LEVEL_DEBUG:
        return "debug";
    default:
        return "info";
    }
}

static void write_line(struct builder *b, const struct journal_log_row *row, struct str path)
{
    builder_map_begin(b);
    builder_member_int(b, STR("id"), (int64_t)row->id);
    json_text_member(b, STR("run_id"), row->run_id);
    json_text_time(b, STR("at"), row->at);
    builder_member_string(b, STR("level"), str_from(level_name(row->level)));
    json_text_member_or_null(b, STR("path"), path);
    builder_member_int(b, STR("attempt"), row->attempt);
    json_text_member(b, STR("line"), row->line);
    builder_map_end(b);
}

static int add_line(void *user, const struct journal_log_row *row)
{
    struct page *page = user;
    struct strbuf path = STRBUF_INIT;
    if (job_page_count(&page->page, row->id) != 0) {
        return JOB_PAGE_FULL;
    }
    bool is_below = job_path_append(page->page.id, row->run_id, row->path, &path);
    int status = strbuf_status(&path);
    if (status == 0 && is_below && job_path_is_inside(strbuf_str(&path), page->node)) {
        write_line(page->page.b, row, strbuf_str(&path));
        page->taken++;
    }
    strbuf_finish(&path);
    return status;
}

static int copy_root(void *user, const struct journal_run *run)
{
    uint64_t *root = user;
    *root = run->root;
    return 0;
}

static int read_lines(struct journal_reader *reader, struct page *page, struct error *err)
{
    struct journal_log_query query = {.after_id = page->page.after,
                                      .limit = (uint32_t)page->page.limit + 1};
    int status = journal_reader_run(reader, page->page.id, copy_root, &query.root, err);
    if (status == 0) {
        status = journal_reader_logs(reader, &query, add_line, page, err);
    }
    return status == JOB_PAGE_FULL ? 0 : status;
}

/* ---- a node that is not there ---- */

enum { NAMED_MOST = 20, NODE_FOUND = 1 };

/* The nodes that have rows, while one is looked for. */
struct search {
    struct str node; /* its first part: "each" of "each[1].fix" */
    struct strmap seen;
    struct arena arena;
    struct strbuf names;
    uint64_t number;
    uint64_t total;   /* of the root body */
    uint64_t reached; /* of these */
    bool is_over;
};

/* What is inside may be gone by now; the node of the root body is not. */
static struct str first_part(struct str path)
{
    for (size_t i = 0; i < path.n; i++) {
        if (strchr("[.#@/", path.p[i]) != NULL) {
            return str_make(path.p, i);
        }
    }
    return path;
}

static int note_node(void *user, const struct journal_node *node)
{
    struct search *search = user;
    struct str name = first_part(node->path);
    if (str_equal(name, search->node)) {
        return NODE_FOUND;
    }
    if (strmap_get(&search->seen, name) != NULL) {
        return 0;
    }
    name = arena_dup_str(&search->arena, name);
    if (name.p == NULL) {
        return E_NOMEM;
    }
    if (search->seen.count < NAMED_MOST) {
        strbuf_append_format(&search->names, "%s'%.*s'", search->seen.count > 0 ? ", " : "",
                             STR_ARG(name));
    }
    search->reached += memchr(name.p, ':', name.n) == NULL; /* "undo:a" is of no body */
    int status = strmap_add(&search->seen, name, search);
    return status == 0 ? strbuf_status(&search->names) : status;
}

static int note_run(void *user, const struct journal_run *run)
{
    struct search *search = user;
    search->number = run->number;
    search->total = run->nodes_total;
    search->is_over = job_is_over(run);
    return 0;
}

static int refuse_node(const struct search *search, struct answer *answer, struct error *err)
{
    struct strbuf message = STRBUF_INIT;
    strbuf_append_format(&message, "no node '%.*s' has run in it", STR_ARG(search->node));
    if (search->names.n > 0) {
        strbuf_append_format(&message, "; there are: %.*s%s", STR_ARG(strbuf_str(&search->names)),
                             search->seen.count > NAMED_MOST ? " and more" : "");
    }
    struct answer_problem problem = {
        .status = ANSWER_NOT_FOUND, .code = "no_such_node", .message = strbuf_str(&message)};
    int status = answer_problem(answer, &problem, err);
    strbuf_finish(&message);
    return status != 0 ? status : ROUTE_REFUSED;
}

/* Nothing was logged: perhaps because there is no such node, and none can come. */
static int check_node(struct journal_reader *reader, const struct page *page, struct answer *answer,
                      struct error *err)
{
    struct search search = {.node = first_part(page->node)};
    int status = journal_reader_run(reader, page->page.id, note_run, &search, err);
    if (status == 0) {
        status = journal_reader_nodes(reader, search.number, note_node, &search, err);
    }
    bool may_come = !search.is_over && search.reached < search.total;
    if (status == 0 && !may_come) {
        status = refuse_node(&search, answer, err);
    } else if (status == NODE_FOUND) {
        status = 0;
    }
    strmap_finish(&search.seen);
    arena_finish(&search.arena);
    strbuf_finish(&search.names);
    return status;
}

int route_logs(const struct route_call *call, struct answer *answer, struct error *err)
{
    char id[ROUTE_ID_SIZE];
    struct page page = {.node = query_get(call->query, "node")};
    struct journal_reader *reader = call->request->reader;
    int status = job_page_read(&page.page, call->query, err);
    status = status != 0 ? status : route_resolve_id(reader, str_from(call->id), id, answer, err);
    if (status != ROUTE_FOUND) {
        return status;
    }
    page.page.id = str_from(id);
    page.page.b = builder_create();
    job_page_begin(&page.page, STR("logs"));
    status = read_lines(reader, &page, err);
    if (status == 0 && page.node.n > 0 && page.taken == 0 && !page.page.has_more) {
        status = check_node(reader, &page, answer, err);
    }
    if (status != 0) {
        builder_destroy(page.page.b);
        return status;
    }
    job_page_end(&page.page);
    return route_finish(page.page.b, answer, err);
}
