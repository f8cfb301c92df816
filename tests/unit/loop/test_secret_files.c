/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/loop/secret_files.h"
#include "tests/support/scratch_folder.h"

/* Files that were changed just now are read each time: tests make them older. */
static int64_t later_ms;
int64_t __wrap_clock_unix_ms(void);
int64_t __real_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void)
{
    return __real_clock_unix_ms() + later_ms;
}

static struct scratch_folder scratch;
static char folder[512];

static int set_up(void **state)
{
    (void)state;
    later_ms = 10000;
    scratch_folder_make(&scratch);
    (void)snprintf(folder, sizeof(folder), "%s/secrets", scratch.path);
    return mkdir(folder, 0700);
}

static int tear_down(void **state)
{
    (void)state;
    scratch_folder_remove(&scratch);
    return 0;
}

static const char *path_of(const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static struct secret_files files(void)
{
    return (struct secret_files){.folder = folder, .label = "the folder", .is_asked_for = true};
}

static void assert_value(const char *name, const char *expected)
{
    const struct secret_files from = files();
    struct secrets_reading reading = {0};
    struct error err = {0};
    if (secret_files_read(&from, str_from(name), 0, &reading, &err) != 0) {
        fail_msg("%s: %s", name, err.message);
    }
    assert_string_equal(reading.p, expected);
    assert_int_equal(reading.n, strlen(expected));
    guarded_free(reading.p, reading.n + 1);
}

static void assert_refused(const char *name, int code, const char *message)
{
    const struct secret_files from = files();
    struct secrets_reading reading = {0};
    struct error err = {0};
    int status = secret_files_read(&from, str_from(name), 0, &reading, &err);
    if (status != code || strstr(err.message, message) == NULL) {
        fail_msg("%s: %d %s", name, status, err.message);
    }
}

static void test_secret_files__give_a_value_without_its_line_end(void **state)
{
    (void)state;
    put("plain", "value-1", 0600);
    put("line", "value-2\n", 0400);
    put("dos", "value-3\r\n", 0440);
    put("lines", "value\n4\n\n", 0600);
    put("with.dot-dash", "value-5", 0600);
    assert_value("plain", "value-1");
    assert_value("line", "value-2");
    assert_value("dos", "value-3");
    assert_value("lines", "value\n4\n");
    assert_value("with.dot-dash", "value-5");
}

static void test_secret_files__what_is_not_there_is_absent(void **state)
{
    const struct secret_files none = {.folder = NULL};
    const struct secret_files usual = {.folder = "/nowhere/at/all", .label = "the folder"};
    struct secret_files wanted = usual;
    struct secrets_reading reading = {0};
    struct error err = {0};
    (void)state;
    put(".hidden", "value-1", 0600);
    put("opstream-secrets-key", "value-1", 0600);
    assert_refused("other", SECRETS_ABSENT, "");
    assert_refused(".hidden", SECRETS_ABSENT, "");
    assert_refused("..", SECRETS_ABSENT, "");
    assert_refused("opstream-secrets-key", SECRETS_ABSENT, "");
    assert_int_equal(secret_files_read(&none, STR("a"), 0, &reading, &err), SECRETS_ABSENT);
    assert_int_equal(secret_files_read(&usual, STR("a"), 0, &reading, &err), SECRETS_ABSENT);
    wanted.is_asked_for = true;
    assert_int_equal(secret_files_read(&wanted, STR("a"), 0, &reading, &err), E_IO);
    assert_non_null(strstr(err.message, "cannot open the folder of secrets '/nowhere/at/all'"));
}

static void test_secret_files__refuse_what_others_can_read_or_change(void **state)
{
    (void)state;
    put("read", "value-1", 0604);
    put("all", "value-1", 0644);
    put("group", "value-1", 0660);
    assert_refused("read", E_INVALID,
                   "has mode 0604, so that others can read or change it: use "
                   "chmod o=,g-w '");
    assert_refused("all", E_INVALID, "has mode 0644");
    assert_refused("group", E_INVALID, "has mode 0660");
    put("good", "value-1", 0640);
    assert_value("good", "value-1");
    assert_int_equal(chmod(folder, 0777), 0);
    assert_refused("good", E_INVALID, "can be written to by everybody: use chmod o-w '");
    assert_int_equal(chmod(folder, 01777), 0);
    assert_value("good", "value-1");
}

static void test_secret_files__refuse_those_of_another_user(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    put("theirs", "value-1", 0600);
    assert_int_equal(chown(path_of("theirs"), 65534, 65534), 0);
    assert_refused("theirs", E_INVALID, "belongs to user 65534, who could change it");
    put("ours", "value-1", 0600);
    assert_int_equal(chown(folder, 65534, 65534), 0);
    assert_refused("ours", E_INVALID, "belongs to user 65534, who could change it");
}

/* As containers make them: the folder's files are links to those of its latest version. */
static void test_secret_files__follow_links_within_the_folder(void **state)
{
    char target[1024];
    (void)state;
    assert_int_equal(mkdir(path_of("..v1"), 0755), 0);
    put("..v1/token", "value-1", 0400);
    assert_int_equal(symlink("..v1", path_of("..data")), 0);
    assert_int_equal(symlink("..data/token", path_of("token")), 0);
    assert_value("token", "value-1");
    (void)snprintf(target, sizeof(target), "%s/outside", scratch.path);
    FILE *file = fopen(target, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(symlink("../outside", path_of("out")), 0);
    assert_int_equal(symlink(target, path_of("whole")), 0);
    assert_refused("out", E_INVALID, "is a link that leads out of its folder");
    assert_refused("whole", E_INVALID, "is a link that leads out of its folder");
}

static void test_secret_files__refuse_what_is_no_file(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("folder"), 0700), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    assert_refused("folder", E_INVALID, "is no regular file");
    assert_refused("pipe", E_INVALID, "is no regular file");
    char *large = calloc(SECRETS_MAX_BYTES + 4, 1);
    assert_non_null(large);
    memset(large, 'x', SECRETS_MAX_BYTES + 3);
    put("large", large, 0600);
    assert_refused("large", E_LIMIT, "has more than 65538 bytes");
    free(large);
}

static void test_secret_files__tell_when_nothing_has_changed(void **state)
{
    const struct secret_files from = files();
    struct secrets_reading first = {0};
    struct secrets_reading second = {0};
    struct error err = {0};
    (void)state;
    put("token", "value-1", 0600);
    assert_int_equal(secret_files_read(&from, STR("token"), 0, &first, &err), 0);
    assert_true(first.stamp != 0);
    assert_int_equal(secret_files_read(&from, STR("token"), first.stamp, &second, &err),
                     SECRETS_UNCHANGED);
    put("token", "value-2x", 0600);
    assert_int_equal(secret_files_read(&from, STR("token"), first.stamp, &second, &err), 0);
    assert_string_equal(second.p, "value-2x");
    assert_true(second.stamp != first.stamp);
    guarded_free(second.p, second.n + 1);
    assert_int_equal(chmod(path_of("token"), 0644), 0); /* found though the content is known */
    assert_refused("token", E_INVALID, "has mode 0644");
    later_ms = 0; /* it was changed in this very moment, and may be again */
    put("token", "value-3", 0600);
    assert_int_equal(secret_files_read(&from, STR("token"), 0, &second, &err), 0);
    assert_true(second.stamp == 0);
    guarded_free(first.p, first.n + 1);
    guarded_free(second.p, second.n + 1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_secret_files__give_a_value_without_its_line_end),
        IN_FOLDER(test_secret_files__what_is_not_there_is_absent),
        IN_FOLDER(test_secret_files__refuse_what_others_can_read_or_change),
        IN_FOLDER(test_secret_files__refuse_those_of_another_user),
        IN_FOLDER(test_secret_files__follow_links_within_the_folder),
        IN_FOLDER(test_secret_files__refuse_what_is_no_file),
        IN_FOLDER(test_secret_files__tell_when_nothing_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
