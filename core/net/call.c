/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/call.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/net/client.h"

enum { CALL_MAGIC = 0x43414C4C };

static void on_timer(uv_timer_t *timer);

/* --- the request's copy --- */

static bool copy_headers(struct net_call *call, const struct net_request *request)
{
    struct net_header *headers =
        arena_calloc(&call->arena, request->header_count + 1, sizeof *headers);
    if (headers == NULL) {
        return false;
    }

    for (size_t i = 0; i < request->header_count; i++) {
        headers[i] = request->headers[i];
        headers[i].name = arena_dup_str(&call->arena, request->headers[i].name);
        headers[i].value = arena_dup_str(&call->arena, request->headers[i].value);
        if (headers[i].name.p == NULL || headers[i].value.p == NULL) {
            return false;
        }
    }
    call->request.headers = headers;
    return true;
}

static bool copy_request(struct net_call *call, const struct net_request *request)
{
    struct net_request *copy = &call->request;
    *copy = *request;
    call->method = request->method.n > 0 ? arena_dup(&call->arena, request->method) : "GET";
    copy->url = arena_dup_str(&call->arena, request->url);
    copy->body = arena_dup_str(&call->arena, request->body);
    copy->unix_socket = arena_dup_str(&call->arena, request->unix_socket);
    if (call->method == NULL || copy->url.p == NULL || copy->body.p == NULL ||
        copy->unix_socket.p == NULL) {
        return false;
    }
    if (copy->unix_socket.n > 0) {
        copy->flags |= NET_NO_REDIRECT;
    }

    copy->method = str_from(call->method);
    if (copy->timeout_ms == 0) {
        copy->timeout_ms = NET_DEFAULT_TIMEOUT_MS;
    }
    if (copy->connect_timeout_ms == 0) {
        copy->connect_timeout_ms = NET_DEFAULT_CONNECT_TIMEOUT_MS;
    }
    if (copy->max_body_bytes == 0) {
        copy->max_body_bytes = NET_DEFAULT_MAX_BODY_BYTES;
    }
    return copy_headers(call, request);
}

struct net_call *call_create(struct net_client *client, const struct net_request *request)
{
    struct net_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    if (!copy_request(call, request)) {
        arena_finish(&call->arena);
        free(call);
        return NULL;
    }

    call->magic = CALL_MAGIC;
    call->client = client;
    call->start_ns = clock_monotonic_ns();
    CHECK(uv_timer_init(client->options.loop, &call->timer) == 0);
    call->timer.data = call;
    return call;
}

/* --- the end --- */

static void drop_hop(struct net_call *call)
{
    if (call->easy != NULL) {
        if (call->state == CALL_RUNNING) {
            multi_remove(call->client->multi, call->easy);
        }
        client_give_easy(call->client, call->easy);
        call->easy = NULL;
    }
    certificate_forget(&call->hop.watch);
    curl_slist_free_all(call->header_lines);
    curl_slist_free_all(call->resolved);
    call->header_lines = NULL;
    call->resolved = NULL;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct net_call *call = handle->data;
    struct net_client *client = call->client;
    url_finish(&call->url);
    headers_finish(&call->headers);
    strbuf_finish(&call->body);
    arena_finish(&call->arena);
    call->magic = 0;
    free(call);
    client_forget(client);
}

/* Exactly one of the two is not NULL. Frees the call, soon. */
static void call_end(struct net_call *call, const struct net_response *response,
                     const struct net_failure *failure)
{
    CHECK(call->state != CALL_OVER);
    struct net_client *client = call->client;
    drop_hop(call);
    resolver_cancel(&call->query);
    client_leave(call);
    client_undefer(call);
    call->state = CALL_OVER;
    TAILQ_REMOVE(&client->calls, call, all);
    call->request.done(call->request.user, response, failure);
    uv_close((uv_handle_t *)&call->timer, on_timer_closed);
    client_pump(client);
}

static void call_fail(struct net_call *call, enum net_failure_class failure_class,
                      const struct error *err)
{
    struct net_failure failure;
    failure_from_error(call, failure_class, err, &failure);
    call_end(call, NULL, &failure);
}

static void call_fail_nomem(struct net_call *call)
{
    struct error err = {0};
    (void)error_nomem(&err);
    call_fail(call, NET_FAILED_INTERNAL, &err);
}

