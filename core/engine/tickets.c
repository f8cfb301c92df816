/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/tickets.h"

#include <string.h>

#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_limit.h"
#include "core/engine/dispatch_scope.h"
#include "core/engine/limiter.h"
#include "core/engine/member.h"
#include "core/engine/queue.h"
#include "core/engine/rooms.h"
#include "core/engine/service.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/model/policy.h"

/* An item of the queue has a turn, for its start and for the calls that its task makes. */
static void take_turn(const struct run *run, struct dispatch_ticket *ticket)
{
    ticket->has_turn = queue_is_item(run);
    ticket->place.turn = ticket->has_turn ? run_turn(run) : ticket->place.turn;
}

static uint32_t plugin_limit(const struct tickets *tickets, const struct pipeline *pipeline,
                             const struct node *node)
{
    const struct integration *integration = pipeline_find_integration(pipeline, node->type->plugin);
    if (integration != NULL && integration->concurrency > 0) {
        return integration->concurrency;
    }
    bool has_processes = (node->type->flags & NODE_TYPE_PROCESSES) != 0;
    return has_processes ? tickets->process_concurrency : tickets->plugin_concurrency;
}

/* Scopes with other limits are other scopes: the key holds the limit, behind the name. */
static int add_scope(const struct tickets *tickets, struct dispatch_ticket *ticket,
                     const struct strbuf *key, uint32_t limit)
{
    struct dispatch_scope *scope = NULL;
    int status = strbuf_status(key);
    if (status == 0) {
        status = dispatch_scope(tickets->dispatch, strbuf_str(key), limit, &scope);
    }
    if (status == 0) {
        ticket->scopes[ticket->scope_count++] = scope;
    }
    return status;
}

/*
 * The breaker of the service. Where no address tells services apart there is one only if somebody
 * asked for it: what fails in one script says nothing about another.
 */
static int add_guard(const struct tickets *tickets, const struct node *node,
                     const struct document *config, struct dispatch_ticket *ticket)
{
    const struct breaker_settings *settings = &node->policies->breaker;
    if (!settings->is_on || (!service_has_origin(node) && !settings->is_asked_for)) {
        return 0;
    }
    struct strbuf key = STRBUF_INIT;
    service_append(node, config, &key);
    service_append_settings(settings, &key);
    int status = strbuf_status(&key);
    if (status == 0) {
        status = dispatch_guard(tickets->dispatch, strbuf_str(&key), settings, &ticket->guard);
    }
    strbuf_finish(&key);
    return status;
}

static bool calls_itself(const struct node *node)
{
    return (node->type->flags & NODE_TYPE_CALLS) != 0;
}

static int add_limiter(const struct tickets *tickets, struct strbuf *key,
                       const struct rate_settings *settings, struct dispatch_ticket *ticket)
{
    struct limiter *limiter = NULL;
    int status = strbuf_status(key);
    if (status == 0) {
        status = limiters_find(dispatch_limiters(tickets->dispatch), strbuf_str(key), settings,
                               &limiter);
    }
    if (status == 0) {
        ticket->limiters[ticket->limiter_count++] = limiter;
    }
    return status;
}

/*
 * The rate limits of the service whose name is in `key`, which is used up. The first is the
 * service itself, which can be frozen: for all its nodes, whatever rates they have.
 */
static int add_limiters(const struct tickets *tickets, const struct node *node, struct strbuf *key,
                        struct dispatch_ticket *ticket)
{
    const struct rate_settings *rates[] = {&node->policies->rate, &node->policies->rate_around};
    const struct rate_settings none = {0};
    int status = add_limiter(tickets, key, &none, ticket);
    for (size_t i = 0; status == 0 && i < sizeof(rates) / sizeof(rates[0]); i++) {
        if (rates[i]->limit > 0) {
            strbuf_clear(key);
            strbuf_append_str(key, ticket->limiters[0]->key);
            service_append_rate(rates[i], key);
            status = add_limiter(tickets, key, rates[i], ticket);
        }
    }
    return status;
}

/* Of an attempt; where tasks call by themselves each call is asked instead. */
static int add_rate(const struct tickets *tickets, const struct node *node,
                    const struct document *config, struct dispatch_ticket *ticket)
{
    if (node->policies->rate.limit == 0 || calls_itself(node)) {
        return 0;
    }
    struct strbuf key = STRBUF_INIT;
    service_append(node, config, &key);
    int status = add_limiters(tickets, node, &key, ticket);
    strbuf_finish(&key);
    return status;
}

/*
 * What counts the nodes of a plugin; those that wait for a rate limit of their service hold back
 * only nodes with the same.
 */
static void append_plugin_scope(const struct node *node, const struct document *config,
                                uint32_t limit, struct strbuf *key)
{
    const struct node_policies *policies = node->policies;
    if (!calls_itself(node)) {
        strbuf_append_format(key, "plugin %.*s\n%u", STR_ARG(node->type->plugin), limit);
        return;
    }
    strbuf_append_text(key, "service ");
    service_append(node, config, key);
    strbuf_append_format(key, "\n%u", limit);
    if (policies->rate.limit > 0) {
        service_append_rate(&policies->rate, key);
    }
    if (policies->rate_around.limit > 0) {
        service_append_rate(&policies->rate_around, key);
    }
}

/* What nobody keeps cannot be queued. */
static bool is_impatient(const struct run *run, const struct node *node)
{
    enum on_open on_open = node->policies->on_open;
    return on_open != ON_OPEN_WAIT && (on_open != ON_OPEN_QUEUE || run_number(run) != 0);
}

