/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"

static const struct command *const verbs[] = {&cmd_queue_list, &cmd_queue_run, NULL};

const struct command cmd_queue = {
    .name = "queue",
    .group = "Keep it running",
    .summary = "show calls that wait for their service, try them now",
    .details = "A node with 'on_open: queue' completes while the breaker of its service is open,\n"
               "and its call waits here. It is made when the breaker lets it pass, and again\n"
               "as 'retry' of the node says.",
    .verbs = verbs,
};
