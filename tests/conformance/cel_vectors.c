/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs cases of the CEL specification: cel_vectors FILE.jsonl
 *
 * A line is either a case of the parser, {"suite", "expr", "parses"}, or one of the evaluation,
 * {"section", "expr", "bindings", "expected"}, where values are typed ({"int": "1"}, {"bytes":
 * base64}, {"list": [...]}, {"map": [[key, value], ...]}) and a missing "expected" stands for an
 * error. Parser cases are of CEL without optionals and names in backticks, and at most 32 levels
 * deep. The result is 0 when every case went as expected, 1 when one did not, 2 when the file
 * cannot be read.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/expr/collection.h"
#include "core/expr/compare.h"
#include "core/expr/expr.h"
#include "core/expr/parser.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { MAX_SECTIONS = 64, PARSER_CASES_DEPTH = 32 };

struct section {
    char name[64];
    size_t passed;
    size_t failed;
};

struct tally {
    struct section sections[MAX_SECTIONS];
    size_t count;
    bool is_broken; /* a line that is no case */
};

/* The names of one case and their values. */
struct bindings {
    const struct value *map;
    struct str container;
    struct arena *arena;
};

static struct section *find_section(struct tally *tally, struct str name)
{
    for (size_t i = 0; i < tally->count; i++) {
        if (str_equal_text(name, tally->sections[i].name)) {
            return &tally->sections[i];
        }
    }
    struct section *added = &tally->sections[tally->count < MAX_SECTIONS ? tally->count++ : 0];
    (void)snprintf(added->name, sizeof(added->name), "%.*s", STR_ARG(name)); /* cut is fine */
    return added;
}

static struct str member(const struct value *map, const char *key)
{
    const struct value *found = value_get(map, str_from(key));
    return value_is(found, VALUE_STRING) ? value_str(found) : STR("");
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : 0;
}

static struct str decode_base64(struct arena *arena, struct str text)
{
    char *bytes = arena_alloc(arena, text.n + 1);
    size_t made = 0;
    uint32_t bits = 0;
    for (size_t i = 0; bytes != NULL && i < text.n && text.p[i] != '='; i++) {
        bits = bits << 6 | (uint32_t)base64_digit(text.p[i]);
        if (i % 4 != 0) {
            bytes[made++] = (char)(bits >> (6 - 2 * (i % 4)));
        }
    }
    return str_make(bytes, made);
}

static double read_double(const struct value *value)
{
    if (!value_is(value, VALUE_STRING)) {
        return value_number(value);
    }
    char text[64];
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(value_str(value))); /* short by nature */
    return strtod(text, NULL);
}

static bool read_typed(struct arena *arena, const struct value *typed, struct cel *out);

static bool read_items(struct arena *arena, const struct value *list, bool is_map, struct cel *out)
{
    struct cel_array items = CEL_ARRAY_INIT;
    bool is_good = true;
    for (size_t i = 0; i < value_count(list) && is_good; i++) {
        struct cel item;
        const struct value *entry = value_at(list, i);
        for (size_t k = 0; k < (is_map ? 2u : 1u) && is_good; k++) {
            is_good = read_typed(arena, is_map ? value_at(entry, k) : entry, &item) &&
                      cel_array_add(&items, &item) == 0;
        }
    }
    if (is_good && is_map) {
        is_good = collection_make_map(arena, items.items, items.count / 2, SIZE_MAX, out) == 0;
    } else if (is_good) {
        is_good = collection_make_list(arena, items.items, items.count, SIZE_MAX, out) == 0;
    }
    cel_array_finish(&items);
    return is_good;
}

