/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <unistd.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/command_help.h"
#include "tests/unit/cli/capture.h"

static int run_nothing(const struct command_args *args)
{
    (void)args;
    return EXIT_DONE;
}

static const struct command_option options[] = {
    {"set", 'i', "KEY=VALUE", "set one key", true},
    {"input", 0, "FILE", "read the input", false},
    {"json", 0, NULL, "print JSON", false},
    {"quiet", 'q', NULL, "say less", false},
    {"an-option-with-a-long-name", 0, "VALUE", "has a line of its own", false},
    {NULL, 0, NULL, NULL, false},
};

static const struct command cmd_work = {
    .name = "work",
    .group = "Do things",
    .summary = "do a thing",
    .usage = "FILE [-i KEY=VALUE]...",
    .details = "Two paragraphs,\nin lines.",
    .options = options,
    .min_operands = 1,
    .max_operands = 2,
    .run = run_nothing,
};

static const struct command cmd_rest = {
    .name = "rest",
    .group = "Do nothing",
    .summary = "do nothing",
    .usage = "",
    .max_operands = SIZE_MAX,
    .run = run_nothing,
};

static const struct command cmd_tool;

static const struct command_option list_options[] = {
    {"all", 'a', NULL, "all of them", false},
    {NULL, 0, NULL, NULL, false},
};

static const struct command_option use_options[] = {
    {"times", 't', "N", "so often", false},
    {"quiet", 'q', NULL, "say less", false},
    {NULL, 0, NULL, NULL, false},
};

static const struct command cmd_tool_list = {
    .name = "list",
    .parent = &cmd_tool,
    .summary = "list tools",
    .usage = "[--all]",
    .options = list_options,
    .run = run_nothing,
};

static const struct command cmd_tool_use = {
    .name = "use",
    .parent = &cmd_tool,
    .summary = "use a tool",
    .usage = "NAME",
    .options = use_options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_nothing,
};

static const struct command cmd_tool_buy = {
    .name = "buy",
    .parent = &cmd_tool,
    .summary = "buy a tool",
    .usage = "NAME",
    .options = use_options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_nothing,
};

static const struct command *const tool_verbs[] = {&cmd_tool_list, &cmd_tool_use, &cmd_tool_buy,
                                                   NULL};

static const struct command cmd_tool = {
    .name = "tool",
    .group = "Do things",
    .summary = "work with tools",
    .details = "Tools are sharp.",
    .verbs = tool_verbs,
};

/* A command that does something without a verb, too. */
static const struct command cmd_show;

static const struct command cmd_show_off = {
    .name = "off",
    .parent = &cmd_show,
    .summary = "end showing",
    .usage = "",
    .run = run_nothing,
};

static const struct command *const show_verbs[] = {&cmd_show_off, NULL};

static const struct command cmd_show = {
    .name = "show",
    .group = "Look",
    .summary = "show things",
    .usage = "[--all]",
    .options = list_options,
    .run = run_nothing,
    .verbs = show_verbs,
};

const struct command *const command_table[] = {&cmd_work, &cmd_tool, &cmd_rest, &cmd_show, NULL};

enum { MOST_WORDS = 600 };

