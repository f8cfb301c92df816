/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model/loading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/load.h"

struct definitions *loading_read(const struct load_options *options, const char *text,
                                 const char *said)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf printed = STRBUF_INIT;
    struct definitions *definitions = NULL;
    struct error err = {0};
    int status = load_text(str_from(text), options, &diagnostics, &definitions, &err);
    diagnostics_print(&diagnostics, NULL, NULL, 0, &printed);
    assert_string_equal(strbuf_str(&printed).p, said);
    assert_int_equal(status, 0);
    strbuf_finish(&printed);
    diagnostics_finish(&diagnostics);
    return definitions;
}

void assert_str(struct str found, const char *expected)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_str(&text, found);
    assert_string_equal(strbuf_str(&text).p, expected);
    strbuf_finish(&text);
}
