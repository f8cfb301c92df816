/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_EXEC_SYSCALL_H
#define CORE_HOST_EXEC_SYSCALL_H

/*
 * System calls without a C library, and the entry of a program that has none: on a virtual machine
 * the library's start alone takes 0.3 ms (it asks the processor what it can, which traps), more
 * than all that opstream-exec does. Other processors than these two take the library.
 *
 * Used by:  exec_main.c.
 * Uses:     nothing.
 * Threads:  [main]
 */

#include <sys/syscall.h>

/* Written by the includer. Ends by exec or exit. */
_Noreturn void exec_start(char **argv, char **envp);

#if defined(__x86_64__)

/* The result, or a negative errno. */
static inline long exec_syscall(long number, long a, long b, long c, long d)
{
    long result = number;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".text\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        "    endbr64\n"
        "    xorl %ebp, %ebp\n"
        "    movq %rsp, %rdi\n"
        "    andq $-16, %rsp\n"
        "    call exec_entry\n"
        "    hlt\n"
        ".size _start, . - _start\n");

#elif defined(__aarch64__)

static inline long exec_syscall(long number, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}

__asm__(".text\n"
        ".globl _start\n"
        ".type _start, %function\n"
        "_start:\n"
        "    mov x29, #0\n"
        "    mov x30, #0\n"
        "    mov x0, sp\n"
        "    bl exec_entry\n"
        "    brk #0\n"
        ".size _start, . - _start\n");

#else

#define EXEC_HAS_LIBRARY 1
#include <errno.h>
#include <unistd.h>

static inline long exec_syscall(long number, long a, long b, long c, long d)
{
    long result = syscall(number, a, b, c, d);
    return result < 0 ? -errno : result;
}

int main(int argc, char **argv)
{
    (void)argc;
    exec_start(argv, environ);
}

#endif

#ifndef EXEC_HAS_LIBRARY
/* `stack` is what the kernel left there: argc, the arguments, NULL, the environment, NULL. */
__attribute__((used)) _Noreturn void exec_entry(long *stack);

__attribute__((used)) _Noreturn void exec_entry(long *stack)
{
    char **argv = (char **)(stack + 1);
    exec_start(argv, argv + stack[0] + 1);
}
#endif

#endif