static int parse(const struct command *command, struct command_args *args, const char *const *words,
                 char **out_said)
{
    int argc = 0;
    char *argv[MOST_WORDS];
    for (; words[argc] != NULL; argc++) {
        argv[argc] = (char *)(uintptr_t)words[argc]; /* as main's: never written to */
    }
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    int code = command_parse(command, argc, argv, args);
    *out_said = capture_end(&capture);
    return code;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check_refused(const char *const *words, const char *wanted)
{
    struct command_args args;
    char *said = NULL;
    assert_int_equal(parse(&cmd_work, &args, words, &said), EXIT_USAGE);
    assert_string_equal(said, wanted);
    free(said);
}

static void check_taken(const char *const *words, struct command_args *args)
{
    char *said = NULL;
    assert_int_equal(parse(&cmd_work, args, words, &said), EXIT_DONE);
    assert_string_equal(said, "");
    free(said);
}

static void test_command__usage_errors_say_what_and_where_to_look(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *said;
    } cases[] = {
        {{NULL}, "an argument is missing: opstream work FILE [-i KEY=VALUE]..."},
        {{"a", "b", "c"}, "'c' is one argument too many"},
        {{"a", "--jsn"}, "unknown option '--jsn', did you mean '--json'?"},
        {{"a", "--jsn=1"}, "unknown option '--jsn', did you mean '--json'?"},
        {{"a", "--zzzzzz"}, "unknown option '--zzzzzz'"},
        {{"a", "-z"}, "unknown option '-z'"},
        {{"a", "-qz"}, "unknown option '-z'"},
        {{"a", "--json=yes"}, "option '--json' takes no value"},
        {{"a", "--input"}, "option '--input' needs a value: FILE"},
        {{"a", "-i"}, "option '--set' needs a value: KEY=VALUE"},
        {{"--input=x", "--input", "y"}, "option '--input' is given twice"},
        {{"a", "--\033[2J"}, "unknown option '--\\x1b[2J'"},
        {{"a", "b", "\xE2\x80\xAEx"}, "'\\u202ex' is one argument too many"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char wanted[256];
        const char *said = cases[i].said;
        (void)snprintf(wanted, sizeof(wanted), "opstream work: %s%s try 'opstream help work'\n",
                       said, said[strlen(said) - 1] == '?' ? "" : ";");
        check_refused(cases[i].words, wanted);
    }
}

static void test_command__options_stand_anywhere(void **state)
{
    (void)state;
    struct command_args args;
    check_taken(WORDS("-i", "a=1", "file", "--json", "-ib=2", "-qic=3", "--input=x=y"), &args);
    assert_int_equal(args.operand_count, 1);
    assert_string_equal(args.operands[0], "file");
    assert_true(command_has(&args, "json"));
    assert_true(command_has(&args, "quiet"));
    assert_string_equal(command_value(&args, "input"), "x=y");
    assert_string_equal(command_value_at(&args, "set", 0), "a=1");
    assert_string_equal(command_value_at(&args, "set", 1), "b=2");
    assert_string_equal(command_value_at(&args, "set", 2), "c=3");
    assert_null(command_value_at(&args, "set", 3));
    assert_string_equal(command_value(&args, "set"), "c=3");
}

static void test_command__what_is_not_given_is_not_there(void **state)
{
    (void)state;
    struct command_args args;
    check_taken(WORDS("file", "--json", "--json"), &args);
    assert_false(command_has(&args, "quiet"));
    assert_null(command_value(&args, "input"));
}

static void test_command__two_dashes_end_the_options(void **state)
{
    (void)state;
    struct command_args args;
    check_taken(WORDS("--", "--json", "-q"), &args);
    assert_int_equal(args.operand_count, 2);
    assert_string_equal(args.operands[0], "--json");
    assert_string_equal(args.operands[1], "-q");
    assert_false(command_has(&args, "json"));
}

static void test_command__one_dash_is_an_operand(void **state)
{
    (void)state;
    struct command_args args;
    check_taken(WORDS("-", "--input", "-"), &args);
    assert_string_equal(args.operands[0], "-");
    assert_string_equal(command_value(&args, "input"), "-");
}

static void test_command__too_many_words_are_refused(void **state)
{
    (void)state;
    const char *words[MOST_WORDS + 1] = {"file"};
    for (size_t i = 1; i < COMMAND_MAX_VALUES + 2; i++) {
        words[i] = "-ia=1";
    }
    check_refused(words, "opstream work: more than 256 options; try 'opstream help work'\n");
    for (size_t i = 0; i < COMMAND_MAX_VALUES + 1; i++) {
        words[i] = "file";
    }
    words[COMMAND_MAX_VALUES + 1] = NULL;
    struct command_args args;
    char *said = NULL;
    assert_int_equal(parse(&cmd_rest, &args, words, &said), EXIT_USAGE);
    assert_string_equal(said, "opstream rest: more than 256 arguments; try 'opstream help rest'\n");
    free(said);
}

static void check_unknown(const char *const *words, size_t count, const char *wanted)
{
    const struct command *command = NULL;
    size_t verb = 0;
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    int code = command_resolve(words, count, &command, &verb);
    char *said = capture_end(&capture);
    assert_int_equal(code, EXIT_USAGE);
    assert_null(command);
    assert_string_equal(said, wanted);
    free(said);
}

static void test_command__an_unknown_one_gets_a_suggestion(void **state)
{
    (void)state;
    check_unknown(WORDS("wrok"), 1,
                  "opstream: unknown command 'wrok', did you mean 'work'? try 'opstream help'\n");
    check_unknown(WORDS("x\033"), 1, "opstream: unknown command 'x\\x1b'; try 'opstream help'\n");
    check_unknown(WORDS("tool", "lsit"), 2,
                  "opstream tool: unknown verb 'lsit', did you mean 'list'? try 'opstream help "
                  "tool'\n");
    check_unknown(WORDS("tool", "\033"), 2,
                  "opstream tool: unknown verb '\\x1b', there is: list, use, buy; try 'opstream "
                  "help tool'\n");
    check_unknown(WORDS("show", "of"), 2,
                  "opstream show: unknown verb 'of', did you mean 'off'? try 'opstream help "
                  "show'\n");
    check_unknown(WORDS("tool", "-a", "lsit"), 3,
                  "opstream tool: unknown verb 'lsit', did you mean 'list'? try 'opstream help "
                  "tool'\n");
    check_unknown(WORDS("tool", "-"), 2,
                  "opstream tool: unknown verb '-', there is: list, use, buy; try 'opstream help "
                  "tool'\n");
}

static void check_resolved(const char *const *words, size_t count, const struct command *wanted,
                           size_t wanted_verb)
{
    const struct command *command = NULL;
    size_t verb = 9;
    assert_int_equal(command_resolve(words, count, &command, &verb), EXIT_DONE);
    assert_ptr_equal(command, wanted);
    assert_int_equal(verb, wanted_verb);
}

static void test_command__the_first_words_name_it(void **state)
{
    (void)state;
    check_resolved(WORDS("work", "list"), 2, &cmd_work, 0);
    check_resolved(WORDS("tool"), 1, &cmd_tool, 0);
    check_resolved(WORDS("tool", "--help"), 2, &cmd_tool, 0);
    check_resolved(WORDS("tool", "list", "-a"), 3, &cmd_tool_list, 1);
    check_resolved(WORDS("tool", "use"), 2, &cmd_tool_use, 1);
    check_resolved(WORDS("show", "-a"), 2, &cmd_show, 0);
    check_resolved(WORDS("show", "off"), 2, &cmd_show_off, 1);
}

static void test_command__options_may_stand_before_the_verb(void **state)
{
    (void)state;
    check_resolved(WORDS("tool", "-a", "list"), 3, &cmd_tool_list, 2);
    check_resolved(WORDS("tool", "--times", "list", "use"), 4, &cmd_tool_use, 3);
    check_resolved(WORDS("tool", "--times=2", "use"), 3, &cmd_tool_use, 2);
    check_resolved(WORDS("tool", "-t", "list", "use"), 4, &cmd_tool_use, 3);
    check_resolved(WORDS("tool", "-qt", "list", "use"), 4, &cmd_tool_use, 3);
    check_resolved(WORDS("tool", "-t2", "use"), 3, &cmd_tool_use, 2);
    check_resolved(WORDS("tool", "-tq", "use"), 3, &cmd_tool_use, 2);
    check_resolved(WORDS("tool", "--none", "use"), 3, &cmd_tool_use, 2);
    check_resolved(WORDS("tool", "--times"), 2, &cmd_tool, 0);
    check_resolved(WORDS("tool", "--times", "use"), 3, &cmd_tool, 0);
    check_resolved(WORDS("tool", "--", "use"), 3, &cmd_tool_use, 2);
    check_resolved(WORDS("tool", "--"), 2, &cmd_tool, 0);
    check_resolved(WORDS("show", "-a", "off"), 3, &cmd_show_off, 2);
}

static void check_said(const struct command *command, const char *const *words, int wanted_code,
                       const char *wanted)
{
    struct command_args args;
    char *said = NULL;
    assert_int_equal(parse(command, &args, words, &said), wanted_code);
    assert_string_equal(said, wanted);
    free(said);
}

static void test_command__a_verb_has_options_of_its_own(void **state)
{
    (void)state;
    check_said(&cmd_tool_list, WORDS("--all"), EXIT_DONE, "");
    check_said(&cmd_tool_list, WORDS("--al"), EXIT_USAGE,
               "opstream tool list: unknown option '--al', did you mean '--all'? try 'opstream "
               "help tool list'\n");
    check_said(&cmd_tool_use, WORDS("--none"), EXIT_USAGE,
               "opstream tool use: unknown option '--none'; try 'opstream help tool use'\n");
    check_said(&cmd_tool_use, WORDS(NULL), EXIT_USAGE,
               "opstream tool use: an argument is missing: opstream tool use NAME; try 'opstream "
               "help tool use'\n");
    check_said(&cmd_tool, WORDS("--all"), EXIT_USAGE,
               "opstream tool: a verb is missing: list, use, buy; try 'opstream help tool'\n");
    check_said(&cmd_show, WORDS("--all"), EXIT_DONE, "");
}

static void test_command__an_option_of_another_verb_says_of_which(void **state)
{
    (void)state;
    check_said(&cmd_tool_use, WORDS("x", "--all"), EXIT_USAGE,
               "opstream tool use: option '--all' goes with 'tool list'; try 'opstream help tool "
               "use'\n");
    check_said(&cmd_tool_use, WORDS("x", "--all=1"), EXIT_USAGE,
               "opstream tool use: option '--all' goes with 'tool list'; try 'opstream help tool "
               "use'\n");
    check_said(&cmd_tool_list, WORDS("-aq"), EXIT_USAGE,
               "opstream tool list: option '-q' goes with 'tool use', 'tool buy'; try 'opstream "
               "help tool list'\n");
    check_said(&cmd_show_off, WORDS("-a"), EXIT_USAGE,
               "opstream show off: option '-a' goes with 'show'; try 'opstream help show off'\n");
}

static void add_name(void *user, const struct command *command)
{
    struct strbuf *names = user;
    command_append_name(command, names);
    strbuf_append_char(names, ';');
}

static void test_command__a_walk_sees_all_of_them(void **state)
{
    (void)state;
    struct strbuf names = STRBUF_INIT;
    command_walk(add_name, &names);
    assert_string_equal(names.p, "work;tool;tool list;tool use;tool buy;rest;show;show off;");
    strbuf_finish(&names);
}

static void test_command__is_found_by_its_name(void **state)
{
    (void)state;
    assert_ptr_equal(command_find(NULL, "rest"), &cmd_rest);
    assert_null(command_find(NULL, "res"));
    assert_null(command_find(NULL, ""));
    assert_ptr_equal(command_find(&cmd_tool, "use"), &cmd_tool_use);
    assert_null(command_find(&cmd_tool, "rest"));
}

static void test_command__a_long_message_is_cut_at_a_character(void **state)
{
    (void)state;
    static char text[10001];
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        text[i] = i % 2 == 0 ? '\xC3' : '\xA9';
    }
    struct capture capture;
    capture_begin(&capture, STDERR_FILENO);
    int code = command_error(EXIT_INVALID, "x%s", text);
    char *said = capture_end(&capture);
    assert_int_equal(code, EXIT_INVALID);
    assert_int_equal(strlen(said), strlen("opstream: x") + 8190 + strlen("...\n"));
    assert_string_equal(said + strlen(said) - 6, "\xC3\xA9...\n");
    free(said);
}

