/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/expr/parser.h"
#include "tests/support/failing_alloc.h"

/* What a parse gave; finish() it. */
struct parsed {
    struct arena arena;
    struct ast ast;
    struct expr_fault fault;
    struct error err;
    int status;
};

static struct parsed parse_with(struct str text, unsigned flags, uint32_t max_depth)
{
    struct parsed parsed = {.arena = ARENA_INIT};
    struct parser_options options = {.flags = flags, .max_depth = max_depth};
    parsed.status =
        parser_parse(text, &options, &parsed.arena, &parsed.ast, &parsed.fault, &parsed.err);
    return parsed;
}

static struct parsed parse(const char *text)
{
    return parse_with(str_from(text), 0, PARSER_MAX_DEPTH);
}

static void finish(struct parsed *parsed)
{
    ast_finish(&parsed->ast);
    arena_finish(&parsed->arena);
}

static void test_parser__accepts_the_whole_grammar(void **state)
{
    (void)state;
    static const char *const texts[] = {
        ".a.b(c)",
        "a.?b.c[?d].?e",
        "[?a, b, ?c,]",
        "{?'k': v, 'l': w,}",
        "google.protobuf.Any{type_url: 'x', ?value: y, `in`: z,}",
        ".pkg.Msg{}",
        "a.`b-c/d e.f`",
        "a ? b : c ? d : e",
        "(a ? b : c) ? d : e",
        "!!a && --b < - 1",
        "a || b && c || d",
        "a in b == c",
        "x.if.while(1)",
        "r'\\' + R\"\\\" + b'' + rb'x' + Br'yy' + '''z''' + \"\"\"z\n\"\"\"",
        " \t\r\n\f a // comment",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct parsed parsed = parse(texts[i]);
        if (parsed.status != 0) {
            fail_msg("%s: %s", texts[i], parsed.err.message);
        }
        finish(&parsed);
    }
}

static void test_parser__refuses_what_is_not_in_the_grammar(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "a b",
        "a +",
        "f(a,)",
        "[,]",
        "{,}",
        "{a}",
        "a[",
        "a.b[](c)",
        "a.1",
        "a.'b'",
        "!-a",
        "-!a",
        "a ? b",
        "a : b",
        "(a",
        "a)",
        "if",
        "x + for",
        "in",
        "a.in",
        "a.true",
        "0x",

        "1u2",
        "1e400",
        "18446744073709551616u",
        "9223372036854775808",
        "'\\u12'",
        "'\\ud800'",
        "'\\400'",
        "'\\q'",
        "b'\\u0041'",
        "'a\nb'",
        "'''a''",
        "`a`",
        "a.``",
        "a.`b$`",
        "a & b",
        "a | b",
        "a = b",
        "a; b",
        "@a",
        "M(){}",
        "M{}()",
        "M{1: 2}",
        "has(a)",
        "a.map(b.c, d)",
        "a.all(__result__, true)",
        "a.b{?c}",
        "a['b",
        "\"",
        "'\\",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct parsed parsed = parse(texts[i]);
        if (parsed.status != E_INVALID) {
            fail_msg("'%s' parsed", texts[i]);
        }
        assert_true(parsed.err.message[0] != '\0');
        assert_true(parsed.fault.offset + parsed.fault.length <= strlen(texts[i]));
        finish(&parsed);
    }
}

static void test_parser__knows_the_place_of_every_node(void **state)
{
    (void)state;
    struct parsed parsed = parse("  (a + b.cd) * -5 == f( x )");
    assert_int_equal(parsed.status, 0);
    const struct ast_node *equal = ast_at(&parsed.ast, parsed.ast.root);
    assert_int_equal(equal->kind, AST_BINARY);
    assert_int_equal(equal->op, AST_EQUAL);
    assert_int_equal(equal->offset, 2);
    assert_int_equal(equal->length, 25);
    const struct ast_node *product = ast_child(&parsed.ast, equal, 0);
    assert_int_equal(product->op, AST_MULTIPLY);
    assert_int_equal(product->offset, 2);
    assert_int_equal(product->length, 15);
    const struct ast_node *sum = ast_child(&parsed.ast, product, 0);
    assert_int_equal(sum->offset, 3);
    assert_int_equal(sum->length, 8);
    const struct ast_node *select = ast_child(&parsed.ast, sum, 1);
    assert_int_equal(select->kind, AST_SELECT);
    assert_true(str_equal_text(select->name, "cd"));
    const struct ast_node *five = ast_child(&parsed.ast, product, 1);
    assert_int_equal(five->kind, AST_LITERAL);
    assert_int_equal(parsed.ast.literals[five->first].as.integer, -5);
    assert_int_equal(five->offset, 15);
    assert_int_equal(five->length, 2);
    const struct ast_node *call = ast_child(&parsed.ast, equal, 1);
    assert_int_equal(call->kind, AST_CALL);
    assert_int_equal(call->offset, 21);
    assert_int_equal(call->length, 6);
    finish(&parsed);
}

