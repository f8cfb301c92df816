/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/socket.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/net/call.h"
#include "core/net/client.h"
#include "core/net/mail_call.h"

enum { CODE_DIGITS = 3, BACKLOG_BYTES = NET_MAX_HEADER_BYTES };

/* --- replies --- */

/* Printable ASCII stays; what is beyond it may be of any charset. */
static void keep_reply(struct mail_reply *reply, int code, struct str text)
{
    reply->code = code;
    reply->n = text.n < sizeof reply->text ? text.n : sizeof reply->text - 1;
    for (size_t i = 0; i < reply->n; i++) {
        char c = text.p[i];
        reply->text[i] = c >= ' ' && c <= '~' ? c : '?';
    }
}

bool mail_talk_add_line(struct mail_talk *talk, size_t recipient_count, struct str line)
{
    int code = 0;
    talk->reply_bytes += line.n;
    if (talk->reply_bytes > BACKLOG_BYTES) {
        talk->trouble = MAIL_TALKATIVE;
        return false;
    }
    line = str_trim(line);
    for (size_t i = 0; i < CODE_DIGITS; i++) {
        if (i >= line.n || line.p[i] < '0' || line.p[i] > '9') {
            return true; /* libcurl refuses what is no reply */
        }
        code = code * 10 + (line.p[i] - '0');
    }
    if (line.n > CODE_DIGITS && line.p[CODE_DIGITS] == '-') {
        return true; /* more of this reply follows */
    }
    if (talk->is_ready && talk->refusal.code != 0) {
        return true; /* libcurl says goodbye */
    }
    struct str text = str_trim(str_make(line.p + CODE_DIGITS, line.n - CODE_DIGITS));
    talk->is_greeted = true;
    talk->replies += talk->is_ready;
    if (code >= 400) {
        keep_reply(&talk->refusal, code, text);
    }
    if (talk->replies == recipient_count + 3) {
        keep_reply(&talk->answer, code, text);
    }
    return true;
}

enum net_mail_step mail_talk_step(const struct mail_talk *talk, size_t recipient_count)
{
    if (!talk->is_ready) {
        return talk->code == CURLE_LOGIN_DENIED ? NET_MAIL_LOGIN : NET_MAIL_CALL;
    }
    return talk->replies == 1                     ? NET_MAIL_SENDER
           : talk->replies <= recipient_count + 1 ? NET_MAIL_RECIPIENT
                                                  : NET_MAIL_MESSAGE;
}

bool mail_talk_is_good(const struct mail_talk *talk)
{
    return talk->answer.code / 100 == 2;
}

/* --- what libcurl calls, in the thread --- */

static size_t on_line(char *bytes, size_t size, size_t count, void *user)
{
    struct mail_call *call = user;
    size_t n = size * count;
    bool goes_on = mail_talk_add_line(&call->talk, call->mail.recipient_count, str_make(bytes, n));
    return goes_on ? n : 0;
}

static size_t on_read(char *bytes, size_t size, size_t count, void *user)
{
    struct mail_call *call = user;
    struct str message = call->mail.message;
    size_t n = size * count;
    size_t left = message.n - call->talk.given;
    n = n < left ? n : left;
    memcpy(bytes, message.p + call->talk.given, n);
    call->talk.given += n;
    return n;
}

/* Greeting, TLS and login are over: what follows is about the message. */
static int on_ready(void *user, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    struct mail_talk *talk = &((struct mail_call *)user)->talk;
    talk->is_ready = true;
    talk->refusal.code = 0; /* of EHLO, say, which HELO made good */
    return CURL_PREREQFUNC_OK;
}

/* Also when all is said that counts: libcurl would wait for the answer to its QUIT as for any
 * other.
 */
static int on_progress(void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up)
{
    (void)down_all, (void)down, (void)up_all, (void)up;
    const struct mail_call *call = user;
    const struct mail_talk *talk = &call->talk;
    bool is_over = talk->answer.code != 0 || (talk->is_ready && talk->refusal.code != 0);
    return is_over || atomic_load(&call->is_aborted) ? 1 : 0;
}

