/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/client.h"

#include <ares.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"

static struct gate *gate_get(struct net_client *client, const char *origin)
{
    struct gate_list *bucket = &client->gates[str_hash(str_from(origin)) % CLIENT_GATE_BUCKETS];
    struct gate *gate;
    TAILQ_FOREACH(gate, bucket, link)
    {
        if (strcmp(gate->origin, origin) == 0) {
            return gate;
        }
    }

    gate = calloc(1, sizeof *gate);
    char *copy = str_dup(str_from(origin));
    if (gate == NULL || copy == NULL) {
        free(gate);
        free(copy);
        return NULL;
    }

    gate->origin = copy;
    TAILQ_INIT(&gate->waiting);
    TAILQ_INSERT_TAIL(bucket, gate, link);
    return gate;
}

static void gate_drop_if_unused(struct net_client *client, struct gate *gate)
{
    if (gate->running > 0 || !TAILQ_EMPTY(&gate->waiting)) {
        return;
    }

    struct gate_list *bucket =
        &client->gates[str_hash(str_from(gate->origin)) % CLIENT_GATE_BUCKETS];
    TAILQ_REMOVE(bucket, gate, link);
    free(gate->origin);
    free(gate);
}

/* The first call that may go; gates take turns. */
static struct net_call *next_call(struct net_client *client)
{
    struct gate *gate;
    if (client->running >= client->options.max_connections) {
        return NULL;
    }
    TAILQ_FOREACH(gate, &client->ready, ready)
    {
        if (gate->running < client->options.max_connections_per_host) {
            break;
        }
    }
    if (gate == NULL) {
        return NULL;
    }

    struct net_call *call = TAILQ_FIRST(&gate->waiting);
    TAILQ_REMOVE(&gate->waiting, call, waiting);
    TAILQ_REMOVE(&client->ready, gate, ready);
    if (!TAILQ_EMPTY(&gate->waiting)) {
        TAILQ_INSERT_TAIL(&client->ready, gate, ready);
    }
    gate->running++;
    client->running++;
    return call;
}

void client_pump(struct net_client *client)
{
    if (client->is_pumping) {
        return; /* further out in the stack: that loop goes on */
    }

    client->is_pumping = true;
    struct net_call *call;
    while ((call = next_call(client)) != NULL) {
        call_begin_hop(call);
    }
    client->is_pumping = false;
}

int client_queue(struct net_call *call)
{
    struct net_client *client = call->client;
    struct gate *gate = gate_get(client, call->url.origin);
    if (gate == NULL) {
        return E_NOMEM;
    }

    if (TAILQ_EMPTY(&gate->waiting)) {
        TAILQ_INSERT_TAIL(&client->ready, gate, ready);
    }
    TAILQ_INSERT_TAIL(&gate->waiting, call, waiting);
    call->gate = gate;
    call->state = CALL_QUEUED;
    client_pump(client);
    return 0;
}

void client_leave(struct net_call *call)
{
    struct net_client *client = call->client;
    struct gate *gate = call->gate;
    if (gate == NULL) {
        return;
    }

    call->gate = NULL;
    if (call->state == CALL_QUEUED) {
        TAILQ_REMOVE(&gate->waiting, call, waiting);
        if (TAILQ_EMPTY(&gate->waiting)) {
            TAILQ_REMOVE(&client->ready, gate, ready);
        }
    } else {
        gate->running--;
        client->running--;
    }
    gate_drop_if_unused(client, gate);
}

CURL *client_take_easy(struct net_client *client)
{
    return client->easy_count > 0 ? client->easies[--client->easy_count] : curl_easy_init();
}

void client_give_easy(struct net_client *client, CURL *easy)
{
    if (client->easy_count == CLIENT_SPARE_EASIES) {
        curl_easy_cleanup(easy);
        return;
    }

    curl_easy_reset(easy);
    client->easies[client->easy_count++] = easy;
}

void client_undefer(struct net_call *call)
{
    if (call->is_deferred) {
        call->is_deferred = false;
        call->client->deferred_count--;
        TAILQ_REMOVE(&call->client->deferred, call, deferred);
    }
}

/* So many as are there now: a callback that sends again must not keep the loop from its sockets. */
static void on_idle(uv_idle_t *idle)
{
    struct net_client *client = idle->data;
    struct net_call *call;
    size_t left = client->deferred_count;
    while (left-- > 0 && (call = TAILQ_FIRST(&client->deferred)) != NULL) {
        client_undefer(call);
        call_run_deferred(call);
    }
    if (TAILQ_EMPTY(&client->deferred)) {
        (void)uv_idle_stop(idle); /* documented to succeed */
    }
}

void client_defer(struct net_call *call)
{
    struct net_client *client = call->client;
    if (call->is_deferred) {
        return;
    }

    call->is_deferred = true;
    client->deferred_count++;
    TAILQ_INSERT_TAIL(&client->deferred, call, deferred);
    CHECK(uv_idle_start(&client->idle, on_idle) == 0);
}

