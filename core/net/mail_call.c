/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/mail_call.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/net/client.h"

enum { MAIL_MAGIC = 0x4D41494C };

static void on_wake(uv_async_t *wake);
static void on_timer(uv_timer_t *timer);
static void begin_next(struct net_client *client);

/* --- the copy --- */

static bool copy_list(struct mail_call *call, const struct net_mail *mail)
{
    struct str *recipients =
        arena_calloc(&call->arena, mail->recipient_count + 1, sizeof *recipients);
    for (size_t i = 0; recipients != NULL && i < mail->recipient_count; i++) {
        recipients[i] = arena_dup_str(&call->arena, mail->recipients[i]);
        if (recipients[i].p == NULL) {
            return false;
        }
    }
    call->mail.recipients = recipients;
    return recipients != NULL;
}

static bool copy_mail(struct mail_call *call, const struct net_mail *mail)
{
    struct net_mail *copy = &call->mail;
    *copy = *mail;
    copy->host = arena_dup_str(&call->arena, mail->host);
    copy->username = arena_dup_str(&call->arena, mail->username);
    copy->password = arena_dup_str(&call->arena, mail->password);
    copy->sender = arena_dup_str(&call->arena, mail->sender);
    if (copy->timeout_ms == 0) {
        copy->timeout_ms = NET_DEFAULT_TIMEOUT_MS;
    }
    if (copy->connect_timeout_ms == 0) {
        copy->connect_timeout_ms = NET_DEFAULT_CONNECT_TIMEOUT_MS;
    }
    return copy->host.p != NULL && copy->username.p != NULL && copy->password.p != NULL &&
           copy->sender.p != NULL && copy_list(call, mail);
}

struct mail_call *mail_call_create(struct net_client *client, const struct net_mail *mail)
{
    struct mail_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    if (!copy_mail(call, mail)) {
        arena_finish(&call->arena);
        free(call);
        return NULL;
    }
    call->magic = MAIL_MAGIC;
    call->client = client;
    call->start_ns = clock_monotonic_ns();
    CHECK(uv_async_init(client->options.loop, &call->wake, on_wake) == 0);
    CHECK(uv_timer_init(client->options.loop, &call->timer) == 0);
    call->wake.data = call;
    call->timer.data = call;
    call->open_handles = 2;
    CHECK(uv_async_send(&call->wake) == 0);
    return call;
}

void mail_call_place(const struct mail_call *call, char *out, size_t size)
{
    const char *host = call->url.host != NULL ? call->url.host : call->mail.host.p;
    (void)snprintf(out, size, strchr(host, ':') != NULL ? "%s://[%.255s]:%u" : "%s://%.255s:%u",
                   call->mail.tls == NET_MAIL_TLS ? "smtps" : "smtp", host, call->mail.port);
}

/* --- the end --- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct mail_call *call = handle->data;
    struct net_client *client = call->client;
    if (--call->open_handles > 0) {
        return;
    }
    struct str password = call->mail.password;
    explicit_bzero((char *)(uintptr_t)password.p, password.n);
    url_finish(&call->url);
    arena_finish(&call->arena);
    call->magic = 0;
    free(call);
    client_forget(client);
}

static void call_end(struct mail_call *call, const struct net_mail_reply *reply,
                     const struct net_failure *failure)
{
    CHECK(call->state != MAIL_OVER);
    struct net_client *client = call->client;
    resolver_cancel(&call->query);
    if (call->state == MAIL_QUEUED) {
        TAILQ_REMOVE(&client->mails_waiting, call, waiting);
    } else if (call->state != MAIL_NEW) {
        client->mails_running--;
    }
    if (call->easy != NULL) {
        client_give_easy(client, call->easy);
        call->easy = NULL;
    }
    curl_slist_free_all(call->resolved);
    curl_slist_free_all(call->recipients);
    call->state = MAIL_OVER;
    TAILQ_REMOVE(&client->mails, call, all);
    call->mail.done(call->mail.user, reply, failure);
    uv_close((uv_handle_t *)&call->wake, on_handle_closed);
    uv_close((uv_handle_t *)&call->timer, on_handle_closed);
    begin_next(client);
}

static struct net_mail_reply make_reply(const struct mail_call *call)
{
    const struct mail_talk *talk = &call->talk;
    const struct mail_reply *from = mail_talk_is_good(talk) ? &talk->answer : &talk->refusal;
    return (struct net_mail_reply){
        .code = from->code,
        .text = str_make(from->text, from->n),
        .total_ms = (double)(clock_monotonic_ns() - call->start_ns) / 1e6,
    };
}

static void call_fail(struct mail_call *call, enum net_failure_class failure_class,
                      const struct error *err)
{
    struct net_failure failure;
    const struct net_mail_reply reply = {0};
    mail_failure_fill(call, failure_class, err, &failure);
    call_end(call, &reply, &failure);
}

static void call_fail_nomem(struct mail_call *call)
{
    struct error err = {0};
    (void)error_nomem(&err);
    call_fail(call, NET_FAILED_INTERNAL, &err);
}

static void call_cancel(struct mail_call *call)
{
    struct error err = {0};
    (void)error_set(&err, E_CANCELED, "the mail was canceled");
    call_fail(call, NET_FAILED_CANCELED, &err);
}

/* The thread has ended. */
static void call_finish(struct mail_call *call)
{
    struct error err = {0};
    struct net_failure failure;
    const struct mail_talk *talk = &call->talk;
    CHECK(pthread_join(call->thread, NULL) == 0);
    struct net_mail_reply reply = make_reply(call);
    if (mail_talk_is_good(talk)) {
        call_end(call, &reply, NULL);
        return;
    }
    bool is_refused = talk->is_ready && talk->refusal.code != 0;
    if (talk->code == CURLE_ABORTED_BY_CALLBACK && !is_refused) {
        call_cancel(call);
        return;
    }
    mail_failure_from_talk(call, &err, &failure);
    bool is_refusal = failure.failure_class == NET_FAILED_REPLY;
    reply.code = is_refusal ? reply.code : 0;
    reply.step = mail_talk_step(talk, call->mail.recipient_count);
    call_end(call, &reply, &failure);
}

