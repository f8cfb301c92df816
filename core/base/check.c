/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *function, const char *expression, const char *name)
{
    (void)fprintf(stderr, "opstream: bug: %s: '%s' is false%s%s\n", function, expression,
                  name != NULL ? " for " : "", name != NULL ? name : "");
    abort();
}

_Noreturn void unreachable_state(const char *machine, int value)
{
    (void)fprintf(stderr, "opstream: bug: %s cannot be in state %d\n", machine, value);
    abort();
}
