/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/api/control_client_state.h"
#include "core/api/control_problem.h"
#include "core/base/check.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum {
    FEED_MAGIC = 0x46454544,
    FIRST_WAIT_MS = 100, /* before a second attempt that brings no event; then twice as long */
    MAX_WAIT_MS = 5000,
};

static void feed_connect(struct control_feed *feed);

static void on_timer_closed(uv_handle_t *handle)
{
    struct control_feed *feed = handle->data;
    struct control_client *client = feed->client;
    event_stream_finish(&feed->stream);
    strbuf_finish(&feed->url);
    feed->magic = 0;
    free(feed);
    control_client_forget_feed(client);
}

/* `err` may be NULL: the server has ended the stream. */
static void feed_end(struct control_feed *feed, const struct error *err)
{
    CHECK(!feed->is_over && feed->call == NULL);
    feed->is_over = true;
    TAILQ_REMOVE(&feed->client->feeds, feed, link);
    feed->options.on_end(feed->options.user, err);
    uv_close((uv_handle_t *)&feed->timer, on_timer_closed);
}

static void feed_end_stopped(struct control_feed *feed)
{
    struct error err = {0};
    (void)error_set(&err, E_CANCELED, "events are not followed any more");
    feed_end(feed, &err);
}

static void on_timer(uv_timer_t *timer)
{
    struct control_feed *feed = timer->data;
    CHECK_MAGIC(feed, FEED_MAGIC);
    if (feed->is_stopped) {
        feed_end_stopped(feed);
    } else {
        feed_connect(feed);
    }
}

/* At once at first, then slower and slower as long as no event comes. */
static void feed_connect_later(struct control_feed *feed)
{
    uint64_t wait_ms = 0;
    if (feed->attempts > 1) {
        uint32_t doublings = feed->attempts - 2 < 8 ? feed->attempts - 2 : 8;
        wait_ms = (uint64_t)FIRST_WAIT_MS << doublings;
        wait_ms = wait_ms < MAX_WAIT_MS ? wait_ms : MAX_WAIT_MS;
    }
    if (feed->attempts > 0 && feed->stream.retry_ms > wait_ms) {
        wait_ms = feed->stream.retry_ms < MAX_WAIT_MS ? feed->stream.retry_ms : MAX_WAIT_MS;
    }
    CHECK(uv_timer_start(&feed->timer, on_timer, wait_ms, 0) == 0);
}

static void on_event(void *user, const struct event *event)
{
    struct control_feed *feed = user;
    feed->attempts = 0;
    if (!feed->is_stopped) {
        feed->options.on_event(feed->options.user, event);
    }
}

static void on_chunk(void *user, struct str bytes)
{
    struct control_feed *feed = user;
    if (feed->trouble != 0 || feed->is_stopped) {
        return;
    }

    feed->trouble = event_stream_feed(&feed->stream, bytes, on_event, feed);
    if (feed->trouble != 0) {
        net_abort(feed->call);
    }
}

static void feed_end_by_response(struct control_feed *feed, const struct net_response *response)
{
    struct error err = {0};
    struct document *body = NULL;
    if (response->status >= 400) {
        (void)json_read(response->body, NULL, &body, NULL); /* then there is no more to say */
    }
    const struct value *root = body != NULL ? document_root(body) : NULL;
    int status = control_problem_of_response(response, root, feed->client->path, &err);
    document_unref(body);
    feed_end(feed, status != 0 ? &err : NULL);
}

static void feed_end_by_trouble(struct control_feed *feed)
{
    struct error err = {0};
    if (feed->trouble == E_LIMIT) {
        (void)error_set(&err, E_LIMIT, "an event has more than %d bytes", EVENT_MAX_BYTES);
    } else {
        (void)error_nomem(&err);
    }
    feed_end(feed, &err);
}

/* Whether the connection broke, and nothing else. */
static bool is_broken(const struct net_failure *failure)
{
    return failure->failure_class == NET_FAILED_RESET ||
           failure->failure_class == NET_FAILED_PROTOCOL;
}

static void on_done(void *user, const struct net_response *response,
                    const struct net_failure *failure)
{
    struct control_feed *feed = user;
    CHECK_MAGIC(feed, FEED_MAGIC);
    feed->call = NULL;
    if (feed->trouble != 0) {
        feed_end_by_trouble(feed);
    } else if (feed->is_stopped) {
        feed_end_stopped(feed);
    } else if (response != NULL) {
        feed_end_by_response(feed, response);
    } else if (is_broken(failure)) {
        feed_connect_later(feed);
    } else {
        struct error err = {0};
        (void)control_problem_of_failure(failure, feed->client->path,
                                         feed->client->address.address.sun_path, &err);
        feed_end(feed, &err);
    }
}

static int feed_send(struct control_feed *feed, struct error *err)
{
    struct net_header headers[2] = {
        {.name = STR("Accept"), .value = STR("text/event-stream")},
        {.name = STR("Last-Event-ID"), .value = strbuf_str(&feed->stream.id)},
    };
    const struct net_request request = {
        .url = strbuf_str(&feed->url),
        .unix_socket = str_from(feed->client->address.address.sun_path),
        .headers = headers,
        .header_count = feed->stream.id.n > 0 ? 2 : 1,
        .timeout_ms = NET_NO_TIMEOUT,
        .max_body_bytes = UINT64_MAX,
        .done = on_done,
        .on_chunk = on_chunk,
        .user = feed,
    };
    event_stream_restart(&feed->stream);
    feed->attempts++;
    return net_send(feed->client->net, &request, &feed->call, err);
}

static void feed_connect(struct control_feed *feed)
{
    struct error err = {0};
    if (feed_send(feed, &err) != 0) {
        feed_end(feed, &err);
    }
}

void control_feed_stop(struct control_feed *feed)
{
    CHECK_MAGIC(feed, FEED_MAGIC);
    if (feed->is_stopped || feed->is_over) {
        return;
    }

    feed->is_stopped = true;
    if (feed->call != NULL) {
        net_abort(feed->call);
    } else {
        CHECK(uv_timer_start(&feed->timer, on_timer, 0, 0) == 0);
    }
}

static struct control_feed *feed_create(struct control_client *client,
                                        const struct control_feed_options *options)
{
    struct control_feed *feed = calloc(1, sizeof *feed);
    if (feed == NULL) {
        return NULL;
    }

    feed->magic = FEED_MAGIC;
    feed->client = client;
    feed->options = *options;
    event_stream_init(&feed->stream);
    strbuf_append_str(&feed->stream.id, options->last_event_id);
    if (!control_client_url(options->target, &feed->url) || strbuf_status(&feed->stream.id) != 0) {
        event_stream_finish(&feed->stream);
        strbuf_finish(&feed->url);
        free(feed);
        return NULL;
    }
    return feed;
}

int control_client_follow(struct control_client *client, const struct control_feed_options *options,
                          struct control_feed **out_feed, struct error *err)
{
    if (client->is_closing) {
        return error_set(err, E_CANCELED, "no more requests: the client is closing");
    }

    struct control_feed *feed = feed_create(client, options);
    if (feed == NULL) {
        return error_nomem(err);
    }

    int status = feed_send(feed, err);
    if (status != 0) {
        event_stream_finish(&feed->stream);
        strbuf_finish(&feed->url);
        free(feed);
        return status;
    }

    CHECK(uv_timer_init(client->loop, &feed->timer) == 0);
    feed->timer.data = feed;
    client->open_feeds++;
    TAILQ_INSERT_TAIL(&client->feeds, feed, link);
    if (out_feed != NULL) {
        *out_feed = feed;
    }
    return 0;
}