/* --- time --- */

static void arm_timer(struct mail_call *call, uint64_t limit_ms)
{
    uint64_t spent_ms = (uint64_t)((clock_monotonic_ns() - call->start_ns) / 1000000);
    uint64_t whole_ms = call->mail.timeout_ms;
    uint64_t left_ms = whole_ms > spent_ms ? whole_ms - spent_ms : 0;
    call->is_resolving_limited = limit_ms < left_ms;
    uv_update_time(call->client->options.loop);
    CHECK(uv_timer_start(&call->timer, on_timer, left_ms < limit_ms ? left_ms : limit_ms, 0) == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct mail_call *call = timer->data;
    struct error err = {0};
    bool is_limited = call->is_resolving_limited;
    const char *what = call->state == MAIL_QUEUED ? "other mail was in front of it"
                                                  : "the name was not resolved";
    (void)error_set(
        &err, E_TIMEOUT, "'%.*s': %s for %llu ms", STR_ARG(call->mail.host), what,
        (unsigned long long)(is_limited ? call->mail.connect_timeout_ms : call->mail.timeout_ms));
    call_fail(call, is_limited ? NET_FAILED_CONNECT_TIMEOUT : NET_FAILED_TIMEOUT, &err);
}

/* --- the connection --- */

static void *run_thread(void *argument)
{
    struct mail_call *call = argument;
    mail_transfer_run(call);
    atomic_store(&call->is_thread_over, true);
    (void)uv_async_send(&call->wake); /* documented to succeed for an open handle */
    return NULL;
}

/* The thread takes no signals: they belong to the loop. */
static int start_thread(struct mail_call *call)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all); /* fails for no set that exists */
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int status = pthread_create(&call->thread, NULL, run_thread, call);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return status == 0 ? 0 : E_NOMEM;
}

static void run_transfer(struct mail_call *call)
{
    call->easy = client_take_easy(call->client);
    if (call->easy == NULL || mail_transfer_prepare(call) != 0) {
        call_fail_nomem(call);
        return;
    }
    (void)uv_timer_stop(&call->timer); /* documented to succeed */
    call->state = MAIL_RUNNING;
    if (start_thread(call) != 0) {
        call->state = MAIL_RESOLVING; /* it does not run */
        call_fail_nomem(call);
    }
}

static bool add_resolved(struct mail_call *call, const struct resolver_answer *answer)
{
    struct strbuf line = STRBUF_INIT;
    enum net_verdict verdict;
    bool is_any = false;
    strbuf_append_format(&line, "+%s:%u:", call->url.host, call->mail.port);
    for (size_t i = 0; i < answer->count; i++) {
        char text[NET_ADDRESS_TEXT_SIZE];
        verdict = net_rules_check_address(call->client->options.rules, str_from(call->url.host),
                                          &answer->addresses[i]);
        if (verdict != NET_VERDICT_ALLOWED) {
            call->talk.verdict = verdict;
            continue;
        }
        net_address_format(&answer->addresses[i], text);
        strbuf_append_format(&line, answer->addresses[i].size == 16 ? "%s[%s]" : "%s%s",
                             is_any ? "," : "", text);
        is_any = true;
    }
    bool is_kept = strbuf_status(&line) == 0;
    call->resolved = is_kept && is_any ? curl_slist_append(NULL, line.p) : NULL;
    strbuf_finish(&line);
    return is_any ? call->resolved != NULL : is_kept;
}

