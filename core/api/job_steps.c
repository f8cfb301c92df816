/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_steps.h"

#include <stdlib.h>

#include "core/api/json_text.h"
#include "core/base/error.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* Levels around a value: the job, its list of steps, a step. */
enum { LEVELS_AROUND = 3 };

void job_steps_init(struct job_steps *steps)
{
    *steps = (struct job_steps){.arena = ARENA_INIT};
    steps->root.last = &steps->root.first;
    steps->inner.last = &steps->inner.first;
}

void job_steps_finish(struct job_steps *steps)
{
    strmap_finish(&steps->by_id);
    strmap_finish(&steps->waiting);
    arena_finish(&steps->arena);
}

/* ---- paths ---- */

static bool has_char(struct str text, const char *chars)
{
    for (size_t i = 0; i < text.n; i++) {
        if (strchr(chars, text.p[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* "deploy#3@2" is in the root body; "each[17].fix", "undo:story" and "poll.try" are not. */
static bool is_root_path(struct str path)
{
    return !has_char(path, ".[:");
}

/* "fix" of "each[17].fix@2". */
static struct str id_of(struct str path)
{
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '.' || path.p[i - 1] == ':') {
            path = str_make(path.p + i, path.n - i);
            break;
        }
    }
    for (size_t i = 0; i < path.n; i++) {
        if (strchr("#@[", path.p[i]) != NULL) {
            return str_make(path.p, i);
        }
    }
    return path;
}

/* ---- taking ---- */

static bool is_at_work(const struct journal_node *node)
{
    return node->ended_at == 0 && node->started_at != 0;
}

static int copy_body(struct job_steps *steps, struct str body, struct job_step *step)
{
    if (body.n > JOB_STEPS_BYTES_MOST - steps->bytes) {
        step->is_left_out = true;
        return 0;
    }
    steps->bytes += body.n;
    step->body = arena_dup_str(&steps->arena, body);
    return step->body.p == NULL ? E_NOMEM : 0;
}

static int fill(struct job_steps *steps, const struct journal_node *node, struct job_step *step)
{
    struct job_step *next = step->next;
    *step = (struct job_step){
        .path = arena_dup_str(&steps->arena, node->path),
        .state = arena_dup_str(&steps->arena, node->state),
        .attempt = node->attempt,
        .before = step->before,
        .wake_at = node->wake_at,
        .started_at = node->started_at,
        .ended_at = node->ended_at,
        .record = node->record,
        .next = next,
    };
    step->id = id_of(step->path);
    if (step->path.p == NULL || step->state.p == NULL) {
        return E_NOMEM;
    }
    int status = copy_body(steps, node->body, step);
    bool may_wait = is_at_work(node) && steps->waiting.count < JOB_STEPS_WAITS_MOST;
    if (status == 0 && may_wait) {
        status = strmap_add(&steps->waiting, step->path, step);
        status = status == E_EXISTS ? 0 : status;
    }
    return status;
}

static struct job_step *append(struct job_steps *steps, struct job_step_list *list)
{
    struct job_step *step = arena_calloc(&steps->arena, 1, sizeof(*step));
    if (step != NULL) {
        *list->last = step;
        list->last = &step->next;
    }
    return step;
}

/*
 * A later visit or round takes the place of the one before. The numbers of attempts go on over all
 * of them: those of the one before the latest are not its own.
 */
static int add_root(struct job_steps *steps, const struct journal_node *node)
{
    struct job_step *step = strmap_get(&steps->by_id, id_of(node->path));
    if (step != NULL && node->attempt < step->attempt) {
        step->before = node->attempt > step->before ? node->attempt : step->before;
        return 0;
    }
    if (step != NULL) {
        step->before = step->attempt;
        return fill(steps, node, step);
    }
    step = append(steps, &steps->root);
    if (step == NULL) {
        return E_NOMEM;
    }
    steps->root.total++;
    int status = fill(steps, node, step);
    return status != 0 ? status : strmap_add(&steps->by_id, step->id, step);
}

int job_steps_add(void *user, const struct journal_node *node)
{
    struct job_steps *steps = user;
    if (is_root_path(node->path)) {
        return add_root(steps, node);
    }
    steps->inner.total++;
    steps->is_undoing = steps->is_undoing || str_starts_with(node->path, STR("undo:"));
    if (steps->inner.total > JOB_STEPS_INNER_MOST) {
        return 0;
    }
    struct job_step *step = append(steps, &steps->inner);
    return step == NULL ? E_NOMEM : fill(steps, node, step);
}

/* What was never started stands where it ended; of the same moment, what ended first. */
static int compare_steps(const void *left, const void *right)
{
    const struct job_step *a = *(struct job_step *const *)left;
    const struct job_step *b = *(struct job_step *const *)right;
    int64_t at_a = a->started_at != 0 ? a->started_at : a->ended_at;
    int64_t at_b = b->started_at != 0 ? b->started_at : b->ended_at;
    if (at_a != at_b) {
        return at_a < at_b ? -1 : 1;
    }
    uint64_t record_a = a->record - 1; /* 0, one that lives, is the last */
    uint64_t record_b = b->record - 1;
    return record_a != record_b ? (record_a < record_b ? -1 : 1) : str_compare(a->path, b->path);
}

int job_steps_sort(struct job_steps *steps)
{
    size_t count = 0;
    struct job_step **order = calloc((size_t)steps->root.total + 1, sizeof(struct job_step *));
    if (order == NULL) {
        return E_NOMEM;
    }
    for (struct job_step *step = steps->root.first; step != NULL; step = step->next) {
        order[count++] = step;
    }
    qsort(order, count, sizeof(struct job_step *), compare_steps);
    for (size_t i = 0; i < count; i++) {
        order[i]->next = order[i + 1]; /* NULL behind the last */
    }
    steps->root.first = order[0];
    steps->root.last = count > 0 ? &order[count - 1]->next : &steps->root.first;
    free(order);
    return 0;
}

/* A `wait` has the name of its event in the record of its start; a loop has its items there. */
int job_steps_note_row(void *user, const struct journal_row *row)
{
    struct job_steps *steps = user;
    cleanup_document struct document *body = NULL;
    struct job_step *step = strmap_get(&steps->waiting, row->path);
    bool is_its_start = step != NULL && str_equal(step->path, row->path) &&
                        str_equal_text(row->type, "node_started");
    if (!is_its_start) {
        return 0;
    }
    int status = json_read(row->body, NULL, &body, NULL);
    if (status != 0) {
        return status == E_NOMEM ? status : 0;
    }
    const struct value *name = value_get(document_root(body), STR("output"));
    step->has_timeout = value_get(document_root(body), STR("is_due_timeout")) != NULL;
    if (!value_is(name, VALUE_STRING)) {
        return 0;
    }
    step->event = arena_dup_str(&steps->arena, value_str(name));
    return step->event.p == NULL ? E_NOMEM : 0;
}

static void note_said(struct job_step *step, struct str path, int64_t at)
{
    if (str_equal(step->path, path) && step->ended_at != 0 && step->started_at <= at) {
        step->is_said = true;
    }
}

/* A call of the queue is a run of one node. */
static void note_skipped(const struct job_steps *steps, int64_t at)
{
    for (struct job_step *step = steps->root.first; step != NULL; step = step->next) {
        note_said(step, step->path, at);
    }
}

/*
 * {"node": PATH, "output"|"error": ...}: the end of the execution that was under way then is the
 * word of a person, and has no duration. {"again": true} only lets the next attempt start. That of
 * a call that was given up is {"skipped": true}.
 */
int job_steps_note_resolution(struct job_steps *steps, const struct journal_audit_row *row)
{
    cleanup_document struct document *detail = NULL;
    int status = json_read(row->detail, NULL, &detail, NULL);
    if (status != 0) {
        return status == E_NOMEM ? status : 0;
    }
    const struct value *node = value_get(document_root(detail), STR("node"));
    if (value_get(document_root(detail), STR("skipped")) != NULL) {
        note_skipped(steps, row->at);
    }
    bool is_end = value_is(node, VALUE_STRING) &&
                  value_get(document_root(detail), STR("again")) == NULL;
    for (struct job_step *step = is_end ? steps->root.first : NULL; step != NULL;
         step = step->next) {
        note_said(step, value_str(node), row->at);
    }
    for (struct job_step *step = is_end ? steps->inner.first : NULL; step != NULL;
         step = step->next) {
        note_said(step, value_str(node), row->at);
    }
    return 0;
}

/* ---- writing ---- */

/* Of a loop: its errors and counts. */
static void add_detail(struct builder *b, const struct document *body)
{
    const struct value *detail = value_get(document_root(body), STR("detail"));
    for (size_t i = 0; value_is(detail, VALUE_MAP) && i < value_count(detail); i++) {
        const struct value_member *member = value_member_at(detail, i);
        if (str_equal_text(value_str(&member->key), "errors") ||
            str_equal_text(value_str(&member->key), "counts")) {
            builder_key(b, value_str(&member->key));
            json_text_part(b, body, &member->value, LEVELS_AROUND);
        }
    }
}

/* What stood in for the call; see record_json.c. */
static void add_origin(struct builder *b, const struct value *from)
{
    struct str word = value_is(from, VALUE_STRING) ? value_str(from) : STR("");
    if (str_equal_text(word, "cache") || str_equal_text(word, "fallback_cache")) {
        builder_member_bool(b, STR("from_cache"), true);
    }
    if (str_starts_with(word, STR("fallback"))) {
        builder_member_bool(b, STR("from_fallback"), true);
    }
}

static void add_end(struct builder *b, const struct job_step *step)
{
    cleanup_document struct document *body = json_text_read(b, step->body);
    const struct value *root = body != NULL ? document_root(body) : NULL;
    builder_key(b, STR("output"));
    json_text_part(b, body, value_get(root, STR("output")), LEVELS_AROUND);
    builder_key(b, STR("error"));
    json_text_part(b, body, value_get(root, STR("error")), LEVELS_AROUND);
    if (step->queue_id.n > 0) {
        json_text_member(b, STR("queue_id"), step->queue_id);
        json_text_member_or_null(b, STR("queue_state"), step->queue_state);
    }
    if (body != NULL) {
        add_origin(b, value_get(root, STR("from")));
        add_detail(b, body);
    }
}

static void add_step(struct builder *b, const struct job_step *step)
{
    builder_map_begin(b);
    json_text_member(b, STR("step_id"), step->id);
    json_text_member(b, STR("path"), step->path);
    json_text_member(b, STR("status"), step->state);
    builder_member_int(b, STR("attempt"),
                       step->attempt > step->before ? step->attempt - step->before : step->attempt);
    json_text_time(b, STR("started_at"), step->started_at);
    json_text_time(b, STR("completed_at"), step->ended_at);
    json_text_seconds(b, STR("duration_seconds"), step->is_said ? 0 : step->started_at,
                      step->ended_at);
    add_end(b, step);
    if (step->is_said) {
        builder_member_bool(b, STR("resolved"), true);
    }
    if (step->is_left_out) {
        builder_member_bool(b, STR("output_left_out"), true);
    }
    builder_map_end(b);
}

static void add_steps(struct builder *b, struct str key, const struct job_step_list *list)
{
    builder_key(b, key);
    builder_list_begin(b);
    for (const struct job_step *step = list->first; step != NULL; step = step->next) {
        add_step(b, step);
    }
    builder_list_end(b);
}

static int64_t count_of(const struct job_step_list *list, const char *state)
{
    int64_t count = 0;
    for (const struct job_step *step = list->first; step != NULL; step = step->next) {
        count += str_equal_text(step->state, state);
    }
    return count;
}

void job_steps_write(struct builder *b, const struct job_steps *steps)
{
    uint64_t inner = steps->inner.total;
    add_steps(b, STR("step_results"), &steps->root);
    builder_member_int(b, STR("success_count"), count_of(&steps->root, "completed"));
    builder_member_int(b, STR("failure_count"), count_of(&steps->root, "failed"));
    add_steps(b, STR("inner_results"), &steps->inner);
    builder_member_int(b, STR("inner_results_left_out"),
                       inner > JOB_STEPS_INNER_MOST ? (int64_t)(inner - JOB_STEPS_INNER_MOST) : 0);
}

/* A person has to say what became of it. */
static bool is_undecided(const struct job_step *step)
{
    return str_equal_text(step->state, "unknown");
}

/* Its attempt failed, and the next one has its time. */
static bool is_retry(const struct job_step *step)
{
    return str_equal_text(step->state, "retry_wait");
}

/* A round that is over, and comes again, waits too; a node at work only has a time limit. */
static bool is_wait(const struct job_step *step)
{
    bool has_event = step->ended_at == 0 && step->event.n > 0;
    return has_event || is_undecided(step) || (step->wake_at != 0 && !step->has_timeout);
}

static void add_wait(struct builder *b, const struct job_step *step, struct str path)
{
    bool has_time = step->wake_at != 0 && step->wake_at != INT64_MAX;
    bool is_event = step->event.n > 0 || !has_time;
    builder_map_begin(b);
    json_text_member(b, STR("path"), path);
    builder_member_string(b, STR("for"),
                          is_undecided(step) ? STR("decision")
                          : is_event         ? STR("event")
                          : is_retry(step)   ? STR("attempt")
                                             : STR("time"));
    json_text_time(b, STR("until"), has_time ? step->wake_at : 0);
    json_text_member_or_null(b, STR("event"), step->event);
    builder_map_end(b);
}

static void add_waits(const struct job_step_list *list, struct job_steps_waits *waits)
{
    struct strbuf path = STRBUF_INIT;
    for (const struct job_step *step = list->first; step != NULL && waits->left > 0;
         step = step->next) {
        strbuf_clear(&path);
        strbuf_append_str(&path, waits->prefix);
        strbuf_append_str(&path, step->path);
        if (strbuf_status(&path) != 0) {
            builder_fail_nomem(waits->b);
        } else if (is_wait(step) && strmap_get(waits->others, strbuf_str(&path)) == NULL) {
            add_wait(waits->b, step, strbuf_str(&path));
            waits->left--;
        }
    }
    strbuf_finish(&path);
}

void job_steps_add_waits(const struct job_steps *steps, struct job_steps_waits *waits)
{
    add_waits(&steps->root, waits);
    add_waits(&steps->inner, waits);
}
