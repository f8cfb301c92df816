/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/eval.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/base/arena.h"
#include "core/base/utf8.h"
#include "core/expr/access.h"
#include "core/expr/arith.h"
#include "core/expr/collection.h"
#include "core/expr/compare.h"
#include "core/expr/comprehension.h"
#include "core/expr/function.h"
#include "core/expr/kind.h"
#include "core/expr/program.h"
#include "core/value/regex.h"
#include "core/value/value.h"

enum { SHOWN_SOURCE_BYTES = 80 };

/*
 * What seldom runs or needs a large frame stays out of eval_code(), whose own frame is entered for
 * every instruction.
 */
#define OUT_OF_LINE __attribute__((noinline))

int eval_nomem(struct evaluation *ev)
{
    ev->fault = (struct eval_fault){E_NOMEM, NULL};
    return E_NOMEM;
}

int eval_fail(struct evaluation *ev, int code, const char *format, ...)
{
    ev->fault = (struct eval_fault){code, NULL};
    if (ev->quiet > 0 && code != E_LIMIT) {
        return code;
    }
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0) {
        return eval_nomem(ev);
    }
    size_t length = (size_t)n < sizeof(text) ? (size_t)n
                                             : utf8_whole_prefix(text, sizeof(text) - 1);
    ev->fault.text = arena_dup(ev->arena, str_make(text, length));
    return ev->fault.text != NULL ? code : eval_nomem(ev);
}

int eval_take_error(struct evaluation *ev, int code)
{
    if (code == E_NOMEM) {
        return eval_nomem(ev);
    }
    return eval_fail(ev, code, "%s",
                     ev->err != NULL && ev->err->code != 0 ? ev->err->message
                                                           : error_code_text(code));
}

struct str eval_source(const struct evaluation *ev, const struct code *code)
{
    struct str source = {ev->expr->text.p + code->offset, code->length};
    const char *line_end = source.n > 0 ? memchr(source.p, '\n', source.n) : NULL;
    if (line_end != NULL) {
        source.n = (size_t)(line_end - source.p);
    }
    if (source.n > SHOWN_SOURCE_BYTES) {
        source.n = utf8_whole_prefix(source.p, SHOWN_SOURCE_BYTES);
    }
    return source;
}

int eval_no_overload(struct evaluation *ev, const struct code *code, const char *what,
                     const struct cel *args, size_t count)
{
    if (ev->quiet > 0) {
        return eval_fail(ev, E_INVALID, " ");
    }
    char types[256];
    size_t at = 0;
    types[0] = '\0';
    for (size_t i = 0; i < count && at < sizeof(types) - 1; i++) {
        int n = snprintf(types + at, sizeof(types) - at, "%s%s", i > 0 ? ", " : "",
                         cel_type_name(&args[i]));
        at += n > 0 ? (size_t)n : 0;
    }
    struct str source = eval_source(ev, code);
    return eval_fail(
        ev, E_INVALID, "'%s' does not take (%s) in '%.*s'%s", what, types, STR_ARG(source),
        count == 2 ? kind_operator_hint(what, 1u << args[0].type, 1u << args[1].type) : "");
}

int eval_not_bool(struct evaluation *ev, const struct code *code, const struct cel *value)
{
    struct str source = eval_source(ev, code);
    return eval_fail(ev, E_INVALID, "'%.*s' is of type %s, but a condition must be bool",
                     STR_ARG(source), cel_type_name(value));
}

int eval_bad_call(struct evaluation *ev, const struct cel *args, size_t count)
{
    return eval_no_overload(ev, ev->call, ev->call->as.function->name, args, count);
}

static int fail_out_of_steps(struct evaluation *ev)
{
    ev->budget->steps = 0;
    return eval_fail(ev, E_LIMIT,
                     "the expression takes more than %" PRIu64 " steps (limit 'expression steps'): "
                     "walk over less, or split the work between nodes",
                     ev->max_steps);
}

