/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/http_bridge.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/host/http.h"
#include "core/loop/secret_guard.h"
#include "core/model/pipeline.h"
#include "core/net/net.h"
#include "core/value/mask.h"
#include "core/value/secrets.h"

/* One call: who asked, and where to. */
struct bridge_call {
    host_http_done_cb done;
    void (*on_chunk)(void *user, struct str bytes);
    void *user;
    struct net_call *call;
    struct secret_guard guard; /* `pipeline` is shared; NULL: nothing is to be guarded */
    struct strbuf cure;        /* of what it has refused */
};

static void bridge_call_destroy(struct bridge_call *call)
{
    if (call != NULL) {
        pipeline_unref(call->guard.pipeline);
        strbuf_finish(&call->cure);
        free(call);
    }
}

/* net's classes as the SDK's codes and stable symbols. */
static const struct {
    const char *code;
    const char *symbol;
} failure_names[] = {
    [NET_FAILED_REQUEST] = {"CONFIG", "http.request"},
    [NET_FAILED_URL] = {"CONFIG", "http.url"},
    [NET_FAILED_FORBIDDEN] = {"PERMISSION", "http.not_allowed"},
    [NET_FAILED_BARRED] = {"PERMISSION", "secret.host"},
    [NET_FAILED_DNS] = {"UNAVAILABLE", "http.dns"},
    [NET_FAILED_REFUSED] = {"UNAVAILABLE", "http.refused"},
    [NET_FAILED_CONNECT_TIMEOUT] = {"TIMEOUT", "http.connect_timeout"},
    [NET_FAILED_TIMEOUT] = {"TIMEOUT", "http.timeout"},
    [NET_FAILED_TLS] = {"UNAVAILABLE", "http.tls"},
    [NET_FAILED_RESET] = {"UNAVAILABLE", "http.reset"},
    [NET_FAILED_TOO_LARGE] = {"RESOURCE", "http.answer_too_large"},
    [NET_FAILED_REDIRECT] = {"UPSTREAM", "http.too_many_redirects"},
    [NET_FAILED_PROTOCOL] = {"UPSTREAM", "http.protocol"},
    [NET_FAILED_REPLY] = {"UPSTREAM", "http.protocol"}, /* of mail alone */
    [NET_FAILED_PROXY] = {"UNAVAILABLE", "http.proxy"},
    [NET_FAILED_CANCELED] = {"CANCELLED", "http.cancelled"},
    [NET_FAILED_INTERNAL] = {"INTERNAL", "http.internal"},
};

static void pass_failure(const struct bridge_call *call, const struct net_failure *failure)
{
    bool is_barred = failure->failure_class == NET_FAILED_BARRED;
    struct host_http_failure told = {
        .code = failure_names[failure->failure_class].code,
        .symbol = failure_names[failure->failure_class].symbol,
        .is_maybe_done = failure->effect == NET_EFFECT_MAYBE,
        .message = failure->message,
        .hint = is_barred ? strbuf_str(&call->cure) : failure->hint,
    };
    call->done(call->user, NULL, &told);
}

static void pass_out_of_memory(const struct bridge_call *call)
{
    struct host_http_failure told = {
        .code = "RESOURCE",
        .symbol = "http.memory",
        .is_maybe_done = true,
        .message = STR("out of memory while reading the response"),
    };
    call->done(call->user, NULL, &told);
}

static void pass_response(const struct bridge_call *call, const struct net_response *response)
{
    struct host_http_header *headers = calloc(response->header_count + 1, sizeof(*headers));
    if (headers == NULL) {
        pass_out_of_memory(call);
        return;
    }
    for (size_t i = 0; i < response->header_count; i++) {
        headers[i] =
            (struct host_http_header){response->headers[i].name, response->headers[i].value};
    }
    struct host_http_response told = {
        .status = response->status,
        .headers = headers,
        .header_count = response->header_count,
        .body = response->body,
        .effective_url = response->effective_url,
        .duration_ms = response->timings.total_ms,
        .connect_ms = response->timings.tls_ms > 0 ? response->timings.tls_ms
                                                   : response->timings.connect_ms,
        .first_byte_ms = response->timings.first_byte_ms,
        .body_bytes = response->body_bytes,
        .tls_not_after_unix = response->tls_not_after_unix,
        .tls_subject = response->tls_subject,
        .tls_issuer = response->tls_issuer,
        .is_reused = response->is_reused,
    };
    call->done(call->user, &told, NULL);
    free(headers);
}

