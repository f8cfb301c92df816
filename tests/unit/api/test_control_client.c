/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/api/control_client.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/api/scripted_peer.h"
#include "tests/unit/api/socket_folder.h"

#define OK     "HTTP/1.1 200 OK\r\nOpStream-Api: 1\r\n"
#define STREAM OK "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct socket_folder place;
static struct scripted_peer peer;
static struct error err;
static struct strbuf seen;

static int open_place(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    socket_folder_make(&place);
    memset(&peer, 0, sizeof peer);
    memset(&err, 0, sizeof err);
    return 0;
}

static int close_place(void **state)
{
    (void)state;
    strbuf_finish(&seen);
    socket_folder_remove(&place);
    return 0;
}

static int call(const char *target, struct control_result *result)
{
    const struct control_request request = {.target = str_from(target), .timeout_ms = 240000};
    return control_call(place.path, &request, result, &err);
}

/* Asks a peer that answers so. */
static int call_scripted(const char *answer, struct control_result *result)
{
    peer.answers[0] = answer;
    scripted_peer_begin(&peer, place.path);
    int status = call("/x", result);
    scripted_peer_end(&peer);
    return status;
}

static void assert_error_has(const char *words)
{
    if (strstr(err.message, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, err.message);
    }
}

/* ---- */

static void test_control_client__call_brings_status_and_document(void **state)
{
    (void)state;
    struct control_result result;
    assert_int_equal(call_scripted(OK "Content-Length: 7\r\n\r\n{\"a\":1}", &result), 0);
    assert_int_equal(result.status, 200);
    const struct value *root = document_root(result.document);
    assert_int_equal(value_int(value_get(root, STR("a"))), 1);
    control_result_finish(&result);
    assert_non_null(strstr(peer.requests[0], "GET /x HTTP/1.1\r\n"));
}

static void test_control_client__request_is_sent_as_given(void **state)
{
    (void)state;
    peer.answers[0] = OK "Content-Length: 4\r\n\r\ntext";
    scripted_peer_begin(&peer, place.path);
    const struct control_request request = {
        .method = STR("POST"),
        .target = STR("/api/v1/jobs?x=%20"),
        .body = STR("{}"),
        .idempotency_key = STR("key 1"),
    };
    struct control_result result;
    assert_int_equal(control_call(place.path, &request, &result, &err), 0);
    assert_null(result.document);
    assert_string_equal(result.text.p, "text");
    control_result_finish(&result);
    scripted_peer_end(&peer);
    assert_non_null(strstr(peer.requests[0], "POST /api/v1/jobs?x=%20 HTTP/1.1\r\n"));
    assert_non_null(strstr(peer.requests[0], "Content-Type: application/json\r\n"));
    assert_non_null(strstr(peer.requests[0], "Idempotency-Key: key 1\r\n"));
}

static void test_control_client__error_is_what_the_server_says(void **state)
{
    (void)state;
    struct control_result result;
    int status = call_scripted(
        "HTTP/1.1 409 Conflict\r\nOpStream-Api: 1\r\n\r\n"
        "{\"error\":{\"code\":\"conflict\",\"message\":\"it runs\",\"hint\":\"wait\"}}",
        &result);
    assert_int_equal(status, E_CONFLICT);
    assert_int_equal(result.status, 409);
    assert_non_null(result.document);
    assert_string_equal(err.message, "it runs: wait");
    control_result_finish(&result);

    status =
        call_scripted("HTTP/1.1 500 X\r\nOpStream-Api: 1\r\nContent-Length: 2\r\n\r\n[]", &result);
    assert_int_equal(status, E_IO);
    assert_error_has("answered with the status 500");
    control_result_finish(&result);
}

static void test_control_client__statuses_have_their_codes(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int code;
    } cases[] = {
        {"HTTP/1.1 404 X\r\nOpStream-Api: 1\r\nContent-Length: 0\r\n\r\n", E_NOT_FOUND},
        {"HTTP/1.1 429 X\r\nOpStream-Api: 1\r\nContent-Length: 0\r\n\r\n", E_LIMIT},
        {"HTTP/1.1 504 X\r\nOpStream-Api: 1\r\nContent-Length: 0\r\n\r\n", E_TIMEOUT},
        {"HTTP/1.1 422 X\r\nOpStream-Api: 1\r\nContent-Length: 0\r\n\r\n", E_INVALID},
        {"HTTP/1.1 503 X\r\nOpStream-Api: 1\r\nContent-Length: 0\r\n\r\n", E_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct control_result result;
        assert_int_equal(call_scripted(cases[i].answer, &result), cases[i].code);
        assert_null(result.document);
    }
}

