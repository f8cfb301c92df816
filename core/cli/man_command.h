/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_MAN_COMMAND_H
#define CORE_CLI_MAN_COMMAND_H

/*
 * Man command: the manual pages of the program and of its commands, of the tables that the help
 * comes from.
 *
 * Used by:  man_pages.
 * Uses:     command, man_roff.
 * Threads:  [main]
 */

struct command;
struct strbuf;

/* "opstream-plugin-list": the page of a command or of a verb. */
void man_command_append_name(const struct command *command, struct strbuf *out);

void man_command_append(const struct command *command, struct strbuf *out);

/* opstream(1): all commands, exit codes, variables and files. */
void man_command_append_program(struct strbuf *out);

#endif