static void on_net_done(void *user, const struct net_response *response,
                        const struct net_failure *failure)
{
    struct bridge_call *call = user;
    if (failure != NULL) {
        pass_failure(call, failure);
    } else {
        pass_response(call, response);
    }
    bridge_call_destroy(call);
}

static int check_net_hop(void *user, const struct net_hop *hop, struct error *err)
{
    struct bridge_call *call = user;
    return secret_guard_check_hop(&call->guard, hop, &call->cure, err);
}

static void set_guard(const struct http_bridge *bridge, uint64_t token, struct bridge_call *call)
{
    const struct pipeline *pipeline = NULL;
    uint32_t node = 0;
    if (bridge->find_node != NULL && bridge->find_node(token, &pipeline, &node)) {
        call->guard = (struct secret_guard){.secrets = bridge->secrets,
                                            .pipeline = pipeline_ref(pipeline),
                                            .node = &pipeline->nodes[node]};
    }
}

static void on_net_chunk(void *user, struct str bytes)
{
    const struct bridge_call *call = user;
    call->on_chunk(call->user, bytes);
}

/* Also when memory runs out: a header that need not be secret is left out of a redirect at worst.
 */
static bool holds_secret(const struct http_bridge *bridge, struct str value)
{
    const struct mask *mask = secrets_mask(bridge->secrets);
    struct strbuf masked = STRBUF_INIT;
    bool is_found = mask != NULL && mask_text(mask, value, &masked) != MASK_CLEAN;
    strbuf_finish(&masked);
    return is_found;
}

static int bridge_send(void *self, const struct host_http_request *request, host_http_done_cb done,
                       void *user, void **out_call, struct error *err)
{
    const struct http_bridge *bridge = self;
    struct bridge_call *call = calloc(1, sizeof(*call));
    struct net_header *headers = calloc(request->header_count + 1, sizeof(*headers));
    if (call == NULL || headers == NULL) {
        free(call);
        free(headers);
        return error_nomem(err);
    }
    *call = (struct bridge_call){.done = done, .on_chunk = request->on_chunk, .user = user};
    set_guard(bridge, request->token, call);
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i] =
            (struct net_header){.name = request->headers[i].name,
                                .value = request->headers[i].value,
                                .is_secret = holds_secret(bridge, request->headers[i].value)};
    }
    struct net_request asked = {
        .method = request->method,
        .url = request->url,
        .headers = headers,
        .header_count = request->header_count,
        .body = request->body,
        .flags = request->has_no_redirects ? NET_NO_REDIRECT : 0,
        .timeout_ms = request->timeout_ms,
        .connect_timeout_ms = request->connect_timeout_ms,
        .max_body_bytes = request->max_body_bytes,
        .done = on_net_done,
        .on_chunk = request->on_chunk != NULL ? on_net_chunk : NULL,
        .check_hop = call->guard.pipeline != NULL ? check_net_hop : NULL,
        .user = call,
    };
    int status = net_send(bridge->net, &asked, &call->call, err);
    free(headers);
    if (status != 0) {
        bridge_call_destroy(call);
        return status;
    }
    *out_call = call;
    return 0;
}

static void bridge_abort(void *self, void *call)
{
    (void)self; /* a call knows its net */
    net_abort(((struct bridge_call *)call)->call);
}

void http_bridge_init(struct host_http *http, struct http_bridge *bridge)
{
    *http = (struct host_http){.self = bridge, .send = bridge_send, .abort = bridge_abort};
}
