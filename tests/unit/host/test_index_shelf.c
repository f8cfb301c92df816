/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/index_shelf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/host/shelf.h"
#include "tests/support/scratch_folder.h"

static struct scratch_folder scratch;

static int make_folder(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_folder_remove(&scratch);
    return 0;
}

/* A file that was used at that second. */
static void add(const char *name, time_t used)
{
    const struct timespec times[2] = {{.tv_sec = used}, {.tv_sec = used}};
    char *path = scratch_folder_path(&scratch, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
    free(path);
}

static void add_index(unsigned key, time_t used)
{
    char name[64];
    (void)snprintf(name, sizeof name, "plugins-%016x.index", key);
    add(name, used);
}

static bool is_there(const char *name)
{
    struct stat st;
    char *path = scratch_folder_path(&scratch, name);
    bool is_found = lstat(path, &st) == 0;
    free(path);
    return is_found;
}

static bool has_index(unsigned key)
{
    char name[64];
    (void)snprintf(name, sizeof name, "plugins-%016x.index", key);
    return is_there(name);
}

static void sweep(const char *name)
{
    char *path = scratch_folder_path(&scratch, name);
    index_shelf_sweep(path);
    free(path);
}

static void test_index_shelf__the_latest_stay(void **state)
{
    (void)state;
    for (unsigned key = 0; key < 20; key++) {
        add_index(key, 1000 + (time_t)(key * 7) % 20); /* in another order than their names */
    }
    sweep("plugins-0000000000000000.index"); /* the oldest by its time; but it was made just now */
    int stayed = 0;
    for (unsigned key = 0; key < 20; key++) {
        bool is_latest = key * 7 % 20 > 20 - INDEX_SHELF_KEEPS;
        assert_int_equal(has_index(key), key == 0 || is_latest);
        stayed += has_index(key);
    }
    assert_int_equal(stayed, INDEX_SHELF_KEEPS);
}

static void test_index_shelf__nothing_else_goes(void **state)
{
    (void)state;
    static const char *const others[] = {"plugins-0.index",
                                         "plugins-00000000000000zz.index",
                                         "plugins-0000000000000099.index2",
                                         "plugins-0000000000000099.INDEX",
                                         "other-0000000000000099.index",
                                         "notes"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        add(others[i], 1);
    }
    for (unsigned key = 0; key < 2 * INDEX_SHELF_KEEPS; key++) {
        add_index(key, 1000 + (time_t)key);
    }
    char *link = scratch_folder_path(&scratch, "plugins-00000000000000aa.index");
    assert_int_equal(symlink("notes", link), 0);
    sweep("plugins.index"); /* somebody's own name: no shelf */
    assert_true(has_index(0));
    sweep("plugins-000000000000000f.index");
    assert_false(has_index(0));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_true(is_there(others[i]));
    }
    assert_true(is_there("plugins-00000000000000aa.index"));
    free(link);
}

static time_t time_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return st.st_mtime;
}

static void test_index_shelf__use_is_noted_once_a_day(void **state)
{
    (void)state;
    const time_t now = time(NULL);
    add("old", now - 2 * SHELF_USE_SECONDS);
    add("new", now - SHELF_USE_SECONDS / 2);
    static const char *const names[] = {"old", "new"};
    for (size_t i = 0; i < 2; i++) {
        char *path = scratch_folder_path(&scratch, names[i]);
        int fd = open(path, O_RDONLY);
        time_t before = time_of(fd);
        index_shelf_note_use(fd);
        assert_int_equal(time_of(fd) != before, i == 0);
        assert_true(i == 1 || time_of(fd) >= now);
        (void)close(fd);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_index_shelf__the_latest_stay, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_index_shelf__nothing_else_goes, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(test_index_shelf__use_is_noted_once_a_day, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
