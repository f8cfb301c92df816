/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SEARCH_FAULT_H
#define PLUGINS_SEARCH_FAULT_H

/*
 * Fault: why something did not work, on its way to the end of the task. The first one counts.
 *
 * Functions that can fail give 1 when all went well and 0 when the fault is filled.
 */

#include "opstream/sdk.h"

struct sqlite3;

enum { FAULT_MESSAGE_BYTES = 1024 };

struct fault {
    ops_status code;    /* OPS_OK: none */
    const char *symbol; /* static */
    const char *hint;   /* static, or NULL */
    const char *path;   /* static, of the config; or NULL */
    uint32_t retry;     /* OPS_RETRY_* */
    char message[FAULT_MESSAGE_BYTES];
};

/* Always 0. */
__attribute__((format(printf, 4, 5))) int fault_set(struct fault *fault, ops_status code,
                                                    const char *symbol, const char *format, ...);

/* What SQLite says of the index in `file` with its result `rc`. `db` may be NULL. Always 0. */
int fault_set_sqlite(struct fault *fault, struct sqlite3 *db, int rc, const char *file);

/* Ends the task as failed. */
void fault_tell(ops_task task, const struct fault *fault);

#endif