static void fail_forbidden(struct mail_call *call)
{
    struct error err = {0};
    (void)error_set(&err, E_INVALID, "'%s' must not be called: it %s", call->url.host,
                    net_verdict_text(call->talk.verdict));
    call_fail(call, NET_FAILED_FORBIDDEN, &err);
}

static void on_resolved(void *user, const struct resolver_answer *answer)
{
    struct mail_call *call = user;
    struct error err = {0};
    if (answer->count == 0) {
        (void)error_set(&err, E_NOT_FOUND, "cannot resolve '%s': %s", call->url.host,
                        answer->problem);
        call_fail(call, NET_FAILED_DNS, &err);
    } else if (!add_resolved(call, answer)) {
        call_fail_nomem(call);
    } else if (call->resolved == NULL) {
        fail_forbidden(call);
    } else {
        run_transfer(call);
    }
}

static void resolve(struct mail_call *call)
{
    struct error err = {0};
    struct resolver_answer answer;
    if (client_open_resolver(call->client, &err) != 0) {
        call_fail(call, NET_FAILED_INTERNAL, &err);
        return;
    }
    call->query.on_answer = on_resolved;
    call->query.user = call;
    int status =
        resolver_ask(call->client->resolver, str_from(call->url.host), &call->query, &answer);
    if (status < 0) {
        call_fail_nomem(call);
    } else if (status == RESOLVER_READY) {
        on_resolved(call, &answer);
    } else {
        arm_timer(call, call->mail.connect_timeout_ms);
    }
}

static void begin_next(struct net_client *client)
{
    struct mail_call *call;
    while (client->mails_running < NET_MAIL_AT_A_TIME &&
           (call = TAILQ_FIRST(&client->mails_waiting)) != NULL) {
        TAILQ_REMOVE(&client->mails_waiting, call, waiting);
        client->mails_running++;
        call->state = MAIL_RESOLVING;
        if (call->url.address.size != 0) {
            run_transfer(call);
        } else {
            resolve(call);
        }
    }
}

/* --- the beginning --- */

/* One form of the host, by the one reader of URLs. */
static int read_host(struct mail_call *call, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    struct str host = call->mail.host;
    bool is_address6 = host.n > 0 && memchr(host.p, ':', host.n) != NULL;
    if (host.n == 0 || strpbrk(host.p, "/?#@[]% ") != NULL) {
        return error_set(err, E_INVALID, "'%.*s' is no host", STR_ARG(host));
    }
    strbuf_append_format(&text, is_address6 ? "https://[%.*s]:%u/" : "https://%.*s:%u/",
                         STR_ARG(host), call->mail.port);
    int status = strbuf_status(&text) == 0 ? url_parse(strbuf_str(&text), &call->url, err)
                                           : error_nomem(err);
    strbuf_finish(&text);
    return status;
}

static bool may_send(struct mail_call *call)
{
    struct error err = {0};
    const struct net_mail *mail = &call->mail;
    const struct net_hop hop = {
        .url = str_from(call->url.text), .host = str_from(call->url.host), .port = mail->port};
    int status = mail->check_hop != NULL ? mail->check_hop(mail->user, &hop, &err) : 0;
    if (status != 0) {
        call_fail(call, status == E_NOMEM ? NET_FAILED_INTERNAL : NET_FAILED_BARRED, &err);
    }
    return status == 0;
}

static void begin(struct mail_call *call)
{
    struct error err = {0};
    const struct net_rules *rules = call->client->options.rules;
    int status = read_host(call, &err);
    if (status != 0) {
        call_fail(call, status == E_NOMEM ? NET_FAILED_INTERNAL : NET_FAILED_URL, &err);
        return;
    }
    if (!may_send(call)) {
        return;
    }
    struct str host = str_from(call->url.host);
    call->talk.verdict = call->url.address.size != 0
                             ? net_rules_check_address(rules, host, &call->url.address)
                             : net_rules_check_host(rules, host);
    if (call->talk.verdict != NET_VERDICT_ALLOWED) {
        fail_forbidden(call);
        return;
    }
    call->state = MAIL_QUEUED;
    TAILQ_INSERT_TAIL(&call->client->mails_waiting, call, waiting);
    arm_timer(call, UINT64_MAX);
    begin_next(call->client);
}

static void on_wake(uv_async_t *wake)
{
    struct mail_call *call = wake->data;
    CHECK_MAGIC(call, MAIL_MAGIC);
    if (call->state == MAIL_RUNNING) {
        if (atomic_load(&call->is_thread_over)) {
            call_finish(call);
        }
    } else if (call->state == MAIL_OVER) {
        return;
    } else if (atomic_load(&call->is_aborted)) {
        call_cancel(call);
    } else if (call->state == MAIL_NEW) {
        begin(call);
    }
}

void mail_call_abort(struct mail_call *call)
{
    if (call->state != MAIL_OVER) {
        atomic_store(&call->is_aborted, true);
        CHECK(uv_async_send(&call->wake) == 0);
    }
}
