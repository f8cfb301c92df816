/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/guarded.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t whole_pages(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (n / page + 1) * page;
}

void *guarded_alloc(size_t n)
{
    size_t size = whole_pages(n);
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        return NULL;
    }
    (void)mlock(block, size); /* the limit may be small: better swapped than not there */
    (void)madvise(block, size, MADV_DONTDUMP);
    return block;
}

void guarded_free(void *block, size_t n)
{
    if (block != NULL) {
        explicit_bzero(block, n);
        (void)munmap(block, whole_pages(n)); /* it is a mapping of ours */
    }
}

void guarded_close_process(void)
{
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0); /* fails for values that the kernel does not know */
    (void)setrlimit(RLIMIT_CORE, &none);
}
