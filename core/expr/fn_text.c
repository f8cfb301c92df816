/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/function.h"

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/base/utf8.h"
#include "core/expr/collection.h"
#include "core/expr/eval.h"
#include "core/expr/kind.h"
#include "core/value/regex.h"

/* Whether the arguments have the types, one letter each: s string, i int, l list. */
static bool has_types(const struct cel *args, size_t count, const char *types)
{
    for (size_t i = 0; i < count; i++) {
        bool is_right = (types[i] == 's' && args[i].type == CEL_STRING) ||
                        (types[i] == 'i' && args[i].type == CEL_INT) ||
                        (types[i] == 'l' && collection_is_list(&args[i]));
        if (!is_right) {
            return false;
        }
    }
    return true;
}

/* Checks the types and takes the cost of reading the first argument. */
static int begin(struct evaluation *ev, const struct cel *args, size_t count, const char *types)
{
    if (!has_types(args, count, types)) {
        return eval_bad_call(ev, args, count);
    }
    return types[0] == 's' ? eval_charge_text(ev, args[0].as.text.n, EVAL_SCAN) : 0;
}

/* The byte offset of character `i`, or -1 when the text has fewer (i == count is the end). */
static int64_t offset_of_character(struct str text, int64_t i)
{
    size_t at = 0;
    for (int64_t k = 0; k < i; k++) {
        if (at >= text.n) {
            return -1;
        }
        uint32_t code = 0;
        size_t length = utf8_decode(text.p + at, text.n - at, &code);
        at += length > 0 ? length : 1;
    }
    return i < 0 ? -1 : (int64_t)at;
}

static int fail_index(struct evaluation *ev, int64_t i)
{
    return eval_fail(ev, E_INVALID, "index %lld is out of the range of the text", (long long)i);
}

static int finish_text(struct evaluation *ev, struct strbuf *text, struct cel *out)
{
    int status = strbuf_status(text) != 0 ? eval_nomem(ev)
                                          : eval_make_text(ev, CEL_STRING, strbuf_str(text), out);
    strbuf_finish(text);
    return status;
}

static int make_slice(struct str text, struct cel *out)
{
    *out = (struct cel){.type = CEL_STRING, .as.text = text};
    return 0;
}

/* The first place of `part` at or behind byte `from`, or NULL. */
static const char *find(struct str text, size_t from, struct str part)
{
    if (part.n == 0) {
        return text.p + from;
    }
    return text.n > from ? memmem(text.p + from, text.n - from, part.p, part.n) : NULL;
}

static int call_contains(struct evaluation *ev, const struct cel *args, size_t count,
                         struct cel *out)
{
    int status = begin(ev, args, count, "ss");
    return status != 0 ? status
                       : eval_make_bool(args[1].as.text.n == 0 ||
                                            find(args[0].as.text, 0, args[1].as.text) != NULL,
                                        out);
}

/* One end of a text is compared, however long it is. */
static int begin_end(struct evaluation *ev, const struct cel *args, size_t count)
{
    return has_types(args, count, "ss") ? eval_charge_text(ev, args[1].as.text.n, EVAL_COPY)
                                        : eval_bad_call(ev, args, count);
}

static int call_starts_with(struct evaluation *ev, const struct cel *args, size_t count,
                            struct cel *out)
{
    int status = begin_end(ev, args, count);
    return status != 0 ? status
                       : eval_make_bool(str_starts_with(args[0].as.text, args[1].as.text), out);
}

static int call_ends_with(struct evaluation *ev, const struct cel *args, size_t count,
                          struct cel *out)
{
    int status = begin_end(ev, args, count);
    return status != 0 ? status
                       : eval_make_bool(str_ends_with(args[0].as.text, args[1].as.text), out);
}

/* The pattern is known only now: compiling it costs far more than most searches. */
enum {
    PATTERN_STEPS = 1000,
    PATTERN_INSTRUCTION_STEPS = 24,
    PATTERN_MAX_MEMORY_BYTES = 256 * 1024
};

