/* SPDX-License-Identifier: Apache-2.0 */
/* Which secrets there are, where each comes from and where it may go; never values. */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/secret_list.h"
#include "core/cli/secret_session.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    SECRET_SESSION_OPTION,
    {NULL, 0, NULL, NULL, false},
};

/* What another user keeps cannot be read here: that is not the same as none. */
static int check_folder(const struct secret_session *session)
{
    struct error err = {0};
    struct state_folder *folder = NULL;
    const struct state_folder_options open = {.path = command_value(session->args, "state"),
                                              .use = STATE_FOLDER_EXISTING};
    int status = state_folder_open(&open, &folder, &err);
    state_folder_close(folder);
    return status == 0 || status == E_NOT_FOUND ? EXIT_DONE : secret_session_fail(&err);
}

static int list(struct secret_session *session)
{
    struct error err = {0};
    struct strbuf text = STRBUF_INIT;
    cleanup_document struct document *found = NULL;
    if (check_folder(session) != EXIT_DONE) {
        return EXIT_STATE;
    }
    if (secret_list_make(session->sources, session->secrets, &found, &err) != 0) {
        return secret_session_fail(&err);
    }
    if (command_has(session->args, "json")) {
        return engine_command_print_json(found);
    }
    if (value_count(document_root(found)) == 0) {
        terminal_write_stderr(STR("there are no secrets; 'opstream secrets set NAME' sets one\n"));
        return EXIT_DONE;
    }
    secret_list_append(document_root(found), terminal_has_color(1), &text);
    return engine_command_print(&text);
}

static int run(const struct command_args *args)
{
    return secret_session_run(args, list);
}

const struct command cmd_secrets_list = {
    .name = "list",
    .parent = &cmd_secrets,
    .summary = "show where each comes from and where it may go",
    .usage = "[--json]",
    .details = "Values are never shown. A name in brackets does not count: another place has it,\n"
               "too.",
    .options = options,
    .run = run,
};
