/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"

static const struct command *const verbs[] = {
    &cmd_dlq_list, &cmd_dlq_show, &cmd_dlq_requeue, &cmd_dlq_skip, &cmd_dlq_drop, NULL,
};

const struct command cmd_dlq = {
    .name = "dlq",
    .group = "Keep it running",
    .summary = "look at dead letters, try them again or drop them",
    .details = "A dead letter is a call of the retry queue whose attempts or time are spent, or\n"
               "whose error is not one to retry; unknown ones may have had their effect. A run\n"
               "that ended its engine ten times is one, too: 'retry' starts it again.",
    .verbs = verbs,
};
