/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/job_command.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    JOB_JSON_OPTION,
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int cancel_job(struct engine_session *session, const struct command_args *args)
{
    return job_command_run(session, args,
                           &(struct job_command){.below = "/cancel", .done = "cancelling"});
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, cancel_job);
}

const struct command cmd_cancel = {
    .name = "cancel",
    .group = "Change runs",
    .summary = "cancel a run: running nodes are told, then endings run",
    .usage = "ID [--json]",
    .details = "The cancel is durable when the command returns; 'status' shows what it leads to.\n"
               "A state machine takes its 'cancel' transition; else no new node starts, running\n"
               "ones are told, processes end within 10 s, compensations and endings run.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
