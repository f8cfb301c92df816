/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/cel.h"

#include "core/base/error.h"
#include "core/expr/collection.h"
#include "core/expr/function.h"
#include "core/expr/instant.h"
#include "core/value/builder.h"
#include "core/value/value.h"

const char *cel_type_identifier(const struct cel *cel)
{
    switch ((enum cel_type)cel->type) {
    case CEL_NULL:
        return "null_type";
    case CEL_TIMESTAMP:
        return "google.protobuf.Timestamp";
    case CEL_DURATION:
        return "google.protobuf.Duration";
    case CEL_OPTIONAL:
        return "optional_type";
    default:
        return cel_type_name(cel);
    }
}

const char *cel_type_name(const struct cel *cel)
{
    switch ((enum cel_type)cel->type) {
    case CEL_NULL:
        return "null";
    case CEL_BOOL:
        return "bool";
    case CEL_INT:
        return "int";
    case CEL_UINT:
        return "uint";
    case CEL_DOUBLE:
        return "double";
    case CEL_STRING:
        return "string";
    case CEL_BYTES:
        return "bytes";
    case CEL_LIST:
        return "list";
    case CEL_MAP:
        return "map";
    case CEL_JSON:
        return collection_is_list(cel) ? "list" : "map";
    case CEL_TIMESTAMP:
        return "timestamp";
    case CEL_DURATION:
        return "duration";
    case CEL_TYPE:
        return "type";
    case CEL_OPTIONAL:
        return "optional";
    case CEL_OBJECT:
        return cel->as.object.class_->name;
    }
    return "unknown";
}

static int build_list(const struct cel *list, struct builder *b, struct error *err)
{
    builder_list_begin(b);
    for (size_t i = 0; i < list->as.list->count; i++) {
        int status = cel_build(&list->as.list->items[i], b, err);
        if (status != 0) {
            return status;
        }
    }
    builder_list_end(b);
    return 0;
}

static int build_map(const struct cel *map, struct builder *b, struct error *err)
{
    builder_map_begin(b);
    for (size_t i = 0; i < map->as.map->count; i++) {
        const struct cel_entry *entry = &map->as.map->entries[i];
        struct strbuf key = STRBUF_INIT;
        (void)function_write_text(&entry->key, &key); /* keys always have a text */
        if (strbuf_status(&key) != 0) {
            strbuf_finish(&key);
            return error_nomem(err);
        }
        builder_key(b, strbuf_str(&key));
        strbuf_finish(&key);
        int status = cel_build(&entry->value, b, err);
        if (status != 0) {
            return status;
        }
    }
    builder_map_end(b);
    return 0;
}

static int build_json(const struct cel *cel, struct builder *b)
{
    if (cel->as.json.document != NULL) {
        builder_embed(b, cel->as.json.document, cel->as.json.value);
    } else {
        builder_copy(b, cel->as.json.value);
    }
    return 0;
}

static int build_number(const struct cel *cel, struct builder *b, struct error *err)
{
    if (cel->type == CEL_INT) {
        builder_int(b, cel->as.integer);
        return 0;
    }
    if (cel->type == CEL_UINT && cel->as.uinteger <= INT64_MAX) {
        builder_int(b, (int64_t)cel->as.uinteger);
        return 0;
    }
    double number = cel->type == CEL_UINT ? (double)cel->as.uinteger : cel->as.number;
    if (!(number - number == 0)) {
        return error_set(err, E_INVALID,
                         "the result is not a finite number, which JSON cannot hold");
    }
    builder_double(b, number);
    return 0;
}

static int build_time(const struct cel *cel, struct builder *b, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    instant_write(cel, &text);
    int status = strbuf_status(&text) != 0 ? error_nomem(err) : 0;
    if (status == 0) {
        builder_string(b, strbuf_str(&text));
    }
    strbuf_finish(&text);
    return status;
}

/* Lists and maps are at most COLLECTION_MAX_DEPTH deep, and optionals as the parser allowed. */
int cel_build(const struct cel *cel, struct builder *b, struct error *err)
{
    switch ((enum cel_type)cel->type) {
    case CEL_NULL:
        builder_null(b);
        return 0;
    case CEL_BOOL:
        builder_bool(b, cel->as.boolean);
        return 0;
    case CEL_INT:
    case CEL_UINT:
    case CEL_DOUBLE:
        return build_number(cel, b, err);
    case CEL_STRING:
        builder_string(b, cel->as.text);
        return 0;
    case CEL_LIST:
        return build_list(cel, b, err);
    case CEL_MAP:
        return build_map(cel, b, err);
    case CEL_JSON:
        return build_json(cel, b);
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return build_time(cel, b, err);
    case CEL_OPTIONAL:
        if (cel->as.optional != NULL) {
            return cel_build(cel->as.optional, b, err);
        }
        return error_set(err, E_INVALID,
                         "the result is an optional without a value: use orValue(x)");
    case CEL_BYTES:
    case CEL_TYPE:
    case CEL_OBJECT:
        break;
    }
    return error_set(err, E_INVALID, "a result of type %s cannot be written as JSON%s",
                     cel_type_name(cel),
                     cel->type == CEL_BYTES  ? ": use base64(x) or string(x)"
                     : cel->type == CEL_TYPE ? ": use string(x)"
                                             : "");
}
