/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/start_failure.h"

#include <stddef.h>

#include "core/base/error.h"

const char *start_failure_name(int status)
{
    switch (status) {
    case E_NOMEM:
        return "RESOURCE";
    case E_NOT_FOUND:
    case E_VERSION:
    case E_CORRUPT:
    case E_IO:
        return "UNAVAILABLE";
    default:
        return NULL;
    }
}
