/* SPDX-License-Identifier: Apache-2.0 */
/* Gives dead letters all their attempts again, or makes another call of one. */
#include <stdint.h>

#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/item_input.h"
#include "core/cli/item_pages.h"
#include "core/cli/state_owner.h"

static const struct command_option options[] = {
    {"all", 0, NULL, "all that the filters leave, instead of an ID", false},
    ITEM_FILTER_OPTIONS,
    ITEM_LETTER_OPTIONS,
    {"priority", 0, "WORD", "with this priority from now on: high, normal, low", false},
    {"edit", 0, NULL, "change the input in $EDITOR first", false},
    {"input", 0, "FILE", "with this input, a JSON object ('-': stdin)", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static bool is_edited(const struct command_args *args)
{
    return command_has(args, "edit") || command_value(args, "input") != NULL;
}

static int requeue(struct engine_session *session, const struct command_args *args)
{
    struct strbuf body = STRBUF_INIT;
    if (!is_edited(args)) {
        return item_pages_order(session, args, "/api/v1/dlq/requeue", "requeued");
    }
    int code = item_input_append(session, args, args->operands[0], &body);
    if (code != EXIT_DONE) {
        strbuf_finish(&body);
        return code;
    }
    return item_pages_decide(session, args, "/requeue", &body, "requeued");
}

static int run(const struct command_args *args)
{
    const char *fault = item_pages_fault_of(args);
    if (fault == NULL && is_edited(args) && args->operand_count != 1) {
        fault = "--edit and --input are for one ID";
    }
    if (fault != NULL) {
        return command_usage_error(args->command, "%s", fault);
    }
    return engine_command_run(args, requeue);
}

const struct command cmd_dlq_requeue = {
    .name = "requeue",
    .parent = &cmd_dlq,
    .summary = "try dead letters again",
    .usage = "ID... [--priority WORD] [--edit] [--input FILE]\n"
             "       opstream dlq requeue --all [--workflow ID] [--code CODE]",
    .details = "Each gets all its attempts again, with the same idempotency key. With --edit or\n"
               "--input it is another call, with another key. It is in the audit log.",
    .options = options,
    .max_operands = SIZE_MAX,
    .run = run,
};
