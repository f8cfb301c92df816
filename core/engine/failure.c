/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/failure.h"

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/value/builder.h"
#include "core/value/value.h"

struct document *failure_create(const char *code, struct str message, const char *hint)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("code"), str_from(code));
    size_t valid = utf8_valid_prefix(message.p, message.n);
    builder_member_string(b, STR("message"), str_make(message.p, valid));
    if (hint != NULL) {
        builder_member_string(b, STR("hint"), str_from(hint));
    }
    builder_map_end(b);
    struct document *failure = NULL;
    if (builder_finish(b, &failure, NULL) != 0) {
        return document_empty_map();
    }
    return failure;
}

struct document *failure_from_error(const char *code, const struct error *err)
{
    return failure_create(err->code == E_LIMIT ? FAILURE_LIMIT : code, str_from(err->message),
                          NULL);
}

static struct str failure_text(const struct document *failure, struct str key)
{
    if (failure == NULL) {
        return STR("");
    }
    const struct value *text = value_get(document_root(failure), key);
    return value_is(text, VALUE_STRING) ? value_str(text) : STR("");
}

struct str failure_code(const struct document *failure)
{
    return failure_text(failure, STR("code"));
}

struct str failure_message(const struct document *failure)
{
    return failure_text(failure, STR("message"));
}

struct str failure_hint(const struct document *failure)
{
    return failure_text(failure, STR("hint"));
}
