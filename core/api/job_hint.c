/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_hint.h"

#include <stdbool.h>
#include <string.h>

#include "core/api/job_write.h"
#include "core/api/json_text.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"

/* Pause and resume are for the whole tree: its root. */
static struct str root_of(struct str id)
{
    const char *slash = id.n > 0 ? memchr(id.p, '/', id.n) : NULL;
    return str_make(id.p, slash != NULL ? (size_t)(slash - id.p) : id.n);
}

static void append_hint(const struct journal_run *run, bool is_at_work, struct strbuf *out)
{
    struct str status = job_status(run);
    struct str root = root_of(run->id);
    if (job_is_over(run)) {
        return;
    }
    if (str_equal_text(status, "approval_required")) {
        strbuf_append_format(out,
                             "look what became of the node, then say it: 'opstream resolve %.*s "
                             "NODE' with --output JSON, --fail or --again",
                             STR_ARG(run->id));
    } else if (str_equal_text(status, "blocked")) {
        strbuf_append_format(out, "bring what is missing, then 'opstream resume %.*s'",
                             STR_ARG(root));
    } else if (str_equal_text(status, "paused")) {
        strbuf_append_format(out, "'opstream resume %.*s' goes on with it", STR_ARG(root));
    } else if (!is_at_work) {
        strbuf_append_format(out,
                             "no engine is at work: 'opstream resume %.*s' or 'opstream serve' "
                             "goes on with it",
                             STR_ARG(root));
    }
}

void job_hint_write(struct builder *b, const struct journal_run *run,
                    const struct api_numbers *numbers)
{
    bool is_at_work = numbers != NULL;
    struct strbuf hint = STRBUF_INIT;
    append_hint(run, is_at_work, &hint);
    builder_member_bool(b, STR("at_work"), is_at_work);
    json_text_member_or_null(b, STR("hint"), strbuf_str(&hint));
    if (strbuf_status(&hint) != 0) {
        builder_fail_nomem(b);
    }
    strbuf_finish(&hint);
}
