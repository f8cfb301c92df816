/* SPDX-License-Identifier: Apache-2.0 */
/* The gate before a real engine, with a disk, tasks and a network that the tests turn by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/run.h"
#include "core/engine/waits.h"
#include "core/host/http.h"
#include "core/host/mail.h"
#include "core/loop/commit.h"
#include "core/loop/health_checks.h"
#include "core/loop/http_gate.h"
#include "core/loop/loop_state.h"
#include "core/loop/mail_bridge.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_tasks.h"
#include "core/model/pipeline.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"

enum { CALLS_MOST = 16, WRITES_MOST = 16 };

#define A "https://a.example/x"
#define B "https://b.example/x"

static struct toy_world world;
static struct loop loop;
static struct host_http gate;

/* ---- the clock ---- */

int64_t __wrap_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void)
{
    return world.now;
}

/* ---- tasks ---- */

struct loop_task {
    const struct toy_run *run;
    int pauses;
    char line[256]; /* the last one of its log */
};

struct loop_task *run_tasks_of(uint64_t token)
{
    return (struct loop_task *)(uintptr_t)token;
}

struct run_place run_tasks_place(const struct loop_task *task)
{
    const struct run *run = task->run->run;
    return (struct run_place){.run = run, .node = pipeline_fixture_node(run_pipeline(run), "a")};
}

void run_tasks_log(const struct loop_task *task, int level, struct str line)
{
    struct loop_task *own = (struct loop_task *)task;
    (void)level;
    (void)snprintf(own->line, sizeof(own->line), "%.*s", STR_ARG(line));
}

void run_tasks_begin_pause(struct loop_task *task)
{
    task->pauses++;
}

void run_tasks_end_pause(struct loop_task *task)
{
    assert_true(task->pauses > 0);
    task->pauses--;
}

/* ---- checks: the token of one is odd ---- */

static const struct toy_run *checked; /* the run that wants to know; NULL: none does */
static int skipped;

bool health_checks_own(uint64_t token)
{
    return (token & 1) != 0;
}

bool health_checks_place(uint64_t token, struct run_place *out_place)
{
    (void)token;
    if (checked == NULL) {
        return false;
    }
    *out_place = run_tasks_place(&(struct loop_task){.run = checked});
    return true;
}

void health_checks_skip(uint64_t token)
{
    (void)token;
    skipped++;
}

/* ---- the network ---- */

struct sent {
    host_http_done_cb done;
    host_mail_done_cb mail_done;
    void *user;
    void (*on_chunk)(void *user, struct str bytes);
    char url[128];
};

static struct sent sent[CALLS_MOST];
static size_t sent_count;
static int refuses; /* what send() fails with */

static int net_take(void *self, const struct host_http_request *request, host_http_done_cb done,
                    void *user, void **out_call, struct error *err)
{
    struct sent *call = &sent[sent_count];
    (void)self;
    if (refuses != 0) {
        return error_set(err, refuses, "no such way");
    }
    assert_true(sent_count < CALLS_MOST);
    *call = (struct sent){.done = done, .user = user, .on_chunk = request->on_chunk};
    (void)snprintf(call->url, sizeof(call->url), "%.*s", STR_ARG(request->url));
    sent_count++;
    *out_call = call;
    return 0;
}

static void net_give_up(void *self, void *call)
{
    const struct sent *given_up = call;
    const struct host_http_failure failure = {.code = "CANCELLED", .symbol = "http.cancelled"};
    (void)self;
    given_up->done(given_up->user, NULL, &failure);
}

void http_bridge_init(struct host_http *http, struct http_bridge *bridge)
{
    *http = (struct host_http){.self = bridge, .send = net_take, .abort = net_give_up};
}

static int mail_take(void *self, const struct host_mail_request *request, host_mail_done_cb done,
                     void *user, void **out_call, struct error *err)
{
    struct sent *call = &sent[sent_count++];
    (void)self;
    (void)err;
    assert_true(sent_count <= CALLS_MOST);
    *call = (struct sent){.mail_done = done, .user = user};
    (void)snprintf(call->url, sizeof(call->url), "%.*s", STR_ARG(request->url));
    *out_call = call;
    return 0;
}

