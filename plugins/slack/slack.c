/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The node types `slack.*`: the Web API of Slack. What is sent and what of the answers is given are
 * the tables below; post.c posts a message once.
 */

#include "slack.h"

#include "message/limits.h"
#include "message/slack_answers.h"
#include "post.h"
#include "service/service.h"
#include "step.h"
#include "upload.h"

/* ---- Channels ---- */

int slack_choose_channel(struct service_call *call, char *out, size_t size)
{
    const struct slack_settings *settings = call->node->own;
    ops_str channel = ops_get_str(call->config, "channel", NULL);
    ops_str severity = ops_get_str(call->config, "severity", "info");
    ops_val routed = 0;
    if (channel.n == 0 && settings->channels != 0) {
        (void)ops.value->find(ops.h, settings->channels, severity, &routed); /* or the default */
        (void)ops.value->get_str(ops.h, routed, &channel);
        channel = channel.n > 0 ? channel : ops_get_str(settings->channels, "default", NULL);
    }
    if (channel.n == 0) {
        problem_fail_config(call, "channel",
                            "is missing, and integrations.slack.channels has no 'default'");
        return 0;
    }
    step_copy(out, size, channel);
    return 1;
}

/* ---- What of the answers is given ---- */

#define PICK(name)                                                                                 \
    {                                                                                              \
        (name), NULL, NULL                                                                         \
    }
#define PICK_AT(name, path)                                                                        \
    {                                                                                              \
        (name), (path), NULL                                                                       \
    }
#define PICK_END                                                                                   \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }

static const struct pick message[] = {PICK("ts"), PICK("channel"), PICK_END};
static const struct pick user[] = {PICK_AT("id", "user.id"),
                                   PICK_AT("name", "user.name"),
                                   PICK_AT("real_name", "user.profile.real_name"),
                                   PICK_AT("display_name", "user.profile.display_name"),
                                   PICK_AT("email", "user.profile.email"),
                                   PICK_AT("title", "user.profile.title"),
                                   PICK_AT("timezone", "user.tz"),
                                   PICK_AT("is_bot", "user.is_bot"),
                                   PICK_AT("deleted", "user.deleted"),
                                   PICK_END};
static const struct pick view[] = {PICK_AT("id", "view.id"), PICK_AT("hash", "view.hash"),
                                   PICK_AT("callback_id", "view.callback_id"),
                                   PICK_AT("external_id", "view.external_id"), PICK_END};

/* ---- What is sent ---- */

static const char *const update_body[] = {"channel", "ts", NULL};
static const char *const reaction_body[] = {"channel", "timestamp=ts", "name=emoji", NULL};
static const char *const user_query[] = {"email", NULL};
static const char *const view_body[] = {"trigger_id", "view", NULL};

static void update_add_body(struct service_call *call, struct ops_map *body)
{
    const struct content *content = &step_of(call)->content;
    if (content->text != 0) {
        ops_map_val(body, "text", content->text);
    }
    if (content->blocks != 0) {
        ops_map_val(body, "blocks", content->blocks);
    }
}

static void update_execute(struct service_call *call)
{
    struct step *step = step_make(call, sizeof *step);
    if (step != NULL && slack_choose_channel(call, step->talk.channel, sizeof step->talk.channel) &&
        compose_read(call, &step->content)) {
        call_act(call);
    }
}

/* ---- Reactions ---- */

static void complete_reaction(struct service_call *call, int is_added)
{
    struct ops_map out = ops_map_begin(call->task);
    ops_map_bool(&out, "added", is_added);
    ops_complete_map(call->task, &out);
}

static void on_reacted(struct service_call *call, const struct service_answer *answer)
{
    (void)answer; /* it says "ok" and nothing more */
    complete_reaction(call, 1);
}

static void on_not_reacted(struct service_call *call, const struct problem *problem)
{
    if (strcmp(problem->symbol, "already_reacted") == 0) {
        complete_reaction(call, 0);
    } else {
        problem_fail(call, problem);
    }
}

static void react_execute(struct service_call *call)
{
    struct call_request out = {.request = &call->operation->request,
                               .on_answer = on_reacted,
                               .on_problem = on_not_reacted};
    ops_status status = call_make_body(call, out.request, &out.body);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the body of the request could not be made");
        return;
    }
    call_send(call, &out);
}

