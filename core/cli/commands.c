/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"

const struct command *const command_table[] = {
    &cmd_run,     &cmd_start,      &cmd_serve,   &cmd_list,   &cmd_status, &cmd_logs,
    &cmd_history, &cmd_cancel,     &cmd_pause,   &cmd_resume, &cmd_retry,  &cmd_send,
    &cmd_resolve, &cmd_validate,   &cmd_plan,    &cmd_graph,  &cmd_nodes,  &cmd_schema,
    &cmd_plugin,  &cmd_breakers,   &cmd_limits,  &cmd_queue,  &cmd_dlq,    &cmd_secrets,
    &cmd_db,      &cmd_completion, &cmd_version, &cmd_help,   NULL,
};