static int call_matches(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    int status = has_types(args, count, "ss") ? eval_charge(ev, PATTERN_STEPS)
                                              : eval_bad_call(ev, args, count);
    if (status != 0) {
        return status;
    }
    struct regex *regex = NULL;
    bool is_match = false;
    status = regex_compile_within(args[1].as.text, PATTERN_MAX_MEMORY_BYTES, &regex, ev->err);
    if (status == 0) {
        status = eval_charge(ev, regex_size(regex) * PATTERN_INSTRUCTION_STEPS);
        if (status == 0) {
            status = eval_charge_search(ev, regex, args[0].as.text);
        }
        if (status != 0) {
            regex_destroy(regex);
            return status;
        }
        status = regex_search(regex, args[0].as.text, &is_match, ev->err);
    }
    regex_destroy(regex);
    return status != 0 ? eval_take_error(ev, status) : eval_make_bool(is_match, out);
}

static int map_ascii(struct evaluation *ev, const struct cel *arg, char first, int shift,
                     struct cel *out)
{
    struct str text = arg->as.text;
    char *copy = eval_alloc(ev, text.n);
    if (copy == NULL) {
        return eval_status(ev);
    }
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        copy[i] = c >= first && c < first + 26 ? (char)(c + shift) : c;
    }
    return make_slice(str_make(copy, text.n), out);
}

static int call_lower(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    int status = begin(ev, args, count, "s");
    return status != 0 ? status : map_ascii(ev, args, 'A', 'a' - 'A', out);
}

static int call_upper(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    int status = begin(ev, args, count, "s");
    return status != 0 ? status : map_ascii(ev, args, 'a', 'A' - 'a', out);
}

