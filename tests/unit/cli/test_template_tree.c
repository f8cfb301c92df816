/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/template_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "tests/support/failing_alloc.h"

static const struct template_word words[] = {{"ID", {"acme.thing", 10}}, {"EMPTY", {"", 0}}};
enum { WORDS = sizeof words / sizeof words[0] };

static char folder[64]; /* the test's own */

static const char *at(const char *name)
{
    static char path[2][256];
    static int next;
    next = 1 - next;
    (void)snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_file(const char *name, const char *text)
{
    char found[256] = "";
    FILE *file = fopen(at(name), "r");
    assert_non_null(file);
    size_t n = fread(found, 1, sizeof found - 1, file);
    assert_in_range(n, 1, sizeof found - 1);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(found, text);
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/opstream-template-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)mkdir(at("from"), 0755);
    (void)mkdir(at("from/dot-hidden"), 0755);
    put("from/a.txt", "of @ID@@EMPTY@, a@b, @ID, @");
    put("from/dot-hidden/run", "#!/bin/sh\n");
    return 0;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static int copy(struct error *err)
{
    size_t files = 0;
    int status = template_tree_copy(at("from"), at("to"), words, WORDS, &files, err);
    assert_int_equal(files, status == 0 ? 2 : 0);
    return status;
}

static void test_template_tree__copies_with_words_replaced(void **state)
{
    struct error err = {0};
    struct stat info;
    (void)state;
    assert_int_equal(copy(&err), 0);
    expect_file("to/a.txt", "of acme.thing, a@b, @ID, @");
    assert_int_equal(stat(at("to/.hidden/run"), &info), 0);
    assert_true((info.st_mode & S_IXUSR) != 0);
    assert_int_equal(stat(at("to/a.txt"), &info), 0);
    assert_true((info.st_mode & S_IXUSR) == 0);
}

static void test_template_tree__what_is_there_stays(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(mkdir(at("to"), 0755), 0);
    put("to/mine", "mine");
    assert_int_equal(copy(&err), E_EXISTS);
    expect_file("to/mine", "mine");
    assert_int_not_equal(access(at("to/a.txt"), F_OK), 0);
}

static void test_template_tree__all_or_nothing(void **state)
{
    struct error err = {0};
    (void)state;
    put("from/dot-hidden/bad", "@UNKNOWN@");
    assert_int_equal(copy(&err), E_INVALID);
    assert_string_equal(err.message, "the template has '@UNKNOWN@', which is not known");
    assert_int_not_equal(access(at("to"), F_OK), 0);
    /* A folder that was there before stays, as empty as it was. */
    assert_int_equal(mkdir(at("to"), 0755), 0);
    assert_int_equal(copy(&err), E_INVALID);
    assert_int_equal(rmdir(at("to")), 0);
}

static void test_template_tree__no_template(void **state)
{
    struct error err = {0};
    size_t files = 0;
    (void)state;
    assert_int_equal(template_tree_copy(at("none"), at("to"), words, WORDS, &files, &err),
                     E_NOT_FOUND);
    assert_int_not_equal(access(at("to"), F_OK), 0);
}

static void test_template_tree__out_of_memory(void **state)
{
    struct error err = {0};
    int status = E_NOMEM;
    (void)state;
    for (int n = 0; status != 0; n++) {
        failing_alloc_arm(n);
        status = copy(&err);
        (void)failing_alloc_disarm();
        assert_true(status == 0 || access(at("to"), F_OK) != 0);
        assert_true(n < 1000);
    }
    expect_file("to/a.txt", "of acme.thing, a@b, @ID, @");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_template_tree__copies_with_words_replaced),
        TEST(test_template_tree__what_is_there_stays),
        TEST(test_template_tree__all_or_nothing),
        TEST(test_template_tree__no_template),
        TEST(test_template_tree__out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
