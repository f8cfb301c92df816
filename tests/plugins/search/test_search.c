/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin `search` in the real host, with a folder for its state that is made for each test. */
#include "tests/sdk/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rig rig;
static uint64_t last_token;
static char folder[] = "/tmp/test_search_XXXXXX";
static char file[128]; /* the index */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
}

/* ' stands for " in all configs here. */
static char *json(const char *text)
{
    static char buffer[4][8192];
    static int turn;
    char *out = buffer[turn++ % 4];
    (void)snprintf(out, sizeof(buffer[0]), "%s", text);
    for (char *quote = strchr(out, '\''); quote != NULL; quote = strchr(quote, '\'')) {
        *quote = '"';
    }
    return out;
}

static const char *start(const char *type, const char *config)
{
    struct error err = {0};
    last_token = (last_token + 1) % RIG_TASKS;
    if (rig_start(&rig, last_token, type, config, &err) != 0) {
        static char message[sizeof(err.message) + 16];
        (void)snprintf(message, sizeof(message), "refused %s", err.message);
        return message;
    }
    return NULL;
}

static const char *run(const char *type, const char *config)
{
    const char *refused = start(type, config);
    return refused != NULL ? refused : rig_wait(&rig, last_token);
}

static const char *put(const char *config)
{
    return run("search.index", json(config));
}

static const char *find(const char *config)
{
    return run("search.query", json(config));
}

static const char *take_out(const char *config)
{
    return run("search.delete", json(config));
}

/* The ids of the results, in order. */
static const char *ids(const char *config)
{
    static char out[1024];
    size_t n = 0;
    const char *end = find(config);
    assert_has(end, "done ");
    out[0] = '\0';
    for (const char *at = strstr(end, "{\"id\":\""); at != NULL; at = strstr(at, "{\"id\":\"")) {
        at += 7;
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", n > 0 ? " " : "",
                              (int)strcspn(at, "\""), at);
    }
    return out;
}

static double first_score(const char *config)
{
    const char *end = find(config);
    assert_has(end, "\"score\":");
    return strtod(strstr(end, "\"score\":") + 8, NULL);
}

static void open_rig(void)
{
    struct error err = {0};
    rig_open_folder(&rig, PLUGIN_DIR);
    assert_int_equal(host_set_state_folder(rig.host, folder, &err), 0);
}

