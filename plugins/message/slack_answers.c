/* SPDX-License-Identifier: Apache-2.0 */
#include "message/slack_answers.h"

#include "message/slack_talk.h"

/* ---- What each of its words means ---- */

struct meaning {
    const char *error;
    ops_status code;
    const char *hint; /* NULL: that of the code */
    int is_unsure;    /* what was asked for may have been done all the same */
};

#define ASK_AGAIN "ask Slack again: it was a fault on its side"

static const struct meaning meanings[] = {
    {"not_authed", OPS_E_AUTH, NULL, 0},
    {"invalid_auth", OPS_E_AUTH, NULL, 0},
    {"account_inactive", OPS_E_AUTH, NULL, 0},
    {"token_revoked", OPS_E_AUTH, NULL, 0},
    {"token_expired", OPS_E_AUTH, NULL, 0},
    {"org_login_required", OPS_E_AUTH, NULL, 0},
    {"missing_scope", OPS_E_PERMISSION,
     "give the app the scope under OAuth & Permissions of its page at api.slack.com/apps, and "
     "install it again",
     0},
    {"not_allowed_token_type", OPS_E_PERMISSION, "it takes a bot token: xoxb-...", 0},
    {"no_permission", OPS_E_PERMISSION, NULL, 0},
    {"access_denied", OPS_E_PERMISSION, NULL, 0},
    {"team_access_not_granted", OPS_E_PERMISSION, NULL, 0},
    {"ekm_access_denied", OPS_E_PERMISSION, "the workspace's administrators have stopped this", 0},
    {"restricted_action", OPS_E_PERMISSION, "a setting of the workspace does not allow it", 0},
    {"restricted_action_read_only_channel", OPS_E_PERMISSION,
     "nobody but a few may write to this channel", 0},
    {"cant_update_message", OPS_E_PERMISSION, "an app can change its own messages only", 0},
    {"not_in_channel", OPS_E_PERMISSION,
     "invite the app: /invite @its-name in the channel; for public ones the scope "
     "chat:write.public does as well",
     0},
    {"channel_not_found", OPS_E_NOT_FOUND,
     "check the name; private channels are there only for apps that were invited", 0},
    {"is_archived", OPS_E_INPUT, "the channel is archived: unarchive it, or name another", 0},
    {"thread_not_found", OPS_E_NOT_FOUND, "'thread_ts' is the 'ts' of a thread's first message", 0},
    {"message_not_found", OPS_E_NOT_FOUND,
     "'channel' and 'ts' are those that slack.post_message gave", 0},
    {"bad_timestamp", OPS_E_INPUT, "a time stamp looks like \"1700000000.000100\": a text", 0},
    {"users_not_found", OPS_E_NOT_FOUND, "nobody in the workspace has this address", 0},
    {"user_not_found", OPS_E_NOT_FOUND, "", 0},
    {"not_found", OPS_E_NOT_FOUND, "", 0},
    {"file_not_found", OPS_E_NOT_FOUND, "", 0},
    {"invalid_name", OPS_E_INPUT, "the workspace has no emoji of this name", 0},
    {"already_reacted", OPS_E_CONFLICT, "", 0},
    {"no_reaction", OPS_E_NOT_FOUND, "", 0},
    {"too_many_emoji", OPS_E_INPUT, "the message has as many kinds of reactions as it can", 0},
    {"too_many_reactions", OPS_E_INPUT, "the app has reacted to it as often as it may", 0},
    {"edit_window_closed", OPS_E_INPUT, "it is too old to be changed", 0},
    {"no_text", OPS_E_INPUT, "the message is empty", 0},
    {"msg_too_long", OPS_E_INPUT, "a text has 40,000 characters at most", 0},
    {"msg_blocks_too_long", OPS_E_INPUT, "the blocks' texts are too long together", 0},
    {"invalid_blocks", OPS_E_INPUT, "the message says which block; Block Kit Builder shows why", 0},
    {"invalid_blocks_format", OPS_E_INPUT, "'blocks' is a list of blocks", 0},
    {"invalid_arguments", OPS_E_INPUT, NULL, 0},
    {"invalid_trigger_id", OPS_E_INPUT, "a trigger_id comes from a click or a command", 0},
    {"trigger_expired", OPS_E_INPUT, "a trigger_id can be used for three seconds", 0},
    {"expired_trigger_id", OPS_E_INPUT, "a trigger_id can be used for three seconds", 0},
    {"exchanged_trigger_id", OPS_E_INPUT, "a trigger_id can be used once", 0},
    {"trigger_exchanged", OPS_E_INPUT, "a trigger_id can be used once", 0},
    {"ratelimited", OPS_E_RATE_LIMITED, NULL, 0},
    {"rate_limited", OPS_E_RATE_LIMITED, NULL, 0},
    {"message_limit_exceeded", OPS_E_RATE_LIMITED, NULL, 0},
    {"fatal_error", OPS_E_UNAVAILABLE, ASK_AGAIN, 1},
    {"internal_error", OPS_E_UNAVAILABLE, ASK_AGAIN, 1},
    {"request_timeout", OPS_E_UNAVAILABLE, ASK_AGAIN, 1},
    {"service_unavailable", OPS_E_UNAVAILABLE, ASK_AGAIN, 1},
    {"team_added_to_org", OPS_E_UNAVAILABLE, ASK_AGAIN, 0},
};

