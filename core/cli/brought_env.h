/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_BROUGHT_ENV_H
#define CORE_CLI_BROUGHT_ENV_H

/*
 * Brought env: the values that the environment variables of a run's definition have here, for an
 * engine that may have others, or none.
 *
 * Used by:  cmd_resume, cmd_retry, start_request.
 * Uses:     engine_command, model (bundle).
 * Threads:  [main]
 */

#include "core/base/str.h"

struct bundle;
struct command_args;
struct engine_session;

/* The row of command_option that brought_env_append() reads. */
#define BROUGHT_ENV_OPTION                                                                         \
    {                                                                                              \
        "env", 'e', "NAME=VALUE", "a variable of its environment (may be repeated)", true          \
    }

/*
 * Appends the member "env" of a request's body: those of the variables that `bundle` names which
 * are set here. Secrets are the engine's own: they travel in no request. See strbuf_status().
 */
void brought_env_write(const struct bundle *bundle, struct strbuf *out);

/*
 * Appends the member "env" of a request's body for the run of the first operand. What --env says
 * goes into this program's environment: an engine that it leaves behind has it, too. EXIT_DONE, or
 * another enum exit_code after lines on stderr.
 */
int brought_env_append(struct engine_session *session, const struct command_args *args,
                       struct strbuf *out);

#endif
