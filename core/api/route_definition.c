/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/jobs/{id}/definition: what a run was started with, whatever became of the files. */
#include <stdio.h>

#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"

static int copy_digest(void *user, const struct journal_run *run)
{
    char *out = user;
    (void)snprintf(out, DIGEST_HEX_SIZE, "%.*s", STR_ARG(run->definition));
    return 0;
}

/* The source is a text, not JSON in JSON: its digest is that of its bytes. */
static int answer_definition(const char *digest, const struct strbuf *source,
                             const struct strbuf *compiled_by, struct answer *answer,
                             struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("digest"), str_from(digest));
    json_text_member(b, STR("source"), strbuf_str(source));
    json_text_member(b, STR("compiled_by"), strbuf_str(compiled_by));
    builder_map_end(b);
    return route_finish(b, answer, err);
}

int route_definition(const struct route_call *call, struct answer *answer, struct error *err)
{
    char id[ROUTE_ID_SIZE];
    char digest[DIGEST_HEX_SIZE] = "";
    struct strbuf source = STRBUF_INIT;
    struct strbuf compiled_by = STRBUF_INIT;
    struct journal_reader *reader = call->request->reader;
    int status = route_resolve_id(reader, str_from(call->id), id, answer, err);
    if (status != ROUTE_FOUND) {
        return status;
    }
    status = journal_reader_run(reader, str_from(id), copy_digest, digest, err);
    if (status == 0) {
        status = journal_reader_definition(reader, str_from(digest), &source, &compiled_by, err);
    }
    if (status == 0 && (strbuf_status(&source) != 0 || strbuf_status(&compiled_by) != 0)) {
        status = error_nomem(err);
    }
    if (status == 0) {
        status = answer_definition(digest, &source, &compiled_by, answer, err);
    }
    strbuf_finish(&source);
    strbuf_finish(&compiled_by);
    return status;
}
