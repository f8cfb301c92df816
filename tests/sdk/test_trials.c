/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plugins that are not trusted, in the real host: copied, tried, and loaded from the copy or not.
 * Files of another user can only be made by root: without being root those tests are skipped, and
 * what a file of our own that was changed leads to is tested all the same.
 */

#include <dirent.h>
#include <fcntl.h>
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

#include "core/host/probe_result.h"
#include "core/model/catalogue.h"
#include "tests/sdk/deadly_file.h"
#include "tests/sdk/rig.h"
#include "tests/support/scratch_folder.h"

enum { OTHER_USER = 12345 };

/* A folder of plugins with one file, and one for copies. */
struct world {
    struct scratch_folder scratch;
    char folder[300];
    char own[320]; /* the plugin's, in it */
    char copies[300];
    char path[512];
    struct rig rig;
    bool is_open;
};

static struct world world;

static int make_world(void **state)
{
    (void)state;
    world = (struct world){0};
    scratch_folder_make(&world.scratch);
    (void)snprintf(world.folder, sizeof world.folder, "%s/plugins", world.scratch.path);
    (void)snprintf(world.copies, sizeof world.copies, "%s/copies", world.scratch.path);
    (void)snprintf(world.own, sizeof world.own, "%s/deadly", world.folder);
    assert_int_equal(mkdir(world.folder, 0755), 0);
    assert_int_equal(mkdir(world.own, 0755), 0);
    return 0;
}

static void close_rig(void)
{
    if (world.is_open) {
        rig_close(&world.rig);
        world.is_open = false;
    }
}

static int remove_world(void **state)
{
    (void)state;
    close_rig();
    scratch_folder_remove(&world.scratch);
    return 0;
}

static void open_rig(void)
{
    const char *folders[] = {world.folder};
    close_rig();
    rig_open(&world.rig, &(struct rig_options){
                             .folders = folders, .folder_count = 1, .copy_folder = world.copies});
    world.is_open = true;
}

static void give_away(void)
{
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(world.path, OTHER_USER, OTHER_USER), 0);
}

/* A deadly plugin of another user. */
static void put(const char *wish)
{
    deadly_file_make(world.own, "deadly", wish, world.path);
    give_away();
}

static const struct node_type *find_type(struct error *err)
{
    const struct catalogue *catalogue = host_catalogue(world.rig.host);
    *err = (struct error){0};
    return catalogue->find_type(catalogue->user, STR("deadly"), err);
}

static int prepare(struct error *err)
{
    const struct node_type *type = find_type(err);
    return type != NULL ? host_prepare(world.rig.host, type, err) : err->code;
}

static const struct host_plugin_file *file(void)
{
    assert_true(host_plugin_file_count(world.rig.host) > 0);
    return host_plugin_file_at(world.rig.host, 0);
}

static void assert_text(const char *text, const char *wanted)
{
    if (text == NULL || strstr(text, wanted) == NULL) {
        fail_msg("'%s' is not in '%s'", wanted, text != NULL ? text : "");
    }
}

/* How many files with this ending there are among the copies. */
static int count_copies(const char *ending)
{
    int count = 0;
    DIR *opened = opendir(world.copies);
    const struct dirent *entry = NULL;
    while (opened != NULL && (entry = readdir(opened)) != NULL) {
        count += str_ends_with(str_from(entry->d_name), str_from(ending)) ? 1 : 0;
    }
    if (opened != NULL) {
        (void)closedir(opened);
    }
    return count;
}

/* Whether something of this folder is mapped here. */
static bool is_mapped(const char *folder)
{
    char line[1024];
    bool is_found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        is_found = is_found || strstr(line, folder) != NULL;
    }
    (void)fclose(maps);
    return is_found;
}

/* ---- Files of another user ---- */

