/* SPDX-License-Identifier: Apache-2.0 */

/* Plugins with one fault each, real files, and what is said about it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/build_id.h"
#include "tests/sdk/bad.h"
#include "tests/sdk/rig.h"

/* ---- Found to be bad by reading ---- */

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

static void test_code__descriptor_must_fit(void **state)
{
    (void)state;
    assert_not_loaded(BAD_DIR "/magic", E_PLUGIN,
                      "its descriptor begins with 0x12345678 instead of 0x4F505354");
    assert_not_loaded(BAD_DIR "/size", E_PLUGIN,
                      "its descriptor says that it has 88 bytes; epoch 1 has 96");
    assert_not_loaded(BAD_DIR "/size_zero", E_PLUGIN,
                      "its descriptor says that it has 0 bytes; epoch 1 has 96");
    assert_not_loaded(BAD_DIR "/function", E_PLUGIN, "its descriptor begins with 0x");
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

static void test_code__of_two_epochs_the_one_that_is_known_counts(void **state)
{
    struct rig rig;
    (void)state;
    rig_open_folder(&rig, BAD_DIR "/two_symbols");
    assert_string_equal(rig_run(&rig, 1, "bad", "{}"), "done {}");
    rig_close(&rig);
}

/* glibc keeps little for those who come late; what does not fit is refused, with words. */
static void test_code__thread_local_memory_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_not_loaded(BAD_DIR "/tls", E_PLUGIN, "cannot allocate memory in static TLS block");
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
        cmocka_unit_test(test_code__of_two_epochs_the_one_that_is_known_counts),
        cmocka_unit_test(test_code__thread_local_memory_that_does_not_fit_is_refused),
        cmocka_unit_test(test_code__a_node_type_of_before_check_has_none),
        cmocka_unit_test(test_code__an_unresolved_symbol_is_named_with_the_file),
        cmocka_unit_test(test_code__init_may_fail),
        cmocka_unit_test(test_code__create_may_fail),
        cmocka_unit_test(test_types__of_two_plugins_name_both_files),
        cmocka_unit_test(test_types__first_file_of_an_id_wins),
        cmocka_unit_test(test_types__unknown_ones_name_the_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
