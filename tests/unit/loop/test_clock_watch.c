/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of the machine stays as it is: what the kernel says of it is substituted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/error.h"
#include "core/loop/clock_watch.h"
#include "tests/support/failing_alloc.h"

static uv_loop_t loop;
static struct clock_watch *watch;
static int told_fd;    /* readable: the clock was set */
static int open_errno; /* what the substitutes say */
static int arm_errno;
static int read_errno;
static int arms;
static int calls;
static int arms_at_call;
static int closes_in_call;

static int told_open(void)
{
    told_fd = open_errno == 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    errno = open_errno;
    return told_fd;
}

static int told_arm(int fd)
{
    assert_int_equal(fd, told_fd);
    arms++;
    errno = arm_errno;
    return arm_errno == 0 ? 0 : -1;
}

static ssize_t told_read(int fd, void *to, size_t n)
{
    assert_int_equal(fd, told_fd);
    assert_int_equal(read(fd, to, n), n);
    errno = read_errno;
    return read_errno == 0 ? (ssize_t)n : -1;
}

static const struct clock_watch_system told_system = {told_open, told_arm, told_read};

static void on_set(void *user)
{
    assert_ptr_equal(user, &loop);
    calls++;
    arms_at_call = arms;
    if (closes_in_call != 0) {
        clock_watch_close(watch);
        watch = NULL;
    }
}

static int set_up(void **state)
{
    (void)state;
    open_errno = arm_errno = arms = calls = arms_at_call = closes_in_call = 0;
    read_errno = ECANCELED;
    watch = NULL;
    assert_int_equal(uv_loop_init(&loop), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clock_watch_close(watch);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static int open_with(const struct clock_watch_system *system, struct error *err)
{
    struct clock_watch_options options = {
        .loop = &loop, .cb = on_set, .user = &loop, .system = system};
    return clock_watch_open(&options, &watch, err);
}

static void on_never(uv_timer_t *timer)
{
    (void)timer;
    fail();
}

/* The clock is set, and the loop turns once; something must be there that it waits for. */
static void set_clock(void)
{
    uint64_t one = 1;
    uv_timer_t timer;
    assert_int_equal(write(told_fd, &one, sizeof one), sizeof one);
    assert_int_equal(uv_timer_init(&loop, &timer), 0);
    assert_int_equal(uv_timer_start(&timer, on_never, 60000, 0), 0);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&loop, UV_RUN_NOWAIT);
}

static void test_clock_watch__tells_each_time_the_clock_is_set(void **state)
{
    (void)state;
    assert_int_equal(open_with(&told_system, NULL), 0);
    assert_int_equal(arms, 1);
    for (int n = 1; n <= 3; n++) {
        set_clock();
        assert_int_equal(calls, n);
        assert_int_equal(arms_at_call, n + 1);
    }
}

static void test_clock_watch__says_nothing_when_there_was_nothing(void **state)
{
    (void)state;
    assert_int_equal(open_with(&told_system, NULL), 0);
    read_errno = EAGAIN;
    set_clock();
    assert_int_equal(calls, 0);
    assert_int_equal(arms, 1);
    read_errno = ECANCELED;
    set_clock();
    assert_int_equal(calls, 1);
}

static void test_clock_watch__a_broken_timer_tells_once(void **state)
{
    (void)state;
    assert_int_equal(open_with(&told_system, NULL), 0);
    read_errno = EIO;
    set_clock();
    assert_int_equal(calls, 1);
    set_clock();
    assert_int_equal(calls, 1);
}

static void test_clock_watch__one_that_cannot_be_armed_again_tells_once(void **state)
{
    (void)state;
    assert_int_equal(open_with(&told_system, NULL), 0);
    arm_errno = EINVAL;
    set_clock();
    set_clock();
    assert_int_equal(calls, 1);
}

static void test_clock_watch__may_be_closed_by_what_it_calls(void **state)
{
    (void)state;
    assert_int_equal(open_with(&told_system, NULL), 0);
    closes_in_call = 1;
    set_clock();
    assert_int_equal(calls, 1);
    assert_null(watch);
}

static void test_clock_watch__says_why_it_cannot_be(void **state)
{
    (void)state;
    struct error err = {0};
    open_errno = EMFILE;
    assert_int_equal(open_with(&told_system, &err), E_LIMIT);
    assert_string_equal(err.message, "cannot watch the clock: Too many open files");
    open_errno = EPERM;
    assert_int_equal(open_with(&told_system, &err), E_IO);
    open_errno = 0;
    arm_errno = EINVAL;
    assert_int_equal(open_with(&told_system, &err), E_IO);
    assert_null(watch);
}

static void test_clock_watch__of_the_kernel_is_quiet_and_keeps_no_loop(void **state)
{
    (void)state;
    assert_int_equal(open_with(NULL, NULL), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(calls, 0);
}

static void test_clock_watch__open_survives_each_failed_allocation(void **state)
{
    (void)state;
    struct error err = {0};
    /* The loop grows its own tables at first use, and ends the program when it cannot. */
    struct clock_watch *first = NULL;
    struct clock_watch_options options = {.loop = &loop, .cb = on_set, .user = &loop};
    assert_int_equal(clock_watch_open(&options, &first, NULL), 0);
    failing_alloc_arm(0);
    int status = open_with(&told_system, &err);
    assert_true(failing_alloc_disarm());
    assert_int_equal(status, E_NOMEM);
    assert_int_equal(err.code, E_NOMEM);
    assert_null(watch);
    failing_alloc_arm(1);
    status = open_with(&told_system, &err);
    assert_false(failing_alloc_disarm());
    assert_int_equal(status, 0);
    clock_watch_close(first);
    clock_watch_close(NULL);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(test_clock_watch__tells_each_time_the_clock_is_set),
        WITH_LOOP(test_clock_watch__says_nothing_when_there_was_nothing),
        WITH_LOOP(test_clock_watch__a_broken_timer_tells_once),
        WITH_LOOP(test_clock_watch__one_that_cannot_be_armed_again_tells_once),
        WITH_LOOP(test_clock_watch__may_be_closed_by_what_it_calls),
        WITH_LOOP(test_clock_watch__says_why_it_cannot_be),
        WITH_LOOP(test_clock_watch__of_the_kernel_is_quiet_and_keeps_no_loop),
        WITH_LOOP(test_clock_watch__open_survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
