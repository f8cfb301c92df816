/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/copy_shelf.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/host/probe_result.h"
#include "tests/support/scratch_folder.h"

static struct scratch_folder scratch;
static char *original;
static char *first;
static char *second;

static int make_folder(void **state)
{
    (void)state;
    scratch_folder_make(&scratch);
    original = scratch_folder_path(&scratch, "original.so");
    first = scratch_folder_path(&scratch, "first/copies");
    second = scratch_folder_path(&scratch, "second");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    free(original);
    free(first);
    free(second);
    scratch_folder_remove(&scratch);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void hash_text(const char *text, char out[DIGEST_HEX_SIZE])
{
    unsigned char bytes[DIGEST_BYTES];
    digest_sha256(str_from(text), bytes);
    digest_format_hex(bytes, sizeof bytes, out);
}

static int get(const char *hash, struct copy *out, struct error *err)
{
    const struct copy_folders folders = {{first, second}};
    *err = (struct error){0};
    return copy_shelf_get(&folders, original, hash, out, err);
}

static void must_get(const char *hash, struct copy *out)
{
    struct error err;
    if (get(hash, out, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void test_copy_shelf__a_copy_is_named_by_its_hash(void **state)
{
    struct copy copy;
    struct stat st;
    char hash[DIGEST_HEX_SIZE];
    char wanted[PATH_MAX];
    (void)state;
    write_file(original, "one");
    hash_text("one", hash);
    must_get(NULL, &copy);
    (void)snprintf(wanted, sizeof wanted, "%s/%s.so", first, hash);
    assert_string_equal(copy.path, wanted);
    assert_string_equal(copy.folder, first);
    assert_string_equal(copy.hash, hash);
    assert_int_equal(stat(copy.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0500);
    assert_int_equal(stat(first, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_copy_shelf__one_that_is_whole_is_used_again(void **state)
{
    struct copy copy;
    struct stat before;
    struct stat after;
    char hash[DIGEST_HEX_SIZE];
    (void)state;
    write_file(original, "one");
    hash_text("one", hash);
    must_get(hash, &copy);
    assert_int_equal(stat(copy.path, &before), 0);
    assert_int_equal(unlink(original), 0);
    must_get(hash, &copy);
    assert_int_equal(stat(copy.path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void test_copy_shelf__one_that_is_damaged_is_made_again(void **state)
{
    struct copy copy;
    struct error err;
    char hash[DIGEST_HEX_SIZE];
    (void)state;
    write_file(original, "one");
    hash_text("one", hash);
    must_get(hash, &copy);
    assert_int_equal(chmod(copy.path, 0700), 0);
    assert_int_equal(truncate(copy.path, 1), 0);
    must_get(hash, &copy);
    assert_int_equal(chmod(copy.path, 0722), 0); /* others can write to it */
    must_get(hash, &copy);
    assert_int_equal(truncate(copy.path, 1), 0);
    assert_int_equal(unlink(original), 0);
    assert_int_equal(get(hash, &copy, &err), E_NOT_FOUND);
}

static void test_copy_shelf__another_content_is_a_conflict(void **state)
{
    struct copy copy;
    struct error err;
    char hash[DIGEST_HEX_SIZE];
    (void)state;
    write_file(original, "two");
    hash_text("one", hash);
    assert_int_equal(get(hash, &copy, &err), E_CONFLICT);
    assert_int_equal(rmdir(first), 0); /* no draft stays behind */
}

static void test_copy_shelf__the_first_folder_that_can_be_written_to_is_used(void **state)
{
    struct copy copy;
    struct error err;
    char *place = scratch_folder_path(&scratch, "first");
    (void)state;
    write_file(original, "one");
    write_file(place, "a file, where a folder should be");
    must_get(NULL, &copy);
    assert_string_equal(copy.folder, second);
    assert_int_equal(unlink(copy.path), 0);
    assert_int_equal(rmdir(second), 0);
    assert_int_equal(symlink("first", second), 0);
    assert_int_equal(get(NULL, &copy, &err), E_IO);
    assert_non_null(strstr(err.message, "the copy that it is loaded from cannot be made in '"));
    free(place);

    const struct copy_folders none = {{NULL, NULL}};
    assert_int_equal(copy_shelf_get(&none, original, NULL, &copy, &err), E_IO);
    assert_non_null(strstr(err.message, "set HOME, XDG_CACHE_HOME or OPSTREAM_STATE"));
}

/* A folder in which others can put what they like holds no copies. */
static void test_copy_shelf__a_folder_of_all_is_not_used(void **state)
{
    struct copy copy;
    (void)state;
    write_file(original, "one");
    assert_int_equal(mkdir(second, 0700), 0);
    char *parent = scratch_folder_path(&scratch, "first");
    assert_int_equal(mkdir(parent, 0700), 0);
    free(parent);
    assert_int_equal(mkdir(first, 0700), 0);
    assert_int_equal(chmod(first, 0777), 0);
    must_get(NULL, &copy);
    assert_string_equal(copy.folder, second);
}

/* Who can write above it could put another folder there between the check and the loading. */
static void test_copy_shelf__a_folder_below_one_of_all_is_not_used(void **state)
{
    struct copy copy;
    struct error err;
    char hash[DIGEST_HEX_SIZE];
    char *parent = scratch_folder_path(&scratch, "first");
    (void)state;
    write_file(original, "one");
    hash_text("one", hash);
    must_get(hash, &copy);
    assert_string_equal(copy.folder, first);
    assert_int_equal(chmod(parent, 0777), 0);
    must_get(hash, &copy); /* made again */
    assert_string_equal(copy.folder, second);

    const struct copy_folders only = {{first}};
    err = (struct error){0};
    assert_int_equal(copy_shelf_get(&only, original, hash, &copy, &err), E_IO);
    assert_non_null(strstr(err.message, "the copy that it is loaded from cannot be made in '"));
    assert_non_null(strstr(err.message, "can be written to by others"));
    assert_non_null(strstr(err.message, "chmod go-w '"));
    free(parent);
}

static void test_copy_shelf__only_the_latest_stay(void **state)
{
    char text[32];
    char hash[DIGEST_HEX_SIZE];
    struct copy copy;
    (void)state;
    for (int i = 0; i < COPY_SHELF_KEEPS + 6; i++) {
        const struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        (void)snprintf(text, sizeof text, "content %d", i);
        write_file(original, text);
        must_get(NULL, &copy);
        assert_int_equal(utimensat(AT_FDCWD, copy.path, times, 0), 0);
    }
    for (int i = 0; i < COPY_SHELF_KEEPS + 6; i++) {
        char path[PATH_MAX];
        (void)snprintf(text, sizeof text, "content %d", i);
        hash_text(text, hash);
        (void)snprintf(path, sizeof path, "%s/%s.so", first, hash);
        assert_int_equal(access(path, F_OK), i < 6 ? -1 : 0);
    }
}

static void test_copy_shelf__results_are_found_in_any_folder(void **state)
{
    const struct copy_folders folders = {{first, second}};
    struct probe_result result = {.outcome = PROBE_HUNG, .stage = PROBE_INIT, .tried_unix_ms = 7};
    struct probe_result found = PROBE_RESULT_INIT;
    char hash[DIGEST_HEX_SIZE];
    (void)state;
    hash_text("one", hash);
    assert_false(copy_shelf_find_result(&folders, hash, &found));
    assert_int_equal(mkdir(second, 0700), 0);
    assert_int_equal(probe_result_write(second, hash, &result), 0);
    assert_true(copy_shelf_find_result(&folders, hash, &found));
    assert_int_equal(found.outcome, PROBE_HUNG);
    probe_result_finish(&found);
    copy_shelf_remove_result(&folders, hash);
    assert_false(copy_shelf_find_result(&folders, hash, &found));
}

/* ---- The original is changed meanwhile ---- */

enum { CONTENT_BYTES = 300 * 1000 };

static char contents[2][CONTENT_BYTES + 1];
static atomic_bool is_over;

/* In place, cut off, and by rename, as fast as it goes. */
static void *change(void *user)
{
    char *draft = scratch_folder_path(&scratch, "draft");
    for (unsigned i = 0; !atomic_load(&is_over); i++) {
        const char *text = contents[i % 2];
        int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (i % 3 == 1 ? O_TRUNC : 0);
        int fd = open(i % 3 == 2 ? draft : original, flags, 0600);
        for (size_t at = 0; fd >= 0 && at < CONTENT_BYTES; at += CONTENT_BYTES / 10) {
            (void)!pwrite(fd, text + at, CONTENT_BYTES / 10, (off_t)at);
        }
        (void)close(fd);
        if (i % 3 == 2) {
            (void)rename(draft, original);
        }
    }
    free(draft);
    return user;
}

static void assert_whole(const struct copy *copy)
{
    char found[DIGEST_HEX_SIZE];
    int fd = open(copy->path, O_RDONLY | O_CLOEXEC);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(copy_shelf_hash(fd, nowhere, found, NULL), 0);
    assert_string_equal(found, copy->hash);
    (void)close(fd);
    (void)close(nowhere);
}

static void test_copy_shelf__a_copy_is_what_was_wanted_or_none(void **state)
{
    char hash[DIGEST_HEX_SIZE];
    pthread_t thread;
    int copied = 0;
    (void)state;
    memset(contents[0], 'a', CONTENT_BYTES);
    memset(contents[1], 'b', CONTENT_BYTES);
    write_file(original, contents[0]);
    hash_text(contents[0], hash);
    atomic_store(&is_over, false);
    assert_int_equal(pthread_create(&thread, NULL, change, NULL), 0);
    for (int i = 0; i < 300; i++) {
        struct copy copy;
        struct error err;
        const char *wanted = i % 2 == 0 ? hash : NULL;
        int status = get(wanted, &copy, &err);
        if (status != 0 && status != E_CONFLICT) {
            fail_msg("%s", err.message);
        }
        if (status == 0) {
            assert_true(wanted == NULL || strcmp(copy.hash, hash) == 0);
            assert_whole(&copy);
            assert_int_equal(unlink(copy.path), 0);
            copied++;
        }
    }
    atomic_store(&is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(copied > 0);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_copy_shelf__a_copy_is_named_by_its_hash),
        IN_FOLDER(test_copy_shelf__one_that_is_whole_is_used_again),
        IN_FOLDER(test_copy_shelf__one_that_is_damaged_is_made_again),
        IN_FOLDER(test_copy_shelf__another_content_is_a_conflict),
        IN_FOLDER(test_copy_shelf__the_first_folder_that_can_be_written_to_is_used),
        IN_FOLDER(test_copy_shelf__a_folder_of_all_is_not_used),
        IN_FOLDER(test_copy_shelf__a_folder_below_one_of_all_is_not_used),
        IN_FOLDER(test_copy_shelf__only_the_latest_stay),
        IN_FOLDER(test_copy_shelf__results_are_found_in_any_folder),
        IN_FOLDER(test_copy_shelf__a_copy_is_what_was_wanted_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
