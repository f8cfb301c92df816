/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over the program, children first: the kind of each instruction follows from those of its
 * children, and where none of the types that they may have fits, the expression is refused. The
 * recursion is as deep as the parser let the tree be.
 */
#include "core/expr/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/expr/compiler.h"
#include "core/expr/function.h"
#include "core/expr/kind.h"
#include "core/expr/macro.h"
#include "core/expr/program.h"

enum { SHOWN_SOURCE_BYTES = 80, MAX_SHOWN_ARGUMENTS = 4 };

struct checker {
    const struct expr *expr;
    struct arena arena;
    const struct checker_data *data;
    struct expr_fault *fault;
    struct error *err;
    struct kind locals[]; /* as many as the expression has */
};

static int check_code(struct checker *c, const struct code *code, struct kind *out);

static struct str source_of(const struct checker *c, const struct code *code)
{
    struct str source = {c->expr->text.p + code->offset, code->length};
    if (source.n > SHOWN_SOURCE_BYTES) {
        source.n = utf8_whole_prefix(source.p, SHOWN_SOURCE_BYTES);
    }
    return source;
}

static int fail(struct checker *c, const struct code *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct checker *c, const struct code *code, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
    va_end(args);
    *c->fault = (struct expr_fault){code->offset, code->length};
    return error_set(c->err, E_INVALID, "%s", text);
}

static int fail_overload(struct checker *c, const struct code *code, const char *what,
                         const struct kind *args, size_t count)
{
    char types[MAX_SHOWN_ARGUMENTS * KIND_TEXT_BYTES] = "";
    size_t at = 0;
    for (size_t i = 0; i < count && i < MAX_SHOWN_ARGUMENTS; i++) {
        char text[KIND_TEXT_BYTES];
        kind_write(&args[i], text);
        int n = snprintf(types + at, sizeof(types) - at, "%s%s", i > 0 ? ", " : "", text);
        at += n > 0 ? (size_t)n : 0;
        at = at < sizeof(types) ? at : sizeof(types) - 1;
    }
    struct str source = source_of(c, code);
    return fail(c, code, "'%s' does not take (%s) in '%.*s'%s", what, types, STR_ARG(source),
                count == 2 ? kind_operator_hint(what, args[0].mask, args[1].mask) : "");
}

static int check_child(struct checker *c, const struct code *code, size_t i, struct kind *out)
{
    return check_code(c, program_child(c->expr, code, i), out);
}

static const struct kind *keep(struct checker *c, const struct kind *kind)
{
    struct kind *copy = arena_alloc(&c->arena, sizeof(*copy));
    if (copy != NULL) {
        *copy = *kind;
    }
    return copy;
}

static int merge(struct checker *c, struct kind *into, const struct kind *other)
{
    return kind_merge(into, other, &c->arena) ? 0 : error_nomem(c->err);
}

/* A list of `item`s; a map with `key`s. */
static int make_collection(struct checker *c, unsigned mask, const struct kind *key,
                           const struct kind *item, struct kind *out)
{
    *out = kind_of(mask);
    out->item = keep(c, item);
    out->key = key != NULL ? keep(c, key) : NULL;
    return out->item == NULL || (key != NULL && out->key == NULL) ? error_nomem(c->err) : 0;
}

static int expect_bool(struct checker *c, const struct code *code)
{
    struct kind kind;
    int status = check_code(c, code, &kind);
    if (status != 0 || (kind.mask & KIND_BOOL) != 0) {
        return status;
    }
    char text[KIND_TEXT_BYTES];
    kind_write(&kind, text);
    struct str source = source_of(c, code);
    return fail(c, code, "'%.*s' is of type %s, but a condition must be bool", STR_ARG(source),
                text);
}

static int check_logic(struct checker *c, const struct code *code, struct kind *out)
{
    int status = 0;
    for (size_t i = 0; i < code->count && status == 0; i++) {
        status = expect_bool(c, program_child(c->expr, code, i));
    }
    *out = kind_of(KIND_BOOL);
    return status;
}

