/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/loop/state_folder.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/scratch_folder.h"

enum { OTHER_USER = 65534 };

static struct scratch_folder scratch;
static struct statfs told;
static int told_errno;
static uid_t told_user;

static int tell_statfs(int fd, struct statfs *out)
{
    assert_true(fd >= 0);
    *out = told;
    errno = told_errno;
    return told_errno == 0 ? 0 : -1;
}

static uid_t tell_user(void)
{
    return told_user;
}

static const struct state_folder_system told_system = {tell_statfs, tell_user};

static int set_up(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    assert_int_equal(unsetenv("OPSTREAM_STATE"), 0);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(setenv("HOME", scratch.path, 1), 0);
    memset(&told, 0, sizeof told);
    told.f_type = EXT4_SUPER_MAGIC;
    told_errno = 0;
    told_user = geteuid();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_folder_remove(&scratch);
    return 0;
}

static int open_path(const char *path, enum state_folder_use use, struct state_folder **out_folder,
                     struct error *err)
{
    struct state_folder_options options = {.path = path, .use = use, .system = &told_system};
    return state_folder_open(&options, out_folder, err);
}

static struct state_folder *must_open(const char *path)
{
    struct state_folder *folder = NULL;
    struct error err = {0};
    int status = open_path(path, STATE_FOLDER_CREATE, &folder, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, 0);
    return folder;
}

/* The folder is refused, and the message has `part` in it. */
static void assert_refused(const char *path, int code, const char *part)
{
    struct state_folder *folder = NULL;
    struct error err = {0};
    assert_int_equal(open_path(path, STATE_FOLDER_CREATE, &folder, &err), code);
    assert_null(folder);
    if (strstr(err.message, part) == NULL) {
        fail_msg("'%s' is not in '%s'", part, err.message);
    }
}

static void assert_mode(const char *path, mode_t mode)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

/* ---- which folder ---- */

/* Opening what is not there names the path that was chosen. */
static void assert_located(uid_t user, const char *option, const char *expected)
{
    struct state_folder *folder = NULL;
    struct error err = {0};
    char text[1024];
    told_user = user;
    assert_int_equal(open_path(option, STATE_FOLDER_EXISTING, &folder, &err), E_NOT_FOUND);
    (void)snprintf(text, sizeof text, "the state folder '%s' is not there", expected);
    assert_string_equal(err.message, text);
}

static void test_state_folder__the_option_comes_before_all_variables(void **state)
{
    (void)state;
    assert_located(1000, "/nowhere/a", "/nowhere/a");
    assert_int_equal(setenv("OPSTREAM_STATE", "/nowhere/b", 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", "/nowhere/c", 1), 0);
    assert_located(1000, "/nowhere/a", "/nowhere/a");
    assert_located(0, "/nowhere/a", "/nowhere/a");
    assert_located(1000, NULL, "/nowhere/b");
    assert_located(0, NULL, "/nowhere/b");
    assert_int_equal(setenv("OPSTREAM_STATE", "", 1), 0);
    assert_located(1000, NULL, "/nowhere/c/opstream");
}

static void test_state_folder__lies_in_the_home_folder(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/nowhere/home", 1), 0);
    assert_located(1000, NULL, "/nowhere/home/.local/state/opstream");
    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    assert_located(1000, NULL, "/nowhere/home/.local/state/opstream");
    assert_int_equal(setenv("XDG_STATE_HOME", "", 1), 0);
    assert_located(1000, NULL, "/nowhere/home/.local/state/opstream");
}

static void test_state_folder__of_root_is_the_systems(void **state)
{
    (void)state;
    char *path = NULL;
    assert_int_equal(setenv("XDG_STATE_HOME", "/nowhere/c", 1), 0);
    assert_int_equal(state_folder_locate(NULL, &path, NULL), 0);
    assert_string_equal(path, geteuid() == 0 ? "/var/lib/opstream" : "/nowhere/c/opstream");
    free(path);
}

static void test_state_folder__without_a_home_there_is_no_place(void **state)
{
    (void)state;
    told_user = 1000;
    assert_int_equal(unsetenv("HOME"), 0);
    assert_refused(NULL, E_NOT_FOUND, "set HOME, or use --state DIR");
    assert_int_equal(setenv("HOME", "", 1), 0);
    assert_refused(NULL, E_NOT_FOUND, "set HOME, or use --state DIR");
}

static void test_state_folder__an_empty_option_is_refused(void **state)
{
    (void)state;
    assert_refused("", E_INVALID, "the state folder's name is empty");
}

/* ---- making it ---- */

static void test_state_folder__is_made_with_its_parents_for_its_owner_alone(void **state)
{
    (void)state;
    mode_t old = umask(0);
    char *above = scratch_folder_path(&scratch, "a");
    char *path = scratch_folder_path(&scratch, "a/b/c");
    char *given = scratch_folder_path(&scratch, "a//b/c//");
    struct state_folder *folder = must_open(given);
    assert_string_equal(state_folder_path(folder), path);
    assert_false(state_folder_is_foreign(folder));
    assert_mode(above, 0700);
    assert_mode(path, 0700);
    state_folder_close(folder);
    folder = must_open(path);
    assert_string_equal(state_folder_path(folder), path);
    state_folder_close(folder);
    (void)umask(old);
    free(given);
    free(path);
    free(above);
}

static void test_state_folder__a_relative_path_becomes_absolute(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "here/state");
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(scratch.path), 0);
    struct state_folder *folder = must_open("here/state");
    struct state_folder *again = must_open("./here/../here/state");
    assert_int_equal(chdir(before), 0);
    assert_string_equal(state_folder_path(folder), path);
    assert_string_equal(state_folder_path(again), path);
    state_folder_close(folder);
    state_folder_close(again);
    free(path);
}

