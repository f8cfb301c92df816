/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/loop/notify.h"
#include "tests/support/scratch_folder.h"

static struct scratch_folder scratch;
static int manager = -1; /* what the service manager listens at */
static char message[4096];

static int set_up(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(manager >= 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(close(manager), 0);
    scratch_folder_remove(&scratch);
    return 0;
}

/* Binds the manager to a path in the scratch folder; the path, for free(). */
static char *bind_path(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *path = scratch_folder_path(&scratch, "notify");
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(manager, (const struct sockaddr *)&address, sizeof address), 0);
    return path;
}

static struct notify must_init(void)
{
    struct notify notify;
    struct error err = {0};
    int status = notify_init(&notify, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, 0);
    return notify;
}

static struct notify init_at_path(void)
{
    char *path = bind_path();
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    free(path);
    return must_init();
}

static const char *receive(void)
{
    ssize_t n = recv(manager, message, sizeof message - 1, 0);
    assert_true(n >= 0);
    message[n] = '\0';
    return message;
}

static void assert_nothing_received(void)
{
    assert_int_equal(recv(manager, message, sizeof message, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static void test_notify__tells_what_happens(void **state)
{
    (void)state;
    struct notify notify = init_at_path();
    assert_int_equal(notify_ready(&notify, NULL, NULL), 0);
    assert_string_equal(receive(), "READY=1");
    assert_int_equal(notify_ready(&notify, "3 runs are under way", NULL), 0);
    assert_string_equal(receive(), "READY=1\nSTATUS=3 runs are under way");
    assert_int_equal(notify_status(&notify, "idle", NULL), 0);
    assert_string_equal(receive(), "STATUS=idle");
    assert_int_equal(notify_status(&notify, NULL, NULL), 0);
    assert_string_equal(receive(), "STATUS=");
    assert_int_equal(notify_watchdog(&notify, NULL), 0);
    assert_string_equal(receive(), "WATCHDOG=1");
    assert_int_equal(notify_stopping(&notify, NULL, NULL), 0);
    assert_string_equal(receive(), "STOPPING=1");
    assert_int_equal(notify_stopping(&notify, "waits for 2 nodes", NULL), 0);
    assert_string_equal(receive(), "STOPPING=1\nSTATUS=waits for 2 nodes");
    assert_nothing_received();
}

static void test_notify__a_reload_says_when_it_began(void **state)
{
    (void)state;
    static const char start[] = "RELOADING=1\nMONOTONIC_USEC=";
    struct notify notify = init_at_path();
    int64_t before = clock_monotonic_ns() / 1000;
    assert_int_equal(notify_reloading(&notify, NULL), 0);
    assert_memory_equal(receive(), start, strlen(start));
    char *end = NULL;
    long long at = strtoll(message + strlen(start), &end, 10);
    assert_string_equal(end, "");
    assert_in_range(at, before, clock_monotonic_ns() / 1000);
}

static void test_notify__abstract_names_work_as_well(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int n = snprintf(name, sizeof name, "@opstream-test-%d", (int)getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)n - 1);
    socklen_t address_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
    assert_int_equal(bind(manager, (const struct sockaddr *)&address, address_n), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    struct notify notify = must_init();
    assert_int_equal(notify_ready(&notify, NULL, NULL), 0);
    assert_string_equal(receive(), "READY=1");
}

static void test_notify__a_status_cannot_forge_a_field(void **state)
{
    (void)state;
    struct notify notify = init_at_path();
    assert_int_equal(notify_status(&notify, "fine\nMAINPID=1\nREADY=1", NULL), 0);
    assert_string_equal(receive(), "STATUS=fine");
    assert_int_equal(notify_ready(&notify, "\rREADY=0", NULL), 0);
    assert_string_equal(receive(), "READY=1\nSTATUS=");
}

static void test_notify__a_long_status_is_cut_between_characters(void **state)
{
    (void)state;
    char text[4001];
    struct notify notify = init_at_path();
    for (size_t i = 0; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "\xC3\xA4", 3);
    }
    text[0] = 'a';
    text[1] = 'b';
    assert_int_equal(notify_status(&notify, text, NULL), 0);
    assert_int_equal(strlen(receive()), strlen("STATUS=") + 512);
    assert_int_equal(notify_status(&notify, text + 1, NULL), 0);
    assert_int_equal(strlen(receive()), strlen("STATUS=") + 511);
}

static void test_notify__without_a_manager_nothing_happens(void **state)
{
    (void)state;
    assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
    struct notify notify = must_init();
    assert_int_equal(notify.watchdog_ms, 0);
    assert_int_equal(notify_ready(&notify, "x", NULL), 0);
    assert_int_equal(notify_status(&notify, "x", NULL), 0);
    assert_int_equal(notify_stopping(&notify, "x", NULL), 0);
    assert_int_equal(notify_reloading(&notify, NULL), 0);
    assert_int_equal(notify_watchdog(&notify, NULL), 0);
    assert_nothing_received();
}

static void test_notify__the_environment_is_not_for_children(void **state)
{
    (void)state;
    assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    (void)init_at_path();
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
}

static uint64_t watchdog_of(const char *usec, const char *pid)
{
    assert_int_equal(setenv("NOTIFY_SOCKET", "/run/notify", 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", usec, 1), 0);
    if (pid != NULL) {
        assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    }
    return must_init().watchdog_ms;
}

static void test_notify__the_watchdog_is_fed_twice_in_its_time(void **state)
{
    (void)state;
    char mine[32];
    char other[32];
    (void)snprintf(mine, sizeof mine, "%d", (int)getpid());
    (void)snprintf(other, sizeof other, "%d", (int)getppid());
    assert_int_equal(watchdog_of("30000000", NULL), 15000);
    assert_int_equal(watchdog_of("30000000", mine), 15000);
    assert_int_equal(watchdog_of("30000000", other), 0);
    assert_int_equal(watchdog_of("1", mine), 1);
    assert_int_equal(watchdog_of("3999", NULL), 1);
    assert_int_equal(watchdog_of("4000", NULL), 2);
}

static void assert_refused(const char *address, const char *usec, const char *pid)
{
    struct notify notify;
    struct error err = {0};
    assert_int_equal(setenv("NOTIFY_SOCKET", address, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", usec, 1), 0);
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    assert_int_equal(notify_init(&notify, &err), E_INVALID);
    assert_non_null(strstr(err.message, "must be"));
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_int_equal(notify.watchdog_ms, 0);
    assert_int_equal(notify_ready(&notify, NULL, NULL), 0);
}

static void test_notify__refuses_what_makes_no_sense(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[0] = '/';
    assert_refused("", "5", "1");
    assert_refused("/", "5", "1");
    assert_refused("@", "5", "1");
    assert_refused("relative", "5", "1");
    assert_refused("vsock:2:1234", "5", "1");
    assert_refused(text, "5", "1");
    static const char *const bad[] = {"", "0", "-5", "x", "5x", " 5", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_refused("/run/notify", bad[i], "1");
        assert_refused("/run/notify", "5", bad[i]);
    }
}

static void test_notify__a_manager_that_is_gone_is_an_error(void **state)
{
    (void)state;
    struct error err = {0};
    char *path = scratch_folder_path(&scratch, "none");
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    free(path);
    struct notify notify = must_init();
    assert_int_equal(notify_ready(&notify, NULL, &err), E_IO);
    assert_string_equal(err.message, "cannot tell the service manager: No such file or directory");
}

/* A manager that does not read must not hold the daemon up. */
static void test_notify__a_full_queue_is_an_error(void **state)
{
    (void)state;
    struct notify notify = init_at_path();
    int status = 0;
    for (int i = 0; i < 100000 && status == 0; i++) {
        status = notify_watchdog(&notify, NULL);
    }
    assert_int_equal(status, E_IO);
    assert_string_equal(receive(), "WATCHDOG=1");
}

#define WITH_MANAGER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MANAGER(test_notify__tells_what_happens),
        WITH_MANAGER(test_notify__a_reload_says_when_it_began),
        WITH_MANAGER(test_notify__abstract_names_work_as_well),
        WITH_MANAGER(test_notify__a_status_cannot_forge_a_field),
        WITH_MANAGER(test_notify__a_long_status_is_cut_between_characters),
        WITH_MANAGER(test_notify__without_a_manager_nothing_happens),
        WITH_MANAGER(test_notify__the_environment_is_not_for_children),
        WITH_MANAGER(test_notify__the_watchdog_is_fed_twice_in_its_time),
        WITH_MANAGER(test_notify__refuses_what_makes_no_sense),
        WITH_MANAGER(test_notify__a_manager_that_is_gone_is_an_error),
        WITH_MANAGER(test_notify__a_full_queue_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
