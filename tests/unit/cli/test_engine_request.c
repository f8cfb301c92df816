/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/engine_request.h"
#include "core/engine/record.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/cli/capture.h"
#include "tests/unit/journal/store_fixture.h"

#include <unistd.h>

const struct command *const command_table[] = {&cmd_list,    &cmd_status,   &cmd_logs,
                                               &cmd_history, &cmd_breakers, NULL};

#define FIRST  "019a0000-1111-7aaa-8aaa-aaaaaaaaaaaa"
#define SECOND "019a0000-2222-7aaa-8aaa-aaaaaaaaaaaa"

static void write_breaker(struct store_fixture *store, const char *key, const char *json)
{
    struct batch batch = BATCH_INIT;
    struct document *known = NULL;
    if (json_read(str_from(json), NULL, &known, NULL) != 0) { /* of another version, say */
        known = store_fixture_text(1, 'x');
    }
    batch_add_scope(
        &batch, &(struct scope_change){.kind = "breaker", .key = str_from(key), .state = known});
    store_fixture_write(store, &batch);
    batch_finish(&batch);
    document_unref(known);
}

/* Two runs: one that has ended, with a log line and an audit row, one that is pending. And
 * breakers. */
static void write_runs(struct store_fixture *store)
{
    struct batch batch = BATCH_INIT;
    struct journal_new_run run = store_fixture_run(1, FIRST);
    store_fixture_start(store, &run);
    store_fixture_record(
        store, &batch,
        &(struct record){
            .run_number = 1, .seq = 1, .type = RECORD_RUN_STARTED, .node = RECORD_NO_NODE},
        NULL);
    store_fixture_record(
        store, &batch,
        &(struct record){.run_number = 1, .seq = 2, .type = RECORD_NODE_STARTED, .attempt = 1},
        "get");
    store_fixture_record(store, &batch,
                         &(struct record){.run_number = 1,
                                          .seq = 3,
                                          .type = RECORD_NODE_ENDED,
                                          .attempt = 1,
                                          .node_state = NODE_COMPLETED},
                         "get");
    store_fixture_record(store, &batch,
                         &(struct record){.run_number = 1,
                                          .seq = 4,
                                          .type = RECORD_RUN_ENDED,
                                          .node = RECORD_NO_NODE,
                                          .run_state = RUN_COMPLETED},
                         NULL);
    store_fixture_write(store, &batch);
    batch_finish(&batch);
    struct journal_log line = {.run = 1,
                               .path = STR("get"),
                               .attempt = 1,
                               .at_unix_ms = 1000,
                               .level = 2,
                               .line = STR("a line")};
    struct journal_audit audit = {
        .at_unix_ms = 1000, .who = STR("uid 7 (ann)"), .action = STR("start"), .run = 1};
    struct journal_write write = {
        .logs = &line, .log_count = 1, .audits = &audit, .audit_count = 1};
    store_fixture_append(store, &write);
    store_fixture_wait(store);
    run = store_fixture_run(2, SECOND);
    store_fixture_start(store, &run);
    write_breaker(store, "http http://a:80",
                  "{\"state\":\"open\",\"changed_at\":1000,\"due_at\":7258118400000}");
    write_breaker(store, "http http://b:80", "{\"state\":\"open\",\"due_at\":61000}");
    write_breaker(store, "http http://c:80", "{\"state\":\"half_open\",\"changed_at\":1000}");
    write_breaker(store, "jira", "gone");
}

static struct store_fixture store;

static int set_up(void **state)
{
    (void)state;
    store_fixture_init(&store);
    write_runs(&store);
    store_fixture_close(&store);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_finish(&store);
    return 0;
}

/* ---- what commands print ---- */

struct said {
    int code;
    char *out;
    char *err;
};

static struct said say(const struct command *command, const char *const *words)
{
    struct said said = {0};
    struct command_args args;
    struct capture out;
    struct capture err;
    char *argv[16];
    int argc = 0;
    for (; words[argc] != NULL; argc++) {
        argv[argc] = str_dup(str_from(words[argc]));
    }
    argv[argc] = NULL;
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&err, STDERR_FILENO);
    said.code = command_parse(command, argc, argv, &args);
    if (said.code == EXIT_DONE) {
        said.code = command->run(&args);
    }
    said.err = capture_end(&err);
    said.out = capture_end(&out);
    while (argc > 0) {
        free(argv[--argc]);
    }
    return said;
}

static void forget(struct said *said)
{
    free(said->out);
    free(said->err);
}

#define NOBODY                                                                                     \
    "no engine is at work: 'opstream resume ID' or 'opstream serve' goes on with what has not "    \
    "ended\n"

static void expect_out(const struct command *command, const char *const *words, const char *text)
{
    struct said said = say(command, words);
    /* One of the runs goes on with nobody. */
    bool is_list = command == &cmd_list && strstr(said.out, "{") == NULL;
    assert_string_equal(said.err, is_list ? NOBODY : "");
    assert_int_equal(said.code, EXIT_DONE);
    if (strstr(said.out, text) == NULL) {
        fail_msg("'%s' is not in '%s'", text, said.out);
    }
    forget(&said);
}

