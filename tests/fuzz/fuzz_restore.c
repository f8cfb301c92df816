/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as the kept records of a run (see tests/support/run_history.h); the first one says of which
 * pipeline. They are refused, or give a run that can go on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/run_history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct str text = {(const char *)data + 2, size - 2}; /* a digit and a line's end */
    int status = run_history_try(run_history_pipeline(data[0]), text);
    if (status != 0 && status != E_CORRUPT) {
        (void)fprintf(stderr, "broken promise: a history is refused as corrupt: %d\n", status);
        abort();
    }
    return 0;
}
