/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

#include "core/base/arena.h"
#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/kind.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int finish_text(struct evaluation *ev, struct strbuf *text, struct cel *out)
{
    int status = strbuf_status(text) != 0 ? eval_nomem(ev)
                                          : eval_make_text(ev, CEL_STRING, strbuf_str(text), out);
    strbuf_finish(text);
    return status;
}

static bool has_bytes(const struct cel *cel)
{
    return cel->type == CEL_STRING || cel->type == CEL_BYTES;
}

static int call_json(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    (void)count;
    struct error local = {0};
    cleanup_document struct document *document = NULL;
    struct builder *builder = builder_create();
    int status = cel_build(args, builder, &local);
    if (status != 0) {
        builder_destroy(builder);
    } else {
        status = builder_finish(builder, &document, &local);
    }
    if (status != 0) {
        return status == E_NOMEM ? eval_nomem(ev) : eval_fail(ev, status, "%s", local.message);
    }
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(document), JSON_COMPACT, &text);
    return finish_text(ev, &text, out);
}

/* A scalar of a document that ends before the result does. */
static int import_scalar(struct evaluation *ev, const struct value *value, struct cel *out)
{
    if (value_type(value) == VALUE_STRING) {
        return eval_make_text(ev, CEL_STRING, value_str(value), out);
    }
    *out = cel_from_value(NULL, value);
    return 0;
}

/* Copies a value into the arena; documents are at most as deep as their reader allows. */
static int import_value(struct evaluation *ev, const struct value *value, struct cel *out)
{
    bool is_map = value_type(value) == VALUE_MAP;
    int status = eval_charge(ev, 1);
    if (status != 0) {
        return status;
    }
    if (!is_map && value_type(value) != VALUE_LIST) {
        return import_scalar(ev, value, out);
    }
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    size_t count = value_count(value);
    for (size_t i = 0; i < count && status == 0; i++) {
        struct cel item;
        if (is_map) {
            status = import_scalar(ev, &value_member_at(value, i)->key, &item);
            if (status == 0 && cel_array_add(&items, &item) != 0) {
                return eval_nomem(ev);
            }
        }
        if (status == 0) {
            status = import_value(
                ev, is_map ? &value_member_at(value, i)->value : value_at(value, i), &item);
        }
        if (status == 0 && cel_array_add(&items, &item) != 0) {
            return eval_nomem(ev);
        }
    }
    if (status != 0) {
        return status;
    }
    return is_map ? eval_make_map(ev, items.items, items.count / 2, out)
                  : eval_make_list(ev, items.items, items.count, out);
}

static int call_parse_json(struct evaluation *ev, const struct cel *args, size_t count,
                           struct cel *out)
{
    if (args->type != CEL_STRING) {
        return eval_bad_call(ev, args, count);
    }
    struct error local = {0};
    cleanup_document struct document *document = NULL;
    int status = eval_charge_text(ev, args->as.text.n, EVAL_SCAN);
    if (status != 0) {
        return status;
    }
    status = json_read(args->as.text, NULL, &document, &local);
    if (status == E_NOMEM) {
        return eval_nomem(ev);
    }
    if (status != 0) {
        return eval_fail(ev, status, "parse_json(): line %u, column %u: %s", local.line,
                         local.column, local.message);
    }
    return import_value(ev, document_root(document), out);
}

