/* SPDX-License-Identifier: Apache-2.0 */
#include <uv.h>

#include "core/api/control_client.h"
#include "core/base/check.h"
#include "core/value/value.h"

/* One thing that is asked, on a loop of its own. */
struct waiting {
    uv_loop_t loop;
    struct control_client *client;
    struct control_result *result;
    const struct control_feed_options *feed_options;
    struct error err;
};

static void on_closed(void *user)
{
    struct waiting *waiting = user;
    waiting->client = NULL;
}

static int waiting_open(struct waiting *waiting, const char *socket_path, struct error *err)
{
    int code = uv_loop_init(&waiting->loop);
    if (code != 0) {
        return error_set(err, E_IO, "cannot make an event loop: %s", uv_strerror(code));
    }

    int status = control_client_create(&waiting->loop, socket_path, &waiting->client, err);
    if (status != 0) {
        CHECK(uv_loop_close(&waiting->loop) == 0); /* nothing was opened in it */
    }
    return status;
}

/* Runs until all is closed. `status` is that of what was begun. */
static int waiting_end(struct waiting *waiting, int status, struct error *err)
{
    if (status != 0) {
        control_client_close(waiting->client, on_closed, waiting);
    }
    (void)uv_run(&waiting->loop, UV_RUN_DEFAULT);
    CHECK(waiting->client == NULL);
    CHECK(uv_loop_close(&waiting->loop) == 0);
    return status != 0 || waiting->err.code == 0 ? status : error_copy(err, &waiting->err);
}

static void on_answer(void *user, const struct control_answer *answer)
{
    struct waiting *waiting = user;
    waiting->result->status = answer->status;
    waiting->result->document = document_ref(answer->document);
    if (answer->document == NULL && answer->body.n > 0) {
        strbuf_append_str(&waiting->result->text, answer->body);
    }
    if (strbuf_status(&waiting->result->text) != 0) {
        (void)error_nomem(&waiting->err);
    }
    if (answer->error != NULL) {
        waiting->err = *answer->error;
    }
    control_client_close(waiting->client, on_closed, waiting);
}

void control_result_finish(struct control_result *result)
{
    document_unref(result->document);
    strbuf_finish(&result->text);
    *result = (struct control_result){0};
}

int control_call(const char *socket_path, const struct control_request *request,
                 struct control_result *out_result, struct error *err)
{
    struct waiting waiting = {.result = out_result};
    *out_result = (struct control_result){0};
    int status = waiting_open(&waiting, socket_path, err);
    if (status != 0) {
        return status;
    }

    status = control_client_send(waiting.client, request, on_answer, &waiting, err);
    return waiting_end(&waiting, status, err);
}

static void on_event(void *user, const struct event *event)
{
    const struct waiting *waiting = user;
    waiting->feed_options->on_event(waiting->feed_options->user, event);
}

static void on_feed_end(void *user, const struct error *error)
{
    struct waiting *waiting = user;
    if (error != NULL && error->code != E_CANCELED) {
        waiting->err = *error;
    }
    control_client_close(waiting->client, on_closed, waiting);
}

int control_follow(const char *socket_path, const struct control_feed_options *options,
                   void (*on_begin)(void *user, struct control_feed *feed), struct error *err)
{
    struct waiting waiting = {.feed_options = options};
    int status = waiting_open(&waiting, socket_path, err);
    if (status != 0) {
        return status;
    }

    struct control_feed *feed = NULL;
    const struct control_feed_options own = {
        .target = options->target,
        .last_event_id = options->last_event_id,
        .on_event = on_event,
        .on_end = on_feed_end,
        .user = &waiting,
    };
    status = control_client_follow(waiting.client, &own, &feed, err);
    if (status == 0 && on_begin != NULL) {
        on_begin(options->user, feed);
    }
    return waiting_end(&waiting, status, err);
}
