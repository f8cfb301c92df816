/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"

static const struct command *const verbs[] = {
    &cmd_plugin_list,
    &cmd_plugin_inspect,
    &cmd_plugin_run,
    &cmd_plugin_check,
    &cmd_plugin_new,
    &cmd_plugin_retry,
    NULL,
};

const struct command cmd_plugin = {
    .name = "plugin",
    .group = "Look at node types",
    .summary = "list plugin files; inspect, run, check or begin one",
    .verbs = verbs,
};
