/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"

static const struct command *const verbs[] = {
    &cmd_db_check, &cmd_db_backup, &cmd_db_vacuum, &cmd_db_path, NULL,
};

const struct command cmd_db = {
    .name = "db",
    .group = "Keep it running",
    .summary = "check, copy or shrink the file that keeps the runs",
    .verbs = verbs,
};
