/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the file that keeps the runs, also while an engine is at work. */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/db_folder.h"
#include "core/cli/state_owner.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/state_folder.h"

static const struct command_option options[] = {
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int backup(const struct command_args *args, const struct state_folder *folder)
{
    struct error err = {0};
    int status = journal_sqlite_backup(state_folder_path(folder), args->operands[0], &err);
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

static int run(const struct command_args *args)
{
    return db_folder_run(args, backup);
}

const struct command cmd_db_backup = {
    .name = "backup",
    .parent = &cmd_db,
    .summary = "copy the file",
    .usage = "FILE [--state DIR]",
    .details = "FILE is a new one; large documents are copied to a folder 'blobs' beside it.\n"
               "What is damaged is not copied: 'opstream db check' says more then.\n\n"
               "It may be used while an engine is at work.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