static bool may_open(struct mail_call *call, const struct curl_sockaddr *to)
{
    struct net_address address;
    if (!net_address_from_sockaddr(&to->addr, &address)) {
        return false;
    }
    enum net_verdict verdict =
        net_rules_check_address(call->client->options.rules, str_from(call->url.host), &address);
    if (verdict != NET_VERDICT_ALLOWED) {
        call->talk.trouble = MAIL_FORBIDDEN;
        call->talk.verdict = verdict;
        return false;
    }
    if (call->mail.tls == NET_MAIL_PLAIN && call->mail.username.n > 0 &&
        !net_address_is_loopback(&address)) {
        call->talk.trouble = MAIL_UNGUARDED;
        return false;
    }
    return true;
}

/* The one place where sockets are made: whatever a name said before, this address is checked. */
static curl_socket_t on_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct mail_call *call = user;
    if (purpose != CURLSOCKTYPE_IPCXN || !may_open(call, to)) {
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
}

/* Names come from our resolver: libcurl may only read numbers. */
static int on_resolver_start(void *state, void *reserved, void *user)
{
    (void)state, (void)reserved;
    return ((const struct mail_call *)user)->url.address.size != 0 ? 0 : 1;
}

/* --- setting up --- */

/* Options that fail only for want of memory, or of a feature that the package of Debian has. */
static void set_fixed(struct mail_call *call)
{
    CURL *easy = call->easy;
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->talk.problem);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(easy, CURLOPT_READDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
    (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(easy, CURLOPT_XFERINFODATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    (void)curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_resolver_start);
    (void)curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, call);
}

/* What is left of a limit that began with the call; at least 1 ms. */
static long left_ms(const struct mail_call *call, uint64_t limit_ms)
{
    int64_t spent_ms = (clock_monotonic_ns() - call->start_ns) / 1000000;
    int64_t limit = limit_ms > INT32_MAX ? INT32_MAX : (int64_t)limit_ms;
    return limit > spent_ms ? (long)(limit - spent_ms) : 1L;
}

static bool set_limits(struct mail_call *call)
{
    CURL *easy = call->easy;
    long whole_ms = left_ms(call, call->mail.timeout_ms);
    long connect_ms = left_ms(call, call->mail.connect_timeout_ms);
    long seconds = whole_ms / 1000 + 1;
    return curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, whole_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds) == CURLE_OK;
}

static bool append_recipient(struct mail_call *call, struct str address)
{
    const char *text = arena_dup(&call->arena, address);
    struct curl_slist *list = text != NULL ? curl_slist_append(call->recipients, text) : NULL;
    if (list == NULL) {
        return false;
    }
    call->recipients = list;
    return true;
}

static bool set_envelope(struct mail_call *call)
{
    CURL *easy = call->easy;
    const struct net_mail *mail = &call->mail;
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (!append_recipient(call, mail->recipients[i])) {
            return false;
        }
    }
    return curl_easy_setopt(easy, CURLOPT_MAIL_FROM, mail->sender.p) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, call->recipients) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message.n) ==
               CURLE_OK;
}

static bool set_server(struct mail_call *call)
{
    char place[URL_MAX_BYTES];
    CURL *easy = call->easy;
    const struct net_mail *mail = &call->mail;
    long use_tls = mail->tls == NET_MAIL_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL;
    mail_call_place(call, place, sizeof place);
    bool is_set = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_URL, place) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_USE_SSL, use_tls) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_RESOLVE, call->resolved) == CURLE_OK;
    if (is_set && mail->username.n > 0) {
        is_set = curl_easy_setopt(easy, CURLOPT_USERNAME, mail->username.p) == CURLE_OK &&
                 curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password.p) == CURLE_OK;
    }
    return is_set &&
           (mail->tls == NET_MAIL_PLAIN || transfer_set_trust(easy, call->client->options.ca_file));
}

int mail_transfer_prepare(struct mail_call *call)
{
    set_fixed(call);
    return set_server(call) && set_limits(call) && set_envelope(call) ? 0 : E_NOMEM;
}

void mail_transfer_run(struct mail_call *call)
{
    call->talk.code = curl_easy_perform(call->easy);
    (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &call->talk.errnum); /* a known option */
}