static void expect_err(const struct command *command, const char *const *words, int code,
                       const char *text)
{
    struct said said = say(command, words);
    assert_string_equal(said.out, "");
    assert_int_equal(said.code, code);
    if (strstr(said.err, text) == NULL) {
        fail_msg("'%s' is not in '%s'", text, said.err);
    }
    forget(&said);
}

#define STATE "--state", store.folder

static void test_cmd_list__shows_runs_by_short_ids(void **state)
{
    (void)state;
    const char *words[] = {STATE, NULL};
    expect_out(&cmd_list, words, "\n019a0000-2222  pending");
    expect_out(&cmd_list, words, "\n019a0000-1111  completed");
    const char *live[] = {STATE, "--live", NULL};
    struct said said = say(&cmd_list, live);
    assert_null(strstr(said.out, "completed"));
    forget(&said);
    const char *json[] = {STATE, "--status", "completed", "--json", NULL};
    expect_out(&cmd_list, json, "\"id\": \"" FIRST "\"");
}

static void test_cmd_list__says_when_there_are_none(void **state)
{
    (void)state;
    const char *none[] = {STATE, "--status", "failed", NULL};
    struct said said = say(&cmd_list, none);
    assert_int_equal(said.code, EXIT_DONE);
    assert_string_equal(said.out, "");
    assert_non_null(strstr(said.err, "no such runs in '"));
    forget(&said);
    const char *nowhere[] = {"--state", store_fixture_path(&store, "nowhere"), NULL};
    said = say(&cmd_list, nowhere);
    assert_int_equal(said.code, EXIT_DONE);
    assert_non_null(strstr(said.err, "no runs yet in '"));
    forget(&said);
}

static void test_cmd_list__refuses_bad_values(void **state)
{
    (void)state;
    const char *limit[] = {STATE, "--limit", "many", NULL};
    expect_err(&cmd_list, limit, EXIT_USAGE, "--limit is no whole number from 1 to 500");
    const char *status[] = {STATE, "--status", "done", NULL};
    expect_err(&cmd_list, status, EXIT_USAGE, "--status is 'done', there is: pending, queued");
    const char *since[] = {STATE, "--since", "noon", NULL};
    expect_err(&cmd_list, since, EXIT_USAGE, "neither a time");
}

static void test_cmd_status__takes_short_ids(void **state)
{
    (void)state;
    const char *words[] = {STATE, "019a0000-1", NULL};
    expect_out(&cmd_status, words, "run        " FIRST "\n");
    expect_out(&cmd_status, words, "  completed  get  10 ms\n");
    expect_out(&cmd_status, words, "uid 7 (ann)  start\n");
    const char *json[] = {STATE, FIRST, "--json", NULL};
    expect_out(&cmd_status, json, "\"step_id\": \"get\"");
}

static void test_cmd_status__helps_with_wrong_ids(void **state)
{
    (void)state;
    const char *unknown[] = {STATE, "ffff", NULL};
    expect_err(&cmd_status, unknown, EXIT_USAGE, "there is no run 'ffff'");
    const char *several[] = {STATE, "019a", NULL};
    expect_err(&cmd_status, several, EXIT_USAGE, "\n019a0000-2222  pending    nightly");
    expect_err(&cmd_status, several, EXIT_USAGE, "\n019a0000-1111  completed  nightly");
    const char *odd[] = {STATE, "a/b?c#%\xff", NULL};
    expect_err(&cmd_status, odd, EXIT_USAGE, "is no id of a run; 'opstream list' shows ids");
    const char *empty[] = {STATE, "", NULL};
    expect_err(&cmd_status, empty, EXIT_USAGE, "the id of the run is empty");
}

static void test_cmd_history__shows_records_in_order(void **state)
{
    (void)state;
    const char *words[] = {STATE, FIRST, NULL};
    expect_out(&cmd_history, words, "  run started\n");
    expect_out(&cmd_history, words, "  node completed      get\n");
    const char *json[] = {STATE, "019a0000-11", "--json", NULL};
    expect_out(&cmd_history, json, "{\"id\": \"" FIRST "\", \"history\": [\n  {\"id\":1,");
    const char *none[] = {STATE, SECOND, "--json", NULL};
    expect_out(&cmd_history, none, "{\"id\": \"" SECOND "\", \"history\": [], \"audit\": []}\n");
}

static void test_cmd_logs__shows_lines(void **state)
{
    (void)state;
    const char *words[] = {STATE, FIRST, NULL};
    expect_out(&cmd_logs, words, "1970-01-01 00:00:01.000  info   get  | a line\n");
    const char *other[] = {STATE, FIRST, "--node", "put", NULL};
    struct said said = say(&cmd_logs, other);
    assert_string_equal(said.out, "");
    forget(&said);
    const char *follow[] = {STATE, FIRST, "--follow", NULL};
    expect_out(&cmd_logs, follow, "1970-01-01 00:00:01.000  info   get  | a line\n");
    const char *both[] = {STATE, SECOND, "--follow", "--json", NULL};
    expect_err(&cmd_logs, both, EXIT_USAGE, "do not go together");
}

