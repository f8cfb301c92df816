/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_queued.h"

#include <string.h>

#include "core/api/item_write.h"
#include "core/api/job_steps.h"
#include "core/base/error.h"
#include "core/engine/record.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct search {
    struct job_steps *steps;
    struct journal_reader *reader;
    struct job_step *step;
    uint64_t number;
    unsigned left;
};

/* Most steps are not, and need not be read. */
static bool may_be_queued(const struct job_step *step)
{
    static const char mark[] = "\"from\":\"queue\"";
    return step->body.n > 0 && memmem(step->body.p, step->body.n, mark, strlen(mark)) != NULL;
}

/* The mark is the engine's own, of the record and not of the output in it. */
static int read_id(struct search *search, struct error *err)
{
    cleanup_document struct document *body = NULL;
    struct job_step *step = search->step;
    int status = json_read(step->body, NULL, &body, NULL);
    if (status != 0) {
        return status == E_NOMEM ? error_nomem(err) : 0;
    }
    const struct value *root = document_root(body);
    const struct value *from = value_get(root, STR("from"));
    const struct value *id = value_get(value_get(root, STR("output")), STR(OUTPUT_QUEUE_ID));
    bool is_queued = value_is(from, VALUE_STRING) && str_equal_text(value_str(from), "queue");
    if (!is_queued || !value_is(id, VALUE_STRING)) {
        return 0;
    }
    step->queue_id = arena_dup_str(&search->steps->arena, value_str(id));
    return step->queue_id.p == NULL ? error_nomem(err) : 0;
}

static int note_run(void *user, const struct journal_run *run)
{
    struct search *search = user;
    search->number = run->number;
    return 0;
}

static int note_item(void *user, const struct journal_item *item)
{
    struct search *search = user;
    search->step->queue_state = str_from(item_write_state(item));
    return 0;
}

/* One that was cleared away is not found. */
static int read_state(struct search *search, struct error *err)
{
    if (search->left == 0) {
        return 0;
    }
    search->left--;
    search->number = 0;
    int status = journal_reader_run(search->reader, search->step->queue_id, note_run, search, err);
    if (status == 0 && search->number != 0) {
        struct journal_item_filter filter = {.number = search->number};
        status = journal_reader_items(search->reader, &filter, note_item, search, err);
    }
    return status == E_NOT_FOUND || status == E_CONFLICT ? 0 : status;
}

static int read_list(struct search *search, const struct job_step_list *list, struct error *err)
{
    int status = 0;
    for (struct job_step *step = list->first; step != NULL && status == 0; step = step->next) {
        search->step = step;
        if (may_be_queued(step)) {
            status = read_id(search, err);
        }
        if (status == 0 && step->queue_id.n > 0) {
            status = read_state(search, err);
        }
    }
    return status;
}

int job_queued_read(struct job_steps *steps, struct journal_reader *reader, struct error *err)
{
    struct search search = {.steps = steps, .reader = reader, .left = JOB_QUEUED_MOST};
    int status = read_list(&search, &steps->root, err);
    return status != 0 ? status : read_list(&search, &steps->inner, err);
}
