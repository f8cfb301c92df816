/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

#include <inttypes.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/base/utf8.h"
#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/instant.h"
#include "core/expr/kind.h"
#include "core/expr/number_text.h"

static int fail_convert(struct evaluation *ev, const struct cel *arg, const char *type)
{
    struct strbuf text = STRBUF_INIT;
    (void)function_write_text(arg, &text); /* what has no text shows as none */
    struct str shown = strbuf_str(&text);
    size_t n = shown.n > 60 ? utf8_whole_prefix(shown.p, 60) : shown.n;
    int status = eval_fail(ev, E_INVALID, "'%.*s' is no %s", (int)n, shown.p, type);
    strbuf_finish(&text);
    return status;
}

static int call_size(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    if (collection_is_list(args) || collection_is_map(args)) {
        return eval_make_int((int64_t)collection_count(args), out);
    }
    if (args->type == CEL_BYTES) {
        return eval_make_int((int64_t)args->as.text.n, out);
    }
    if (args->type != CEL_STRING) {
        return eval_bad_call(ev, args, count);
    }
    int status = eval_charge_text(ev, args->as.text.n, EVAL_HASH);
    return status != 0 ? status
                       : eval_make_int((int64_t)utf8_count(args->as.text.p, args->as.text.n), out);
}

/* Decimal digits with an optional sign, all of the text. */
static bool read_integer(struct str text, bool *out_negative, uint64_t *out)
{
    *out_negative = text.n > 0 && text.p[0] == '-';
    if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+')) {
        text = str_make(text.p + 1, text.n - 1);
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.p[i] - '0'), &value)) {
            return false;
        }
    }
    *out = value;
    return text.n > 0;
}

static int int_of_text(struct evaluation *ev, const struct cel *arg, struct cel *out)
{
    bool is_negative = false;
    uint64_t magnitude = 0;
    if (!read_integer(arg->as.text, &is_negative, &magnitude) ||
        magnitude > (uint64_t)INT64_MAX + (is_negative ? 1 : 0)) {
        return fail_convert(ev, arg, "int");
    }
    return eval_make_int(is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude, out);
}

static int call_int(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    switch (args->type) {
    case CEL_INT:
        *out = *args;
        return 0;
    case CEL_UINT:
        if (args->as.uinteger > INT64_MAX) {
            return fail_convert(ev, args, "int");
        }
        return eval_make_int((int64_t)args->as.uinteger, out);
    case CEL_DOUBLE:
        if (!(args->as.number > -0x1p63 && args->as.number < 0x1p63)) {
            return fail_convert(ev, args, "int");
        }
        return eval_make_int((int64_t)args->as.number, out);
    case CEL_STRING:
        return int_of_text(ev, args, out);
    case CEL_TIMESTAMP:
        return eval_make_int(args->as.time.seconds, out);
    default:
        return eval_bad_call(ev, args, count);
    }
}

static int make_uint(uint64_t value, struct cel *out)
{
    *out = (struct cel){.type = CEL_UINT, .as.uinteger = value};
    return 0;
}

static int call_uint(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    bool is_negative = false;
    uint64_t magnitude = 0;
    switch (args->type) {
    case CEL_UINT:
        *out = *args;
        return 0;
    case CEL_INT:
        return args->as.integer < 0 ? fail_convert(ev, args, "uint")
                                    : make_uint((uint64_t)args->as.integer, out);
    case CEL_DOUBLE:
        if (!(args->as.number >= 0 && args->as.number < 0x1p64)) {
            return fail_convert(ev, args, "uint");
        }
        return make_uint((uint64_t)args->as.number, out);
    case CEL_STRING:
        if (!read_integer(args->as.text, &is_negative, &magnitude) || is_negative) {
            return fail_convert(ev, args, "uint");
        }
        return make_uint(magnitude, out);
    default:
        return eval_bad_call(ev, args, count);
    }
}

static int call_double(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    double number = 0;
    switch (args->type) {
    case CEL_DOUBLE:
        *out = *args;
        return 0;
    case CEL_INT:
        return eval_make_double((double)args->as.integer, out);
    case CEL_UINT:
        return eval_make_double((double)args->as.uinteger, out);
    case CEL_STRING:
        return number_text_read(args->as.text, &number) ? eval_make_double(number, out)
                                                        : fail_convert(ev, args, "double");
    default:
        return eval_bad_call(ev, args, count);
    }
}

