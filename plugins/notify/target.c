/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <stdio.h>

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

/* A map with one member, the name of a channel: the schema has made sure of it. */
static ops_status read_target(ops_val value, struct target *out)
{
    ops_str name = ops_text(NULL);
    ops_val settings = 0;
    (void)ops.value->pair(ops.h, value, 0, &name, &settings);
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        if (ops_equal(name, channels[i]->name)) {
            out->channel = channels[i];
            out->settings = settings;
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
    ops_status status = read_target(value, target);
    if (status != OPS_OK) {
        text_append_literal(problem, "a target has no channel");
        return status;
    }
    if (!has_name) {
        name_unnamed(targets, *count);
    } else {
        (void)snprintf(target->name, sizeof target->name, "%.*s", (int)name.n, name.p);
        if (is_known(targets, *count, target->name)) {
            return OPS_OK; /* named twice: sent to once */
        }
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