static void test_control_client__other_versions_are_told(void **state)
{
    (void)state;
    struct control_result result;
    int status = call_scripted("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &result);
    assert_int_equal(status, E_VERSION);
    assert_error_has("is older than this one");
    status =
        call_scripted("HTTP/1.1 404 X\r\nOpStream-Api: 2\r\nContent-Length: 0\r\n\r\n", &result);
    assert_int_equal(status, E_VERSION);
    assert_error_has("is newer than this one");
}

static void test_control_client__nobody_listens(void **state)
{
    (void)state;
    struct control_result result = {.status = 7};
    assert_int_equal(call("/x", &result), E_NOT_FOUND);
    assert_int_equal(result.status, 0);
    assert_error_has("nobody listens at '/tmp/opstream-socket-");

    peer.answers[0] = "";
    scripted_peer_begin(&peer, place.path);
    assert_int_equal(call("/x", &result), E_IO);
    assert_error_has("ended without an answer");
    assert_int_equal(call("/x", &result), E_NOT_FOUND); /* a socket is there, and no owner */
    scripted_peer_end(&peer);
}

/* Whoever looks can look again; what was to change something may have done so. */
static void test_control_client__a_lost_answer_of_a_change_may_be_accepted(void **state)
{
    (void)state;
    struct control_result result;
    const struct control_request change = {.method = STR("POST"), .target = STR("/x")};
    assert_int_equal(call_scripted("", &result), E_IO);
    assert_null(strstr(err.message, "may have been accepted"));
    peer.answers[0] = "";
    scripted_peer_begin(&peer, place.path);
    assert_int_equal(control_call(place.path, &change, &result, &err), E_IO);
    assert_error_has("it may have been accepted all the same: 'opstream list'");
    scripted_peer_end(&peer);
    assert_int_equal(control_call(place.path, &change, &result, &err), E_NOT_FOUND);
    assert_null(strstr(err.message, "may have been accepted"));
}

/* What a child gets that has become somebody else; the module is loaded already. */
static void call_as_other_user(void)
{
    struct control_result result;
    bool is_other = setuid(65534) == 0;
    bool is_told = is_other && call("/x", &result) == E_INVALID &&
                   strstr(err.message, "is another user's") != NULL;
    _exit(is_told ? 0 : 1);
}

static void test_control_client__other_users_socket_is_told(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip(); /* only root can become somebody else */
    }
    struct control_result result;
    assert_int_equal(call("/x", &result), E_NOT_FOUND);
    peer.answers[0] = NULL;
    scripted_peer_begin(&peer, place.path);
    pid_t child = fork();
    if (child == 0) {
        call_as_other_user();
    }
    int exit_status = -1;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_int_equal(exit_status, 0);
    scripted_peer_end(&peer);
}

static void test_control_client__bad_paths_are_refused(void **state)
{
    (void)state;
    static const char *const paths[] = {"relative/control.sock", "", "/folder/"};
    const struct control_request request = {.target = STR("/x")};
    struct control_result result;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(control_call(paths[i], &request, &result, &err), E_INVALID);
    }
}

/* ---- */

static void on_event(void *user, const struct event *event)
{
    (void)user;
    strbuf_append_format(&seen, "%.*s=%.*s;", STR_ARG(event->id), STR_ARG(event->data));
}

static int follow(struct str last_event_id)
{
    const struct control_feed_options options = {
        .target = STR("/stream"),
        .last_event_id = last_event_id,
        .on_event = on_event,
    };
    strbuf_clear(&seen);
    int status = control_follow(place.path, &options, NULL, &err);
    scripted_peer_end(&peer);
    return status;
}

static void test_control_client__events_are_followed_to_the_end(void **state)
{
    (void)state;
    peer.answers[0] = STREAM "15\r\nid: 1\ndata: a\n\nid: 2\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n";
    scripted_peer_begin(&peer, place.path);
    assert_int_equal(follow(STR("")), 0);
    assert_string_equal(seen.p, "1=a;2=b;");
    assert_non_null(strstr(peer.requests[0], "Accept: text/event-stream\r\n"));
    assert_null(strstr(peer.requests[0], "Last-Event-ID"));
}

static void test_control_client__broken_stream_is_resumed(void **state)
{
    (void)state;
    peer.answers[0] = STREAM "15\r\nid: 1\ndata: a\n\nid: 2\n\r\n";
    peer.answers[1] = STREAM "f\r\nid: 2\ndata: b\n\n\r\n5\r\ndata:\r\n";
    peer.answers[2] = "";
    peer.answers[3] = STREAM "f\r\nid: 3\ndata: c\n\n\r\n0\r\n\r\n";
    scripted_peer_begin(&peer, place.path);
    assert_int_equal(follow(STR("0")), 0);
    assert_string_equal(seen.p, "1=a;2=b;3=c;");
    assert_non_null(strstr(peer.requests[0], "Last-Event-ID: 0\r\n"));
    assert_non_null(strstr(peer.requests[2], "Last-Event-ID: 2\r\n"));
    assert_non_null(strstr(peer.requests[3], "Last-Event-ID: 2\r\n"));
}

