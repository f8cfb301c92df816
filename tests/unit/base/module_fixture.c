/* SPDX-License-Identifier: Apache-2.0 */
/* Modules for test_module.c, one per macro FIXTURE_*: good ones and each kind of bad one. */
#include "core/base/module.h"

static const int table = 42;

#if defined(FIXTURE_OTHER_BUILD)
MODULE_EXPORT const struct module_desc opstream_module_v1 = {
    MODULE_MAGIC, sizeof(struct module_desc), "other_build", "0.0.1-elsewhere", &table};
#elif defined(FIXTURE_OTHER_NAME)
MODULE_EXPORT const struct module_desc opstream_module_v1 = MODULE_DESC("someone", &table);
#elif defined(FIXTURE_NO_MAGIC)
MODULE_EXPORT const struct module_desc opstream_module_v1 = {0, sizeof(struct module_desc),
                                                             "no_magic", OPSTREAM_BUILD_ID, &table};
#elif defined(FIXTURE_NO_SYMBOL)
MODULE_EXPORT const int *const fixture_table = &table;
#elif defined(FIXTURE_SELFTEST)
MODULE_EXPORT const struct module_desc opstream_module_v1 = MODULE_DESC("selftest", &table);
#else
MODULE_EXPORT const struct module_desc opstream_module_v1 = MODULE_DESC("good", &table);
#endif
