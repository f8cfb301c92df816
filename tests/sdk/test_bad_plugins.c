/* SPDX-License-Identifier: Apache-2.0 */

/* Plugins with one fault each, real files, and what is said about it. */

#include <elf.h>
#include <errno.h>
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

#include "core/base/build_id.h"
#include "core/host/crc64.h"
#include "tests/sdk/rig.h"

static void assert_message(const char *message, const char *wanted)
{
    if (strstr(message, wanted) == NULL) {
        fail_msg("'%s' is not in '%s'", wanted, message);
    }
}

/* ---- Found to be bad by reading ---- */

static void assert_refused(const char *folder, int code, const char *wanted)
{
    struct rig rig;
    struct error err;
    rig_open_folder(&rig, folder);
    assert_message(rig_find(&rig, "bad", &err), wanted);
    assert_int_equal(err.code, code);
    assert_message(err.message, "/bad");

    /* The list says the same. */
    assert_int_equal(host_plugin_file_count(rig.host) > 0, 1);
    const struct host_plugin_file *file = host_plugin_file_at(rig.host, 0);
    assert_message(file->problem.p, wanted);
    rig_close(&rig);
}

static void test_manifest__missing_is_no_plugin(void **state)
{
    (void)state;
    assert_refused(BAD_DIR "/no_manifest", E_PLUGIN,
                   "it is no opstream plugin: it has no manifest; build it with "
                   "opstream_add_plugin()");
}

static void test_manifest__newer_abi_says_needed_offered_whose(void **state)
{
    (void)state;
    assert_refused(BAD_DIR "/newer_epoch", E_VERSION, "plugin 'bad' 1.2.3 (");
    assert_refused(BAD_DIR "/newer_epoch", E_VERSION,
                   "needs ABI epoch 2; this opstream " OPSTREAM_VERSION
                   " offers 1: install a newer opstream or an older plugin");
    assert_refused(BAD_DIR "/newer_minor", E_VERSION,
                   "needs ABI 1.3; this opstream " OPSTREAM_VERSION
                   " offers 1.0: install a newer opstream or an older plugin");
}

static void test_manifest__interfaces_must_be_there(void **state)
{
    (void)state;
    assert_refused(BAD_DIR "/unknown_interface", E_VERSION,
                   "needs the interface 'ops.telepathy' 1, which this opstream " OPSTREAM_VERSION
                   " does not have: install a newer opstream or an older plugin");
    assert_refused(BAD_DIR "/newer_interface", E_VERSION,
                   "needs the interface 'ops.http' 4; this opstream " OPSTREAM_VERSION
                   " offers 1: install a newer opstream or an older plugin");
    assert_refused(BAD_DIR "/no_capability", E_PLUGIN,
                   "needs the interface 'ops.process', for which its manifest must ask for the "
                   "capability 'exec'");
}

static void test_manifest__isolation_must_be_offered(void **state)
{
    (void)state;
    assert_refused(BAD_DIR "/isolated", E_PLUGIN,
                   "must run in a process of its own (\"isolation\": \"process\"), which this "
                   "opstream " OPSTREAM_VERSION " does not offer");
}

static void test_manifest__optional_interfaces_may_be_missing(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, BAD_DIR "/optional_interface");
    assert_string_equal(rig_run(&rig, 1, "bad", "{}"), "done {}");
    rig_close(&rig);
}

static void test_manifest__faults_are_all_told(void **state)
{
    (void)state;
    assert_refused(BAD_DIR "/unknown_keys", E_PLUGIN, "its manifest is not valid: ");
    assert_refused(BAD_DIR "/unknown_keys", E_PLUGIN, "nodse");
    assert_refused(BAD_DIR "/unknown_keys", E_PLUGIN, "riks");
    assert_refused(BAD_DIR "/bad_schema", E_PLUGIN,
                   "its manifest is not valid: line 1, column 155, at '\"type\":\"strnig\"}}}}]}': "
                   "the config_schema of 'bad': ");
    assert_refused(BAD_DIR "/bad_schema", E_PLUGIN, "/properties/a/type");
    assert_refused(BAD_DIR "/foreign_type", E_PLUGIN,
                   "': the node type 'other.node' must be 'bad' or begin "
                   "with 'bad.'");
}

