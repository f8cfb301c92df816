/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/cli/man_format.h"
#include "core/cli/man_roff.h"
#include "core/model/format.h"
#include "core/model/format_parts.h"

static void test_man_format__has_every_map_of_the_format(void **state)
{
    (void)state;
    const struct format_part *part = NULL;
    for (size_t i = 0; (part = format_parts_at(i)) != NULL; i++) {
        /* What a pipeline of one node has is said where pipelines and nodes are. */
        bool is_said = part->table == NULL || part->table == format_single_keys;
        if (!is_said && !man_format_has(part->table)) {
            print_error("no page has the keys of '%s'\n", part->name);
        }
        assert_true(is_said || man_format_has(part->table));
    }
    static const struct format_key *const settings[] = {
        format_settings_keys, format_backpressure_keys, format_secret_keys,
        format_room_keys,     format_policy_keys,       format_file_keys,
    };
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        assert_true(man_format_has(settings[i]));
    }
}

static void check_key(const char *page, const char *key, bool is_there)
{
    char tag[64];
    (void)snprintf(tag, sizeof(tag), "\\fB%s\\fR (", key);
    assert_int_equal(strstr(page, tag) != NULL, is_there);
}

static void test_man_format__leaves_out_what_is_refused(void **state)
{
    (void)state;
    struct strbuf page = STRBUF_INIT;
    struct error err = {0};
    assert_int_equal(man_format_append_pipeline(&page, &err), 0);
    assert_int_equal(strbuf_status(&page), 0);
    for (const struct format_key *key = format_node_keys; key->name.n > 0; key++) {
        check_key(page.p, key->name.p, key->state != FORMAT_LATER);
    }
    assert_non_null(strstr(page.p, " It has no effect yet."));
    strbuf_finish(&page);
}

static void test_man_roff__text_reads_as_it_stands(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    man_roff_text(&out, STR(".x \\ -a 'b' `c` ^~ a.b"));
    assert_string_equal(out.p, "\\&.x \\e \\-a \\(aqb\\(aq \\(gac\\(ga \\(ha\\(ti a.b");
    strbuf_clear(&out);
    man_roff_paragraphs(&out, STR("one\ntwo\n\n  code\n    more\n\nthree"));
    assert_string_equal(out.p, "one\ntwo\n.PP\n.RS 4\n.EX\ncode\n  more\n.EE\n.RE\n.PP\nthree\n");
    strbuf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_man_format__has_every_map_of_the_format),
        cmocka_unit_test(test_man_format__leaves_out_what_is_refused),
        cmocka_unit_test(test_man_roff__text_reads_as_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