/* What Slack may say besides needs no hint: its word is all that is known. */
static const struct meaning unknown = {"refused", OPS_E_UPSTREAM, "", 0};

static const struct meaning *find_meaning(ops_str error)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (ops_equal(error, meanings[i].error)) {
            return &meanings[i];
        }
    }
    return &unknown;
}

int slack_answers_judge(const struct service_answer *answer, struct problem *problem)
{
    ops_str error = pick_str(answer->value, "error");
    int is_ok = 0;
    int is_said = ops.value->type(ops.h, answer->value) == OPS_TYPE_MAP &&
                  ops.value->type(ops.h, ops_get(answer->value, "ok")) == OPS_TYPE_BOOL;
    is_ok = is_said && ops_get_bool(answer->value, "ok", 0);
    if (!is_said || is_ok) {
        return 0;
    }
    const struct meaning *meaning = find_meaning(error);
    problem_of_status(answer, problem); /* how long to wait */
    problem->code = meaning->code;
    problem->symbol = meaning->error;
    problem->hint = meaning->hint;
    problem->is_unchanged = !meaning->is_unsure;
    if (meaning->code != OPS_E_RATE_LIMITED && meaning->code != OPS_E_UNAVAILABLE) {
        problem->retry_after_ms = 0;
    }
    return 1;
}

/* ---- Words ---- */

static void add_pair(struct problem *problem, const char *before, ops_str text)
{
    struct text line = {NULL, 0, 0, 0};
    if (text.n > 0) {
        text_append_literal(&line, before);
        text_append_str(&line, text);
        problem_add_words(problem, text_str(&line));
        text_finish(&line);
    }
}

/* The channel, or what else was named: Slack's own words name nothing. */
static void add_subject(const struct service_answer *answer, struct problem *problem)
{
    const struct service_call *call = answer->call;
    if (problem->code == OPS_E_NOT_FOUND || problem->code == OPS_E_PERMISSION ||
        ops_equal(pick_str(answer->value, "error"), "is_archived")) {
        add_pair(problem, "channel ",
                 call->user != NULL ? ops_text(slack_talk_of(call)->channel)
                                    : ops_get_str(call->config, "channel", NULL));
        add_pair(problem, "e-mail ", ops_get_str(call->config, "email", NULL));
    }
}

/* "must be less than 151 characters [json-pointer:/blocks/0/text/text]" */
void slack_answers_add_words(const struct service_answer *answer, struct problem *problem)
{
    ops_val messages = pick_find(answer->value, "response_metadata.messages");
    ops_val errors = pick_find(answer->value, "errors");
    ops_val list = ops.value->count(ops.h, messages) > 0 ? messages : errors;
    uint64_t n = ops.value->type(ops.h, list) == OPS_TYPE_LIST ? ops.value->count(ops.h, list) : 0;
    for (uint64_t i = 0; i < n; i++) {
        ops_val item = 0;
        ops_str text = {NULL, 0};
        if (ops.value->at(ops.h, list, i, &item) == OPS_OK &&
            ops.value->get_str(ops.h, item, &text) == OPS_OK) {
            problem_add_words(problem, text);
        }
    }
    add_pair(problem, "needed: ", pick_str(answer->value, "needed"));
    add_pair(problem, "the token has: ", pick_str(answer->value, "provided"));
    if (answer->value != 0) {
        add_subject(answer, problem);
    }
}
