/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/model/assert_yaml.h"

#define NO_BLANK                                                                                   \
    "error: a comment needs a blank before its '#'\n  put text with '#' in it in quotes\n"
#define NOT_INDENTED "error: this line goes on with a value, but is not indented\n"
#define TAB          "error: a tab is used for indentation\n  use spaces\n"
#define NAMES                                                                                      \
    "error: names of anchors and aliases have letters, digits, '-' and '_' only\n"                 \
    "  put a blank behind the name, or the value in quotes\n"

static void test_yaml_layout__wants_a_blank_before_comments(void **state)
{
    (void)state;
    assert_yaml("a: \"b\"# c\n", "t.yaml:1:7: " NO_BLANK);
    assert_yaml("a: 'b'#c\n", "t.yaml:1:7: " NO_BLANK);
    assert_yaml("a: [b, c]#d\n", "t.yaml:1:10: " NO_BLANK);
    assert_yaml("a: {b: c,#d\n }\n", "t.yaml:1:10: " NO_BLANK);
    assert_yaml("a: |#b\n  c\n", "t.yaml:1:5: " NO_BLANK);
    assert_yaml("a: >-# b\n  c\n", "t.yaml:1:6: " NO_BLANK);
    assert_yaml("é: \"b\"# c\n", "t.yaml:1:7: " NO_BLANK);
    assert_yaml("%YAML 1.2#x\n--- a\n", "t.yaml:1:10: " NO_BLANK);
}

static void test_yaml_layout__leaves_other_hashes_alone(void **state)
{
    (void)state;
    assert_yaml("#x\na: b#c # [\n#y\nd: '#' #z#\n", "2:1 {2:1 a: 2:4 \"b#c\", 4:1 d: 4:4 \"#\"}");
    assert_yaml("a: |1 #b\n #c\n#d", "1:1 {1:1 a: 1:4 \"#c\n\"}");
    assert_yaml("a: [ #b\n #c\n d#e, #f\n] #g\n", "1:1 {1:1 a: 1:4 [3:2 \"d#e\"]}");
    assert_yaml("%YAML 1.2 #x\n--- #y\na: \"x\n  # y\"\n", "3:1 {3:1 a: 3:4 \"x # y\"}");
    assert_yaml("a: &x #b\n  c\nd: *x\n", "1:1 {1:1 a: 2:3 \"c\", 3:1 d: 2:3 \"c\"}");
}

static void test_yaml_layout__wants_lines_of_one_value_indented(void **state)
{
    (void)state;
    assert_yaml("a: \"b\nc\"\n", "t.yaml:2:1: " NOT_INDENTED "  indent it with 1 blank or more\n");
    assert_yaml("a: 'b\nc'\n", "t.yaml:2:1: " NOT_INDENTED "  indent it with 1 blank or more\n");
    assert_yaml("a:\n  b: 'c\n\n  d'\n",
                "t.yaml:4:3: " NOT_INDENTED "  indent it with 3 blanks or more\n");
    assert_yaml("a:\n- - b: [c,\n  d]\n",
                "t.yaml:3:3: " NOT_INDENTED "  indent it with 5 blanks or more\n");
    assert_yaml("a:\n- [b,\nc]\n",
                "t.yaml:3:1: " NOT_INDENTED "  indent it with 1 blank or more\n");
    assert_yaml("a: &x\n  - {b:\n  c}\n",
                "t.yaml:3:3: " NOT_INDENTED "  indent it with 3 blanks or more\n");
    assert_yaml("a: &x\n- {b: c\nd: e}\n",
                "t.yaml:3:2: error: a ',' or a bracket is missing before this, or the key and "
                "its ':' are not on one line\n  the '{' at 2:3 is still open\n");
    assert_yaml("a: [b\nc]\n", "t.yaml:2:1: " NOT_INDENTED "  indent it with 1 blank or more\n");
}

static void test_yaml_layout__wants_spaces_for_it(void **state)
{
    (void)state;
    assert_yaml("a: \"b\n\tc\"\n", "t.yaml:2:1: " TAB);
    assert_yaml("a: [\n\tb]\n", "t.yaml:2:1: " TAB);
    assert_yaml("a:\n  b: [\n  \tc]\n", "t.yaml:3:3: " TAB);
    assert_yaml("a: \"b\n \tc\"\n", "1:1 {1:1 a: 1:4 \"b c\"}");
}

static void test_yaml_layout__takes_what_is_indented_enough(void **state)
{
    (void)state;
    assert_yaml("\"a\nb\"\n", "1:1 \"a b\"");
    assert_yaml("{\na: b\n}\n", "1:1 {2:1 a: 2:4 \"b\"}");
    assert_yaml("a: [b,\n\n\t\n#c\n d\n]\n", "1:1 {1:1 a: 1:4 [1:5 \"b\", 5:2 \"d\"]}");
    assert_yaml("- a: {\n    b: c\n  }\n- [\n  d\n]\n",
                "1:1 [1:3 {1:3 a: 1:6 {2:5 b: 2:8 \"c\"}}, 4:3 [5:3 \"d\"]]");
    assert_yaml("a:\r\n  b: \"c\r\n   d\"\r\n", "1:1 {1:1 a: 2:3 {2:3 b: 2:6 \"c d\"}}");
    assert_yaml("a: &x\n  b: \"c\n   d\"\n", "1:1 {1:1 a: 1:4 {2:3 b: 2:6 \"c d\"}}");
    assert_yaml("a: &x\n- \"c\n d\"\n", "1:1 {1:1 a: 1:4 [2:3 \"c d\"]}");
}