static int check_conditional(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind other;
    int status = expect_bool(c, program_child(c->expr, code, 0));
    if (status == 0) {
        status = check_child(c, code, 1, out);
    }
    if (status == 0) {
        status = check_child(c, code, 2, &other);
    }
    return status != 0 ? status : merge(c, out, &other);
}

static int check_negate(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind operand;
    int status = check_child(c, code, 0, &operand);
    if (status != 0) {
        return status;
    }
    *out = kind_of(operand.mask & (KIND_INT | KIND_DOUBLE));
    out->from_data = operand.from_data;
    return out->mask != 0 ? 0 : fail_overload(c, code, "-", &operand, 1);
}

/* What points in time and durations make with one another. */
static unsigned time_result(enum code_op op, unsigned a, unsigned b)
{
    bool is_sum = op == OP_ADD;
    unsigned result = 0;
    if (!is_sum && op != OP_SUBTRACT) {
        return 0;
    }
    if ((a & KIND_TIMESTAMP) != 0 && (b & KIND_DURATION) != 0) {
        result |= KIND_TIMESTAMP;
    }
    if (is_sum && (a & KIND_DURATION) != 0 && (b & KIND_TIMESTAMP) != 0) {
        result |= KIND_TIMESTAMP;
    }
    if (!is_sum && (a & KIND_TIMESTAMP) != 0 && (b & KIND_TIMESTAMP) != 0) {
        result |= KIND_DURATION;
    }
    return result | (a & b & KIND_DURATION);
}

static unsigned arithmetic_result(enum code_op op, const struct kind *a, const struct kind *b)
{
    unsigned both = (unsigned)(a->mask & b->mask);
    if (op == OP_MODULO) {
        return both & (KIND_INT | KIND_UINT);
    }
    unsigned result = both & KIND_NUMBER;
    if (op == OP_ADD) {
        result |= both & (KIND_STRING | KIND_BYTES | KIND_LIST);
    }
    const unsigned mixing = KIND_INT | KIND_DOUBLE;
    bool is_mixed = (a->from_data || b->from_data) && (a->mask & mixing) != 0 &&
                    (b->mask & mixing) != 0 && ((a->mask | b->mask) & KIND_DOUBLE) != 0;
    return result | (is_mixed ? KIND_DOUBLE : 0) | time_result(op, a->mask, b->mask);
}

static const char *operator_of(enum code_op op)
{
    static const char *const symbols[] = {
        [OP_LESS] = "<",   [OP_LESS_EQUAL] = "<=", [OP_GREATER] = ">",  [OP_GREATER_EQUAL] = ">=",
        [OP_IN] = "in",    [OP_ADD] = "+",         [OP_SUBTRACT] = "-", [OP_MULTIPLY] = "*",
        [OP_DIVIDE] = "/", [OP_MODULO] = "%",
    };
    return symbols[op];
}

static bool can_be_in(const struct kind *item, const struct kind *container)
{
    return (container->mask & KIND_LIST) != 0 ||
           ((container->mask & KIND_MAP) != 0 && (item->mask & (KIND_KEY | KIND_DOUBLE)) != 0) ||
           ((container->mask & KIND_OBJECT) != 0 && (item->mask & KIND_STRING) != 0);
}

static bool can_be_ordered(const struct kind *a, const struct kind *b)
{
    bool are_numbers = (a->mask & KIND_NUMBER) != 0 && (b->mask & KIND_NUMBER) != 0;
    return are_numbers || (a->mask & b->mask & KIND_ORDERED) != 0;
}

/* The two operands of `code`. */
static int check_children(struct checker *c, const struct code *code, struct kind out[2])
{
    int status = check_child(c, code, 0, &out[0]);
    return status != 0 ? status : check_child(c, code, 1, &out[1]);
}

