/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/validate.h"

#include <stddef.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static void append_violations(struct strbuf *out, const struct schema_report *report,
                              validate_place_cb append_place, void *user)
{
    for (size_t i = 0; i < schema_report_count(report); i++) {
        const struct schema_violation *violation = schema_report_at(report, i);
        if (i > 0) {
            strbuf_append_text(out, "; ");
        }
        if (i > 0 && append_place != NULL) {
            append_place(out, violation->pointer, user);
        }
        if (violation->pointer.n > 0) {
            strbuf_append_str(out, violation->pointer);
            strbuf_append_char(out, ' ');
        }
        strbuf_append_str(out, violation->message);
        if (violation->suggestion.n > 0) {
            strbuf_append_format(out, " (did you mean '%.*s'?)", STR_ARG(violation->suggestion));
        }
    }
}

static int explain_violations(struct schema_report *report, validate_place_cb append_place,
                              void *user, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    append_violations(&text, report, append_place, user);
    int status = strbuf_status(&text) != 0 ? error_nomem(err)
                                           : error_set(err, E_INVALID, "%s", text.p);
    strbuf_finish(&text);
    schema_report_destroy(report);
    return status;
}

int validate_document(const struct schema *schema, const struct document *document,
                      struct error *err)
{
    return validate_document_at(schema, document, NULL, NULL, NULL, err);
}

int validate_document_at(const struct schema *schema, const struct document *document,
                         struct strbuf *first, validate_place_cb append_place, void *user,
                         struct error *err)
{
    struct schema_report *report = NULL;
    int status = schema_validate(schema, document_root(document), &report, err);
    if (first != NULL && report != NULL && schema_report_count(report) > 0) {
        strbuf_append_str(first, schema_report_at(report, 0)->pointer);
    }
    return status == E_INVALID && report != NULL
               ? explain_violations(report, append_place, user, err)
               : status;
}
