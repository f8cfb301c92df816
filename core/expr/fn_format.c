/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/kind.h"

/* The largest precision of %f and %e. */
enum { MAX_PRECISION = 100 };

/* What writing a double costs; those with hundreds of digits take far longer. */
static uint64_t double_steps(double number, int precision)
{
    bool is_long = fabs(number) > 1e22 || (number != 0 && fabs(number) < 1e-22);
    return 32 + 4 * (uint64_t)precision + (is_long ? 512 : 0);
}

/* What is being formatted, and where in the format the work is. */
struct formatter {
    struct evaluation *ev;
    struct str format;
    size_t at;
    struct strbuf out;
};

static int write_value(struct formatter *f, const struct cel *value);

/* Appends within the bound on what an expression makes. */
static int check_size(struct formatter *f)
{
    if (f->out.n > f->ev->budget->output_bytes) {
        return eval_fail_output(f->ev);
    }
    return eval_charge(f->ev, 1);
}

static int fail_type(struct formatter *f, const char *verb, const struct cel *value)
{
    return eval_fail(f->ev, E_INVALID, "format(): '%s' does not take a value of type %s", verb,
                     cel_type_name(value));
}

static int write_list(struct formatter *f, const struct cel *list)
{
    int status = 0;
    size_t count = collection_count(list);
    strbuf_append_char(&f->out, '[');
    for (size_t i = 0; i < count && status == 0; i++) {
        struct cel item = collection_item(list, i);
        strbuf_append_text(&f->out, i > 0 ? ", " : "");
        status = write_value(f, &item);
    }
    strbuf_append_char(&f->out, ']');
    return status;
}

/* One entry of a map as text: the entries are sorted by the text of their keys. */
struct entry_text {
    char *key;
    size_t number;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry_text *x = a;
    const struct entry_text *y = b;
    return strcmp(x->key, y->key);
}

static int write_sorted(struct formatter *f, const struct cel *map, struct entry_text *entries,
                        size_t count)
{
    int status = 0;
    qsort(entries, count, sizeof(*entries), compare_entries);
    strbuf_append_char(&f->out, '{');
    for (size_t i = 0; i < count && status == 0; i++) {
        struct cel key;
        struct cel value;
        collection_entry(map, entries[i].number, &key, &value);
        strbuf_append_text(&f->out, i > 0 ? ", " : "");
        strbuf_append_text(&f->out, entries[i].key);
        strbuf_append_text(&f->out, ": ");
        status = write_value(f, &value);
    }
    strbuf_append_char(&f->out, '}');
    return status;
}

static int write_map(struct formatter *f, const struct cel *map)
{
    size_t count = collection_count(map);
    int status = eval_charge(f->ev, count);
    struct entry_text *entries = calloc(count > 0 ? count : 1, sizeof(*entries));
    if (entries == NULL) {
        return eval_nomem(f->ev);
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        struct cel key;
        struct cel value;
        struct strbuf text = STRBUF_INIT;
        collection_entry(map, i, &key, &value);
        strbuf_append_text(&text, "");
        (void)function_write_text(&key, &text); /* keys always have a text */
        entries[i].number = i;
        entries[i].key = strbuf_take(&text);
        strbuf_finish(&text);
        status = entries[i].key != NULL ? 0 : eval_nomem(f->ev);
    }
    if (status == 0) {
        status = write_sorted(f, map, entries, count);
    }
    for (size_t i = 0; i < count; i++) {
        free(entries[i].key);
    }
    free(entries);
    return status;
}

/* %s. Lists and maps are at most as deep as documents and expressions can make them. */
static int write_value(struct formatter *f, const struct cel *value)
{
    int status = check_size(f);
    if (status != 0) {
        return status;
    }
    if (collection_is_list(value)) {
        return write_list(f, value);
    }
    if (collection_is_map(value)) {
        return write_map(f, value);
    }
    if (value->type == CEL_NULL) {
        strbuf_append_text(&f->out, "null");
        return 0;
    }
    return function_write_text(value, &f->out) == 0 ? 0 : fail_type(f, "%s", value);
}

