/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/net/exchange.h"

#include <string.h>

#include "core/base/check.h"

void exchange_finish(struct exchange *x)
{
    strbuf_finish(&x->body);
    strbuf_finish(&x->chunks);
    strbuf_finish(&x->headers);
    strbuf_finish(&x->effective_url);
    strbuf_finish(&x->remote_address);
    strbuf_finish(&x->message);
    strbuf_finish(&x->hint);
    strbuf_finish(&x->tls_subject);
    strbuf_finish(&x->tls_issuer);
    memset(x, 0, sizeof *x);
}

static void keep_response(struct exchange *x, const struct net_response *response)
{
    x->has_response = true;
    x->status = response->status;
    x->is_reused = response->is_reused;
    x->redirects = response->redirects;
    x->timings = response->timings;
    x->tls_not_after_unix = response->tls_not_after_unix;
    x->tls_days_left = response->tls_days_left;
    x->body_bytes = response->body_bytes;
    x->received_bytes = response->received_bytes;
    strbuf_append_str(&x->tls_subject, response->tls_subject);
    strbuf_append_str(&x->tls_issuer, response->tls_issuer);
    strbuf_append_str(&x->body, response->body);
    strbuf_append_str(&x->effective_url, response->effective_url);
    strbuf_append_str(&x->remote_address, response->remote_address);
    for (size_t i = 0; i < response->header_count; i++) {
        strbuf_append_format(&x->headers, "%.*s: %.*s\n", STR_ARG(response->headers[i].name),
                             STR_ARG(response->headers[i].value));
    }
}

void exchange_on_done(void *user, const struct net_response *response,
                      const struct net_failure *failure)
{
    struct exchange *x = user;
    CHECK((response == NULL) != (failure == NULL));
    x->done_count++;
    if (response != NULL) {
        keep_response(x, response);
    } else {
        x->failure_class = failure->failure_class;
        x->effect = failure->effect;
        x->code = failure->code;
        strbuf_append_str(&x->message, failure->message);
        strbuf_append_str(&x->hint, failure->hint);
    }

    /* So that they can be compared as text. */
    strbuf_append(&x->body, "", 0);
    strbuf_append(&x->headers, "", 0);
    strbuf_append(&x->message, "", 0);
    strbuf_append(&x->hint, "", 0);
}

void exchange_on_chunk(void *user, struct str bytes)
{
    struct exchange *x = user;
    x->chunk_count++;
    strbuf_append_str(&x->chunks, bytes);
}

void exchange_wait(uv_loop_t *loop, struct exchange *x)
{
    while (x->done_count == 0) {
        CHECK(uv_run(loop, UV_RUN_ONCE) != 0 || x->done_count > 0);
    }
}

static void on_net_closed(void *user)
{
    bool *is_closed = user;
    CHECK(!*is_closed);
    *is_closed = true;
}

void exchange_close_net(uv_loop_t *loop, struct net *net)
{
    bool is_closed = false;
    net_close(net, on_net_closed, &is_closed);
    CHECK(uv_run(loop, UV_RUN_DEFAULT) == 0);
    CHECK(is_closed);
}