static int set_up(void **state)
{
    (void)state;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/plugins/search/index.db", folder);
    open_rig();
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* As the next process would: nothing of before is in memory. */
static void reopen(void)
{
    rig_close(&rig);
    open_rig();
}

/* ---- Finding ---- */

static void test_search__finds_again_what_was_put_there(void **state)
{
    (void)state;
    assert_string_equal(
        put("{'collection':'fixes','id':'7','title':'Crash at start','text':'The file is empty',"
            "'data':{'fix':[1,null,'ü']},'tags':['bug','parser'],"
            "'time':'2025-01-31T14:22:33+01:00'}"),
        "done {\"collection\":\"fixes\",\"count\":1,\"added\":1,\"replaced\":0,\"unchanged\":0}");
    reopen();
    assert_string_equal(find("{'collection':'fixes','query':'why is it EMPTY?'}"),
                        "done {\"collection\":\"fixes\",\"count\":1,\"results\":[{\"id\":\"7\","
                        "\"title\":\"Crash at start\",\"score\":0.227273,"
                        "\"snippet\":\"The file **is** **empty**\",\"tags\":[\"bug\",\"parser\"],"
                        "\"time\":\"2025-01-31T13:22:33.000Z\","
                        "\"data\":{\"fix\":[1,null,\"ü\"]}}],\"words_left_out\":0}");
}

static void test_search__folds_case_and_accents(void **state)
{
    (void)state;
    assert_has(put("{'id':'a','text':'Das Café in ÅRHUS läuft'}"), "done ");
    static const char *const found[] = {"CAFE", "café", "århus", "Aarhus arhus", "LAUFT"};
    for (size_t i = 0; i < COUNT(found); i++) {
        char config[128];
        (void)snprintf(config, sizeof(config), "{'query':'%s'}", found[i]);
        assert_string_equal(ids(config), "a");
    }
    assert_string_equal(ids("{'query':'caf'}"), "");
    assert_string_equal(ids("{'query':'laufen'}"), "");
}

static void test_search__cuts_words_to_stems_where_it_is_asked_for(void **state)
{
    (void)state;
    rig.settings = "{\"stemming\":\"porter\"}";
    assert_has(put("{'id':'a','text':'The connection failed'}"), "done ");
    assert_string_equal(ids("{'query':'failing connections'}"), "a");
    rig.settings = "{}";
    const char *end = find("{'query':'failing'}");
    assert_has(end, "\"CONFIG\"");
    assert_has(end, "was made with 'stemming: porter'");
    rig.settings = "{\"stemming\":\"porter\",\"file\":\"other.db\"}";
    assert_string_equal(ids("{'query':'failing'}"), "");
}

static void test_search__takes_no_text_for_syntax(void **state)
{
    (void)state;
    assert_has(put("{'id':'a','text':'say hello: main.c:12 AND more (NOT less)'}"), "done ");
    static const char *const queries[] = {
        "hello \\\"",
        "\\\"hello",
        "hello)",
        "(hello",
        "hello*",
        "NOT hello",
        "hello AND",
        "^hello",
        "hello OR OR",
        "-hello",
        "{title} hello",
        "hello \\u0000 more",
        "hello; DROP TABLE document",
        "main.c:12",
        "+ hello +",
    };
    for (size_t i = 0; i < COUNT(queries); i++) {
        char config[128];
        (void)snprintf(config, sizeof(config), "{'query':'%s'}", queries[i]);
        assert_string_equal(ids(config), "a");
    }
    assert_string_equal(ids("{'query':''}"), "");
    assert_string_equal(ids("{'query':' \\\"( '}"), "");
    assert_string_equal(ids("{'query':'nothing of it'}"), "");
    assert_string_equal(ids("{'query':'title:hello NEAR(hello)'}"), ""); /* words in a row */
}

static void test_search__takes_the_syntax_of_fts_where_it_is_asked_for(void **state)
{
    (void)state;
    assert_has(put("{'documents':[{'id':'a','title':'red apple'},{'id':'b','text':'red pear'}]}"),
               "\"added\":2");
    assert_string_equal(ids("{'query':'red NOT apple','syntax':'fts'}"), "b");
    assert_string_equal(ids("{'query':'title : red','syntax':'fts'}"), "a");
    assert_string_equal(ids("{'query':'app*','syntax':'fts'}"), "a");
    static const char *const wrong[] = {"red AND (", "\\\"red", "name : red", "red OR", ""};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char config[128];
        (void)snprintf(config, sizeof(config), "{'query':'%s','syntax':'fts'}", wrong[i]);
        const char *end = find(config);
        if (wrong[i][0] == '\0') {
            assert_has(end, "\"count\":0");
            continue;
        }
        assert_has(end, "\"INPUT\"");
        assert_has(end, "the query cannot be read: ");
        assert_has(end, "leave 'syntax' out");
        assert_has(end, "\"path\":\"/query\"");
    }
}

static void test_search__narrows_down(void **state)
{
    (void)state;
    assert_has(put("{'collection':'x','documents':["
                   "{'id':'a','text':'disk full','tags':['bug','disk','disk']},"
                   "{'id':'b','text':'disk slow','tags':['bug']},"
                   "{'id':'c','text':'disk'}]}"),
               "\"added\":3");
    assert_has(put("{'id':'elsewhere','text':'disk full','tags':['bug','disk']}"), "\"added\":1");
    assert_string_equal(ids("{'collection':'x','query':'disk','tags':['bug','disk']}"), "a");
    assert_string_equal(ids("{'collection':'x','query':'disk full slow','tags':['bug'],"
                            "'match':'all'}"),
                        "");
    assert_string_equal(ids("{'collection':'x','query':'full disk','match':'all'}"), "a");
    assert_string_equal(ids("{'collection':'x','query':'disk','tags':['x OR 1=1']}"), "");
    assert_string_equal(ids("{'collection':'X','query':'disk'}"), "");
    assert_string_equal(ids("{'query':'disk'}"), "elsewhere");
}

