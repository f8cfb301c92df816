/* SPDX-License-Identifier: Apache-2.0 */

/* The folders above a file: who can write there can put another file in its place. Folders of
   another user can only be made by root: without being root those tests are skipped. */

#include "core/host/trust_above.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/scratch_folder.h"

enum { OTHER_USER = 12345 };

static struct scratch_folder scratch;
static char outer[300]; /* SCRATCH/outer */
static char inner[320]; /* SCRATCH/outer/inner */
static char file[340];  /* SCRATCH/outer/inner/file */

static void make_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0755), 0);
}

static int make_folders(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    (void)snprintf(outer, sizeof outer, "%s/outer", scratch.path);
    (void)snprintf(inner, sizeof inner, "%s/inner", outer);
    (void)snprintf(file, sizeof file, "%s/file", inner);
    make_folder(outer);
    make_folder(inner);
    make_folder(file); /* what it is does not count */
    return 0;
}

static int remove_folders(void **state)
{
    (void)state;
    scratch_folder_remove(&scratch);
    return 0;
}

static void set_mode(const char *path, mode_t mode)
{
    assert_int_equal(chmod(path, mode), 0);
}

static void give_away(const char *path)
{
    assert_int_equal(lchown(path, OTHER_USER, OTHER_USER), 0);
}

static int check(const char *path, struct error *err)
{
    uint32_t owner = 0;
    *err = (struct error){0};
    return trust_above_check(NULL, path, &owner, err);
}

static void assert_passes(const char *path)
{
    struct error err;
    int status = check(path, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, 0);
}

static void assert_refused(const char *path, const char *text)
{
    struct error err;
    assert_int_equal(check(path, &err), E_PLUGIN);
    if (strstr(err.message, text) == NULL) {
        fail_msg("'%s' is not in: %s", text, err.message);
    }
}

static void assert_owner(const char *path, uint32_t expected)
{
    struct error err = {0};
    uint32_t owner = 1;
    assert_int_equal(trust_above_check(NULL, path, &owner, &err), 0);
    assert_int_equal(owner, expected);
}

static void test_above__nobody_else_may_write_to_a_folder(void **state)
{
    static const mode_t modes[] = {0777, 0775, 0757, 0722};
    char text[700];
    (void)state;
    assert_passes(file);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        set_mode(outer, modes[i]);
        (void)snprintf(text, sizeof text, "the folder '%s' above '%s' can be written to by others",
                       outer, file);
        assert_refused(file, text);
        (void)snprintf(text, sizeof text,
                       "mode %04o), who could put other files in that place: "
                       "use chmod go-w '%s'",
                       (unsigned)modes[i], outer);
        assert_refused(file, text);
        assert_passes(outer); /* it is what the way ends with */
    }
    set_mode(outer, 0755);
    assert_passes(file);
}

static void test_above__says_whose_folder_it_is(void **state)
{
    char text[64];
    (void)state;
    set_mode(outer, 0777);
    (void)snprintf(text, sizeof text, "(it belongs to user %u, mode 0777)", (unsigned)geteuid());
    assert_refused(file, geteuid() == 0 ? "(it belongs to root, mode 0777)" : text);
}

static void test_above__a_sticky_folder_keeps_what_is_ours(void **state)
{
    (void)state;
    set_mode(outer, 01777);
    assert_passes(file);
    if (geteuid() != 0) {
        skip();
    }
    give_away(inner);
    assert_refused(file, "and '");
    assert_refused(file, "/outer/inner' belongs to user 12345: put the plugins where only root or "
                         "you can write, or use chmod go-w '");
    set_mode(outer, 0755);
    assert_owner(file, OTHER_USER);
}

static void test_above__another_user_is_told(void **state)
{
    (void)state;
    assert_owner(file, 0);
    if (geteuid() != 0) {
        skip();
    }
    give_away(outer);
    assert_owner(file, OTHER_USER);
    assert_owner(inner, OTHER_USER);
    assert_owner(outer, 0);
    set_mode(outer, 01777); /* of whom it is may take away what lies in it */
    assert_owner(file, OTHER_USER);
    set_mode(outer, 0775);
    assert_refused(file, "(it belongs to user 12345, mode 0775)");
}

