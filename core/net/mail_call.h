/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_NET_MAIL_CALL_H
#define CORE_NET_MAIL_CALL_H

/*
 * Mail call: one net_send_mail().
 *
 *     NEW ──▶ QUEUED ──▶ RESOLVING ──▶ RUNNING (in its thread) ──▶ OVER
 *                                              any state but RUNNING ──▶ OVER
 *
 * mail_call.c moves it along on the loop; mail_transfer.c sets libcurl up and runs it in the
 * thread; mail_failure.c says what went wrong. What the thread writes is read by the loop when the
 * thread is over; `is_aborted` and `is_thread_over` alone are shared before.
 *
 * Used by:  net, in the module.
 * Uses:     mail.h, net_module.h, resolver.h, url.h, libcurl.
 * Threads:  [loop] but for mail_transfer_run(), and what it calls.
 */

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <uv.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/net/mail.h"
#include "core/net/net_module.h"
#include "core/net/resolver.h"
#include "core/net/rules.h"
#include "core/net/url.h"

struct net_client;

enum mail_state { MAIL_NEW, MAIL_QUEUED, MAIL_RESOLVING, MAIL_RUNNING, MAIL_OVER };

/* Why one of our callbacks made libcurl give up. */
enum mail_trouble {
    MAIL_NO_TROUBLE,
    MAIL_FORBIDDEN, /* the address of the socket */
    MAIL_UNGUARDED, /* a password, no TLS, and an address beyond this machine */
    MAIL_TALKATIVE, /* replies without end */
};

enum { MAIL_REPLY_BYTES = 400 };

/* One reply of SMTP: its code, and the text of its last line. */
struct mail_reply {
    int code;
    size_t n;
    char text[MAIL_REPLY_BYTES];
};

/* What a thread learns. */
struct mail_talk {
    enum mail_trouble trouble;
    enum net_verdict verdict; /* with MAIL_FORBIDDEN */
    bool is_ready;            /* greeting, TLS and login are over */
    uint32_t replies;         /* since then: to MAIL, to each RCPT, to DATA, and to the message */
    size_t reply_bytes;       /* of all */
    bool is_greeted;
    struct mail_reply refusal; /* the last with 4 or 5 in front; once it is ready, the first */
    struct mail_reply answer;  /* to the message; code 0: it did not come */
    size_t given;              /* bytes of the message that libcurl has taken */
    CURLcode code;
    long errnum;
    char problem[CURL_ERROR_SIZE];
};

struct mail_call {
    struct net_call_head head; /* first: net_abort() reads it */
    uint32_t magic;
    struct net_client *client;
    TAILQ_ENTRY(mail_call) all;     /* in the client's list, until it is over */
    TAILQ_ENTRY(mail_call) waiting; /* while it is QUEUED */
    struct arena arena;
    struct net_mail mail; /* copied, but for the message */
    enum mail_state state;
    atomic_bool is_aborted;
    atomic_bool is_thread_over;
    uv_async_t wake;
    uv_timer_t timer;
    int open_handles;
    int64_t start_ns;
    bool is_resolving_limited; /* the timer ends the resolving, before the whole time is over */
    struct url url;            /* of "https://HOST:PORT": one form of host and address */
    struct resolver_query query;
    CURL *easy;
    struct curl_slist *resolved;
    struct curl_slist *recipients;
    pthread_t thread;
    struct mail_talk talk;
};

TAILQ_HEAD(mail_list, mail_call);

/* Owned by the client until it is over. NULL when out of memory. */
struct mail_call *mail_call_create(struct net_client *client, const struct net_mail *mail);

/* For net_abort() and the client's end. */
void mail_call_abort(struct mail_call *call);

/* "smtps://host:port", for messages; at most `size` bytes with the NUL. */
void mail_call_place(const struct mail_call *call, char *out, size_t size);

/* mail_transfer.c: sets `easy` up, on the loop. Returns 0 or E_NOMEM. */
int mail_transfer_prepare(struct mail_call *call);
/* [thread] Speaks with the server, to the end. */
void mail_transfer_run(struct mail_call *call);
/* Takes one line of a reply, without its end. Whether the talk may go on. */
bool mail_talk_add_line(struct mail_talk *talk, size_t recipient_count, struct str line);

/* What the refusal is to. */
enum net_mail_step mail_talk_step(const struct mail_talk *talk, size_t recipient_count);

/* Whether the server has taken the message. */
bool mail_talk_is_good(const struct mail_talk *talk);

/* mail_failure.c: fills `failure`, and `err`, which holds its message. */
void mail_failure_fill(const struct mail_call *call, enum net_failure_class failure_class,
                       const struct error *err, struct net_failure *failure);
void mail_failure_from_talk(const struct mail_call *call, struct error *err,
                            struct net_failure *failure);

#endif
