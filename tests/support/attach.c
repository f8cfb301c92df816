/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach PID: does to a process what a debugger does first, and lets it go on to its end. Exit 0:
 * it could be attached to, and has ended.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    pid_t pid = argc == 2 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
    int status = 0;
    if (pid <= 0 || ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0) {
        (void)fprintf(stderr, "cannot attach: %s\n", pid > 0 ? strerror(errno) : "no process");
        return 1;
    }
    while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
        int signal_number = status >> 16 != 0 ? 0 : WSTOPSIG(status);
        (void)ptrace(PTRACE_CONT, pid, NULL, (long)signal_number); /* fails when it has ended */
    }
    return WIFEXITED(status) ? 0 : 1;
}
