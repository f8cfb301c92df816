/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/api/loopback.h"
#include "core/base/error.h"

enum { NOBODY = 65534 };

static struct loopback listening;

static int tear_down(void **state)
{
    (void)state;
    if (listening.fd >= 0) {
        (void)close(listening.fd); /* nobody is waiting */
    }
    listening.fd = -1;
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    listening.fd = -1;
    return 0;
}

/* A machine may have no ::1. */
static void listen_at(const char *host)
{
    struct error err = {0};
    int status = loopback_listen(host, 0, &listening, &err);
    if (status == E_IO && strchr(host, ':') != NULL) {
        skip();
    }
    assert_int_equal(status, 0);
}

static int connect_to(void)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    assert_int_equal(getsockname(listening.fd, (struct sockaddr *)&address, &size), 0);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

static int accept_one(void)
{
    struct pollfd ready = {.fd = listening.fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 10000), 1);
    int fd = accept4(listening.fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void check_own_uid(const char *host)
{
    uint32_t uid = UINT32_MAX;
    listen_at(host);
    int theirs = connect_to();
    int ours = accept_one();
    assert_true(loopback_find_peer(ours, &uid));
    assert_int_equal(uid, geteuid());
    (void)close(theirs); /* a test's */
    (void)close(ours);
}

static void test_loopback__knows_who_has_connected(void **state)
{
    (void)state;
    check_own_uid("127.0.0.1");
}

static void test_loopback__knows_who_has_connected_by_ipv6(void **state)
{
    (void)state;
    check_own_uid("::1");
}

/* What the kernel lists for it is root's: it must not be taken for root. */
static void test_loopback__who_has_gone_is_nobody(void **state)
{
    (void)state;
    uint32_t uid = UINT32_MAX;
    listen_at("127.0.0.1");
    int theirs = connect_to();
    assert_int_equal(send(theirs, "GET", 3, 0), 3);
    (void)close(theirs); /* before it is accepted */
    int ours = accept_one();
    assert_false(loopback_find_peer(ours, &uid));
    assert_int_equal(uid, UINT32_MAX);
    (void)close(ours);
}

static void test_loopback__another_user_is_told_apart(void **state)
{
    (void)state;
    uint32_t uid = UINT32_MAX;
    int till[2];
    if (geteuid() != 0) {
        skip();
    }
    listen_at("127.0.0.1");
    assert_int_equal(pipe(till), 0);
    pid_t child = fork();
    if (child == 0) {
        char end = 0;
        (void)close(till[1]); /* the test has the other */
        _exit(setuid(NOBODY) == 0 && connect_to() >= 0 && read(till[0], &end, 1) == 0 ? 0 : 1);
    }
    (void)close(till[0]);
    int ours = accept_one();
    assert_true(loopback_find_peer(ours, &uid));
    assert_int_equal(uid, NOBODY);
    (void)close(till[1]); /* the child ends */
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(ours);
}

static void test_loopback__listens_at_this_machine_alone(void **state)
{
    (void)state;
    static const char *const others[] = {"0.0.0.0",          "::",    "10.0.0.1", "example.com", "",
                                         "::ffff:127.0.0.1", "127.1", "*"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct error err = {0};
        assert_int_equal(loopback_listen(others[i], 0, &listening, &err), E_INVALID);
        assert_non_null(strstr(err.message, "this machine alone"));
        assert_int_equal(listening.fd, -1);
    }
}

static void test_loopback__says_where_it_listens(void **state)
{
    (void)state;
    unsigned port = 0;
    listen_at("localhost");
    assert_int_equal(sscanf(listening.address, "127.0.0.1:%u", &port), 1);
    assert_true(port > 0);

    struct loopback second = {.fd = -1};
    struct error err = {0};
    assert_int_equal(loopback_listen("127.0.0.1", (uint16_t)port, &second, &err), E_CONFLICT);
    assert_non_null(strstr(err.message, listening.address));
    assert_int_equal(second.fd, -1);
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FRESH(test_loopback__knows_who_has_connected),
        FRESH(test_loopback__knows_who_has_connected_by_ipv6),
        FRESH(test_loopback__who_has_gone_is_nobody),
        FRESH(test_loopback__another_user_is_told_apart),
        FRESH(test_loopback__listens_at_this_machine_alone),
        FRESH(test_loopback__says_where_it_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