static void test_search__gives_the_newest_first_without_a_query(void **state)
{
    (void)state;
    assert_has(put("{'documents':["
                   "{'id':'old','text':'one','time':'2024-01-01T00:00:00Z'},"
                   "{'id':'new','text':'two','time':'2026-01-01T00:00:00Z','tags':['done']},"
                   "{'id':'b','text':'three','time':'2025-01-01T00:00:00Z','tags':['done']},"
                   "{'id':'a','text':'four','time':'2025-01-01T00:00:00Z'}]}"),
               "\"added\":4");
    assert_string_equal(ids("{}"), "new a b old");
    assert_string_equal(ids("{'limit':2}"), "new a");
    assert_string_equal(ids("{'tags':['done']}"), "new b");
    assert_has(find("{'limit':1}"), "\"score\":0.0,\"snippet\":\"two\"");
    assert_has(find("{'min_score':0.5}"), "'min_score' needs a 'query'");
}

/* ---- Scores ---- */

static void test_search__scores_more_for_a_better_answer(void **state)
{
    (void)state;
    assert_has(put("{'documents':["
                   "{'id':'both','text':'parser crash in the reader of files'},"
                   "{'id':'title','title':'crash','text':'in the reader of some files'},"
                   "{'id':'one','text':'crash in the reader of many files'},"
                   "{'id':'none','text':'the colour of buttons and of many files'}]}"),
               "\"added\":4");
    assert_string_equal(ids("{'query':'parser crash'}"), "both title one");
    double both = first_score("{'query':'parser crash'}");
    assert_true(both > 0.4 && both < 0.6);
    assert_string_equal(ids("{'query':'parser crash','min_score':0.4}"), "both");
    assert_string_equal(ids("{'query':'parser crash','min_score':0.99}"), "");
    assert_true(first_score("{'query':'crash'}") > first_score("{'query':'crash missing words'}"));
}

static void test_search__scores_also_in_an_index_of_one(void **state)
{
    (void)state;
    assert_has(put("{'id':'a','text':'disk is full'}"), "done ");
    assert_true(first_score("{'query':'disk is full'}") > 0.45);
    assert_true(first_score("{'query':'disk is full'}") < 0.46);
}

static void test_search__orders_equal_scores_by_time_and_id(void **state)
{
    (void)state;
    assert_has(put("{'documents':["
                   "{'id':'c','text':'same words','time':'2025-01-01T00:00:00Z'},"
                   "{'id':'b','text':'same words','time':'2025-01-01T00:00:00Z'},"
                   "{'id':'a','text':'same words','time':'2024-01-01T00:00:00Z'}]}"),
               "\"added\":3");
    char first[2048];
    (void)snprintf(first, sizeof(first), "%s", find("{'query':'same'}"));
    for (int i = 0; i < 3; i++) {
        assert_string_equal(ids("{'query':'same'}"), "b c a");
        assert_string_equal(find("{'query':'same'}"), first);
    }
    assert_string_equal(ids("{'query':'same','limit':1}"), "b");
}

/* ---- Putting and taking out ---- */

static void test_search__indexes_the_same_only_once(void **state)
{
    (void)state;
    static const char document[] = "{'id':'a','text':'first','data':1,'tags':['y','x']}";
    assert_has(put(document), "\"added\":1");
    char before[1024];
    (void)snprintf(before, sizeof(before), "%s", find("{'query':'first'}"));
    assert_has(put(document), "\"unchanged\":1");
    assert_has(put("{'id':'a','text':'first','data':1,'tags':['x','y','x']}"), "\"unchanged\":1");
    assert_string_equal(find("{'query':'first'}"), before); /* with the time of before */
    assert_has(put("{'id':'a','text':'second','data':1,'tags':['x']}"), "\"replaced\":1");
    assert_string_equal(ids("{'query':'first'}"), "");
    assert_string_equal(ids("{'query':'second'}"), "a");
    assert_string_equal(ids("{'query':'second','tags':['y']}"), "");
    assert_has(
        put("{'id':'a','text':'second','data':1,'tags':['x'],'time':'2025-01-01T00:00:00Z'}"),
        "\"replaced\":1");
    assert_has(put("{'collection':'b','id':'a','text':'second'}"), "\"added\":1");
}

