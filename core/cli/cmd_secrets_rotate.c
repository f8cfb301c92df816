/* SPDX-License-Identifier: Apache-2.0 */
/* Seals all secrets of the store with a new key. */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/secret_session.h"
#include "core/cli/state_owner.h"
#include "core/loop/secret_sources.h"
#include "core/loop/secret_store.h"

static const struct command_option options[] = {
    STATE_OPTION,
    SECRET_SESSION_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int rotate(struct secret_session *session)
{
    struct error err = {0};
    struct strbuf text = STRBUF_INIT;
    size_t count = 0;
    int code = secret_session_open_folder(session, STATE_FOLDER_EXISTING);
    if (code == EXIT_DONE &&
        secret_store_rotate(secret_sources_store(session->sources), &count, &err) != 0) {
        code = secret_session_fail(&err);
    }
    if (code != EXIT_DONE) {
        return code;
    }
    strbuf_append_format(&text, "sealed %zu secret%s with a new key\n", count,
                         count == 1 ? "" : "s");
    return engine_command_print(&text);
}

static int run(const struct command_args *args)
{
    return secret_session_run(args, rotate);
}

const struct command cmd_secrets_rotate = {
    .name = "rotate",
    .parent = &cmd_secrets,
    .summary = "seal all of the store with a new key",
    .usage = "[--state DIR]",
    .details = "When it is cut off, old and new key go on working.",
    .options = options,
    .run = run,
};
