/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to the compiler of expressions, the first byte as its flags, and what compiles to the
 * evaluator with a small budget. Faults lie in the text, messages are one line of UTF-8, the
 * budget holds, references lie in the text, a second evaluation ends as the first did, and what
 * is found to fail always does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/expr/expr.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/fuzz/fuzz.h"

static const struct expr_budget small = {5000, 65536};

static const char data[] =
    "{\"input\":{\"i\":3,\"d\":2.5,\"s\":\"te\\u00e9xt\",\"n\":null,\"b\":true,"
    "\"list\":[3,1,[2]],\"map\":{\"k\":\"v\",\"m\":{}}},\"x\":[1,2,3]}";

static void expect(bool is_kept, const char *promise)
{
    if (!is_kept) {
        fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static int resolve(void *user, struct str name, struct str *out_hint)
{
    (void)out_hint;
    const struct value *map = document_root(user);
    for (size_t i = 0; i < value_count(map); i++) {
        if (str_equal(name, value_str(&value_member_at(map, i)->key))) {
            return (int)i;
        }
    }
    return -1;
}

static int fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    (void)err;
    const struct value *map = document_root(user);
    *out = cel_from_value(user, &value_member_at(map, (size_t)slot)->value);
    return 0;
}

static void check_error(const struct error *err, int status)
{
    size_t n = strlen(err->message);
    expect(err->code == status && n > 0, "an error has its code and a message");
    expect(utf8_valid_prefix(err->message, n) == n, "a message is UTF-8");
    for (size_t i = 0; i < n; i++) {
        expect((unsigned char)err->message[i] >= ' ', "a message is one line");
    }
}

static int evaluate(const struct expr *expr, const struct document *document)
{
    struct arena arena = ARENA_INIT;
    struct expr_budget budget = small;
    struct expr_scope scope = {.fetch = fetch, .user = document};
    struct error err = {0};
    struct cel result;
    int status = expr_evaluate(expr, &scope, &arena, &budget, &result, &err);
    expect(budget.steps <= small.steps && budget.output_bytes <= small.output_bytes,
           "a budget only falls");
    if (status != 0) {
        check_error(&err, status);
    } else {
        struct builder *builder = builder_create();
        struct document *made = NULL;
        if (cel_build(&result, builder, &err) != 0) {
            builder_destroy(builder);
        } else if (builder_finish(builder, &made, &err) == 0) {
            document_unref(made);
        }
    }
    arena_finish(&arena);
    return status;
}

static void check_references(const struct expr *expr)
{
    size_t n = expr_source(expr).n;
    for (size_t i = 0; i < expr_reference_count(expr); i++) {
        const struct expr_reference *reference = expr_reference_at(expr, i);
        expect(reference->offset <= n && reference->length <= n - reference->offset,
               "a reference lies in the text");
    }
}

/* What is found to fail whatever the data is fails with this data, too. */
static void check_failure(const struct expr *expr, bool has_value)
{
    struct expr_fault fault = {0, 0};
    struct error err = {0};
    size_t n = expr_source(expr).n;
    int status = expr_find_failure(expr, &fault, &err);
    if (status == 0) {
        return;
    }
    check_error(&err, status);
    expect(!has_value, "what always fails has no value");
    expect(fault.offset <= n && fault.length <= n - fault.offset, "a failure lies in the text");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct document *document;
    if (document == NULL) {
        expect(json_read(str_from(data), NULL, &document, NULL) == 0, "the data is JSON");
    }
    if (size == 0) {
        return 0;
    }
    struct str text = str_make((const char *)bytes + 1, size - 1);
    unsigned flags = bytes[0] &
                     (EXPR_BRACES | EXPR_INPUT_DEFAULT | EXPR_DOTTED_NAMES | EXPR_UNCHECKED);
    struct expr_names names = {.resolve = resolve, .user = document};
    struct expr_fault fault = {0, 0};
    struct error err = {0};
    struct expr *expr = NULL;
    int status = expr_compile(text, &names, flags, &expr, &fault, &err);
    if (status != 0) {
        check_error(&err, status);
        expect(fault.offset <= text.n && fault.length <= text.n - fault.offset,
               "a fault lies in the text");
        return 0;
    }
    check_references(expr);
    int first = evaluate(expr, document);
    expect(evaluate(expr, document) == first, "evaluation is pure");
    check_failure(expr, first == 0);
    expr_destroy(expr);
    return 0;
}
