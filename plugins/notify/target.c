/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <stdio.h>

#include "service/problem.h"

static const struct channel *const channels[] = {&channel_slack, &channel_email, &channel_webhook,
                                                 &channel_discord, &channel_teams};

ops_status channel_add_header(ops_task task, struct channel_request *request, ops_str name,
                              ops_str value)
{
    if (request->n_headers == CHANNEL_HEADERS) {
        return OPS_E_CONFIG;
    }
    request->names[request->n_headers] = name;
    return ops.value->new_str(ops.h, task, value, &request->values[request->n_headers++]);
}

ops_status channel_judge_page(ops_task task, const ops_http_res *res, char word[CHANNEL_WORD_BYTES],
                              const char **hint)
{
    (void)task;
    if (!problem_is_page(res->body)) {
        return OPS_OK;
    }
    (void)snprintf(word, CHANNEL_WORD_BYTES, "a page for people, which its API never sends");
    *hint = "look at the URL of the target, and at what stands between";
    return OPS_E_UPSTREAM;
}

/* A map with one channel: the schema has made sure of it. */
ops_status target_read(ops_str name, ops_val value, struct target *out)
{
    (void)snprintf(out->name, sizeof out->name, "%.*s", (int)name.n, name.n > 0 ? name.p : "");
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        ops_val settings = ops_get(value, channels[i]->name);
        if (settings != 0) {
            int is_api = channels[i] == &channel_slack && ops_get(settings, "token") != 0;
            out->channel = is_api ? &channel_slack_api : channels[i];
            out->settings = settings;
            out->notifications = ops_get(value, "notifications");
            return OPS_OK;
        }
    }
    return OPS_E_CONFIG;
}

static void list_names(ops_val named, struct text *problem)
{
    uint64_t n = ops.value->count(ops.h, named);
    text_append_literal(problem, n > 0 ? "; there are: " : "; none is set there");
    for (uint64_t i = 0; i < n; i++) {
        ops_str name = ops_text(NULL);
        (void)ops.value->pair(ops.h, named, i, &name, NULL);
        text_append_literal(problem, i > 0 ? ", " : "");
        text_append_str(problem, name);
    }
}

static int is_known(const struct target *targets, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(targets[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* "discord", "discord 2", ... for a target that stands in the config itself. */
static void name_unnamed(struct target *targets, uint32_t n)
{
    struct target *target = &targets[n];
    (void)snprintf(target->name, sizeof target->name, "%s", target->channel->name);
    for (unsigned k = 2; is_known(targets, n, target->name); k++) {
        (void)snprintf(target->name, sizeof target->name, "%s %u", target->channel->name, k);
    }
}

static ops_status add(ops_val item, ops_val named, struct target *targets, uint32_t *count,
                      struct text *problem)
{
    ops_str name = ops_text(NULL);
    ops_val value = item;
    struct target *target = &targets[*count];
    int has_name = ops.value->get_str(ops.h, item, &name) == OPS_OK;
    if (has_name && ops.value->find(ops.h, named, name, &value) != OPS_OK) {
        text_append_literal(problem, "there is no target '");
        text_append_str(problem, name);
        text_append_literal(problem, "' in 'integrations.notify.targets'");
        list_names(named, problem);
        return OPS_E_CONFIG;
    }
    ops_status status = target_read(name, value, target);
    if (status != OPS_OK) {
        text_append_literal(problem, "a target has no channel");
        return status;
    }
    if (!has_name) {
        name_unnamed(targets, *count);
    } else if (is_known(targets, *count, target->name)) {
        return OPS_OK; /* named twice: sent to once */
    }
    (*count)++;
    return OPS_OK;
}

ops_status target_find_all(ops_val to, ops_val named, struct target targets[TARGETS_MAX],
                           uint32_t *out_count, struct text *problem)
{
    ops_status status = OPS_OK;
    uint64_t n = ops.value->count(ops.h, to);
    *out_count = 0;
    if (ops.value->type(ops.h, to) != OPS_TYPE_LIST) {
        return add(to, named, targets, out_count, problem);
    }
    for (uint64_t i = 0; i < n && i < TARGETS_MAX && status == OPS_OK; i++) {
        ops_val item = 0;
        (void)ops.value->at(ops.h, to, i, &item);
        status = add(item, named, targets, out_count, problem);
    }
    return status;
}

/* ---- places ---- */

/* What of an address may be read; the rest is the key below. */
static void append_address(const struct target *target, struct text *out)
{
    static const char *const names[] = {"channel", "thread_id", "to", "cc", "bcc"};
    text_append_literal(out, target->channel->name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ops_str json = ops_text(NULL);
        ops_val value = ops_get(target->settings, names[i]);
        if (value != 0) {
            (void)ops.value->to_json(ops.h, value, &json); /* a secret is told by the key only */
        }
        text_append_literal(out, "\n");
        text_append_str(out, json);
    }
}

/* Whoever has this may write there, so it is a secret: it makes a digest, and is not read. */
static ops_status find_key(const struct target *target, ops_task task, ops_val *out)
{
    static const char *const names[] = {"webhook_url", "url", "token"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        *out = ops_get(target->settings, names[i]);
        if (*out != 0) {
            return OPS_OK;
        }
    }
    return ops.value->new_str(ops.h, task, ops_text("place"), out);
}

ops_status target_name_place(const struct target *target, ops_task task,
                             char out[TARGET_PLACE_BYTES])
{
    struct text address = {0};
    ops_str hash = ops_text(NULL);
    ops_val key = 0;
    append_address(target, &address);
    ops_status status = address.failed ? OPS_E_RESOURCE : find_key(target, task, &key);
    if (status == OPS_OK) {
        status = ops.secret->digest(ops.h, task, key, text_str(&address), &hash);
    }
    text_finish(&address);
    int n = snprintf(out, TARGET_PLACE_BYTES, "%s ", target->channel->name);
    for (size_t i = 0; i < 8 && i < hash.n; i++) {
        n += snprintf(out + n, TARGET_PLACE_BYTES - (size_t)n, "%02x", (unsigned char)hash.p[i]);
    }
    return status;
}
