/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_CLEANUP_H
#define CORE_BASE_CLEANUP_H

/*
 * Automatic cleanup of locals, by the compilers' cleanup attribute.
 *
 *     cleanup_free char *text = str_dup(name);
 *
 * Each type declares its own marker beside its destroy function with CLEANUP_DEFINE. Handing a
 * local over is one explicit step that nulls it: `*out = take_pointer(&text);`
 *
 * Used by:  everything in core but sdk/.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/* Defines NAME_cleanup(type *) which calls `destroy` on the local's value. */
#define CLEANUP_DEFINE(name, type, destroy)                                                        \
    static inline void name##_cleanup(type *local)                                                 \
    {                                                                                              \
        destroy(*local);                                                                           \
    }

static inline void cleanup_free_pointer(void *local)
{
    free(*(void **)local);
}

static inline void cleanup_close_fd(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* nothing was written through it that a failed close could lose */
    }
}

#define cleanup_free CLEANUP(cleanup_free_pointer)
#define cleanup_fd   CLEANUP(cleanup_close_fd)

/* The local's value; the local is NULL then. */
#define take_pointer(local)                                                                        \
    __extension__({                                                                                \
        __typeof__(*(local)) taken_ = *(local);                                                    \
        *(local) = NULL;                                                                           \
        taken_;                                                                                    \
    })

#endif
