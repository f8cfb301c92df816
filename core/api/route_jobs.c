/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/jobs: runs, newest first, in pages. */
#include <stdio.h>

#include "core/api/job_list.h"
#include "core/api/job_parent.h"
#include "core/api/job_short.h"
#include "core/api/job_write.h"
#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

const char *const route_jobs_list_params[] = {
    "status", "workflow", "label",    "since", "until",  "live",
    "key",    "parent",   "children", "limit", "cursor", NULL,
};

static int read_status(const struct query *query, struct str *out, struct error *err)
{
    struct strbuf states = STRBUF_INIT;
    *out = query_get(query, "status");
    for (size_t i = 0; job_states[i] != NULL; i++) {
        if (out->n == 0 || str_equal_text(*out, job_states[i])) {
            return 0;
        }
    }
    job_write_states(&states);
    int status = error_set(err, E_INVALID, "parameter 'status' is '%.*s', there is: %.*s",
                           STR_ARG(*out), STR_ARG(strbuf_str(&states)));
    strbuf_finish(&states);
    return status;
}

/* "key", or "key=value". */
static int read_label(const struct query *query, struct journal_filter *filter, struct error *err)
{
    struct str label = query_get(query, "label");
    const char *equals = label.n > 0 ? memchr(label.p, '=', label.n) : NULL;
    filter->label_key = label;
    if (equals == NULL) {
        return 0;
    }
    size_t n = (size_t)(equals - label.p);
    if (n == 0 || n + 1 == label.n) {
        return error_set(err, E_INVALID, "parameter 'label' is neither KEY nor KEY=VALUE");
    }
    filter->label_key = str_make(label.p, n);
    filter->label_value = str_make(equals + 1, label.n - n - 1);
    return 0;
}

/* Opaque for clients: "n" and the number of the last run that was shown. */
static int read_cursor(const struct query *query, uint64_t *out_before, struct error *err)
{
    struct str cursor = query_get(query, "cursor");
    uint64_t number = 0;
    for (size_t i = 1; i < cursor.n; i++) {
        unsigned digit = (unsigned)(cursor.p[i] - '0');
        if (digit > 9 || i > 18) {
            number = 0;
            break;
        }
        number = number * 10 + digit;
    }
    if (cursor.n > 0 && (cursor.p[0] != 'n' || number == 0)) {
        return error_set(err, E_INVALID,
                         "parameter 'cursor' is not what a page has given for the next one");
    }
    *out_before = number;
    return 0;
}

static int read_filter(const struct route_call *call, struct journal_filter *filter,
                       struct error *err)
{
    const struct query *query = call->query;
    int64_t now = call->request->now_unix_ms;
    uint64_t limit = ROUTE_PAGE;
    const struct query_range limits = {1, ROUTE_PAGE_MOST};
    *filter = (struct journal_filter){.workflow = query_get(query, "workflow")};
    int status = read_status(query, &filter->state, err);
    status = status != 0 ? status : read_label(query, filter, err);
    status = status != 0 ? status : query_time(query, "since", now, &filter->created_after, err);
    status = status != 0 ? status : query_time(query, "until", now, &filter->created_before, err);
    status = status != 0 ? status : query_flag(query, "live", &filter->is_live, err);
    status = status != 0 ? status : query_flag(query, "children", &filter->has_children, err);
    status = status != 0 ? status : query_number(query, "limit", limits, &limit, err);
    status = status != 0 ? status : read_cursor(query, &filter->before, err);
    filter->limit = (uint32_t)limit + 1; /* the one more says whether there is another page */
    return status;
}

static int add_jobs(struct builder *b, const struct route_call *call, const struct job_list *list,
                    size_t count, struct error *err)
{
    struct job_parent parent = {0};
    int status = 0;
    builder_key(b, STR("jobs"));
    builder_list_begin(b);
    for (size_t i = 0; i < count && status == 0; i++) {
        builder_map_begin(b);
        job_write_members(b, &list->items[i], call->request->now_unix_ms, 3);
        status = job_short_write(b, call->request->reader, &list->items[i], err);
        status = status != 0
                     ? status
                     : job_parent_write(b, call->request->reader, &list->items[i], &parent, err);
        if (status == 0) {
            builder_map_end(b);
        }
    }
    if (status == 0) {
        builder_list_end(b);
    }
    job_parent_finish(&parent);
    return status;
}

static int answer_list(const struct route_call *call, const struct job_list *list, size_t limit,
                       struct answer *answer, struct error *err)
{
    size_t count = list->count < limit ? list->count : limit;
    struct builder *b = builder_create();
    builder_map_begin(b);
    int status = add_jobs(b, call, list, count, err);
    if (status != 0) {
        builder_destroy(b);
        return status;
    }
    if (list->count > limit) {
        char cursor[32];
        (void)snprintf(cursor, sizeof(cursor), "n%llu",
                       (unsigned long long)list->items[count - 1].number);
        builder_member_string(b, STR("next_cursor"), str_from(cursor));
    } else {
        builder_member_null(b, STR("next_cursor"));
    }
    json_text_member_or_null(b, STR("trouble"), route_trouble(call));
    builder_member_bool(b, STR("at_work"), call->request->numbers != NULL);
    builder_map_end(b);
    return route_finish(b, answer, err);
}

static int copy_numbers(void *user, const struct journal_run *run)
{
    struct journal_filter *filter = user;
    filter->root = run->root;
    filter->parent = run->number;
    return 0;
}

/* Only those that run `parent` called. */
static int read_parent(const struct route_call *call, struct journal_filter *filter,
                       struct answer *answer, struct error *err)
{
    char id[ROUTE_ID_SIZE];
    struct journal_reader *reader = call->request->reader;
    struct str parent = query_get(call->query, "parent");
    if (parent.n == 0) {
        return 0;
    }
    int status = route_resolve_id(reader, parent, id, answer, err);
    if (status != ROUTE_FOUND) {
        return status;
    }
    return journal_reader_run(reader, str_from(id), copy_numbers, filter, err);
}

/* The one that was started with a key; there may be none. */
static int list_by_key(const struct route_call *call, struct job_list *list, struct error *err)
{
    int status = journal_reader_run_by_key(call->request->reader, query_get(call->query, "key"),
                                           job_list_add, list, err);
    return status == E_NOT_FOUND ? 0 : status;
}

static int collect(const struct route_call *call, const struct journal_filter *filter,
                   struct job_list *list, struct error *err)
{
    if (call->request->reader == NULL) {
        return 0; /* no state yet, so no runs */
    }
    if (query_get(call->query, "key").n > 0) {
        return list_by_key(call, list, err);
    }
    return journal_reader_list(call->request->reader, filter, job_list_add, list, err);
}

int route_jobs_list(const struct route_call *call, struct answer *answer, struct error *err)
{
    struct journal_filter filter;
    struct job_list list = JOB_LIST_INIT;
    int status = read_filter(call, &filter, err);
    if (status == 0) {
        status = read_parent(call, &filter, answer, err);
    }
    if (status == 0) {
        status = collect(call, &filter, &list, err);
    }
    if (status == 0) {
        status = answer_list(call, &list, filter.limit - 1, answer, err);
    }
    job_list_finish(&list);
    return status;
}