static void mail_give_up(void *self, void *call)
{
    const struct sent *given_up = call;
    const struct host_mail_failure failure = {.code = "CANCELLED", .symbol = "mail.cancelled"};
    (void)self;
    given_up->mail_done(given_up->user, NULL, &failure);
}

void mail_bridge_init(struct host_mail *mail, struct http_bridge *bridge)
{
    *mail = (struct host_mail){.self = bridge, .send = mail_take, .abort = mail_give_up};
}

/* Call number `i` of those that went out is answered. */
static void answer(size_t i, int32_t status)
{
    const struct host_http_response response = {.status = status};
    assert_true(i < sent_count);
    sent[i].done(sent[i].user, &response, NULL);
}

/* ---- the disk ---- */

static struct commit *writes[WRITES_MOST];
static size_t write_count;

void run_driver_fail(struct loop *failed, const struct error *err)
{
    (void)failed;
    fail_msg("%s", err->message);
}

void run_driver_submit(struct commit *commit)
{
    http_gate_let_go(&loop, commit);
    if (commit_is_empty(commit)) {
        commit_destroy(commit);
        return;
    }
    assert_true(write_count < WRITES_MOST);
    commit->is_counted = commit->batch.scope_count > 0;
    loop.scope_writes += commit->is_counted ? 1 : 0;
    writes[write_count++] = commit;
}

/* All that was written so far is durable, or will never be. */
static void disk_says(int status)
{
    size_t count = write_count;
    struct commit *due[WRITES_MOST];
    memcpy(due, writes, sizeof(due));
    write_count = 0;
    for (size_t i = 0; i < count; i++) {
        toy_world_take(&world, &due[i]->batch);
        commit_tell(due[i], status);
        commit_destroy(due[i]);
    }
}

/* Time passes, and who has a turn goes. */
static void pass(int64_t ms)
{
    toy_world_pass(&world, ms);
    run_driver_submit(commit_create(&loop));
    disk_says(0);
}

/* ---- callers ---- */

/* One call of a task, as the host sees it. */
struct caller {
    struct loop_task task;
    void *call;
    int status; /* of send() */
    struct error err;
    int dones;
    int32_t answered; /* the status of the answer */
    char failed[32];
    char symbol[32];
    size_t chunk_bytes;
    bool is_in_send;
};

static void on_done(void *user, const struct host_http_response *response,
                    const struct host_http_failure *failure)
{
    struct caller *caller = user;
    assert_false(caller->is_in_send);
    caller->dones++;
    caller->answered = response != NULL ? response->status : 0;
    if (failure != NULL) {
        (void)snprintf(caller->failed, sizeof(caller->failed), "%s", failure->code);
        (void)snprintf(caller->symbol, sizeof(caller->symbol), "%s", failure->symbol);
    }
}

static void on_chunk(void *user, struct str bytes)
{
    ((struct caller *)user)->chunk_bytes += bytes.n;
}

static const struct toy_run *start(const char *rate)
{
    char yaml[512];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\nnodes:\n  - {id: a, type: web.task, config: {url: '" A "'}%s}\n", rate);
    return toy_world_run(&world, yaml, NULL);
}

static void make_call(const struct toy_run *run, const char *url, struct caller *out)
{
    *out = (struct caller){.task = {.run = run}, .is_in_send = true};
    const struct host_http_request request = {.method = STR("GET"),
                                              .url = str_from(url),
                                              .on_chunk = on_chunk,
                                              .token = (uint64_t)(uintptr_t)&out->task};
    out->status = gate.send(gate.self, &request, on_done, out, &out->call, &out->err);
    out->is_in_send = false;
}

static void make_check(const struct toy_run *run, struct caller *out)
{
    *out = (struct caller){.is_in_send = true};
    const struct host_http_request request = {.method = STR("HEAD"), .url = STR(A), .token = 1};
    checked = run;
    out->status = gate.send(gate.self, &request, on_done, out, &out->call, &out->err);
    out->is_in_send = false;
}

