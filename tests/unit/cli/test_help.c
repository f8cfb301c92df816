/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/utf8.h"
#include "core/cli/command.h"
#include "core/cli/command_help.h"

enum { COLUMNS = 80 };

static void check_lines(const char *name, const struct strbuf *text)
{
    struct str rest = strbuf_str(text);
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        assert_non_null(end);
        size_t n = (size_t)(end - rest.p);
        if (utf8_count(rest.p, n) > COLUMNS || (n > 0 && rest.p[n - 1] == ' ')) {
            print_error("help of '%s': %.*s\n", name, (int)n, rest.p);
        }
        assert_true(utf8_count(rest.p, n) <= COLUMNS);
        assert_false(n > 0 && rest.p[n - 1] == ' ');
        rest = str_make(end + 1, rest.n - n - 1);
    }
}

static void check_width(void *user, const struct command *command)
{
    struct strbuf *text = user;
    strbuf_clear(text);
    command_help_append(command, text);
    assert_true(text->n > 0);
    check_lines(command->name, text);
}

static void test_help__fits_80_columns(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    command_help_append_overview(&text);
    check_lines("overview", &text);
    command_walk(check_width, &text);
    strbuf_finish(&text);
}

/* A help line is no sentence: it begins small and has no period. */
static void check_help_line(const char *line)
{
    size_t n = strlen(line);
    assert_true(n > 0);
    assert_false(line[0] >= 'A' && line[0] <= 'Z' && !(line[1] >= 'A' && line[1] <= 'Z'));
    assert_int_not_equal(line[n - 1], '.');
}

static void check_lines_of(void *user, const struct command *command)
{
    (void)user;
    check_help_line(command->summary);
    assert_true(command->min_operands <= command->max_operands);
    for (size_t k = 0; command->options != NULL && command->options[k].name != NULL; k++) {
        check_help_line(command->options[k].help);
    }
}

static void test_help__lines_read_alike(void **state)
{
    (void)state;
    command_walk(check_lines_of, NULL);
}

/* What has no verbs runs; a verb knows its command, and has none of its own. */
static void check_shape(void *user, const struct command *command)
{
    (void)user;
    assert_true(command->verbs != NULL || command->run != NULL);
    assert_true((command->run == NULL) == (command->usage == NULL));
    assert_true((command->parent == NULL) == (command->group != NULL));
    assert_true(command->parent == NULL || command->verbs == NULL);
    for (size_t i = 0; command->verbs != NULL && command->verbs[i] != NULL; i++) {
        assert_ptr_equal(command->verbs[i]->parent, command);
    }
}

static void test_help__commands_and_verbs_are_whole(void **state)
{
    (void)state;
    command_walk(check_shape, NULL);
}

static void test_help__every_command_is_in_the_overview_once(void **state)
{
    (void)state;
    struct strbuf text = STRBUF_INIT;
    command_help_append_overview(&text);
    for (size_t i = 0; command_table[i] != NULL; i++) {
        char row[64];
        (void)snprintf(row, sizeof(row), "\n  %s ", command_table[i]->name);
        const char *first = strstr(text.p, row);
        assert_non_null(first);
        assert_null(strstr(first + 1, row));
    }
    strbuf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help__fits_80_columns),
        cmocka_unit_test(test_help__lines_read_alike),
        cmocka_unit_test(test_help__commands_and_verbs_are_whole),
        cmocka_unit_test(test_help__every_command_is_in_the_overview_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
