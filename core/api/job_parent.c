/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_parent.h"

#include "core/api/json_text.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"

void job_parent_finish(struct job_parent *parent)
{
    strbuf_finish(&parent->id);
    *parent = (struct job_parent){0};
}

static int copy_parent(void *user, const struct journal_run *run)
{
    struct job_parent *parent = user;
    strbuf_clear(&parent->id);
    strbuf_append_str(&parent->id, run->id);
    return strbuf_status(&parent->id);
}

int job_parent_write(struct builder *b, struct journal_reader *reader,
                     const struct journal_run *run, struct job_parent *parent, struct error *err)
{
    if (run->parent == 0) {
        builder_member_null(b, STR("parent"));
        builder_member_null(b, STR("parent_path"));
        return 0;
    }
    if (parent->number != run->parent) {
        int status = journal_reader_run_by_number(reader, run->parent, copy_parent, parent, err);
        if (status != 0) {
            return status;
        }
        parent->number = run->parent;
    }
    json_text_member(b, STR("parent"), strbuf_str(&parent->id));
    json_text_member_or_null(b, STR("parent_path"), run->parent_path);
    return 0;
}
