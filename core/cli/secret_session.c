/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/secret_session.h"

#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/secret_env.h"
#include "core/loop/secret_sources.h"
#include "core/value/secrets.h"

int secret_session_fail(const struct error *err)
{
    return command_error(EXIT_STATE, "%s", err->message);
}

int secret_session_open_folder(const struct secret_session *session, enum state_folder_use use)
{
    struct error err = {0};
    struct state_folder *folder = NULL;
    const struct state_folder_options open = {.path = command_value(session->args, "state"),
                                              .use = use};
    int status = state_folder_open(&open, &folder, &err);
    bool is_foreign = status == 0 && state_folder_is_foreign(folder);
    int code = status == 0 ? EXIT_DONE : secret_session_fail(&err);
    if (is_foreign) {
        code = command_error(EXIT_STATE, "'%s' belongs to another user: run this as that user",
                             state_folder_path(folder));
    }
    state_folder_close(folder);
    return code;
}

static int open_session(struct secret_session *session, const struct command_args *args)
{
    struct error err = {0};
    cleanup_free char *state = NULL;
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    *session = (struct secret_session){.args = args};
    if (secret_env_take(&session->secrets, &err) != 0 ||
        state_folder_locate(command_value(args, "state"), &state, &err) != 0) {
        return secret_session_fail(&err);
    }
    const struct secret_sources_options sources = {
        .credentials = credentials != NULL && credentials[0] == '/' ? credentials : NULL,
        .state = state};
    if (secret_sources_create(&sources, &session->sources, &err) != 0) {
        return secret_session_fail(&err);
    }
    int code = site_config_read(command_value(args, "config"), &session->settings);
    if (code == EXIT_DONE && site_config_secrets(&session->settings, session->sources, &err) != 0) {
        return secret_session_fail(&err);
    }
    return code;
}

static void close_session(struct secret_session *session)
{
    settings_finish(&session->settings);
    secret_sources_destroy(session->sources);
    secrets_destroy(session->secrets);
}

int secret_session_run(const struct command_args *args, secret_session_cb work)
{
    struct secret_session session;
    struct secrets_variable variable;
    if (args->operand_count > 0 && !secrets_variable_of(str_from(args->operands[0]), &variable)) {
        return command_usage_error(args->command,
                                   "a secret's name has 1 to 128 letters, digits, '_', '-' and "
                                   "'.'");
    }
    int code = open_session(&session, args);
    code = code == EXIT_DONE ? work(&session) : code;
    close_session(&session);
    return code;
}
