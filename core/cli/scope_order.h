/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_SCOPE_ORDER_H
#define CORE_CLI_SCOPE_ORDER_H

/*
 * Scope order: what the verbs of 'breakers' and 'limits' do: a person's order for one of them.
 *
 * Used by:  cmd_breakers_*, cmd_limits_reset.
 * Uses:     engine_command, job_text.
 * Threads:  [main]
 */

struct command_args;

/* The rows of its options; needs state_owner.h. */
#define SCOPE_ORDER_OPTIONS {"json", 0, NULL, "print one JSON document", false}, STATE_OPTION

/*
 * Gives the engine the order that the verb is named as, for the scope that is the operand; then
 * says what came of it. Returns an enum exit_code.
 */
int scope_order_run(const struct command_args *args);

#endif
