/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"
#include "core/loop/secret_sources.h"

static const struct command *const verbs[] = {
    &cmd_secrets_list, &cmd_secrets_set, &cmd_secrets_rm, &cmd_secrets_rotate, NULL,
};

const struct command cmd_secrets = {
    .name = "secrets",
    .group = "Keep it running",
    .summary = "set and list what pipelines read as secrets.NAME",
    .details = "A secret comes from the first that has it: the variable OPSTREAM_SECRET_NAME,\n"
               "$CREDENTIALS_DIRECTORY of the service manager, 'secrets_folder' of\n"
               "opstream.yaml [" SECRET_SOURCES_FOLDER "] with a file for each, and the store:\n"
               "secrets.json in the state folder, sealed with the key in secrets.key there, or\n"
               "with the credential 'opstream-secrets-key'. An engine sees a change at once.\n"
               "Make copies of the store and of the key in different places.",
    .verbs = verbs,
};