static void test_state_folder__is_not_made_for_those_that_only_read(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "none");
    struct state_folder *folder = NULL;
    struct error err = {0};
    assert_int_equal(open_path(path, STATE_FOLDER_EXISTING, &folder, &err), E_NOT_FOUND);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static void test_state_folder__names_what_is_in_it(void **state)
{
    (void)state;
    static const char *const names[STATE_FILES] = {"state.lock", "control.sock", "state.db",
                                                   "blobs",      "engine.log",   "engine.log.1"};
    char *path = scratch_folder_path(&scratch, "s");
    struct state_folder *folder = must_open(path);
    for (int i = 0; i < STATE_FILES; i++) {
        char expected[1024];
        (void)snprintf(expected, sizeof expected, "%s/%s", path, names[i]);
        assert_string_equal(state_folder_file(folder, (enum state_file)i), expected);
    }
    assert_string_equal(state_folder_socket(folder, NULL),
                        state_folder_file(folder, STATE_FILE_SOCKET));
    state_folder_close(folder);
    free(path);
}

/* ---- what is refused ---- */

static void test_state_folder__refuses_network_file_systems(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "s");
    told.f_type = NFS_SUPER_MAGIC;
    assert_refused(path, E_INVALID, "is on NFS");
    assert_refused(path, E_INVALID, "choose a folder on a local disk with --state DIR");
    told.f_type = 0xFF534D42;
    assert_refused(path, E_INVALID, "is on CIFS");
    told.f_type = V9FS_MAGIC;
    assert_refused(path, E_INVALID, "is on 9P");
    told.f_type = EXT4_SUPER_MAGIC;
    state_folder_close(must_open(path));
    free(path);
}

static void test_state_folder__refuses_what_is_mounted_read_only(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "s");
    told.f_flags = ST_RDONLY;
    assert_refused(path, E_INVALID, "is on a read-only file system: mount it writable");
    free(path);
}

static void test_state_folder__says_when_the_file_system_does_not_answer(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "s");
    told_errno = EIO;
    assert_refused(path, E_IO, "cannot look at the file system");
    free(path);
}

static void test_state_folder__refuses_what_others_can_write_to(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "s");
    assert_int_equal(mkdir(path, 0700), 0);
    static const mode_t bad[] = {0770, 0720, 0702, 0777, 01777};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        assert_refused(path, E_INVALID, "can be written to by others: use chmod 700 '");
    }
    assert_int_equal(chmod(path, 0755), 0);
    state_folder_close(must_open(path));
    free(path);
}

static void test_state_folder__refuses_what_its_owner_cannot_write_to(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "s");
    assert_int_equal(mkdir(path, 0500), 0);
    assert_refused(path, E_INVALID, "cannot be written to: use chmod u+rwx '");
    free(path);
}

static void test_state_folder__refuses_what_is_no_folder(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "file");
    char *below = scratch_folder_path(&scratch, "file/state");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_refused(path, E_INVALID, "is no folder: choose another with --state DIR");
    assert_refused(below, E_INVALID, "something above it is no folder");
    assert_refused("/proc/opstream-state", E_IO, "cannot make the state folder");
    free(below);
    free(path);
}

static void test_state_folder__follows_a_link_and_checks_where_it_leads(void **state)
{
    (void)state;
    char *link = scratch_folder_path(&scratch, "link");
    char *real = scratch_folder_path(&scratch, "real");
    assert_int_equal(symlink(real, link), 0);
    assert_refused(link, E_NOT_FOUND, "is not there");
    assert_int_equal(mkdir(real, 0777), 0);
    assert_int_equal(chmod(real, 0777), 0);
    assert_refused(link, E_INVALID, "can be written to by others");
    assert_int_equal(chmod(real, 0700), 0);
    struct state_folder *folder = must_open(link);
    assert_string_equal(state_folder_path(folder), real);
    state_folder_close(folder);
    free(real);
    free(link);
}