/* The value that {"int": "1"} and the like write. */
static bool read_typed(struct arena *arena, const struct value *typed, struct cel *out)
{
    if (!value_is(typed, VALUE_MAP) || value_count(typed) != 1) {
        return false;
    }
    const struct value_member *only = value_member_at(typed, 0);
    struct str type = value_str(&only->key);
    const struct value *value = &only->value;
    char text[64] = "";
    if (value_is(value, VALUE_STRING)) {
        (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(value_str(value))); /* for numbers */
    }
    *out = (struct cel){.type = CEL_NULL};
    if (str_equal_text(type, "bool")) {
        *out = (struct cel){.type = CEL_BOOL, .as.boolean = value_bool(value)};
    } else if (str_equal_text(type, "int")) {
        *out = (struct cel){.type = CEL_INT, .as.integer = strtoll(text, NULL, 10)};
    } else if (str_equal_text(type, "uint")) {
        *out = (struct cel){.type = CEL_UINT, .as.uinteger = strtoull(text, NULL, 10)};
    } else if (str_equal_text(type, "double")) {
        *out = (struct cel){.type = CEL_DOUBLE, .as.number = read_double(value)};
    } else if (str_equal_text(type, "string")) {
        *out = (struct cel){.type = CEL_STRING, .as.text = value_str(value)};
    } else if (str_equal_text(type, "type")) {
        *out = (struct cel){.type = CEL_TYPE, .as.text = value_str(value)};
    } else if (str_equal_text(type, "bytes")) {
        *out = (struct cel){.type = CEL_BYTES, .as.text = decode_base64(arena, value_str(value))};
    } else if (str_equal_text(type, "list") || str_equal_text(type, "map")) {
        return read_items(arena, value, type.p[0] == 'm', out);
    } else {
        return str_equal_text(type, "null");
    }
    return true;
}

/* A name is looked for inside the container first; its slot is its place among the bindings. */
static int resolve(void *user, struct str name, struct str *out_hint)
{
    const struct bindings *bindings = user;
    char inside[256];
    (void)out_hint;
    int n =
        snprintf(inside, sizeof(inside), "%.*s.%.*s", STR_ARG(bindings->container), STR_ARG(name));
    struct str names[] = {str_make(inside, n > 0 ? (size_t)n : 0), name};
    for (size_t k = bindings->container.n > 0 ? 0 : 1; k < 2; k++) {
        for (size_t i = 0; i < value_count(bindings->map); i++) {
            if (str_equal(names[k], value_str(&value_member_at(bindings->map, i)->key))) {
                return (int)i;
            }
        }
    }
    return -1;
}

static int fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    const struct bindings *bindings = user;
    const struct value *typed = &value_member_at(bindings->map, (size_t)slot)->value;
    return read_typed(bindings->arena, typed, out) ? 0 : error_set(err, E_INVALID, "bad binding");
}

/* As equality, but 1, 1u and 1.0 are three things, and a NaN is the same as another. */
static bool is_same(const struct cel *a, const struct cel *b)
{
    uint64_t steps = UINT64_MAX;
    if (collection_is_list(a) && collection_is_list(b)) {
        bool is_equal = collection_count(a) == collection_count(b);
        for (size_t i = 0; is_equal && i < collection_count(a); i++) {
            struct cel left = collection_item(a, i);
            struct cel right = collection_item(b, i);
            is_equal = is_same(&left, &right);
        }
        return is_equal;
    }
    if (a->type != b->type) {
        return false;
    }
    return compare_equal(a, b, &steps) ||
           (a->type == CEL_DOUBLE && isnan(a->as.number) && isnan(b->as.number));
}

