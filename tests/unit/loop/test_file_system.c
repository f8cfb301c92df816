/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

#include "core/loop/file_system.h"

static void test_file_system__names_those_over_a_network(void **state)
{
    (void)state;
    assert_string_equal(file_system_remote_name(NFS_SUPER_MAGIC, 0), "NFS");
    assert_string_equal(file_system_remote_name(SMB_SUPER_MAGIC, 0), "SMB");
    assert_string_equal(file_system_remote_name(0xFF534D42, 0), "CIFS");
    assert_string_equal(file_system_remote_name(0xFE534D42, 0), "SMB2");
    assert_string_equal(file_system_remote_name(V9FS_MAGIC, 0), "9P");
    assert_string_equal(file_system_remote_name(AFS_SUPER_MAGIC, 0), "AFS");
    assert_string_equal(file_system_remote_name(AFS_FS_MAGIC, 0), "AFS");
    assert_string_equal(file_system_remote_name(CODA_SUPER_MAGIC, 0), "Coda");
    assert_string_equal(file_system_remote_name(0x00C36400, 0), "Ceph");
    assert_string_equal(file_system_remote_name(OCFS2_SUPER_MAGIC, makedev(8, 1)), "OCFS2");
}

static void test_file_system__a_sign_in_the_upper_half_changes_nothing(void **state)
{
    (void)state;
    assert_string_equal(file_system_remote_name(0xFFFFFFFFFF534D42, 0), "CIFS");
    assert_string_equal(file_system_remote_name(0xFFFFFFFFFE534D42, 0), "SMB2");
}

static void test_file_system__takes_local_and_unknown_ones(void **state)
{
    (void)state;
    assert_null(file_system_remote_name(EXT4_SUPER_MAGIC, makedev(8, 1)));
    assert_null(file_system_remote_name(XFS_SUPER_MAGIC, makedev(8, 1)));
    assert_null(file_system_remote_name(BTRFS_SUPER_MAGIC, 0));
    assert_null(file_system_remote_name(TMPFS_MAGIC, 0));
    assert_null(file_system_remote_name(OVERLAYFS_SUPER_MAGIC, 0));
    assert_null(file_system_remote_name(0, 0));
    assert_null(file_system_remote_name(0x12345678, 0));
}

static void test_file_system__takes_fuse_over_a_disk_only(void **state)
{
    (void)state;
    assert_string_equal(file_system_remote_name(FUSE_SUPER_MAGIC, makedev(0, 50)), "FUSE");
    assert_null(file_system_remote_name(FUSE_SUPER_MAGIC, makedev(8, 17)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_system__names_those_over_a_network),
        cmocka_unit_test(test_file_system__a_sign_in_the_upper_half_changes_nothing),
        cmocka_unit_test(test_file_system__takes_local_and_unknown_ones),
        cmocka_unit_test(test_file_system__takes_fuse_over_a_disk_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
