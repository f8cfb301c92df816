/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"

static const struct command *const verbs[] = {
    &cmd_completion_bash,
    &cmd_completion_zsh,
    &cmd_completion_words,
    NULL,
};

const struct command cmd_completion = {
    .name = "completion",
    .group = "About",
    .summary = "print what a shell needs to complete commands",
    .details = "The packages have the scripts of both shells already.\n\n"
               "Commands, verbs, options and values are completed, with the runs and their\n"
               "nodes, node types, breakers and limits that there are: the scripts ask the\n"
               "program itself, by 'words'.",
    .verbs = verbs,
};
