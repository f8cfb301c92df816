/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/failure.h"

#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/value/builder.h"
#include "core/value/secrets.h"
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

static void append_secret(struct str name, struct strbuf *out)
{
    struct secrets_variable variable = {{0}};
    if (secrets_variable_of(name, &variable)) {
        strbuf_append_format(out, "'%.*s' (set %s, or use 'opstream secrets set %.*s')",
                             STR_ARG(name), variable.text, STR_ARG(name));
    }
}

static void append_secrets(struct str names, struct strbuf *out)
{
    bool are_several = memchr(names.p, ',', names.n) != NULL;
    strbuf_append_text(out,
                       are_several ? "it comes from the secrets " : "it comes from the secret ");
    struct str rest = names;
    while (rest.n > 0) {
        const char *comma = memchr(rest.p, ',', rest.n);
        size_t n = comma != NULL ? (size_t)(comma - rest.p) : rest.n;
        append_secret(str_make(rest.p, n), out);
        strbuf_append_text(out, comma != NULL ? ", " : "");
        n += comma != NULL;
        rest = str_make(rest.p + n, rest.n - n);
    }
}

/* `failure` with another hint; NULL without memory. */
static struct document *with_hint(const struct document *failure, struct str hint)
{
    const struct value *root = document_root(failure);
    struct document *whole = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(root); i++) {
        const struct value_member *member = value_member_at(root, i);
        if (!str_equal(value_str(&member->key), STR("hint"))) {
            builder_key(b, value_str(&member->key));
            builder_embed(b, failure, &member->value);
        }
    }
    builder_member_string(b, STR("hint"), hint);
    builder_map_end(b);
    return builder_finish(b, &whole, NULL) == 0 ? whole : NULL;
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

/* PERMISSION is the service's word only where a service has answered: the host says it, too. */
static bool is_credential_refused(const struct document *failure)
{
    struct str code = failure_code(failure);
    return str_equal_text(code, "AUTH") ||
           (str_equal_text(code, "PERMISSION") &&
            value_get(document_root(failure), STR("upstream_status")) != NULL);
}

struct document *failure_name_secrets(const struct document *failure, struct str names)
{
    struct document *whole = NULL;
    struct strbuf hint = STRBUF_INIT;
    if (names.n == 0 || !is_credential_refused(failure)) {
        return document_ref(failure);
    }
    strbuf_append_str(&hint, failure_hint(failure));
    strbuf_append_text(&hint, hint.n > 0 ? "; " : "");
    append_secrets(names, &hint);
    if (strbuf_status(&hint) == 0) {
        whole = with_hint(failure, strbuf_str(&hint));
    }
    strbuf_finish(&hint);
    return whole != NULL ? whole : document_ref(failure);
}