static void test_trial__a_good_one_is_loaded_from_its_copy(void **state)
{
    struct error err;
    struct stat st;
    (void)state;
    put("none:good");
    open_rig();
    assert_int_equal(file()->trial.state, HOST_TRIAL_DUE);
    assert_int_equal(file()->trial.owner, OTHER_USER);
    assert_int_equal(file()->problem.n, 0);
    assert_int_equal(count_copies(".so"), 0); /* looking makes none */
    if (prepare(&err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(rig_run(&world.rig, 1, "deadly", "{}"), "done {}");
    assert_true(is_mapped(world.copies));
    assert_false(is_mapped(world.folder));
    assert_int_equal(file()->trial.state, HOST_TRIAL_PASSED);
    assert_int_equal(count_copies(".so"), 1);
    assert_int_equal(count_copies(".json"), 1);
    assert_int_equal(stat(world.copies, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_trial__is_paid_once_for_each_content(void **state)
{
    struct error err;
    (void)state;
    put("none:once");
    open_rig();
    assert_int_equal(prepare(&err), 0);
    int64_t tried = file()->trial.tried_unix_ms;
    assert_true(tried > 0);
    open_rig();
    assert_int_equal(file()->trial.state, HOST_TRIAL_PASSED);
    assert_int_equal(prepare(&err), 0);
    assert_int_equal(file()->trial.tried_unix_ms, tried);
    put("none:twice");
    open_rig();
    assert_int_equal(file()->trial.state, HOST_TRIAL_DUE);
}

static void test_trial__a_bad_one_is_refused_until_it_is_tried_again(void **state)
{
    struct error err;
    (void)state;
    put("init:segv");
    open_rig();
    assert_int_equal(prepare(&err), E_PLUGIN);
    assert_text(err.message, "plugin 'deadly' 1.0.0 (");
    assert_text(err.message, ") crashed in init with SIGSEGV, at deadly.so+0x");
    assert_text(err.message, "; 'opstream plugin retry deadly' tries it again");
    assert_false(is_mapped(world.scratch.path));

    open_rig();
    const struct host_trial *trial = &file()->trial;
    assert_int_equal(trial->state, HOST_TRIAL_FAILED);
    assert_true(str_equal_text(trial->outcome, "crashed"));
    assert_true(str_equal_text(trial->stage, "init"));
    assert_true(str_equal_text(trial->signal, "SIGSEGV"));
    assert_int_equal(trial->exit_code, -1);
    assert_text(file()->problem.p, "crashed in init with SIGSEGV");
    assert_text(rig_find(&world.rig, "deadly", &err), "crashed in init with SIGSEGV");
    assert_int_equal(err.code, E_PLUGIN);

    int64_t before = trial->tried_unix_ms;
    assert_int_equal(host_plugin_retry(world.rig.host, file(), &err), E_PLUGIN);
    assert_true(file()->trial.tried_unix_ms > before);
}

/* Who mends it has another file: nobody need be asked. */
static void test_trial__a_new_content_lifts_a_result(void **state)
{
    struct error err;
    (void)state;
    put("create:abort");
    open_rig();
    assert_int_equal(prepare(&err), E_PLUGIN);
    assert_text(err.message, "crashed in create with SIGABRT");
    put("none:mended");
    open_rig();
    assert_int_equal(prepare(&err), 0);
}

static void test_trial__another_build_or_damage_lifts_a_result(void **state)
{
    char path[600];
    struct error err;
    (void)state;
    put("dlopen:exit");
    open_rig();
    assert_int_equal(prepare(&err), E_PLUGIN);
    assert_text(err.message, "ended the process with code 3 in dlopen");
    assert_int_equal(file()->trial.state, HOST_TRIAL_FAILED);
    DIR *opened = opendir(world.copies);
    const struct dirent *entry = NULL;
    while ((entry = readdir(opened)) != NULL) {
        if (str_ends_with(str_from(entry->d_name), STR(".json"))) {
            (void)snprintf(path, sizeof path, "%s/%s", world.copies, entry->d_name);
            assert_int_equal(truncate(path, 20), 0);
        }
    }
    (void)closedir(opened);
    assert_int_equal(file()->trial.state, HOST_TRIAL_DUE);
    assert_int_equal(file()->problem.n, 0);
    assert_int_equal(prepare(&err), E_PLUGIN);
}

static void test_trial__a_copy_that_is_there_needs_no_file(void **state)
{
    struct error err;
    (void)state;
    put("none:gone");
    open_rig();
    (void)file();
    assert_int_equal(prepare(&err), 0);
    open_rig();
    const struct node_type *type = find_type(&err);
    assert_int_equal(unlink(world.path), 0);
    assert_int_equal(host_prepare(world.rig.host, type, &err), 0);
}

static void test_trial__what_was_read_is_what_is_loaded(void **state)
{
    struct error err;
    (void)state;
    put("none:read");
    open_rig();
    const struct node_type *type = find_type(&err);
    deadly_file_overwrite(world.path, "init:segv"); /* after its manifest was read */
    assert_int_equal(host_prepare(world.rig.host, type, &err), E_PLUGIN);
    assert_text(err.message, "crashed in init with SIGSEGV");
    assert_int_equal(truncate(world.path, 5000), 0);
    assert_int_equal(host_prepare(world.rig.host, type, &err), E_PLUGIN);
    assert_text(err.message, "it is truncated");
    /* Who mends it need not start anything again. */
    put("none:mended");
    assert_int_equal(host_prepare(world.rig.host, type, &err), 0);
    /* Once its code runs, it is that until the end. */
    deadly_file_overwrite(world.path, "init:segv");
    assert_int_equal(prepare(&err), 0);
    assert_string_equal(rig_run(&world.rig, 1, "deadly", "{}"), "done {}");
}

/* An upgrade gives the path to another file, and who removes a package to none. */
static void test_trial__one_of_ours_outlives_its_file(void **state)
{
    struct error err;
    (void)state;
    deadly_file_make(world.own, "deadly", "none:first", world.path);
    open_rig();
    const struct node_type *type = find_type(&err);
    assert_int_equal(unlink(world.path), 0);
    deadly_file_make(world.own, "deadly", "init:segv", world.path);
    assert_int_equal(host_prepare(world.rig.host, type, &err), 0);
    assert_int_equal(prepare(&err), 0); /* its code runs: it is that until the end */
    assert_string_equal(rig_run(&world.rig, 1, "deadly", "{}"), "done {}");

    assert_int_equal(unlink(world.path), 0);
    deadly_file_make(world.own, "deadly", "none:second", world.path);
    open_rig();
    type = find_type(&err);
    assert_int_equal(unlink(world.path), 0);
    assert_int_equal(host_prepare(world.rig.host, type, &err), 0);
}

static void test_trial__an_original_that_is_damaged_hurts_nobody(void **state)
{
    struct error err;
    (void)state;
    put("none:damaged");
    open_rig();
    assert_int_equal(prepare(&err), 0);
    deadly_file_overwrite(world.path, "init:segv");
    assert_int_equal(truncate(world.path, 0), 0);
    assert_string_equal(rig_run(&world.rig, 1, "deadly", "{}"), "done {}");
    close_rig(); /* destroy() and shutdown() run from the copy */
}

static void test_trial__nowhere_to_copy_to(void **state)
{
    struct error err;
    char path[600];
    (void)state;
    put("none:nowhere");
    int fd = open(world.copies, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* a file in its place */
    (void)close(fd);
    open_rig();
    assert_int_equal(prepare(&err), E_IO);
    assert_text(err.message, "the copy that it is loaded from cannot be made in '");
    assert_false(is_mapped(world.scratch.path));
    (void)snprintf(path, sizeof path, "%s", world.copies);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(prepare(&err), 0);
}

static void test_trial__others_may_not_write_to_it(void **state)
{
    struct error err;
    (void)state;
    put("none:open");
    assert_int_equal(chmod(world.path, 0622), 0);
    open_rig();
    assert_int_equal(prepare(&err), E_PLUGIN);
    assert_text(err.message, "can be written to by others: use chmod go-w '");
    assert_int_equal(chmod(world.path, 0600), 0);
    assert_int_equal(chown(world.folder, OTHER_USER, OTHER_USER), 0);
    assert_int_equal(chmod(world.folder, 0777), 0);
    open_rig();
    assert_text(file()->problem.p, "can be written to by others: use chmod go-w '");
    assert_int_equal(chmod(world.folder, 0755), 0);
    open_rig();
    assert_int_equal(file()->trial.state, HOST_TRIAL_DUE);
}

static void test_trial__the_index_keeps_what_is_needed(void **state)
{
    char index[400];
    struct rig rig;
    struct error err;
    const char *folders[] = {world.folder};
    (void)state;
    put("none:index");
    (void)snprintf(index, sizeof index, "%s/index", world.scratch.path);
    for (int i = 0; i < 2; i++) {
        rig_open(&rig, &(struct rig_options){.folders = folders,
                                             .folder_count = 1,
                                             .index_path = index,
                                             .copy_folder = world.copies});
        assert_string_equal(rig_find(&rig, "deadly", &err), "");
        assert_int_equal(host_plugin_file_at(rig.host, 0)->trial.owner, OTHER_USER);
        rig_close(&rig);
    }
}

/* ---- Tasks wait ---- */

static struct error start_error;
static int start_status;

static void start_again(struct rig *rig)
{
    start_error = (struct error){0};
    start_status = rig_start(rig, 2, "deadly", "{}", &start_error);
}

static bool wait_tried(void)
{
    for (int i = 0; i < 60000 && world.rig.tried == 0; i++) {
        rig_turn(&world.rig, 1);
    }
    return world.rig.tried > 0;
}

static void test_trial__a_task_waits_and_the_loop_goes_on(void **state)
{
    struct error err = {0};
    (void)state;
    put("none:later");
    open_rig();
    world.rig.on_tried = start_again;
    assert_int_equal(rig_start(&world.rig, 1, "deadly", "{}", &err), HOST_WAITS);
    assert_int_equal(rig_start(&world.rig, 1, "deadly", "{}", &err), HOST_WAITS);
    assert_true(wait_tried());
    assert_int_equal(start_status, 0);
    assert_string_equal(rig_wait(&world.rig, 2), "done {}");
    assert_int_equal(world.rig.tried, 1);
}

static void test_trial__a_task_is_told_what_came_of_it(void **state)
{
    struct error err = {0};
    (void)state;
    put("shutdown:segv");
    open_rig();
    world.rig.on_tried = start_again;
    assert_int_equal(rig_start(&world.rig, 1, "deadly", "{}", &err), HOST_WAITS);
    assert_true(wait_tried());
    assert_int_equal(start_status, E_PLUGIN);
    assert_text(start_error.message, "crashed in shutdown with SIGSEGV");
    assert_int_equal(rig_start(&world.rig, 1, "deadly", "{}", &err), E_PLUGIN);
    assert_text(err.message, "crashed in shutdown with SIGSEGV");
}

static void test_trial__a_host_that_closes_does_not_wait_for_one(void **state)
{
    struct error err = {0};
    (void)state;
    put("init:hang");
    open_rig();
    world.rig.on_tried = start_again;
    assert_int_equal(rig_start(&world.rig, 1, "deadly", "{}", &err), HOST_WAITS);
    close_rig();
    assert_int_equal(start_status, E_CANCELED);
    assert_int_equal(count_copies(".json"), 0); /* nothing came of it */
}

/* ---- Files of our own ---- */

static void test_trial__a_file_of_ours_is_loaded_as_it_lies_there(void **state)
{
    struct error err;
    (void)state;
    deadly_file_make(world.own, "deadly", "none:ours", world.path);
    open_rig();
    assert_int_equal(prepare(&err), 0);
    assert_int_equal(file()->trial.state, HOST_TRIAL_NONE);
    assert_true(is_mapped(world.folder));
    assert_int_equal(count_copies(".so"), 0);
    assert_int_equal(host_plugin_retry(world.rig.host, file(), &err), E_INVALID);
    assert_text(err.message, "it is loaded without being tried");
}

static void test_trial__a_file_of_ours_that_changes_is_copied_and_tried(void **state)
{
    struct error err;
    (void)state;
    deadly_file_make(world.own, "deadly", "none:first", world.path);
    open_rig();
    const struct node_type *type = find_type(&err);
    deadly_file_overwrite(world.path, "none:second");
    if (host_prepare(world.rig.host, type, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_true(is_mapped(world.copies));
    assert_false(is_mapped(world.folder));
    assert_string_equal(rig_run(&world.rig, 1, "deadly", "{}"), "done {}");

    open_rig();
    type = find_type(&err);
    deadly_file_overwrite(world.path, "init:abort");
    assert_int_equal(host_prepare(world.rig.host, type, &err), E_PLUGIN);
    assert_text(err.message, "crashed in init with SIGABRT");
}

static void test_trial__a_file_of_ours_that_is_half_written_is_refused(void **state)
{
    struct error err;
    (void)state;
    deadly_file_make(world.own, "deadly", "none:whole", world.path);
    open_rig();
    const struct node_type *type = find_type(&err);
    assert_int_equal(truncate(world.path, 5000), 0); /* what debuggers read is behind the half */
    assert_int_equal(host_prepare(world.rig.host, type, &err), E_PLUGIN);
    assert_text(err.message, "it is truncated");
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, make_world, remove_world)
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_trial__a_good_one_is_loaded_from_its_copy),
        IN_WORLD(test_trial__is_paid_once_for_each_content),
        IN_WORLD(test_trial__a_bad_one_is_refused_until_it_is_tried_again),
        IN_WORLD(test_trial__a_new_content_lifts_a_result),
        IN_WORLD(test_trial__another_build_or_damage_lifts_a_result),
        IN_WORLD(test_trial__a_copy_that_is_there_needs_no_file),
        IN_WORLD(test_trial__what_was_read_is_what_is_loaded),
        IN_WORLD(test_trial__one_of_ours_outlives_its_file),
        IN_WORLD(test_trial__an_original_that_is_damaged_hurts_nobody),
        IN_WORLD(test_trial__nowhere_to_copy_to),
        IN_WORLD(test_trial__others_may_not_write_to_it),
        IN_WORLD(test_trial__the_index_keeps_what_is_needed),
        IN_WORLD(test_trial__a_task_waits_and_the_loop_goes_on),
        IN_WORLD(test_trial__a_task_is_told_what_came_of_it),
        IN_WORLD(test_trial__a_host_that_closes_does_not_wait_for_one),
        IN_WORLD(test_trial__a_file_of_ours_is_loaded_as_it_lies_there),
        IN_WORLD(test_trial__a_file_of_ours_that_changes_is_copied_and_tried),
        IN_WORLD(test_trial__a_file_of_ours_that_is_half_written_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