static int call_url_encode(struct evaluation *ev, const struct cel *args, size_t count,
                           struct cel *out)
{
    static const char hex[] = "0123456789ABCDEF";
    struct strbuf text = STRBUF_INIT;
    if (args->type != CEL_STRING) {
        return eval_bad_call(ev, args, count);
    }
    int status = eval_charge_text(ev, args->as.text.n, EVAL_SCAN);
    if (status != 0) {
        return status;
    }
    for (size_t i = 0; i < args->as.text.n; i++) {
        char c = args->as.text.p[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (is_plain) {
            strbuf_append_char(&text, c);
        } else {
            const char escape[] = {'%', hex[(unsigned char)c >> 4], hex[(unsigned char)c & 15]};
            strbuf_append(&text, escape, sizeof(escape));
        }
    }
    return finish_text(ev, &text, out);
}

static int call_base64(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    struct strbuf text = STRBUF_INIT;
    if (!has_bytes(args)) {
        return eval_bad_call(ev, args, count);
    }
    int status = eval_charge_text(ev, args->as.text.n, EVAL_SCAN);
    if (status != 0) {
        return status;
    }
    const unsigned char *p = (const unsigned char *)args->as.text.p;
    size_t n = args->as.text.n;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t group = (uint32_t)p[i] << 16;
        group |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
        group |= i + 2 < n ? (uint32_t)p[i + 2] : 0;
        const char quad[] = {
            base64_digits[group >> 18],
            base64_digits[(group >> 12) & 63],
            i + 1 < n ? base64_digits[(group >> 6) & 63] : '=',
            i + 2 < n ? base64_digits[group & 63] : '=',
        };
        strbuf_append(&text, quad, sizeof(quad));
    }
    return finish_text(ev, &text, out);
}

static int base64_value(char c)
{
    const char *found = c != '\0' ? strchr(base64_digits, c) : NULL;
    return found != NULL ? (int)(found - base64_digits) : -1;
}

/* With or without the padding. */
static int call_base64_decode(struct evaluation *ev, const struct cel *args, size_t count,
                              struct cel *out)
{
    if (args->type != CEL_STRING) {
        return eval_bad_call(ev, args, count);
    }
    struct str text = args->as.text;
    size_t padding = 0;
    while (padding < 2 && text.n > 0 && text.p[text.n - 1] == '=') {
        text.n--;
        padding++;
    }
    bool is_valid = text.n % 4 != 1 && (padding == 0 || (text.n + padding) % 4 == 0);
    unsigned char *bytes = is_valid ? eval_alloc(ev, text.n / 4 * 3 + 3) : NULL;
    if (is_valid && bytes == NULL) {
        return eval_status(ev);
    }
    size_t made = 0;
    uint32_t group = 0;
    for (size_t i = 0; i < text.n && is_valid; i++) {
        int digit = base64_value(text.p[i]);
        is_valid = digit >= 0;
        group = (group << 6) | (uint32_t)(digit & 63);
        if (i % 4 > 0) {
            bytes[made++] = (unsigned char)(group >> (6 - 2 * (i % 4)));
        }
    }
    if (!is_valid) {
        return eval_fail(ev, E_INVALID, "the text is not base64");
    }
    *out = (struct cel){.type = CEL_BYTES, .as.text = str_make((const char *)bytes, made)};
    return 0;
}

static int call_sha256(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    unsigned char digest[DIGEST_BYTES];
    char hex[DIGEST_HEX_SIZE];
    if (!has_bytes(args)) {
        return eval_bad_call(ev, args, count);
    }
    int status = eval_charge_text(ev, args->as.text.n, EVAL_SCAN);
    if (status != 0) {
        return status;
    }
    digest_sha256(args->as.text, digest);
    digest_format_hex(digest, sizeof(digest), hex);
    return eval_make_text(ev, CEL_STRING, str_from(hex), out);
}

static const struct function functions[] = {
    {"json", FUNCTION_GLOBAL, 1, 1, CEL_STRING, call_json, {0}},
    {"parse_json", FUNCTION_GLOBAL, 1, 1, FUNCTION_ANY_TYPE, call_parse_json, {KIND_STRING}},
    {"url_encode", FUNCTION_GLOBAL, 1, 1, CEL_STRING, call_url_encode, {KIND_STRING}},
    {"base64", FUNCTION_GLOBAL, 1, 1, CEL_STRING, call_base64, {KIND_STRING | KIND_BYTES}},
    {"base64.encode", FUNCTION_GLOBAL, 1, 1, CEL_STRING, call_base64, {KIND_STRING | KIND_BYTES}},
    {"base64.decode", FUNCTION_GLOBAL, 1, 1, CEL_BYTES, call_base64_decode, {KIND_STRING}},
    {"sha256", FUNCTION_GLOBAL, 1, 1, CEL_STRING, call_sha256, {KIND_STRING | KIND_BYTES}},
};

const struct function_table function_codecs = {functions, sizeof(functions) / sizeof(functions[0])};
