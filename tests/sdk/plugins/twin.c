/* SPDX-License-Identifier: Apache-2.0 */

/* A library that is linked statically in several versions; what it shows, it shows to everybody. */

#include "twin.h"

int twin_calls;

int twin_version(void)
{
    twin_calls++;
    return TWIN_VERSION;
}
