/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rank.h"

enum {
    APPLICATION_ID = 0x4F505346, /* "OPSF" */
    VERSION = 1,
    PAGE_BYTES = 4096,
    STEPS_BETWEEN_LOOKS = 20000, /* of SQLite's machine: about a millisecond */
    LOG_PAGES_MOST = 1000,
    LOG_PAGES_CUT = 16000, /* the log is cut to nothing, if nobody reads */
};

static const char *const texts[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_GET] = "SELECT number, title, text, data, tags, at FROM document"
                      " WHERE collection = ?1 AND id = ?2",
    [STATEMENT_INSERT] = "INSERT INTO document(title, text, data, tags, at, collection, id)"
                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STATEMENT_UPDATE] = "UPDATE document SET title = ?1, text = ?2, data = ?3, tags = ?4, at = ?5"
                         " WHERE number = ?6",
    [STATEMENT_REMOVE] = "DELETE FROM document WHERE number = ?1",
    [STATEMENT_ADD_WORDS] = "INSERT INTO words(rowid, title, text) VALUES(?1, ?2, ?3)",
    [STATEMENT_REMOVE_WORDS] =
        "INSERT INTO words(words, rowid, title, text) VALUES('delete', ?1, ?2, ?3)",
    [STATEMENT_ADD_TAG] = "INSERT OR IGNORE INTO tag(document, name) VALUES(?1, ?2)",
    [STATEMENT_REMOVE_TAGS] = "DELETE FROM tag WHERE document = ?1",
    [STATEMENT_FIND] =
        "SELECT d.number, match_score(words) AS score FROM words JOIN document d"
        " ON d.number = words.rowid WHERE words MATCH ?1 AND d.collection = ?2 AND (?4 = 0 OR"
        " (SELECT count(*) FROM json_each(?3) t JOIN tag ON tag.document = d.number"
        " AND tag.name = t.value) = ?4) ORDER BY score DESC, d.at DESC, d.id LIMIT ?5",
    [STATEMENT_FIND_ALL] =
        "SELECT d.number, 0.0 FROM document d WHERE ?1 = '' AND d.collection = ?2 AND (?4 = 0 OR"
        " (SELECT count(*) FROM json_each(?3) t JOIN tag ON tag.document = d.number"
        " AND tag.name = t.value) = ?4) ORDER BY d.at DESC, d.id LIMIT ?5",
    [STATEMENT_DOCUMENT] = "SELECT id, title, data, tags, at, substr(text, 1, 160) FROM document"
                           " WHERE number = ?1",
    [STATEMENT_SNIPPET] = "SELECT snippet(words, -1, '**', '**', '…', 24) FROM words"
                          " WHERE words MATCH ?1 AND rowid = ?2",
};