int eval_charge(struct evaluation *ev, uint64_t steps)
{
    if (ev->budget->steps < steps) {
        return fail_out_of_steps(ev);
    }
    ev->budget->steps -= steps;
    return 0;
}

int eval_charge_text(struct evaluation *ev, size_t bytes, enum eval_reading reading)
{
    return eval_charge(ev, bytes / (size_t)reading);
}

int eval_charge_value(struct evaluation *ev, const struct cel *cel)
{
    bool is_text = cel->type == CEL_STRING || cel->type == CEL_BYTES;
    return is_text ? eval_charge_text(ev, cel->as.text.n, EVAL_COPY) : 0;
}

int eval_charge_search(struct evaluation *ev, const struct regex *regex, struct str text)
{
    return eval_charge(ev, 1 + text.n * (16 + regex_size(regex)) / 256);
}

int eval_fail_output(struct evaluation *ev)
{
    return eval_fail(ev, E_LIMIT,
                     "the expression makes more than %zu bytes (limit 'expression output'): make "
                     "smaller lists and texts, or split the work between nodes",
                     ev->max_weight);
}

static int charge_output(struct evaluation *ev, size_t size)
{
    if (ev->budget->output_bytes < size) {
        return eval_fail_output(ev);
    }
    ev->budget->output_bytes -= size;
    return 0;
}

void *eval_alloc(struct evaluation *ev, size_t size)
{
    if (charge_output(ev, size) != 0) {
        return NULL;
    }
    void *p = arena_alloc(ev->arena, size > 0 ? size : 1);
    if (p == NULL) {
        (void)eval_nomem(ev); /* the caller asks eval_status() */
    }
    return p;
}

int eval_make_text(struct evaluation *ev, enum cel_type type, struct str bytes, struct cel *out)
{
    char *copy = eval_alloc(ev, bytes.n);
    if (copy == NULL) {
        return eval_status(ev);
    }
    if (bytes.n > 0) {
        memcpy(copy, bytes.p, bytes.n);
    }
    *out = (struct cel){.type = (uint8_t)type, .as.text = str_make(copy, bytes.n)};
    return 0;
}

static int collection_status(struct evaluation *ev, int status)
{
    switch (status) {
    case E_LIMIT:
        return eval_fail_output(ev);
    case E_VERSION:
        return eval_fail(ev, E_LIMIT,
                         "the expression makes lists and maps more than %d levels deep (limit "
                         "'expression depth'): make them flatter",
                         (int)COLLECTION_MAX_DEPTH);
    case E_NOMEM:
        return eval_nomem(ev);
    default:
        return status;
    }
}

int eval_make_list(struct evaluation *ev, const struct cel *items, size_t count, struct cel *out)
{
    int status = charge_output(ev, count * sizeof(*items));
    if (status != 0) {
        return status;
    }
    return collection_status(ev,
                             collection_make_list(ev->arena, items, count, ev->max_weight, out));
}

static int fail_doubled_key(struct evaluation *ev, const struct cel *key)
{
    struct strbuf text = STRBUF_INIT;
    (void)function_write_text(key, &text); /* keys always have a text */
    struct str shown = strbuf_str(&text);
    size_t n = shown.n > SHOWN_SOURCE_BYTES ? utf8_whole_prefix(shown.p, SHOWN_SOURCE_BYTES)
                                            : shown.n;
    int status =
        eval_fail(ev, E_INVALID, "the key '%.*s' is there twice in a map", (int)n, shown.p);
    strbuf_finish(&text);
    return status;
}

int eval_make_map(struct evaluation *ev, const struct cel *pairs, size_t count, struct cel *out)
{
    int status = charge_output(ev, count * sizeof(struct cel_entry));
    for (size_t i = 0; i < count && status == 0; i++) {
        uint8_t type = pairs[2 * i].type;
        if (type != CEL_STRING && type != CEL_INT && type != CEL_UINT && type != CEL_BOOL) {
            return eval_fail(ev, E_INVALID, "a key of a map cannot be of type %s",
                             cel_type_name(&pairs[2 * i]));
        }
        status = type == CEL_STRING ? eval_charge_text(ev, pairs[2 * i].as.text.n, EVAL_HASH) : 0;
    }
    if (status != 0) {
        return status;
    }
    struct cel doubled;
    status = collection_make_map(ev->arena, pairs, count, ev->max_weight, &doubled);
    if (status == E_EXISTS) {
        return fail_doubled_key(ev, &doubled);
    }
    if (status == 0) {
        *out = doubled;
    }
    return collection_status(ev, status);
}

