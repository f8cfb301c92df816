/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/module.h"

enum { THREADS = 4 };

/* Where the build puts the fixtures: beside the program's real modules, in a folder of their own.
 */
static const char *fixtures(void)
{
    static char path[4096];
    const char *folder = NULL;
    struct error err = {0};
    if (module_folder(&folder, &err) != 0) {
        fail_msg("%s", err.message);
    }
    (void)snprintf(path, sizeof(path), "%s/fixtures", folder);
    return path;
}

static void expect_refused(const char *name, int code, const char *part)
{
    struct error err = {0};
    const void *table = &err;
    assert_int_equal(module_load_from(fixtures(), name, &table, &err), code);
    if (strstr(err.message, part) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, part);
    }
    assert_ptr_equal(table, &err);
}

static void test_module__folder_is_beside_the_programs(void **state)
{
    (void)state;
    const char *folder = NULL;
    assert_int_equal(module_folder(&folder, NULL), 0);
    assert_int_equal(folder[0], '/');
    assert_non_null(strstr(folder, "/lib/opstream"));
    const char *again = NULL;
    assert_int_equal(module_folder(&again, NULL), 0);
    assert_ptr_equal(again, folder);
}

static void test_module__good_one_gives_its_table(void **state)
{
    (void)state;
    const void *table = NULL;
    struct error err = {0};
    if (module_load_from(fixtures(), "good", &table, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(*(const int *)table, 42);
    const void *again = NULL;
    assert_int_equal(module_load_from(fixtures(), "good", &again, NULL), 0);
    assert_ptr_equal(again, table);
}

static void test_module__another_build_is_refused_and_both_are_named(void **state)
{
    (void)state;
    expect_refused("other_build", E_VERSION, "is of build '0.0.1-elsewhere'");
    expect_refused("other_build", E_VERSION, "this program is of build '" OPSTREAM_BUILD_ID "'");
}

static void test_module__what_is_no_module_is_refused(void **state)
{
    (void)state;
    expect_refused("other_name", E_CORRUPT, "is the module 'someone', not 'other_name'");
    expect_refused("no_magic", E_CORRUPT, "is no module of OpStream");
    expect_refused("no_symbol", E_CORRUPT, "is no module of OpStream");
    expect_refused("no_elf", E_IO, "invalid ELF header");
    expect_refused("absent", E_NOT_FOUND, "opstream-absent.so': No such file or directory");
}

static void test_module__names_cannot_leave_the_folder(void **state)
{
    (void)state;
    expect_refused("../good", E_INVALID, "'../good' cannot be a module's name");
    expect_refused("", E_INVALID, "cannot be a module's name");
    expect_refused("Good", E_INVALID, "cannot be a module's name");
    expect_refused("a_name_that_is_longer_than_any_we_have", E_INVALID, "cannot be");
    const void *table = NULL;
    assert_int_equal(module_load_from("lib", "good", &table, NULL), E_INVALID);
    assert_int_equal(module_load_from("", "good", &table, NULL), E_INVALID);
}

static void *load_selftest(void *user)
{
    const void *table = NULL;
    struct error err = {0};
    if (module_load("selftest", &table, &err) == 0) {
        *(const void **)user = table;
    }
    return NULL;
}

static void test_module__threads_get_one_table(void **state)
{
    (void)state;
    const void *tables[THREADS] = {NULL};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, load_selftest, &tables[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_non_null(tables[i]);
        assert_ptr_equal(tables[i], tables[0]);
    }
    struct error err = {0};
    const void *table = NULL;
    assert_int_equal(module_load("absent", &table, &err), E_NOT_FOUND);
}

/* ---- Files that are replaced beneath a running program ---- */

static void copy_file(const char *from, const char *to)
{
    char command[9000];
    (void)snprintf(command, sizeof(command), "cp '%s' '%s.new' && mv '%s.new' '%s'", from, to, to,
                   to);
    assert_int_equal(system(command), 0);
}

/* A folder of modules as a package has it, where `names` are the fixture "good" by other names. */
static void put_modules(char folder[64], const char *const *names)
{
    char from[4200];
    char to[128];
    (void)snprintf(folder, 64, "/tmp/test_module.XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (; *names != NULL; names++) {
        (void)snprintf(from, sizeof(from), "%s/opstream-%s.so", fixtures(), *names);
        (void)snprintf(to, sizeof(to), "%s/opstream-%s.so", folder, *names);
        copy_file(from, to);
    }
}

/* Last: it tells the program to look elsewhere. */
static void test_module__what_is_kept_outlives_its_file(void **state)
{
    (void)state;
    static const char *const names[] = {"good", "other_name", NULL};
    char from[4200];
    char folder[64];
    char path[128];
    const void *table = NULL;
    struct error err = {0};
    (void)snprintf(from, sizeof(from), "%s/opstream-other_build.so", fixtures());
    put_modules(folder, names);
    assert_int_equal(module_set_folder(folder, &err), 0);
    module_keep();
    module_keep(); /* once is enough */
    (void)snprintf(path, sizeof(path), "%s/opstream-good.so", folder);
    copy_file(from, path);
    if (module_load("good", &table, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(*(const int *)table, 42);

    (void)snprintf(path, sizeof(path), "%s/opstream-other_name.so", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(module_load("other_name", &table, &err), E_CORRUPT); /* as ever */
    assert_non_null(strstr(err.message, path));

    (void)snprintf(path, sizeof(path), "%s/opstream-late.so", folder);
    copy_file(from, path); /* it was not there then */
    assert_int_equal(module_load("late", &table, &err), E_VERSION);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module__folder_is_beside_the_programs),
        cmocka_unit_test(test_module__good_one_gives_its_table),
        cmocka_unit_test(test_module__another_build_is_refused_and_both_are_named),
        cmocka_unit_test(test_module__what_is_no_module_is_refused),
        cmocka_unit_test(test_module__names_cannot_leave_the_folder),
        cmocka_unit_test(test_module__threads_get_one_table),
        cmocka_unit_test(test_module__what_is_kept_outlives_its_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
