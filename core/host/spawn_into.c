/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child shares the memory of the parent, which waits until it has become the program or ended,
 * as with vfork(2). It has a stack of its own and never returns from its function, so that nothing
 * of the parent's frames can change under it. All signals are blocked meanwhile: a handler of ours
 * would run in the child, with our memory.
 */
#include "core/host/spawn_into.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    STACK_BYTES = 32 * 1024,
    SIGNAL_COUNT = 64, /* that the kernel has, those of the C library among them */
    SIGNAL_SET_BYTES = SIGNAL_COUNT / 8,
};

struct child {
    const struct spawn_into *what;
    int failure; /* an errno value, written by the child */
};

/* As the kernel has it: longer than any processor's. All zero: the default, nothing blocked. */
struct plain_action {
    unsigned char bytes[64];
};

static int set_fd(const struct spawn_into_fd *fd)
{
    if (fd->from >= 0) {
        return dup2(fd->from, fd->to) >= 0 ? 0 : errno;
    }
    int opened = open("/dev/null", O_WRONLY);
    if (opened < 0) {
        return errno;
    }
    if (opened != fd->to) {
        int status = dup2(opened, fd->to) >= 0 ? 0 : errno;
        (void)close(opened);
        return status;
    }
    return 0;
}

/* Runs in the child: nothing but system calls. */
__attribute__((no_sanitize("address", "undefined"), noreturn)) static void become(void *user)
{
    struct child *child = user;
    const struct spawn_into *what = child->what;
    const struct plain_action plain = {{0}};
    uint64_t none = 0;
    int failure = 0;
    for (int signal = 1; signal <= SIGNAL_COUNT; signal++) { /* two of them refuse */
        (void)syscall(SYS_rt_sigaction, signal, &plain, NULL, SIGNAL_SET_BYTES);
    }
    if (setsid() < 0) {
        failure = errno;
    }
    for (size_t i = 0; i < what->fd_count && failure == 0; i++) {
        failure = set_fd(&what->fds[i]);
    }
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGNAL_SET_BYTES);
    if (failure == 0) {
        (void)execve(what->path, what->argv, what->env);
        failure = errno;
    }
    child->failure = failure;
    for (;;) {
        _exit(127);
    }
}

#if defined(__x86_64__)

/* The pid, or a negative errno. In the child: calls `entry` on the stack that `args` name. */
static long clone_calling(struct clone_args *args, void (*entry)(void *), void *user)
{
    long result = SYS_clone3;
    register void *arg __asm__("r8") = user;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "movq %%r8, %%rdi\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "call *%%rdx\n\t"
                     "hlt\n"
                     "1:"
                     : "+a"(result)
                     : "D"(args), "S"(sizeof *args), "d"(entry), "r"(arg)
                     : "rcx", "r11", "memory");
    return result;
}

#elif defined(__aarch64__)

static long clone_calling(struct clone_args *args, void (*entry)(void *), void *user)
{
    register long number __asm__("x8") = SYS_clone3;
    register long result __asm__("x0") = (long)args;
    register long size __asm__("x1") = sizeof *args;
    register void (*called)(void *) __asm__("x2") = entry;
    register void *arg __asm__("x3") = user;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x0, x3\n\t"
                     "mov x29, #0\n\t"
                     "mov x30, #0\n\t"
                     "blr x2\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(result)
                     : "r"(number), "r"(size), "r"(called), "r"(arg)
                     : "memory", "x30");
    return result;
}

#else

static long clone_calling(struct clone_args *args, void (*entry)(void *), void *user)
{
    (void)args;
    (void)entry;
    (void)user;
    return -ENOSYS;
}

#endif

int spawn_into(const struct spawn_into *what, pid_t *out_pid)
{
    _Alignas(16) unsigned char stack[STACK_BYTES];
    struct child child = {.what = what};
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof stack,
        .cgroup = (unsigned)what->cgroup_fd,
    };
    uint64_t all = UINT64_MAX;
    uint64_t before = 0;
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGNAL_SET_BYTES);
    long pid = clone_calling(&args, become, &child);
    if (pid > 0 && child.failure != 0) {
        (void)syscall(SYS_wait4, pid, NULL, 0,
                      NULL); /* it has ended, and nobody else waits for it */
    }
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_SET_BYTES);
    if (pid < 0 || child.failure != 0) {
        return pid < 0 ? (int)-pid : child.failure;
    }
    *out_pid = (pid_t)pid;
    return 0;
}
