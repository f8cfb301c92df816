/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_CLI_CAPTURE_H
#define TESTS_UNIT_CLI_CAPTURE_H

/*
 * Capture: what a function writes to a descriptor of the program, as text.
 *
 *     struct capture capture;
 *     capture_begin(&capture, STDERR_FILENO);
 *     ...
 *     char *text = capture_end(&capture);      owned: free() it
 *
 * Used by:  the tests of cli.
 * Uses:     nothing.
 * Threads:  [main]
 */

#include <stdio.h>

struct capture {
    int fd;    /* what is captured */
    int saved; /* where it led before */
    FILE *file;
};

/* Both end the test program when the system does not let them. */
void capture_begin(struct capture *capture, int fd);
char *capture_end(struct capture *capture);

#endif