/* An item of the queue counts as the node whose call it is. */
static struct str owner_of(const struct pipeline *pipeline)
{
    return pipeline->queued_by.n > 0 ? pipeline->queued_by : pipeline->id;
}

/*
 * A node whose stream loops read goes on only while they do, and they may need the very permit that
 * it holds: it counts in no scope that others share.
 */
static int ticket_prepare(const struct tickets *tickets, struct member *member,
                          const struct effect *wish, struct dispatch_ticket *ticket)
{
    uint64_t frame = wish->frame;
    uint32_t index = wish->node;
    const struct pipeline *pipeline = run_pipeline(member->run);
    const struct node *node = &pipeline->nodes[index];
    struct strbuf key = STRBUF_INIT;
    struct run_node_view view = run_frame_node(member->run, frame, index);
    int status = 0;
    *ticket = (struct dispatch_ticket){
        .room = rooms_of(member, frame),
        .owner = member,
        .frame = frame,
        .node = index,
        .attempt = view.failures + 1,
        .give_up_at = view.tries_end_at_unix_ms,
        .waits_out = view.is_untried,
        .is_impatient = is_impatient(member->run, node),
        .retry_budget = node->has_readers ? 0.0 : node->policies->retry.budget,
    };
    take_turn(member->run, ticket);
    if (!node->has_readers) {
        uint32_t limit = plugin_limit(tickets, pipeline, node);
        append_plugin_scope(node, wish->config, limit, &key);
        status = add_scope(tickets, ticket, &key, limit);
    }
    if (status == 0 && node->concurrency > 0) {
        strbuf_clear(&key); /* with its length an id cannot look like two */
        struct str owner = owner_of(pipeline);
        strbuf_append_format(&key, "node %.*s/%.*s\n%u %zu", STR_ARG(owner), STR_ARG(node->id),
                             node->concurrency, owner.n);
        status = add_scope(tickets, ticket, &key, node->concurrency);
    }
    if (status == 0) {
        status = add_guard(tickets, node, wish->config, ticket);
    }
    if (status == 0) {
        status = add_rate(tickets, node, wish->config, ticket);
    }
    bool is_notice = pipeline_is_notice(pipeline, node->body); /* nothing waits for one */
    if (member->scope != NULL && !node->has_readers && !is_notice) {
        ticket->scopes[ticket->scope_count++] = member->scope;
    }
    strbuf_finish(&key);
    return status;
}

struct str tickets_scope_name(struct str key)
{
    const char *end = key.n > 0 ? memchr(key.p, '\n', key.n) : NULL;
    return end != NULL ? str_make(key.p, (size_t)(end - key.p)) : STR("run");
}

/* What a run needs for its first task. */
static int member_prepare(struct member *member)
{
    const struct pipeline *pipeline = run_pipeline(member->run);
    if (member->scope == NULL && pipeline->max_parallel_nodes > 0) {
        member->scope = dispatch_scope_create(pipeline->max_parallel_nodes);
        if (member->scope == NULL) {
            return E_NOMEM;
        }
    }
    return 0;
}

int tickets_want(const struct tickets *tickets, struct member *member, const struct effect *wish)
{
    int status = member_prepare(member);
    struct dispatch_ticket *ticket =
        status == 0 ? member_make_ticket(member, wish->frame, wish->node) : NULL;
    if (ticket == NULL) {
        return E_NOMEM;
    }
    status = ticket_prepare(tickets, member, wish, ticket);
    if (status == 0 && ticket->guard != NULL) {
        status = member_note_guard(member, ticket->guard);
    }
    if (status == 0) {
        dispatch_want(tickets->dispatch, ticket);
    }
    return status;
}

int tickets_want_call(const struct tickets *tickets, struct dispatch_ticket *ticket, struct str url)
{
    const struct pipeline *pipeline = run_pipeline(ticket->run);
    const struct node *def = &pipeline->nodes[ticket->node];
    uint32_t limit = plugin_limit(tickets, pipeline, def);
    struct strbuf key = STRBUF_INIT;
    ticket->is_call = true;
    take_turn(ticket->run, ticket);
    ticket->operation = service_operation(url);
    strbuf_append_text(&key, "calls\n");
    int status = add_scope(tickets, ticket, &key, tickets->call_concurrency);
    if (status == 0) {
        strbuf_clear(&key);
        strbuf_append_text(&key, "calls ");
        service_append_url(def, url, &key);
        strbuf_append_format(&key, "\n%u", limit);
        status = add_scope(tickets, ticket, &key, limit);
    }
    if (status == 0) {
        strbuf_clear(&key);
        service_append_url(def, url, &key);
        status = add_limiters(tickets, def, &key, ticket);
    }
    strbuf_finish(&key);
    if (status == 0) {
        dispatch_want(tickets->dispatch, ticket);
    }
    return status;
}

static enum breaker_result result_of(enum call_result result)
{
    static const enum breaker_result results[] = {
        [CALL_NOT_MADE] = BREAKER_CANCELLED,
        [CALL_GOOD] = BREAKER_GOOD,
        [CALL_BAD] = BREAKER_BAD,
        [CALL_SAYS_NOTHING] = BREAKER_IGNORED,
    };
    return results[result];
}

void tickets_release(const struct tickets *tickets, struct member *member,
                     const struct effect *effect)
{
    struct dispatch_ticket *ticket = member_find_ticket(member, effect->frame, effect->node);
    if (ticket == NULL) {
        return;
    }
    if (effect->at_unix_ms > 0) {
        dispatch_limit_freeze(tickets->dispatch, ticket, effect->at_unix_ms);
    }
    dispatch_release(tickets->dispatch, ticket, result_of(effect->result));
    member_free_ticket(member, effect->frame, effect->node);
}
