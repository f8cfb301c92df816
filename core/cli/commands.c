/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"

const struct command *const command_table[] = {
    &cmd_run,    &cmd_validate, &cmd_plan,    &cmd_graph, &cmd_nodes,
    &cmd_schema, &cmd_plugin,   &cmd_version, &cmd_help,  NULL,
};
