/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_ITEM_INPUT_H
#define CORE_CLI_ITEM_INPUT_H

/*
 * Item input: the new input of a dead letter, from a file, or from a person's editor.
 *
 * Used by:  cmd_dlq_requeue.
 * Uses:     engine_command, file_text.
 * Threads:  [main]
 */

#include "core/cli/command.h"

struct engine_session;

/*
 * Appends {"input": ...} as --input or --edit give it; without these, nothing. EXIT_DONE;
 * EXIT_USAGE or EXIT_STATE after a line on stderr, also when the person left it as it was.
 */
int item_input_append(struct engine_session *session, const struct command_args *args,
                      const char *id, struct strbuf *out_body);

#endif
