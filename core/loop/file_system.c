/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/file_system.h"

#include <stddef.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

enum { MAGIC_FUSE = 0x65735546 };

/* Those that <linux/magic.h> does not have, too. */
static const struct {
    uint32_t magic;
    const char *name;
} remote_systems[] = {
    {0x00006969, "NFS"},    {0x0000517B, "SMB"},      {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},   {0x01021997, "9P"},       {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},    {0x73757245, "Coda"},     {0x00C36400, "Ceph"},
    {0x0000564C, "NCP"},    {0x01161970, "GFS2"},     {0x7461636F, "OCFS2"},
    {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},     {0xAAD7AAEA, "PanFS"},
    {0x19830326, "BeeGFS"}, {0x20030528, "OrangeFS"}, {0x786F4256, "vboxsf"},
    {0xBACBACBC, "vmhgfs"},
};

const char *file_system_remote_name(uint64_t magic, uint64_t device)
{
    /* f_type is signed and of the width of a long: the upper half says nothing. */
    uint32_t low = (uint32_t)magic;
    if (low == MAGIC_FUSE) {
        return major((dev_t)device) == 0 ? "FUSE" : NULL;
    }
    for (size_t i = 0; i < sizeof(remote_systems) / sizeof(remote_systems[0]); i++) {
        if (remote_systems[i].magic == low) {
            return remote_systems[i].name;
        }
    }
    return NULL;
}
