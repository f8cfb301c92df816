/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/world.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/engine/failure.h"
#include "tests/support/pipeline_fixture.h"

struct toy_world world;

int world_set_up(void **state)
{
    (void)state;
    toy_world_init(&world, NULL);
    return 0;
}

int world_set_up_wide(void **state)
{
    (void)state;
    toy_world_init(&world, &(struct engine_options){.plugin_concurrency = 100});
    return 0;
}

int world_tear_down(void **state)
{
    (void)state;
    toy_world_finish(&world);
    return 0;
}

void assert_json(const struct document *document, const char *expected)
{
    char *text = pipeline_fixture_text(document);
    assert_string_equal(text, expected);
    free(text);
}

void assert_holds(const struct document *document, const char *part)
{
    char *text = pipeline_fixture_text(document);
    if (strstr(text, part) == NULL) {
        fail_msg("%s does not hold %s", text, part);
    }
    free(text);
}

void assert_code(const struct document *failure, const char *expected)
{
    if (!str_equal_text(failure_code(failure), expected)) {
        char *text = pipeline_fixture_text(failure);
        fail_msg("the error is %s, its code should be %s", text, expected);
    }
}
