/* SPDX-License-Identifier: Apache-2.0 */

/* What a service says of its next page, and files in base64: slices lie where they were cut from.
 */

#include <stdlib.h>
#include <string.h>

#include "plugins/service/link.h"
#include "plugins/service/text.h"
#include "tests/fuzz/fuzz.h"

static void check_inside(ops_str part, ops_str whole, char never)
{
    if (part.n == 0) {
        return;
    }
    if (part.p < whole.p || part.p + part.n > whole.p + whole.n ||
        memchr(part.p, never, (size_t)part.n) != NULL) {
        abort();
    }
}

static void check_base64(ops_str bytes)
{
    struct text plain = {NULL, 0, 0, 0};
    struct text again = {NULL, 0, 0, 0};
    struct text twice = {NULL, 0, 0, 0};
    if (text_append_unbase64(&plain, bytes)) {
        text_append_base64(&again, text_str(&plain));
        if (plain.n > bytes.n / 4 * 3 || !text_append_unbase64(&twice, text_str(&again)) ||
            twice.n != plain.n || (plain.n > 0 && memcmp(twice.p, plain.p, plain.n) != 0)) {
            abort();
        }
    }
    text_finish(&plain);
    text_finish(&again);
    text_finish(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ops_str header = {(const char *)data, size};
    ops_str url = link_find(header, "next");
    check_inside(url, header, '>');
    check_inside(link_query(url), url, '#');
    check_inside(link_query(header), header, '#');
    check_base64(header);
    return 0;
}
