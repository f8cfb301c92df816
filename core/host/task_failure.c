/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/task_failure.h"

#include <stddef.h>
#include <string.h>

#include "core/base/utf8.h"
#include "core/host/runtime.h"
#include "core/value/builder.h"
#include "core/value/value.h"

enum {
    ERROR_SIZE_MIN = offsetof(ops_error, retry), /* size and code */
    ERROR_SIZE_MAX = 65536,                      /* no epoch makes it larger */
    TEXT_MAX = 64 * 1024,
};

static const char *const code_names[] = {
    [OPS_OK] = "INTERNAL", /* to fail with success is a plugin's bug */
    [OPS_E_CONFIG] = "CONFIG",
    [OPS_E_INPUT] = "INPUT",
    [OPS_E_AUTH] = "AUTH",
    [OPS_E_PERMISSION] = "PERMISSION",
    [OPS_E_NOT_FOUND] = "NOT_FOUND",
    [OPS_E_CONFLICT] = "CONFLICT",
    [OPS_E_RATE_LIMITED] = "RATE_LIMITED",
    [OPS_E_TIMEOUT] = "TIMEOUT",
    [OPS_E_UNAVAILABLE] = "UNAVAILABLE",
    [OPS_E_UPSTREAM] = "UPSTREAM",
    [OPS_E_CANCELLED] = "CANCELLED",
    [OPS_E_RESOURCE] = "RESOURCE",
    [OPS_E_WOULD_BLOCK] = "WOULD_BLOCK",
    [OPS_E_STALE] = "STALE",
    [OPS_E_UNSUPPORTED] = "UNSUPPORTED",
    [OPS_E_INTERNAL] = "INTERNAL",
    [OPS_E_CRASHED] = "INTERNAL", /* only the host may report it */
    [OPS_E_BUDGET] = "BUDGET",
};

enum { CODE_COUNT = sizeof code_names / sizeof code_names[0] };

/* Said when a plugin gives no message. */
static const char *const default_message = "the plugin gave no message";

const char *task_failure_code_name(ops_status code)
{
    return code >= 0 && code < CODE_COUNT ? code_names[code] : "INTERNAL";
}

ops_status task_failure_code_from_name(const char *name)
{
    for (ops_status code = 1; name != NULL && code < CODE_COUNT; code++) {
        if (strcmp(code_names[code], name) == 0) {
            return code;
        }
    }
    return OPS_E_INTERNAL;
}

const struct document *task_failure_create(ops_status code, struct str message, struct str hint)
{
    struct builder *b = builder_create();
    struct document *document = NULL;
    builder_map_begin(b);
    builder_member_string(b, STR("code"), str_from(task_failure_code_name(code)));
    builder_member_string(b, STR("message"), message);
    if (hint.n > 0) {
        builder_member_string(b, STR("hint"), hint);
    }
    builder_member_string(b, STR("effect"), STR("none"));
    builder_member_string(b, STR("retry"), STR("default"));
    builder_map_end(b);
    return builder_finish(b, &document, NULL) == 0 ? document : NULL;
}

void task_failure_append_text(struct strbuf *out, ops_str text)
{
    const char *p = text.p;
    size_t n = text.n < TEXT_MAX ? (size_t)text.n : TEXT_MAX;
    if (p == NULL) {
        return;
    }

    if (n < text.n) {
        n = utf8_whole_prefix(p, n);
    }
    while (n > 0) {
        size_t valid = utf8_valid_prefix(p, n);
        strbuf_append(out, p, valid);
        p += valid;
        n -= valid;
        if (n > 0) {
            strbuf_append_text(out, "\xEF\xBF\xBD");
            p++;
            n--;
        }
    }
}

/* Adds a text of a plugin, if there is one, under `key`. */
static void add_text(struct builder *b, struct strbuf *scratch, const char *key, ops_str text)
{
    strbuf_clear(scratch);
    task_failure_append_text(scratch, text);
    if (scratch->n > 0) {
        builder_member_string(b, str_from(key), strbuf_str(scratch));
    }
}