static int check_binary(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind args[2];
    int status = check_children(c, code, args);
    if (status != 0) {
        return status;
    }
    enum code_op op = code->op;
    *out = kind_of(KIND_BOOL);
    bool is_good = true;
    if (op == OP_IN) {
        is_good = can_be_in(&args[0], &args[1]);
    } else if (op >= OP_LESS && op <= OP_GREATER_EQUAL) {
        is_good = can_be_ordered(&args[0], &args[1]);
    } else if (op >= OP_ADD && op <= OP_MODULO) {
        *out = kind_of(arithmetic_result(op, &args[0], &args[1]));
        out->from_data = args[0].from_data || args[1].from_data;
        is_good = out->mask != 0;
    }
    return is_good ? 0 : fail_overload(c, code, operator_of(op), args, 2);
}

static struct kind kind_of_shape(const struct expr_shape *shape)
{
    struct kind kind = kind_any;
    kind.mask = shape->types != 0 ? (uint16_t)shape->types : kind.mask;
    kind.shape = shape->shape;
    return kind;
}

static struct kind describe(const struct checker *c, int slot, const struct kind *above,
                            const struct str *field)
{
    if (c->data->describe == NULL || (above != NULL && above->shape == NULL)) {
        return kind_any;
    }
    struct expr_shape shape =
        c->data->describe(c->data->user, slot, above != NULL ? above->shape : NULL, field);
    return kind_of_shape(&shape);
}

/*
 * What a list or map holds: its member `field`, or any, when that is NULL. An optional, whatever
 * is asked of it, gives one.
 */
static struct kind inside_of(const struct checker *c, const struct kind *operand,
                             const struct str *field)
{
    if (operand->shape != NULL) {
        return describe(c, 0, operand, field);
    }
    struct kind inside = operand->item != NULL ? *operand->item : kind_any;
    if ((operand->mask & ~(KIND_LIST | KIND_MAP)) != 0) {
        inside = kind_any;
    }
    return inside;
}

/* .x, .?x and has(): null has no fields, but that is absence and no matter of types. */
static int check_select(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind operand;
    int status = check_child(c, code, 0, &operand);
    if (status != 0) {
        return status;
    }
    if ((operand.mask & (KIND_MAP | KIND_OBJECT | KIND_OPTIONAL | KIND_NULL)) == 0) {
        char text[KIND_TEXT_BYTES];
        kind_write(&operand, text);
        struct str source = source_of(c, code);
        return fail(c, code, "'%.*s' asks for a field of a value of type %s", STR_ARG(source),
                    text);
    }
    *out = code->op == OP_HAS          ? kind_of(KIND_BOOL)
           : code->op == OP_SELECT_OPT ? kind_of(KIND_OPTIONAL)
                                       : inside_of(c, &operand, &code->as.name);
    return 0;
}

/* A key that is a constant text. */
static const struct str *constant_name(const struct checker *c, const struct code *code)
{
    const struct code *key = program_child(c->expr, code, 1);
    bool is_text = key->op == OP_CONSTANT && key->as.constant.type == CEL_STRING;
    return is_text ? &key->as.constant.as.text : NULL;
}

static int check_index(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind args[2];
    int status = check_children(c, code, args);
    if (status != 0) {
        return status;
    }
    unsigned key = args[1].mask;
    bool is_good = (args[0].mask & (KIND_OPTIONAL | KIND_NULL)) != 0 ||
                   ((args[0].mask & KIND_LIST) != 0 && (key & KIND_NUMBER) != 0) ||
                   ((args[0].mask & KIND_MAP) != 0 && (key & (KIND_KEY | KIND_DOUBLE)) != 0) ||
                   ((args[0].mask & KIND_OBJECT) != 0 && (key & KIND_STRING) != 0);
    if (!is_good) {
        return fail_overload(c, code, code->op == OP_INDEX ? "[]" : "[?]", args, 2);
    }
    *out = code->op == OP_INDEX_OPT ? kind_of(KIND_OPTIONAL)
                                    : inside_of(c, &args[0], constant_name(c, code));
    return 0;
}

