/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"
#include "core/cli/run_session.h"
#include "core/cli/run_tape.h"
#include "core/cli/start_request.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    START_OPTIONS,
    {"key", 0, "KEY", "the same key again is the same run", false},
    {"json", 0, NULL, "print one JSON document at the end", false},
    {"quiet", 'q', NULL, "output and outcome only; stderr: warnings, long waits", false},
    STATE_OPTION,
    EPHEMERAL_OPTION,
    TAPE_OPTIONS,
    LIBRARY_OPTION,
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static int run(const struct command_args *args)
{
    static const struct run_session_options session = {.prepare = start_request_prepare};
    return run_session(args, &session);
}

const struct command cmd_run = {
    .name = "run",
    .group = "Run pipelines",
    .summary = "run a pipeline here and now and show it",
    .usage = "FILE[#ID] [-i KEY=VALUE]... [--input FILE|-] [--key K]",
    .details = "Checks FILE, checks the input, runs the pipeline and ends with its outcome. On a\n"
               "terminal each node that runs has a live row; elsewhere starts and ends are\n"
               "lines. What runs inside loops has its path, each[17].fix; of loops with many\n"
               "items only failures and sums are shown.\n"
               "Ctrl-C cancels: a state machine takes its 'cancel' transition, else nodes are\n"
               "told and processes end, then endings run; a second Ctrl-C kills all of it.\n"
               "When a plugin's code does not return, nothing can be cancelled: the second one\n"
               "ends opstream at once then, and says whose code it is; a kept run can go on.\n"
               "When the terminal is closed, an engine in the background goes on with it.\n"
               "With -q, too, a wait for a person, and one for a service that takes more than\n"
               "10 s, has a line on stderr.\n\n"
               "A value of -i is read as the type that the input's schema gives its key.\n\n"
               "Events of --send go to the run itself, not to pipelines that it calls, in the\n"
               "order given; each is kept until a 'wait' or a state takes it.\n\n"
               "The run is kept in the state folder. The same --key again is the same run: it is\n"
               "shown, and goes on if it was interrupted. When another opstream is the engine of\n"
               "the folder, it runs there and is shown here; then a second Ctrl-C leaves it\n"
               "to that engine. Should that one go away, this one goes on; in a folder of\n"
               "another user's, as a service has, it waits up to 10 min for the next one.\n\n"
               "--record keeps the HTTP calls of the run, and what came of them, for --replay,\n"
               "which needs no network: a test of the pipeline. See 'opstream help plugin run'.\n"
               "A run with a tape is ephemeral.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
