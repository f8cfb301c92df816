/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as a tape of HTTP calls. What is refused says why; what is read is written and read again
 * as the same, and each call is found by itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/loop/tape_call.h"
#include "core/loop/tape_match.h"
#include "core/loop/tape_text.h"
#include "tests/fuzz/fuzz.h"

static void expect(int is_kept, const char *promise)
{
    if (!is_kept) {
        (void)fprintf(stderr, "broken promise: %s\n", promise);
        abort();
    }
}

static void write_all(const struct tape_row *row, struct strbuf *out)
{
    tape_text_append_head(out);
    for (size_t i = 0; i < row->count; i++) {
        tape_text_append_call(row->calls[i], NULL, out);
    }
}

static void check_again(const struct tape_row *row)
{
    struct strbuf text = STRBUF_INIT;
    struct strbuf again = STRBUF_INIT;
    struct tape_row read = TAPE_ROW_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    write_all(row, &text);
    expect(tape_text_read("tape", strbuf_str(&text), &diagnostics, &read) == 0,
           "what was written can be read");
    write_all(&read, &again);
    expect(str_equal(strbuf_str(&text), strbuf_str(&again)), "and says the same");
    tape_row_finish(&read);
    diagnostics_finish(&diagnostics);
    strbuf_finish(&text);
    strbuf_finish(&again);
}

static void check_found(const struct tape_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        struct strbuf why = STRBUF_INIT;
        expect(tape_match_find(row, &row->calls[i]->request) != NULL, "a call is like itself");
        tape_match_append_why(row, &row->calls[i]->request, &why);
        expect(why.n > 0, "there is a nearest call");
        strbuf_finish(&why);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape_row row = TAPE_ROW_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    int status = tape_text_read("tape", str_make((const char *)data, size), &diagnostics, &row);
    expect((status == 0) == (diagnostics.error_count == 0), "what is refused says why");
    if (status == 0) {
        check_again(&row);
        check_found(&row);
    }
    tape_row_finish(&row);
    diagnostics_finish(&diagnostics);
    return 0;
}
