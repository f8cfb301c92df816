/* SPDX-License-Identifier: Apache-2.0 */
/* Removes a secret from the store. */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/secret_session.h"
#include "core/cli/state_owner.h"
#include "core/loop/secret_sources.h"
#include "core/loop/secret_store.h"

static const struct command_option options[] = {
    STATE_OPTION,
    SECRET_SESSION_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int rm(struct secret_session *session)
{
    struct error err = {0};
    struct str name = str_from(session->args->operands[0]);
    int code = secret_session_open_folder(session, STATE_FOLDER_EXISTING);
    if (code == EXIT_DONE &&
        secret_store_remove(secret_sources_store(session->sources), name, &err) != 0) {
        code = err.code == E_NOT_FOUND ? command_error(EXIT_USAGE, "%s", err.message)
                                       : secret_session_fail(&err);
    }
    return code;
}

static int run(const struct command_args *args)
{
    return secret_session_run(args, rm);
}

const struct command cmd_secrets_rm = {
    .name = "rm",
    .parent = &cmd_secrets,
    .summary = "remove one from the store",
    .usage = "NAME",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
