/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/result.h"

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/expr/cel.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { SHOWN_SOURCE_BYTES = 80 };

static int make_document(const struct cel *value, struct document **out_document, struct error *err)
{
    struct builder *builder = builder_create();
    int status = cel_build(value, builder, err);
    if (status != 0) {
        builder_destroy(builder);
        return status;
    }
    return builder_finish(builder, out_document, err);
}

/* A list, map or number as JSON. */
static int append_json(const struct cel *value, struct strbuf *text, struct error *err)
{
    if (value->type == CEL_JSON) {
        json_write(value->as.json.value, JSON_COMPACT, text);
        return 0;
    }
    cleanup_document struct document *document = NULL;
    int status = make_document(value, &document, err);
    if (status != 0) {
        return status;
    }
    const struct value *root = document_root(document);
    if (value_type(root) == VALUE_STRING) {
        strbuf_append_str(text, value_str(root)); /* a time */
    } else {
        json_write(root, JSON_COMPACT, text);
    }
    return 0;
}

int result_append_text(const struct cel *value, struct str source, struct strbuf *text,
                       struct error *err)
{
    while (value->type == CEL_OPTIONAL && value->as.optional != NULL) {
        value = value->as.optional;
    }
    if (value->type == CEL_STRING) {
        strbuf_append_str(text, value->as.text);
        return 0;
    }
    if (value->type == CEL_NULL || value->type == CEL_OPTIONAL) {
        source = str_trim(source);
        size_t shown = source.n > SHOWN_SOURCE_BYTES
                           ? utf8_whole_prefix(source.p, SHOWN_SOURCE_BYTES)
                           : source.n;
        return error_set(err, E_INVALID,
                         "'%.*s' is %s and cannot be part of a text: use default(%.*s, '')",
                         (int)shown, source.p, value->type == CEL_NULL ? "null" : "without a value",
                         (int)shown, source.p);
    }
    return append_json(value, text, err);
}

int result_check_json(const struct cel *value, struct error *err)
{
    if (value->type == CEL_OPTIONAL && value->as.optional == NULL) {
        return 0;
    }
    cleanup_document struct document *document = NULL;
    return make_document(value, &document, err);
}
