/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/api/socket_address.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/api/socket_folder.h"

static uv_loop_t loop;
static struct toy_api toy;
static struct socket_folder place;
static struct strbuf in;
static struct error err;

static int open_loop(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    memset(&toy, 0, sizeof toy);
    memset(&err, 0, sizeof err);
    strbuf_clear(&in);
    assert_int_equal(uv_loop_init(&loop), 0);
    socket_folder_make(&place);
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_close(&loop), 0);
    socket_folder_remove(&place);
    strbuf_finish(&in);
    return 0;
}

static int open_at(const char *path, struct api_server **server)
{
    const struct api_server_options options = {
        .loop = &loop, .socket_path = path, .handlers = toy_handlers(&toy)};
    return api_server_open(&options, server, &err);
}

static void assert_error_has(const char *words)
{
    if (strstr(err.message, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, err.message);
    }
}

static int connect_to(const char *path)
{
    struct socket_address address;
    assert_int_equal(socket_address_init(&address, path, &err), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int status = connect(fd, (const struct sockaddr *)&address.address, sizeof address.address);
    socket_address_finish(&address);
    if (status != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void say_hello(const char *path)
{
    int fd = connect_to(path);
    assert_true(fd >= 0);
    strbuf_clear(&in);
    assert_true(toy_send(&loop, fd, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")));
    toy_read_until(&loop, fd, &in, "hello");
    close(fd);
}

/* ---- */

static void test_server__clients_are_served(void **state)
{
    (void)state;
    struct api_server *server = socket_folder_serve(&loop, &toy, place.path);
    say_hello(place.path);
    say_hello(place.path);
    assert_int_equal(toy.peer_uid, geteuid());
    socket_folder_close(&loop, server);
    assert_int_equal(connect_to(place.path), -1);
    assert_int_equal(access(place.path, F_OK), -1);
}

/* What becomes of a request of another user: "served" or "refused". Needs root. */
static const char *ask_as(uid_t user, gid_t group)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte = 'x';
        bool is_changed = setgroups(0, NULL) == 0 && setgid(group) == 0 && setuid(user) == 0;
        int fd = is_changed ? connect_to(place.path) : -1;
        ssize_t n = fd >= 0 ? send(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 32, MSG_NOSIGNAL)
                            : -1;
        struct timeval wait = {.tv_sec = 20};
        (void)fcntl(fd, F_SETFL, 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        n = recv(fd, &byte, 1, 0);
        (void)send(ends[1], n > 0 ? "served" : "refused", 7, MSG_NOSIGNAL);
        _exit(0);
    }
    close(ends[1]);
    toy_read_to_end(&loop, ends[0], &in);
    const char *answer = str_starts_with(strbuf_str(&in), STR("served")) ? "served" : "refused";
    strbuf_clear(&in);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    return answer;
}

static void test_server__socket_is_the_owners_alone(void **state)
{
    (void)state;
    mode_t mask = umask(0);
    struct api_server *server = socket_folder_serve(&loop, &toy, place.path);
    struct stat status;
    (void)umask(mask);
    assert_int_equal(lstat(place.path, &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 07777, 0600);
    socket_folder_close(&loop, server);
}

static void test_server__a_group_that_may_pass_the_folder_gets_in(void **state)
{
    (void)state;
    struct stat status;
    assert_int_equal(chmod(place.folder, 0710), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(place.folder, 0, 65533), 0);
    }
    struct api_server *server = socket_folder_serve(&loop, &toy, place.path);
    assert_int_equal(lstat(place.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    if (geteuid() == 0) {
        assert_int_equal(status.st_gid, 65533);
        assert_string_equal(ask_as(65534, 65533), "served");
        assert_string_equal(ask_as(65534, 65534), "refused");
    }
    socket_folder_close(&loop, server);
    assert_int_equal(chmod(place.folder, 0700), 0);
}

static void test_server__other_users_are_turned_away(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root can become somebody else */
    }
    struct api_server *server = socket_folder_serve(&loop, &toy, place.path);
    assert_int_equal(chmod(place.folder, 0755), 0); /* as if the folder had not kept them out */
    assert_int_equal(chmod(place.path, 0666), 0);
    assert_string_equal(ask_as(65534, 65534), "refused");
    assert_int_equal(toy.requests, 0);
    say_hello(place.path);
    socket_folder_close(&loop, server);
}

static void test_server__stale_socket_is_replaced(void **state)
{
    (void)state;
    struct socket_address address;
    assert_int_equal(socket_address_init(&address, place.path, &err), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address.address, sizeof address.address),
                     0);
    close(fd);
    struct api_server *server = socket_folder_serve(&loop, &toy, place.path);
    say_hello(place.path);
    socket_folder_close(&loop, server);
    socket_address_finish(&address);
}

static void test_server__living_socket_is_not_replaced(void **state)
{
    (void)state;
    struct api_server *server = socket_folder_serve(&loop, &toy, place.path);
    struct api_server *second = NULL;
    assert_int_equal(open_at(place.path, &second), E_CONFLICT);
    assert_error_has("another program listens at");
    assert_null(second);
    say_hello(place.path);
    socket_folder_close(&loop, server);
}

static void test_server__other_files_are_not_replaced(void **state)
{
    (void)state;
    struct api_server *server = NULL;
    FILE *file = fopen(place.path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(open_at(place.path, &server), E_INVALID);
    assert_error_has("is no socket");
    assert_int_equal(access(place.path, F_OK), 0);
}

static void test_server__close_leaves_anothers_socket(void **state)
{
    (void)state;
    struct api_server *first = socket_folder_serve(&loop, &toy, place.path);
    assert_int_equal(unlink(place.path), 0);
    struct api_server *second = socket_folder_serve(&loop, &toy, place.path);
    socket_folder_close(&loop, first);
    say_hello(place.path);
    socket_folder_close(&loop, second);
}

static void test_server__bad_folders_are_refused(void **state)
{
    (void)state;
    struct api_server *server = NULL;
    assert_int_equal(chmod(place.folder, 0750), 0);
    assert_int_equal(open_at(place.path, &server), E_INVALID);
    assert_error_has("is open to other users");
    assert_int_equal(chmod(place.folder, 0700), 0);
    assert_int_equal(open_at("/nowhere/control.sock", &server), E_NOT_FOUND);
    assert_int_equal(open_at("/dev/null/control.sock", &server), E_INVALID);
    assert_int_equal(open_at("control.sock", &server), E_INVALID);
    assert_error_has("is no absolute path");
    if (geteuid() == 0) {
        assert_int_equal(chown(place.folder, 65534, 65534), 0);
        assert_int_equal(open_at(place.path, &server), E_INVALID);
        assert_error_has("belongs to another user");
        assert_int_equal(chown(place.folder, 0, 0), 0);
    }
    assert_null(server);
}

static void test_server__long_paths_work(void **state)
{
    (void)state;
    char folder[256];
    char path[300];
    (void)snprintf(folder, sizeof folder, "%s/%0150d", place.folder, 0);
    (void)snprintf(path, sizeof path, "%s/control.sock", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    struct api_server *server = socket_folder_serve(&loop, &toy, path);
    say_hello(path);
    struct api_server *second = NULL;
    assert_int_equal(open_at(path, &second), E_CONFLICT);
    socket_folder_close(&loop, server);
    assert_int_equal(rmdir(folder), 0); /* the socket is gone */
    (void)snprintf(path, sizeof path, "%s/%0200d", place.folder, 0);
    assert_int_equal(open_at(path, &second), E_INVALID);
    assert_error_has("is too long for a socket");
}

static void test_server__no_descriptors_left_means_waiting(void **state)
{
    (void)state;
    struct api_server *server = socket_folder_serve(&loop, &toy, place.path);
    say_hello(place.path);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int fd = connect_to(place.path);
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    log_set_fd(null);
    for (int i = 0; i < 20; i++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_true(toy_send(&loop, fd, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")));
    strbuf_clear(&in);
    toy_read_until(&loop, fd, &in, "hello"); /* a second later */
    log_set_fd(2);
    close(fd);
    close(null);
    socket_folder_close(&loop, server);
}

static void test_server__close_without_a_client_ends(void **state)
{
    (void)state;
    struct api_server *server = socket_folder_serve(&loop, &toy, place.path);
    socket_folder_close(&loop, server);
    assert_int_equal(toy.requests, 0);
}

static void test_server__open_survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct api_server *server = NULL;
        failing_alloc_arm(n);
        int status = open_at(place.path, &server);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            socket_folder_close(&loop, server);
            return;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(server);
        assert_int_equal(access(place.path, F_OK), -1);
    }
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(test_server__clients_are_served),
        WITH_LOOP(test_server__socket_is_the_owners_alone),
        WITH_LOOP(test_server__a_group_that_may_pass_the_folder_gets_in),
        WITH_LOOP(test_server__other_users_are_turned_away),
        WITH_LOOP(test_server__stale_socket_is_replaced),
        WITH_LOOP(test_server__living_socket_is_not_replaced),
        WITH_LOOP(test_server__other_files_are_not_replaced),
        WITH_LOOP(test_server__close_leaves_anothers_socket),
        WITH_LOOP(test_server__bad_folders_are_refused),
        WITH_LOOP(test_server__long_paths_work),
        WITH_LOOP(test_server__no_descriptors_left_means_waiting),
        WITH_LOOP(test_server__close_without_a_client_ends),
        WITH_LOOP(test_server__open_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
