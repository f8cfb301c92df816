/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/child_values.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/guarded.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* What one byte of a string may become in JSON: \u001f. */
enum { JSON_BYTES_MOST = 6 };

struct child_text {
    struct child_text *next;
    char *p;
    size_t size;
    bool is_guarded; /* locked memory is scarce: only what holds a secret has it */
};

/* One value on its way. */
struct giving {
    struct child_values *values;
    struct str begin;
    const char *json_end;
    bool is_secret;
};

void child_values_finish(struct child_values *values)
{
    while (values->texts != NULL) {
        struct child_text *text = values->texts;
        values->texts = text->next;
        if (text->is_guarded) {
            guarded_free(text->p, text->size);
        } else {
            free(text->p);
        }
        free(text);
    }
}

static size_t secret_bytes(const struct value *value)
{
    size_t sum = value_is_secret(value) ? value_str(value).n : 0;
    for (size_t i = 0; value_type(value) == VALUE_LIST && i < value_count(value); i++) {
        sum += secret_bytes(value_at(value, i));
    }
    for (size_t i = 0; value_type(value) == VALUE_MAP && i < value_count(value); i++) {
        sum += secret_bytes(&value_member_at(value, i)->value);
    }
    return sum;
}

static ops_status keep(const struct giving *giving, struct str text, struct str *out)
{
    struct str begin = giving->begin;
    struct child_text *kept = calloc(1, sizeof(*kept));
    if (kept == NULL) {
        return OPS_E_RESOURCE;
    }
    kept->size = begin.n + text.n + 1;
    kept->is_guarded = giving->is_secret;
    kept->p = kept->is_guarded ? guarded_alloc(kept->size) : malloc(kept->size);
    if (kept->p == NULL) {
        free(kept);
        return OPS_E_RESOURCE;
    }
    memcpy(kept->p, begin.p, begin.n);
    memcpy(kept->p + begin.n, text.p, text.n);
    kept->p[begin.n + text.n] = '\0';
    kept->next = giving->values->texts;
    giving->values->texts = kept;
    *out = str_make(kept->p, begin.n + text.n);
    return OPS_OK;
}

/* Room for all of it before a secret is in it: growing would leave copies behind. */
static void write_json(const struct giving *giving, const struct value *value, struct strbuf *out)
{
    if (giving->is_secret) {
        json_write(value, JSON_COMPACT, out);
        size_t n = out->n + JSON_BYTES_MOST * secret_bytes(value) + strlen(giving->json_end);
        strbuf_clear(out);
        if (strbuf_reserve(out, n) == NULL) {
            return;
        }
    }
    json_write(value, JSON_OPEN, out);
    strbuf_append_text(out, giving->json_end);
}

static ops_status keep_json(const struct giving *giving, const struct value *value, struct str *out)
{
    struct strbuf json = STRBUF_INIT;
    write_json(giving, value, &json);
    ops_status status = strbuf_status(&json) == 0 ? keep(giving, strbuf_str(&json), out)
                                                  : OPS_E_RESOURCE;
    if (json.p != NULL) {
        explicit_bzero(json.p, json.cap);
    }
    strbuf_finish(&json);
    return status;
}

ops_status child_values_add(struct child_values *values, struct plugin *plugin, ops_val v,
                            struct str begin, const char *json_end, struct str *out)
{
    struct scope *scope = NULL;
    struct scope_value value;
    ops_status status = OPS_OK;
    if (!value_acquire(plugin, v, &value, &scope)) {
        return OPS_E_STALE;
    }
    const struct giving giving = {.values = values,
                                  .begin = begin,
                                  .json_end = json_end,
                                  .is_secret = value.value != NULL &&
                                               secret_bytes(value.value) > 0};
    if (value.value == NULL) {
        status = keep(&giving, value.bytes, out);
    } else if (value_type(value.value) == VALUE_STRING) {
        status = keep(&giving, value_str(value.value), out);
    } else if (value_type(value.value) == VALUE_NULL) {
        status = keep(&giving, STR(""), out);
    } else {
        status = keep_json(&giving, value.value, out);
    }
    scope_release(plugin, scope);
    return status;
}
