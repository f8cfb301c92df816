/* SPDX-License-Identifier: Apache-2.0 */
/* Settles a dead letter with what the call is to have given. */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/item_pages.h"
#include "core/cli/state_owner.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"value", 0, "JSON", "what the call is to have given", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int skip(struct engine_session *session, const struct command_args *args)
{
    struct error err = {0};
    struct strbuf body = STRBUF_INIT;
    cleanup_document struct document *value = NULL;
    if (json_read(str_from(command_value(args, "value")), NULL, &value, &err) != 0) {
        return command_error(EXIT_USAGE, "--value is no JSON: column %u: %s", err.column,
                             err.message);
    }
    strbuf_append_text(&body, "{\"value\":");
    json_write(document_root(value), JSON_COMPACT, &body);
    strbuf_append_char(&body, '}');
    return item_pages_decide(session, args, "/skip", &body, "skipped");
}

static int run(const struct command_args *args)
{
    if (command_value(args, "value") == NULL) {
        return command_usage_error(args->command,
                                   "say with --value JSON what the call is to have given");
    }
    return engine_command_run(args, skip);
}

const struct command cmd_dlq_skip = {
    .name = "skip",
    .parent = &cmd_dlq,
    .summary = "settle a dead letter with a value that you give",
    .usage = "ID --value JSON [--json]",
    .details = "The call is done then, and has given the value. It is in the audit log.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
