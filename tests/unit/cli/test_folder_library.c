/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/folder_library.h"
#include "tests/support/failing_alloc.h"

const struct command *const command_table[] = {NULL};

/* A folder of its own, in which the test works; `names` are removed at the end. */
struct place {
    char folder[64];
    char before[4096];
};

static const char *const names[] = {"main.yaml",  "b.yaml",      "c.json",       ".hidden.yaml",
                                    "notes.txt",  "broken.yaml", "list.json",    "near/b.yaml",
                                    "near/d.yml", "near/e.yaml", "near/e2.yaml", "near/main.yaml",
                                    "near",       "folder.yaml", "pipe.yaml"};

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static struct place place;
    (void)snprintf(place.folder, sizeof(place.folder), "/tmp/library-XXXXXX");
    assert_non_null(getcwd(place.before, sizeof(place.before)));
    assert_non_null(mkdtemp(place.folder));
    assert_int_equal(chdir(place.folder), 0);
    assert_int_equal(mkdir("near", 0700), 0);
    assert_int_equal(mkdir("folder.yaml", 0700), 0);
    assert_int_equal(mkfifo("pipe.yaml", 0600), 0);
    write_file("main.yaml", "id: main\nnodes: []\n");
    write_file("b.yaml", "workflows:\n  b: {type: set}\n  bb: {type: set}\n");
    write_file("c.json", "{\"name\": \"The C\"}");
    write_file(".hidden.yaml", "id: hidden\n");
    write_file("notes.txt", "id: notes\n");
    write_file("broken.yaml", "id: broken\nnodes: [\n");
    write_file("list.json", "[1, 2]");
    write_file("near/b.yaml", "id: b\n");
    write_file("near/d.yml", "id: d\n");
    write_file("near/e.yaml", "id: e\n");
    write_file("near/e2.yaml", "id: e\n");
    assert_int_equal(symlink("../main.yaml", "near/main.yaml"), 0);
    *state = &place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(remove(names[i]), 0);
    }
    assert_int_equal(chdir(place->before), 0);
    assert_int_equal(rmdir(place->folder), 0);
    return 0;
}

static char near[] = "near";
static char *const folders[] = {near};

static void expect_file(struct folder_library *library, const char *id, const char *file,
                        const char *text)
{
    struct load_library loader = folder_library_loader(library);
    struct load_library_text found = {0};
    struct error err = {0};
    assert_int_equal(loader.find(loader.user, str_from(id), &found, &err), 0);
    assert_string_equal(found.file.p, file);
    assert_true(str_equal_text(found.text, text));
    assert_true(str_equal(folder_library_text(library, file), found.text));
}

static void expect_code(struct folder_library *library, const char *id, int code, const char *why)
{
    struct load_library loader = folder_library_loader(library);
    struct load_library_text found = {0};
    struct error err = {0};
    assert_int_equal(loader.find(loader.user, str_from(id), &found, &err), code);
    assert_string_equal(err.message, why);
}

static void expect_none(struct folder_library *library, const char *id, const char *why)
{
    expect_code(library, id, E_NOT_FOUND, why);
}

static void test_folder_library__finds_pipelines_beside_the_file(void **state)
{
    struct folder_library library;
    (void)state;
    folder_library_init(&library, NULL, 0, "main.yaml");
    expect_file(&library, "b", "b.yaml", "workflows:\n  b: {type: set}\n  bb: {type: set}\n");
    expect_file(&library, "bb", "b.yaml", "workflows:\n  b: {type: set}\n  bb: {type: set}\n");
    expect_file(&library, "the_c", "c.json", "{\"name\": \"The C\"}");
    expect_none(&library, "hidden",
                "the folder searched: .; 'broken.yaml' cannot be read: the text ends, and the '[' "
                "at 2:8 is still open");
    assert_int_equal(folder_library_text(&library, "d.yml").n, 0);
    folder_library_finish(&library);
}

static void test_folder_library__looks_into_named_folders_first(void **state)
{
    struct folder_library library;
    struct place *place = *state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/main.yaml", place->folder);
    folder_library_init(&library, folders, 1, path);
    expect_file(&library, "b", "near/b.yaml", "id: b\n");
    expect_file(&library, "d", "near/d.yml", "id: d\n");
    (void)snprintf(path, sizeof(path), "%s/c.json", place->folder);
    expect_file(&library, "the_c", path, "{\"name\": \"The C\"}");
    folder_library_finish(&library);
}

static void test_folder_library__two_files_with_one_id_are_no_answer(void **state)
{
    struct folder_library library;
    struct load_library loader;
    bool is_named = false;
    size_t count = 0;
    (void)state;
    folder_library_init(&library, folders, 1, "-");
    loader = folder_library_loader(&library);
    expect_code(&library, "e", E_CONFLICT, "both 'near/e.yaml' and 'near/e2.yaml' have it");
    for (; loader.id_at(loader.user, count).n > 0; count++) {
        is_named = is_named || str_equal_text(loader.id_at(loader.user, count), "e");
    }
    assert_int_equal(count, 3); /* b, d, main */
    assert_false(is_named);
    expect_none(&library, "f", "the folder searched: near");
    folder_library_finish(&library);
}

/* A library file that names a pipeline of the file that needed it means that very file. */
static void test_folder_library__knows_the_file_itself_by_its_name(void **state)
{
    struct folder_library library;
    struct load_library_text found = {0};
    (void)state;
    folder_library_init(&library, folders, 1, "./main.yaml");
    struct load_library loader = folder_library_loader(&library);
    assert_int_equal(loader.find(loader.user, STR("main"), &found, NULL), 0);
    assert_string_equal(found.file.p, "./main.yaml");
    folder_library_finish(&library);
}

