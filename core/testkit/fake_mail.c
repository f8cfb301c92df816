/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/fake_mail.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/testkit/testkit.h"

/* One on its way; in the arena. */
struct mail_call {
    struct host_alarm alarm; /* first */
    struct fake_mail *mail;
    ops_test_mail *sent;
    host_mail_done_cb done;
    void *user;
};

/* It is a mail when its answer comes: what is aborted before was not sent. */
static void on_answer(struct host_alarm *alarm)
{
    struct mail_call *call = (struct mail_call *)alarm;
    struct fake_mail *mail = call->mail;
    const struct host_mail_result result = {.code = 250, .reply = STR("2.0.0 the test has it")};
    mail->open--;
    mail->mails[mail->count++] = call->sent;
    call->done(call->user, &result, NULL);
}

static void table_abort(void *self, void *handle)
{
    struct mail_call *call = handle;
    const struct host_mail_failure failure = {
        .code = "CANCELLED", .symbol = "mail.aborted", .message = STR("the call was aborted")};
    (void)self;
    call->mail->open--;
    test_clock_stop(&call->alarm);
    call->done(call->user, NULL, &failure);
}

static const char *join_recipients(struct fake_mail *mail, const struct host_mail_request *request)
{
    struct strbuf all = STRBUF_INIT;
    for (size_t i = 0; i < request->recipient_count; i++) {
        strbuf_append_text(&all, i > 0 ? ", " : "");
        strbuf_append_str(&all, request->recipients[i]);
    }
    const char *copy = strbuf_status(&all) == 0 ? arena_dup(&mail->arena, strbuf_str(&all)) : NULL;
    strbuf_finish(&all);
    return copy;
}

/* NULL: out of memory. */
static ops_test_mail *keep(struct fake_mail *mail, const struct host_mail_request *request)
{
    ops_test_mail *sent = arena_calloc(&mail->arena, 1, sizeof *sent);
    struct str message = arena_dup_str(&mail->arena, request->message);
    if (sent == NULL || message.p == NULL) {
        return NULL;
    }
    sent->task = request->token;
    sent->url = arena_dup(&mail->arena, request->url);
    sent->username = arena_dup(&mail->arena, request->username);
    sent->password = arena_dup(&mail->arena, request->password);
    sent->sender = arena_dup(&mail->arena, request->sender);
    sent->recipients = join_recipients(mail, request);
    sent->message = (ops_str){message.p, message.n};
    bool is_kept = sent->url != NULL && sent->username != NULL && sent->password != NULL &&
                   sent->sender != NULL && sent->recipients != NULL;
    return is_kept ? sent : NULL;
}

static int table_send(void *self, const struct host_mail_request *request, host_mail_done_cb done,
                      void *user, void **out_call, struct error *err)
{
    struct fake_mail *mail = self;
    struct ops_test_host *host = mail->owner;
    size_t count = mail->count + mail->open + 1; /* there is room for all that are on their way */
    ops_test_mail **mails =
        array_reserve((void *)mail->mails, &mail->cap, count, sizeof *mail->mails);
    if (mails == NULL) {
        return error_nomem(err);
    }
    mail->mails = mails;
    struct mail_call *call = arena_calloc(&mail->arena, 1, sizeof *call);
    ops_test_mail *sent = keep(mail, request);
    if (call == NULL || sent == NULL) {
        return error_nomem(err);
    }

    *call = (struct mail_call){
        .alarm.fire = on_answer, .mail = mail, .sent = sent, .done = done, .user = user};
    mail->open++;
    test_clock_start(&host->clock, &call->alarm, testkit_late_ms(host, FAULT_MAIL_SEND));
    *out_call = call;
    return 0;
}

void fake_mail_init(struct fake_mail *mail, struct ops_test_host *owner)
{
    *mail = (struct fake_mail){.table = {mail, table_send, table_abort}, .owner = owner};
}

void fake_mail_finish(struct fake_mail *mail)
{
    free((void *)mail->mails);
    arena_finish(&mail->arena);
}

const ops_test_mail *ops_test_mail_at(const ops_test_host *host, uint64_t i)
{
    return i < host->mail.count ? host->mail.mails[i] : NULL;
}
