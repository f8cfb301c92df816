/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/net/client.h"
#include "core/net/mail_call.h"

enum { PLACE_BYTES = 300 };

static const char *hint_of(enum net_failure_class failure_class)
{
    if (failure_class == NET_FAILED_FORBIDDEN) {
        return "list the address or the host under 'network.allow' if the mail is meant to go "
               "there";
    }
    if (failure_class == NET_FAILED_TLS) {
        return "port 465 has TLS from the start, 587 STARTTLS; for an authority of your own, set "
               "SSL_CERT_FILE";
    }
    if (failure_class == NET_FAILED_REFUSED || failure_class == NET_FAILED_CONNECT_TIMEOUT) {
        return "check host and port, and whether a firewall drops the packets";
    }
    if (failure_class == NET_FAILED_DNS) {
        return "check the spelling of the host, and the name servers in /etc/resolv.conf";
    }
    return "";
}

/* The server may have the message once all of it was given away; unless it said no. */
static bool is_maybe_taken(const struct mail_call *call)
{
    const struct mail_talk *talk = &call->talk;
    return talk->given == call->mail.message.n && talk->answer.code == 0;
}

void mail_failure_fill(const struct mail_call *call, enum net_failure_class failure_class,
                       const struct error *err, struct net_failure *failure)
{
    bool is_maybe = call->state == MAIL_RUNNING && is_maybe_taken(call);
    *failure = (struct net_failure){
        .failure_class = failure_class,
        .code = err->code,
        .effect = is_maybe ? NET_EFFECT_MAYBE : NET_EFFECT_NONE,
        .message = str_from(err->message),
        .hint = str_from(hint_of(failure_class)),
    };
}

/* What the server refused: "the sender 'a@example.com'". */
static void name_step(const struct mail_call *call, char *out, size_t size)
{
    const struct mail_talk *talk = &call->talk;
    switch (mail_talk_step(talk, call->mail.recipient_count)) {
    case NET_MAIL_CALL:
        (void)snprintf(out, size, "the call");
        return;
    case NET_MAIL_LOGIN:
        (void)snprintf(out, size, "the login");
        return;
    case NET_MAIL_SENDER:
        (void)snprintf(out, size, "the sender '%.*s'", STR_ARG(call->mail.sender));
        return;
    case NET_MAIL_RECIPIENT:
        (void)snprintf(out, size, "the recipient '%.*s'",
                       STR_ARG(call->mail.recipients[talk->replies - 2]));
        return;
    case NET_MAIL_MESSAGE:
        (void)snprintf(out, size, "the message");
        return;
    }
}

static enum net_failure_class from_reply(const struct mail_call *call, const char *place,
                                         struct error *err)
{
    char step[PLACE_BYTES];
    const struct mail_reply *reply = &call->talk.refusal;
    name_step(call, step, sizeof step);
    (void)error_set(err, E_IO, "'%s' refuses %s: %d %.*s", place, step, reply->code, (int)reply->n,
                    reply->text);
    return NET_FAILED_REPLY;
}

static enum net_failure_class from_trouble(const struct mail_call *call, const char *place,
                                           struct error *err)
{
    switch (call->talk.trouble) {
    case MAIL_FORBIDDEN:
        (void)error_set(err, E_INVALID, "'%s' must not be called: it %s", call->url.host,
                        net_verdict_text(call->talk.verdict));
        return NET_FAILED_FORBIDDEN;
    case MAIL_UNGUARDED:
        (void)error_set(err, E_INVALID,
                        "a password must not go to '%s' without TLS: use TLS or STARTTLS", place);
        return NET_FAILED_REQUEST;
    case MAIL_TALKATIVE:
    case MAIL_NO_TROUBLE:
        break;
    }
    (void)error_set(err, E_LIMIT, "'%s' says more than %d bytes: refused", place,
                    NET_MAX_HEADER_BYTES);
    return NET_FAILED_TOO_LARGE;
}

static enum net_failure_class from_timeout(const struct mail_call *call, const char *place,
                                           struct error *err)
{
    const struct mail_talk *talk = &call->talk;
    if (talk->is_ready) {
        (void)error_set(err, E_TIMEOUT, "'%s' did not answer within %llu ms", place,
                        (unsigned long long)call->mail.timeout_ms);
        return NET_FAILED_TIMEOUT;
    }
    (void)error_set(err, E_TIMEOUT, "'%s': %s within %llu ms", place,
                    talk->is_greeted ? "the connection was not ready"
                                     : "there was no connection, or no greeting",
                    (unsigned long long)call->mail.connect_timeout_ms);
    return NET_FAILED_CONNECT_TIMEOUT;
}

static bool is_tls(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
           code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CIPHER ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR;
}

static enum net_failure_class from_code(const struct mail_call *call, const char *place,
                                        struct error *err)
{
    const struct mail_talk *talk = &call->talk;
    const char *problem = talk->problem[0] != '\0' ? talk->problem : curl_easy_strerror(talk->code);
    if (talk->code == CURLE_USE_SSL_FAILED) {
        (void)error_set(err, E_IO, "'%s' offers no STARTTLS", place);
        return NET_FAILED_TLS;
    }
    if (is_tls(talk->code)) {
        (void)error_set(err, E_IO, "'%s': no TLS: %.*s", place, (int)strcspn(problem, "\r\n"),
                        problem);
        return NET_FAILED_TLS;
    }
    if (talk->code == CURLE_LOGIN_DENIED) {
        (void)error_set(err, E_IO, "'%s' offers no way to log in that is known here", place);
        return NET_FAILED_REPLY;
    }
    if (talk->code == CURLE_COULDNT_CONNECT) {
        (void)error_set_errno(err, E_IO, talk->errnum != 0 ? (int)talk->errnum : ECONNREFUSED,
                              "cannot connect to '%s'", place);
        return NET_FAILED_REFUSED;
    }
    if (talk->code == CURLE_WEIRD_SERVER_REPLY) {
        (void)error_set(err, E_CORRUPT, "'%s' does not speak SMTP on this port", place);
        return NET_FAILED_PROTOCOL;
    }
    (void)error_set(err, E_IO, "'%s' broke the connection", place);
    return NET_FAILED_RESET;
}

void mail_failure_from_talk(const struct mail_call *call, struct error *err,
                            struct net_failure *failure)
{
    char place[PLACE_BYTES];
    enum net_failure_class class;
    const struct mail_talk *talk = &call->talk;
    mail_call_place(call, place, sizeof place);
    if (talk->trouble != MAIL_NO_TROUBLE) {
        class = from_trouble(call, place, err);
    } else if (talk->code == CURLE_OUT_OF_MEMORY) {
        (void)error_nomem(err);
        class = NET_FAILED_INTERNAL;
    } else if (talk->refusal.code != 0 && talk->code != CURLE_OPERATION_TIMEDOUT) {
        class = from_reply(call, place, err);
    } else if (talk->code == CURLE_OPERATION_TIMEDOUT) {
        class = from_timeout(call, place, err);
    } else {
        class = from_code(call, place, err);
    }
    mail_failure_fill(call, class, err, failure);
}
