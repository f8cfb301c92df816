/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/journal_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/digest.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/reader_query.h"
#include "core/journal/sqlite_blobs.h"

int journal_findings_add(struct journal_findings *findings, enum journal_finding_kind kind,
                         struct str run, uint64_t seq, const char *format, ...)
{
    char text[1280];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    const struct journal_finding finding = {
        .kind = kind, .run = run, .seq = seq, .text = str_from(text)};
    if (findings->status == 0) {
        findings->status = findings->each(findings->user, &finding);
    }
    return findings->status;
}

struct check {
    struct journal_reader *reader;
    struct journal_findings *findings;
    struct journal_check_numbers *numbers;
    struct error *err;
};

/* Damage is found, not failed at. */
static int end_query(struct check *check, struct reader_query *query)
{
    struct error *err = query->err;
    int status = reader_query_end(query);
    if (status != E_CORRUPT) {
        return status;
    }
    return journal_findings_add(check->findings, JOURNAL_DIFFERS, STR(""), 0, "%s",
                                err != NULL ? err->message : "damaged");
}

/* ---- the file ---- */

static int check_pages(struct check *check)
{
    struct reader_query query;
    reader_query_begin(&query, check->reader, "PRAGMA integrity_check(20)", check->err);
    while (reader_query_next(&query)) {
        struct str text = reader_query_column_str(&query, 0);
        if (!str_equal(text, STR("ok"))) {
            reader_query_stop(&query,
                              journal_findings_add(check->findings, JOURNAL_DIFFERS, STR(""), 0,
                                                   "the file is damaged: %.*s", STR_ARG(text)));
        }
    }
    return end_query(check, &query);
}

/* Each gives the run's id, a seq or 0, and what is wrong. */
static const char *const rules[] = {
    "SELECT r.id, 0, 'its definition ''' || r.definition || ''' is not there' FROM runs r"
    " WHERE NOT EXISTS (SELECT 1 FROM definitions d WHERE d.digest = r.definition)",

    "SELECT r.id, 0, 'the run that called it, number ' || r.parent || ', is not there'"
    " FROM runs r WHERE r.parent IS NOT NULL"
    " AND NOT EXISTS (SELECT 1 FROM runs p WHERE p.run = r.parent)",

    "SELECT r.id, 0, 'the run that somebody started for it, number ' || r.root ||"
    " ', is not there' FROM runs r WHERE NOT EXISTS (SELECT 1 FROM runs p WHERE p.run = r.root)",

    "SELECT r.id, j.seq, 'the file ''' || b.value || ''' is not among those of its run'"
    " FROM journal j JOIN runs r ON r.run = j.run, json_each(j.blob) b"
    " WHERE j.blob IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM blobs x WHERE x.digest = b.value AND x.run = j.run)",

    "SELECT '', 0, 'records of run number ' || j.run || ', which is not there' FROM journal j"
    " WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run = j.run) GROUP BY j.run",

    "SELECT '', 0, 'nodes of run number ' || n.run || ', which is not there' FROM nodes n"
    " WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run = n.run) GROUP BY n.run",

    "SELECT '', 0, 'the state of the ' || kind || ' ''' || key || ''' is no JSON object'"
    " FROM scopes WHERE CASE WHEN json_valid(state) THEN json_type(state) <> 'object' ELSE 1 END",

    "SELECT '', 0, 'the result ''' || key || ''' that is kept is no JSON' FROM cache"
    " WHERE NOT json_valid(output)",

    "SELECT '', 0, 'items of the result ''' || key || ''' that is kept are no list'"
    " FROM cache_items WHERE CASE WHEN json_valid(items) THEN json_type(items) <> 'array'"
    " ELSE 1 END",
};

static int check_rule(struct check *check, const char *rule)
{
    struct reader_query query;
    reader_query_begin(&query, check->reader, rule, check->err);
    while (reader_query_next(&query)) {
        struct str text = reader_query_column_str(&query, 2);
        reader_query_stop(&query, journal_findings_add(check->findings, JOURNAL_DIFFERS,
                                                       reader_query_column_str(&query, 0),
                                                       (uint64_t)reader_query_column_int(&query, 1),
                                                       "%.*s", STR_ARG(text)));
    }
    return end_query(check, &query);
}

