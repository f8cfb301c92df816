/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/jobs/{id}: all of one run. */
#include "core/api/job_ending.h"
#include "core/api/job_hint.h"
#include "core/api/job_list.h"
#include "core/api/job_parent.h"
#include "core/api/job_queued.h"
#include "core/api/job_short.h"
#include "core/api/job_steps.h"
#include "core/api/job_waits.h"
#include "core/api/job_write.h"
#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

const char *const route_job_params[] = {"steps", NULL};

enum { CHILDREN_MOST = 100, AUDIT_MOST = 1000, AUDIT_AT_ONCE = 1000, LATE_ROWS_MOST = 10000 };

/* {id, path, workflow, status} of each run that it called: of the latest ones, oldest first. */
static void add_children(struct builder *b, const struct job_list *children)
{
    size_t count = children->count < CHILDREN_MOST ? children->count : CHILDREN_MOST;
    builder_key(b, STR("children"));
    builder_list_begin(b);
    for (size_t i = count; i > 0; i--) {
        const struct journal_run *child = &children->items[i - 1];
        builder_map_begin(b);
        json_text_member(b, STR("id"), child->id);
        json_text_member_or_null(b, STR("path"), child->parent_path);
        json_text_member(b, STR("workflow"), child->workflow);
        json_text_member(b, STR("status"), child->state);
        builder_map_end(b);
    }
    builder_list_end(b);
    builder_member_bool(b, STR("has_more_children"), children->count > CHILDREN_MOST);
}

/* Who did what. */
static void add_audit(struct builder *b, const struct journal_audit_row *row)
{
    builder_map_begin(b);
    json_text_time(b, STR("at"), row->at);
    json_text_member(b, STR("who"), row->who);
    json_text_member(b, STR("action"), row->action);
    json_text_member_or_null(b, STR("run_id"), row->run_id);
    builder_key(b, STR("detail"));
    json_text_value(b, row->detail.n > 0 ? row->detail : STR("{}"), 3);
    builder_map_end(b);
}

/* What is left if it takes as long as it usually does; null when nobody knows. */
static int add_estimate(struct builder *b, const struct route_call *call,
                        const struct journal_run *run, struct error *err)
{
    int64_t usual_ms = 0;
    int status = journal_reader_usual_ms(call->request->reader, run->workflow, &usual_ms, err);
    if (status != 0) {
        return status;
    }
    bool is_known = usual_ms > 0 && run->started_at != 0 && !job_is_over(run);
    int64_t left = usual_ms - (call->request->now_unix_ms - run->started_at);
    if (usual_ms > 0) {
        builder_member_double(b, STR("usual_duration_seconds"), (double)usual_ms / 1000.0);
    } else {
        builder_member_null(b, STR("usual_duration_seconds"));
    }
    if (is_known) {
        builder_member_double(b, STR("estimated_remaining_seconds"),
                              left > 0 ? (double)left / 1000.0 : 0.0);
    } else {
        builder_member_null(b, STR("estimated_remaining_seconds"));
    }
    return 0;
}

/* All that is read of one run before anything is written. */
struct job_parts {
    struct job_steps steps;
    struct job_ending ending;
    struct job_list children;
    struct job_waits waits;
    const struct journal_run *run;
    bool has_steps;
    struct builder *audit; /* a list: of a root that of its whole tree */
    uint32_t audit_count;
    uint32_t audit_rows;       /* that were read of this page */
    uint64_t audit_after;      /* the last of them */
    struct strbuf approved_by; /* who decided last what only a person could */
    int64_t approved_at;
};

static int note_row(void *user, const struct journal_row *row)
{
    struct job_parts *parts = user;
    int status = job_ending_note_row(&parts->ending, row);
    return status == 0 ? job_steps_note_row(&parts->steps, row) : status;
}

static int note_audit(void *user, const struct journal_audit_row *row)
{
    struct job_parts *parts = user;
    bool is_own = str_equal(row->run_id, parts->run->id);
    parts->audit_rows++;
    parts->audit_after = row->id;
    if ((is_own || parts->run->parent == 0) && parts->audit_count < AUDIT_MOST) {
        parts->audit_count++;
        add_audit(parts->audit, row);
    }
    bool is_word = str_equal_text(row->action, "resolve") || str_equal_text(row->action, "skip");
    if (!is_own || !is_word) {
        return 0;
    }
    strbuf_clear(&parts->approved_by);
    strbuf_append_str(&parts->approved_by, row->who);
    parts->approved_at = row->at;
    return parts->has_steps ? job_steps_note_resolution(&parts->steps, row) : 0;
}

/* To the end: the last decision counts. */
static int read_audit(struct journal_reader *reader, struct job_parts *parts, struct error *err)
{
    int status = 0;
    parts->audit = builder_create();
    builder_list_begin(parts->audit);
    do {
        parts->audit_rows = 0;
        status = journal_reader_audit(reader, parts->run->root, parts->audit_after, AUDIT_AT_ONCE,
                                      note_audit, parts, err);
    } while (status == 0 && parts->audit_rows == AUDIT_AT_ONCE);
    builder_list_end(parts->audit);
    return status;
}

