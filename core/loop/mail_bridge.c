/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/mail_bridge.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/host/mail.h"
#include "core/loop/secret_guard.h"
#include "core/model/pipeline.h"
#include "core/net/mail.h"

/* One message: who asked, and what may be in it. */
struct bridged_mail {
    const struct host_mail_request *request; /* kept by the host */
    host_mail_done_cb done;
    void *user;
    struct net_call *call;
    struct secret_guard guard; /* `pipeline` is shared; NULL: nothing is to be guarded */
    struct strbuf cure;        /* of what it has refused */
    struct net_header *parts;  /* what the guard looks at */
    size_t part_count;
};

static void bridged_mail_destroy(struct bridged_mail *mail)
{
    if (mail != NULL) {
        pipeline_unref(mail->guard.pipeline);
        strbuf_finish(&mail->cure);
        free(mail->parts);
        free(mail);
    }
}

/* ---- what plugins hear ---- */

struct meaning {
    const char *code;
    const char *symbol;
    bool is_final;
};

/* net's classes; what they share with HTTP is named alike. */
static const struct meaning meanings[] = {
    [NET_FAILED_REQUEST] = {"CONFIG", "mail.request", true},
    [NET_FAILED_URL] = {"CONFIG", "mail.host", true},
    [NET_FAILED_FORBIDDEN] = {"PERMISSION", "mail.not_allowed", false},
    [NET_FAILED_BARRED] = {"PERMISSION", "secret.host", false},
    [NET_FAILED_DNS] = {"UNAVAILABLE", "mail.dns", false},
    [NET_FAILED_REFUSED] = {"UNAVAILABLE", "mail.no_connection", false},
    [NET_FAILED_CONNECT_TIMEOUT] = {"TIMEOUT", "mail.connect_timeout", false},
    [NET_FAILED_TIMEOUT] = {"TIMEOUT", "mail.timeout", false},
    [NET_FAILED_TLS] = {"UNAVAILABLE", "mail.tls", false},
    [NET_FAILED_RESET] = {"UNAVAILABLE", "mail.reset", false},
    [NET_FAILED_TOO_LARGE] = {"UPSTREAM", "mail.protocol", false},
    [NET_FAILED_REDIRECT] = {"INTERNAL", "mail.internal", false},
    [NET_FAILED_PROTOCOL] = {"UPSTREAM", "mail.protocol", false},
    [NET_FAILED_REPLY] = {"UPSTREAM", "mail.reply", false},
    [NET_FAILED_PROXY] = {"INTERNAL", "mail.internal", false},
    [NET_FAILED_CANCELED] = {"CANCELLED", "mail.cancelled", false},
    [NET_FAILED_INTERNAL] = {"INTERNAL", "mail.internal", false},
};

/* 4xx asks for another time, 5xx says never (RFC 5321, 4.2.1). */
static struct meaning meaning_of(const struct net_mail_reply *reply)
{
    enum { PERMANENT = 500, NEEDS_LOGIN = 530, BAD_LOGIN = 535, TOO_LARGE = 552 };
    static const struct meaning refusals[] = {
        [NET_MAIL_CALL] = {"PERMISSION", "mail.refused", true},
        [NET_MAIL_LOGIN] = {"AUTH", "mail.auth", true},
        [NET_MAIL_SENDER] = {"PERMISSION", "mail.sender", true},
        [NET_MAIL_RECIPIENT] = {"INPUT", "mail.recipient", true},
        [NET_MAIL_MESSAGE] = {"INPUT", "mail.message", true},
    };
    bool is_login = reply->step == NET_MAIL_LOGIN && reply->code == 0; /* no way that is known */
    if (is_login || reply->code == BAD_LOGIN || reply->code == NEEDS_LOGIN) {
        return refusals[NET_MAIL_LOGIN];
    }
    if (reply->code < PERMANENT) {
        return (struct meaning){"UNAVAILABLE", "mail.try_later", false};
    }
    if (reply->code == TOO_LARGE) {
        return (struct meaning){"RESOURCE", "mail.too_large", true};
    }
    return refusals[reply->step];
}