static bool run_evaluation(const struct value *test, char *why, size_t why_size)
{
    struct arena arena = ARENA_INIT;
    struct error err = {0};
    struct bindings bindings = {value_get(test, STR("bindings")), member(test, "container"),
                                &arena};
    struct expr_names names = {resolve, &bindings};
    struct expr_scope scope = {fetch, &bindings};
    struct expr_budget budget = expr_default_budget;
    const struct value *expected = value_get(test, STR("expected"));
    const struct value *unchecked = value_get(test, STR("disable_check"));
    bool is_unchecked = value_is(unchecked, VALUE_BOOL) && value_bool(unchecked);
    unsigned flags = EXPR_DOTTED_NAMES | (is_unchecked ? EXPR_UNCHECKED : 0);
    struct expr *expr = NULL;
    struct cel result = {.type = CEL_NULL};
    struct cel wanted = {.type = CEL_NULL};
    int status = expr_compile(member(test, "expr"), &names, flags, &expr, NULL, &err);
    if (status == 0) {
        status = expr_evaluate(expr, &scope, &arena, &budget, &result, &err);
    }
    bool is_passed = expected == NULL ? status != 0
                                      : status == 0 && read_typed(&arena, expected, &wanted) &&
                                            is_same(&result, &wanted);
    if (!is_passed) {
        (void)snprintf(why, why_size, "%s", /* cut is fine */
                       status != 0 ? err.message : "another value");
    }
    expr_destroy(expr);
    arena_finish(&arena);
    return is_passed;
}

static bool run_parser(const struct value *test, char *why, size_t why_size)
{
    struct arena arena = ARENA_INIT;
    struct ast ast = AST_INIT;
    struct error err = {0};
    struct expr_fault fault = {0, 0};
    struct parser_options options = {.flags = PARSER_NO_OPTIONALS | PARSER_NO_QUOTED_NAMES,
                                     .max_depth = PARSER_CASES_DEPTH};
    struct str text = member(test, "expr");
    bool wanted = value_bool(value_get(test, STR("parses")));
    int status = parser_parse(text, &options, &arena, &ast, &fault, &err);
    bool is_passed = (status == 0) == wanted;
    if (is_passed && status != 0 && (fault.offset > text.n || err.message[0] == '\0')) {
        is_passed = false;
    }
    if (!is_passed) {
        (void)snprintf(why, why_size, "%s", /* cut is fine */
                       status != 0 ? err.message : "parsed");
    }
    ast_finish(&ast);
    arena_finish(&arena);
    return is_passed;
}

static void run_line(struct str line, struct tally *tally)
{
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    if (json_read(line, NULL, &document, &err) != 0 ||
        !value_is(document_root(document), VALUE_MAP)) {
        printf("not a case: %s\n", err.message);
        tally->is_broken = true;
        return;
    }
    const struct value *test = document_root(document);
    bool is_parser = value_is(value_get(test, STR("parses")), VALUE_BOOL);
    struct section *section = find_section(tally, member(test, is_parser ? "suite" : "section"));
    char why[1024] = "";
    bool is_passed = is_parser ? run_parser(test, why, sizeof(why))
                               : run_evaluation(test, why, sizeof(why));
    section->passed += is_passed ? 1 : 0;
    section->failed += is_passed ? 0 : 1;
    if (!is_passed) {
        printf("FAIL %s: %.*s: %s\n", section->name, STR_ARG(member(test, "expr")), why);
    }
}

static int finish(const struct tally *tally)
{
    size_t passed = 0;
    size_t failed = 0;
    for (size_t i = 0; i < tally->count; i++) {
        printf("%-20s %4zu passed %4zu failed\n", tally->sections[i].name,
               tally->sections[i].passed, tally->sections[i].failed);
        passed += tally->sections[i].passed;
        failed += tally->sections[i].failed;
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    if (tally->is_broken || passed + failed == 0) {
        return 2;
    }
    return failed > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: cel_vectors FILE.jsonl\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "re");
    if (file == NULL) {
        (void)fprintf(stderr, "cel_vectors: %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    static struct tally tally;
    cleanup_free char *line = NULL;
    size_t size = 0;
    ssize_t n = 0;
    while ((n = getline(&line, &size, file)) > 0) {
        run_line(str_trim(str_make(line, (size_t)n)), &tally);
    }
    (void)fclose(file); /* only read */
    return finish(&tally);
}