static void test_above__links_lead_through_folders_of_both_sides(void **state)
{
    char link[400];
    char through[500];
    char other[300];
    (void)state;
    (void)snprintf(other, sizeof other, "%s/other", scratch.path);
    (void)snprintf(link, sizeof link, "%s/link", other);
    (void)snprintf(through, sizeof through, "%s/file", link);
    make_folder(other);
    assert_int_equal(symlink(inner, link), 0);
    assert_passes(through);
    set_mode(outer, 0777); /* only the link leads there */
    assert_refused(through, "/outer' above '");
    set_mode(outer, 0755);
    set_mode(other, 0777); /* who can write there can change the link */
    assert_refused(through, "/other' above '");
    set_mode(other, 01777);
    assert_passes(through);
    if (geteuid() == 0) {
        give_away(link);
        assert_refused(through, "/other/link' belongs to user 12345");
    }
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("../outer//./inner/../inner", link), 0);
    set_mode(other, 0755);
    assert_passes(through);
    set_mode(outer, 0777);
    assert_refused(through, "/outer' above '");
}

static void test_above__a_link_that_leads_nowhere_ends(void **state)
{
    char link[400];
    char through[500];
    struct error err;
    (void)state;
    (void)snprintf(link, sizeof link, "%s/link", scratch.path);
    (void)snprintf(through, sizeof through, "%s/file", link);
    assert_int_equal(symlink("link", link), 0);
    assert_int_equal(check(through, &err), E_IO);
    assert_non_null(strstr(err.message, "cannot open '"));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("missing", link), 0);
    assert_int_equal(check(through, &err), E_NOT_FOUND);
    assert_int_equal(unlink(link), 0);
    int written = open(link, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(written >= 0);
    (void)close(written);
    assert_int_equal(check(through, &err), E_NOT_FOUND); /* no folder */
    assert_passes(link);
}

static void test_above__a_relative_path_begins_where_the_program_runs(void **state)
{
    char before[4096];
    (void)state;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(inner), 0);
    assert_passes("file");
    assert_passes("../inner/file");
    set_mode(outer, 0777);
    assert_refused("file", "/outer' above 'file' can be written to by others");
    assert_int_equal(chdir(before), 0);
}

static void test_above__paths_that_are_too_long_are_refused(void **state)
{
    char path[5000] = "/";
    struct error err;
    (void)state;
    memset(path + 1, 'x', sizeof path - 2);
    path[sizeof path - 1] = '\0';
    assert_int_equal(check(path, &err), E_IO);
    path[300] = '\0'; /* one name */
    assert_int_equal(check(path, &err), E_IO);
}

static void test_above__a_table_is_looked_at_once(void **state)
{
    struct trust_above above = TRUST_ABOVE_INIT;
    struct error err = {0};
    uint32_t owner = 0;
    (void)state;
    assert_int_equal(trust_above_check(&above, file, &owner, &err), 0);
    size_t count = above.folders.count;
    set_mode(outer, 0777);
    assert_int_equal(trust_above_check(&above, file, &owner, &err), 0);
    assert_int_equal(above.folders.count, count);
    trust_above_finish(&above);
    assert_int_equal(trust_above_check(&above, file, &owner, &err), E_PLUGIN);
    trust_above_finish(&above);
}

static void test_above__each_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct trust_above above = TRUST_ABOVE_INIT;
        struct error err = {0};
        uint32_t owner = 0;
        failing_alloc_arm(n);
        int status = trust_above_check(&above, file, &owner, &err);
        bool is_reached = failing_alloc_disarm();
        trust_above_finish(&above);
        if (!is_reached) {
            assert_int_equal(status, 0);
            assert_in_range(n, 2, 100);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_above__nobody_else_may_write_to_a_folder, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(test_above__says_whose_folder_it_is, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(test_above__a_sticky_folder_keeps_what_is_ours,
                                        make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_above__another_user_is_told, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(test_above__links_lead_through_folders_of_both_sides,
                                        make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_above__a_link_that_leads_nowhere_ends, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(test_above__a_relative_path_begins_where_the_program_runs,
                                        make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_above__paths_that_are_too_long_are_refused,
                                        make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(test_above__a_table_is_looked_at_once, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(test_above__each_allocation_may_fail, make_folders,
                                        remove_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