int eval_make_some(struct evaluation *ev, const struct cel *value, struct cel *out)
{
    struct cel *copy = eval_alloc(ev, sizeof(*copy));
    if (copy == NULL) {
        return eval_status(ev);
    }
    *copy = *value;
    *out = (struct cel){.type = CEL_OPTIONAL, .as.optional = copy};
    return 0;
}

int eval_equal(struct evaluation *ev, const struct cel *a, const struct cel *b, bool *out)
{
    *out = compare_equal(a, b, &ev->budget->steps);
    return ev->budget->steps > 0 ? 0 : fail_out_of_steps(ev);
}

static int evaluate_slot(struct evaluation *ev, const struct code *code, struct cel *out)
{
    int status = ev->scope->fetch(ev->scope->user, code->as.slot, out, ev->err);
    return status == 0 ? 0 : eval_take_error(ev, status);
}

static int evaluate_child(struct evaluation *ev, const struct code *code, size_t i, struct cel *out)
{
    return eval_code(ev, program_child(ev->expr, code, i), out);
}

/* && and ||: the operand that decides, decides, also behind failures; else the first failure. */
static int evaluate_logic(struct evaluation *ev, const struct code *code, struct cel *out)
{
    bool decisive = code->op == OP_OR;
    int failed = 0;
    struct eval_fault first = {0};
    int status = 0;
    bool is_decided = false;
    for (size_t i = 0; i < code->count && !is_decided; i++) {
        struct cel operand;
        status = evaluate_child(ev, code, i, &operand);
        if (status == 0 && operand.type == CEL_BOOL) {
            is_decided = operand.as.boolean == decisive;
            continue;
        }
        if (status == 0) {
            status = eval_not_bool(ev, program_child(ev->expr, code, i), &operand);
        }
        if (!eval_is_absorbable(status)) {
            break;
        }
        if (failed == 0) {
            failed = status;
            first = ev->fault;
            ev->quiet++; /* only the first failure's text can be asked for */
        }
        status = 0;
    }
    if (failed != 0) {
        ev->quiet--;
    }
    if (status != 0) {
        return status;
    }
    if (!is_decided && failed != 0) {
        ev->fault = first;
        return failed;
    }
    return eval_make_bool(is_decided ? decisive : !decisive, out);
}

static OUT_OF_LINE int evaluate_conditional(struct evaluation *ev, const struct code *code,
                                            struct cel *out)
{
    struct cel condition;
    int status = evaluate_child(ev, code, 0, &condition);
    if (status != 0) {
        return status;
    }
    if (condition.type != CEL_BOOL) {
        return eval_not_bool(ev, program_child(ev->expr, code, 0), &condition);
    }
    return evaluate_child(ev, code, condition.as.boolean ? 1 : 2, out);
}

static int evaluate_unary(struct evaluation *ev, const struct code *code, struct cel *out)
{
    struct cel operand;
    int status = evaluate_child(ev, code, 0, &operand);
    if (status != 0) {
        return status;
    }
    if (code->op == OP_NEGATE) {
        return arith_negate(ev, code, &operand, out);
    }
    if (operand.type != CEL_BOOL) {
        return eval_not_bool(ev, program_child(ev->expr, code, 0), &operand);
    }
    return eval_make_bool(!operand.as.boolean, out);
}