#define assert_failed(caller, code, name)                                                          \
    do {                                                                                           \
        assert_int_equal((caller)->dones, 1);                                                      \
        assert_string_equal((caller)->failed, code);                                               \
        assert_string_equal((caller)->symbol, name);                                               \
        assert_int_equal((caller)->task.pauses, 0);                                                \
    } while (0)

static int set_up(void **state)
{
    (void)state;
    toy_world_init(&world, NULL);
    loop = (struct loop){.engine = world.engine};
    sent_count = 0;
    refuses = 0;
    checked = NULL;
    skipped = 0;
    http_gate_init(&loop);
    gate = loop.http;
    return 0;
}

/* Nobody holds or awaits a permit any more. */
static int tear_down(void **state)
{
    const void *cursor = NULL;
    struct engine_limit limit;
    (void)state;
    disk_says(0);
    while (engine_next_limit(world.engine, &cursor, &limit)) {
        if (str_starts_with(limit.scope, STR("calls"))) {
            assert_int_equal(limit.in_use + limit.waiting, 0);
        }
    }
    commit_free_spares(&loop);
    toy_world_finish(&world);
    return 0;
}

/* ---- out ---- */

static void test_http_gate__a_call_without_a_limit_goes_out_at_once(void **state)
{
    (void)state;
    struct caller caller;
    make_call(start(""), A, &caller);
    assert_int_equal(caller.status, 0);
    assert_int_equal(sent_count, 1);
    assert_string_equal(sent[0].url, A);
    assert_int_equal(write_count, 0);
    sent[0].on_chunk(sent[0].user, STR("abc"));
    answer(0, 204);
    assert_int_equal(caller.chunk_bytes, 3);
    assert_int_equal(caller.dones, 1);
    assert_int_equal(caller.answered, 204);
}

static void test_http_gate__what_was_counted_is_durable_first(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 600/minute, burst: 5}");
    struct caller callers[3];
    make_call(run, A, &callers[0]);
    assert_int_equal(sent_count, 0);
    make_call(run, A, &callers[1]); /* the same second: the write on its way says that it went */
    assert_int_equal(sent_count, 0);
    disk_says(0);
    assert_int_equal(sent_count, 2);
    make_call(run, A, &callers[2]);
    assert_int_equal(sent_count, 3);
    for (size_t i = 0; i < 3; i++) {
        answer(i, 200);
        assert_int_equal(callers[i].dones, 1);
    }
}

static void test_http_gate__a_wait_for_the_disk_is_no_time_of_the_node(void **state)
{
    (void)state;
    struct caller caller;
    make_call(start(", rate_limit: 600/minute"), A, &caller);
    assert_int_equal(sent_count, 0);
    assert_int_equal(caller.task.pauses, 1);
    assert_string_equal(caller.task.line, "");
    disk_says(0);
    assert_int_equal(caller.task.pauses, 0);
    answer(0, 200);
}

static void test_http_gate__who_is_over_the_limit_waits_for_its_turn(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 30/minute, burst: 1}");
    struct caller callers[3];
    for (size_t i = 0; i < 3; i++) {
        make_call(run, A, &callers[i]);
        disk_says(0);
    }
    assert_int_equal(sent_count, 1);
    assert_int_equal(callers[0].task.pauses, 0);
    assert_int_equal(callers[2].task.pauses, 1);
    assert_string_equal(callers[1].task.line,
                        "a call waits for the rate limit of 'web https://a.example:443 30/minute "
                        "burst 1': the next may go at 2023-11-14T22:13:22.000Z");
    pass(1999);
    assert_int_equal(sent_count, 1);
    pass(1);
    assert_int_equal(sent_count, 2);
    assert_int_equal(callers[1].task.pauses, 0);
    assert_int_equal(callers[2].task.pauses, 1);
    pass(2000);
    for (size_t i = 0; i < 3; i++) {
        answer(i, 200);
        assert_int_equal(callers[i].dones, 1);
    }
}

