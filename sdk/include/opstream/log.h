/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_LOG_H
#define OPSTREAM_LOG_H

/* ops.log 1: lines for the log of the run. A plugin never writes to stdout or stderr. */

#include "opstream/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPS_IF_LOG "ops.log"

#define OPS_LOG_ERROR 0u
#define OPS_LOG_WARN  1u
#define OPS_LOG_INFO  2u
#define OPS_LOG_DEBUG 3u

typedef struct ops_if_log {
    uint32_t size;
    uint32_t version;
    /*
     * [any-thread] Writes one line with `n` pairs of key and value (`keys` and `values` may be NULL
     * when n is 0). `task` 0: about the plugin itself. Control characters are escaped, lines over
     * 8 KB are cut, and when a plugin writes faster than lines can be taken, lines are dropped and
     * counted: the log never holds work up. No secrets.
     */
    void (*write)(void *h, ops_task task, uint32_t level, ops_str message, const ops_str *keys,
                  const ops_str *values, uint64_t n);
} ops_if_log;

#ifdef __cplusplus
}
#endif
#endif