static void call_cancel(struct net_call *call)
{
    struct error err = {0};
    (void)error_set(&err, E_CANCELED, "the request was canceled");
    call_fail(call, NET_FAILED_CANCELED, &err);
}

/* --- time --- */

static int64_t elapsed_ms(const struct net_call *call)
{
    return (clock_monotonic_ns() - call->start_ns) / 1000000;
}

/* Arms the timer for what is left of the whole time, or for `limit_ms` if that is less. */
static void arm_timer(struct net_call *call, uint64_t limit_ms)
{
    uint64_t spent_ms = (uint64_t)elapsed_ms(call);
    uint64_t whole_ms = call->request.timeout_ms;
    uint64_t left_ms = whole_ms > spent_ms ? whole_ms - spent_ms : 0;
    if (whole_ms == NET_NO_TIMEOUT && limit_ms == UINT64_MAX) {
        (void)uv_timer_stop(&call->timer); /* documented to succeed */
        return;
    }
    call->is_hop_timer = limit_ms < left_ms;
    uv_update_time(call->client->options.loop);
    CHECK(uv_timer_start(&call->timer, on_timer, left_ms < limit_ms ? left_ms : limit_ms, 0) == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct net_call *call = timer->data;
    struct error err = {0};
    const char *host = call->url.host != NULL ? call->url.host : "";
    uint64_t whole_ms = call->request.timeout_ms;
    if (call->state == CALL_RESOLVING && call->is_hop_timer) {
        (void)error_set(&err, E_TIMEOUT, "the name '%s' was not resolved within %llu ms", host,
                        (unsigned long long)call->request.connect_timeout_ms);
        call_fail(call, NET_FAILED_CONNECT_TIMEOUT, &err);
        return;
    }

    const char *what = call->state == CALL_QUEUED      ? "no connection became free"
                       : call->state == CALL_RESOLVING ? "the name was not resolved"
                       : call->hop.requests == 0       ? "there was no connection"
                       : call->hop.status == 0         ? "there was no answer"
                                                       : "the answer was not whole";
    (void)error_set(&err, E_TIMEOUT, "'%s': %s within %llu ms", host, what,
                    (unsigned long long)whole_ms);
    call_fail(call, NET_FAILED_TIMEOUT, &err);
}

/* --- a hop --- */

static void run_transfer(struct net_call *call)
{
    call->easy = client_take_easy(call->client);
    if (call->easy == NULL || transfer_prepare(call) != 0 ||
        multi_add(call->client->multi, call->easy) != 0) {
        call_fail_nomem(call);
        return;
    }

    call->state = CALL_RUNNING;
    arm_timer(call, UINT64_MAX);
}

/* The host that is connected to: the proxy's, if there is one. */
static const char *target_host(const struct net_call *call)
{
    return call->proxy != NULL ? call->proxy->host : call->url.host;
}

/* "+host:port:address,...": libcurl then asks nobody. The plus lets it forget them in time. */
static bool add_resolved(struct net_call *call, const struct resolver_answer *answer)
{
    unsigned port = call->proxy != NULL ? call->proxy->port : call->url.port;
    struct strbuf line = STRBUF_INIT;
    strbuf_append_format(&line, "+%s:%u:", target_host(call), port);
    for (size_t i = 0; i < answer->count; i++) {
        char text[NET_ADDRESS_TEXT_SIZE];
        net_address_format(&answer->addresses[i], text);
        strbuf_append_format(&line, answer->addresses[i].size == 16 ? "%s[%s]" : "%s%s",
                             i > 0 ? "," : "", text);
    }
    call->resolved = strbuf_status(&line) == 0 ? curl_slist_append(call->resolved, line.p) : NULL;
    strbuf_finish(&line);
    return call->resolved != NULL;
}

/* Leaves the addresses that the rules allow. The verdict on the first that they do not. */
static enum net_verdict keep_allowed(const struct net_call *call, struct resolver_answer *answer)
{
    enum net_verdict refusal = NET_VERDICT_ALLOWED;
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++) {
        enum net_verdict verdict = net_rules_check_address(
            call->client->options.rules, str_from(call->url.host), &answer->addresses[i]);
        if (verdict == NET_VERDICT_ALLOWED) {
            answer->addresses[kept++] = answer->addresses[i];
        } else if (refusal == NET_VERDICT_ALLOWED) {
            refusal = verdict;
        }
    }
    answer->count = kept;
    return refusal;
}

