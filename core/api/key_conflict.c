/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/key_conflict.h"

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { NAMED_MOST = 5 };

struct comparison {
    const struct key_request *asked;
    struct strbuf text; /* what differs */
};

static int compare_run(void *user, const struct journal_run *run)
{
    struct comparison *comparison = user;
    const struct key_request *asked = comparison->asked;
    if (!str_equal(run->workflow, asked->workflow)) {
        strbuf_append_format(&comparison->text, "as another pipeline, '%.*s'",
                             STR_ARG(run->workflow));
    } else if (!str_equal(run->definition, asked->definition)) {
        strbuf_append_text(&comparison->text, "with another definition");
    }
    return 0;
}

/* The names of what is in `a` and not, or not so, in `b`; `is_both`: what is in both is known. */
static size_t append_names(const struct value *a, const struct value *b, bool is_both, size_t count,
                           struct strbuf *out)
{
    for (size_t i = 0; i < value_count(a); i++) {
        const struct value_member *member = value_member_at(a, i);
        const struct value *other = value_get(b, value_str(&member->key));
        bool is_same = other != NULL && (is_both || value_equal(&member->value, other));
        if (!is_same && count++ < NAMED_MOST) {
            strbuf_append_format(out, "%s'%.*s'", count > 1 ? ", " : "",
                                 STR_ARG(value_str(&member->key)));
        }
    }
    return count;
}

/* The record of its start has the input. */
static int compare_input(void *user, const struct journal_row *row)
{
    struct comparison *comparison = user;
    cleanup_document struct document *body = NULL;
    if (json_read(row->body, NULL, &body, NULL) != 0) {
        return 0;
    }
    const struct value *then = value_get(document_root(body), STR("output"));
    const struct value *now = document_root(comparison->asked->input);
    if (!value_is(then, VALUE_MAP) || !value_is(now, VALUE_MAP)) {
        return 0;
    }
    strbuf_append_text(&comparison->text, "with another input: ");
    size_t count = append_names(now, then, false, 0, &comparison->text);
    count = append_names(then, now, true, count, &comparison->text);
    strbuf_append_text(&comparison->text, count > NAMED_MOST ? " and more differ"
                                          : count > 1        ? " differ"
                                                             : " differs");
    return 0;
}

int key_conflict(struct journal_reader *reader, const struct loop_key *known,
                 const struct key_request *asked, struct error *err)
{
    struct error ignored = {0};
    struct comparison comparison = {.asked = asked};
    int status =
        journal_reader_run_by_number(reader, known->number, compare_run, &comparison, &ignored);
    if (status == 0 && comparison.text.n == 0) {
        status =
            journal_reader_rows(reader, known->number, 0, 1, compare_input, &comparison, &ignored);
    }
    if (status != 0 || comparison.text.n == 0) { /* its start is on its way to the disk */
        strbuf_clear(&comparison.text);
        strbuf_append_text(&comparison.text, "with another definition or input");
    }
    (void)error_set(err, E_CONFLICT, "the key '%.*s' belongs to run %s, which was started %.*s",
                    STR_ARG(asked->key), known->id, STR_ARG(strbuf_str(&comparison.text)));
    strbuf_finish(&comparison.text);
    return E_CONFLICT;
}
