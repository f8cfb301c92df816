/* SPDX-License-Identifier: Apache-2.0 */
#include "rank.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>

static const double k1 = 1.2;
static const double b = 0.75;
static const double title_weight = 2.0;

/* What holds for all documents of one query; kept with it by FTS5. */
struct rank {
    double average_words; /* of a document */
    double most;          /* the sum of the weights */
    int phrase_count;
    double *counts;   /* by phrase, of the document at hand */
    double weights[]; /* by phrase */
};

static int on_document(const Fts5ExtensionApi *api, Fts5Context *context, void *user)
{
    (void)api;
    (void)context;
    ++*(sqlite3_int64 *)user;
    return SQLITE_OK;
}

static int weigh_phrases(const Fts5ExtensionApi *api, Fts5Context *context, struct rank *rank)
{
    sqlite3_int64 documents = 0;
    sqlite3_int64 words = 0;
    int rc = api->xRowCount(context, &documents);
    if (rc == SQLITE_OK) {
        rc = api->xColumnTotalSize(context, -1, &words);
    }
    rank->average_words = documents > 0 && words > 0 ? (double)words / (double)documents : 1;
    for (int i = 0; i < rank->phrase_count && rc == SQLITE_OK; i++) {
        sqlite3_int64 with = 0;
        rc = api->xQueryPhrase(context, i, &with, on_document);
        with = with > 0 ? with : 1; /* else a new word would outweigh all others where N is small */
        double without = (double)(documents > with ? documents - with : 0);
        rank->weights[i] = log(1 + (without + 0.5) / ((double)with + 0.5));
        rank->most += rank->weights[i];
    }
    return rc;
}

/* Made at the first document of a query. */
static int find_rank(const Fts5ExtensionApi *api, Fts5Context *context, struct rank **out)
{
    *out = api->xGetAuxdata(context, 0);
    if (*out != NULL) {
        return SQLITE_OK;
    }
    int count = api->xPhraseCount(context);
    size_t n = count > 0 ? (size_t)count : 0;
    struct rank *rank = calloc(1, sizeof(*rank) + 2 * n * sizeof(double));
    if (rank == NULL) {
        return SQLITE_NOMEM;
    }
    rank->phrase_count = count;
    rank->counts = rank->weights + n;
    int rc = weigh_phrases(api, context, rank);
    if (rc != SQLITE_OK) {
        free(rank);
        return rc;
    }
    *out = rank;
    return api->xSetAuxdata(context, rank, free); /* frees it, also when it fails */
}

static int count_words(const Fts5ExtensionApi *api, Fts5Context *context, struct rank *rank)
{
    int instances = 0;
    int rc = api->xInstCount(context, &instances);
    for (int i = 0; i < rank->phrase_count; i++) {
        rank->counts[i] = 0;
    }
    for (int i = 0; i < instances && rc == SQLITE_OK; i++) {
        int phrase = 0;
        int column = 0;
        int at = 0;
        rc = api->xInst(context, i, &phrase, &column, &at);
        if (rc == SQLITE_OK && phrase < rank->phrase_count) {
            rank->counts[phrase] += column == 0 ? title_weight : 1.0;
        }
    }
    return rc;
}

static double score_of(const struct rank *rank, int words)
{
    double sum = 0;
    double length = k1 * (1 - b + b * (double)words / rank->average_words);
    for (int i = 0; i < rank->phrase_count; i++) {
        sum += rank->weights[i] * rank->counts[i] / (rank->counts[i] + length);
    }
    return rank->most > 0 ? round(sum / rank->most * 1e6) / 1e6 : 0;
}

static void match_score(const Fts5ExtensionApi *api, Fts5Context *context, sqlite3_context *result,
                        int argument_count, sqlite3_value **arguments)
{
    struct rank *rank = NULL;
    int words = 0;
    (void)argument_count;
    (void)arguments;
    int rc = find_rank(api, context, &rank);
    if (rc == SQLITE_OK) {
        rc = count_words(api, context, rank);
    }
    if (rc == SQLITE_OK) {
        rc = api->xColumnSize(context, -1, &words);
    }
    if (rc == SQLITE_OK) {
        sqlite3_result_double(result, score_of(rank, words));
    } else {
        sqlite3_result_error_code(result, rc);
    }
}

static fts5_api *find_api(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK) {
        (void)sqlite3_bind_pointer(statement, 1, (void *)&api, "fts5_api_ptr", NULL);
        (void)sqlite3_step(statement); /* gives no row that matters, but the pointer */
    }
    (void)sqlite3_finalize(statement);
    return api;
}

int rank_register(sqlite3 *db, struct fault *fault)
{
    fts5_api *api = find_api(db);
    if (api == NULL) {
        (void)fault_set(fault, OPS_E_UNSUPPORTED, "search.fts5",
                        "the SQLite of this machine (%s) has no FTS5", sqlite3_libversion());
        fault->hint = "install a libsqlite3 that was built with it, as Debian's is";
        return 0;
    }
    int rc = api->xCreateFunction(api, "match_score", NULL, match_score, NULL);
    return rc == SQLITE_OK ||
           fault_set(fault, OPS_E_RESOURCE, "search.memory", "%s", sqlite3_errstr(rc));
}
