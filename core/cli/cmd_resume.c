/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Goes on with a run. One that is blocked may lack the values of environment variables, which no
 * state keeps: those that its definition reads are sent with the request.
 */
#include "core/base/str.h"
#include "core/cli/brought_env.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/job_command.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    BROUGHT_ENV_OPTION,
    JOB_JSON_OPTION,
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int resume_job(struct engine_session *session, const struct command_args *args)
{
    struct strbuf body = STRBUF_INIT;
    strbuf_append_char(&body, '{');
    int code = brought_env_append(session, args, &body);
    strbuf_append_char(&body, '}');
    if (code == EXIT_DONE) {
        code = job_command_run(session, args,
                               &(struct job_command){.below = "/resume",
                                                     .body = strbuf_str(&body),
                                                     .done = "resuming"});
    }
    strbuf_finish(&body);
    return code;
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, resume_job);
}

const struct command cmd_resume = {
    .name = "resume",
    .group = "Change runs",
    .summary = "go on with a run that is paused or blocked",
    .usage = "ID [--env NAME=VALUE]... [--json]",
    .details = "A run that is blocked, because a plugin or an environment variable was missing,\n"
               "is tried again, with the values that the variables of its definition have here.\n"
               "No state keeps those: after the engine's end they are brought once more.\n"
               "Secrets are the engine's own, and are not sent.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
