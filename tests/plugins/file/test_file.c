/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin `file` in the real host, below a folder that is made for each test. */
#include "tests/sdk/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rig rig;
static uint64_t last_token;
static char folder[] = "/tmp/test_file_XXXXXX";
static char settings[256];

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no '%s' in: %s", part, text);
    }
}

/* `%s` in `config` is the folder, as often as it stands there (up to twice). */
static const char *run(const char *type, const char *config)
{
    char text[4096];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, sizeof(text), config, folder, folder);
#pragma GCC diagnostic pop
    last_token = (last_token + 1) % RIG_TASKS;
    return rig_run(&rig, last_token, type, text);
}

static const char *path_of(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *content)
{
    FILE *file = fopen(path_of(name), "we");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *get(const char *name)
{
    static char content[4096];
    FILE *file = fopen(path_of(name), "re");
    assert_non_null(file);
    size_t n = fread(content, 1, sizeof(content) - 1, file);
    content[n] = '\0';
    assert_int_equal(fclose(file), 0);
    return content;
}

static bool is_there(const char *name)
{
    struct stat info;
    return lstat(path_of(name), &info) == 0;
}

static void test_file__reads_text_json_and_bytes(void **state)
{
    (void)state;
    put("a.json", "{\"x\": [1, \"ü\"]}");
    const char *end = run("file.read", "{\"path\":\"%s/a.json\"}");
    assert_has(end, "\"content\":\"{\\\"x\\\": [1, \\\"ü\\\"]}\",\"size\":16,\"modified\":\"20");
    assert_has(end, "Z\"}");
    assert_has(run("file.read", "{\"path\":\"%s/./x/../a.json\",\"as\":\"json\"}"),
               "\"content\":{\"x\":[1,\"ü\"]}");
    put("b", "\xFF\xFE");
    assert_has(run("file.read", "{\"path\":\"%s/b\",\"as\":\"base64\"}"), "\"content\":\"//4=\"");
    put("empty", "");
    assert_has(run("file.read", "{\"path\":\"%s/empty\"}"), "\"content\":\"\",\"size\":0");
}

static void test_file__says_why_it_cannot_read(void **state)
{
    (void)state;
    put("bytes", "\xFF\xFE");
    put("broken.json", "{\n  \"a\": }");
    put("long", "0123456789");
    assert_int_equal(symlink("long", path_of("link")), 0);
    assert_int_equal(mkdir(path_of("sub"), 0700), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    static const char *const cases[][3] = {
        {"{\"path\":\"%s/none\"}", "NOT_FOUND", "/none' does not exist"},
        {"{\"path\":\"%s/long/x\"}", "INPUT", "is not a folder"},
        {"{\"path\":\"%s/sub\"}", "INPUT", "/sub' is a folder"},
        {"{\"path\":\"%s\"}", "INPUT", "is a folder"},
        {"{\"path\":\"%s/pipe\"}", "INPUT", "is no ordinary file"},
        {"{\"path\":\"%s/link\"}", "PERMISSION", "is a symbolic link"},
        {"{\"path\":\"%s/bytes\"}", "INPUT", "set 'as: text' or, for any bytes, 'as: base64'"},
        {"{\"path\":\"%s/broken.json\",\"as\":\"json\"}", "INPUT", "line 2"},
        {"{\"path\":\"%s/long\",\"max_bytes\":9}", "RESOURCE", "is larger than 'max_bytes'"},
        {"{\"path\":\"%s/a\\u0000b\"}", "INPUT", "a NUL byte"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *end = run("file.read", cases[i][0]);
        assert_has(end, cases[i][1]);
        assert_has(end, cases[i][2]);
    }
    assert_has(run("file.read", "{\"path\":\"%s/long\",\"max_bytes\":10}"), "\"size\":10");
}

static const char *items(void)
{
    struct str text = strbuf_str(&rig.tasks[last_token].items);
    return text.n > 0 ? text.p : "";
}

static void assert_items(const char *expected)
{
    assert_string_equal(items(), expected);
}

static void test_file__emits_lines(void **state)
{
    (void)state;
    put("a", "one\n\ntwo \xC3\xBC\r\nlast");
    assert_has(run("file.lines", "{\"path\":\"%s/a\"}"), "\"count\":4,\"size\":17}");
    assert_items("\"one\" \"\" \"two \xC3\xBC\" \"last\" ");
    put("b", "{\"n\": 1}\n  \n[2]\r\n3\n");
    assert_has(run("file.lines", "{\"path\":\"%s/b\",\"as\":\"json\"}"), "\"count\":3,");
    assert_items("{\"n\":1} [2] 3 ");
    put("empty", "");
    assert_has(run("file.lines", "{\"path\":\"%s/empty\"}"), "\"count\":0,\"size\":0}");
    assert_items("");
    put("end", "\n");
    assert_has(run("file.lines", "{\"path\":\"%s/end\"}"), "\"count\":1,");
    assert_items("\"\" ");
}

static void put_many(const char *name, int count, int width)
{
    FILE *file = fopen(path_of(name), "we");
    assert_non_null(file);
    for (int i = 0; i < count; i++) {
        assert_true(fprintf(file, "%0*d\n", width, i) > 0);
    }
    assert_int_equal(fclose(file), 0);
}

static void test_file__emits_lines_however_many_and_long(void **state)
{
    (void)state;
    put_many("many", 50000, 5);
    assert_has(run("file.lines", "{\"path\":\"%s/many\"}"), "\"count\":50000,\"size\":300000}");
    assert_int_equal(rig.tasks[last_token].item_count, 50000);
    assert_has(items(), "\"00000\" \"00001\" \"00002\" "); /* the rig keeps only the first */
    put_many("long", 3, 200000);                           /* over what is read at once */
    assert_has(run("file.lines", "{\"path\":\"%s/long\"}"), "\"count\":3,\"size\":600003}");
    assert_has(run("file.lines", "{\"path\":\"%s/long\",\"max_line_bytes\":200000}"), "done");
    assert_has(run("file.lines", "{\"path\":\"%s/long\",\"max_line_bytes\":199999}"),
               "/long' is longer than 199999 bytes");
}

static void test_file__says_which_line_is_wrong(void **state)
{
    (void)state;
    put("bytes", "fine\n\xFF\xFE\n");
    put("broken", "1\n\n{]\n");
    assert_int_equal(mkdir(path_of("sub"), 0700), 0);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    static const char *const cases[][3] = {
        {"{\"path\":\"%s/none\"}", "NOT_FOUND", "/none' does not exist"},
        {"{\"path\":\"%s/sub\"}", "INPUT", "/sub' is a folder"},
        {"{\"path\":\"%s/pipe\"}", "INPUT", "is no ordinary file"},
        {"{\"path\":\"/etc/passwd\"}", "PERMISSION", "/etc/passwd"},
        {"{\"path\":\"%s/bytes\"}", "INPUT", "/bytes': it is not UTF-8"},
        {"{\"path\":\"%s/broken\",\"as\":\"json\"}", "INPUT", "line 3 of '"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *end = run("file.lines", cases[i][0]);
        assert_has(end, cases[i][1]);
        assert_has(end, cases[i][2]);
    }
}

static void test_file__emits_no_faster_than_lines_are_taken(void **state)
{
    (void)state;
    char config[512];
    struct error err = {0};
    put_many("many", 1000, 5);
    (void)snprintf(config, sizeof(config), "{\"path\":\"%s\"}", path_of("many"));
    uint64_t reads = ++last_token;
    uint64_t stops = ++last_token;
    uint32_t credit = rig.credit;
    rig.credit = 0;
    assert_int_equal(rig_start(&rig, reads, "file.lines", config, &err), 0);
    assert_int_equal(rig_start(&rig, stops, "file.lines", config, &err), 0);
    rig_turn(&rig, 100);
    int first = rig.tasks[reads].item_count;
    assert_in_range(first, 1, 999);
    host_task_credit(rig.host, rig.tasks[reads].handle, 10);
    rig_turn(&rig, 100);
    assert_int_equal(rig.tasks[reads].item_count, first + 10);
    host_task_cancel(rig.host, rig.tasks[stops].handle, HOST_CANCEL_REQUESTED);
    assert_has(rig_wait(&rig, stops), "stopped while reading");
    host_task_credit(rig.host, rig.tasks[reads].handle, 1000);
    assert_has(rig_wait(&rig, reads), "\"count\":1000,");
    assert_int_equal(rig.tasks[reads].item_count, 1000);
    rig.credit = credit;
}

static void test_file__stays_below_its_folders(void **state)
{
    (void)state;
    char outside[64];
    (void)snprintf(outside, sizeof(outside), "%sx", folder);
    assert_int_equal(mkdir(outside, 0700), 0); /* begins with the same characters */
    assert_int_equal(symlink("/etc", path_of("etc")), 0);
    assert_int_equal(symlink("..", path_of("up")), 0);
    assert_int_equal(symlink("/proc/self/root", path_of("magic")), 0);
    static const char *const cases[] = {
        "{\"path\":\"/etc/passwd\"}",
        "{\"path\":\"%s/../../etc/passwd\"}",
        "{\"path\":\"%sx/secret\"}",
        "{\"path\":\"%s/etc/passwd\"}",
        "{\"path\":\"%s/up/secret\"}",
        "{\"path\":\"%s/magic/etc/passwd\"}",
        "{\"path\":\"/\"}",
        "{\"path\":\"/proc/self/environ\"}",
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_has(run("file.read", cases[i]), "PERMISSION");
    }
    assert_has(run("file.read", cases[0]), "add its folder to integrations.file.roots");
    assert_has(run("file.write", "{\"path\":\"%s/etc/x\",\"content\":\"\"}"), "PERMISSION");
    assert_has(run("file.write", "{\"path\":\"/x\",\"content\":\"\"}"), "PERMISSION");
    assert_has(run("file.list", "{\"path\":\"%s/etc\"}"), "PERMISSION");
    assert_has(run("file.glob", "{\"pattern\":\"/etc/*\"}"), "PERMISSION");
    assert_has(run("file.glob", "{\"pattern\":\"etc/*\",\"path\":\"%s\"}"), "PERMISSION");
    assert_has(run("file.glob", "{\"pattern\":\"*/passwd\",\"path\":\"%s\"}"), "\"count\":0");
    assert_int_equal(rmdir(outside), 0);
}

static void test_file__follows_links_inside_when_it_may(void **state)
{
    (void)state;
    put("real", "content");
    assert_int_equal(symlink("real", path_of("inside")), 0);
    assert_int_equal(symlink("/etc/passwd", path_of("outside")), 0);
    char allowed[320];
    (void)snprintf(allowed, sizeof(allowed), "{\"roots\":[\"%s\"],\"follow_symlinks\":true}",
                   folder);
    rig.settings = allowed;
    assert_has(run("file.read", "{\"path\":\"%s/inside\"}"), "\"content\":\"content\"");
    assert_has(run("file.read", "{\"path\":\"%s/outside\"}"), "PERMISSION");
    rig.settings = settings;
}

static void test_file__default_folders_are_here_and_the_temporary_one(void **state)
{
    (void)state;
    rig.settings = "{}";
    put("here.txt", "yes");
    char *before = getcwd(NULL, 0);
    assert_non_null(before);
    assert_has(run("file.read", "{\"path\":\"%s/here.txt\"}"), "yes"); /* /tmp */
    assert_int_equal(chdir(folder), 0);
    assert_has(run("file.read", "{\"path\":\"here.txt\"}"), "yes");
    assert_has(run("file.read", "{\"path\":\"/usr/include/stdio.h\"}"), "PERMISSION");
    assert_int_equal(chdir(before), 0);
    free(before);
    rig.settings = settings;
}

static void test_file__writes_text_and_json(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"{\"path\":\"%s/o\",\"content\":\"text ü\\n\"}", "text ü\n", "\"bytes\":8"},
        {"{\"path\":\"%s/o\",\"content\":{\"a\":[1,{}],\"b\":\"x\\\"y\",\"c\":[]}}",
         "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\\\"y\",\n  \"c\": []\n}\n", "bytes"},
        {"{\"path\":\"%s/o\",\"content\":{\"a\":[1]},\"pretty\":false}", "{\"a\":[1]}\n", "10"},
        {"{\"path\":\"%s/o\",\"content\":\"t\",\"format\":\"json\"}", "\"t\"\n", "4"},
        {"{\"path\":\"%s/o\",\"content\":\"\",\"format\":\"json\"}", "\"\"\n", "3"},
        {"{\"path\":\"%s/o\",\"content\":null}", "null\n", "5"},
        {"{\"path\":\"%s/o\",\"content\":\"\"}", "", "0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_has(run("file.write", cases[i][0]), cases[i][2]);
        assert_string_equal(get("o"), cases[i][1]);
    }
    assert_has(run("file.write", "{\"path\":\"%s/o\",\"content\":1,\"format\":\"text\"}"),
               "'content' is not a text");
}

static void test_file__writes_by_mode(void **state)
{
    (void)state;
    assert_has(run("file.write", "{\"path\":\"%s/m\",\"content\":\"1\",\"mode\":\"create\"}"),
               "\"created\":true");
    const char *end =
        run("file.write", "{\"path\":\"%s/m\",\"content\":\"2\",\"mode\":\"create\"}");
    assert_has(end, "CONFLICT");
    assert_has(end, "exists already");
    assert_string_equal(get("m"), "1");
    assert_has(run("file.write", "{\"path\":\"%s/m\",\"content\":\"3\",\"mode\":\"append\"}"),
               "\"created\":false");
    assert_string_equal(get("m"), "13");
    assert_has(run("file.write", "{\"path\":\"%s/m\",\"content\":\"4\"}"), "\"created\":false");
    assert_string_equal(get("m"), "4");
    assert_has(run("file.write", "{\"path\":\"%s/n\",\"content\":\"5\",\"mode\":\"append\"}"),
               "\"created\":true");
    assert_string_equal(get("n"), "5");
}

static void test_file__replacing_keeps_permissions_and_leaves_nothing(void **state)
{
    (void)state;
    put("p", "old");
    assert_int_equal(chmod(path_of("p"), 0640), 0);
    assert_has(run("file.write", "{\"path\":\"%s/p\",\"content\":\"new\"}"), "done");
    struct stat info;
    assert_int_equal(stat(path_of("p"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(mkdir(path_of("d"), 0700), 0);
    assert_int_equal(symlink("p", path_of("l")), 0);
    assert_has(run("file.write", "{\"path\":\"%s/d\",\"content\":\"x\"}"), "is a folder");
    assert_has(run("file.write", "{\"path\":\"%s/l\",\"content\":\"x\"}"), "symbolic link");
    assert_has(run("file.write", "{\"path\":\"%s/l\",\"content\":\"x\",\"mode\":\"append\"}"),
               "symbolic link");
    assert_has(run("file.write", "{\"path\":\"%s\",\"content\":\"x\"}"), "is a folder");
    assert_string_equal(get("p"), "new");
    assert_has(run("file.list", "{\"path\":\"%s\",\"hidden\":true}"), "\"count\":3");
}

static void test_file__makes_folders_when_asked(void **state)
{
    (void)state;
    const char *end = run("file.write", "{\"path\":\"%s/x/y/z\",\"content\":\"1\"}");
    assert_has(end, "NOT_FOUND");
    assert_has(end, "parents: true");
    assert_false(is_there("x"));
    assert_has(run("file.write", "{\"path\":\"%s/x/y/z\",\"content\":\"1\",\"parents\":true}"),
               "done");
    assert_has(run("file.write", "{\"path\":\"%s/x/y/w\",\"content\":\"2\",\"parents\":true}"),
               "done");
    assert_string_equal(get("x/y/z"), "1");
    assert_string_equal(get("x/y/w"), "2");
    assert_has(run("file.write", "{\"path\":\"%s/x/y/z/q\",\"content\":\"\",\"parents\":true}"),
               "is not a folder");
}

static void make_tree(void)
{
    static const char *const folders[] = {"t", "t/a", "t/a/b", "t/.h"};
    static const char *const files[] = {"t/1.txt",     "t/2.json",   "t/a/3.txt",
                                        "t/a/b/4.txt", "t/.h/5.txt", "t/.6.txt"};
    for (size_t i = 0; i < COUNT(folders); i++) {
        assert_int_equal(mkdir(path_of(folders[i]), 0700), 0);
    }
    for (size_t i = 0; i < COUNT(files); i++) {
        put(files[i], "123");
    }
    assert_int_equal(symlink("/etc", path_of("t/link")), 0);
}

static void test_file__lists_folders(void **state)
{
    (void)state;
    make_tree();
    const char *end = run("file.list", "{\"path\":\"%s/t\"}");
    assert_has(end, "\"count\":4}");
    assert_has(end, "\"entries\":[{\"name\":\"1.txt\",\"path\":\"/tmp/test_file_");
    assert_has(end, "\"type\":\"file\",\"size\":3,\"modified\":\"20");
    assert_has(end, "\"type\":\"folder\"");
    assert_has(end, "\"type\":\"link\"");
    assert_has(run("file.list", "{\"path\":\"%s/t\",\"recursive\":true}"), "\"count\":7}");
    assert_has(run("file.list", "{\"path\":\"%s/t\",\"recursive\":true,\"hidden\":true}"),
               "\"count\":10}");
    assert_has(run("file.list", "{\"path\":\"%s/t/1.txt\"}"), "is not a folder");
    assert_has(run("file.list", "{\"path\":\"%s/t\",\"max_entries\":4}"), "\"count\":4}");
    end = run("file.list", "{\"path\":\"%s/t\",\"max_entries\":3}");
    assert_has(end, "RESOURCE");
    assert_has(end, "more entries than 'max_entries'");
}

static void test_file__finds_by_pattern(void **state)
{
    (void)state;
    make_tree();
    static const char *const cases[][2] = {
        {"{\"pattern\":\"*.txt\",\"path\":\"%s/t\"}", "\"count\":1}"},
        {"{\"pattern\":\"t/*.txt\",\"path\":\"%s\"}", "\"count\":1}"},
        {"{\"pattern\":\"%s/t/*.txt\"}", "\"count\":1}"},
        {"{\"pattern\":\"**/*.txt\",\"path\":\"%s/t\"}", "\"count\":3}"},
        {"{\"pattern\":\"**/*.txt\",\"path\":\"%s/t\",\"hidden\":true}", "\"count\":5}"},
        {"{\"pattern\":\"**\",\"path\":\"%s/t\"}", "\"count\":7}"},
        {"{\"pattern\":\"a/**/4.txt\",\"path\":\"%s/t\"}", "\"count\":1}"},
        {"{\"pattern\":\"a/**/b\",\"path\":\"%s/t\"}", "\"count\":1}"},
        {"{\"pattern\":\"**/**/b/**\",\"path\":\"%s/t\"}", "\"count\":2}"},
        {"{\"pattern\":\"[0-9].*\",\"path\":\"%s/t\"}", "\"count\":2}"},
        {"{\"pattern\":\"?.json\",\"path\":\"%s/t\"}", "\"count\":1}"},
        {"{\"pattern\":\"1.txt\",\"path\":\"%s/t\"}", "\"count\":1}"},
        {"{\"pattern\":\"none*\",\"path\":\"%s/t\"}", "\"count\":0}"},
        {"{\"pattern\":\"../../*\",\"path\":\"%s/t\"}", "PERMISSION"},
        {"{\"pattern\":\"*/../*\",\"path\":\"%s/t\"}", "'pattern' has a part that is empty"},
        {"{\"pattern\":\"no/such/*\",\"path\":\"%s/t\"}", "NOT_FOUND"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_has(run("file.glob", cases[i][0]), cases[i][1]);
    }
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_folder(void **state)
{
    (void)state;
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(settings, sizeof(settings), "{\"roots\":[\"/nowhere\",\"%s\"]}", folder);
    rig.settings = settings;
    return 0;
}

static int open_rig(void **state)
{
    (void)state;
    rig_open_folder(&rig, PLUGIN_DIR);
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* ---- Private folders ---- */

static void put_private(void)
{
    char text[512];
    assert_int_equal(mkdir(path_of("st:a\\te"), 0700), 0);
    assert_int_equal(mkdir(path_of("st:a\\te/sub"), 0700), 0);
    put("st:a\\te/key", "canary");
    put("st:a\\te/sub/key", "canary");
    put("st", "open");
    (void)snprintf(text, sizeof(text), "/nowhere:%s/st\\:a\\\\te", folder);
    assert_int_equal(setenv("OPSTREAM_PRIVATE_FOLDERS", text, 1), 0);
}

static int forget_private(void **state)
{
    rig.settings = settings;
    return unsetenv("OPSTREAM_PRIVATE_FOLDERS") == 0 ? remove_folder(state) : -1;
}

/* Every way to use `path` is refused, and the folder is as it was. */
static void assert_private(const char *path)
{
    static const char *const uses[][2] = {
        {"file.read", "{\"path\":\"%s/key\"}"},
        {"file.read", "{\"path\":\"%s/sub/../sub/./key\"}"},
        {"file.lines", "{\"path\":\"%s/key\"}"},
        {"file.list", "{\"path\":\"%s\"}"},
        {"file.list", "{\"path\":\"%s/sub\"}"},
        {"file.glob", "{\"pattern\":\"*\",\"path\":\"%s\"}"},
        {"file.write", "{\"path\":\"%s/key\",\"content\":\"x\"}"},
        {"file.write", "{\"path\":\"%s/new\",\"content\":\"x\"}"},
        {"file.write", "{\"path\":\"%s/new\",\"content\":\"x\",\"mode\":\"create\"}"},
        {"file.write", "{\"path\":\"%s/new\",\"content\":\"x\",\"mode\":\"append\"}"},
        {"file.write", "{\"path\":\"%s/key\",\"content\":\"x\",\"mode\":\"append\"}"},
        {"file.write", "{\"path\":\"%s/a/b/new\",\"content\":\"x\",\"parents\":true}"},
    };
    for (size_t i = 0; i < COUNT(uses); i++) {
        char config[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(config, sizeof(config), uses[i][1], path);
#pragma GCC diagnostic pop
        const char *end = run(uses[i][0], config);
        assert_has(end, "failed {\"code\":\"PERMISSION\"");
        assert_has(end, "te'\"");
        assert_has(end, "is in the private folder '/tmp/test_file_");
    }
    assert_string_equal(get("st:a\\te/key"), "canary");
    assert_false(is_there("st:a\\te/new"));
    assert_false(is_there("st:a\\te/a"));
}

static void set_roots(const char *root, int follows)
{
    static char text[1024];
    (void)snprintf(text, sizeof(text), "{\"roots\":[\"%s\"],\"follow_symlinks\":%s}", root,
                   follows ? "true" : "false");
    rig.settings = text;
}

static void test_file__opens_nothing_in_private_folders(void **state)
{
    (void)state;
    char json[256];
    char root[256];
    put_private();
    (void)snprintf(json, sizeof(json), "%s/st:a\\\\te", folder);
    assert_private(json);
    set_roots("/", 0);
    assert_private(json);
    set_roots(json, 0);
    assert_private(json);
    (void)snprintf(root, sizeof(root), "%s/st:a\\\\te/sub", folder);
    set_roots(root, 1);
    assert_has(run("file.read", "{\"path\":\"%s/st:a\\\\te/sub/key\"}"), "private folder");

    /* What only begins like one, and what is beside it, is open. */
    set_roots("/", 0);
    assert_has(run("file.read", "{\"path\":\"%s/st\"}"), "\"content\":\"open\"");
    assert_has(run("file.write", "{\"path\":\"%s/st:a/key\",\"content\":1,\"parents\":true}"),
               "done ");
    assert_has(run("file.list", "{\"path\":\"%s\",\"recursive\":true}"), "\"count\":4}");
    assert_has(run("file.glob", "{\"path\":\"%s\",\"pattern\":\"**/key\"}"), "\"count\":1}");
}

static void test_file__finds_no_way_into_private_folders(void **state)
{
    (void)state;
    char path[256];
    char root[512];
    put_private();
    (void)snprintf(path, sizeof(path), "%s/st:a\\te", folder);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(symlink(path, path_of("link")), 0);
    assert_int_equal(symlink("st:a\\te", path_of("near")), 0);
    assert_int_equal(symlink("st:a\\te/key", path_of("file")), 0);
    assert_int_equal(symlink("st:a\\te/new", path_of("dangling")), 0);
    const char *const roots[] = {"/proc/self/root%s/st:a\\\\te", "/proc/thread-self/root%s/link",
                                 "%s/link", "/proc/self/fd/%d", "/proc/%d/fd/%d"};
    for (size_t i = 0; i < COUNT(roots); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        if (i < 3) {
            (void)snprintf(root, sizeof(root), roots[i], folder);
        } else {
            (void)snprintf(root, sizeof(root), roots[i], i == 3 ? fd : (int)getpid(), fd);
        }
#pragma GCC diagnostic pop
        set_roots(root, 1);
        assert_private(root);
    }
    (void)snprintf(root, sizeof(root), "%s/near", folder);
    set_roots(folder, 1);
    assert_private(root);
    assert_has(run("file.read", "{\"path\":\"%s/file\"}"), "is in the private folder");
    assert_has(run("file.write", "{\"path\":\"%s/file\",\"content\":\"x\",\"mode\":\"append\"}"),
               "is in the private folder");
    assert_has(
        run("file.write", "{\"path\":\"%s/dangling\",\"content\":\"x\",\"mode\":\"append\"}"),
        "failed {\"code\":\"PERMISSION\"");
    assert_false(is_there("st:a\\te/new"));
    assert_string_equal(get("st:a\\te/key"), "canary");
    assert_int_equal(close(fd), 0);
}

#define FILE_TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)
#define PRIVATE_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, make_folder, forget_private)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_file__reads_text_json_and_bytes),
        FILE_TEST(test_file__says_why_it_cannot_read),
        FILE_TEST(test_file__emits_lines),
        FILE_TEST(test_file__emits_lines_however_many_and_long),
        FILE_TEST(test_file__says_which_line_is_wrong),
        FILE_TEST(test_file__emits_no_faster_than_lines_are_taken),
        FILE_TEST(test_file__stays_below_its_folders),
        FILE_TEST(test_file__follows_links_inside_when_it_may),
        FILE_TEST(test_file__default_folders_are_here_and_the_temporary_one),
        FILE_TEST(test_file__writes_text_and_json),
        FILE_TEST(test_file__writes_by_mode),
        FILE_TEST(test_file__replacing_keeps_permissions_and_leaves_nothing),
        FILE_TEST(test_file__makes_folders_when_asked),
        FILE_TEST(test_file__lists_folders),
        FILE_TEST(test_file__finds_by_pattern),
        PRIVATE_TEST(test_file__opens_nothing_in_private_folders),
        PRIVATE_TEST(test_file__finds_no_way_into_private_folders),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
