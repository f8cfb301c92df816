/* SPDX-License-Identifier: Apache-2.0 */

/* Folders, the index, and how it repairs itself; with the real plugins of the examples. */

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/host/manifest.h"
#include "core/host/registry.h"
#include "core/host/registry_file.h"
#include "tests/support/failing_alloc.h"

enum { INDEX_ROOM = 64 * 1024 };

/* A folder of plugins made of copies, and a place for the index. */
struct shelf {
    char folder[64];
    char index[96];
    const char *folders[1];
};

static void shelf_path(const struct shelf *shelf, const char *id, char path[256])
{
    (void)snprintf(path, 256, "%s/%s/%s.so", shelf->folder, id, id);
}

static void copy_file(const char *from, const char *to)
{
    char buffer[65536];
    ssize_t n;
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, buffer, sizeof buffer)) > 0) {
        assert_int_equal(write(out, buffer, (size_t)n), n);
    }
    assert_int_equal(close(in), 0);
    assert_int_equal(close(out), 0);
}

/* The example `example` as plugin file of folder `id`. */
static void shelf_add(const struct shelf *shelf, const char *id, const char *example)
{
    char from[PATH_MAX];
    char to[256];
    (void)snprintf(to, sizeof to, "%s/%s", shelf->folder, id);
    (void)mkdir(to, 0700);
    (void)snprintf(from, sizeof from, EXAMPLE_DIR "/%s/%s.so", example, example);
    shelf_path(shelf, id, to);
    copy_file(from, to);
}

static void shelf_remove(const struct shelf *shelf, const char *id)
{
    char path[256];
    shelf_path(shelf, id, path);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/%s", shelf->folder, id);
    (void)rmdir(path);
}

static void shelf_open(struct shelf *shelf)
{
    (void)snprintf(shelf->folder, sizeof shelf->folder, "/tmp/opstream_shelf_XXXXXX");
    assert_non_null(mkdtemp(shelf->folder));
    (void)snprintf(shelf->index, sizeof shelf->index, "%s.index", shelf->folder);
    shelf->folders[0] = shelf->folder;
    shelf_add(shelf, "hello", "hello");
    shelf_add(shelf, "count", "count");
}

static void shelf_close(struct shelf *shelf)
{
    static const char *const ids[] = {"hello", "count", "fetch", "other"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        shelf_remove(shelf, ids[i]);
    }
    (void)unlink(shelf->index);
    assert_int_equal(rmdir(shelf->folder), 0);
}

static struct registry *open_registry(const struct shelf *shelf)
{
    struct registry *registry = NULL;
    assert_int_equal(registry_create(shelf->folders, 1, shelf->index, &registry, NULL), 0);
    return registry;
}

static const struct node_type *find(struct registry *registry, const char *name, struct error *err)
{
    const struct catalogue *catalogue = registry_catalogue(registry);
    *err = (struct error){0};
    return catalogue->find_type(catalogue->user, str_from(name), err);
}

/* How many manifests were read. */
static size_t count_read(const struct registry *registry)
{
    size_t count = 0;
    for (size_t i = 0; i < registry->file_count; i++) {
        count += registry->files[i]->manifest != NULL;
    }
    return count;
}

/* Looks up `type` with the index as it is; true when the index was used. */
static bool look_up(const struct shelf *shelf, const char *type)
{
    struct error err;
    struct registry *registry = open_registry(shelf);
    if (find(registry, type, &err) == NULL) {
        fail_msg("'%s' is not found: %s", type, err.message);
    }
    bool was_indexed = registry->was_indexed;
    registry_destroy(registry);
    return was_indexed;
}

static void test_index__spares_the_next_start_the_manifests(void **state)
{
    struct shelf shelf;
    struct error err;
    (void)state;
    shelf_open(&shelf);
    assert_false(look_up(&shelf, "hello"));
    struct registry *registry = open_registry(&shelf);
    assert_non_null(find(registry, "hello", &err));
    assert_true(registry->was_indexed);
    assert_int_equal(count_read(registry), 1);
    registry_destroy(registry);
    shelf_close(&shelf);
}

