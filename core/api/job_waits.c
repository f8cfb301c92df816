/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_waits.h"

#include "core/api/json_text.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- reading ---- */

struct reading {
    struct job_waits *waits;
    struct journal_reader *reader;
    struct str prefix; /* of who called */
};

static int add_run(void *user, const struct journal_run *run)
{
    const struct reading *reading = user;
    struct job_waits *waits = reading->waits;
    if (waits->count == JOB_WAITS_RUNS_MOST) {
        return 0;
    }
    struct job_waits_run *added = &waits->runs[waits->count++];
    *added = (struct job_waits_run){.number = run->number};
    job_steps_init(&added->steps);
    strbuf_append_str(&added->prefix, reading->prefix);
    strbuf_append_str(&added->prefix, run->parent_path);
    strbuf_append_char(&added->prefix, '/');
    return strbuf_status(&added->prefix);
}

static int read_below(struct reading *reading, uint64_t root, uint64_t number, struct error *err)
{
    const struct journal_filter called = {
        .root = root, .parent = number, .is_live = true, .limit = JOB_WAITS_RUNS_MOST};
    return reading->waits->count < JOB_WAITS_RUNS_MOST
               ? journal_reader_list(reading->reader, &called, add_run, reading, err)
               : 0;
}

int job_waits_read(struct job_waits *waits, struct journal_reader *reader,
                   const struct journal_run *run, struct error *err)
{
    struct reading reading = {.waits = waits, .reader = reader};
    waits->count = 0;
    int status = read_below(&reading, run->root, run->number, err);
    for (size_t i = 0; status == 0 && i < waits->count; i++) {
        struct job_waits_run *at = &waits->runs[i];
        reading.prefix = strbuf_str(&at->prefix);
        status = journal_reader_nodes(reader, at->number, job_steps_add, &at->steps, err);
        status = status == 0 ? read_below(&reading, run->root, at->number, err) : status;
    }
    return status;
}

void job_waits_finish(struct job_waits *waits)
{
    for (size_t i = 0; i < waits->count; i++) {
        strbuf_finish(&waits->runs[i].prefix);
        job_steps_finish(&waits->runs[i].steps);
    }
    waits->count = 0;
}

/* ---- writing ---- */

static void note_path(struct builder *b, struct strmap *paths, const struct value *wait)
{
    const struct value *path = value_get(wait, STR("path"));
    if (value_is(path, VALUE_STRING) &&
        strmap_add(paths, value_str(path), (void *)wait) == E_NOMEM) {
        builder_fail_nomem(b);
    }
}

void job_waits_write(struct builder *b, const struct job_waits *waits,
                     const struct job_steps *steps, struct str live)
{
    cleanup_document struct document *document = json_text_read(b, live);
    const struct value *root = document != NULL ? document_root(document) : NULL;
    const struct value *list = value_get(root, STR("waits"));
    const struct value *left_out = value_get(root, STR("left_out"));
    size_t count = value_is(list, VALUE_LIST) ? value_count(list) : 0;
    struct strmap paths = STRMAP_INIT;
    struct job_steps_waits adding = {.b = b, .others = &paths, .left = JOB_STEPS_WAITS_MOST};
    for (size_t i = 0; i < count; i++) {
        note_path(b, &paths, value_at(list, i));
    }
    builder_key(b, STR("waits_for"));
    builder_list_begin(b);
    job_steps_add_waits(steps, &adding);
    for (size_t i = 0; i < waits->count; i++) {
        adding.prefix = strbuf_str(&waits->runs[i].prefix);
        job_steps_add_waits(&waits->runs[i].steps, &adding);
    }
    for (size_t i = 0; i < count; i++) {
        builder_embed(b, document, value_at(list, i));
    }
    builder_list_end(b);
    builder_member_int(b, STR("waits_left_out"),
                       value_is(left_out, VALUE_INT) ? value_int(left_out) : 0);
    strmap_finish(&paths);
}