static void test_http_gate__a_short_wait_is_no_line_in_the_log(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 2/second, burst: 1}");
    struct caller callers[2];
    make_call(run, A, &callers[0]);
    make_call(run, A, &callers[1]);
    disk_says(0);
    assert_int_equal(callers[1].task.pauses, 1);
    assert_string_equal(callers[1].task.line, "");
    pass(500);
    answer(0, 200);
    answer(1, 200);
}

static void test_http_gate__who_waits_for_a_permit_goes_when_one_comes_back(void **state)
{
    (void)state;
    const struct toy_run *run =
        toy_world_run(&world,
                      "id: p\nintegrations: {web: {max_concurrency: 1}}\nnodes:\n"
                      "  - {id: a, type: web.task, config: {url: '" A "'}}\n",
                      NULL);
    struct caller callers[2];
    make_call(run, A, &callers[0]);
    make_call(run, A, &callers[1]);
    assert_int_equal(sent_count, 1);
    assert_int_equal(callers[1].task.pauses, 1);
    assert_string_equal(callers[1].task.line, "");
    answer(0, 500);
    assert_int_equal(sent_count, 2);
    assert_int_equal(callers[1].task.pauses, 0);
    answer(1, 200);
}

static void on_mail(void *user, const struct host_mail_result *result,
                    const struct host_mail_failure *failure)
{
    struct str *end = user;
    *end = failure != NULL ? str_from(failure->symbol) : result->reply;
}

static void test_http_gate__mail_keeps_the_limits_of_its_server(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 30/minute, burst: 1}");
    const struct host_mail_result result = {.reply = STR("queued")};
    struct loop_task task = {.run = run};
    struct host_mail_request mail = {.url = STR("smtps://mail.example:465"),
                                     .token = (uint64_t)(uintptr_t)&task};
    struct str ends[3] = {{0}};
    void *calls[3];
    struct caller caller;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(loop.mail.send(loop.mail.self, &mail, on_mail, &ends[i], &calls[i], NULL),
                         0);
        disk_says(0);
    }
    make_call(run, A, &caller); /* another service */
    disk_says(0);
    assert_int_equal(sent_count, 2);
    assert_string_equal(sent[0].url, "smtps://mail.example:465");
    loop.mail.abort(loop.mail.self, calls[2]);
    assert_true(str_equal_text(ends[2], "mail.cancelled"));
    pass(2000);
    assert_int_equal(sent_count, 3);
    loop.mail.abort(loop.mail.self, calls[1]);
    assert_true(str_equal_text(ends[1], "mail.cancelled"));
    sent[0].mail_done(sent[0].user, &result, NULL);
    assert_true(str_equal_text(ends[0], "queued"));
    answer(1, 200);
}

/* ---- what fails ---- */

static void test_http_gate__what_fails_at_once_is_said_by_send(void **state)
{
    (void)state;
    struct caller caller;
    refuses = E_INVALID;
    make_call(start(""), A, &caller);
    assert_int_equal(caller.status, E_INVALID);
    assert_string_equal(caller.err.message, "no such way");
    assert_int_equal(caller.dones, 0);
}

static void test_http_gate__what_fails_later_is_said_to_the_caller(void **state)
{
    (void)state;
    static const int codes[] = {E_INVALID, E_NOMEM};
    static const char *const names[] = {"INPUT", "RESOURCE"};
    for (size_t i = 0; i < 2; i++) {
        struct caller caller;
        make_call(start(", rate_limit: 600/minute"), i == 0 ? A : B, &caller);
        assert_int_equal(caller.status, 0);
        refuses = codes[i];
        disk_says(0);
        refuses = 0;
        assert_failed(&caller, names[i], "http.request");
    }
}

static void test_http_gate__what_cannot_be_saved_does_not_go_out(void **state)
{
    (void)state;
    struct caller caller;
    make_call(start(", rate_limit: 600/minute"), A, &caller);
    disk_says(E_IO);
    assert_int_equal(sent_count, 0);
    assert_failed(&caller, "RESOURCE", "http.limits");
}

/* ---- what is given up ---- */

