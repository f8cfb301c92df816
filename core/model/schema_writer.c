/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/schema_writer.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

#define DEFS "#/$defs/"

/* Manifests with longer names are refused. */
enum { MAX_NAME_BYTES = 256 };

struct schema_pointer schema_writer_pointer(const char *prefix, struct str name)
{
    struct schema_pointer pointer;
    struct str shown = str_make(name.p, name.n > MAX_NAME_BYTES ? MAX_NAME_BYTES : name.n);
    int length = snprintf(pointer.text, sizeof(pointer.text), DEFS "%s%s%.*s", prefix,
                          name.n > 0 ? "." : "", STR_ARG(shown));
    CHECK(length > 0 && (size_t)length < sizeof(pointer.text));
    return pointer;
}

void schema_writer_define(struct schema_writer *writer, const char *prefix, struct str name)
{
    struct schema_pointer pointer = schema_writer_pointer(prefix, name);
    builder_key(writer->b, str_from(pointer.text + sizeof(DEFS) - 1));
    builder_map_begin(writer->b);
}

void schema_writer_ref(struct schema_writer *writer, const char *prefix, struct str name)
{
    struct schema_pointer pointer = schema_writer_pointer(prefix, name);
    builder_member_string(writer->b, STR("$ref"), str_from(pointer.text));
}

static const struct value *read_json(struct schema_writer *writer, const char *json,
                                     struct document **out_document)
{
    struct error err = {0};
    int status = json_read(str_from(json), NULL, out_document, &err);
    if (status == E_NOMEM) {
        writer->status = status;
        return NULL;
    }
    CHECK_NAMED(status == 0, json);
    return document_root(*out_document);
}

void schema_writer_members(struct schema_writer *writer, const char *json)
{
    cleanup_document struct document *document = NULL;
    const struct value *map = read_json(writer, json, &document);
    for (size_t i = 0; value_is(map, VALUE_MAP) && i < value_count(map); i++) {
        const struct value_member *member = value_member_at(map, i);
        builder_key(writer->b, value_str(&member->key));
        builder_copy(writer->b, &member->value);
    }
}

void schema_writer_value(struct schema_writer *writer, const char *json)
{
    cleanup_document struct document *document = NULL;
    const struct value *value = read_json(writer, json, &document);
    if (value == NULL) {
        builder_null(writer->b);
    } else {
        builder_copy(writer->b, value);
    }
}