static void test_state_folder__refuses_a_link_to_itself(void **state)
{
    (void)state;
    char *link = scratch_folder_path(&scratch, "link");
    assert_int_equal(symlink(link, link), 0);
    assert_refused(link, E_IO, "cannot open the state folder");
    free(link);
}

/* ---- of another user ---- */

static void test_state_folder__refuses_that_of_another_user(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "s");
    assert_int_equal(mkdir(path, 0700), 0);
    told_user = geteuid() + 1;
    assert_refused(path, E_INVALID, "run this as that user, or choose another with --state DIR");
    free(path);
}

/* Of OTHER_USER; needs root. */
static char *make_foreign(void)
{
    if (geteuid() != 0) {
        skip();
    }
    char *path = scratch_folder_path(&scratch, "s");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chown(path, OTHER_USER, OTHER_USER), 0);
    return path;
}

/* The kernel notes who listens when listen() is called. */
static int listen_as(const char *folder, uid_t user)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", folder);
    (void)unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(seteuid(0), 0);
    return fd;
}

static void test_state_folder__of_another_user_is_foreign_while_that_user_listens(void **state)
{
    (void)state;
    char *path = make_foreign();
    assert_refused(path, E_INVALID, "belongs to user 65534");
    int fd = listen_as(path, OTHER_USER);
    struct state_folder *folder = must_open(path);
    assert_true(state_folder_is_foreign(folder));
    int file = -1;
    struct error err = {0};
    assert_int_equal(state_folder_open_file(folder, STATE_FILE_LOCK, O_RDWR | O_CREAT, &file, &err),
                     E_INVALID);
    assert_string_equal(strstr(err.message, "' belongs"),
                        "' belongs to another user: run this as that user");
    assert_int_equal(file, -1);
    state_folder_close(folder);
    assert_int_equal(close(fd), 0);
    assert_refused(path, E_INVALID, "belongs to user 65534");
    free(path);
}