static void test_http_gate__a_call_can_be_given_up_wherever_it_is(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 30/minute, burst: 2}");
    struct caller callers[3];
    for (size_t i = 0; i < 3; i++) {
        make_call(run, A, &callers[i]);
    }
    gate.abort(gate.self, callers[2].call); /* waits for its turn */
    assert_failed(&callers[2], "CANCELLED", "http.cancelled");
    gate.abort(gate.self, callers[1].call); /* for the disk */
    assert_failed(&callers[1], "CANCELLED", "http.cancelled");
    disk_says(0);
    assert_int_equal(sent_count, 1);
    gate.abort(gate.self, callers[0].call); /* for the answer */
    assert_failed(&callers[0], "CANCELLED", "http.cancelled");
}

static void test_http_gate__given_up_before_the_disk_fails_is_said_once(void **state)
{
    (void)state;
    struct caller caller;
    make_call(start(", rate_limit: 600/minute"), A, &caller);
    gate.abort(gate.self, caller.call);
    disk_says(E_IO);
    assert_failed(&caller, "CANCELLED", "http.cancelled");
}

/* ---- what an answer says of the limits ---- */

/* How long the next call waits, in ms, after an answer with these headers; it is over then. */
static int64_t wait_after(int32_t status, const char *name, const char *value, const char *reset)
{
    const struct host_http_header headers[] = {
        {.name = str_from(name), .value = str_from(value)},
        {.name = STR("X-RateLimit-Reset"), .value = str_from(reset != NULL ? reset : "")},
    };
    const struct host_http_response response = {
        .status = status, .headers = headers, .header_count = reset != NULL ? 2 : 1};
    const struct toy_run *run = start("");
    const int64_t began = world.now;
    struct caller first;
    struct caller second;
    sent_count = 0;
    make_call(run, A, &first);
    sent[0].done(sent[0].user, &response, NULL);
    assert_int_equal(first.answered, status);
    make_call(run, A, &second);
    disk_says(0);
    while (sent_count == 1 && world.now - began < 4 * 3600 * 1000) {
        pass(500);
    }
    assert_int_equal(sent_count, 2);
    answer(1, 200);
    disk_says(0);
    return world.now - began;
}

static void test_http_gate__a_service_that_wants_a_pause_gets_one(void **state)
{
    (void)state;
    assert_int_equal(wait_after(429, "Retry-After", " 3 ", NULL), 3000);
    assert_int_equal(wait_after(403, "retry-after", "3", NULL), 3000);
    assert_int_equal(wait_after(503, "retry-after", "3", NULL), 0); /* of the node's retry */
    assert_int_equal(wait_after(429, "retry-after", "soon", NULL), 0);
    assert_int_equal(wait_after(429, "retry-after", "-3", NULL), 0);
    assert_int_equal(wait_after(429, "retry-after", "999999", NULL), 3600000);
    assert_int_equal(wait_after(429, "x-retry-after", "3", NULL), 0);
}

static void test_http_gate__a_service_that_takes_no_more_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(wait_after(200, "X-RateLimit-Remaining", "0", "5"), 5000);
    assert_int_equal(wait_after(200, "X-RateLimit-Remaining", "0", "0"), 0);
    assert_int_equal(wait_after(200, "X-RateLimit-Remaining", "1", "5"), 0);
    assert_int_equal(wait_after(200, "RateLimit", "\"default\";r=0;t=7", NULL), 7000);
}

/* One resource of the service has nothing left for half a minute. */
static void answer_spent(size_t i, const char *resource)
{
    const struct host_http_header headers[] = {
        {.name = STR("X-RateLimit-Remaining"), .value = STR("0")},
        {.name = STR("X-RateLimit-Reset"), .value = STR("30")},
        {.name = STR("X-RateLimit-Resource"), .value = str_from(resource)},
    };
    const struct host_http_response response = {
        .status = 200, .headers = headers, .header_count = 3};
    assert_true(i < sent_count);
    sent[i].done(sent[i].user, &response, NULL);
    disk_says(0);
}

