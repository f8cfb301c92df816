/* SPDX-License-Identifier: Apache-2.0 */
#include "core/journal/sqlite_projection.h"

#include <string.h>

#include "core/base/check.h"
#include "core/engine/record.h"

enum projected_pause {
    PROJECTED_AS_IT_WAS,
    PROJECTED_PAUSED,
    PROJECTED_RESUMED,
};

struct projected_run {
    struct path_table_key key; /* no path */
    uint64_t seq_before;       /* what the table says */
    uint64_t last_seq;
    uint64_t last_id;
    bool has_news;   /* more than its progress */
    const char *end; /* how it ended; NULL: it has not */
    enum projected_pause pause;
    int64_t started_at;
    int64_t ended_at;
    uint64_t record; /* that ended it */
    uint64_t spent;  /* the last one that says what calls took; 0: none */
    uint32_t nodes_done;
    uint32_t nodes_failed;
};

enum projected_change {
    PROJECTED_NOTHING,
    PROJECTED_STATE, /* nothing but its state */
    PROJECTED_ROW,
};

struct projected_node {
    struct path_table_key key;
    enum projected_change change;
    uint64_t noted; /* the number of the last record about it */
    const char *state;
    uint32_t attempt;
    int64_t wake_at;
    int64_t started_at; /* 0: as it was */
    int64_t ended_at;
    uint64_t record;
};

struct projected_frame {
    struct path_table_key key; /* "each[17]" */
    bool has_rows;             /* it began before the transaction: what is inside goes away */
    uint64_t ended;            /* the number of the last record that ended it; 0: none */
};

/* ---- what records mean ---- */

enum rule_flags {
    RULE_BEGINS = 1u << 0,
    RULE_ENDS = 1u << 1,
    RULE_STATE_ONLY = 1u << 2,
    RULE_PAUSES = 1u << 3,
    RULE_RESUMES = 1u << 4,
};

/*
 * What a record means for its run, or the state that it gives its node; NULL: the record says
 * which. The state of a run follows, in SQL: ended, a node is unknown, paused, running.
 */
struct rule {
    enum record_type type;
    const char *state;
    unsigned flags; /* enum rule_flags */
};

static const struct rule run_rules[] = {
    {RECORD_RUN_STARTED, NULL, RULE_BEGINS},
    {RECORD_RUN_PAUSED, NULL, RULE_PAUSES},
    {RECORD_RUN_RESUMED, NULL, RULE_RESUMES},
    {RECORD_RUN_ENDED, NULL, RULE_ENDS},
};

static const struct rule node_rules[] = {
    {RECORD_NODE_STARTED, "running", RULE_BEGINS},
    {RECORD_NODE_STOPPING, "stopping", RULE_STATE_ONLY},
    {RECORD_NODE_LOST, "ready", RULE_STATE_ONLY},
    {RECORD_NODE_UNKNOWN, "unknown", RULE_STATE_ONLY},
    {RECORD_NODE_ENDED, NULL, RULE_ENDS},
    {RECORD_NODE_AGAIN, "completed", RULE_ENDS},
    {RECORD_NODE_RETRY, "retry_wait", RULE_ENDS},
    {RECORD_NODE_FALLBACK, "running", 0},
};

#define FIND_RULE(rules, type) find_rule((rules), sizeof(rules) / sizeof((rules)[0]), (type))

static const struct rule *find_rule(const struct rule *rules, size_t count, enum record_type type)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].type == type) {
            return &rules[i];
        }
    }
    return NULL;
}

/* ---- noting ---- */

/* A state that is visited again counts once. */
static bool is_first_visit(const char *path)
{
    return strchr(path, '#') == NULL;
}

static void count_node(struct projected_run *run, const struct record *record)
{
    if (record->type != RECORD_NODE_ENDED || record->frame != 0 || record->path == NULL) {
        return;
    }
    bool is_first = is_first_visit(record->path);
    bool is_failed = record->node_state == NODE_FAILED;
    run->nodes_done += is_first ? 1u : 0u;
    run->nodes_failed += is_failed && (is_first || !record->is_handled) ? 1u : 0u;
}

