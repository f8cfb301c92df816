/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_COMPLETION_VALUES_H
#define CORE_CLI_COMPLETION_VALUES_H

/*
 * Completion values: what may stand where the help says FILE, ID or STATUS. What changes, runs for
 * one, is asked of the program itself, in a child that is given a second.
 *
 * Used by:  completion.
 * Uses:     command, value.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct command;
struct command_args;
struct strbuf;

/*
 * The words that may stand for `name` ("ID") in a line of `command`, as the value of `option` ("":
 * as an operand), as completion_append() does; none where that is not known. `args` (what was given
 * before) says where the state is.
 */
void completion_values_append(const struct command *command, const char *option, struct str name,
                              const struct command_args *args, struct strbuf *out);

/* One line of it. */
void completion_values_append_word(struct strbuf *out, struct str word, struct str text);

#endif