/* Opens the folder as somebody who is in the group, or not. */
static bool opens_as_member(const char *path, gid_t group)
{
    pid_t child = fork();
    if (child == 0) {
        const struct state_folder_options options = {.path = path};
        struct state_folder *folder = NULL;
        bool is_foreign = setgroups(0, NULL) == 0 && setgid(group) == 0 &&
                          setuid(OTHER_USER - 1) == 0 &&
                          state_folder_open(&options, &folder, NULL) == 0 &&
                          state_folder_is_foreign(folder);
        _exit(is_foreign ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

static void test_state_folder__is_for_members_of_a_group_that_may_pass_through(void **state)
{
    (void)state;
    char *path = make_foreign();
    int fd = listen_as(path, OTHER_USER);
    char *socket_path = scratch_folder_path(&scratch, "s/control.sock");
    assert_int_equal(chmod(scratch.path, 0711), 0);
    assert_int_equal(chown(socket_path, OTHER_USER, OTHER_USER), 0);
    assert_int_equal(chmod(socket_path, 0660), 0);
    assert_false(opens_as_member(path, OTHER_USER)); /* the folder is closed */
    assert_int_equal(chmod(path, 0710), 0);
    assert_true(opens_as_member(path, OTHER_USER));
    assert_false(opens_as_member(path, OTHER_USER - 2));
    assert_int_equal(close(fd), 0);
    free(socket_path);
    free(path);
}

static void test_state_folder__a_third_user_who_listens_there_does_not_count(void **state)
{
    (void)state;
    char *path = make_foreign();
    int fd = listen_as(path, OTHER_USER - 1);
    assert_refused(path, E_INVALID, "belongs to user 65534");
    assert_int_equal(close(fd), 0);
    free(path);
}

/* ---- use ---- */

static void test_state_folder__a_long_path_has_a_socket_all_the_same(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    char *path = scratch_folder_path(&scratch, name);
    struct state_folder *folder = must_open(path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *text = state_folder_socket(folder, NULL);
    assert_non_null(text);
    assert_true(strlen(text) < sizeof address.sun_path);
    memcpy(address.sun_path, text, strlen(text) + 1);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(access(state_folder_file(folder, STATE_FILE_SOCKET), F_OK), 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(close(client), 0);
    assert_int_equal(close(server), 0);
    state_folder_close(folder);
    free(path);
}

/* The longest path that bind() takes, and one more byte. */
static void test_state_folder__knows_the_limit_of_sockets(void **state)
{
    (void)state;
    size_t room = 107 - strlen(scratch.path) - strlen("//control.sock");
    for (size_t n = room; n <= room + 1; n++) {
        char name[108] = "";
        memset(name, 'x', n);
        char *path = scratch_folder_path(&scratch, name);
        struct state_folder *folder = must_open(path);
        const char *file = state_folder_file(folder, STATE_FILE_SOCKET);
        assert_int_equal(strlen(file), 107 + n - room);
        assert_int_equal(strcmp(state_folder_socket(folder, NULL), file) == 0, n == room);
        state_folder_close(folder);
        free(path);
    }
}

static void test_state_folder__opens_its_files_for_its_owner_alone(void **state)
{
    (void)state;
    mode_t old = umask(0);
    char *path = scratch_folder_path(&scratch, "s");
    struct state_folder *folder = must_open(path);
    int fd = -1;
    assert_int_equal(state_folder_open_file(folder, STATE_FILE_LOG, O_RDONLY, &fd, NULL),
                     E_NOT_FOUND);
    assert_int_equal(state_folder_open_file(folder, STATE_FILE_LOG, O_RDWR | O_CREAT, &fd, NULL),
                     0);
    assert_mode(state_folder_file(folder, STATE_FILE_LOG), 0600);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(close(fd), 0);
    state_folder_close(folder);
    (void)umask(old);
    free(path);
}

static void assert_file_refused(const struct state_folder *folder, const char *part)
{
    int fd = -1;
    struct error err = {0};
    assert_int_equal(state_folder_open_file(folder, STATE_FILE_LOG, O_RDWR | O_CREAT, &fd, &err),
                     E_INVALID);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(err.message, part));
}

static void test_state_folder__refuses_files_that_are_none(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "s");
    struct state_folder *folder = must_open(path);
    const char *file = state_folder_file(folder, STATE_FILE_LOG);
    assert_int_equal(symlink("/etc/passwd", file), 0);
    assert_file_refused(folder, "is a link: remove it");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_file_refused(folder, "is no regular file");
    assert_int_equal(unlink(file), 0);
    if (geteuid() == 0) {
        int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(fchown(fd, OTHER_USER, OTHER_USER), 0);
        assert_int_equal(close(fd), 0);
        assert_file_refused(folder, "is no regular file of the user who runs opstream");
    }
    state_folder_close(folder);
    free(path);
}

static void test_state_folder__open_survives_each_failed_allocation(void **state)
{
    (void)state;
    char *path = scratch_folder_path(&scratch, "a/s");
    for (long n = 0;; n++) {
        struct state_folder *folder = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = open_path(path, STATE_FOLDER_CREATE, &folder, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            assert_true(n > 5);
            state_folder_close(folder);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_int_equal(err.code, E_NOMEM);
        assert_null(folder);
    }
    free(path);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_state_folder__the_option_comes_before_all_variables),
        WITH_FOLDER(test_state_folder__lies_in_the_home_folder),
        WITH_FOLDER(test_state_folder__of_root_is_the_systems),
        WITH_FOLDER(test_state_folder__without_a_home_there_is_no_place),
        WITH_FOLDER(test_state_folder__an_empty_option_is_refused),
        WITH_FOLDER(test_state_folder__is_made_with_its_parents_for_its_owner_alone),
        WITH_FOLDER(test_state_folder__a_relative_path_becomes_absolute),
        WITH_FOLDER(test_state_folder__is_not_made_for_those_that_only_read),
        WITH_FOLDER(test_state_folder__names_what_is_in_it),
        WITH_FOLDER(test_state_folder__refuses_network_file_systems),
        WITH_FOLDER(test_state_folder__refuses_what_is_mounted_read_only),
        WITH_FOLDER(test_state_folder__says_when_the_file_system_does_not_answer),
        WITH_FOLDER(test_state_folder__refuses_what_others_can_write_to),
        WITH_FOLDER(test_state_folder__refuses_what_its_owner_cannot_write_to),
        WITH_FOLDER(test_state_folder__refuses_what_is_no_folder),
        WITH_FOLDER(test_state_folder__follows_a_link_and_checks_where_it_leads),
        WITH_FOLDER(test_state_folder__refuses_a_link_to_itself),
        WITH_FOLDER(test_state_folder__refuses_that_of_another_user),
        WITH_FOLDER(test_state_folder__of_another_user_is_foreign_while_that_user_listens),
        WITH_FOLDER(test_state_folder__is_for_members_of_a_group_that_may_pass_through),
        WITH_FOLDER(test_state_folder__a_third_user_who_listens_there_does_not_count),
        WITH_FOLDER(test_state_folder__a_long_path_has_a_socket_all_the_same),
        WITH_FOLDER(test_state_folder__knows_the_limit_of_sockets),
        WITH_FOLDER(test_state_folder__opens_its_files_for_its_owner_alone),
        WITH_FOLDER(test_state_folder__refuses_files_that_are_none),
        WITH_FOLDER(test_state_folder__open_survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