/* NULL when out of memory. */
static struct projected_run *run_of(struct sqlite_projection *p, const struct record *record)
{
    struct projected_run *run = path_table_find(&p->runs, record->run_number, STR(""));
    if (run == NULL) {
        run = path_table_add(&p->runs, record->run_number, STR(""));
        if (run != NULL) {
            run->seq_before = record->seq - 1;
            run->last_seq = record->seq - 1;
        }
    }
    return run;
}

static int note_run(struct sqlite_projection *p, const struct record *record, uint64_t id)
{
    const struct rule *rule = FIND_RULE(run_rules, record->type);
    struct projected_run *run = run_of(p, record);
    if (run == NULL) {
        return SQLITE_NOMEM;
    }
    CHECK_NAMED(record->seq == run->last_seq + 1, record->path);
    run->last_seq = record->seq;
    run->last_id = id;
    count_node(run, record);
    run->spent = record->type == RECORD_NODE_SPENT ? id : run->spent;
    if (rule == NULL) {
        return SQLITE_OK;
    }
    run->has_news = true;
    if ((rule->flags & (RULE_PAUSES | RULE_RESUMES)) != 0) {
        run->pause = (rule->flags & RULE_PAUSES) != 0 ? PROJECTED_PAUSED : PROJECTED_RESUMED;
    }
    if ((rule->flags & RULE_BEGINS) != 0) {
        run->started_at = record->at_unix_ms;
    }
    if ((rule->flags & RULE_ENDS) != 0) {
        run->end = run_state_name(record->run_state);
        run->ended_at = record->at_unix_ms;
        run->record = id;
    }
    return SQLITE_OK;
}

/* An iteration that it was in, at any level, has ended since: "each[1].inner[2].fix" is in two. */
static bool is_gone(const struct sqlite_projection *p, const struct projected_node *node)
{
    const struct path_table_key *key = &node->key;
    for (size_t i = 0; p->frames.count > 0 && i < key->path.n; i++) {
        if (key->path.p[i] != ']') {
            continue;
        }
        const struct projected_frame *frame =
            path_table_find(&p->frames, key->run, str_make(key->path.p, i + 1));
        if (frame != NULL && frame->ended > node->noted) {
            return true;
        }
    }
    return false;
}

/* As it stands after the records before; NULL when out of memory. */
static struct projected_node *node_of(struct sqlite_projection *p, const struct record *record)
{
    struct str path = str_from(record->path);
    struct projected_node *node = path_table_find(&p->nodes, record->run_number, path);
    if (node == NULL) {
        return path_table_add(&p->nodes, record->run_number, path);
    }
    if (is_gone(p, node)) { /* the same path begins anew */
        *node = (struct projected_node){.key = node->key};
    }
    return node;
}

/* What nobody reported has no record of its own; a failure has one, which says why. */
static const struct rule *rule_of_node(const struct record *record)
{
    static const struct rule failed = {RECORD_NODE_UNKNOWN, "unknown", RULE_ENDS};
    static const struct rule dead = {RECORD_NODE_UNKNOWN, "dead", RULE_ENDS};
    if (record->is_dead) {
        return &dead;
    }
    bool is_failure = record->type == RECORD_NODE_UNKNOWN && record->error != NULL;
    return is_failure ? &failed : FIND_RULE(node_rules, record->type);
}

static int note_node(struct sqlite_projection *p, const struct record *record, uint64_t id)
{
    const struct rule *rule = rule_of_node(record);
    struct projected_node *node = rule != NULL ? node_of(p, record) : NULL;
    if (node == NULL) {
        return rule != NULL ? SQLITE_NOMEM : SQLITE_OK;
    }
    node->noted = p->noted;
    node->state = rule->state != NULL ? rule->state : node_state_name(record->node_state);
    if ((rule->flags & RULE_STATE_ONLY) != 0) {
        node->change = node->change == PROJECTED_NOTHING ? PROJECTED_STATE : node->change;
        return SQLITE_OK;
    }
    bool ends = (rule->flags & RULE_ENDS) != 0;
    node->change = PROJECTED_ROW;
    node->attempt = record->attempt;
    node->wake_at = record->due_unix_ms;
    node->started_at = (rule->flags & RULE_BEGINS) != 0 ? record->at_unix_ms : node->started_at;
    node->ended_at = ends ? record->at_unix_ms : 0;
    node->record = ends ? id : 0;
    return SQLITE_OK;
}