static void test_search__takes_documents_out(void **state)
{
    (void)state;
    assert_has(put("{'documents':[{'id':'a','text':'x','tags':['t']},{'id':'b','text':'x'},"
                   "{'id':'c','text':'x'}]}"),
               "\"added\":3");
    assert_string_equal(take_out("{'id':'a'}"), "done {\"collection\":\"default\",\"deleted\":1}");
    assert_has(take_out("{'id':'a'}"), "\"deleted\":0");
    assert_string_equal(ids("{'query':'x'}"), "b c");
    assert_has(take_out("{'ids':['b','a','b']}"), "\"deleted\":1");
    assert_has(take_out("{'collection':'other','ids':['c']}"), "\"deleted\":0");
    assert_string_equal(ids("{'query':'x'}"), "c");
    assert_has(put("{'id':'a','text':'x'}"), "\"added\":1");
    assert_string_equal(ids("{'query':'x','tags':['t']}"), "");
}

static void test_search__puts_all_documents_or_none(void **state)
{
    (void)state;
    struct strbuf config = STRBUF_INIT;
    strbuf_append_text(&config,
                       "{\"documents\":[{\"id\":\"a\",\"text\":\"x\"},{\"id\":\"b\",\"data\":\"");
    for (int i = 0; i < 1024 * 1024; i++) {
        strbuf_append_char(&config, 'x');
    }
    strbuf_append_text(&config, "\"}]}");
    const char *end = run("search.index", config.p);
    strbuf_finish(&config);
    assert_has(end, "\"INPUT\"");
    assert_has(end, "the data of 'b' has 1048578 bytes, the limit is 1048576");
    assert_string_equal(ids("{}"), "");
}

static void test_search__refuses_wrong_configs(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"{'text':'x'}", "'id'"},
        {"{'id':'a','documents':[]}", "'id'"},
        {"{'documents':[{'id':'a'}],'text':'x'}", "'text'"},
        {"{'id':''}", "/id"},
        {"{'id':'a','tags':['']}", "/tags/0"},
        {"{'id':'a','time':'yesterday'}", "/time"},
        {"{'id':'a','words':'x'}", "'words'"},
        {"{'documents':[{'text':'x'}]}", "/documents/0"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const char *end = put(wrong[i][0]);
        assert_has(end, "refused ");
        assert_has(end, wrong[i][1]);
    }
    assert_has(find("{'limit':0}"), "/limit");
    assert_has(find("{'query':'x','min_score':2}"), "/min_score");
    assert_has(take_out("{}"), "refused ");
    rig.settings = "{\"file\":\"a/b.db\"}";
    assert_has(find("{'query':'x'}"), "neither an absolute path nor a name without '/'");
}

/* ---- The file ---- */

static void assert_mode(const char *path, mode_t mode)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, mode);
}

static void test_search__keeps_its_file_to_its_user(void **state)
{
    (void)state;
    char path[160];
    assert_has(put("{'id':'a','text':'x'}"), "done ");
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", file, ends[i]);
        assert_mode(path, 0600);
    }
    *strrchr(file, '/') = '\0';
    assert_mode(file, 0700);
}

static void test_search__stands_where_it_is_told(void **state)
{
    (void)state;
    char settings[160];
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/mine.db", folder);
    (void)snprintf(settings, sizeof(settings), "{\"file\":\"%s\"}", path);
    assert_has(put("{'id':'default','text':'x'}"), "done ");
    rig.settings = settings;
    assert_has(put("{'id':'mine','text':'x'}"), "done ");
    assert_string_equal(ids("{'query':'x'}"), "mine");
    assert_mode(path, 0600);
    rig.settings = "{\"file\":\"/nowhere/at/all.db\"}";
    assert_has(put("{'id':'a'}"), "cannot make the index '/nowhere/at/all.db': No such file");
    rig.settings = "{}";
    assert_string_equal(ids("{'query':'x'}"), "default");
}

