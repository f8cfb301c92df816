/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/job_short.h"

#include "core/api/json_text.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"

/* An id begins with its millisecond in 13 characters: runs to come will hardly share them. */
enum { SHORTEST = 13 };

int job_short_write(struct builder *b, struct journal_reader *reader, const struct journal_run *run,
                    struct error *err)
{
    struct strbuf id = STRBUF_INIT;
    const char *slash = run->id.n > 0 ? memchr(run->id.p, '/', run->id.n) : NULL;
    struct str head = str_make(run->id.p, slash != NULL ? (size_t)(slash - run->id.p) : run->id.n);
    size_t size = 0;
    int status = journal_reader_unique_size(reader, head, &size, err);
    if (status != 0) {
        return status;
    }
    size = size > SHORTEST ? size : SHORTEST;
    size += size < head.n && head.p[size - 1] == '-';
    strbuf_append(&id, head.p, size < head.n ? size : head.n);
    strbuf_append(&id, head.p + head.n, run->id.n - head.n);
    status = strbuf_status(&id);
    json_text_member(b, STR("short_id"), strbuf_str(&id));
    strbuf_finish(&id);
    return status != 0 ? error_nomem(err) : 0;
}