static void pass_failure(const struct bridged_mail *mail, const struct net_mail_reply *reply,
                         const struct net_failure *failure)
{
    struct meaning meaning = failure->failure_class == NET_FAILED_REPLY
                                 ? meaning_of(reply)
                                 : meanings[failure->failure_class];
    bool is_barred = failure->failure_class == NET_FAILED_BARRED;
    struct host_mail_failure told = {
        .code = meaning.code,
        .symbol = meaning.symbol,
        .is_final = meaning.is_final,
        .is_maybe_done = failure->effect == NET_EFFECT_MAYBE,
        .message = failure->message,
        .hint = is_barred ? strbuf_str(&mail->cure) : failure->hint,
    };
    mail->done(mail->user, NULL, &told);
}

static void on_net_done(void *user, const struct net_mail_reply *reply,
                        const struct net_failure *failure)
{
    struct bridged_mail *mail = user;
    if (failure != NULL) {
        pass_failure(mail, reply, failure);
    } else {
        struct host_mail_result told = {
            .code = reply->code, .reply = reply->text, .duration_ms = reply->total_ms};
        mail->done(mail->user, &told, NULL);
    }
    bridged_mail_destroy(mail);
}

/* ---- what is sent ---- */

static int check_net_hop(void *user, const struct net_hop *hop, struct error *err)
{
    struct bridged_mail *mail = user;
    struct net_hop seen = *hop;
    seen.headers = mail->parts;
    seen.header_count = mail->part_count;
    return secret_guard_check_hop(&mail->guard, &seen, &mail->cure, err);
}

/* Fails with E_NOMEM. */
static int set_guard(struct bridged_mail *mail, const struct http_bridge *bridge)
{
    const struct host_mail_request *request = mail->request;
    const struct pipeline *pipeline = NULL;
    uint32_t node = 0;
    if (bridge->find_node == NULL || !bridge->find_node(request->token, &pipeline, &node)) {
        return 0;
    }
    mail->parts = calloc(request->part_count + 2, sizeof(*mail->parts));
    if (mail->parts == NULL) {
        return E_NOMEM;
    }
    mail->parts[mail->part_count++].value = request->username;
    mail->parts[mail->part_count++].value = request->password;
    for (size_t i = 0; i < request->part_count; i++) {
        mail->parts[mail->part_count++].value = request->parts[i];
    }
    for (size_t i = 0; i < mail->part_count; i++) {
        mail->parts[i].name = STR("");
    }
    mail->guard = (struct secret_guard){.secrets = bridge->secrets,
                                        .pipeline = pipeline_ref(pipeline),
                                        .node = &pipeline->nodes[node]};
    return 0;
}

static int bridge_send(void *self, const struct host_mail_request *request, host_mail_done_cb done,
                       void *user, void **out_call, struct error *err)
{
    static const enum net_mail_tls kinds[] = {[HOST_MAIL_TLS] = NET_MAIL_TLS,
                                              [HOST_MAIL_STARTTLS] = NET_MAIL_STARTTLS,
                                              [HOST_MAIL_PLAIN] = NET_MAIL_PLAIN};
    const struct http_bridge *bridge = self;
    struct bridged_mail *mail = calloc(1, sizeof(*mail));
    if (mail == NULL) {
        return error_nomem(err);
    }
    *mail = (struct bridged_mail){.request = request, .done = done, .user = user};
    struct net_mail asked = {
        .host = request->host,
        .port = request->port,
        .tls = kinds[request->tls],
        .username = request->username,
        .password = request->password,
        .sender = request->sender,
        .recipients = request->recipients,
        .recipient_count = request->recipient_count,
        .message = request->message,
        .timeout_ms = request->timeout_ms,
        .connect_timeout_ms = request->connect_timeout_ms,
        .done = on_net_done,
        .user = mail,
    };
    int status = set_guard(mail, bridge) == 0 ? 0 : error_nomem(err);
    if (status == 0) {
        asked.check_hop = mail->guard.pipeline != NULL ? check_net_hop : NULL;
        status = net_send_mail(bridge->net, &asked, &mail->call, err);
    }
    if (status != 0) {
        bridged_mail_destroy(mail);
        return status;
    }
    *out_call = mail;
    return 0;
}

static void bridge_abort(void *self, void *call)
{
    (void)self; /* a call knows its net */
    net_abort(((struct bridged_mail *)call)->call);
}

void mail_bridge_init(struct host_mail *mail, struct http_bridge *bridge)
{
    *mail = (struct host_mail){.self = bridge, .send = bridge_send, .abort = bridge_abort};
}
