/* SPDX-License-Identifier: Apache-2.0 */
/* Where the file that keeps the runs is, or will be. */
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/db_folder.h"
#include "core/cli/engine_command.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/loop/state_folder.h"
#include "core/value/builder.h"

static const struct command_option options[] = {
    STATE_OPTION,
    {"json", 0, NULL, "print one JSON document", false},
    {NULL, 0, NULL, NULL, false},
};

/* A folder that is not there yet would be made with the first run. */
static int find_path(const struct command_args *args, struct strbuf *out)
{
    struct error err = {0};
    cleanup_free char *place = NULL;
    struct state_folder *folder = NULL;
    const struct state_folder_options open = {.path = command_value(args, "state"),
                                              .use = STATE_FOLDER_EXISTING};
    int status = state_folder_open(&open, &folder, &err);
    if (status == 0) {
        strbuf_append_text(out, state_folder_file(folder, STATE_FILE_DATABASE));
        state_folder_close(folder);
        return EXIT_DONE;
    }
    if (status == E_NOT_FOUND) {
        status = state_folder_locate(open.path, &place, &err);
    }
    if (status != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    strbuf_append_format(out, "%s/state.db", place);
    return EXIT_DONE;
}

static int run(const struct command_args *args)
{
    struct strbuf found = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;
    int code = find_path(args, &found);
    if (code == EXIT_DONE && command_has(args, "json")) {
        struct builder *b = builder_create();
        builder_map_begin(b);
        builder_member_string(b, STR("path"), strbuf_str(&found));
        builder_map_end(b);
        code = db_folder_print_json(b, EXIT_DONE);
    } else if (code == EXIT_DONE) {
        terminal_append_safe(&out, strbuf_str(&found));
        strbuf_append_char(&out, '\n');
        code = engine_command_print(&out);
    }
    strbuf_finish(&found);
    return code;
}

const struct command cmd_db_path = {
    .name = "path",
    .parent = &cmd_db,
    .summary = "print where the file is",
    .usage = "[--state DIR] [--json]",
    .details = "Or where it will be: a folder that is not there is made with the first run.",
    .options = options,
    .run = run,
};
