/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_COMMAND_HELP_H
#define CORE_CLI_COMMAND_HELP_H

/*
 * Command help: what `opstream help` prints, of the tables of the commands.
 *
 * Used by:  main, cmd_help.
 * Uses:     command.
 * Threads:  [main]
 */

struct command;
struct strbuf;

/* All commands in their groups, one line each. */
void command_help_append_overview(struct strbuf *out);

/* One command: usage, what it does, its verbs, its options. */
void command_help_append(const struct command *command, struct strbuf *out);

#endif
