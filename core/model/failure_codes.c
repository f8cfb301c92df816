/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/failure_codes.h"

#define CODE(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct str codes[] = {
    CODE("AUTH"),       CODE("CANCELLED"),   CODE("CONFIG"),       CODE("CONFLICT"),
    CODE("INPUT"),      CODE("INTERNAL"),    CODE("MEMORY_LIMIT"), CODE("NOT_FOUND"),
    CODE("PERMISSION"), CODE("PLUGIN"),      CODE("RATE_LIMITED"), CODE("RESOURCE"),
    CODE("STALE"),      CODE("TIMEOUT"),     CODE("UNAVAILABLE"),  CODE("UNSUPPORTED"),
    CODE("UPSTREAM"),   CODE("WOULD_BLOCK"),
};

struct str failure_codes_at(size_t i)
{
    return i < sizeof(codes) / sizeof(codes[0]) ? codes[i] : STR("");
}
