/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/module.h"

#include "core/api/transport.h"

MODULE_EXPORT const struct module_desc opstream_module_v1 = MODULE_DESC("api", &transport_table);