static int check_rules(struct check *check)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof(rules) / sizeof(rules[0]); i++) {
        status = check_rule(check, rules[i]);
    }
    return status;
}

static int check_definition(struct check *check, struct str digest, struct str source)
{
    unsigned char bytes[DIGEST_BYTES];
    char hex[DIGEST_HEX_SIZE];
    check->numbers->definitions++;
    digest_sha256(source, bytes);
    digest_format_hex(bytes, sizeof(bytes), hex);
    return str_equal_text(digest, hex)
               ? 0
               : journal_findings_add(check->findings, JOURNAL_DIFFERS, STR(""), 0,
                                      "the definition '%.*s' holds another text", STR_ARG(digest));
}

static int check_definitions(struct check *check)
{
    struct reader_query query;
    reader_query_begin(&query, check->reader, "SELECT digest, source FROM definitions", check->err);
    while (reader_query_next(&query)) {
        reader_query_stop(&query, check_definition(check, reader_query_column_str(&query, 0),
                                                   reader_query_column_str(&query, 1)));
    }
    return end_query(check, &query);
}

/* ---- large documents ---- */

static int check_blob(struct check *check, struct str digest, struct str run)
{
    struct strbuf text = STRBUF_INIT;
    struct error err = {0};
    int status = sqlite_blobs_read(check->reader->folder, digest, &text, &err);
    check->numbers->blobs++;
    strbuf_finish(&text);
    if (status == 0) {
        return 0;
    }
    return status == E_NOMEM
               ? error_copy(check->err, &err)
               : journal_findings_add(check->findings, JOURNAL_DIFFERS, run, 0, "%s", err.message);
}

static int check_named_blobs(struct check *check)
{
    struct reader_query query;
    reader_query_begin(&query, check->reader,
                       "SELECT b.digest, min(r.id) FROM blobs b LEFT JOIN runs r ON r.run = b.run"
                       " GROUP BY b.digest",
                       check->err);
    while (reader_query_next(&query)) {
        reader_query_stop(&query, check_blob(check, reader_query_column_str(&query, 0),
                                             reader_query_column_str(&query, 1)));
    }
    return end_query(check, &query);
}

static int check_file_of_blobs(void *user, const char *parent, const char *name)
{
    struct check *check = user;
    struct reader_query query;
    bool is_named = false;
    (void)parent;
    reader_query_begin(&query, check->reader, "SELECT 1 FROM blobs WHERE digest = ? LIMIT 1",
                       check->err);
    reader_query_str(&query, str_from(name));
    while (reader_query_next(&query)) {
        is_named = true;
    }
    int status = end_query(check, &query);
    return status != 0 || is_named
               ? status
               : journal_findings_add(check->findings, JOURNAL_UNUSED, STR(""), 0,
                                      "no run needs the file '%s' of 'blobs'", name);
}

int journal_check_file(struct journal_reader *reader, struct journal_findings *findings,
                       struct journal_check_numbers *out_numbers, struct error *err)
{
    struct error own = {0};
    struct check check = {reader, findings, out_numbers, err != NULL ? err : &own};
    *out_numbers = (struct journal_check_numbers){0};
    int status = check_pages(&check);
    if (status == 0) {
        status = check_rules(&check);
    }
    if (status == 0) {
        status = check_definitions(&check);
    }
    if (status == 0) {
        status = check_named_blobs(&check);
    }
    return status == 0 ? sqlite_blobs_each(reader->folder, check_file_of_blobs, &check, check.err)
                       : status;
}

int journal_check_list(struct journal_reader *reader, uint64_t after, uint64_t *out_numbers,
                       size_t *room_and_count, struct error *err)
{
    struct reader_query query;
    size_t count = 0;
    reader_query_begin(&query, reader, "SELECT run FROM runs WHERE run > ? ORDER BY run LIMIT ?",
                       err);
    reader_query_int(&query, (int64_t)after);
    reader_query_int(&query, (int64_t)*room_and_count);
    while (reader_query_next(&query)) {
        out_numbers[count++] = (uint64_t)reader_query_column_int(&query, 0);
    }
    *room_and_count = count;
    return reader_query_end(&query);
}
