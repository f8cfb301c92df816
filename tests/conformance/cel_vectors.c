/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs cases of the CEL specification: cel_vectors FILE.jsonl
 *
 * A line is either a case of the parser, {"suite", "expr", "parses"}, or one of the evaluation,
 * {"section", "expr", "bindings", "expected"}, where values are typed ({"int": "1"}, {"bytes":
 * base64}, {"list": [...]}, {"map": [[key, value], ...]}) and a missing "expected" stands for an
 * error; "container" is the scope of names, "declared" lists names that may have no value, and
 * "disable_check" leaves all mistakes to the evaluation. Parser cases are of CEL without optionals
 * and names in backticks, and at most 32 levels deep. The result is 0 when every case went as
 * expected, 1 when one did not, 2 when the file cannot be read.
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
#include "core/expr/instant.h"
#include "core/expr/parser.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { MAX_SECTIONS = 256, PARSER_CASES_DEPTH = 32 };

struct section {
    char name[64];
    size_t passed;
    size_t failed;
    size_t unreadable;
};

struct tally {
    struct section sections[MAX_SECTIONS];
    size_t count;
};

/* The names of one case and their values; slots behind the map's are declared names without any. */
struct bindings {
    const struct value *map;
    const struct value *declared;
    struct str container;
    struct arena *arena;
};

enum outcome { PASSED, FAILED, UNREADABLE };

static struct section *find_section(struct tally *tally, struct str name)
{
    for (size_t i = 0; i < tally->count; i++) {
        if (str_equal_text(name, tally->sections[i].name)) {
            return &tally->sections[i];
        }
    }
    size_t last = MAX_SECTIONS - 1; /* takes what is left over */
    struct section *added = &tally->sections[tally->count < last ? tally->count++ : last];
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
        if (!value_is(value, VALUE_BOOL)) {
            return false;
        }
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
    } else if (str_equal_text(type, "timestamp")) {
        return instant_read_timestamp(value_str(value), out) == 0;
    } else if (str_equal_text(type, "duration")) {
        return instant_read_duration(value_str(value), out) == 0;
    } else if (str_equal_text(type, "list") || str_equal_text(type, "map")) {
        return read_items(arena, value, type.p[0] == 'm', out);
    } else {
        return str_equal_text(type, "null");
    }
    return true;
}

/* The slot of a name is its place among the bindings; declared names follow. */
static int find_slot(const struct bindings *bindings, struct str name)
{
    size_t count = value_count(bindings->map);
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, value_str(&value_member_at(bindings->map, i)->key))) {
            return (int)i;
        }
    }
    for (size_t i = 0; bindings->declared != NULL && i < value_count(bindings->declared); i++) {
        if (str_equal(name, value_str(value_at(bindings->declared, i)))) {
            return (int)(count + i);
        }
    }
    return -1;
}

/* In the container a.b, c is tried as a.b.c, a.c and c; .c only as c. */
static int resolve(void *user, struct str name, struct str *out_hint)
{
    const struct bindings *bindings = user;
    struct str container = bindings->container;
    (void)out_hint;
    if (name.n > 0 && name.p[0] == '.') {
        return find_slot(bindings, str_make(name.p + 1, name.n - 1));
    }
    while (container.n > 0) {
        char inside[512];
        int n = snprintf(inside, sizeof(inside), "%.*s.%.*s", STR_ARG(container), STR_ARG(name));
        size_t length = n > 0 && (size_t)n < sizeof(inside) ? (size_t)n : 0;
        int slot = find_slot(bindings, str_make(inside, length));
        if (slot >= 0) {
            return slot;
        }
        do {
            container.n--;
        } while (container.n > 0 && container.p[container.n] != '.');
    }
    return find_slot(bindings, name);
}

