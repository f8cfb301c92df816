/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_PROBE_FRAME_H
#define CORE_HOST_PROBE_FRAME_H

/*
 * Probe frame: what opstream-plugin-host tells of a file that it tries, on descriptor 3: frames of
 * a head and a body, in the byte order of the machine. Both ends are of one build; and yet the one
 * who reads believes nothing, as the code that is tried can write there, too.
 *
 * Used by:  probe, probe_crash, probe_main, result.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stdint.h>

/* What is begun; the one that was begun last is where a process ended. */
enum probe_stage {
    PROBE_OPEN,       /* the manifest is read */
    PROBE_DLOPEN,     /* constructors run */
    PROBE_SYMBOL,     /* the descriptor is looked for */
    PROBE_DESCRIPTOR, /* and checked */
    PROBE_INIT,
    PROBE_CREATE, /* of each node type that takes empty settings */
    PROBE_DESTROY,
    PROBE_SHUTDOWN,
    PROBE_EXIT, /* destructors run */
    PROBE_STAGE_COUNT,
};

enum probe_frame_type {
    PROBE_FRAME_HELLO = 1, /* body: the build id */
    PROBE_FRAME_STAGE,     /* number: enum probe_stage */
    PROBE_FRAME_REFUSED,   /* number: an error code without its sign; body: the message */
    PROBE_FRAME_CRASH,     /* number: the signal */
    PROBE_FRAME_STACK,     /* body: addresses as uint64_t, the innermost first */
    PROBE_FRAME_MAPS,      /* body: a part of /proc/self/maps */
};

struct probe_frame {
    uint32_t bytes; /* of the body */
    uint32_t type;
    uint64_t number;
};

enum { PROBE_FRAME_FD = 3, PROBE_STACK_MOST = 64 };

/* "dlopen", "init", ...; "?" for no stage. Static. */
const char *probe_stage_name(enum probe_stage stage);

#endif