static void test_folder_library__says_which_folder_is_not_there(void **state)
{
    struct folder_library library;
    char nowhere[] = "nowhere";
    char *const missing[] = {nowhere};
    (void)state;
    folder_library_init(&library, missing, 1, "-");
    expect_none(&library, "b",
                "the folder searched: nowhere; 'nowhere/' cannot be read: No such file or "
                "directory");
    folder_library_finish(&library);
    folder_library_init(&library, NULL, 0, "-");
    expect_none(&library, "b", "it is not in this text, and no library is searched");
    folder_library_finish(&library);
}

static void expect_named(struct folder_library *library, const char *from, const char *name,
                         const char *file, const char *text)
{
    struct load_library loader = folder_library_loader(library);
    struct load_library_text found = {0};
    struct error err = {0};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            loader.find_file(loader.user, str_from(from), str_from(name), &found, &err), 0);
        assert_string_equal(found.file.p, file);
        assert_true(str_equal_text(found.text, text));
        assert_true(str_equal(folder_library_text(library, file), found.text));
    }
}

static void expect_not_named(struct folder_library *library, const char *from, const char *name,
                             int code, const char *why)
{
    struct load_library loader = folder_library_loader(library);
    struct load_library_text found = {0};
    for (int i = 0; i < 2; i++) {
        struct error err = {0};
        assert_int_equal(
            loader.find_file(loader.user, str_from(from), str_from(name), &found, &err), code);
        assert_string_equal(err.message, why);
    }
}

/* Beside what names it, in the folders, beside the main file. */
static void test_folder_library__finds_files_by_their_name(void **state)
{
    struct folder_library library;
    struct place *place = *state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/d.yml", place->folder);
    folder_library_init(&library, folders, 1, "./main.yaml");
    expect_named(&library, "./main.yaml", "e2.yaml", "near/e2.yaml", "id: e\n");
    expect_named(&library, "./main.yaml", "near/e.yaml", "./near/e.yaml", "id: e\n");
    expect_named(&library, "near/b.yaml", "b.yaml", "near/b.yaml", "id: b\n");
    expect_named(&library, "near/b.yaml", "c.json", "./c.json", "{\"name\": \"The C\"}");
    expect_named(&library, "near/b.yaml", "../c.json", "near/../c.json", "{\"name\": \"The C\"}");
    expect_not_named(&library, "near/b.yaml", "x.yaml", E_NOT_FOUND,
                     "the folders searched: near/, near, ./");
    expect_not_named(&library, "./main.yaml", "near", E_NOT_FOUND,
                     "the folders searched: ./, near");
    (void)snprintf(path, sizeof(path), "%s/c.json", place->folder);
    expect_named(&library, "./main.yaml", path, path, "{\"name\": \"The C\"}");
    expect_not_named(&library, "./main.yaml", "/c.json", E_NOT_FOUND,
                     "it is looked for nowhere else");
    folder_library_finish(&library);
    folder_library_init(&library, NULL, 0, "-");
    expect_not_named(&library, "-", "c.json", E_NOT_FOUND, "no folder is searched");
    expect_named(&library, "-", path, path, "{\"name\": \"The C\"}");
    folder_library_finish(&library);
}

static void test_folder_library__says_what_cannot_be_read(void **state)
{
    struct folder_library library;
    (void)state;
    assert_int_equal(truncate("near/e2.yaml", 4 * 1024 * 1024 + 1), 0);
    folder_library_init(&library, folders, 1, "main.yaml");
    expect_not_named(&library, "main.yaml", "e2.yaml", E_IO,
                     "'near/e2.yaml' is larger than 4.0 MiB");
    folder_library_finish(&library);
    write_file("near/e2.yaml", "id: e\n");
}

static void test_folder_library__each_allocation_may_fail_for_a_file(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct folder_library library;
        struct load_library_text found = {0};
        struct error err = {0};
        folder_library_init(&library, folders, 1, "main.yaml");
        struct load_library loader = folder_library_loader(&library);
        failing_alloc_arm(n);
        int status = loader.find_file(loader.user, STR("main.yaml"), STR("e2.yaml"), &found, &err);
        bool is_reached = failing_alloc_disarm();
        folder_library_finish(&library);
        if (!is_reached) {
            assert_int_equal(status, 0);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

static void test_folder_library__each_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct folder_library library;
        struct load_library_text found = {0};
        struct error err = {0};
        folder_library_init(&library, folders, 1, "-");
        struct load_library loader = folder_library_loader(&library);
        failing_alloc_arm(n);
        int status = loader.find(loader.user, STR("d"), &found, &err);
        bool is_reached = failing_alloc_disarm();
        folder_library_finish(&library);
        if (!is_reached) {
            assert_int_equal(status, 0);
            break;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_library__finds_pipelines_beside_the_file),
        cmocka_unit_test(test_folder_library__looks_into_named_folders_first),
        cmocka_unit_test(test_folder_library__two_files_with_one_id_are_no_answer),
        cmocka_unit_test(test_folder_library__knows_the_file_itself_by_its_name),
        cmocka_unit_test(test_folder_library__says_which_folder_is_not_there),
        cmocka_unit_test(test_folder_library__finds_files_by_their_name),
        cmocka_unit_test(test_folder_library__says_what_cannot_be_read),
        cmocka_unit_test(test_folder_library__each_allocation_may_fail),
        cmocka_unit_test(test_folder_library__each_allocation_may_fail_for_a_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
