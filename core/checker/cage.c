/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/cage.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/cleanup.h"

static const uint64_t changes = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

static void allow(int rules, const char *folder, uint64_t access)
{
    cleanup_fd int fd = open(folder, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    /* If it fails, less is allowed. */
}

void cage_enter(const char *folder)
{
    struct landlock_ruleset_attr asked = {.handled_access_fs = changes};
    cleanup_fd int rules = (int)syscall(SYS_landlock_create_ruleset, &asked, sizeof asked, 0);
    if (rules < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return;
    }
    allow(rules, folder, changes);
    allow(rules, "/dev", LANDLOCK_ACCESS_FS_WRITE_FILE);
    (void)syscall(SYS_landlock_restrict_self, rules, 0); /* the best that can be had */
}