/* ---- Views ---- */

static void view_execute(struct service_call *call)
{
    struct text why = {NULL, 0, 0, 0};
    int is_good = limits_check_view(ops_get(call->config, "view"), &why);
    if (is_good) {
        call_act(call);
    } else {
        compose_fail_limit(call, "view", &why);
    }
    text_finish(&why);
}

/* ---- The service ---- */

static const struct service_operation operations[] = {
    {.type = "slack.post_message",
     .request = {.method = "POST", .path = "/chat.postMessage", .body = post_body},
     .flags = SERVICE_REPEATABLE,
     .add_body = post_add_body,
     .execute = post_execute},
    {.type = "slack.send_digest",
     .request = {.method = "POST", .path = "/chat.postMessage"},
     .flags = SERVICE_REPEATABLE,
     .add_body = post_add_body,
     .execute = post_execute_digest},
    {.type = "slack.update_message",
     .request = {.method = "POST", .path = "/chat.update", .body = update_body},
     .output = message,
     .flags = SERVICE_REPEATABLE,
     .add_body = update_add_body,
     .execute = update_execute},
    {.type = "slack.add_reaction",
     .request = {.method = "POST", .path = "/reactions.add", .body = reaction_body},
     .flags = SERVICE_REPEATABLE,
     .execute = react_execute},
    {.type = "slack.upload_file",
     .request = {.method = "GET", .path = "/files.getUploadURLExternal"},
     .flags = SERVICE_REPEATABLE,
     .execute = upload_execute},
    {.type = "slack.lookup_user",
     .request = {.method = "GET", .path = "/users.lookupByEmail", .query = user_query},
     .output = user},
    {.type = "slack.open_view",
     .request = {.method = "POST", .path = "/views.open", .body = view_body},
     .output = view,
     .execute = view_execute},
    {.type = NULL},
};

static const struct service slack = {
    .id = "slack",
    .name = "Slack",
    .base_url = "https://slack.com/api",
    .auth_header = "Authorization",
    .auth_prefix = "Bearer ",
    .token_path = "bot.token",
    .operations = operations,
    .check_path = "/auth.test",
    .check_error = "error",
    .token_hint = "It is the Bot User OAuth Token (xoxb-...) of the app, under OAuth & Permissions "
                  "of its page at api.slack.com/apps",
    .judge = slack_answers_judge,
    .add_words = slack_answers_add_words,
};

static ops_status slack_create(ops_plugin *plugin, ops_scope scope, ops_val settings,
                               ops_node **out, ops_error *err)
{
    void *memory = NULL;
    (void)plugin;
    if (ops.value->alloc(ops.h, scope, sizeof(struct slack_settings), &memory) != OPS_OK) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    struct slack_settings *own = memory;
    own->channels = ops_get(settings, "channels");
    const char *fault = gate_read_rules(ops_get(settings, "notifications"), &own->rules);
    if (fault != NULL) {
        return ops_error_fill(err, OPS_E_CONFIG, fault);
    }
    ops_status status = service_create(&slack, scope, settings, out, err);
    if (status == OPS_OK) {
        (*out)->own = own;
    }
    return status;
}

#define TYPE(variable, name, flags)                                                                \
    static const ops_node_type variable = SERVICE_TYPE(slack, "slack." name, flags)

TYPE(post_message, "post_message", OPS_NODE_IDEMPOTENT);
TYPE(send_digest, "send_digest", OPS_NODE_IDEMPOTENT);
TYPE(update_message, "update_message", OPS_NODE_IDEMPOTENT);
TYPE(add_reaction, "add_reaction", OPS_NODE_IDEMPOTENT);
TYPE(upload_file, "upload_file", OPS_NODE_IDEMPOTENT);
TYPE(lookup_user, "lookup_user", OPS_NODE_IDEMPOTENT);
TYPE(open_view, "open_view", 0);

OPS_PLUGIN("slack", "1.0.0", &post_message, &send_digest, &update_message, &add_reaction,
           &upload_file, &lookup_user, &open_view);