static void test_http_gate__a_spent_resource_holds_back_no_other(void **state)
{
    (void)state;
    const struct toy_run *run = start("");
    struct caller first;
    struct caller searches[3];
    make_call(run, A, &first);
    make_call(run, A "/search", &searches[0]);
    answer(0, 200);
    answer_spent(1, "search");
    make_call(run, A, &first);
    make_call(run, A "/search?q=2", &searches[1]);
    assert_int_equal(sent_count, 3);
    assert_non_null(strstr(searches[1].task.line, "'web https://a.example:443 /search'"));
    answer_spent(2, "core");
    make_call(run, A "/other", &first); /* as far as is known it is one of the core */
    assert_int_equal(sent_count, 3);
    pass(30000);
    assert_int_equal(sent_count, 5);
    answer_spent(3, strstr(sent[3].url, "search") != NULL ? "search" : "core");
    answer_spent(4, strstr(sent[4].url, "search") != NULL ? "search" : "core");
    pass(30000);
}

/* ---- checks ---- */

static void test_http_gate__a_check_keeps_the_limits_and_does_not_wait(void **state)
{
    (void)state;
    const struct toy_run *run = start(", rate_limit: {rate: 30/minute, burst: 1}");
    struct caller checks[3];
    struct caller caller;
    make_check(run, &checks[0]);
    assert_int_equal(checks[0].status, 0);
    assert_int_equal(sent_count, 0); /* until it is durable that it was counted */
    disk_says(0);
    assert_int_equal(sent_count, 1);
    make_check(run, &checks[1]);
    assert_int_equal(checks[1].status, E_LIMIT);
    assert_int_equal(skipped, 1);
    assert_int_equal(sent_count, 1);
    make_call(run, A, &caller); /* who was left out is not before it */
    disk_says(0);
    assert_int_equal(caller.task.pauses, 1);
    answer(0, 429);
    assert_int_equal(checks[0].dones, 1);
    assert_int_equal(checks[0].answered, 429);
    pass(2000);
    assert_int_equal(sent_count, 2);
    make_check(run, &checks[2]);
    assert_int_equal(checks[2].status, E_LIMIT);
    assert_int_equal(checks[1].dones + checks[2].dones, 0);
    answer(1, 200);
    disk_says(0);
}

static void test_http_gate__a_check_can_be_given_up(void **state)
{
    (void)state;
    struct caller check;
    make_check(start(", rate_limit: 600/minute"), &check); /* while it waits for the disk */
    gate.abort(gate.self, check.call);
    assert_failed(&check, "CANCELLED", "http.cancelled");
    assert_int_equal(skipped, 1);
    disk_says(0);
    assert_int_equal(sent_count, 0);
    make_check(start(""), &check); /* on its way */
    assert_int_equal(sent_count, 1);
    gate.abort(gate.self, check.call);
    assert_failed(&check, "CANCELLED", "http.cancelled");
    assert_int_equal(skipped, 1);
}

static void test_http_gate__nobody_checks_for_nobody(void **state)
{
    (void)state;
    struct caller check;
    make_check(NULL, &check);
    assert_int_equal(check.status, E_CANCELED);
    assert_string_equal(check.err.message, "no run wants to know any more");
    assert_int_equal(sent_count + (size_t)check.dones, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_http_gate__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_call_without_a_limit_goes_out_at_once),
        CASE(what_was_counted_is_durable_first),
        CASE(a_wait_for_the_disk_is_no_time_of_the_node),
        CASE(who_is_over_the_limit_waits_for_its_turn),
        CASE(a_short_wait_is_no_line_in_the_log),
        CASE(who_waits_for_a_permit_goes_when_one_comes_back),
        CASE(mail_keeps_the_limits_of_its_server),
        CASE(what_fails_at_once_is_said_by_send),
        CASE(what_fails_later_is_said_to_the_caller),
        CASE(what_cannot_be_saved_does_not_go_out),
        CASE(a_call_can_be_given_up_wherever_it_is),
        CASE(given_up_before_the_disk_fails_is_said_once),
        CASE(a_service_that_wants_a_pause_gets_one),
        CASE(a_service_that_takes_no_more_is_left_alone),
        CASE(a_spent_resource_holds_back_no_other),
        CASE(a_check_keeps_the_limits_and_does_not_wait),
        CASE(a_check_can_be_given_up),
        CASE(nobody_checks_for_nobody),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