static void test_control_client__stream_ends_when_nobody_listens_any_more(void **state)
{
    (void)state;
    peer.answers[0] = STREAM "f\r\nid: 2\ndata: b\n\n\r\n";
    scripted_peer_begin(&peer, place.path);
    assert_int_equal(follow(STR("")), E_NOT_FOUND);
    assert_string_equal(seen.p, "2=b;");
}

static void test_control_client__refused_stream_says_why(void **state)
{
    (void)state;
    peer.answers[0] = "HTTP/1.1 404 X\r\nOpStream-Api: 1\r\n\r\n"
                      "{\"error\":{\"code\":\"x\",\"message\":\"no such\"}}";
    scripted_peer_begin(&peer, place.path);
    assert_int_equal(follow(STR("")), E_NOT_FOUND);
    assert_string_equal(err.message, "no such");
    assert_int_equal(seen.n, 0);
}

/* As if it had ended already: who follows waits for the next one. */
static void test_control_client__stream_of_an_ending_engine_has_nobody(void **state)
{
    (void)state;
    peer.answers[0] = "HTTP/1.1 503 X\r\nOpStream-Api: 1\r\n\r\n"
                      "{\"error\":{\"code\":\"stopped\",\"message\":\"ending\"}}";
    scripted_peer_begin(&peer, place.path);
    assert_int_equal(follow(STR("")), E_NOT_FOUND);
    peer.answers[0] = "HTTP/1.1 503 X\r\nOpStream-Api: 1\r\n\r\n"
                      "{\"error\":{\"code\":\"busy\",\"message\":\"too many\"}}";
    scripted_peer_begin(&peer, place.path);
    assert_int_equal(follow(STR("")), E_IO);
}

static struct control_feed *running;

static void on_begin(void *user, struct control_feed *feed)
{
    (void)user;
    running = feed;
}

static void on_event_stop(void *user, const struct event *event)
{
    on_event(user, event);
    control_feed_stop(running);
    control_feed_stop(running);
}

static void test_control_client__feed_is_stopped_from_an_event(void **state)
{
    (void)state;
    peer.answers[0] = STREAM "15\r\nid: 1\ndata: a\n\nid: 2\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n";
    scripted_peer_begin(&peer, place.path);
    const struct control_feed_options options = {.target = STR("/s"), .on_event = on_event_stop};
    strbuf_clear(&seen);
    assert_int_equal(control_follow(place.path, &options, on_begin, &err), 0);
    assert_string_equal(seen.p, "1=a;");
    scripted_peer_end(&peer);
}

/* ---- with the real server, all on one loop */

static uv_loop_t loop;
static struct toy_api toy;
static struct api_server *server;
static struct control_client *client;
static size_t answers;
static size_t ends;
static int last_code;

static int open_loop(void **state)
{
    (void)open_place(state);
    memset(&toy, 0, sizeof toy);
    answers = 0;
    ends = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    server = socket_folder_serve(&loop, &toy, place.path);
    assert_int_equal(control_client_create(&loop, place.path, &client, &err), 0);
    return 0;
}

static void on_closed(void *user)
{
    (*(size_t *)user)++;
}

static void close_client(void)
{
    size_t closed = 0;
    control_client_close(client, on_closed, &closed);
    assert_int_equal(closed, 0);
    toy_run_until(&loop, &closed, 1);
    client = NULL;
}

static int close_loop(void **state)
{
    if (client != NULL) {
        close_client();
    }
    socket_folder_close(&loop, server);
    assert_int_equal(uv_loop_close(&loop), 0);
    return close_place(state);
}

static void on_answer(void *user, const struct control_answer *answer)
{
    (void)user;
    answers++;
    last_code = answer->error != NULL ? answer->error->code : 0;
    strbuf_append_str(&seen, answer->body);
}

static void on_end(void *user, const struct error *error)
{
    (void)user;
    ends++;
    last_code = error != NULL ? error->code : 0;
}

static void test_control_client__many_requests_at_once_are_answered(void **state)
{
    (void)state;
    const struct control_request request = {.target = STR("/hello")};
    for (int i = 0; i < 300; i++) {
        assert_int_equal(control_client_send(client, &request, on_answer, NULL, &err), 0);
    }
    toy_run_until(&loop, &answers, 300);
    assert_int_equal(seen.n, 300 * 5);
    assert_int_equal(last_code, 0);
    assert_int_equal(toy.requests, 300);
}