/* What stands behind a '?', whose place is `mark`'s: the value comes from an optional. */
static int check_optional(struct checker *c, const struct code *mark, const struct code *code,
                          struct kind *out)
{
    struct kind kind;
    int status = check_code(c, code, &kind);
    if (status == 0 && (kind.mask & KIND_OPTIONAL) == 0) {
        return fail_overload(c, mark, "?", &kind, 1);
    }
    *out = kind_any;
    return status;
}

static int check_list(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind items = kind_any;
    for (size_t i = 0; i < code->count; i++) {
        const struct code *child = program_child(c->expr, code, i);
        struct kind kind;
        int status = child->op == OP_OPTIONAL
                         ? check_optional(c, child, program_child(c->expr, child, 0), &kind)
                         : check_code(c, child, &kind);
        if (status == 0 && i > 0) {
            status = merge(c, &items, &kind);
        }
        if (status != 0) {
            return status;
        }
        items = i == 0 ? kind : items;
    }
    return make_collection(c, KIND_LIST, NULL, &items, out);
}

static int check_entry(struct checker *c, const struct code *key_code,
                       const struct code *value_code, struct kind *out_key, struct kind *out_value)
{
    bool is_optional = key_code->op == OP_OPTIONAL;
    const struct code *plain = is_optional ? program_child(c->expr, key_code, 0) : key_code;
    int status = check_code(c, plain, out_key);
    if (status == 0 && (out_key->mask & KIND_KEY) == 0) {
        char text[KIND_TEXT_BYTES];
        kind_write(out_key, text);
        return fail(c, plain, "a key of a map cannot be of type %s", text);
    }
    if (status == 0) {
        status = is_optional ? check_optional(c, key_code, value_code, out_value)
                             : check_code(c, value_code, out_value);
    }
    return status;
}

static int check_map(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind keys = kind_any;
    struct kind values = kind_any;
    for (size_t i = 0; i < code->count; i += 2) {
        struct kind key;
        struct kind value;
        int status = check_entry(c, program_child(c->expr, code, i),
                                 program_child(c->expr, code, i + 1), &key, &value);
        if (status == 0 && i > 0) {
            status = merge(c, &keys, &key);
            status = status != 0 ? status : merge(c, &values, &value);
        }
        if (status != 0) {
            return status;
        }
        keys = i == 0 ? key : keys;
        values = i == 0 ? value : values;
    }
    return make_collection(c, KIND_MAP, &keys, &values, out);
}

/* Numbers of data are taken as doubles, too. */
static bool can_be_argument(const struct kind *arg, unsigned takes)
{
    bool is_number_of_data = arg->from_data && (arg->mask & KIND_NUMBER) != 0;
    return takes == 0 || (arg->mask & takes) != 0 ||
           (is_number_of_data && (takes & KIND_NUMBER) != 0);
}

static int check_call(struct checker *c, const struct code *code, struct kind *out)
{
    const struct function *function = code->as.function;
    struct kind shown[MAX_SHOWN_ARGUMENTS];
    bool is_good = true;
    bool from_data = false;
    for (size_t i = 0; i < code->count; i++) {
        struct kind arg;
        int status = check_child(c, code, i, &arg);
        if (status != 0) {
            return status;
        }
        is_good = is_good && can_be_argument(&arg, function_takes(function, i));
        from_data = from_data || arg.from_data;
        if (i < MAX_SHOWN_ARGUMENTS) {
            shown[i] = arg;
        }
    }
    if (!is_good) {
        return fail_overload(c, code, function->name, shown, code->count);
    }
    *out = function->result == FUNCTION_ANY_TYPE ? kind_any : kind_of(1u << function->result);
    out->from_data = from_data || function->result == FUNCTION_ANY_TYPE;
    return 0;
}

static int check_matches(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind text;
    int status = check_child(c, code, 0, &text);
    *out = kind_of(KIND_BOOL);
    if (status == 0 && (text.mask & KIND_STRING) == 0) {
        return fail_overload(c, code, "matches", &text, 1);
    }
    return status;
}