/* ---- Found to be bad by loading ---- */

static void assert_not_loaded(const char *folder, int code, const char *wanted)
{
    struct rig rig;
    struct error err = {0};
    rig_open_folder(&rig, folder);
    assert_int_equal(rig_start(&rig, 1, "bad", "{}", &err), code);
    assert_message(err.message, wanted);
    assert_message(err.message, "plugin 'bad'");
    rig_turn(&rig, 1);
    assert_int_equal(rig.tasks[1].ends, 0);
    rig_close(&rig);
}

static void test_code__descriptor_must_fit(void **state)
{
    (void)state;
    assert_not_loaded(BAD_DIR "/magic", E_PLUGIN,
                      "its descriptor begins with 0x12345678 instead of 0x4F505354");
    assert_not_loaded(BAD_DIR "/size", E_PLUGIN,
                      "its descriptor says that it has 88 bytes; epoch 1 has 96");
    assert_not_loaded(BAD_DIR "/desc_epoch", E_VERSION,
                      "its descriptor is of ABI epoch 2; this opstream " OPSTREAM_VERSION
                      " offers 1");
    assert_not_loaded(BAD_DIR "/desc_minor", E_VERSION,
                      "its descriptor needs ABI 1.7; this opstream " OPSTREAM_VERSION
                      " offers 1.0");
    assert_not_loaded(BAD_DIR "/flags", E_VERSION,
                      "its descriptor has flags (0x100) that opstream " OPSTREAM_VERSION
                      " does not know: install a newer opstream");
    assert_not_loaded(BAD_DIR "/type_flags", E_VERSION,
                      "its node type 'bad' has flags (0x100) that opstream " OPSTREAM_VERSION
                      " does not know: install a newer opstream");
    assert_not_loaded(BAD_DIR "/symbol", E_PLUGIN,
                      "it does not export the symbol opstream_plugin_v1");
    assert_not_loaded(BAD_DIR "/crc", E_PLUGIN,
                      "its code was built with another manifest (checksum 0000000000000001, the "
                      "manifest's is ");
    assert_not_loaded(BAD_DIR "/id", E_PLUGIN, "its code calls itself 'worse', its manifest 'bad'");
    assert_not_loaded(BAD_DIR "/version", E_PLUGIN,
                      "its code is version '9.9.9', its manifest '1.2.3'");
}

static void test_code__node_types_must_be_the_manifests(void **state)
{
    (void)state;
    assert_not_loaded(BAD_DIR "/extra_type", E_PLUGIN,
                      "its code has the node type 'bad.other', its manifest has not");
    assert_not_loaded(BAD_DIR "/missing_type", E_PLUGIN,
                      "its manifest has the node type 'bad.other', its code has not");
    assert_not_loaded(BAD_DIR "/type_twice", E_PLUGIN, "its code has the node type 'bad' twice");
    assert_not_loaded(BAD_DIR "/no_execute", E_PLUGIN, "its node type 'bad' has no execute()");
    assert_not_loaded(BAD_DIR "/config_version", E_PLUGIN,
                      "its node type 'bad' reads configs of version 2, its manifest says 1");
    assert_not_loaded(BAD_DIR "/idempotent", E_PLUGIN,
                      "its node type 'bad' is idempotent by its code, not by its manifest");
    assert_not_loaded(BAD_DIR "/check", E_PLUGIN,
                      "its node type 'bad' has a check() by its code, not by its manifest");
    assert_not_loaded(BAD_DIR "/says_check", E_PLUGIN,
                      "its node type 'bad' has a check() by its manifest, not by its code");
}

