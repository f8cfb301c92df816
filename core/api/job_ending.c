/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_ending.h"

#include "core/api/json_text.h"
#include "core/base/error.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* From the state of a record to what the run will be. */
static const char *const outcomes[][2] = {
    {"failing", "failed"},      {"failed", "failed"},       {"cancelling", "cancelled"},
    {"cancelled", "cancelled"}, {"completed", "completed"},
};

static const char *outcome_of(const struct value *body)
{
    const struct value *state = value_get(body, STR("state"));
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (value_is(state, VALUE_STRING) && str_equal_text(value_str(state), outcomes[i][0])) {
            return outcomes[i][1];
        }
    }
    return NULL;
}

int job_ending_note_row(struct job_ending *ending, const struct journal_row *row)
{
    cleanup_document struct document *body = NULL;
    bool is_settled = str_equal_text(row->type, "run_ending");
    if (!is_settled && !str_equal_text(row->type, "run_stopping")) {
        return 0;
    }
    int status = json_read(row->body, NULL, &body, NULL);
    if (status != 0) {
        return status == E_NOMEM ? status : 0;
    }
    ending->status = outcome_of(document_root(body));
    ending->has_settled = is_settled;
    strbuf_clear(&ending->body);
    strbuf_append_str(&ending->body, row->body);
    return strbuf_status(&ending->body) == 0 ? 0 : E_NOMEM;
}

void job_ending_write(struct builder *b, const struct job_ending *ending)
{
    builder_key(b, STR("ending"));
    if (ending->status == NULL) {
        builder_null(b);
        return;
    }
    cleanup_document struct document *body = json_text_read(b, strbuf_str(&ending->body));
    const struct value *root = body != NULL ? document_root(body) : NULL;
    builder_map_begin(b);
    builder_member_string(b, STR("status"), str_from(ending->status));
    builder_member_string(b, STR("phase"),
                          !ending->has_settled ? STR("stopping")
                          : ending->is_undoing ? STR("undoing")
                                               : STR("endings"));
    builder_key(b, STR("error"));
    json_text_part(b, body, value_get(root, STR("error")), 2);
    builder_map_end(b);
}

void job_ending_finish(struct job_ending *ending)
{
    strbuf_finish(&ending->body);
}
