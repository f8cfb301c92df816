/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SECRET_INPUT_H
#define CORE_CLI_SECRET_INPUT_H

/*
 * Secret input: a secret's value from the standard input; at a terminal it is asked for, and what
 * is typed is not shown.
 *
 * Used by:  cmd_secrets_set.
 * Uses:     base.
 * Threads:  [main]
 */

#include "core/base/str.h"

/* Without the line's end, in guarded memory: secret_input_finish(). */
struct secret_input {
    char *p;
    size_t n;
};

/*
 * Reads the value of the secret `name`, as secrets_fault_of() wants it. EXIT_DONE, or another enum
 * exit_code after a line on stderr.
 */
int secret_input_read(const char *name, struct secret_input *out_input);
void secret_input_finish(struct secret_input *input);

#endif
