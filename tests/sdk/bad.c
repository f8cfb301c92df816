/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sdk/bad.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sdk/rig.h"

void assert_message(const char *message, const char *wanted)
{
    if (strstr(message, wanted) == NULL) {
        fail_msg("'%s' is not in '%s'", wanted, message);
    }
}

void assert_refused(const char *folder, int code, const char *wanted)
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

void assert_not_loaded(const char *folder, int code, const char *wanted)
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
