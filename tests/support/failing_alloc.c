/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/failing_alloc.h"

#include <errno.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);

static _Thread_local bool is_armed;
static _Thread_local bool was_reached;
static _Thread_local long left;

void failing_alloc_arm(long n)
{
    is_armed = true;
    was_reached = false;
    left = n;
}

bool failing_alloc_disarm(void)
{
    is_armed = false;
    return was_reached;
}

static bool must_fail(void)
{
    if (!is_armed || left-- > 0) {
        return false;
    }
    is_armed = false;
    was_reached = true;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return must_fail() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
    return must_fail() ? NULL : __real_reallocarray(p, count, size);
}