int client_open_resolver(struct net_client *client, struct error *err)
{
    return client->resolver != NULL
               ? 0
               : resolver_open(client->options.loop, client->options.name_servers,
                               &client->resolver, err);
}

static void on_transfer_done(void *user, CURL *easy, CURLcode code)
{
    (void)user;
    char *call = NULL;
    CHECK(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call) == CURLE_OK);
    call_end_hop((struct net_call *)(void *)call, code);
}

static int open_libraries(struct error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return error_set(err, E_IO, "libcurl does not start");
    }
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        return error_set(err, E_IO, "c-ares does not start");
    }
    return 0;
}

static void init_lists(struct net_client *client)
{
    TAILQ_INIT(&client->calls);
    TAILQ_INIT(&client->deferred);
    TAILQ_INIT(&client->ready);
    TAILQ_INIT(&client->mails);
    TAILQ_INIT(&client->mails_waiting);
    for (size_t i = 0; i < CLIENT_GATE_BUCKETS; i++) {
        TAILQ_INIT(&client->gates[i]);
    }
}

static int client_create(const struct net_client_options *options, struct net_client **out_client,
                         struct error *err)
{
    struct net_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return error_nomem(err);
    }

    client->options = *options;
    init_lists(client);
    const struct multi_options multi_options = {
        .loop = options->loop,
        .max_connections = options->max_connections,
        .on_done = on_transfer_done,
        .user = client,
    };
    int status = open_libraries(err);
    if (status == 0) {
        status = proxy_set_init(&client->proxies, options, err);
    }
    if (status == 0) {
        status = multi_open(&multi_options, &client->multi, err);
    }
    if (status != 0) {
        goto undo_proxies;
    }

    CHECK(uv_idle_init(options->loop, &client->idle) == 0);
    client->idle.data = client;
    *out_client = client;
    return 0;

undo_proxies:
    proxy_set_finish(&client->proxies);
    free(client);
    return status;
}

static void on_part_closed(void *user)
{
    struct net_client *client = user;
    if (--client->open_parts > 0) {
        return;
    }

    void (*done)(void *user) = client->done;
    void *done_user = client->done_user;
    proxy_set_finish(&client->proxies);
    free(client);
    done(done_user);
}

static void on_idle_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void maybe_close_parts(struct net_client *client)
{
    if (!client->is_closing || client->open_calls > 0) {
        return;
    }

    while (client->easy_count > 0) {
        curl_easy_cleanup(client->easies[--client->easy_count]);
    }
    client->open_parts = client->resolver != NULL ? 3 : 2;
    uv_close((uv_handle_t *)&client->idle, on_idle_closed);
    multi_close(client->multi, on_part_closed, client);
    if (client->resolver != NULL) {
        resolver_close(client->resolver, on_part_closed, client);
    }
}

void client_forget(struct net_client *client)
{
    client->open_calls--;
    maybe_close_parts(client);
}

static void abort_call(struct net_call *call)
{
    if (call->state != CALL_OVER) {
        call->is_aborted = true;
        client_defer(call);
    }
}

static void client_close(struct net_client *client, void (*done)(void *user), void *user)
{
    client->is_closing = true;
    client->done = done;
    client->done_user = user;
    struct net_call *call;
    TAILQ_FOREACH(call, &client->calls, all)
    {
        abort_call(call);
    }
    struct mail_call *mail;
    TAILQ_FOREACH(mail, &client->mails, all)
    {
        mail_call_abort(mail);
    }
    maybe_close_parts(client);
}

static int client_send(struct net_client *client, const struct net_request *request,
                       struct net_call **out_call, struct error *err)
{
    struct net_call *call = call_create(client, request);
    if (call == NULL) {
        return error_nomem(err);
    }

    call->head.abort = abort_call;
    client->open_calls++;
    TAILQ_INSERT_TAIL(&client->calls, call, all);
    client_defer(call);
    if (out_call != NULL) {
        *out_call = call;
    }
    return 0;
}

static void abort_mail(struct net_call *call)
{
    mail_call_abort((struct mail_call *)call);
}

static int client_send_mail(struct net_client *client, const struct net_mail *mail,
                            struct net_call **out_call, struct error *err)
{
    struct mail_call *call = mail_call_create(client, mail);
    if (call == NULL) {
        return error_nomem(err);
    }

    call->head.abort = abort_mail;
    client->open_calls++;
    TAILQ_INSERT_TAIL(&client->mails, call, all);
    if (out_call != NULL) {
        *out_call = (struct net_call *)call;
    }
    return 0;
}

const struct net_table client_table = {
    .create = client_create,
    .close = client_close,
    .send = client_send,
    .send_mail = client_send_mail,
};
