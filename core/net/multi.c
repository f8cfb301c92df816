/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/multi.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/grow.h"

/*
 * One open socket of libcurl's. Between two transfers it stays as it is, only not counted as work
 * of the loop: a connection that is reused then costs no system call. Should something arrive
 * meanwhile (the other side closes), the poll is stopped.
 *
 * It ends before the descriptor is closed: stopping or closing a uv_poll_t later would take events
 * from whoever has the number by then. libcurl says so of connections that stand; of those that
 * never stood it only says that they are not wanted any more.
 */
struct multi_socket {
    uv_poll_t poll;
    struct multi *multi;
    curl_socket_t fd;
    bool is_open;   /* `poll` is a handle of the loop */
    int events;     /* of the poll; 0: stopped */
    bool is_wanted; /* by libcurl */
};

struct multi {
    CURLM *curl;
    struct multi_options options;
    uv_timer_t timer;
    struct multi_socket **sockets; /* by descriptor */
    size_t socket_cap;
    size_t open_handles;
    bool is_closing;
    void (*done)(void *user);
    void *done_user;
};

static void maybe_finish_close(struct multi *multi)
{
    if (!multi->is_closing || multi->open_handles > 0) {
        return;
    }

    void (*done)(void *user) = multi->done;
    void *user = multi->done_user;
    free(multi->sockets);
    free(multi);
    done(user);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct multi_socket *socket = handle->data;
    struct multi *multi = socket->multi;
    free(socket);
    multi->open_handles--;
    maybe_finish_close(multi);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct multi *multi = handle->data;
    multi->open_handles--;
    maybe_finish_close(multi);
}

/* Reports from outside of libcurl, so that whoever hears of it may add and remove transfers. */
static void report_done(struct multi *multi)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi->curl, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            multi->options.on_done(multi->options.user, message->easy_handle, message->data.result);
        }
    }
}

static void act(struct multi *multi, curl_socket_t fd, int events)
{
    int running;
    CURLMcode code = curl_multi_socket_action(multi->curl, fd, events, &running);
    CHECK_NAMED(code != CURLM_BAD_HANDLE && code != CURLM_RECURSIVE_API_CALL,
                curl_multi_strerror(code));
    report_done(multi);
}

static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
    struct multi_socket *socket = poll->data;
    if (!socket->is_wanted) {
        socket->events = 0;
        (void)uv_poll_stop(poll); /* documented to succeed */
        return;
    }

    int action = status < 0 ? CURL_CSELECT_ERR : 0;
    action |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    action |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    act(socket->multi, socket->fd, action);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wanted(CURLM *curl, long timeout_ms, void *user)
{
    (void)curl;
    struct multi *multi = user;
    if (timeout_ms < 0 || multi->is_closing) {
        return uv_timer_stop(&multi->timer);
    }
    return uv_timer_start(&multi->timer, on_timer, (uint64_t)timeout_ms, 0);
}

/* The memory for `fd`, made if it is not there. NULL when out of memory. */
static struct multi_socket *socket_get(struct multi *multi, curl_socket_t fd)
{
    size_t i = (size_t)fd;
    if (i >= multi->socket_cap) {
        size_t old = multi->socket_cap;
        struct multi_socket **sockets =
            array_reserve(multi->sockets, &multi->socket_cap, i + 1, sizeof(void *));
        if (sockets == NULL) {
            return NULL;
        }
        memset(sockets + old, 0, (multi->socket_cap - old) * sizeof(void *));
        multi->sockets = sockets;
    }
    if (multi->sockets[i] == NULL) {
        struct multi_socket *socket = calloc(1, sizeof *socket);
        if (socket == NULL) {
            return NULL;
        }
        socket->multi = multi;
        socket->fd = fd;
        multi->sockets[i] = socket;
    }
    return multi->sockets[i];
}

static bool socket_open(struct multi_socket *socket)
{
    if (socket->is_open) {
        return true;
    }
    if (uv_poll_init(socket->multi->options.loop, &socket->poll, socket->fd) != 0) {
        return false;
    }

    socket->poll.data = socket;
    socket->is_open = true;
    socket->multi->open_handles++;
    return true;
}