/* The kinds of a macro's variables, from the list or map that it walks over. */
static void set_variables(struct checker *c, const struct code *code, const struct kind *range)
{
    struct kind *locals = &c->locals[code->local];
    struct kind item = inside_of(c, range, NULL);
    struct kind key = range->key != NULL ? *range->key : kind_any;
    bool is_list = range->mask == KIND_LIST;
    bool is_map = range->mask == KIND_MAP;
    if (code->variables == 2) {
        locals[0] = is_list ? kind_of(KIND_INT) : (is_map ? key : kind_any);
        locals[1] = is_list || is_map ? item : kind_any;
    } else {
        locals[0] = is_list ? item : (is_map ? key : kind_any);
    }
}

/* What the transformation of map() and its relatives makes. */
static int check_transform(struct checker *c, const struct code *code, struct kind *out)
{
    struct kind result;
    int status = check_child(c, code, code->count - 1, &result);
    if (status != 0) {
        return status;
    }
    switch (code->macro) {
    case MACRO_TRANSFORM_MAP_ENTRY:
        if ((result.mask & KIND_MAP) == 0) {
            return fail_overload(c, code, "transformMapEntry", &result, 1);
        }
        *out = kind_of(KIND_MAP);
        return 0;
    case MACRO_TRANSFORM_MAP:
        return make_collection(c, KIND_MAP, &c->locals[code->local], &result, out);
    default:
        return make_collection(c, KIND_LIST, NULL, &result, out);
    }
}

static int check_loop(struct checker *c, const struct code *code, const struct kind *range,
                      struct kind *out)
{
    int status = 0;
    set_variables(c, code, range);
    switch (code->macro) {
    case MACRO_ALL:
    case MACRO_EXISTS:
    case MACRO_EXISTS_ONE:
        *out = kind_of(KIND_BOOL);
        return expect_bool(c, program_child(c->expr, code, 1));
    case MACRO_FILTER:
        *out = kind_of(KIND_LIST);
        out->item = keep(c, &c->locals[code->local]);
        if (out->item == NULL) {
            return error_nomem(c->err);
        }
        return expect_bool(c, program_child(c->expr, code, 1));
    case MACRO_SORT_BY: {
        struct kind key;
        status = check_child(c, code, 1, &key);
        if (status == 0 && (key.mask & KIND_ORDERED) == 0) {
            return fail_overload(c, code, "sortBy", &key, 1);
        }
        *out = *range;
        return status;
    }
    default:
        if (code->count == 3) {
            status = expect_bool(c, program_child(c->expr, code, 1));
        }
        return status != 0 ? status : check_transform(c, code, out);
    }
}

/* cel.bind(), optMap() and optFlatMap(). */
static int check_bind(struct checker *c, const struct code *code, const struct kind *value,
                      struct kind *out)
{
    bool is_bind = code->macro == MACRO_BIND;
    const char *name = code->macro == MACRO_OPT_MAP ? "optMap" : "optFlatMap";
    struct kind result;
    if (!is_bind && (value->mask & KIND_OPTIONAL) == 0) {
        return fail_overload(c, code, name, value, 1);
    }
    c->locals[code->local] = is_bind ? *value : kind_any;
    int status = check_child(c, code, 1, &result);
    if (status == 0 && code->macro == MACRO_OPT_FLAT_MAP && (result.mask & KIND_OPTIONAL) == 0) {
        return fail_overload(c, code, name, &result, 1);
    }
    *out = is_bind ? result : kind_of(KIND_OPTIONAL);
    return status;
}