static const char table_texts[] =
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE document(number INTEGER PRIMARY KEY, collection TEXT NOT NULL,"
    " id TEXT NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL,"
    " tags TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE(collection, id));"
    "CREATE INDEX document_at ON document(collection, at DESC, id);"
    "CREATE TABLE tag(document INTEGER NOT NULL, name TEXT NOT NULL,"
    " PRIMARY KEY(document, name)) WITHOUT ROWID;"
    "CREATE VIRTUAL TABLE words USING fts5(title, text, content = 'document',"
    " content_rowid = 'number', tokenize = '%sunicode61 remove_diacritics 2');"
    "INSERT INTO setting VALUES('stemming', '%s');"
    "PRAGMA application_id = %d; PRAGMA user_version = %d;";

/* ---- Steps ---- */

static int fail(struct index *index, int rc)
{
    return fault_set_sqlite(index->fault, index->db, rc, place_name(index->place));
}

sqlite3_stmt *index_statement(struct index *index, enum index_statement which)
{
    sqlite3_stmt **statement = &index->statements[which];
    if (*statement == NULL) {
        int rc = sqlite3_prepare_v3(index->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                    statement, NULL);
        if (rc != SQLITE_OK) {
            (void)fail(index, rc);
            return NULL;
        }
    }
    (void)sqlite3_reset(*statement); /* gives the result of its last step again */
    (void)sqlite3_clear_bindings(*statement);
    return *statement;
}

int index_step(struct index *index, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? rc : fail(index, rc);
}

int index_run(struct index *index, sqlite3_stmt *statement)
{
    int is_done = statement != NULL && index_step(index, statement) != 0;
    if (statement != NULL) {
        (void)sqlite3_reset(statement); /* a fault was told by the step */
    }
    return is_done;
}

void index_bind(sqlite3_stmt *statement, int at, ops_str text)
{
    /* A length beyond the limit, or no memory, is told by the step: the value is NULL then. */
    (void)sqlite3_bind_text64(statement, at, text.n > 0 ? text.p : "", text.n, SQLITE_STATIC,
                              SQLITE_UTF8);
}

ops_str index_column(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return ops_slice(text, text != NULL ? (uint64_t)sqlite3_column_bytes(statement, at) : 0);
}

static int run_text(struct index *index, const char *sql)
{
    int rc = sqlite3_exec(index->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK || fail(index, rc);
}

/* The one number that a pragma gives. */
static int read_number(struct index *index, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(index->db, sql, -1, &statement, NULL);
    int is_read = rc == SQLITE_OK ? index_step(index, statement) != 0 : fail(index, rc);
    if (is_read) {
        *out = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return is_read;
}

/* ---- Open ---- */

static int on_progress(void *user)
{
    const struct index *index = user;
    return ops.exec->cancelled(ops.h, index->wait.task) != 0;
}

static int on_busy(void *user, int count)
{
    struct index *index = user;
    (void)count;
    return place_wait_more(&index->wait, place_name(index->place), index->fault);
}

static int on_commit_logged(void *user, sqlite3 *db, const char *name, int pages)
{
    struct index *index = user;
    (void)db;
    (void)name;
    index->log_pages = pages;
    return SQLITE_OK;
}

/* Nothing but this plugin's own statements runs, whatever the file says. */
static int configure(struct index *index)
{
    int rc = sqlite3_db_config(index->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_busy_handler(index->db, on_busy, index);
    }
    if (rc != SQLITE_OK) {
        return fail(index, rc);
    }
    sqlite3_progress_handler(index->db, STEPS_BETWEEN_LOOKS, on_progress, index);
    (void)sqlite3_wal_hook(index->db, on_commit_logged, index);
    return run_text(index, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                           "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL;"
                           "PRAGMA cache_size = -256") &&
           rank_register(index->db, index->fault);
}

static int make_tables(struct index *index, int stems)
{
    char sql[sizeof(table_texts) + 64];
    (void)snprintf(sql, sizeof(sql), table_texts, stems ? "porter " : "", stems ? "porter" : "none",
                   APPLICATION_ID, VERSION);
    int is_made = run_text(index, "BEGIN IMMEDIATE") && run_text(index, sql) &&
                  run_text(index, "COMMIT");
    if (!is_made) {
        (void)sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL); /* maybe it had not begun */
    }
    return is_made;
}

/* Nothing is in the file; or it is being made, and its first page is there already. */
static int is_empty(struct index *index, int *out)
{
    int64_t pages = 0;
    int64_t application = 0;
    int64_t tables = 0;
    int is_read = read_number(index, "PRAGMA page_count", &pages) &&
                  read_number(index, "PRAGMA application_id", &application) &&
                  read_number(index, "SELECT count(*) FROM sqlite_schema", &tables);
    *out = pages <= 1 && application == 0 && tables == 0;
    return is_read;
}

/* An index that somebody else has made meanwhile is left as it is. */
static int make_index(struct index *index, int stems)
{
    int is_still_empty = 0;
    if (!place_begin_write(index->place, &index->wait, index->fault)) {
        return 0;
    }
    int is_made = is_empty(index, &is_still_empty);
    if (is_made && is_still_empty) {
        is_made = run_text(index, "PRAGMA journal_mode = WAL") && make_tables(index, stems);
    }
    place_end_write(index->place);
    return is_made;
}

static int check_stemming(struct index *index, int stems)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(index->db, "SELECT value FROM setting WHERE name = 'stemming'", -1,
                                &statement, NULL);
    int is_read = rc == SQLITE_OK ? index_step(index, statement) != 0 : fail(index, rc);
    int has_stems = is_read && ops_equal(index_column(statement, 0), "porter");
    (void)sqlite3_finalize(statement);
    if (is_read && has_stems != stems) {
        (void)fault_set(index->fault, OPS_E_CONFIG, "search.stemming",
                        "the index '%s' was made with 'stemming: %s'", place_name(index->place),
                        has_stems ? "porter" : "none");
        index->fault->hint = "say the same in integrations.search, or name another 'file'";
        return 0;
    }
    return is_read;
}

/* That it is one of ours, made as it is wanted. */
static int check_index(struct index *index, int stems)
{
    int64_t application = 0;
    int64_t version = 0;
    if (!read_number(index, "PRAGMA application_id", &application) ||
        !read_number(index, "PRAGMA user_version", &version)) {
        return 0;
    }
    if (application != APPLICATION_ID) {
        (void)fault_set(index->fault, OPS_E_CONFIG, "search.file",
                        "'%s' is a database, but none that search.index has made",
                        place_name(index->place));
        index->fault->hint = "name another 'file' in integrations.search";
        return 0;
    }
    if (version != VERSION) {
        (void)fault_set(index->fault, OPS_E_CONFIG, "search.version",
                        "the index '%s' has version %lld, this opstream reads %d",
                        place_name(index->place), (long long)version, VERSION);
        index->fault->hint = "use the opstream that has made it, or name another 'file'";
        return 0;
    }
    return check_stemming(index, stems);
}

static void note_file(struct index *index, const char *file)
{
    struct stat status;
    if (stat(file, &status) == 0) {
        index->device = status.st_dev;
        index->inode = status.st_ino;
    }
}

static int open_file(struct index *index, const struct index_options *options)
{
    int is_memory = place_is_memory(index->place);
    if (!is_memory && !place_make_file(index->place, index->fault)) {
        return 0;
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                (is_memory ? SQLITE_OPEN_MEMORY | SQLITE_OPEN_CREATE : 0);
    int rc = sqlite3_open_v2(is_memory ? ":memory:" : options->file, &index->db, flags, NULL);
    if (rc != SQLITE_OK) {
        return fail(index, rc);
    }
    note_file(index, options->file);
    int is_new = 0;
    return configure(index) && is_empty(index, &is_new) &&
           (!is_new || make_index(index, options->stems)) && check_index(index, options->stems);
}

void index_close(struct index *index)
{
    if (index == NULL) {
        return;
    }
    for (size_t i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(index->statements[i]);
    }
    (void)sqlite3_close(index->db); /* no statement is left */
    free(index);
}

/* ---- Take and give ---- */

/* The file was moved away, or another one stands in its place. */
static int is_gone(const struct index *index, const char *file)
{
    struct stat status;
    return !place_is_memory(index->place) &&
           (stat(file, &status) != 0 || status.st_dev != index->device ||
            status.st_ino != index->inode);
}

static void use(struct index *index, const struct index_options *options, struct fault *fault)
{
    index->wait = options->wait;
    index->fault = fault;
}

static struct index *open_new(struct place *place, const struct index_options *options,
                              struct fault *fault)
{
    struct index *index = calloc(1, sizeof(*index));
    if (index == NULL) {
        (void)fault_set(fault, OPS_E_RESOURCE, "search.memory", "out of memory");
        return NULL;
    }
    index->place = place;
    use(index, options, fault);
    if (!open_file(index, options)) {
        index_close(index);
        return NULL;
    }
    return index;
}

/* It may grow to this, what was said for it before. */
static int bound_size(struct index *index, int64_t max_bytes)
{
    char sql[64];
    (void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
                   (long long)(max_bytes / PAGE_BYTES));
    return run_text(index, sql);
}

struct index *index_take(const struct index_options *options, struct fault *fault)
{
    struct index *index = NULL;
    struct place *place = place_of(options->file, fault);
    if (place == NULL || !place_take(place, &options->wait, &index, fault)) {
        return NULL;
    }
    if (index != NULL && is_gone(index, options->file)) {
        index_close(index);
        index = NULL;
    }
    if (index != NULL) {
        use(index, options, fault);
    } else {
        index = open_new(place, options, fault);
    }
    if (index == NULL) {
        place_give(place, NULL);
        return NULL;
    }
    if (!check_stemming(index, options->stems) || !bound_size(index, options->max_bytes)) {
        index_give(index);
        return NULL;
    }
    return index;
}

void index_give(struct index *index)
{
    struct place *place = index->place;
    for (size_t i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_reset(index->statements[i]); /* no statement keeps a lock, or texts */
    }
    if (index->fault->code == OPS_E_UPSTREAM && !place_is_memory(place)) {
        index_close(index); /* whatever is wrong with it, the next one looks anew */
        index = NULL;
    }
    place_give(place, index);
}

/* ---- Write ---- */

int index_begin(struct index *index)
{
    if (!place_begin_write(index->place, &index->wait, index->fault)) {
        return 0;
    }
    if (!index_run(index, index_statement(index, STATEMENT_BEGIN))) {
        place_end_write(index->place);
        return 0;
    }
    return 1;
}

/* Only who writes does it: see place.h. What cannot be done now is done by the next one. */
static void bound_log(struct index *index)
{
    if (index->log_pages >= LOG_PAGES_MOST) {
        int mode = index->log_pages >= LOG_PAGES_CUT ? SQLITE_CHECKPOINT_TRUNCATE
                                                     : SQLITE_CHECKPOINT_PASSIVE;
        (void)sqlite3_busy_handler(index->db, NULL, NULL); /* readers are not waited for */
        (void)sqlite3_wal_checkpoint_v2(index->db, "main", mode, NULL, NULL);
        (void)sqlite3_busy_handler(index->db, on_busy, index);
    }
}

int index_commit(struct index *index)
{
    if (!index_run(index, index_statement(index, STATEMENT_COMMIT))) {
        return 0;
    }
    bound_log(index);
    return 1;
}

void index_end(struct index *index)
{
    if (!sqlite3_get_autocommit(index->db)) {
        sqlite3_progress_handler(index->db, 0, NULL, NULL); /* a cancel must not stop it */
        (void)sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
        sqlite3_progress_handler(index->db, STEPS_BETWEEN_LOOKS, on_progress, index);
    }
    place_end_write(index->place);
}