static void test_index__tells_of_all_types_without_a_manifest(void **state)
{
    struct shelf shelf;
    (void)state;
    shelf_open(&shelf);
    assert_false(look_up(&shelf, "hello"));
    struct registry *registry = open_registry(&shelf);
    const struct catalogue *catalogue = registry_catalogue(registry);
    struct node_type_line line;
    size_t count = 0;
    while (catalogue->line_at(catalogue->user, count, &line)) {
        count++;
    }
    assert_true(count >= 2);
    assert_true(registry->was_indexed);
    assert_int_equal(count_read(registry), 0);

    for (size_t i = 0; i < count; i++) { /* and the manifests say the same */
        const struct node_type *type = catalogue->type_at(catalogue->user, i);
        assert_true(catalogue->line_at(catalogue->user, i, &line));
        assert_true(str_equal(line.name, type->name));
        assert_true(str_equal(line.plugin, type->plugin));
        assert_true(str_equal(line.summary, type->summary));
    }
    assert_null(catalogue->type_at(catalogue->user, count));
    registry_destroy(registry);
    shelf_close(&shelf);
}

static void test_index__is_made_anew_when_something_changed(void **state)
{
    struct shelf shelf;
    struct error err;
    (void)state;
    shelf_open(&shelf);
    assert_false(look_up(&shelf, "hello"));
    assert_true(look_up(&shelf, "hello"));

    shelf_add(&shelf, "fetch", "fetch"); /* a new one */
    assert_false(look_up(&shelf, "fetch"));
    assert_true(look_up(&shelf, "fetch"));

    shelf_remove(&shelf, "count"); /* one is gone */
    struct registry *registry = open_registry(&shelf);
    assert_null(find(registry, "count", &err));
    assert_int_equal(err.code, E_NOT_FOUND);
    assert_false(registry->was_indexed);
    registry_destroy(registry);

    shelf_remove(&shelf, "fetch"); /* one is another file */
    shelf_add(&shelf, "fetch", "fetch");
    assert_false(look_up(&shelf, "fetch"));
    assert_true(look_up(&shelf, "fetch"));
    shelf_close(&shelf);
}

