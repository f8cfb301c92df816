/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/base/error.h"
#include "core/loop/refusal.h"
#include "core/model/pipeline.h"
#include "tests/support/pipeline_fixture.h"

/* What is said of an event that a pipeline with `count` others does not take. */
static void refuse(unsigned count, struct error *err)
{
    struct strbuf yaml = STRBUF_INIT;
    strbuf_append_text(&yaml, "id: p\nnodes:\n");
    for (unsigned i = 0; i < count; i++) {
        strbuf_append_format(&yaml, "  - {id: n%u, type: wait, config: {event: e%u}}\n", i, i);
    }
    struct pipeline *pipeline = pipeline_fixture_load_str(strbuf_str(&yaml));
    assert_int_equal(refusal_event(pipeline, STR("e0"), err), 0);
    assert_int_equal(refusal_event(pipeline, STR("x"), err), E_INVALID);
    pipeline_unref(pipeline);
    strbuf_finish(&yaml);
}

static void test_refusal__says_that_there_are_more_events_only_when_there_are(void **state)
{
    (void)state;
    struct error err = {0};
    refuse(2, &err);
    assert_string_equal(err.message,
                        "nothing in the run takes the event 'x'; there are: 'e0', 'e1'");
    refuse(10, &err);
    assert_non_null(strstr(err.message, ", 'e9'"));
    assert_null(strstr(err.message, "..."));
    refuse(11, &err);
    assert_non_null(strstr(err.message, ", 'e9', ..."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusal__says_that_there_are_more_events_only_when_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