static void test_command__help_comes_from_the_table(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    command_help_append(&cmd_work, &out);
    assert_string_equal(out.p, "usage: opstream work FILE [-i KEY=VALUE]...\n\n"
                               "do a thing\n\n"
                               "Two paragraphs,\nin lines.\n\n"
                               "  -i, --set KEY=VALUE     set one key\n"
                               "  --input FILE            read the input\n"
                               "  --json                  print JSON\n"
                               "  -q, --quiet             say less\n"
                               "  --an-option-with-a-long-name VALUE\n"
                               "                          has a line of its own\n");
    strbuf_clear(&out);
    command_help_append(&cmd_rest, &out);
    assert_string_equal(out.p, "usage: opstream rest\n\ndo nothing\n");
    strbuf_finish(&out);
}

static void test_command__help_lists_the_verbs(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    command_help_append(&cmd_tool, &out);
    assert_string_equal(out.p, "usage: opstream tool VERB [ARGUMENT]...\n\n"
                               "work with tools\n\n"
                               "Tools are sharp.\n\n"
                               "  list                    list tools\n"
                               "  use                     use a tool\n"
                               "  buy                     buy a tool\n\n"
                               "'opstream help tool VERB' tells more.\n");
    strbuf_clear(&out);
    command_help_append(&cmd_tool_list, &out);
    assert_string_equal(out.p, "usage: opstream tool list [--all]\n\n"
                               "list tools\n\n"
                               "  -a, --all               all of them\n");
    strbuf_clear(&out);
    command_help_append(&cmd_show, &out);
    assert_string_equal(out.p, "usage: opstream show [--all]\n"
                               "       opstream show VERB [ARGUMENT]...\n\n"
                               "show things\n\n"
                               "  off                     end showing\n\n"
                               "'opstream help show VERB' tells more.\n\n"
                               "  -a, --all               all of them\n");
    strbuf_finish(&out);
}

