/* SPDX-License-Identifier: Apache-2.0 */
/* What the build gives to a plugin's code: the CRC of its manifest, as a constant. */
#include <stdint.h>

extern const uint64_t example_manifest_crc;
__attribute__((visibility("default"))) const uint64_t example_manifest_crc = OPS_MANIFEST_CRC;

uint64_t example_hidden(void);

/* Not exported, because it does not say that it is. */
uint64_t example_hidden(void)
{
    return example_manifest_crc;
}
