/* SPDX-License-Identifier: Apache-2.0 */

/* Two plugins and the program have one library, each in its own version: plugins/twins.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sdk/plugins/twin.h"
#include "tests/sdk/rig.h"

static void test_twins__each_calls_its_own(void **state)
{
    struct rig rig;
    (void)state;
    assert_int_equal(twin_version(), 3);
    rig_open_folder(&rig, TWINS_DIR);
    assert_string_equal(rig_run(&rig, 1, "twin1", "{}"), "done {\"version\":1,\"calls\":1}");
    assert_string_equal(rig_run(&rig, 2, "twin2", "{}"), "done {\"version\":2,\"calls\":1}");
    assert_string_equal(rig_run(&rig, 3, "twin1", "{}"), "done {\"version\":1,\"calls\":2}");
    assert_int_equal(twin_version(), 3);
    assert_int_equal(twin_calls, 2);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twins__each_calls_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
