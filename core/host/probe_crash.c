/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/probe_crash.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK_BYTES = 128 * 1024, CHUNK_BYTES = 4096 };

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};

/* Handlers get no memory by any other way. */
static char handler_stack[STACK_BYTES];

static void write_all(const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        ssize_t done = write(PROBE_FRAME_FD, at, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return; /* nobody listens */
        }
        at += done;
        n -= (size_t)done;
    }
}

void probe_crash_send(enum probe_frame_type type, uint64_t number, const void *body, size_t n)
{
    const struct probe_frame frame = {
        .bytes = (uint32_t)n, .type = (uint32_t)type, .number = number};
    write_all(&frame, sizeof frame);
    write_all(body, n);
}

static uint64_t counter_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uint64_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return context->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

/* The frames of the handler itself are left out: what crashed begins at `counter`. */
static void send_stack(uint64_t counter)
{
    void *found[PROBE_STACK_MOST];
    uint64_t addresses[PROBE_STACK_MOST + 1];
    size_t n = 0;
    int count = backtrace(found, PROBE_STACK_MOST);
    int first = 0;
    while (first < count && (uint64_t)(uintptr_t)found[first] != counter) {
        first++;
    }
    if (first == count) {
        addresses[n++] = counter; /* as of a call to nowhere */
        first = 0;
    }
    for (int i = first; i < count; i++) {
        addresses[n++] = (uint64_t)(uintptr_t)found[i];
    }
    probe_crash_send(PROBE_FRAME_STACK, 0, addresses, n * sizeof addresses[0]);
}

static void send_maps(void)
{
    char chunk[CHUNK_BYTES];
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, chunk, sizeof chunk) : 0;
    while (n > 0) {
        probe_crash_send(PROBE_FRAME_MAPS, 0, chunk, (size_t)n);
        n = read(fd, chunk, sizeof chunk);
    }
}

/* The least first: what follows may crash again. */
static void on_crash(int signal, siginfo_t *info, void *context)
{
    uint64_t counter = counter_of(context);
    (void)info;
    probe_crash_send(PROBE_FRAME_CRASH, (uint64_t)signal, NULL, 0);
    probe_crash_send(PROBE_FRAME_STACK, 0, &counter, sizeof counter);
    send_maps();
    send_stack(counter);
    (void)raise(signal); /* the default now: SA_RESETHAND */
}

void probe_crash_install(void)
{
    const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action = {
        .sa_sigaction = on_crash,
        /* one of them is the sign bit */
        .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER)};
    void *first[1];
    (void)backtrace(first, 1);       /* loads the unwinder: later is too late */
    (void)sigaltstack(&stack, NULL); /* without one a stack that is full says nothing */
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)sigaction(signals[i], &action, NULL); /* a known signal: cannot fail */
    }
}