static void test_parser__gathers_logic_in_one_node(void **state)
{
    (void)state;
    struct parsed parsed = parse("a && b && c || d");
    assert_int_equal(parsed.status, 0);
    const struct ast_node *any = ast_at(&parsed.ast, parsed.ast.root);
    assert_int_equal(any->kind, AST_OR);
    assert_int_equal(any->count, 2);
    assert_int_equal(ast_child(&parsed.ast, any, 0)->kind, AST_AND);
    assert_int_equal(ast_child(&parsed.ast, any, 0)->count, 3);
    finish(&parsed);
}

/* `n` times `open`, then "a", then `n` times `close`. */
static struct strbuf nest(const char *open, const char *close, size_t n)
{
    struct strbuf text = STRBUF_INIT;
    for (size_t i = 0; i < n; i++) {
        strbuf_append_text(&text, open);
    }
    strbuf_append_char(&text, 'a');
    for (size_t i = 0; i < n; i++) {
        strbuf_append_text(&text, close);
    }
    return text;
}

static void test_parser__depth_is_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *open;
        const char *close;
        size_t good; /* times */
    } rows[] = {
        {"[", "]", 249},   {"(", ")", 249},  {"f(", ")", 249},       {"{1:", "}", 249},
        {"", ".b", 249},   {"", "[0]", 249}, {"", "+a", 249},        {"", "?a:a", 249},
        {"a?a:", "", 249}, {"[-", "]", 124}, {"x.map(y,", ")", 249},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct strbuf text = nest(rows[i].open, rows[i].close, rows[i].good);
        struct parsed parsed = parse_with(strbuf_str(&text), 0, PARSER_MAX_DEPTH);
        if (parsed.status != 0) {
            fail_msg("%s%s: %s", rows[i].open, rows[i].close, parsed.err.message);
        }
        finish(&parsed);
        strbuf_finish(&text);
        text = nest(rows[i].open, rows[i].close, 5000);
        parsed = parse_with(strbuf_str(&text), 0, PARSER_MAX_DEPTH);
        assert_int_equal(parsed.status, E_LIMIT);
        assert_string_equal(parsed.err.message,
                            "the expression is nested more than 250 levels deep");
        finish(&parsed);
        strbuf_finish(&text);
    }
    struct strbuf many = nest("!", "", 60000);
    struct parsed parsed = parse_with(strbuf_str(&many), 0, PARSER_MAX_DEPTH);
    assert_int_equal(parsed.status, 0);
    finish(&parsed);
    strbuf_finish(&many);
    many = nest("a&&", "", 20000);
    parsed = parse_with(strbuf_str(&many), 0, PARSER_MAX_DEPTH);
    assert_int_equal(parsed.status, 0);
    finish(&parsed);
    strbuf_finish(&many);
}

static void test_parser__refuses_text_that_is_too_long_or_not_utf8(void **state)
{
    (void)state;
    struct strbuf text = nest(" ", "", PARSER_MAX_TEXT_BYTES);
    struct parsed parsed = parse_with(strbuf_str(&text), 0, PARSER_MAX_DEPTH);
    assert_int_equal(parsed.status, E_LIMIT);
    assert_string_equal(parsed.err.message, "an expression may have at most 65536 bytes");
    finish(&parsed);
    strbuf_finish(&text);
    parsed = parse("'a\xff'");
    assert_int_equal(parsed.status, E_INVALID);
    assert_int_equal(parsed.fault.offset, 2);
    finish(&parsed);
    parsed = parse_with(str_make("a\0b", 3), 0, PARSER_MAX_DEPTH);
    assert_int_equal(parsed.status, E_INVALID);
    assert_int_equal(parsed.fault.offset, 1);
    finish(&parsed);
}

static void test_parser__options_take_syntax_away(void **state)
{
    (void)state;
    static const char *const optionals[] = {"a.?b", "a[?b]", "[?a]", "{?a: b}", "M{?a: b}"};
    for (size_t i = 0; i < sizeof(optionals) / sizeof(optionals[0]); i++) {
        struct parsed parsed = parse_with(str_from(optionals[i]), PARSER_NO_OPTIONALS, 32);
        assert_int_equal(parsed.status, E_INVALID);
        finish(&parsed);
    }
    struct parsed parsed = parse_with(STR("a.`b`"), PARSER_NO_QUOTED_NAMES, 32);
    assert_int_equal(parsed.status, E_INVALID);
    finish(&parsed);
}

static void test_parser__survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        failing_alloc_arm(n);
        struct parsed parsed = parse("[a.b('x', -1.5), {?c: [1, 2, 3]}, d ? e[0] : f.map(g, g)]"
                                     " == h && i || !j");
        bool is_reached = failing_alloc_disarm();
        int status = parsed.status;
        finish(&parsed);
        if (!is_reached) {
            assert_int_equal(status, 0);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parser__accepts_the_whole_grammar),
        cmocka_unit_test(test_parser__refuses_what_is_not_in_the_grammar),
        cmocka_unit_test(test_parser__knows_the_place_of_every_node),
        cmocka_unit_test(test_parser__gathers_logic_in_one_node),
        cmocka_unit_test(test_parser__depth_is_bounded),
        cmocka_unit_test(test_parser__refuses_text_that_is_too_long_or_not_utf8),
        cmocka_unit_test(test_parser__options_take_syntax_away),
        cmocka_unit_test(test_parser__survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