static void test_index__tells_problems_without_reading_the_file_again(void **state)
{
    char path[256];
    struct shelf shelf;
    struct error err;
    (void)state;
    shelf_open(&shelf);
    shelf_remove(&shelf, "hello");
    (void)snprintf(path, sizeof path, "%s/hello", shelf.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    shelf_path(&shelf, "hello", path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(close(fd), 0);
    for (int round = 0; round < 2; round++) {
        struct registry *registry = open_registry(&shelf);
        assert_null(find(registry, "hello", &err));
        assert_int_equal(err.code, E_PLUGIN);
        assert_non_null(strstr(err.message, "hello.so': it is empty"));
        registry_destroy(registry);
    }
    shelf_close(&shelf);
}

static void write_index(const struct shelf *shelf, const char *text, mode_t mode)
{
    (void)unlink(shelf->index);
    int fd = open(shelf->index, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void read_index(const struct shelf *shelf, char text[INDEX_ROOM])
{
    int fd = open(shelf->index, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, INDEX_ROOM - 1);
    assert_in_range(n, 100, INDEX_ROOM - 2);
    text[n] = '\0';
    assert_int_equal(close(fd), 0);
}

static void test_index__that_is_odd_is_not_used(void **state)
{
    static const char *const odd[] = {
        "", "null", "{}", "[1]", "{\"format\":2}", "{\"format\":2,\"places\":7,\"files\":[{}]}"};
    char text[INDEX_ROOM];
    struct shelf shelf;
    (void)state;
    shelf_open(&shelf);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        write_index(&shelf, odd[i], 0600);
        assert_false(look_up(&shelf, "hello"));
        assert_true(look_up(&shelf, "hello"));
    }
    read_index(&shelf, text);
    for (size_t cut = 1; cut + 1 < strlen(text); cut += 37) {
        char part[INDEX_ROOM];
        (void)snprintf(part, sizeof part, "%.*s", (int)cut, text);
        write_index(&shelf, part, 0600);
        assert_false(look_up(&shelf, "hello"));
    }
    write_index(&shelf, text, 0666); /* others may have changed it */
    assert_false(look_up(&shelf, "hello"));
    shelf_close(&shelf);
}

static void replace(char *text, const char *from, const char *to)
{
    assert_int_equal(strlen(from), strlen(to));
    for (char *at = strstr(text, from); at != NULL; at = strstr(at, from)) {
        memcpy(at, to, strlen(to));
    }
}

static void test_index__that_lies_is_repaired(void **state)
{
    char text[INDEX_ROOM];
    struct shelf shelf;
    struct error err;
    (void)state;
    shelf_open(&shelf);
    assert_false(look_up(&shelf, "hello"));
    read_index(&shelf, text);
    replace(text, "\"types\":[[\"count\"", "\"types\":[[\"hallo\"");
    write_index(&shelf, text, 0600);
    struct registry *registry = open_registry(&shelf);
    assert_null(find(registry, "hallo", &err));
    assert_false(registry->was_indexed); /* looked again */
    assert_non_null(find(registry, "count", &err));
    registry_destroy(registry);
    assert_true(look_up(&shelf, "count"));
    shelf_close(&shelf);
}

static void test_index__cannot_bring_in_a_file_that_is_not_trusted(void **state)
{
    char path[256];
    struct shelf shelf;
    struct error err;
    (void)state;
    shelf_open(&shelf);
    assert_false(look_up(&shelf, "hello"));
    shelf_path(&shelf, "hello", path);
    struct registry *registry = open_registry(&shelf);
    assert_non_null(find(registry, "count", &err)); /* from the index */
    assert_int_equal(chmod(path, 0666), 0);
    assert_null(find(registry, "hello", &err));
    assert_non_null(strstr(err.message, "can be written to by others"));
    registry_destroy(registry);
    shelf_close(&shelf);
}

/* Who may write in a folder above can put another folder of plugins there. */
static void test_folders__are_refused_under_one_that_others_can_write_to(void **state)
{
    char outer[64] = "/tmp/opstream_outer_XXXXXX";
    char inner[96];
    char text[200];
    struct shelf shelf;
    struct error err;
    (void)state;
    shelf_open(&shelf);
    assert_non_null(mkdtemp(outer));
    (void)snprintf(inner, sizeof inner, "%s/plugins", outer);
    (void)snprintf(text, sizeof text, "(not used: the folder '%s' above '%s' can be written to by ",
                   outer, inner);
    assert_int_equal(rename(shelf.folder, inner), 0);
    (void)snprintf(shelf.folder, sizeof shelf.folder, "%.*s", (int)sizeof shelf.folder - 1, inner);
    assert_false(look_up(&shelf, "hello"));
    assert_true(look_up(&shelf, "hello"));
    assert_int_equal(chmod(outer, 0775), 0); /* no stamp of the index tells */
    for (int round = 0; round < 2; round++) {
        struct registry *registry = open_registry(&shelf);
        const struct catalogue *catalogue = registry_catalogue(registry);
        assert_null(find(registry, "hello", &err));
        assert_false(registry->was_indexed);
        if (strstr(catalogue->folders(catalogue->user).p, text) == NULL) {
            fail_msg("not said: %s", catalogue->folders(catalogue->user).p);
        }
        registry_destroy(registry);
    }
    assert_int_equal(chmod(outer, 01777), 0); /* as /tmp is */
    assert_false(look_up(&shelf, "hello"));
    assert_true(look_up(&shelf, "hello"));
    shelf_close(&shelf);
    assert_int_equal(rmdir(outer), 0);
}

/* Who may change a link on the way can lead to another file. */
static void test_folders__links_lie_where_nobody_else_can_write(void **state)
{
    char outer[64] = "/tmp/opstream_outer_XXXXXX";
    char way[96];
    char link[256];
    struct shelf shelf;
    struct error err;
    (void)state;
    shelf_open(&shelf);
    assert_non_null(mkdtemp(outer));
    (void)snprintf(way, sizeof way, "%s/count.so", outer);
    assert_int_equal(symlink(EXAMPLE_DIR "/count/count.so", way), 0);
    shelf_remove(&shelf, "count");
    shelf_path(&shelf, "count", link);
    *strrchr(link, '/') = '\0';
    assert_int_equal(mkdir(link, 0700), 0);
    shelf_path(&shelf, "count", link);
    assert_int_equal(symlink(way, link), 0);
    assert_false(look_up(&shelf, "count"));
    assert_true(look_up(&shelf, "count"));
    assert_int_equal(unlink(link) + symlink(way, link), 0); /* a new one: it is scanned again */
    assert_int_equal(chmod(outer, 0777), 0);
    for (int round = 0; round < 2; round++) {
        struct registry *registry = open_registry(&shelf);
        assert_null(find(registry, "count", &err));
        assert_int_equal(err.code, E_PLUGIN);
        assert_non_null(strstr(err.message, outer));
        assert_non_null(strstr(err.message, "mode 0777), who could put other files in that place"));
        assert_non_null(find(registry, "hello", &err));
        assert_false(registry->was_indexed); /* it is looked at each time */
        registry_destroy(registry);
    }
    assert_int_equal(chmod(outer, 0755), 0);
    assert_false(look_up(&shelf, "count"));
    shelf_close(&shelf);
    assert_int_equal(unlink(way) + rmdir(outer), 0);
}

/* The name of a file is not its author's: a copy must not win by alphabet, and links may. */
static void test_folders__refuse_files_that_lie_elsewhere(void **state)
{
    char loose[256];
    char stray[256];
    char link[256];
    struct shelf shelf;
    struct error err;
    (void)state;
    shelf_open(&shelf);
    (void)snprintf(loose, sizeof loose, "%s/fetch.so", shelf.folder);
    copy_file(EXAMPLE_DIR "/fetch/fetch.so", loose);
    shelf_add(&shelf, "aaa", "hello"); /* before hello/hello.so */
    (void)snprintf(stray, sizeof stray, "%s/other", shelf.folder);
    assert_int_equal(mkdir(stray, 0700), 0);
    (void)snprintf(stray, sizeof stray, "%s/other/follow.so", shelf.folder);
    copy_file(EXAMPLE_DIR "/follow/follow.so", stray);
    (void)snprintf(link, sizeof link, "%s/bbb.so", shelf.folder);
    assert_int_equal(symlink("count/count.so", link), 0);

    for (int round = 0; round < 2; round++) { /* found, then by the index */
        struct registry *registry = open_registry(&shelf);
        assert_non_null(find(registry, "hello", &err));
        assert_non_null(find(registry, "count", &err));
        assert_int_equal(registry->was_indexed, round == 1);
        assert_null(find(registry, "fetch", &err));
        assert_int_equal(err.code, E_PLUGIN);
        assert_non_null(strstr(err.message, "plugin 'fetch' must be 'fetch/fetch.so' in a folder "
                                            "of plugins, and it is '"));
        assert_non_null(strstr(err.message, loose));
        assert_null(find(registry, "follow", &err));
        assert_non_null(strstr(err.message, stray));
        registry_destroy(registry);
    }

    struct registry *registry = open_registry(&shelf);
    size_t problems = 0;
    for (size_t i = 0; i < registry_file_count(registry); i++) {
        problems += registry_file_at(registry, i)->problem.n > 0;
    }
    assert_int_equal(problems, 3);
    registry_destroy(registry);
    assert_int_equal(registry_create(NULL, 0, NULL, &registry, NULL), 0);
    assert_int_equal(registry_use_file(registry, loose, NULL), 0);
    assert_non_null(find(registry, "fetch", &err));
    registry_destroy(registry);
    assert_int_equal(unlink(loose) + unlink(stray) + unlink(link), 0);
    shelf_remove(&shelf, "aaa");
    shelf_close(&shelf);
}

static void test_folders__may_be_missing_and_named_twice(void **state)
{
    struct shelf shelf;
    struct error err;
    struct registry *registry = NULL;
    (void)state;
    shelf_open(&shelf);
    const char *const folders[] = {"/nonexistent/folder", shelf.folder, shelf.folder};
    assert_int_equal(registry_create(folders, 3, NULL, &registry, NULL), 0);
    assert_non_null(find(registry, "hello", &err));
    const struct catalogue *catalogue = registry_catalogue(registry);
    assert_true(str_starts_with(catalogue->folders(catalogue->user),
                                STR("/nonexistent/folder (not there), ")));
    registry_destroy(registry);
    shelf_close(&shelf);
}

static void test_catalogue__lists_types_in_order_and_plugins_by_id(void **state)
{
    struct shelf shelf;
    (void)state;
    shelf_open(&shelf);
    struct registry *registry = open_registry(&shelf);
    const struct catalogue *catalogue = registry_catalogue(registry);
    struct str last = STR("");
    size_t count = 0;
    for (const struct node_type *type; (type = catalogue->type_at(catalogue->user, count));
         count++) {
        assert_true(str_compare(last, type->name) < 0);
        last = type->name;
    }
    assert_true(count >= 2); /* the program's own are there too */
    const struct plugin_type *plugin = catalogue->find_plugin(catalogue->user, STR("hello"));
    assert_non_null(plugin);
    assert_true(str_equal(plugin->version, STR("1.0.0")));
    assert_null(plugin->settings_schema);
    assert_null(catalogue->find_plugin(catalogue->user, STR("nobody")));
    registry_destroy(registry);
    shelf_close(&shelf);
}

/* A favour to the next start may fail in silence; nothing else may. */
static void test_registry__reports_lack_of_memory(void **state)
{
    struct shelf shelf;
    (void)state;
    shelf_open(&shelf);
    for (long n = 0;; n++) {
        struct registry *registry = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = registry_create(shelf.folders, 1, NULL, &registry, &err);
        const struct node_type *type = status == 0 ? find(registry, "hello", &err) : NULL;
        bool was_reached = failing_alloc_disarm();
        assert_true(type != NULL || err.code == E_NOMEM);
        registry_destroy(registry);
        if (!was_reached) {
            assert_non_null(type);
            break;
        }
    }
    shelf_close(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index__spares_the_next_start_the_manifests),
        cmocka_unit_test(test_index__tells_of_all_types_without_a_manifest),
        cmocka_unit_test(test_index__is_made_anew_when_something_changed),
        cmocka_unit_test(test_index__tells_problems_without_reading_the_file_again),
        cmocka_unit_test(test_index__that_is_odd_is_not_used),
        cmocka_unit_test(test_index__that_lies_is_repaired),
        cmocka_unit_test(test_index__cannot_bring_in_a_file_that_is_not_trusted),
        cmocka_unit_test(test_folders__are_refused_under_one_that_others_can_write_to),
        cmocka_unit_test(test_folders__links_lie_where_nobody_else_can_write),
        cmocka_unit_test(test_folders__refuse_files_that_lie_elsewhere),
        cmocka_unit_test(test_folders__may_be_missing_and_named_twice),
        cmocka_unit_test(test_catalogue__lists_types_in_order_and_plugins_by_id),
        cmocka_unit_test(test_registry__reports_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
