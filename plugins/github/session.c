/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct session *next;
    size_t users;
    struct text id;
    struct text token; /* empty: there is none */
    int64_t ends_ms;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static struct session *sessions;

void session_clear(struct text *text)
{
    if (text->p != NULL) {
        explicit_bzero(text->p, text->cap);
    }
    text_finish(text);
}

static void session_destroy(struct session *session)
{
    session_clear(&session->token);
    text_finish(&session->id);
    free(session);
}

static struct session *find(ops_str id)
{
    struct session *session = id.n > 0 ? sessions : NULL;
    while (session != NULL && (session->id.n != id.n || memcmp(session->id.p, id.p, id.n) != 0)) {
        session = session->next;
    }
    return session;
}

static struct session *add(ops_str id)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    text_append_str(&session->id, id);
    if (session->id.failed) {
        session_destroy(session);
        return NULL;
    }
    session->next = sessions;
    sessions = session;
    return session;
}

struct session *session_ref(ops_str id)
{
    (void)pthread_mutex_lock(&lock); /* it does not fail */
    struct session *session = find(id);
    if (session == NULL) {
        session = add(id);
    }
    if (session != NULL) {
        session->users++;
    }
    (void)pthread_mutex_unlock(&lock);
    return session;
}

void session_unref(struct session *session)
{
    if (session == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&lock); /* as above */
    session->users--;
    if (session->users == 0) {
        struct session **at = &sessions;
        while (*at != session) {
            at = &(*at)->next;
        }
        *at = session->next;
        session_destroy(session);
    }
    (void)pthread_mutex_unlock(&lock);
}

int session_find(struct session *session, int64_t now_ms, struct text *out, int64_t *out_ends_ms)
{
    (void)pthread_mutex_lock(&lock); /* as above */
    int is_good = session->token.n > 0 && now_ms < session->ends_ms - SESSION_MARGIN_MS;
    if (is_good) {
        text_append_str(out, text_str(&session->token));
        *out_ends_ms = session->ends_ms;
    }
    (void)pthread_mutex_unlock(&lock);
    return is_good && !out->failed;
}

void session_keep(struct session *session, ops_str token, int64_t ends_ms)
{
    (void)pthread_mutex_lock(&lock); /* as above */
    session_clear(&session->token);
    text_append_str(&session->token, token);
    session->ends_ms = ends_ms;
    if (session->token.failed) {
        session_clear(&session->token);
    }
    (void)pthread_mutex_unlock(&lock);
}

void session_drop(struct session *session)
{
    (void)pthread_mutex_lock(&lock); /* as above */
    session_clear(&session->token);
    (void)pthread_mutex_unlock(&lock);
}