static void test_code__a_larger_descriptor_loads(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, BAD_DIR "/larger");
    assert_string_equal(rig_run(&rig, 1, "bad", "{}"), "done {}");
    rig_close(&rig);
}

static void test_code__a_node_type_of_before_check_has_none(void **state)
{
    struct rig rig;
    struct error err = {0};
    (void)state;
    rig_open_folder(&rig, BAD_DIR "/old_type");
    assert_string_equal(rig_run(&rig, 1, "bad", "{}"), "done {}");
    assert_int_equal(rig_start_check(&rig, 2, "bad", "", &err), E_INVALID);
    rig_close(&rig);
}

static void test_code__an_unresolved_symbol_is_named_with_the_file(void **state)
{
    (void)state;
    assert_not_loaded(BAD_DIR "/unresolved", E_PLUGIN,
                      "unresolved/bad/bad.so: undefined symbol: "
                      "opstream_test_function_that_nobody_has");
}

static void test_code__init_may_fail(void **state)
{
    (void)state;
    assert_not_loaded(BAD_DIR "/init", E_PLUGIN, "init() failed with AUTH: no licence was found");
    assert_not_loaded(BAD_DIR "/init_silent", E_PLUGIN,
                      "init() failed with UNSUPPORTED: it gave no message");
}

static void test_code__create_may_fail(void **state)
{
    (void)state;
    assert_not_loaded(BAD_DIR "/create", E_INVALID,
                      "does not take its settings (integrations.bad): the key is too short");
    assert_not_loaded(BAD_DIR "/create_null", E_PLUGIN,
                      "create() of 'bad' succeeded without a node");
}

/* ---- Files made here: FOLDER/bad/bad.so from changed bytes of a good plugin ---- */

struct workshop {
    char folder[64];
    char subfolder[80];
    char file[96];
    char *bytes; /* of the good plugin */
    size_t n;
};

static void workshop_open(struct workshop *w)
{
    FILE *good = fopen(BAD_DIR "/good/bad/bad.so", "rb");
    assert_non_null(good);
    w->bytes = malloc(1 << 22);
    w->n = fread(w->bytes, 1, 1 << 22, good);
    assert_int_equal(fclose(good), 0);
    assert_in_range(w->n, 1000, (1 << 22) - 1);
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/opstream_bad_XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    (void)snprintf(w->subfolder, sizeof w->subfolder, "%s/bad", w->folder);
    (void)snprintf(w->file, sizeof w->file, "%s/bad.so", w->subfolder);
    assert_int_equal(mkdir(w->subfolder, 0700), 0);
}

static void workshop_write(const struct workshop *w, const void *bytes, size_t n)
{
    (void)unlink(w->file);
    int fd = open(w->file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    assert_int_equal(close(fd), 0);
}

static void workshop_close(struct workshop *w)
{
    free(w->bytes);
    (void)unlink(w->file);
    assert_int_equal(rmdir(w->subfolder), 0);
    assert_int_equal(rmdir(w->folder), 0);
}

static void test_file__must_be_an_elf_file(void **state)
{
    struct workshop w;
    (void)state;
    workshop_open(&w);
    workshop_write(&w, "", 0);
    assert_refused(w.folder, E_PLUGIN, "bad.so': it is empty");
    workshop_write(&w, "hello", 5);
    assert_refused(w.folder, E_PLUGIN, "bad.so': it is no ELF file, so no plugin");
    workshop_write(&w, "#!/bin/sh\necho this is a script\n", 32);
    assert_refused(w.folder, E_PLUGIN, "bad.so': it is no ELF file, so no plugin");
    workshop_close(&w);
}

static void test_file__must_be_for_this_machine(void **state)
{
    struct workshop w;
    (void)state;
    workshop_open(&w);
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)w.bytes;
    Elf64_Half own = header->e_machine;
    header->e_machine = own == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_VERSION,
                   own == EM_AARCH64 ? "it is built for x86_64 (machine 62), this host is aarch64"
                                     : "it is built for aarch64 (machine 183), this host is ");
    header->e_machine = own;
    header->e_ident[EI_CLASS] = ELFCLASS32;
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_VERSION, "it is built for 32 bits, this host has 64");
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_type = ET_EXEC;
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_PLUGIN, "it is no shared library, so no plugin");
    workshop_close(&w);
}

