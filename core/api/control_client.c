/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/control_client.h"

#include <stdlib.h>

#include "core/api/control_client_state.h"
#include "core/api/control_problem.h"
#include "core/base/check.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum {
    CLIENT_MAGIC = 0x434C4941,
    MAX_ANSWER_BYTES = 64 * 1024 * 1024,
    MAX_ANSWER_VALUES = 4 * 1000 * 1000,
};

/* One request until its answer. */
struct asked {
    struct control_client *client;
    control_answer_cb on_answer;
    void *user;
    bool is_change; /* no GET */
};

bool control_client_url(struct str target, struct strbuf *out)
{
    strbuf_append_text(out, "http://opstream");
    strbuf_append_str(out, target);
    return strbuf_status(out) == 0;
}

static struct document *read_body(const struct net_response *response)
{
    const struct json_limits limits = {
        .max_bytes = MAX_ANSWER_BYTES,
        .max_depth = VALUE_MAX_DEPTH,
        .max_values = MAX_ANSWER_VALUES,
    };
    struct document *document = NULL;
    if (response->body.n == 0 || json_read(response->body, &limits, &document, NULL) != 0) {
        return NULL; /* text, of metrics say */
    }
    return document;
}

/* Nobody knows whether what was asked for has happened, when the answer is lost. */
static void say_what_may_be(struct error *err)
{
    const struct error why = *err;
    if (why.code == E_TIMEOUT || why.code == E_IO) {
        (void)error_set(err, why.code,
                        "%s; it may have been accepted all the same: 'opstream list' and 'opstream "
                        "status' tell",
                        why.message);
    }
}

static void on_done(void *user, const struct net_response *response,
                    const struct net_failure *failure)
{
    struct asked *asked = user;
    const struct control_client *client = asked->client;
    struct error err = {0};
    struct control_answer answer = {0};
    if (response == NULL) {
        (void)control_problem_of_failure(failure, client->path, client->address.address.sun_path,
                                         &err);
        if (asked->is_change) {
            say_what_may_be(&err);
        }
    } else {
        answer.document = read_body(response);
        answer.status = response->status;
        answer.body = response->body;
        const struct value *root = answer.document != NULL ? document_root(answer.document) : NULL;
        (void)control_problem_of_response(response, root, client->path, &err);
    }
    answer.error = err.code != 0 ? &err : NULL;
    asked->on_answer(asked->user, &answer);
    document_unref(answer.document);
    free(asked);
}

static int send_request(struct control_client *client, const struct control_request *request,
                        struct asked *asked, struct error *err)
{
    struct strbuf url = STRBUF_INIT;
    struct net_header headers[2];
    size_t count = 0;
    if (!control_client_url(request->target, &url)) {
        return error_nomem(err);
    }
    if (request->body.n > 0) {
        headers[count++] =
            (struct net_header){.name = STR("Content-Type"), .value = STR("application/json")};
    }
    if (request->idempotency_key.n > 0) {
        headers[count++] =
            (struct net_header){.name = STR("Idempotency-Key"), .value = request->idempotency_key};
    }

    const struct net_request sent = {
        .method = request->method,
        .url = strbuf_str(&url),
        .unix_socket = str_from(client->address.address.sun_path),
        .headers = headers,
        .header_count = count,
        .body = request->body,
        .timeout_ms = request->timeout_ms,
        .max_body_bytes = MAX_ANSWER_BYTES,
        .done = on_done,
        .user = asked,
    };
    int status = net_send(client->net, &sent, NULL, err);
    strbuf_finish(&url);
    return status;
}

int control_client_send(struct control_client *client, const struct control_request *request,
                        control_answer_cb on_answer, void *user, struct error *err)
{
    CHECK_MAGIC(client, CLIENT_MAGIC);
    if (client->is_closing) {
        return error_set(err, E_CANCELED, "no more requests: the client is closing");
    }

    struct asked *asked = malloc(sizeof *asked);
    if (asked == NULL) {
        return error_nomem(err);
    }

    bool is_change = request->method.n > 0 && !str_equal_text(request->method, "GET");
    *asked = (struct asked){client, on_answer, user, is_change};
    int status = send_request(client, request, asked, err);
    if (status != 0) {
        free(asked);
    }
    return status;
}

/* --- life --- */

static void client_destroy(struct control_client *client)
{
    socket_address_finish(&client->address);
    free(client->path);
    client->magic = 0;
    free(client);
}

int control_client_create(struct uv_loop_s *loop, const char *socket_path,
                          struct control_client **out_client, struct error *err)
{
    struct control_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return error_nomem(err);
    }

    client->magic = CLIENT_MAGIC;
    client->loop = loop;
    client->address.folder_fd = -1;
    TAILQ_INIT(&client->feeds);
    client->path = str_dup(str_from(socket_path));
    int status = client->path != NULL ? 0 : error_nomem(err);
    if (status == 0) {
        status = socket_address_init(&client->address, socket_path, err);
    }
    if (status == 0) {
        status = net_create(loop, NULL, &client->net, err);
    }
    if (status != 0) {
        client_destroy(client);
        return status;
    }

    *out_client = client;
    return 0;
}

static void maybe_finish_close(struct control_client *client)
{
    if (!client->is_net_closed || client->open_feeds > 0) {
        return;
    }

    void (*done)(void *user) = client->done;
    void *done_user = client->done_user;
    client_destroy(client);
    done(done_user);
}

void control_client_forget_feed(struct control_client *client)
{
    client->open_feeds--;
    maybe_finish_close(client);
}

static void on_net_closed(void *user)
{
    struct control_client *client = user;
    client->is_net_closed = true;
    maybe_finish_close(client);
}

void control_client_close(struct control_client *client, void (*done)(void *user), void *user)
{
    if (client == NULL) {
        done(user);
        return;
    }

    CHECK_MAGIC(client, CLIENT_MAGIC);
    CHECK(!client->is_closing);
    client->is_closing = true;
    client->done = done;
    client->done_user = user;
    struct control_feed *feed;
    TAILQ_FOREACH(feed, &client->feeds, link)
    {
        control_feed_stop(feed);
    }
    net_close(client->net, on_net_closed, client);
}