static int read_parts(const struct route_call *call, struct job_parts *parts, struct error *err)
{
    const struct journal_run *run = parts->run;
    struct journal_reader *reader = call->request->reader;
    struct journal_filter called = {
        .root = run->root, .parent = run->number, .limit = CHILDREN_MOST + 1};
    int status = journal_reader_list(reader, &called, job_list_add, &parts->children, err);
    if (status == 0 && parts->has_steps) {
        status = journal_reader_nodes(reader, run->number, job_steps_add, &parts->steps, err);
        status = status != 0 ? status : job_steps_sort(&parts->steps);
        status = status != 0 ? status : job_queued_read(&parts->steps, reader, err);
    }
    if (status == 0) {
        status = read_audit(reader, parts, err);
    }
    if (status == 0 && parts->has_steps && !job_is_over(run)) {
        uint64_t after = run->last_seq > LATE_ROWS_MOST ? run->last_seq - LATE_ROWS_MOST : 0;
        status =
            journal_reader_rows(reader, run->number, after, LATE_ROWS_MOST, note_row, parts, err);
    }
    if (status == 0 && parts->has_steps && !job_is_over(run)) {
        status = job_waits_read(&parts->waits, reader, run, err);
    }
    parts->ending.is_undoing = parts->steps.is_undoing;
    return status;
}

static void add_approval(struct builder *b, const struct job_parts *parts)
{
    json_text_member_or_null(b, STR("approved_by"), strbuf_str(&parts->approved_by));
    json_text_time(b, STR("approval_timestamp"), parts->approved_at);
    if (strbuf_status(&parts->approved_by) != 0) {
        builder_fail_nomem(b);
    }
}

/* Ends the builder of the list. */
static int add_audits(struct builder *b, struct job_parts *parts, struct error *err)
{
    cleanup_document struct document *list = NULL;
    int status = builder_finish(parts->audit, &list, err);
    parts->audit = NULL;
    if (status == 0) {
        builder_key(b, STR("audit"));
        builder_embed(b, list, document_root(list));
    }
    return status;
}

static int add_job(struct builder *b, const struct route_call *call, struct job_parts *parts,
                   struct error *err)
{
    struct job_parent parent = {0};
    const struct journal_run *run = parts->run;
    struct journal_reader *reader = call->request->reader;
    job_write_members(b, run, call->request->now_unix_ms, 1);
    json_text_member_or_null(b, STR("trouble"), route_trouble(call));
    int status = job_short_write(b, reader, run, err);
    status = status != 0 ? status : job_parent_write(b, reader, run, &parent, err);
    job_parent_finish(&parent);
    status = status != 0 ? status : add_estimate(b, call, run, err);
    if (status == 0) {
        job_hint_write(b, run, call->request->numbers);
        job_ending_write(b, &parts->ending);
        job_waits_write(b, &parts->waits, &parts->steps,
                        parts->has_steps ? call->request->live : STR(""));
        job_write_result(b, run, 1);
        add_approval(b, parts);
    }
    if (status == 0 && parts->has_steps) {
        job_steps_write(b, &parts->steps);
    }
    if (status == 0) {
        add_children(b, &parts->children);
        status = add_audits(b, parts, err);
    }
    return status;
}

static int answer_job(const struct route_call *call, const struct journal_run *run,
                      struct answer *answer, struct error *err)
{
    struct job_parts parts = {.run = run, .has_steps = true, .approved_by = STRBUF_INIT};
    job_steps_init(&parts.steps);
    struct builder *b = NULL;
    int status = query_flag(call->query, "steps", &parts.has_steps, err);
    status = status != 0 ? status : read_parts(call, &parts, err);
    if (status == 0) {
        b = builder_create();
        builder_map_begin(b);
        status = add_job(b, call, &parts, err);
    }
    if (status == 0) {
        builder_map_end(b);
        status = route_finish(b, answer, err);
    } else {
        builder_destroy(b);
    }
    builder_destroy(parts.audit);
    job_steps_finish(&parts.steps);
    job_waits_finish(&parts.waits);
    strbuf_finish(&parts.approved_by);
    job_ending_finish(&parts.ending);
    job_list_finish(&parts.children);
    return status;
}

int route_job(const struct route_call *call, struct answer *answer, struct error *err)
{
    char id[ROUTE_ID_SIZE];
    struct job_list list = JOB_LIST_INIT;
    struct journal_reader *reader = call->request->reader;
    int status = route_resolve_id(reader, str_from(call->id), id, answer, err);
    if (status != ROUTE_FOUND) {
        return status;
    }
    status = journal_reader_run(reader, str_from(id), job_list_add, &list, err);
    if (status == 0) {
        status = answer_job(call, &list.items[0], answer, err);
    }
    job_list_finish(&list);
    return status;
}