static void on_resolved(void *user, const struct resolver_answer *answer)
{
    struct net_call *call = user;
    struct error err = {0};
    call->hop.dns_ms = (double)(clock_monotonic_ns() - call->hop.start_ns) / 1e6;
    if (answer->count == 0) {
        (void)error_set(&err, E_NOT_FOUND, "cannot resolve %s'%s': %s",
                        call->proxy != NULL ? "the proxy " : "", target_host(call),
                        answer->problem);
        call_fail(call, call->proxy != NULL ? NET_FAILED_PROXY : NET_FAILED_DNS, &err);
        return;
    }

    struct resolver_answer allowed = *answer;
    if (call->proxy == NULL) {
        enum net_verdict refusal = keep_allowed(call, &allowed);
        if (allowed.count == 0) {
            enum net_failure_class class = failure_forbidden(call, refusal, &err);
            call_fail(call, class, &err);
            return;
        }
    }
    if (!add_resolved(call, &allowed)) {
        call_fail_nomem(call);
        return;
    }
    run_transfer(call);
}

static void resolve(struct net_call *call)
{
    struct net_client *client = call->client;
    struct error err = {0};
    if (client_open_resolver(client, &err) != 0) {
        call_fail(call, NET_FAILED_INTERNAL, &err);
        return;
    }

    struct resolver_answer answer;
    call->query.on_answer = on_resolved;
    call->query.user = call;
    int status = resolver_ask(client->resolver, str_from(target_host(call)), &call->query, &answer);
    if (status < 0) {
        call_fail_nomem(call);
    } else if (status == RESOLVER_READY) {
        on_resolved(call, &answer);
    } else {
        arm_timer(call, call->request.connect_timeout_ms);
    }
}

void call_begin_hop(struct net_call *call)
{
    call->state = CALL_RESOLVING;
    call->hop = (struct call_hop){.start_ns = clock_monotonic_ns()};
    if (call->redirects == 0) {
        call->queue_ms = (double)(call->hop.start_ns - call->start_ns) / 1e6;
    }
    headers_clear(&call->headers);
    strbuf_clear(&call->body);

    const struct net_address *address = call->proxy != NULL ? &call->proxy->address
                                                            : &call->url.address;
    if (address->size != 0 || call->request.unix_socket.n > 0) {
        run_transfer(call);
    } else {
        resolve(call);
    }
}

static void enter_queue(struct net_call *call)
{
    if (client_queue(call) != 0) {
        call_fail_nomem(call);
    }
}

static bool may_send(struct net_call *call)
{
    struct error err = {0};
    const struct net_request *request = &call->request;
    const struct net_hop hop = {.url = str_from(call->url.text),
                                .host = str_from(call->url.host),
                                .port = call->url.port,
                                .headers = request->headers,
                                .header_count = request->header_count,
                                .body = request->body};
    int status = request->check_hop != NULL ? request->check_hop(request->user, &hop, &err) : 0;
    if (status != 0) {
        call_fail(call, status == E_NOMEM ? NET_FAILED_INTERNAL : NET_FAILED_BARRED, &err);
    }
    return status == 0;
}

/* What can be said of a URL before anything is sent; then the call waits for its turn. */
static void enter_hop(struct net_call *call)
{
    struct error err = {0};
    if (call->request.unix_socket.n > 0) {
        enter_queue(call);
        return;
    }
    if (!may_send(call)) {
        return;
    }

    struct str host = str_from(call->url.host);
    const struct net_rules *rules = call->client->options.rules;
    enum net_verdict verdict = call->url.address.size != 0
                                   ? net_rules_check_address(rules, host, &call->url.address)
                                   : net_rules_check_host(rules, host);
    if (verdict != NET_VERDICT_ALLOWED) {
        enum net_failure_class class = failure_forbidden(call, verdict, &err);
        call_fail(call, class, &err);
        return;
    }

    call->proxy = proxy_for(&call->client->proxies, &call->url);
    if (call->proxy != NULL && call->proxy->is_bad) {
        (void)error_set(&err, E_INVALID, "the proxy for %s:// is no http:// or https:// URL",
                        call->url.is_https ? "https" : "http");
        call_fail(call, NET_FAILED_PROXY, &err);
        return;
    }
    enter_queue(call);
}

