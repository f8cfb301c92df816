/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SDK_PLUGINS_DEEDS_H
#define TESTS_SDK_PLUGINS_DEEDS_H

/*
 * What the nodes of the test plugin can do, by name. A deed of deeds_wrong.c completes with the
 * number of things that went otherwise than the headers say.
 */

#include "opstream/sdk.h"

typedef void (*deed_function)(ops_task task, ops_val config);

struct deed {
    const char *name;
    deed_function run;
};

/* Ends with a name of NULL. */
extern const struct deed deeds_wrong[];

/* Completes with {key: i}. */
void deed_complete_i64(ops_task task, const char *key, int64_t i);

#endif
