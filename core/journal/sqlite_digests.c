/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_digests.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/grow.h"

void sqlite_digests_finish(struct sqlite_digests *digests)
{
    free(digests->items);
    *digests = SQLITE_DIGESTS_INIT;
}

static int add_one(struct sqlite_digests *digests, struct str digest)
{
    void *items =
        array_reserve(digests->items, &digests->cap, digests->count + 1, sizeof(*digests->items));
    if (items == NULL) {
        return SQLITE_NOMEM;
    }
    digests->items = items;
    if (digest.n == DIGEST_HEX_SIZE - 1) { /* else it is the name of no file */
        memcpy(digests->items[digests->count], digest.p, digest.n);
        digests->items[digests->count++][digest.n] = '\0';
    }
    return SQLITE_OK;
}

int sqlite_digests_add(struct sqlite_digests *digests, sqlite3 *db, const char *sql, int64_t number)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    struct sqlite_call call = sqlite_call_begin(statement);
    if (rc == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 0) {
        sqlite_call_int(&call, number);
    }
    while (rc == SQLITE_OK && sqlite_call_step(&call) == SQLITE_ROW) {
        rc = add_one(digests, sqlite_call_column_str(&call, 0));
    }
    if (rc == SQLITE_OK) {
        rc = sqlite_call_end(&call);
    }
    (void)sqlite3_finalize(statement); /* says again what the step has said */
    return rc;
}