static void test_search__stands_in_no_private_folder(void **state)
{
    (void)state;
    char settings[160];
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/private", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(setenv("OPSTREAM_PRIVATE_FOLDERS", path, 1), 0);
    (void)snprintf(path, sizeof(path), "%s/link.db", folder);
    assert_int_equal(symlink("private/other.db", path), 0);
    const char *const names[] = {"private/mine.db", "private/../private/mine.db", "link.db"};
    for (size_t i = 0; i < COUNT(names); i++) {
        (void)snprintf(settings, sizeof(settings), "{\"file\":\"%s/%s\"}", folder, names[i]);
        rig.settings = settings;
        const char *end = put("{'id':'mine','text':'x'}");
        assert_has(end, i == 2 ? "failed" : "failed {\"code\":\"PERMISSION\"");
        if (i == 1) { /* what is there already */
            (void)snprintf(path, sizeof(path), "%s/private/other.db", folder);
            FILE *made = fopen(path, "we");
            assert_non_null(made);
            assert_int_equal(fclose(made), 0);
        }
    }
    assert_has(put("{'id':'mine','text':'x'}"), "is in the private folder");
    (void)snprintf(path, sizeof(path), "%s/private/mine.db.lock", folder);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(unsetenv("OPSTREAM_PRIVATE_FOLDERS"), 0);
    rig.settings = "{}";
}

static void test_search__is_in_memory_where_nothing_is_kept(void **state)
{
    (void)state;
    rig_close(&rig);
    rig_open_folder(&rig, PLUGIN_DIR);
    assert_has(put("{'id':'a','text':'x'}"), "done ");
    assert_string_equal(ids("{'query':'x'}"), "a");
    rig.settings = "{\"stemming\":\"porter\"}";
    assert_has(find("{'query':'x'}"), "the index 'in memory' was made with 'stemming: none'");
    rig.settings = "{}";
    assert_string_equal(ids("{'query':'x'}"), "a"); /* it was not lost by that */
    rig_close(&rig);
    rig_open_folder(&rig, PLUGIN_DIR);
    assert_string_equal(ids("{'query':'x'}"), "");
}