static void test_yaml_layout__bounds_blank_lines_above_text(void **state)
{
    (void)state;
    assert_yaml("a: |\n    \n  b\n",
                "t.yaml:3:3: error: a blank line above this one is indented deeper than the "
                "text\n  remove the blanks of that line\n");
    assert_yaml("a: |2\n    \n  b\n", "1:1 {1:1 a: 1:4 \"  \nb\n\"}");
    assert_yaml("a: |\n    \nb: c\n", "1:1 {1:1 a: 1:4 \"\", 3:1 b: 3:4 \"c\"}");
    assert_yaml("a: |\n\n  b\n    \n  c\n", "1:1 {1:1 a: 1:4 \"\nb\n  \nc\n\"}");
}

static void test_yaml_layout__knows_what_is_no_text_in_brackets(void **state)
{
    (void)state;
    assert_yaml("[-, a]\n", "t.yaml:1:2: error: a '-' is no value within '[]' and '{}'\n"
                            "  put it in quotes\n");
    assert_yaml("{a: -}\n", "t.yaml:1:5: error: a '-' is no value within '[]' and '{}'\n"
                            "  put it in quotes\n");
    assert_yaml("[?a]\n", "t.yaml:1:2: error: plain text within '[]' and '{}' cannot begin with "
                          "'?'\n  put it in quotes\n");
    assert_yaml("[:a]\n", "t.yaml:1:2: error: plain text within '[]' and '{}' cannot begin with "
                          "':'\n  put the value in quotes\n");
    assert_yaml("[a:,]\n", "t.yaml:1:3: error: a ':' within '[]' and '{}' needs a blank behind it\n"
                           "  put text with ':' in it in quotes\n");
    assert_yaml("[-a, '-', '?', a?, a:b, -1]\n",
                "1:1 [1:2 \"-a\", 1:6 \"-\", 1:11 \"?\", 1:16 \"a?\", 1:20 \"a:b\", 1:25 -1]");
}

static void test_yaml_layout__bounds_names_of_anchors(void **state)
{
    (void)state;
    assert_yaml("a: &b:c d\n", "t.yaml:1:6: " NAMES);
    assert_yaml("&a: b: c\n", "t.yaml:1:3: " NAMES);
    assert_yaml("a: &b 1\n*b: c\n", "t.yaml:2:3: " NAMES);
    assert_yaml("a: &é b\n", "t.yaml:1:5: error: names of anchors and aliases have letters, "
                             "digits, '-' and '_' only\n"
                             "  put a value that begins with '&' or '*' in quotes\n");
    assert_yaml("a: [&b-1_c x, *b-1_c, &d ]\n",
                "1:1 {1:1 a: 1:4 [1:12 \"x\", 1:12 \"x\", 1:25 null]}");
}

static void test_yaml_layout__says_what_is_not_supported(void **state)
{
    (void)state;
    assert_yaml("%FOO bar\n---\na: b\n",
                "t.yaml:1:5: error: directives are not supported\n"
                "  leave the line that begins with '%' out, or indent it when it is text\n");
    assert_yaml("%YAML 1.3\n---\na: b\n",
                "t.yaml:1:1: error: no other YAML than 1.1 and 1.2 is supported\n"
                "  leave the '%YAML' line out\n");
    assert_yaml(": b\n", "t.yaml:1:1: error: a key must be text, and there is none before this "
                         "':'\n  put text that begins with ':' in quotes\n");
    assert_yaml("{ \"a\"\n  : b }\n",
                "t.yaml:2:3: error: a ',' or a bracket is missing before this, or the key and "
                "its ':' are not on one line\n  the '{' at 1:1 is still open\n");
    assert_yaml(
        "-\ta\n",
        "t.yaml:1:2: error: a tab is not allowed here\n  indent with spaces, not with tabs\n");
    assert_yaml("--- |\na\n", "t.yaml:2:1: error: text of '|' and '>' must be indented\n"
                              "  indent it with 1 blank or more\n");
    assert_yaml("a: b\n...\nc: d\n", "t.yaml:3:1: error: a second document begins here\n"
                                     "  put several pipelines under 'workflows:'\n");
    assert_yaml("...\n", "t.yaml:1:1: error: there is no pipeline in it: the file is empty\n");
}

static void test_yaml_layout__ends_the_last_line(void **state)
{
    (void)state;
    assert_yaml("a: |\n  b", "1:1 {1:1 a: 1:4 \"b\n\"}");
    assert_yaml("a: |+\n  b\n\n", "1:1 {1:1 a: 1:4 \"b\n\n\"}");
    assert_yaml("a: b", "1:1 {1:1 a: 1:4 \"b\"}");
    assert_yaml(
        "a: [b",
        "t.yaml:1:6: error: a ',' or ']' is missing before this\n  the '[' at 1:4 is still open\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_layout__wants_a_blank_before_comments),
        cmocka_unit_test(test_yaml_layout__leaves_other_hashes_alone),
        cmocka_unit_test(test_yaml_layout__wants_lines_of_one_value_indented),
        cmocka_unit_test(test_yaml_layout__wants_spaces_for_it),
        cmocka_unit_test(test_yaml_layout__takes_what_is_indented_enough),
        cmocka_unit_test(test_yaml_layout__bounds_blank_lines_above_text),
        cmocka_unit_test(test_yaml_layout__knows_what_is_no_text_in_brackets),
        cmocka_unit_test(test_yaml_layout__bounds_names_of_anchors),
        cmocka_unit_test(test_yaml_layout__says_what_is_not_supported),
        cmocka_unit_test(test_yaml_layout__ends_the_last_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