/* Doubles that no digits can show. True: it was one. */
static bool write_special(struct formatter *f, const struct cel *value)
{
    if (value->type != CEL_DOUBLE || isfinite(value->as.number)) {
        return false;
    }
    (void)function_write_text(value, &f->out); /* doubles always have a text */
    return true;
}

static int write_decimal(struct formatter *f, const struct cel *value)
{
    if (write_special(f, value)) {
        return 0;
    }
    bool is_whole = value->type == CEL_INT || value->type == CEL_UINT ||
                    (value->type == CEL_DOUBLE && value->from_data != 0 &&
                     value->as.number == trunc(value->as.number) &&
                     fabs(value->as.number) < 0x1p63);
    if (!is_whole) {
        return fail_type(f, "%d", value);
    }
    if (value->type == CEL_DOUBLE) {
        strbuf_append_format(&f->out, "%" PRId64, (int64_t)value->as.number);
        return 0;
    }
    return function_write_text(value, &f->out);
}

static int write_double(struct formatter *f, char verb, int precision, const struct cel *value)
{
    double number = 0;
    if (write_special(f, value)) {
        return 0;
    }
    switch (value->type) {
    case CEL_DOUBLE:
        number = value->as.number;
        break;
    case CEL_INT:
        number = (double)value->as.integer;
        break;
    case CEL_UINT:
        number = (double)value->as.uinteger;
        break;
    default:
        return fail_type(f, verb == 'f' ? "%f" : "%e", value);
    }
    int status = eval_charge(f->ev, double_steps(number, precision));
    if (status != 0) {
        return status;
    }
    if (verb == 'f') {
        strbuf_append_format(&f->out, "%.*f", precision, number);
    } else {
        strbuf_append_format(&f->out, "%.*e", precision, number);
    }
    return 0;
}

/* A magnitude in base 2, 8 or 16. */
static void write_digits(struct strbuf *out, uint64_t magnitude, unsigned bits, const char *digits)
{
    char text[65];
    size_t at = sizeof(text);
    do {
        text[--at] = digits[magnitude & ((1u << bits) - 1)];
        magnitude >>= bits;
    } while (magnitude != 0);
    strbuf_append(out, text + at, sizeof(text) - at);
}

static int write_base(struct formatter *f, char verb, const struct cel *value)
{
    unsigned bits = verb == 'b' ? 1 : (verb == 'o' ? 3 : 4);
    const char *digits = verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    bool is_hex = verb == 'x' || verb == 'X';
    if (value->type == CEL_INT) {
        bool is_negative = value->as.integer < 0;
        uint64_t magnitude = (uint64_t)value->as.integer;
        strbuf_append_text(&f->out, is_negative ? "-" : "");
        write_digits(&f->out, is_negative ? 0 - magnitude : magnitude, bits, digits);
        return 0;
    }
    if (value->type == CEL_UINT || (value->type == CEL_BOOL && verb == 'b')) {
        uint64_t magnitude = value->type == CEL_UINT ? value->as.uinteger
                                                     : (value->as.boolean ? 1 : 0);
        write_digits(&f->out, magnitude, bits, digits);
        return 0;
    }
    if (is_hex && (value->type == CEL_STRING || value->type == CEL_BYTES)) {
        for (size_t i = 0; i < value->as.text.n; i++) {
            unsigned char c = (unsigned char)value->as.text.p[i];
            strbuf_append_char(&f->out, digits[c >> 4]);
            strbuf_append_char(&f->out, digits[c & 15]);
        }
        return 0;
    }
    const char name[] = {'%', verb, '\0'};
    return fail_type(f, name, value);
}

/* ".3" behind a '%'; -1 when it is too large. */
static int read_precision(struct formatter *f)
{
    if (f->at >= f->format.n || f->format.p[f->at] != '.') {
        return 6;
    }
    int precision = 0;
    for (f->at++; f->at < f->format.n && isdigit((unsigned char)f->format.p[f->at]); f->at++) {
        precision = precision * 10 + (f->format.p[f->at] - '0');
        if (precision > MAX_PRECISION) {
            return -1;
        }
    }
    return precision;
}