void call_run_deferred(struct net_call *call)
{
    CHECK_MAGIC(call, CALL_MAGIC);
    if (call->is_aborted) {
        call_cancel(call);
        return;
    }

    CHECK(call->state == CALL_NEW);
    struct error err = {0};
    arm_timer(call, UINT64_MAX);
    if (headers_check_request(&call->request, &err) != 0) {
        call_fail(call, NET_FAILED_REQUEST, &err);
        return;
    }
    int status = url_parse(call->request.url, &call->url, &err);
    if (status != 0) {
        call_fail(call, status == E_NOMEM ? NET_FAILED_INTERNAL : NET_FAILED_URL, &err);
        return;
    }
    enter_hop(call);
}

/* --- redirects --- */

/* Takes from the request what must not go on to `next`. */
static void rewrite_request(struct net_call *call, const struct url *next)
{
    struct net_request *request = &call->request;
    const struct redirect_hop hop = {
        .is_same_origin = strcmp(next->origin, call->url.origin) == 0,
        .has_become_get = redirect_becomes_get(call->hop.status, request->method),
    };
    if (hop.has_become_get) {
        call->has_effect = true; /* the first hop answered: it may have done what it was asked */
        call->method = "GET";
        request->method = STR("GET");
        request->body = STR("");
    }

    /* The copy of the headers is the call's own. */
    struct net_header *headers = (struct net_header *)(uintptr_t)request->headers;
    size_t kept = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        if (redirect_keeps_header(&hop, &headers[i])) {
            headers[kept++] = headers[i];
        }
    }
    request->header_count = kept;
}

static void redirect(struct net_call *call, struct str location)
{
    struct error err = {0};
    struct url next = URL_INIT;
    if (call->redirects == NET_MAX_REDIRECTS) {
        (void)error_set(&err, E_LIMIT, "more than %d redirects, the last one from '%s'",
                        NET_MAX_REDIRECTS, call->url.shown);
        call_fail(call, NET_FAILED_REDIRECT, &err);
        return;
    }

    int status = url_resolve(&call->url, location, &next, &err);
    if (status != 0) {
        error_prefix(&err, "'%s' redirects to a bad place: ", call->url.shown);
        call_fail(call, status == E_NOMEM ? NET_FAILED_INTERNAL : NET_FAILED_REDIRECT, &err);
        return;
    }

    call->redirects++;
    rewrite_request(call, &next);
    drop_hop(call);
    client_leave(call);
    url_finish(&call->url);
    call->url = next;
    call->state = CALL_NEW;
    enter_hop(call);
    client_pump(call->client);
}

static void respond(struct net_call *call)
{
    struct net_response response = {
        .status = call->hop.status,
        .headers = headers_export(&call->headers),
        .header_count = call->headers.count,
        .body = strbuf_str(&call->body),
        .effective_url = str_from(call->url.text),
        .remote_address = str_from(call->hop.remote_address),
        .tls_not_after_unix = call->hop.certificate.not_after_unix,
        .tls_subject = call->hop.certificate.subject,
        .tls_issuer = call->hop.certificate.issuer,
        .body_bytes = call->hop.body_bytes,
        .redirects = call->redirects,
    };
    if (response.tls_not_after_unix != 0) {
        int64_t left_s = response.tls_not_after_unix - clock_unix_ms() / 1000;
        response.tls_days_left = left_s >= 0 ? left_s / 86400 : -1 - (-left_s - 1) / 86400;
    }
    transfer_measure(call, &response);
    response.timings.queue_ms = call->queue_ms;
    response.timings.dns_ms = call->hop.dns_ms;
    response.timings.total_ms = (double)(clock_monotonic_ns() - call->start_ns) / 1e6;
    call_end(call, &response, NULL);
}

void call_end_hop(struct net_call *call, CURLcode code)
{
    CHECK_MAGIC(call, CALL_MAGIC);
    if (call->is_aborted) {
        call_cancel(call);
        return;
    }
    if (code != CURLE_OK) {
        struct error err = {0};
        struct net_failure failure;
        failure_from_transfer(call, code, &err, &failure);
        call_end(call, NULL, &failure);
        return;
    }

    struct str location = headers_get(&call->headers, "location");
    if ((call->request.flags & NET_NO_REDIRECT) == 0 && redirect_is(call->hop.status) &&
        location.n > 0) {
        redirect(call, location);
        return;
    }
    respond(call);
}