static bool is_white(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == 0x20 || code == 0x85 || code == 0xA0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
           code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

static int call_trim(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    int status = begin(ev, args, count, "s");
    if (status != 0) {
        return status;
    }
    struct str text = args->as.text;
    size_t start = 0;
    size_t end = 0;
    bool is_started = false;
    for (size_t at = 0; at < text.n;) {
        uint32_t code = 0;
        size_t length = utf8_decode(text.p + at, text.n - at, &code);
        length = length > 0 ? length : 1;
        if (!is_white(code)) {
            start = is_started ? start : at;
            is_started = true;
            end = at + length;
        }
        at += length;
    }
    return make_slice(str_make(text.p + start, end - start), out);
}

static int add_slice(struct evaluation *ev, struct cel_array *parts, struct str text)
{
    struct cel slice;
    (void)make_slice(text, &slice); /* cannot fail */
    int status = eval_charge(ev, 1);
    if (status != 0) {
        return status;
    }
    return cel_array_add(parts, &slice) == 0 ? 0 : eval_nomem(ev);
}

/* The length of what stands before the next separator; -1 when there is none. */
static int64_t next_part(struct str text, struct str separator)
{
    if (separator.n > 0) {
        const char *found = find(text, 0, separator);
        return found != NULL ? found - text.p : -1;
    }
    int64_t one = offset_of_character(text, 1);
    return one < 0 || (size_t)one >= text.n ? -1 : one;
}

static int call_split(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    int status = begin(ev, args, count, "ssi");
    int64_t limit = status == 0 && count == 3 ? args[2].as.integer : -1;
    cleanup_cel_array struct cel_array parts = CEL_ARRAY_INIT;
    if (status != 0) {
        return status;
    }
    struct str text = args[0].as.text;
    struct str separator = args[1].as.text;
    bool is_empty = limit == 0 || (text.n == 0 && separator.n == 0);
    while (status == 0 && !is_empty && limit != 1) {
        int64_t length = next_part(text, separator);
        if (length < 0) {
            break;
        }
        status = add_slice(ev, &parts, str_make(text.p, (size_t)length));
        size_t used = (size_t)length + separator.n;
        text = str_make(text.p + used, text.n - used);
        limit -= limit > 0 ? 1 : 0;
    }
    if (status == 0 && !is_empty) {
        status = add_slice(ev, &parts, text);
    }
    return status != 0 ? status : eval_make_list(ev, parts.items, parts.count, out);
}

static int call_join(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    int status = begin(ev, args, count, "ls");
    struct strbuf text = STRBUF_INIT;
    size_t items = status == 0 ? collection_count(&args[0]) : 0;
    for (size_t i = 0; i < items && status == 0; i++) {
        struct cel item = collection_item(&args[0], i);
        status = eval_charge(ev, 1);
        if (status == 0 && item.type != CEL_STRING) {
            status = eval_fail(ev, E_INVALID,
                               "join() takes a list of strings, but item %zu is of type %s", i,
                               cel_type_name(&item));
        }
        if (status == 0 && text.n + item.as.text.n > ev->budget->output_bytes) {
            status = eval_fail_output(ev);
        }
        if (status == 0) {
            strbuf_append_str(&text, i > 0 && count == 2 ? args[1].as.text : STR(""));
            strbuf_append_str(&text, item.as.text);
        }
    }
    if (status != 0) {
        strbuf_finish(&text);
        return status;
    }
    return finish_text(ev, &text, out);
}

static int call_replace(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    int status = begin(ev, args, count, "sssi");
    if (status != 0) {
        return status;
    }
    int64_t limit = count == 4 ? args[3].as.integer : -1;
    struct str text = args[0].as.text;
    struct str old = args[1].as.text;
    struct strbuf result = STRBUF_INIT;
    size_t at = 0;
    for (; limit != 0 && at <= text.n && status == 0; limit -= limit > 0 ? 1 : 0) {
        const char *found = find(text, at, old);
        if (found == NULL) {
            break;
        }
        size_t place = (size_t)(found - text.p);
        strbuf_append(&result, text.p + at, place - at);
        strbuf_append_str(&result, args[2].as.text);
        at = place + old.n;
        if (old.n == 0) {
            /* Nothing to find is found between all characters. */
            int64_t one = offset_of_character(str_make(text.p + at, text.n - at), 1);
            size_t step = one < 0 ? text.n - at + 1 : (size_t)one;
            strbuf_append(&result, text.p + at, step > text.n - at ? text.n - at : step);
            at += step;
        }
        status = eval_charge(ev, 1);
        if (status == 0 && result.n > ev->budget->output_bytes) {
            status = eval_fail_output(ev);
        }
    }
    if (status != 0) {
        strbuf_finish(&result);
        return status;
    }
    if (at < text.n) {
        strbuf_append(&result, text.p + at, text.n - at);
    }
    return finish_text(ev, &result, out);
}

static int call_substring(struct evaluation *ev, const struct cel *args, size_t count,
                          struct cel *out)
{
    int status = begin(ev, args, count, "sii");
    if (status != 0) {
        return status;
    }
    struct str text = args[0].as.text;
    int64_t start = offset_of_character(text, args[1].as.integer);
    int64_t end = count == 3 ? offset_of_character(text, args[2].as.integer) : (int64_t)text.n;
    if (start < 0) {
        return fail_index(ev, args[1].as.integer);
    }
    if (end < 0) {
        return fail_index(ev, args[2].as.integer);
    }
    if (end < start) {
        return eval_fail(ev, E_INVALID, "substring() ends before it starts");
    }
    return make_slice(str_make(text.p + start, (size_t)(end - start)), out);
}

static int call_char_at(struct evaluation *ev, const struct cel *args, size_t count,
                        struct cel *out)
{
    int status = begin(ev, args, count, "si");
    if (status != 0) {
        return status;
    }
    struct str text = args[0].as.text;
    int64_t start = offset_of_character(text, args[1].as.integer);
    if (start < 0) {
        return fail_index(ev, args[1].as.integer);
    }
    struct str rest = {text.p + start, text.n - (size_t)start};
    int64_t length = rest.n > 0 ? offset_of_character(rest, 1) : 0;
    return make_slice(str_make(rest.p, (size_t)length), out);
}

static int call_index_of(struct evaluation *ev, const struct cel *args, size_t count,
                         struct cel *out)
{
    int status = begin(ev, args, count, "ssi");
    if (status != 0) {
        return status;
    }
    struct str text = args[0].as.text;
    int64_t from = count == 3 ? offset_of_character(text, args[2].as.integer) : 0;
    if (from < 0) {
        return fail_index(ev, args[2].as.integer);
    }
    const char *found = find(text, (size_t)from, args[1].as.text);
    if (found == NULL) {
        return eval_make_int(-1, out);
    }
    return eval_make_int((int64_t)utf8_count(text.p, (size_t)(found - text.p)), out);
}

static int call_last_index_of(struct evaluation *ev, const struct cel *args, size_t count,
                              struct cel *out)
{
    int status = begin(ev, args, count, "ssi");
    if (status != 0) {
        return status;
    }
    struct str text = args[0].as.text;
    struct str part = args[1].as.text;
    int64_t last = count == 3 ? offset_of_character(text, args[2].as.integer) : (int64_t)text.n;
    if (last < 0) {
        return fail_index(ev, args[2].as.integer);
    }
    if (part.n > text.n) {
        return eval_make_int(-1, out);
    }
    /* Comparing from the end is quadratic in the worst case, and is paid for. */
    status = eval_charge(ev, (uint64_t)text.n * part.n / 256);
    if (status != 0) {
        return status;
    }
    int64_t most = (int64_t)(text.n - part.n);
    for (int64_t at = last < most ? last : most; at >= 0; at--) {
        if (part.n == 0 || memcmp(text.p + at, part.p, part.n) == 0) {
            return eval_make_int((int64_t)utf8_count(text.p, (size_t)at), out);
        }
    }
    return eval_make_int(-1, out);
}

static void append_quoted(struct strbuf *out, struct str text)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"";
    static const char to[] = "abfnrtv\\\"";
    strbuf_append_char(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        const char *found = text.p[i] != '\0' ? strchr(from, text.p[i]) : NULL;
        if (found != NULL) {
            strbuf_append_char(out, '\\');
            strbuf_append_char(out, to[found - from]);
        } else {
            strbuf_append_char(out, text.p[i]);
        }
    }
    strbuf_append_char(out, '"');
}

