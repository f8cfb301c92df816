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

static int pause_job(struct engine_session *session, const struct command_args *args)
{
    return job_command_run(session, args,
                           &(struct job_command){.below = "/pause", .done = "pausing"});
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, pause_job);
}

const struct command cmd_pause = {
    .name = "pause",
    .group = "Change runs",
    .summary = "let no new node of a run start",
    .usage = "ID [--json]",
    .details = "Nodes that run end and are recorded; time goes on: a timer that fires is\n"
               "recorded, and what it leads to waits. 'opstream resume' goes on.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