/* What is inside an iteration is of no interest after its end. */
static int note_iteration(struct sqlite_projection *p, const struct record *record)
{
    struct str path = str_from(record->path);
    bool ends = record->type == RECORD_FRAME_ENDED;
    struct projected_frame *frame = path_table_find(&p->frames, record->run_number, path);
    if (frame == NULL) {
        frame = path_table_add(&p->frames, record->run_number, path);
        if (frame == NULL) {
            return SQLITE_NOMEM;
        }
        frame->has_rows = ends;
    }
    frame->ended = ends ? p->noted : frame->ended;
    return SQLITE_OK;
}

int sqlite_projection_note(struct sqlite_projection *projection, const struct record *record,
                           uint64_t id)
{
    projection->noted++;
    int rc = note_run(projection, record, id);
    if (rc != SQLITE_OK || record->path == NULL) {
        return rc;
    }
    bool is_frame = record->type == RECORD_FRAME_STARTED || record->type == RECORD_FRAME_ENDED;
    if (is_frame) {
        return record->kind == FRAME_ITEM ? note_iteration(projection, record) : SQLITE_OK;
    }
    return note_node(projection, record, id);
}

/* ---- writing ---- */

static int write_progress(struct sqlite_projection *p, const struct projected_run *run)
{
    struct sqlite_call call = sqlite_statements_call(p->statements, SQLITE_STATEMENT_PROGRESS);
    sqlite_call_int(&call, (int64_t)run->key.run);
    sqlite_call_int(&call, (int64_t)run->seq_before);
    sqlite_call_int(&call, (int64_t)run->last_seq);
    sqlite_call_int(&call, (int64_t)run->last_id);
    sqlite_call_int(&call, run->nodes_done);
    sqlite_call_int(&call, run->nodes_failed);
    int rc = sqlite_call_end(&call);
    if (rc == SQLITE_OK && sqlite3_changes(p->statements->db) != 1) {
        return SQLITE_CORRUPT; /* its row is gone, or stands elsewhere than its records */
    }
    return rc;
}

static int write_spent(struct sqlite_projection *p, const struct projected_run *run)
{
    struct sqlite_call call = sqlite_statements_call(p->statements, SQLITE_STATEMENT_SPENT);
    sqlite_call_int(&call, (int64_t)run->key.run);
    sqlite_call_int(&call, (int64_t)run->spent);
    return sqlite_call_end(&call);
}

static int write_run_state(struct sqlite_projection *p, const struct projected_run *run)
{
    struct sqlite_call call = sqlite_statements_call(p->statements, SQLITE_STATEMENT_RUN_STATE);
    sqlite_call_int(&call, (int64_t)run->key.run);
    sqlite_call_str_or_null(&call, str_from(run->end));
    sqlite_call_int_or_null(&call, run->started_at);
    sqlite_call_int_or_null(&call, run->ended_at);
    sqlite_call_int_or_null(&call, (int64_t)run->record);
    if (run->pause == PROJECTED_AS_IT_WAS) {
        sqlite_call_null(&call);
    } else {
        sqlite_call_int(&call, run->pause == PROJECTED_PAUSED ? 1 : 0);
    }
    return sqlite_call_end(&call);
}

static int find_unknown(struct sqlite_projection *p, bool *inout_has)
{
    struct sqlite_call call = sqlite_statements_call(p->statements, SQLITE_STATEMENT_UNKNOWN);
    if (sqlite_call_step(&call) == SQLITE_ROW) {
        *inout_has = *inout_has || sqlite_call_column_int(&call, 0) != 0;
    }
    return sqlite_call_end(&call);
}

/* All paths inside of "each[17]" begin with it, and nothing else does: '^' follows ']'. */
static int remove_rows(struct sqlite_projection *p, const struct projected_frame *frame)
{
    struct strbuf behind = STRBUF_INIT;
    strbuf_append_str(&behind, frame->key.path);
    if (strbuf_status(&behind) != 0) {
        return SQLITE_NOMEM;
    }
    behind.p[behind.n - 1]++;
    struct sqlite_call call = sqlite_statements_call(p->statements, SQLITE_STATEMENT_NODES_GONE);
    sqlite_call_int(&call, (int64_t)frame->key.run);
    sqlite_call_str(&call, frame->key.path);
    sqlite_call_str(&call, strbuf_str(&behind));
    int rc = sqlite_call_end(&call);
    strbuf_finish(&behind);
    return rc;
}

