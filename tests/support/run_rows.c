/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/run_rows.h"

#include <stddef.h>

#include "core/base/error.h"
#include "core/engine/record_json.h"
#include "core/engine/restore.h"
#include "core/engine/run.h"

const char *run_rows_apply(struct run *run, const struct record *record)
{
    static struct error err;
    struct strbuf body = STRBUF_INIT;
    if (record_is_lazy(record)) {
        return NULL;
    }
    record_write_body(record, &body);
    struct restore_row row = {
        .seq = run_last_seq(run) + 1,
        .type = str_from(record_type_name(record->type)),
        .path = record->path != NULL ? str_from(record->path) : STR(""),
        .attempt = record->attempt,
        .at_unix_ms = record->at_unix_ms,
        .body = strbuf_str(&body),
    };
    int status = restore_row(run, &row, NULL, NULL, &err);
    strbuf_finish(&body);
    return status == 0 ? NULL : err.message;
}
