/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/shown_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/str.h"

static const char yaml[] =
    "id: t\nnodes:\n"
    "  - {id: fetch, type: http, config: {url: 'http://a/'}}\n"
    "  - {id: wide, name: \"\xE6\xBC\xA2\xE5\xAD\x97\", type: http, config: {url: 'http://a/'}}\n"
    "  - {id: bad, name: \"\\e[2Jx\", type: set, config: {x: 1}}\n"
    "  - {id: long, name: \"0123456789012345678901234567890123456789\", type: set,"
    " config: {x: 1}}\n"
    "  - {id: e, type: set, config: {x: 1}}\n";

struct pipeline_fixture fixture;
struct run_view view;
struct strbuf out;

int shown_run_set_up(void **state)
{
    (void)state;
    pipeline_fixture_init(&fixture, yaml);
    out = STRBUF_INIT;
    return run_view_init(&view, fixture.pipeline);
}

int shown_run_tear_down(void **state)
{
    (void)state;
    strbuf_finish(&out);
    run_view_finish(&view);
    pipeline_fixture_finish(&fixture);
    return 0;
}

void assert_shown(const char *expected)
{
    assert_string_equal(strbuf_str(&out).p, expected);
    strbuf_clear(&out);
}