static int fetch(const void *user, int slot, struct cel *out, struct error *err)
{
    const struct bindings *bindings = user;
    if ((size_t)slot >= value_count(bindings->map)) {
        return error_set(err, E_NOT_FOUND, "the name has no value");
    }
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

/* Whether the values and texts of a case are what this program can read. */
static bool is_readable(const struct value *test, struct arena *arena)
{
    const struct value *bindings = value_get(test, STR("bindings"));
    const struct value *declared = value_get(test, STR("declared"));
    const struct value *expected = value_get(test, STR("expected"));
    struct cel unused;
    if (!value_is(value_get(test, STR("expr")), VALUE_STRING) || !value_is(bindings, VALUE_MAP) ||
        (expected != NULL && !read_typed(arena, expected, &unused))) {
        return false;
    }
    for (size_t i = 0; i < value_count(bindings); i++) {
        if (!read_typed(arena, &value_member_at(bindings, i)->value, &unused)) {
            return false;
        }
    }
    bool is_good = declared == NULL || value_is(declared, VALUE_LIST);
    for (size_t i = 0; is_good && declared != NULL && i < value_count(declared); i++) {
        is_good = value_is(value_at(declared, i), VALUE_STRING);
    }
    return is_good;
}

static bool is_as_expected(struct arena *arena, const struct value *expected, int status,
                           const struct cel *result)
{
    struct cel wanted = {.type = CEL_NULL};
    if (expected == NULL) {
        return status != 0;
    }
    return status == 0 && read_typed(arena, expected, &wanted) && is_same(result, &wanted);
}

static enum outcome run_evaluation(const struct value *test, char *why, size_t why_size)
{
    struct arena arena = ARENA_INIT;
    struct error err = {0};
    if (!is_readable(test, &arena)) {
        arena_finish(&arena);
        return UNREADABLE;
    }
    struct bindings bindings = {value_get(test, STR("bindings")), value_get(test, STR("declared")),
                                member(test, "container"), &arena};
    struct expr_names names = {.resolve = resolve, .user = &bindings};
    struct expr_scope scope = {.fetch = fetch, .user = &bindings};
    struct expr_budget budget = expr_default_budget;
    const struct value *unchecked = value_get(test, STR("disable_check"));
    bool is_unchecked = value_is(unchecked, VALUE_BOOL) && value_bool(unchecked);
    unsigned flags = EXPR_DOTTED_NAMES | (is_unchecked ? EXPR_UNCHECKED : 0);
    struct expr *expr = NULL;
    struct cel result = {.type = CEL_NULL};
    int status = expr_compile(member(test, "expr"), &names, flags, &expr, NULL, &err);
    if (status == 0) {
        status = expr_evaluate(expr, &scope, &arena, &budget, &result, &err);
    }
    bool is_passed = is_as_expected(&arena, value_get(test, STR("expected")), status, &result);
    if (!is_passed) {
        (void)snprintf(why, why_size, "%s", /* cut is fine */
                       status != 0 ? err.message : "another value");
    }
    expr_destroy(expr);
    arena_finish(&arena);
    return is_passed ? PASSED : FAILED;
}

static enum outcome run_parser(const struct value *test, char *why, size_t why_size)
{
    struct arena arena = ARENA_INIT;
    struct ast ast = AST_INIT;
    struct error err = {0};
    struct expr_fault fault = {0, 0};
    struct parser_options options = {.flags = PARSER_NO_OPTIONALS | PARSER_NO_QUOTED_NAMES,
                                     .max_depth = PARSER_CASES_DEPTH};
    if (!value_is(value_get(test, STR("expr")), VALUE_STRING)) {
        return UNREADABLE;
    }
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
    return is_passed ? PASSED : FAILED;
}

static void count(struct tally *tally, struct str name, enum outcome outcome)
{
    struct section *section = find_section(tally, name);
    section->passed += outcome == PASSED ? 1 : 0;
    section->failed += outcome == FAILED ? 1 : 0;
    section->unreadable += outcome == UNREADABLE ? 1 : 0;
}

static void run_line(struct str line, size_t number, struct tally *tally)
{
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    if (json_read(line, NULL, &document, &err) != 0 ||
        !value_is(document_root(document), VALUE_MAP)) {
        printf("UNREADABLE line %zu: no case: %s\n", number, err.message);
        count(tally, STR("(no case)"), UNREADABLE);
        return;
    }
    const struct value *test = document_root(document);
    bool is_parser = value_is(value_get(test, STR("parses")), VALUE_BOOL);
    struct str section = member(test, is_parser ? "suite" : "section");
    char why[1024] = "";
    enum outcome outcome = is_parser ? run_parser(test, why, sizeof(why))
                                     : run_evaluation(test, why, sizeof(why));
    count(tally, section, outcome);
    if (outcome == FAILED) {
        printf("FAIL line %zu: %.*s: %.*s: %s\n", number, STR_ARG(section),
               STR_ARG(member(test, "expr")), why);
    } else if (outcome == UNREADABLE) {
        printf("UNREADABLE line %zu: a value or a member is missing or of a kind that is not "
               "known\n",
               number);
    }
}

static int finish(const struct tally *tally)
{
    size_t passed = 0;
    size_t failed = 0;
    size_t unreadable = 0;
    for (size_t i = 0; i < MAX_SECTIONS; i++) {
        const struct section *section = &tally->sections[i];
        if (section->name[0] == '\0' && section->passed + section->failed == 0) {
            continue;
        }
        printf("%-20s %4zu passed %4zu failed\n", section->name, section->passed, section->failed);
        passed += section->passed;
        failed += section->failed;
        unreadable += section->unreadable;
    }
    printf("%zu passed, %zu failed, %zu unreadable\n", passed, failed, unreadable);
    if (unreadable > 0 || passed + failed == 0) {
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
    for (size_t number = 1; (n = getline(&line, &size, file)) > 0; number++) {
        struct str text = str_trim(str_make(line, (size_t)n));
        if (text.n > 0) {
            run_line(text, number, &tally);
        }
    }
    (void)fclose(file); /* only read */
    return finish(&tally);
}