static int write_clause(struct formatter *f, const struct cel *args, size_t count, size_t *used)
{
    int precision = read_precision(f);
    if (precision < 0) {
        return eval_fail(f->ev, E_INVALID, "format(): the precision is over %d", MAX_PRECISION);
    }
    char verb = f->at < f->format.n ? f->format.p[f->at++] : '\0';
    if (verb == '\0' || strchr("sdfebxXo", verb) == NULL) {
        return eval_fail(f->ev, E_INVALID,
                         "format(): unknown verb '%%%c': use %%s %%d %%f %%e %%x %%X %%o %%b or "
                         "%%%%",
                         verb >= ' ' && verb <= '~' ? verb : '?');
    }
    if (*used >= count) {
        return eval_fail(f->ev, E_INVALID, "format(): there are only %zu values for the format",
                         count);
    }
    const struct cel *value = &args[(*used)++];
    switch (verb) {
    case 's':
        return write_value(f, value);
    case 'd':
        return write_decimal(f, value);
    case 'f':
    case 'e':
        return write_double(f, verb, precision, value);
    default:
        return write_base(f, verb, value);
    }
}

static int write_all(struct formatter *f, const struct cel *args, size_t count)
{
    size_t used = 0;
    int status = 0;
    while (f->at < f->format.n && status == 0) {
        const char *rest = f->format.p + f->at;
        const char *percent = memchr(rest, '%', f->format.n - f->at);
        size_t plain = percent != NULL ? (size_t)(percent - rest) : f->format.n - f->at;
        strbuf_append(&f->out, rest, plain);
        f->at += plain;
        if (percent == NULL) {
            break;
        }
        f->at++;
        if (f->at < f->format.n && f->format.p[f->at] == '%') {
            strbuf_append_char(&f->out, '%');
            f->at++;
        } else {
            status = write_clause(f, args, count, &used);
        }
        if (status == 0) {
            status = check_size(f);
        }
    }
    if (status == 0 && used < count) {
        return eval_fail(f->ev, E_INVALID, "format(): %zu values are given, the format takes %zu",
                         count, used);
    }
    return status;
}

/* format(fmt, [a, b]) and format(fmt, a, b). */
static int call_format(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    cleanup_cel_array struct cel_array values = CEL_ARRAY_INIT;
    if (args[0].type != CEL_STRING) {
        return eval_bad_call(ev, args, count);
    }
    bool is_list = count == 2 && collection_is_list(&args[1]);
    size_t given = is_list ? collection_count(&args[1]) : count - 1;
    int status = eval_charge(ev, given + args[0].as.text.n / 1024);
    for (size_t i = 0; i < given && status == 0; i++) {
        struct cel value = is_list ? collection_item(&args[1], i) : args[i + 1];
        status = cel_array_add(&values, &value) == 0 ? 0 : eval_nomem(ev);
    }
    struct formatter f = {.ev = ev, .format = args[0].as.text, .out = STRBUF_INIT};
    if (status == 0) {
        status = write_all(&f, values.items, values.count);
    }
    if (status == 0 && strbuf_status(&f.out) != 0) {
        status = eval_nomem(ev);
    }
    if (status == 0) {
        status = eval_make_text(ev, CEL_STRING, strbuf_str(&f.out), out);
    }
    strbuf_finish(&f.out);
    return status;
}

/* fmt.format([a, b]) */
static int call_format_list(struct evaluation *ev, const struct cel *args, size_t count,
                            struct cel *out)
{
    return collection_is_list(&args[1]) ? call_format(ev, args, count, out)
                                        : eval_bad_call(ev, args, count);
}

static const struct function functions[] = {
    {"format", FUNCTION_RECEIVER, 2, 2, CEL_STRING, call_format_list, {KIND_STRING, KIND_LIST}},
    {"format", FUNCTION_GLOBAL, 2, FUNCTION_MANY, CEL_STRING, call_format, {KIND_STRING}},
};

const struct function_table function_formats = {functions,
                                                sizeof(functions) / sizeof(functions[0])};