static void test_command__the_overview_groups_the_commands(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    command_help_append_overview(&out);
    assert_non_null(strstr(out.p, "\nDo things\n  work                    do a thing\n"
                                  "  tool                    work with tools\n"
                                  "\nDo nothing\n  rest                    do nothing\n"));
    strbuf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command__usage_errors_say_what_and_where_to_look),
        cmocka_unit_test(test_command__options_stand_anywhere),
        cmocka_unit_test(test_command__what_is_not_given_is_not_there),
        cmocka_unit_test(test_command__two_dashes_end_the_options),
        cmocka_unit_test(test_command__one_dash_is_an_operand),
        cmocka_unit_test(test_command__too_many_words_are_refused),
        cmocka_unit_test(test_command__an_unknown_one_gets_a_suggestion),
        cmocka_unit_test(test_command__the_first_words_name_it),
        cmocka_unit_test(test_command__options_may_stand_before_the_verb),
        cmocka_unit_test(test_command__a_verb_has_options_of_its_own),
        cmocka_unit_test(test_command__an_option_of_another_verb_says_of_which),
        cmocka_unit_test(test_command__a_walk_sees_all_of_them),
        cmocka_unit_test(test_command__is_found_by_its_name),
        cmocka_unit_test(test_command__a_long_message_is_cut_at_a_character),
        cmocka_unit_test(test_command__help_comes_from_the_table),
        cmocka_unit_test(test_command__help_lists_the_verbs),
        cmocka_unit_test(test_command__the_overview_groups_the_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
