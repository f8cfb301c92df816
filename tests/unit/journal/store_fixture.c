/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/journal/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* ---- the folder and the store ---- */

static int wake_pipe[2] = {-1, -1};

static void on_wake(void *user)
{
    (void)user;
    assert_int_equal(write(wake_pipe[1], "w", 1), 1);
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

void store_fixture_init_folder(struct store_fixture *fixture)
{
    *fixture = (struct store_fixture){.folder = "/tmp/opstream-journal-XXXXXX", .now = 1000};
    assert_non_null(mkdtemp(fixture->folder));
}

void store_fixture_init(struct store_fixture *fixture)
{
    struct error err = {0};
    store_fixture_init_folder(fixture);
    assert_int_equal(store_fixture_open(fixture, &err), 0);
}

int store_fixture_open(struct store_fixture *fixture, struct error *err)
{
    if (wake_pipe[0] < 0) {
        assert_int_equal(pipe(wake_pipe), 0);
    }
    struct journal_sqlite_options options = {
        .folder = fixture->folder,
        .wake = on_wake,
        .user = fixture,
        .retry_ms = fixture->retry_ms,
        .idle_ms = fixture->idle_ms,
    };
    return journal_sqlite_open(&options, &fixture->journal, err);
}

void store_fixture_close(struct store_fixture *fixture)
{
    store_fixture_wait(fixture);
    journal_close(fixture->journal);
    fixture->journal = NULL;
}

void store_fixture_finish(struct store_fixture *fixture)
{
    if (fixture->journal != NULL) {
        store_fixture_close(fixture);
    }
    assert_int_equal(nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *store_fixture_path(const struct store_fixture *fixture, const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
    return path;
}

/* ---- writing ---- */

struct expected {
    struct store_fixture *fixture;
    uint64_t number;
};

static void on_appended(void *user, int status)
{
    struct expected *expected = user;
    struct store_fixture *fixture = expected->fixture;
    fixture->order_faults += expected->number != fixture->called_back ? 1 : 0;
    fixture->called_back++;
    fixture->last_status = status;
    free(expected);
}

journal_append_cb store_fixture_callback(struct store_fixture *fixture, void **out_user)
{
    struct expected *expected = malloc(sizeof(*expected));
    assert_non_null(expected);
    *expected = (struct expected){fixture, fixture->appended++};
    *out_user = expected;
    return on_appended;
}

void store_fixture_append(struct store_fixture *fixture, const struct journal_write *write)
{
    void *user = NULL;
    struct error err = {0};
    journal_append_cb cb = store_fixture_callback(fixture, &user);
    assert_int_equal(journal_append(fixture->journal, write, cb, user, &err), 0);
}

void store_fixture_wait(struct store_fixture *fixture)
{
    store_fixture_wait_for(fixture, 0);
}

void store_fixture_wait_for(struct store_fixture *fixture, int status)
{
    char bytes[64];
    journal_collect(fixture->journal);
    while (fixture->called_back < fixture->appended) {
        assert_true(read(wake_pipe[0], bytes, sizeof(bytes)) > 0);
        journal_collect(fixture->journal);
    }
    struct pollfd ready = {.fd = wake_pipe[0], .events = POLLIN};
    while (poll(&ready, 1, 0) == 1) {
        assert_true(read(wake_pipe[0], bytes, sizeof(bytes)) > 0);
    }
    assert_int_equal(fixture->last_status, status);
    fixture->last_status = 0;
    assert_int_equal(fixture->order_faults, 0);
    assert_int_equal(journal_sqlite_waiting(fixture->journal), 0);
}

struct journal_new_run store_fixture_run(uint64_t number, const char *id)
{
    return (struct journal_new_run){
        .number = number,
        .id = str_from(id),
        .definition = STR("d1"),
        .workflow = STR("nightly"),
        .name = STR("Nightly report"),
        .version = STR("1.2"),
        .root = number,
        .triggered_by = STR("cli"),
        .nodes_total = 3,
        .created_at = (int64_t)number * 1000,
    };
}

void store_fixture_start(struct store_fixture *fixture, const struct journal_new_run *run)
{
    struct journal_definition definition = {STR("d1"), STR("{\"a\":1}"), STR("opstream 0.1")};
    struct journal_write write = {
        .definitions = &definition, .definition_count = 1, .runs = run, .run_count = 1};
    store_fixture_append(fixture, &write);
    store_fixture_wait(fixture);
}

void store_fixture_record(struct store_fixture *fixture, struct batch *batch,
                          const struct record *record, const char *path)
{
    struct record copy = *record;
    copy.path = path != NULL ? str_dup(str_from(path)) : NULL;
    if (copy.at_unix_ms == 0) {
        copy.at_unix_ms = fixture->now;
        fixture->now += 10;
    }
    batch_add_record(batch, &copy);
    assert_false(batch->has_failed);
}

void store_fixture_write(struct store_fixture *fixture, struct batch *batch)
{
    struct journal_write write = {.batch = batch};
    store_fixture_append(fixture, &write);
    store_fixture_wait(fixture);
    batch_finish(batch);
}

struct document *store_fixture_text(size_t n, char letter)
{
    struct document *document = NULL;
    struct builder *b = builder_create();
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, letter, n);
    builder_string(b, str_make(text, n));
    assert_int_equal(builder_finish(b, &document, NULL), 0);
    free(text);
    return document;
}

/* ---- asking ---- */

char *store_fixture_ask(const struct store_fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    struct strbuf out = STRBUF_INIT;
    strbuf_append_text(&out, "");
    assert_int_equal(
        sqlite3_open_v2(store_fixture_path(fixture, "state.db"), &db, SQLITE_OPEN_READONLY, NULL),
        SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        strbuf_append_text(&out, out.n > 0 ? "\n" : "");
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            strbuf_append_text(&out, i > 0 ? "|" : "");
            strbuf_append_text(&out, text != NULL ? text : "-");
        }
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return strbuf_take(&out);
}

void store_fixture_expect(const struct store_fixture *fixture, const char *sql,
                          const char *expected)
{
    char *rows = store_fixture_ask(fixture, sql);
    assert_string_equal(rows, expected);
    free(rows);
}