static void socket_end(struct multi *multi, curl_socket_t fd)
{
    struct multi_socket *socket = (size_t)fd < multi->socket_cap ? multi->sockets[fd] : NULL;
    if (socket == NULL) {
        return;
    }

    multi->sockets[fd] = NULL;
    if (socket->is_open) {
        uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
    } else {
        free(socket);
    }
}

static int on_close_socket(void *user, curl_socket_t fd)
{
    socket_end(user, fd);
    return close(fd);
}

static void socket_rest(struct multi *multi, CURL *easy, curl_socket_t fd)
{
    long response_code = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response_code); /* a known option */
    struct multi_socket *socket = (size_t)fd < multi->socket_cap ? multi->sockets[fd] : NULL;
    if (response_code == 0) {
        socket_end(multi, fd);
    } else if (socket != NULL && socket->is_open) {
        socket->is_wanted = false;
        uv_unref((uv_handle_t *)&socket->poll);
    }
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *user, void *unused)
{
    (void)unused;
    struct multi *multi = user;
    if (what == CURL_POLL_REMOVE || multi->is_closing) {
        socket_rest(multi, easy, fd);
        return 0;
    }

    /* A failure returned from here would end all transfers, for ever. The memory is there, from
     * multi_expect_socket(); should it not be, the call's time-out ends this one. */
    struct multi_socket *socket = socket_get(multi, fd);
    if (socket == NULL || !socket_open(socket)) {
        return 0;
    }

    int events = what == CURL_POLL_IN    ? UV_READABLE
                 : what == CURL_POLL_OUT ? UV_WRITABLE
                                         : UV_READABLE | UV_WRITABLE;
    socket->is_wanted = true;
    uv_ref((uv_handle_t *)&socket->poll);
    if (socket->events == events) {
        return 0;
    }
    socket->events = uv_poll_start(&socket->poll, events, on_socket_ready) == 0 ? events : 0;
    return 0;
}

int multi_open(const struct multi_options *options, struct multi **out_multi, struct error *err)
{
    struct multi *multi = calloc(1, sizeof *multi);
    CURLM *curl = curl_multi_init();
    if (multi == NULL || curl == NULL) {
        free(multi);
        (void)curl_multi_cleanup(curl); /* of nothing: it cannot fail */
        return error_nomem(err);
    }

    multi->curl = curl;
    multi->options = *options;
    CHECK(uv_timer_init(options->loop, &multi->timer) == 0);
    multi->timer.data = multi;
    multi->open_handles = 1;
    CHECK(curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted) == CURLM_OK);
    CHECK(curl_multi_setopt(curl, CURLMOPT_SOCKETDATA, multi) == CURLM_OK);
    CHECK(curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, on_timer_wanted) == CURLM_OK);
    CHECK(curl_multi_setopt(curl, CURLMOPT_TIMERDATA, multi) == CURLM_OK);
    CHECK(curl_multi_setopt(curl, CURLMOPT_MAXCONNECTS, (long)options->max_connections) ==
          CURLM_OK);
    *out_multi = multi;
    return 0;
}

void multi_close(struct multi *multi, void (*done)(void *user), void *user)
{
    multi->is_closing = true;
    multi->done = done;
    multi->done_user = user;
    CHECK(curl_multi_cleanup(multi->curl) == CURLM_OK);
    for (size_t i = 0; i < multi->socket_cap; i++) {
        socket_end(multi, (curl_socket_t)i); /* expected ones that never came to be used */
    }
    uv_close((uv_handle_t *)&multi->timer, on_timer_closed);
}

int multi_expect_socket(struct multi *multi, curl_socket_t fd)
{
    return socket_get(multi, fd) != NULL ? 0 : E_NOMEM;
}

int multi_add(struct multi *multi, CURL *easy)
{
    CHECK(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket) == CURLE_OK);
    CHECK(curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi) == CURLE_OK);
    return curl_multi_add_handle(multi->curl, easy) == CURLM_OK ? 0 : E_NOMEM;
}

void multi_remove(struct multi *multi, CURL *easy)
{
    (void)curl_multi_remove_handle(multi->curl, easy); /* it was added: it cannot fail */
}