static int call_quote(struct evaluation *ev, const struct cel *args, size_t count, struct cel *out)
{
    int status = begin(ev, args, count, "s");
    if (status == 0) {
        status = eval_charge_text(ev, args->as.text.n, EVAL_SCAN); /* twice: to read, to write */
    }
    if (status != 0) {
        return status;
    }
    struct strbuf text = STRBUF_INIT;
    append_quoted(&text, args->as.text);
    return finish_text(ev, &text, out);
}

static const struct function functions[] = {
    {"contains", FUNCTION_RECEIVER, 2, 2, CEL_BOOL, call_contains, {KIND_STRING, KIND_STRING}},
    {"startsWith", FUNCTION_RECEIVER, 2, 2, CEL_BOOL, call_starts_with, {KIND_STRING, KIND_STRING}},
    {"endsWith", FUNCTION_RECEIVER, 2, 2, CEL_BOOL, call_ends_with, {KIND_STRING, KIND_STRING}},
    {"matches",
     FUNCTION_RECEIVER | FUNCTION_GLOBAL,
     2,
     2,
     CEL_BOOL,
     call_matches,
     {KIND_STRING, KIND_STRING}},
    {"lowerAscii", FUNCTION_RECEIVER, 1, 1, CEL_STRING, call_lower, {KIND_STRING}},
    {"upperAscii", FUNCTION_RECEIVER, 1, 1, CEL_STRING, call_upper, {KIND_STRING}},
    {"trim", FUNCTION_RECEIVER, 1, 1, CEL_STRING, call_trim, {KIND_STRING}},
    {"split", FUNCTION_RECEIVER, 2, 3, CEL_LIST, call_split, {KIND_STRING, KIND_STRING, KIND_INT}},
    {"join", FUNCTION_RECEIVER, 1, 2, CEL_STRING, call_join, {KIND_LIST, KIND_STRING}},
    {"replace",
     FUNCTION_RECEIVER,
     3,
     4,
     CEL_STRING,
     call_replace,
     {KIND_STRING, KIND_STRING, KIND_STRING, KIND_INT}},
    {"substring",
     FUNCTION_RECEIVER,
     2,
     3,
     CEL_STRING,
     call_substring,
     {KIND_STRING, KIND_INT, KIND_INT}},
    {"charAt", FUNCTION_RECEIVER, 2, 2, CEL_STRING, call_char_at, {KIND_STRING, KIND_INT}},
    {"indexOf",
     FUNCTION_RECEIVER,
     2,
     3,
     CEL_INT,
     call_index_of,
     {KIND_STRING, KIND_STRING, KIND_INT}},
    {"lastIndexOf",
     FUNCTION_RECEIVER,
     2,
     3,
     CEL_INT,
     call_last_index_of,
     {KIND_STRING, KIND_STRING, KIND_INT}},
    {"strings.quote", FUNCTION_GLOBAL, 1, 1, CEL_STRING, call_quote, {KIND_STRING}},
};

const struct function_table function_texts = {functions, sizeof(functions) / sizeof(functions[0])};
