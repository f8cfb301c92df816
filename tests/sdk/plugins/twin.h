/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SDK_PLUGINS_TWIN_H
#define TESTS_SDK_PLUGINS_TWIN_H

/* The library of twin.c. */

extern int twin_calls;
int twin_version(void);

#endif