static int call_bool(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    static const char *const yes[] = {"1", "t", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "false", "FALSE", "False"};
    if (args->type == CEL_BOOL) {
        *out = *args;
        return 0;
    }
    if (args->type != CEL_STRING) {
        return eval_bad_call(ev, args, count);
    }
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (str_equal_text(args->as.text, yes[i])) {
            return eval_make_bool(true, out);
        }
        if (str_equal_text(args->as.text, no[i])) {
            return eval_make_bool(false, out);
        }
    }
    return fail_convert(ev, args, "bool");
}

int function_write_text(const struct cel *cel, struct strbuf *out)
{
    switch (cel->type) {
    case CEL_STRING:
    case CEL_BYTES:
    case CEL_TYPE:
        strbuf_append_str(out, cel->as.text);
        return 0;
    case CEL_BOOL:
        strbuf_append_text(out, cel->as.boolean ? "true" : "false");
        return 0;
    case CEL_INT:
        strbuf_append_format(out, "%" PRId64, cel->as.integer);
        return 0;
    case CEL_UINT:
        strbuf_append_format(out, "%" PRIu64, cel->as.uinteger);
        return 0;
    case CEL_DOUBLE:
        number_text_write(cel->as.number, out);
        return 0;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        instant_write(cel, out);
        return 0;
    default:
        return 1;
    }
}

static int call_string(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    if (args->type == CEL_STRING) {
        *out = *args;
        return 0;
    }
    if (args->type == CEL_TYPE) {
        return eval_bad_call(ev, args, count);
    }
    int status = args->type == CEL_BYTES ? eval_charge_text(ev, args->as.text.n, EVAL_SCAN) : 0;
    if (status != 0) {
        return status;
    }
    if (args->type == CEL_BYTES &&
        utf8_valid_prefix(args->as.text.p, args->as.text.n) < args->as.text.n) {
        return eval_fail(ev, E_INVALID, "the bytes are not UTF-8, so they are no string");
    }
    struct strbuf text = STRBUF_INIT;
    status = function_write_text(args, &text);
    if (status == 1) {
        status = eval_bad_call(ev, args, count);
    } else {
        status = strbuf_status(&text) != 0 ? eval_nomem(ev)
                                           : eval_make_text(ev, CEL_STRING, strbuf_str(&text), out);
    }
    strbuf_finish(&text);
    return status;
}

static int call_bytes(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    if (args->type != CEL_STRING && args->type != CEL_BYTES) {
        return eval_bad_call(ev, args, count);
    }
    *out = (struct cel){.type = CEL_BYTES, .as.text = args->as.text};
    return 0;
}

static int call_dyn(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    (void)ev;
    (void)count;
    *out = *args;
    return 0;
}

static int call_type(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    (void)ev;
    (void)count;
    *out = (struct cel){.type = CEL_TYPE, .as.text = str_from(cel_type_identifier(args))};
    return 0;
}

static const struct function functions[] = {
    {"size",
     FUNCTION_GLOBAL | FUNCTION_RECEIVER,
     1,
     1,
     CEL_INT,
     call_size,
     {KIND_STRING | KIND_BYTES | KIND_LIST | KIND_MAP}},
    {"int", FUNCTION_GLOBAL, 1, 1, CEL_INT, call_int, {KIND_NUMBER | KIND_STRING | KIND_TIMESTAMP}},
    {"uint", FUNCTION_GLOBAL, 1, 1, CEL_UINT, call_uint, {KIND_NUMBER | KIND_STRING}},
    {"double", FUNCTION_GLOBAL, 1, 1, CEL_DOUBLE, call_double, {KIND_NUMBER | KIND_STRING}},
    {"bool", FUNCTION_GLOBAL, 1, 1, CEL_BOOL, call_bool, {KIND_BOOL | KIND_STRING}},
    {"string",
     FUNCTION_GLOBAL,
     1,
     1,
     CEL_STRING,
     call_string,
     {KIND_STRING | KIND_BYTES | KIND_BOOL | KIND_NUMBER | KIND_TIMESTAMP | KIND_DURATION}},
    {"bytes", FUNCTION_GLOBAL, 1, 1, CEL_BYTES, call_bytes, {KIND_STRING | KIND_BYTES}},
    {"dyn", FUNCTION_GLOBAL, 1, 1, FUNCTION_ANY_TYPE, call_dyn, {0}},
    {"type", FUNCTION_GLOBAL, 1, 1, CEL_TYPE, call_type, {0}},
};

const struct function_table function_types = {functions, sizeof(functions) / sizeof(functions[0])};
