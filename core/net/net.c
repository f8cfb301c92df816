/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/net.h"

#include <stdlib.h>
#include <uv.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/module.h"
#include "core/net/net_module.h"
#include "core/net/rules.h"

enum {
    NET_MAGIC = 0x4E455431,
    DEFAULT_CONNECTIONS_PER_HOST = 128,
    DEFAULT_CONNECTIONS = 512,
};

struct net {
    uint32_t magic;
    bool is_closing;
    struct arena arena; /* the texts of the settings */
    struct net_rules *rules;
    struct net_client_options options;
    const struct net_table *table; /* NULL until the first request */
    struct net_client *client;
    uv_timer_t closing; /* only so that `done` comes from the loop when there is no client */
    void (*done)(void *user);
    void *done_user;
};

static void net_destroy(struct net *net)
{
    net_rules_destroy(net->rules);
    arena_finish(&net->arena);
    net->magic = 0;
    free(net);
}

/* False when out of memory. NULL stays NULL. */
static bool copy_text(struct arena *arena, const char *text, const char **out_text)
{
    *out_text = text != NULL ? arena_dup(arena, str_from(text)) : NULL;
    return text == NULL || *out_text != NULL;
}

static bool copy_settings(struct net *net, const struct net_settings *settings)
{
    struct net_client_options *options = &net->options;
    uint32_t per_host = settings->max_connections_per_host;
    uint32_t total = settings->max_connections;
    options->max_connections_per_host = per_host != 0 ? per_host : DEFAULT_CONNECTIONS_PER_HOST;
    options->max_connections = total != 0 ? total : DEFAULT_CONNECTIONS;
    return copy_text(&net->arena, settings->ca_file, &options->ca_file) &&
           copy_text(&net->arena, settings->http_proxy, &options->http_proxy) &&
           copy_text(&net->arena, settings->https_proxy, &options->https_proxy) &&
           copy_text(&net->arena, settings->no_proxy, &options->no_proxy) &&
           copy_text(&net->arena, settings->name_servers, &options->name_servers);
}

int net_create(struct uv_loop_s *loop, const struct net_settings *settings, struct net **out_net,
               struct error *err)
{
    static const struct net_settings defaults = {0};
    settings = settings != NULL ? settings : &defaults;
    struct net *net = calloc(1, sizeof *net);
    if (net == NULL) {
        return error_nomem(err);
    }

    net->magic = NET_MAGIC;
    net->options.loop = loop;
    int status = net_rules_create(settings, &net->rules, err);
    if (status == 0 && !copy_settings(net, settings)) {
        status = error_nomem(err);
    }
    if (status != 0) {
        net_destroy(net);
        return status;
    }

    net->options.rules = net->rules;
    *out_net = net;
    return 0;
}

static void on_closed(void *user)
{
    struct net *net = user;
    void (*done)(void *user) = net->done;
    void *done_user = net->done_user;
    net_destroy(net);
    done(done_user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_closed(handle->data);
}

void net_close(struct net *net, void (*done)(void *user), void *user)
{
    if (net == NULL) {
        done(user);
        return;
    }

    CHECK_MAGIC(net, NET_MAGIC);
    CHECK(!net->is_closing);
    net->is_closing = true;
    net->done = done;
    net->done_user = user;
    if (net->client != NULL) {
        net->table->close(net->client, on_closed, net);
        return;
    }

    CHECK(uv_timer_init(net->options.loop, &net->closing) == 0);
    net->closing.data = net;
    uv_close((uv_handle_t *)&net->closing, on_timer_closed);
}

static int net_load(struct net *net, struct error *err)
{
    if (net->is_closing) {
        return error_set(err, E_CANCELED, "no more requests: the program is ending");
    }
    if (net->client != NULL) {
        return 0;
    }

    const void *table = NULL;
    int status = module_load("net", &table, err);
    if (status != 0) {
        return status;
    }

    net->table = table;
    return net->table->create(&net->options, &net->client, err);
}

int net_send(struct net *net, const struct net_request *request, struct net_call **out_call,
             struct error *err)
{
    CHECK_MAGIC(net, NET_MAGIC);
    CHECK(request->done != NULL);
    int status = net_load(net, err);
    if (status != 0) {
        return status;
    }
    return net->table->send(net->client, request, out_call, err);
}

int net_send_mail(struct net *net, const struct net_mail *mail, struct net_call **out_call,
                  struct error *err)
{
    CHECK_MAGIC(net, NET_MAGIC);
    CHECK(mail->done != NULL);
    int status = net_load(net, err);
    if (status != 0) {
        return status;
    }
    return net->table->send_mail(net->client, mail, out_call, err);
}

void net_abort(struct net_call *call)
{
    const struct net_call_head *head = (const void *)call;
    head->abort(call);
}

const char *net_failure_class_name(enum net_failure_class failure_class)
{
    switch (failure_class) {
#define X(name, text, code)                                                                        \
    case name:                                                                                     \
        return text;
        NET_FAILURES(X)
#undef X
    }
    return "internal";
}
