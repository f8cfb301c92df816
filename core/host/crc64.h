/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_CRC64_H
#define CORE_HOST_CRC64_H

/*
 * CRC-64/XZ: tells a manifest and the code that it was built with from others. No protection
 * against intent.
 *
 * Used by:  elf_note.
 * Uses:     str.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/base/str.h"

uint64_t crc64_xz(struct str bytes);

#endif