static void test_file__truncated_anywhere_is_refused_or_whole_enough(void **state)
{
    struct workshop w;
    struct rig rig;
    struct error err;
    (void)state;
    workshop_open(&w);
    for (size_t n = 1; n < w.n; n += n < 1024 ? 61 : 1021) {
        workshop_write(&w, w.bytes, n);
        rig_open_folder(&rig, w.folder);
        const char *message = rig_find(&rig, "bad", &err);
        if (message[0] != '\0') {
            assert_message(message, n < 16 ? "it is no ELF file" : "truncated");
        } else { /* only what nobody needs is missing */
            assert_string_equal(rig_run(&rig, 1, "bad", "{}"), "done {}");
        }
        rig_close(&rig);
    }
    workshop_close(&w);
}

/* Where the note's text is: behind name and CRC. */
static char *find_text(struct workshop *w, size_t *out_n)
{
    for (size_t i = 12; i + 32 < w->n; i++) {
        uint32_t head[3];
        memcpy(head, w->bytes + i - 12, sizeof head);
        if (memcmp(w->bytes + i, "opstream", 9) == 0 && head[0] == 9 && head[2] == 1) {
            *out_n = head[1] - 8;
            return w->bytes + i + 12 + 8;
        }
    }
    fail_msg("no note");
    return NULL;
}

static void test_file__damaged_manifest_is_told(void **state)
{
    struct workshop w;
    size_t n = 0;
    (void)state;
    workshop_open(&w);
    char *text = find_text(&w, &n);
    text[n - 1] = '!';
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_PLUGIN, "its manifest is damaged: the checksum differs");
    uint64_t crc = crc64_xz(str_make(text, n));
    memcpy(text - 8, &crc, sizeof crc); /* hosts of the tests are little-endian */
    workshop_write(&w, w.bytes, w.n);
    assert_refused(w.folder, E_PLUGIN, "its manifest is not valid JSON: line 1, column ");
    workshop_close(&w);
}

static void test_file__must_be_a_regular_file(void **state)
{
    struct workshop w;
    (void)state;
    workshop_open(&w);
    assert_int_equal(mkfifo(w.file, 0600), 0);
    assert_refused(w.folder, E_PLUGIN, "bad.so' is no regular file");
    assert_int_equal(unlink(w.file), 0);
    assert_int_equal(mkdir(w.file, 0700), 0);
    assert_refused(w.folder, E_PLUGIN, "bad.so' is no regular file");
    assert_int_equal(rmdir(w.file), 0);
    assert_int_equal(symlink("bad.so", w.file), 0);
    assert_refused(w.folder, E_PLUGIN, "cannot open '");
    workshop_close(&w);
}

static void test_file__must_not_be_writable_by_others(void **state)
{
    struct workshop w;
    struct rig rig;
    struct error err;
    (void)state;
    workshop_open(&w);
    workshop_write(&w, w.bytes, w.n);
    assert_int_equal(chmod(w.file, 0666), 0);
    assert_refused(w.folder, E_PLUGIN, "bad.so' can be written to by others: use chmod go-w '");
    assert_int_equal(chmod(w.file, 0600), 0);
    assert_int_equal(chmod(w.subfolder, 0770), 0);
    assert_refused(w.folder, E_PLUGIN, "the folder '/tmp/opstream_bad_");
    assert_int_equal(chmod(w.subfolder, 0700), 0);
    assert_int_equal(chmod(w.folder, 0777), 0);
    rig_open_folder(&rig, w.folder);
    (void)rig_find(&rig, "bad", &err);
    assert_int_equal(err.code, E_NOT_FOUND);
    assert_message(host_plugin_file_at(rig.host, 0)->problem.p,
                   "can be written to by others: use chmod go-w '");
    rig_close(&rig);
    workshop_close(&w);
}