static void add_details(struct builder *b, struct plugin *plugin, ops_val details)
{
    struct scope_value value;
    struct scope *scope = NULL;
    if (details == 0 || !value_acquire(plugin, details, &value, &scope)) {
        return;
    }

    if (value.value != NULL) {
        builder_key(b, STR("details"));
        builder_embed(b, value.document, value.value);
    }
    scope_release(plugin, scope);
}

static struct str effect_name(uint32_t effect)
{
    /* A number that is no effect must not lead to a second charge: it reads as "maybe". */
    return effect == OPS_EFFECT_NONE   ? STR("none")
           : effect == OPS_EFFECT_DONE ? STR("done")
                                       : STR("maybe");
}

static struct str retry_name(uint32_t retry)
{
    return retry == OPS_RETRY_DEFAULT ? STR("default")
           : retry == OPS_RETRY_YES   ? STR("yes")
                                      : STR("no");
}

static void add_numbers(struct builder *b, const ops_error *error)
{
    bool is_known = error->code > 0 && error->code < CODE_COUNT;
    builder_member_string(b, STR("effect"), effect_name(error->effect));
    builder_member_string(b, STR("retry"), is_known ? retry_name(error->retry) : STR("no"));
    if (error->retry_after_ms > 0 && error->retry_after_ms <= INT64_MAX) {
        builder_member_int(b, STR("retry_after_ms"), (int64_t)error->retry_after_ms);
    }
    if (error->upstream_status != 0) {
        builder_member_int(b, STR("upstream_status"), error->upstream_status);
    }
    if ((error->flags & OPS_ERROR_REPEATABLE) != 0) {
        builder_member_bool(b, STR("repeatable"), true);
    }
}

bool task_failure_read(const ops_error *error, ops_error *out)
{
    memset(out, 0, sizeof *out);
    if (error == NULL || error->size < ERROR_SIZE_MIN || error->size > ERROR_SIZE_MAX) {
        return false;
    }

    memcpy(out, error, error->size < sizeof *out ? error->size : sizeof *out);
    return true;
}

const struct document *task_failure_from_plugin(struct plugin *plugin, const ops_error *error)
{
    ops_error known;
    if (!task_failure_read(error, &known)) {
        return task_failure_create(OPS_E_INTERNAL, STR("the plugin failed without saying how"),
                                   (struct str){NULL, 0});
    }

    struct builder *b = builder_create();
    struct strbuf scratch = STRBUF_INIT;
    builder_map_begin(b);
    builder_member_string(b, STR("code"), str_from(task_failure_code_name(known.code)));
    task_failure_append_text(&scratch, known.message);
    builder_member_string(b, STR("message"),
                          scratch.n > 0 ? strbuf_str(&scratch) : str_from(default_message));
    add_text(b, &scratch, "hint", known.hint);
    add_text(b, &scratch, "symbol", known.symbol);
    add_text(b, &scratch, "path", known.path);
    add_numbers(b, &known);
    add_details(b, plugin, known.details);
    builder_map_end(b);

    struct document *document = NULL;
    int status = builder_finish(b, &document, NULL);
    bool is_whole = strbuf_status(&scratch) == 0;
    strbuf_finish(&scratch);
    if (status == 0 && is_whole) {
        return document;
    }
    document_unref(document);
    return NULL;
}

void task_failure_fill(ops_error *err, ops_status code, ops_str message, ops_str hint)
{
    if (err == NULL || err->size < ERROR_SIZE_MIN || err->size > ERROR_SIZE_MAX) {
        return;
    }

    ops_error filled = {.size = err->size, .code = code, .message = message, .hint = hint};
    memcpy(err, &filled, err->size < sizeof filled ? err->size : sizeof filled);
}