static int evaluate_order(struct evaluation *ev, const struct code *code, const struct cel *a,
                          const struct cel *b, struct cel *out)
{
    static const char *const symbols[] = {"<", "<=", ">", ">="};
    int status = eval_charge_value(ev, a);
    if (status != 0) {
        return status;
    }
    enum compare_order order = compare_order(a, b);
    switch (order) {
    case COMPARE_MISMATCH: {
        const struct cel args[] = {*a, *b};
        return eval_no_overload(ev, code, symbols[code->op - OP_LESS], args, 2);
    }
    case COMPARE_UNORDERED:
        return eval_make_bool(false, out);
    default:
        break;
    }
    switch (code->op) {
    case OP_LESS:
        return eval_make_bool(order == COMPARE_LESS, out);
    case OP_LESS_EQUAL:
        return eval_make_bool(order != COMPARE_GREATER, out);
    case OP_GREATER:
        return eval_make_bool(order == COMPARE_GREATER, out);
    default:
        return eval_make_bool(order != COMPARE_LESS, out);
    }
}

/* The comparisons that conditions are made of; false when it is none of them. */
static inline bool compare_simple(const struct code *code, const struct cel *a, const struct cel *b,
                                  struct cel *out)
{
    int order = 0;
    if (a->type != b->type) {
        return false;
    }
    if (a->type == CEL_INT) {
        order = (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    } else if (a->type == CEL_STRING && (code->op == OP_EQUAL || code->op == OP_NOT_EQUAL) &&
               a->as.text.n < 1024) {
        order = str_equal(a->as.text, b->as.text) ? 0 : 1;
    } else {
        return false;
    }
    bool result = false;
    switch (code->op) {
    case OP_EQUAL:
        result = order == 0;
        break;
    case OP_NOT_EQUAL:
        result = order != 0;
        break;
    case OP_LESS:
        result = order < 0;
        break;
    case OP_LESS_EQUAL:
        result = order <= 0;
        break;
    case OP_GREATER:
        result = order > 0;
        break;
    case OP_GREATER_EQUAL:
        result = order >= 0;
        break;
    default:
        return false;
    }
    *out = (struct cel){.type = CEL_BOOL, .as.boolean = result};
    return true;
}

/* Child `i`: `*out` is `space`, or the constant itself, which need not be copied. */
static inline int evaluate_operand(struct evaluation *ev, const struct code *code, size_t i,
                                   struct cel *space, const struct cel **out)
{
    const struct code *child = program_child(ev->expr, code, i);
    if (child->op == OP_CONSTANT && ev->budget->steps > 0) {
        ev->budget->steps--;
        *out = &child->as.constant;
        return 0;
    }
    *out = space;
    return eval_code(ev, child, space);
}

static int evaluate_binary(struct evaluation *ev, const struct code *code, struct cel *out)
{
    struct cel left;
    struct cel right;
    const struct cel *a = NULL;
    const struct cel *b = NULL;
    int status = evaluate_operand(ev, code, 0, &left, &a);
    if (status == 0) {
        status = evaluate_operand(ev, code, 1, &right, &b);
    }
    if (status != 0) {
        return status;
    }
    if (compare_simple(code, a, b, out)) {
        return 0;
    }
    bool is_equal = false;
    switch (code->op) {
    case OP_EQUAL:
    case OP_NOT_EQUAL:
        status = eval_equal(ev, a, b, &is_equal);
        return status != 0 ? status : eval_make_bool(is_equal == (code->op == OP_EQUAL), out);
    case OP_IN:
        return access_in(ev, code, a, b, out);
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_GREATER:
    case OP_GREATER_EQUAL:
        return evaluate_order(ev, code, a, b, out);
    default:
        return arith_binary(ev, code, a, b, out);
    }
}

/* A field that is there, of what conditions mostly look at; false when it is something else. */
static inline bool select_simple(struct evaluation *ev, const struct code *code,
                                 const struct cel *operand, struct cel *out)
{
    if (operand->type == CEL_JSON) {
        const struct value *found = value_get(operand->as.json.value, code->as.name);
        if (found != NULL) {
            cel_set_value(out, operand->as.json.document, found);
        }
        return found != NULL;
    }
    return operand->type == CEL_OBJECT &&
           operand->as.object.class_->get(operand->as.object.object, operand->index, code->as.name,
                                          out, ev->err) == 0;
}

static int evaluate_access(struct evaluation *ev, const struct code *code, struct cel *out)
{
    struct cel operand;
    struct cel key;
    int status = evaluate_child(ev, code, 0, &operand);
    if (status != 0) {
        return status;
    }
    if (code->op == OP_SELECT && select_simple(ev, code, &operand, out)) {
        return 0;
    }
    switch (code->op) {
    case OP_SELECT:
        return access_select(ev, code, &operand, out);
    case OP_SELECT_OPT:
        return access_select_optional(ev, code, &operand, out);
    case OP_HAS:
        return access_has(ev, code, &operand, out);
    default:
        break;
    }
    status = evaluate_child(ev, code, 1, &key);
    if (status != 0) {
        return status;
    }
    return code->op == OP_INDEX ? access_index(ev, code, &operand, &key, out)
                                : access_index_optional(ev, code, &operand, &key, out);
}

/* An item or key: `*out_is_there` is false for an optional one without a value. */
static int evaluate_entry(struct evaluation *ev, const struct code *code, struct cel *out,
                          bool *out_is_there)
{
    *out_is_there = true;
    if (code->op != OP_OPTIONAL) {
        return eval_code(ev, code, out);
    }
    struct cel optional;
    int status = evaluate_child(ev, code, 0, &optional);
    if (status != 0) {
        return status;
    }
    if (optional.type != CEL_OPTIONAL) {
        return eval_no_overload(ev, code, "?", &optional, 1);
    }
    *out_is_there = optional.as.optional != NULL;
    if (*out_is_there) {
        *out = *optional.as.optional;
    }
    return 0;
}

static OUT_OF_LINE int evaluate_list(struct evaluation *ev, const struct code *code,
                                     struct cel *out)
{
    cleanup_cel_array struct cel_array items = CEL_ARRAY_INIT;
    for (size_t i = 0; i < code->count; i++) {
        struct cel item;
        bool is_there = false;
        int status = evaluate_entry(ev, program_child(ev->expr, code, i), &item, &is_there);
        if (status == 0 && is_there && cel_array_add(&items, &item) != 0) {
            status = eval_nomem(ev);
        }
        if (status != 0) {
            return status;
        }
    }
    return eval_make_list(ev, items.items, items.count, out);
}

/* {?k: v}: the key is a plain value, the value an optional one. */
static int evaluate_map_entry(struct evaluation *ev, const struct code *key_code,
                              const struct code *value_code, struct cel pair[2], bool *out_is_there)
{
    bool is_optional = key_code->op == OP_OPTIONAL;
    *out_is_there = true;
    int status = is_optional ? evaluate_child(ev, key_code, 0, &pair[0])
                             : eval_code(ev, key_code, &pair[0]);
    if (status == 0) {
        status = eval_code(ev, value_code, &pair[1]);
    }
    if (status != 0 || !is_optional) {
        return status;
    }
    if (pair[1].type != CEL_OPTIONAL) {
        return eval_no_overload(ev, key_code, "?", &pair[1], 1);
    }
    *out_is_there = pair[1].as.optional != NULL;
    if (*out_is_there) {
        pair[1] = *pair[1].as.optional;
    }
    return 0;
}

static OUT_OF_LINE int evaluate_map(struct evaluation *ev, const struct code *code, struct cel *out)
{
    cleanup_cel_array struct cel_array pairs = CEL_ARRAY_INIT;
    for (size_t i = 0; i < code->count; i += 2) {
        struct cel pair[2];
        bool is_there = false;
        int status = evaluate_map_entry(ev, program_child(ev->expr, code, i),
                                        program_child(ev->expr, code, i + 1), pair, &is_there);
        if (status == 0 && is_there &&
            (cel_array_add(&pairs, &pair[0]) != 0 || cel_array_add(&pairs, &pair[1]) != 0)) {
            status = eval_nomem(ev);
        }
        if (status != 0) {
            return status;
        }
    }
    return eval_make_map(ev, pairs.items, pairs.count / 2, out);
}

/* Few arguments stay on the stack; functions with more take theirs from the heap. */
static OUT_OF_LINE int evaluate_call(struct evaluation *ev, const struct code *code,
                                     struct cel *out)
{
    struct cel few[3];
    cleanup_cel_array struct cel_array many = CEL_ARRAY_INIT;
    struct cel *args = few;
    for (size_t i = 0; i < code->count; i++) {
        struct cel arg;
        int status = evaluate_child(ev, code, i, &arg);
        if (status != 0) {
            return status;
        }
        if (code->count <= sizeof(few) / sizeof(few[0])) {
            few[i] = arg;
        } else if (cel_array_add(&many, &arg) != 0) {
            return eval_nomem(ev);
        }
    }
    if (many.items != NULL) {
        args = many.items;
    }
    ev->call = code;
    int status = code->as.function->call(ev, args, code->count, out);
    /* What is calculated from data is data: size(input.list) * 0.5. */
    for (size_t i = 0; i < code->count && status == 0; i++) {
        out->from_data |= args[i].from_data;
    }
    return status;
}

static OUT_OF_LINE int evaluate_matches(struct evaluation *ev, const struct code *code,
                                        struct cel *out)
{
    struct cel text;
    int status = evaluate_child(ev, code, 0, &text);
    if (status == 0 && text.type != CEL_STRING) {
        return eval_no_overload(ev, code, "matches", &text, 1);
    }
    if (status == 0) {
        status = eval_charge_search(ev, code->as.regex, text.as.text);
    }
    if (status != 0) {
        return status;
    }
    bool is_match = false;
    status = regex_search(code->as.regex, text.as.text, &is_match, ev->err);
    return status != 0 ? eval_take_error(ev, status) : eval_make_bool(is_match, out);
}

static OUT_OF_LINE int fail_unknown(struct evaluation *ev, const struct code *code)
{
    struct str source = eval_source(ev, code);
    return eval_fail(ev, E_INVALID, "nothing is called '%.*s' in '%.*s'", STR_ARG(code->as.name),
                     STR_ARG(source));
}

int eval_code(struct evaluation *ev, const struct code *code, struct cel *out)
{
    if (ev->budget->steps == 0) {
        return fail_out_of_steps(ev);
    }
    ev->budget->steps--;
    switch ((enum code_op)code->op) {
    case OP_CONSTANT:
        *out = code->as.constant;
        return 0;
    case OP_SLOT:
        return evaluate_slot(ev, code, out);
    case OP_LOCAL:
        *out = ev->locals[code->local];
        return 0;
    case OP_SELECT:
    case OP_SELECT_OPT:
    case OP_HAS:
    case OP_INDEX:
    case OP_INDEX_OPT:
        return evaluate_access(ev, code, out);
    case OP_NOT:
    case OP_NEGATE:
        return evaluate_unary(ev, code, out);
    case OP_AND:
    case OP_OR:
        return evaluate_logic(ev, code, out);
    case OP_CONDITIONAL:
        return evaluate_conditional(ev, code, out);
    case OP_EQUAL:
    case OP_NOT_EQUAL:
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_GREATER:
    case OP_GREATER_EQUAL:
    case OP_IN:
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
    case OP_MODULO:
        return evaluate_binary(ev, code, out);
    case OP_LIST:
        return evaluate_list(ev, code, out);
    case OP_MAP:
        return evaluate_map(ev, code, out);
    case OP_CALL:
        return evaluate_call(ev, code, out);
    case OP_MATCHES:
        return evaluate_matches(ev, code, out);
    case OP_MACRO:
        return comprehension_evaluate(ev, code, out);
    case OP_OPTIONAL: /* handled by the list or map around it */
    case OP_UNKNOWN:
        return fail_unknown(ev, code);
    }
    return fail_unknown(ev, code);
}