static void test_file__of_another_user_is_refused(void **state)
{
    struct workshop w;
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    workshop_open(&w);
    workshop_write(&w, w.bytes, w.n);
    assert_int_equal(chown(w.file, 12345, 12345), 0);
    assert_refused(w.folder, E_PLUGIN, "belongs to user 12345; plugins must belong to root or to");
    workshop_close(&w);
}

/* ---- More than one ---- */

static void test_types__of_two_plugins_name_both_files(void **state)
{
    static const char *const folders[] = {BAD_DIR "/dup", BAD_DIR "/dup_x"};
    struct rig rig;
    struct error err;
    (void)state;
    rig_open(&rig, &(struct rig_options){.folders = folders, .folder_count = 2});
    const char *message = rig_find(&rig, "dup.x", &err);
    assert_int_equal(err.code, E_PLUGIN);
    assert_message(message, "the node type 'dup.x' is in two plugins: '");
    assert_message(message, "/dup/dup/dup.so' and '");
    assert_message(message, "/dup_x/dup.x/dup.x.so'; remove one");
    assert_string_equal(rig_find(&rig, "dup.y", &err), "");
    rig_close(&rig);
}

static void test_types__first_file_of_an_id_wins(void **state)
{
    static const char *const folders[] = {BAD_DIR "/good", BAD_DIR "/magic"};
    struct rig rig;
    (void)state;
    rig_open(&rig, &(struct rig_options){.folders = folders, .folder_count = 2});
    assert_string_equal(rig_run(&rig, 1, "bad", "{}"), "done {}");
    assert_message(host_plugin_file_at(rig.host, 1)->problem.p,
                   "plugin 'bad' is taken from '" BAD_DIR "/good/bad/bad.so', which comes first");
    rig_close(&rig);
}

static void test_types__unknown_ones_name_the_folders(void **state)
{
    struct rig rig;
    struct error err;
    (void)state;
    rig_open_folder(&rig, BAD_DIR "/good");
    assert_message(rig_find(&rig, "good.nothing", &err),
                   "no plugin has the node type 'good.nothing' (searched: " BAD_DIR "/good, ");
    assert_int_equal(err.code, E_NOT_FOUND);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest__missing_is_no_plugin),
        cmocka_unit_test(test_manifest__newer_abi_says_needed_offered_whose),
        cmocka_unit_test(test_manifest__interfaces_must_be_there),
        cmocka_unit_test(test_manifest__isolation_must_be_offered),
        cmocka_unit_test(test_manifest__optional_interfaces_may_be_missing),
        cmocka_unit_test(test_manifest__faults_are_all_told),
        cmocka_unit_test(test_code__descriptor_must_fit),
        cmocka_unit_test(test_code__node_types_must_be_the_manifests),
        cmocka_unit_test(test_code__a_larger_descriptor_loads),
        cmocka_unit_test(test_code__a_node_type_of_before_check_has_none),
        cmocka_unit_test(test_code__an_unresolved_symbol_is_named_with_the_file),
        cmocka_unit_test(test_code__init_may_fail),
        cmocka_unit_test(test_code__create_may_fail),
        cmocka_unit_test(test_file__must_be_an_elf_file),
        cmocka_unit_test(test_file__must_be_for_this_machine),
        cmocka_unit_test(test_file__truncated_anywhere_is_refused_or_whole_enough),
        cmocka_unit_test(test_file__damaged_manifest_is_told),
        cmocka_unit_test(test_file__must_be_a_regular_file),
        cmocka_unit_test(test_file__must_not_be_writable_by_others),
        cmocka_unit_test(test_file__of_another_user_is_refused),
        cmocka_unit_test(test_types__of_two_plugins_name_both_files),
        cmocka_unit_test(test_types__first_file_of_an_id_wins),
        cmocka_unit_test(test_types__unknown_ones_name_the_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