/* default() and coalesce(): optionals are replaced by what they hold, which is not known. */
static int check_first(struct checker *c, const struct code *code, struct kind *out)
{
    for (size_t i = 0; i < code->count; i++) {
        struct kind kind;
        int status = check_child(c, code, i, &kind);
        if (status == 0 && i > 0) {
            status = merge(c, out, &kind);
        }
        if (status != 0) {
            return status;
        }
        *out = i == 0 ? kind : *out;
    }
    if ((out->mask & KIND_OPTIONAL) != 0) {
        *out = kind_any;
    }
    out->mask |= code->macro == MACRO_COALESCE ? KIND_NULL : 0;
    return 0;
}

static int check_macro(struct checker *c, const struct code *code, struct kind *out)
{
    if (code->macro == MACRO_DEFAULT || code->macro == MACRO_COALESCE) {
        return check_first(c, code, out);
    }
    struct kind first;
    int status = check_child(c, code, 0, &first);
    if (status != 0) {
        return status;
    }
    if (code->macro == MACRO_BIND || code->macro == MACRO_OPT_MAP ||
        code->macro == MACRO_OPT_FLAT_MAP) {
        return check_bind(c, code, &first, out);
    }
    unsigned takes = code->macro == MACRO_SORT_BY ? KIND_LIST : KIND_LIST | KIND_MAP;
    if ((first.mask & takes) == 0) {
        return fail_overload(c, code, macro_kind_name(code->macro), &first, 1);
    }
    return check_loop(c, code, &first, out);
}

static int check_code(struct checker *c, const struct code *code, struct kind *out)
{
    *out = kind_any;
    switch ((enum code_op)code->op) {
    case OP_CONSTANT:
        return kind_of_value(&code->as.constant, &c->arena, out) ? 0 : error_nomem(c->err);
    case OP_LOCAL:
        *out = c->locals[code->local];
        return 0;
    case OP_SELECT:
    case OP_SELECT_OPT:
    case OP_HAS:
        return check_select(c, code, out);
    case OP_INDEX:
    case OP_INDEX_OPT:
        return check_index(c, code, out);
    case OP_NEGATE:
        return check_negate(c, code, out);
    case OP_NOT:
    case OP_AND:
    case OP_OR:
        return check_logic(c, code, out);
    case OP_CONDITIONAL:
        return check_conditional(c, code, out);
    case OP_LIST:
        return check_list(c, code, out);
    case OP_MAP:
        return check_map(c, code, out);
    case OP_CALL:
        return check_call(c, code, out);
    case OP_MATCHES:
        return check_matches(c, code, out);
    case OP_MACRO:
        return check_macro(c, code, out);
    case OP_SLOT:
        *out = describe(c, code->as.slot, NULL, NULL);
        return 0;
    case OP_OPTIONAL: /* handled by the list or map around it */
    case OP_UNKNOWN:
        return 0;
    default:
        return check_binary(c, code, out);
    }
}

/* One bit is a type; of more, what matters is whether they come from an operator without a bool. */
static int static_type(const struct code *code, const struct kind *kind)
{
    if ((kind->mask & (kind->mask - 1)) == 0) {
        return __builtin_ctz(kind->mask);
    }
    bool is_arithmetic = code->op == OP_NEGATE || (code->op >= OP_ADD && code->op <= OP_MODULO);
    if (is_arithmetic) {
        return EXPR_TYPE_ARITHMETIC;
    }
    return (kind->mask & ~(unsigned)KIND_NUMBER) == 0 ? EXPR_TYPE_NUMBER : EXPR_TYPE_OPEN;
}

int checker_run(const struct expr *expr, const struct checker_data *data, int *out_type,
                struct expr_fault *out_fault, struct error *err)
{
    struct checker *c = malloc(sizeof(*c) + expr->local_count * sizeof(struct kind));
    if (c == NULL) {
        return error_nomem(err);
    }
    c->expr = expr;
    c->arena = ARENA_INIT;
    c->data = data;
    c->fault = out_fault;
    c->err = err;
    struct kind kind;
    const struct code *root = &expr->codes[expr->root];
    int status = check_code(c, root, &kind);
    if (status == 0) {
        *out_type = static_type(root, &kind);
    }
    arena_finish(&c->arena);
    free(c);
    return status;
}
