/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"
#include "core/cli/terminal.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    {NULL, 0, NULL, NULL, false},
};

static int run(const struct command_args *args)
{
    if (command_has(args, "json")) {
        return terminal_write_stdout(STR("{\"version\":\"" OPSTREAM_VERSION
                                         "\",\"plugin_abi\":{\"epoch\":1,\"minor\":0}}\n"));
    }
    return terminal_write_stdout(STR("opstream " OPSTREAM_VERSION " (plugin interface 1.0)\n"));
}

const struct command cmd_version = {
    .name = "version",
    .group = "About",
    .summary = "print the version",
    .usage = "[--json]",
    .options = options,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
