/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/db_folder.h"

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/engine_command.h"
#include "core/loop/state_folder.h"
#include "core/value/builder.h"
#include "core/value/value.h"

int db_folder_run(const struct command_args *args, db_folder_cb work)
{
    struct error err = {0};
    struct state_folder *folder = NULL;
    const struct state_folder_options open = {.path = command_value(args, "state"),
                                              .use = STATE_FOLDER_EXISTING};
    if (state_folder_open(&open, &folder, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    int code = state_folder_is_foreign(folder)
                   ? command_error(EXIT_STATE,
                                   "'%s' belongs to another user: ask who it belongs to",
                                   state_folder_path(folder))
                   : work(args, folder);
    state_folder_close(folder);
    return code;
}

int db_folder_print_json(struct builder *b, int code)
{
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    if (builder_finish(b, &document, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    int printed = engine_command_print_json(document);
    return printed == EXIT_DONE ? code : printed;
}