static void test_control_client__feed_runs_beside_requests(void **state)
{
    (void)state;
    const struct control_feed_options options = {
        .target = STR("/stream"), .on_event = on_event, .on_end = on_end};
    assert_int_equal(control_client_follow(client, &options, NULL, &err), 0);
    toy_run_until(&loop, &toy.held_count, 1);
    api_stream_write(toy.held[0], STR(": hello\n\nid: 1\ndata: x\n\n"));
    const struct control_request request = {.target = STR("/hello")};
    assert_int_equal(control_client_send(client, &request, on_answer, NULL, &err), 0);
    toy_run_until(&loop, &answers, 1);
    assert_int_equal(ends, 0);
    api_stream_end(toy_take(&toy));
    toy_run_until(&loop, &ends, 1);
    assert_int_equal(last_code, 0);
    assert_non_null(strstr(seen.p, "1=x;"));
}

static void test_control_client__close_ends_all(void **state)
{
    (void)state;
    const struct control_feed_options options = {
        .target = STR("/stream"), .on_event = on_event, .on_end = on_end};
    const struct control_request request = {.target = STR("/later"), .timeout_ms = UINT64_MAX};
    assert_int_equal(control_client_follow(client, &options, NULL, &err), 0);
    assert_int_equal(control_client_send(client, &request, on_answer, NULL, &err), 0);
    toy_run_until(&loop, &toy.held_count, 2);
    close_client();
    assert_int_equal(answers, 1);
    assert_int_equal(ends, 1);
    assert_int_equal(last_code, E_CANCELED);
    toy_run_until(&loop, &toy.gone, 2);
}

static void test_control_client__close_from_an_answer_is_fine(void **state)
{
    (void)state;
    struct control_result result;
    assert_int_equal(control_call("/nowhere/at/all/control.sock",
                                  &(struct control_request){.target = STR("/x")}, &result, &err),
                     E_NOT_FOUND);
    close_client();
    assert_int_equal(answers, 0);
}

static void test_control_client__create_survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct control_client *made = NULL;
        failing_alloc_arm(n);
        int status = control_client_create(&loop, place.path, &made, NULL);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            size_t closed = 0;
            control_client_close(made, on_closed, &closed);
            toy_run_until(&loop, &closed, 1);
            return;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(made);
    }
}

static void test_control_client__send_survives_failing_allocations(void **state)
{
    (void)state;
    const struct control_request request = {.target = STR("/hello"), .idempotency_key = STR("k")};
    const struct control_feed_options options = {
        .target = STR("/empty"), .on_event = on_event, .on_end = on_end};
    assert_int_equal(control_client_send(client, &request, on_answer, NULL, &err), 0);
    toy_run_until(&loop, &answers, 1); /* the modules are there then */
    for (long n = 0; n < 4; n++) {
        failing_alloc_arm(n);
        int status = control_client_send(client, &request, on_answer, NULL, NULL);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        failing_alloc_arm(n);
        status = control_client_follow(client, &options, NULL, NULL);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
    }
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)
#define WITH_LOOP(test)  cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACE(test_control_client__call_brings_status_and_document),
        WITH_PLACE(test_control_client__request_is_sent_as_given),
        WITH_PLACE(test_control_client__error_is_what_the_server_says),
        WITH_PLACE(test_control_client__statuses_have_their_codes),
        WITH_PLACE(test_control_client__other_versions_are_told),
        WITH_PLACE(test_control_client__nobody_listens),
        WITH_PLACE(test_control_client__a_lost_answer_of_a_change_may_be_accepted),
        WITH_PLACE(test_control_client__other_users_socket_is_told),
        WITH_PLACE(test_control_client__bad_paths_are_refused),
        WITH_PLACE(test_control_client__events_are_followed_to_the_end),
        WITH_PLACE(test_control_client__broken_stream_is_resumed),
        WITH_PLACE(test_control_client__stream_ends_when_nobody_listens_any_more),
        WITH_PLACE(test_control_client__refused_stream_says_why),
        WITH_PLACE(test_control_client__stream_of_an_ending_engine_has_nobody),
        WITH_PLACE(test_control_client__feed_is_stopped_from_an_event),
        WITH_LOOP(test_control_client__many_requests_at_once_are_answered),
        WITH_LOOP(test_control_client__feed_runs_beside_requests),
        WITH_LOOP(test_control_client__close_ends_all),
        WITH_LOOP(test_control_client__close_from_an_answer_is_fine),
        WITH_LOOP(test_control_client__create_survives_failing_allocations),
        WITH_LOOP(test_control_client__send_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