static int write_state(struct sqlite_projection *p, const struct projected_node *node)
{
    struct sqlite_call call = sqlite_statements_call(p->statements, SQLITE_STATEMENT_NODE_STATE);
    sqlite_call_int(&call, (int64_t)node->key.run);
    sqlite_call_str(&call, node->key.path);
    sqlite_call_str(&call, str_from(node->state));
    return sqlite_call_end(&call);
}

static int write_row(struct sqlite_projection *p, const struct projected_node *node)
{
    struct sqlite_call call = sqlite_statements_call(p->statements, SQLITE_STATEMENT_NODE);
    sqlite_call_int(&call, (int64_t)node->key.run);
    sqlite_call_str(&call, node->key.path);
    sqlite_call_str(&call, str_from(node->state));
    sqlite_call_int(&call, node->attempt);
    sqlite_call_int_or_null(&call, node->wake_at);
    sqlite_call_int_or_null(&call, node->started_at);
    sqlite_call_int_or_null(&call, node->ended_at);
    sqlite_call_int_or_null(&call, (int64_t)node->record);
    return sqlite_call_end(&call);
}

static int write_node(struct sqlite_projection *p, const struct projected_node *node)
{
    if (is_gone(p, node)) {
        return SQLITE_OK;
    }
    switch (node->change) {
    case PROJECTED_ROW:
        return write_row(p, node);
    case PROJECTED_STATE:
        return write_state(p, node);
    case PROJECTED_NOTHING:
        return SQLITE_OK;
    }
    unreachable_state("projected", (int)node->change);
}

/* Rows of before go first: what has the same path now began after that. */
static int write_nodes(struct sqlite_projection *p)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < p->frames.count && rc == SQLITE_OK; i++) {
        const struct projected_frame *frame = path_table_at(&p->frames, i);
        rc = frame->has_rows ? remove_rows(p, frame) : SQLITE_OK;
    }
    for (size_t i = 0; i < p->nodes.count && rc == SQLITE_OK; i++) {
        rc = write_node(p, path_table_at(&p->nodes, i));
    }
    return rc;
}

/* `has_unknown`: somewhere there is or was a node that is, so that any run's state may change. */
static int write_runs(struct sqlite_projection *p, bool has_unknown)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < p->runs.count && rc == SQLITE_OK; i++) {
        const struct projected_run *run = path_table_at(&p->runs, i);
        rc = write_progress(p, run);
        if (rc == SQLITE_OK && run->spent != 0) {
            rc = write_spent(p, run);
        }
        if (rc == SQLITE_OK && (run->has_news || has_unknown)) {
            rc = write_run_state(p, run);
        }
    }
    return rc;
}

int sqlite_projection_write(struct sqlite_projection *projection)
{
    bool has_unknown = false;
    if (projection->runs.count == 0) {
        return SQLITE_OK;
    }
    int rc = find_unknown(projection, &has_unknown);
    rc = rc == SQLITE_OK ? write_nodes(projection) : rc;
    rc = rc == SQLITE_OK ? find_unknown(projection, &has_unknown) : rc;
    return rc == SQLITE_OK ? write_runs(projection, has_unknown) : rc;
}

void sqlite_projection_init(struct sqlite_projection *projection,
                            struct sqlite_statements *statements)
{
    *projection = (struct sqlite_projection){
        .statements = statements,
        .runs = PATH_TABLE_INIT(struct projected_run),
        .nodes = PATH_TABLE_INIT(struct projected_node),
        .frames = PATH_TABLE_INIT(struct projected_frame),
    };
}

void sqlite_projection_clear(struct sqlite_projection *projection)
{
    path_table_clear(&projection->runs);
    path_table_clear(&projection->nodes);
    path_table_clear(&projection->frames);
    projection->noted = 0;
}

void sqlite_projection_finish(struct sqlite_projection *projection)
{
    path_table_finish(&projection->runs);
    path_table_finish(&projection->nodes);
    path_table_finish(&projection->frames);
}
