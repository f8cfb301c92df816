/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/exit_code.h"

const struct exit_code_row exit_code_rows[] = {
    {"0", "done; the run completed"},
    {"1", "the run failed"},
    {"2", "a wrong command line, input or id; or not what this\nrun can do now"},
    {"3", "the pipeline, or the file of settings, does not\nvalidate"},
    {"4", "the run was cancelled"},
    {"74", "the state, or the output, could not be read or\nwritten"},
    {"75", "the run is kept, but is blocked, or no engine could be\n"
           "started for it; or the engine had no room for a\n"
           "minute, and nothing was begun"},
    {"128 + n", "the signal n ended the command, and the run goes on\nwhere it is kept"},
    {NULL, NULL},
};

int exit_code_of_run(enum run_state state)
{
    return state == RUN_COMPLETED ? EXIT_DONE
           : state == RUN_FAILED  ? EXIT_RUN_FAILED
                                  : EXIT_CANCELLED;
}

int exit_code_of_status(struct str status)
{
    return str_equal_text(status, "completed")   ? EXIT_DONE
           : str_equal_text(status, "cancelled") ? EXIT_CANCELLED
                                                 : EXIT_RUN_FAILED;
}

int exit_code_of_refusal(int http_status)
{
    return http_status == 429 ? EXIT_STUCK : http_status >= 500 ? EXIT_STATE : EXIT_USAGE;
}

int exit_code_of_refused_start(int http_status)
{
    bool is_invalid = http_status == 400 || http_status == 422;
    return is_invalid ? EXIT_INVALID : exit_code_of_refusal(http_status);
}

int exit_code_of_state(const char *option)
{
    return option != NULL && option[0] == '\0' ? EXIT_USAGE : EXIT_STATE;
}