static void test_search__makes_a_file_that_was_moved_away_anew(void **state)
{
    (void)state;
    assert_has(put("{'id':'a','text':'x'}"), "done ");
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char path[160];
        (void)snprintf(path, sizeof(path), "%s%s", file, ends[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_string_equal(ids("{'query':'x'}"), "");
    assert_has(put("{'id':'b','text':'x'}"), "\"added\":1");
    assert_string_equal(ids("{'query':'x'}"), "b");
}

/* ---- Faults ---- */

static void make_folders(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/plugins", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/plugins/search", folder);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void write_at(off_t at, const void *bytes, size_t n)
{
    int fd = open(file, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, at), n);
    (void)close(fd);
}

static size_t read_file(char *out, size_t size)
{
    int fd = open(file, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, out, size);
    assert_true(n >= 0);
    (void)close(fd);
    return (size_t)n;
}

static void test_search__says_that_a_file_is_damaged_and_leaves_it(void **state)
{
    (void)state;
    static char before[1024 * 1024];
    static char after[sizeof(before)];
    char page[4096];
    assert_has(put("{'id':'a','text':'some words'}"), "done ");
    rig_close(&rig);
    sqlite3 *db = NULL; /* it goes from the log into the file */
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(db);
    size_t n = read_file(before, sizeof(before));
    memset(page, 0xff, sizeof(page));
    for (size_t at = sizeof(page); at < n; at += sizeof(page)) {
        write_at((off_t)at, page, sizeof(page));
    }
    n = read_file(before, sizeof(before));
    open_rig();
    static const char *const types[] = {"search.query", "search.index"};
    for (size_t i = 0; i < COUNT(types); i++) {
        const char *end =
            run(types[i], i == 0 ? json("{'query':'words'}") : json("{'id':'b','text':'words'}"));
        assert_has(end, "failed ");
        assert_has(end, "is damaged: ");
        assert_has(end, "\"symbol\":\"search.corrupt\"");
        assert_has(end, "\"retry\":\"no\"");
        assert_has(end, "move the file");
    }
    assert_int_equal(read_file(after, sizeof(after)), n);
    assert_memory_equal(before, after, n);
}

static void test_search__leaves_files_of_others_alone(void **state)
{
    (void)state;
    static const char text[] = "This is no database, it is a letter to a friend, quite long.\n";
    make_folders();
    write_at(0, text, strlen(text));
    const char *end = put("{'id':'a'}");
    assert_has(end, "\"symbol\":\"search.corrupt\"");
    assert_has(end, "file is not a database");
    char after[256];
    assert_int_equal(read_file(after, sizeof(after)), strlen(text));
    assert_memory_equal(after, text, strlen(text));

    assert_int_equal(unlink(file), 0);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE a(b)", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    end = put("{'id':'a'}");
    assert_has(end, "\"CONFIG\"");
    assert_has(end, "is a database, but none that search.index has made");
}

static void test_search__stops_at_its_bound_of_size(void **state)
{
    (void)state;
    struct strbuf config = STRBUF_INIT;
    const char *end = "";
    int added = 0;
    rig.settings = "{\"max_size_mb\":1}";
    for (int i = 0; i < 40 && strstr(end, "failed") == NULL; i++) {
        strbuf_clear(&config);
        strbuf_append_format(&config, "{\"id\":\"%d\",\"text\":\"word ", i);
        for (int j = 0; j < 6000; j++) {
            strbuf_append_format(&config, "w%d ", i * 6000 + j);
        }
        strbuf_append_text(&config, "\"}");
        end = run("search.index", config.p);
        added += strstr(end, "\"added\":1") != NULL;
    }
    assert_has(end, "\"symbol\":\"search.full\"");
    assert_has(end, "\"RESOURCE\"");
    assert_has(end, "raise 'max_size_mb'");
    char count[32];
    (void)snprintf(count, sizeof(count), "\"count\":%d,", added);
    assert_has(find("{'query':'word','limit':100}"), count); /* nothing of it is half there */
    rig.settings = "{\"max_size_mb\":100}";
    assert_has(run("search.index", config.p), "\"added\":1");
    strbuf_finish(&config);
}

static void test_search__fails_where_the_disk_is_full(void **state)
{
    (void)state;
    struct rlimit before;
    struct strbuf config = STRBUF_INIT;
    assert_has(put("{'id':'a','text':'word'}"), "done ");
    strbuf_append_text(&config, "{\"id\":\"b\",\"text\":\"word ");
    for (int i = 0; i < 60000; i++) {
        strbuf_append_format(&config, "w%d ", i);
    }
    strbuf_append_text(&config, "\"}");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 200000, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const char *end = run("search.index", config.p);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_has(end, "\"symbol\":\"search.full\"");
    assert_string_equal(ids("{'query':'word'}"), "a");
    assert_has(run("search.index", config.p), "\"added\":1");
    strbuf_finish(&config);
}

/* ---- Together ---- */

/* What another process would hold; the descriptor lets it go. */
static int hold_lock(void)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s.lock", file);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

static void test_search__waits_for_who_writes(void **state)
{
    (void)state;
    assert_has(put("{'id':'a','text':'x'}"), "done ");
    int fd = hold_lock();
    assert_string_equal(ids("{'query':'x'}"), "a"); /* who reads waits for nobody */
    rig.settings = "{\"wait_ms\":50}";
    const char *end = put("{'id':'b','text':'x'}");
    assert_has(end, "\"UNAVAILABLE\"");
    assert_has(end, "\"symbol\":\"search.busy\"");
    rig.settings = "{}";
    assert_null(start("search.index", json("{'id':'b','text':'x'}")));
    rig_turn(&rig, 50);
    assert_int_equal(rig.tasks[last_token].ends, 0);
    (void)close(fd);
    assert_has(rig_wait(&rig, last_token), "\"added\":1");
}

static void test_search__stops_waiting_when_it_is_cancelled(void **state)
{
    (void)state;
    assert_has(put("{'id':'a','text':'x'}"), "done ");
    int fd = hold_lock();
    uint64_t tokens[2];
    for (size_t i = 0; i < COUNT(tokens); i++) { /* one has the place, the other waits for it */
        assert_null(start("search.index", json("{'id':'b','text':'x'}")));
        tokens[i] = last_token;
        rig_turn(&rig, 20);
    }
    for (size_t i = 0; i < COUNT(tokens); i++) {
        host_task_cancel(rig.host, rig.tasks[tokens[i]].handle, HOST_CANCEL_REQUESTED);
        assert_has(rig_wait(&rig, tokens[i]), "failed {\"code\":\"CANCELLED\"");
    }
    (void)close(fd);
    assert_has(put("{'id':'b','text':'x'}"), "\"added\":1");
}

/* `count` documents from `first` on, with the word "common" and a word of their own. */
static void append_documents(struct strbuf *config, int first, int count)
{
    strbuf_clear(config);
    strbuf_append_text(config, "{\"documents\":[");
    for (int i = first; i < first + count; i++) {
        strbuf_append_format(config,
                             "%s{\"id\":\"%d\",\"title\":\"Issue %d\",\"text\":\"common word%d of "
                             "part%d fails with error e%d in module m%d\",\"data\":{\"n\":%d},"
                             "\"time\":\"2025-01-01T00:00:00Z\"}",
                             i > first ? "," : "", i, i, i, i % 100, i % 977, i % 31, i);
    }
    strbuf_append_text(config, "]}");
    assert_int_equal(strbuf_status(config), 0);
}

static void test_search__is_stopped_while_it_works(void **state)
{
    (void)state;
    struct strbuf config = STRBUF_INIT;
    append_documents(&config, 0, 10000);
    assert_null(start("search.index", config.p));
    uint64_t token = last_token;
    while (!host_task_has_begun(rig.host, rig.tasks[token].handle)) {
        rig_turn(&rig, 1);
    }
    host_task_cancel(rig.host, rig.tasks[token].handle, HOST_CANCEL_REQUESTED);
    assert_has(rig_wait(&rig, token), "failed {\"code\":\"CANCELLED\"");
    assert_string_equal(ids("{}"), ""); /* all or none */
    assert_has(run("search.index", config.p), "\"added\":10000");
    strbuf_finish(&config);
}

static void test_search__serves_many_at_once(void **state)
{
    (void)state;
    uint64_t tokens[60];
    for (size_t i = 0; i < COUNT(tokens); i++) {
        char config[128];
        (void)snprintf(config, sizeof(config), "{'id':'%zu','text':'common w%zu'}", i / 3, i);
        const char *type = i % 3 == 2 ? "search.query" : "search.index";
        assert_null(
            start(type, i % 3 == 2 ? json("{'query':'common','limit':100}") : json(config)));
        tokens[i] = last_token;
    }
    for (size_t i = 0; i < COUNT(tokens); i++) {
        assert_has(rig_wait(&rig, tokens[i]), "done ");
    }
    assert_has(find("{'query':'common','limit':100}"), "\"count\":20,");
}

static void test_search__finds_one_among_a_hundred_thousand(void **state)
{
    (void)state;
    struct strbuf config = STRBUF_INIT;
    for (int i = 0; i < 10; i++) {
        append_documents(&config, i * 10000, 10000);
        assert_has(run("search.index", config.p), "\"added\":10000");
    }
    strbuf_finish(&config);
    assert_string_equal(ids("{'query':'word77777 is broken','limit':5}"), "77777");
    assert_string_equal(ids("{'query':'common part7','limit':3,'match':'all'}"),
                        "10007 1007 10107");
    assert_has(find("{'query':'common error module','limit':3}"), "\"count\":3,");
    assert_has(put("{'id':'77777','text':'other'}"), "\"replaced\":1");
    assert_string_equal(ids("{'query':'word77777'}"), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_search__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(finds_again_what_was_put_there),
        TEST(folds_case_and_accents),
        TEST(cuts_words_to_stems_where_it_is_asked_for),
        TEST(takes_no_text_for_syntax),
        TEST(takes_the_syntax_of_fts_where_it_is_asked_for),
        TEST(narrows_down),
        TEST(gives_the_newest_first_without_a_query),
        TEST(scores_more_for_a_better_answer),
        TEST(scores_also_in_an_index_of_one),
        TEST(orders_equal_scores_by_time_and_id),
        TEST(indexes_the_same_only_once),
        TEST(takes_documents_out),
        TEST(puts_all_documents_or_none),
        TEST(refuses_wrong_configs),
        TEST(keeps_its_file_to_its_user),
        TEST(stands_where_it_is_told),
        TEST(stands_in_no_private_folder),
        TEST(is_in_memory_where_nothing_is_kept),
        TEST(makes_a_file_that_was_moved_away_anew),
        TEST(says_that_a_file_is_damaged_and_leaves_it),
        TEST(leaves_files_of_others_alone),
        TEST(stops_at_its_bound_of_size),
        TEST(fails_where_the_disk_is_full),
        TEST(waits_for_who_writes),
        TEST(stops_waiting_when_it_is_cancelled),
        TEST(is_stopped_while_it_works),
        TEST(serves_many_at_once),
        TEST(finds_one_among_a_hundred_thousand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