static void test_cmd_breakers__shows_them_by_scope(void **state)
{
    (void)state;
    const char *words[] = {STATE, NULL};
    struct said said = say(&cmd_breakers, words);
    assert_string_equal(said.err, "");
    assert_string_equal(said.out,
                        "STATE        SINCE                NEXT TRY             SCOPE\n"
                        "open         1970-01-01 00:00:01  2200-01-01 00:00:00  http http://a:80\n"
                        "open         -                    with the next call   http http://b:80\n"
                        "half open    1970-01-01 00:00:01  -                    http http://c:80\n"
                        "unknown      -                    -                    jira\n");
    forget(&said);
    const char *json[] = {STATE, "--json", "--limit", "1", NULL};
    expect_out(&cmd_breakers, json, "\"next_cursor\": \"http http://a:80\"");
    const char *page[] = {STATE, "--limit", "1", NULL};
    expect_out(&cmd_breakers, page, "\nthere are more: --cursor 'http http://a:80'\n");
    const char *next[] = {STATE, "--cursor", "http http://c:80", NULL};
    expect_out(&cmd_breakers, next, "\nunknown ");
}

static void test_cmd_breakers__says_when_there_are_none(void **state)
{
    (void)state;
    const char *behind[] = {STATE, "--cursor", "z", NULL};
    expect_err(&cmd_breakers, behind, EXIT_DONE, "there are no more breakers\n");
    const char *empty[] = {"--state", "/nowhere/at/all", NULL};
    expect_err(&cmd_breakers, empty, EXIT_DONE, "no breaker has ever opened\n");
}

static void test_cmd_breakers__refuses_wrong_words(void **state)
{
    (void)state;
    const char *lacking[] = {NULL};
    expect_err(&cmd_breakers_open, lacking, EXIT_USAGE, "an argument is missing");
    const char *none[] = {"", NULL};
    expect_err(&cmd_breakers_open, none, EXIT_USAGE,
               "the scope is empty; 'opstream breakers' shows scopes; try 'opstream help breakers "
               "open'");
    const char *paged[] = {"x", "--limit", "1", NULL};
    expect_err(&cmd_breakers_open, paged, EXIT_USAGE, "option '--limit' goes with 'breakers'");
    const char *limit[] = {STATE, "--limit", "0", NULL};
    expect_err(&cmd_breakers, limit, EXIT_USAGE, "--limit");
}

static void test_engine_session__refuses_a_file_that_is_none_of_ours(void **state)
{
    (void)state;
    FILE *file = fopen(store_fixture_path(&store, "state.db"), "w");
    assert_non_null(file);
    (void)fputs("this is a text and no database of anybody's, but it is long enough", file);
    (void)fclose(file);
    (void)remove(store_fixture_path(&store, "state.db-wal"));
    const char *words[] = {STATE, NULL};
    expect_err(&cmd_list, words, EXIT_STATE, "opstream: ");
}

/* ---- the interface ---- */

static void test_engine_request__answers_what_is_no_json(void **state)
{
    (void)state;
    struct engine_session *session = NULL;
    struct engine_reply reply = ENGINE_REPLY_INIT;
    assert_int_equal(engine_session_open(store.folder, &session, NULL), 0);
    assert_false(engine_session_is_live(session));
    struct engine_request request = {.path = STR("/metrics")};
    assert_int_equal(engine_request(session, &request, &reply, NULL), 0);
    assert_int_equal(reply.status, 200);
    assert_null(reply.document);
    assert_non_null(strstr(strbuf_str(&reply.text).p, "opstream_runs{"));
    engine_reply_finish(&reply);
    engine_session_close(session);
}

static void test_engine_request__changes_need_an_engine(void **state)
{
    (void)state;
    struct engine_session *session = NULL;
    struct engine_reply reply = ENGINE_REPLY_INIT;
    assert_int_equal(engine_session_open(store.folder, &session, NULL), 0);
    struct engine_request request = {.method = "POST",
                                     .path = STR("/api/v1/jobs/" SECOND "/cancel")};
    assert_int_equal(engine_request(session, &request, &reply, NULL), 0);
    assert_int_equal(reply.status, 503);
    engine_reply_finish(&reply);
    engine_session_close(session);
}

static void test_engine_session__survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct engine_session *session = NULL;
        failing_alloc_arm(n);
        int status = engine_session_open(store.folder, &session, NULL);
        bool is_reached = failing_alloc_disarm();
        if (!is_reached) {
            assert_int_equal(status, 0);
            engine_session_close(session);
            break;
        }
        if (status == 0) { /* a failure that the C library or SQLite lived with */
            engine_session_close(session);
        } else {
            assert_null(session);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cmd_list__shows_runs_by_short_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_breakers__shows_them_by_scope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_breakers__says_when_there_are_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_breakers__refuses_wrong_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_list__says_when_there_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_list__refuses_bad_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_status__takes_short_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_status__helps_with_wrong_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_history__shows_records_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cmd_logs__shows_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_engine_session__refuses_a_file_that_is_none_of_ours,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_engine_request__answers_what_is_no_json, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_engine_request__changes_need_an_engine, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_engine_session__survives_each_failed_allocation,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
