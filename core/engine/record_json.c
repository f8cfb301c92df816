/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/record_json.h"

#include "core/base/error.h"
#include "core/value/json.h"
#include "core/value/json_split.h"
#include "core/value/value.h"

/* ---- names ---- */

static const char *const type_names[] = {
    [RECORD_RUN_STARTED] = "run_started",
    [RECORD_NODE_QUEUED] = "node_queued",
    [RECORD_NODE_STARTED] = "node_started",
    [RECORD_NODE_STOPPING] = "node_stopping",
    [RECORD_NODE_ENDED] = "node_ended",
    [RECORD_NODE_AGAIN] = "node_again",
    [RECORD_NODE_DUE] = "node_due",
    [RECORD_FRAME_STARTED] = "frame_started",
    [RECORD_FRAME_STOPPING] = "frame_stopping",
    [RECORD_FRAME_ENDED] = "frame_ended",
    [RECORD_SIGNAL] = "signal",
    [RECORD_SIGNAL_TAKEN] = "signal_taken",
    [RECORD_SIGNALS_SEEN] = "signals_seen",
    [RECORD_LOOP_REDUCED] = "loop_reduced",
    [RECORD_ITEM] = "item",
    [RECORD_CREDIT] = "credit",
    [RECORD_RUN_STOPPING] = "run_stopping",
    [RECORD_RUN_ENDING] = "run_ending",
    [RECORD_CHILD_UNDOING] = "child_undoing",
    [RECORD_CHILD_UNDONE] = "child_undone",
    [RECORD_ENDINGS_DROPPED] = "endings_dropped",
    [RECORD_RUN_ENDED] = "run_ended",
    [RECORD_RUN_UNDOING] = "run_undoing",
    [RECORD_RUN_UNDONE] = "run_undone",
    [RECORD_NODE_LOST] = "node_lost",
    [RECORD_NODE_UNKNOWN] = "node_unknown",
    [RECORD_NODE_FALLBACK] = "node_fallback",
    [RECORD_NODE_RETRY] = "node_retry",
    [RECORD_RUN_PAUSED] = "run_paused",
    [RECORD_RUN_RESUMED] = "run_resumed",
    [RECORD_NODE_RESERVED] = "node_reserved",
    [RECORD_NODE_SPENT] = "node_spent",
};

static const size_t type_count = sizeof(type_names) / sizeof(type_names[0]);

const char *record_type_name(enum record_type type)
{
    return type_names[type];
}

int record_type_parse(struct str name, enum record_type *out_type)
{
    for (size_t i = 0; i < type_count; i++) {
        if (str_equal_text(name, type_names[i])) {
            *out_type = (enum record_type)i;
            return 0;
        }
    }
    return E_INVALID;
}

bool record_is_lazy(const struct record *record)
{
    return record->type == RECORD_NODE_QUEUED;
}

/* Several engine states have the same name for people; a journal tells them apart. */
static const char *const run_state_words[] = {
    [RUN_PENDING] = "pending",       [RUN_RUNNING] = "running",     [RUN_FAILING] = "failing",
    [RUN_CANCELLING] = "cancelling", [RUN_ENDING] = "ending",       [RUN_COMPLETED] = "completed",
    [RUN_FAILED] = "failed",         [RUN_CANCELLED] = "cancelled",
};

static const char *const node_state_words[] = {
    [NODE_PENDING] = "pending",     [NODE_READY] = "ready",       [NODE_QUEUED] = "queued",
    [NODE_RUNNING] = "running",     [NODE_STOPPING] = "stopping", [NODE_COMPLETED] = "completed",
    [NODE_FAILED] = "failed",       [NODE_SKIPPED] = "skipped",   [NODE_NOT_RUN] = "not_run",
    [NODE_CANCELLED] = "cancelled",
};

static const char *const frame_kind_words[] = {
    [FRAME_ROOT] = "root",     [FRAME_ITEM] = "item", [FRAME_GROUP] = "group",
    [FRAME_ENDING] = "ending", [FRAME_UNDO] = "undo", [FRAME_NOTICE] = "notice",
};

static const char *const reason_words[] = {
    [0] = "none",
    [STOP_REQUESTED] = "requested",
    [STOP_TIMEOUT] = "timeout",
    [STOP_SHUTDOWN] = "shutdown",
    [STOP_FAILURE] = "failure",
};

static const char *const from_words[] = {
    [0] = "call",
    [OUTPUT_FROM_CACHE] = "cache",
    [OUTPUT_FROM_FALLBACK] = "fallback",
    [OUTPUT_FROM_BOTH] = "fallback_cache",
    [OUTPUT_FROM_QUEUE] = "queue",
};

/* ---- writing ---- */

static void begin_member(const char *key, struct strbuf *out)
{
    if (out->n > 0 && out->p[out->n - 1] != '{') { /* which the caller has written */
        strbuf_append_char(out, ',');
    }
    strbuf_append_char(out, '"');
    strbuf_append_text(out, key);
    strbuf_append_text(out, "\":");
}

static void add_number(const char *key, uint64_t number, struct strbuf *out)
{
    if (number != 0) {
        begin_member(key, out);
        strbuf_append_format(out, "%llu", (unsigned long long)number);
    }
}

static void add_flag(const char *key, bool flag, struct strbuf *out)
{
    if (flag) {
        begin_member(key, out);
        strbuf_append_text(out, "true");
    }
}

static void add_word(const char *key, const char *word, struct strbuf *out)
{
    begin_member(key, out);
    strbuf_append_char(out, '"');
    strbuf_append_text(out, word);
    strbuf_append_char(out, '"');
}

static void add_taken(const struct edge_set *taken, struct strbuf *out)
{
    const char *separator = "";
    if (taken->count == 0) {
        return;
    }
    begin_member("taken", out);
    strbuf_append_char(out, '[');
    for (uint32_t i = 0; i < taken->count; i++) {
        if (edge_set_has(taken, i)) {
            strbuf_append_format(out, "%s%u", separator, i);
            separator = ",";
        }
    }
    strbuf_append_char(out, ']');
}

static bool has_run_state(enum record_type type)
{
    return type == RECORD_FRAME_STOPPING || type == RECORD_FRAME_ENDED ||
           type == RECORD_RUN_STOPPING || type == RECORD_RUN_ENDING || type == RECORD_RUN_ENDED;
}

static bool has_kind(enum record_type type)
{
    return type == RECORD_FRAME_STARTED || type == RECORD_FRAME_ENDED;
}

void record_write_members(const struct record *record, struct strbuf *out)
{
    add_number("frame", record->frame, out);
    if (record->node != RECORD_NO_NODE) {
        begin_member("node", out);
        strbuf_append_format(out, "%u", record->node);
    }
    if (record->type == RECORD_NODE_ENDED) {
        add_word("state", node_state_words[record->node_state], out);
    } else if (has_run_state(record->type)) {
        add_word("state", run_state_words[record->run_state], out);
    }
    if (has_kind(record->type)) {
        add_word("kind", frame_kind_words[record->kind], out);
    }
    add_number("child", record->child, out);
    add_number("body", record->body, out);
    add_number("index", record->index, out);
    add_number("due", (uint64_t)record->due_unix_ms, out);
    add_number("outcome", record->outcome, out);
    if (record->from != 0) {
        add_word("from", from_words[record->from], out);
    }
    if (record->has_priority) {
        add_word("priority", queue_priority_name(record->priority), out);
    }
    if (record->reason != 0) {
        add_word("reason", reason_words[record->reason], out);
    }
    add_flag("is_due_timeout", record->is_due_timeout, out);
    add_flag("last", record->is_last, out);
    add_flag("has_undo", record->has_undo, out);
    add_flag("is_done", record->is_done, out);
    add_flag("dead", record->is_dead, out);
    add_flag("is_handled", record->is_handled, out);
    add_taken(&record->taken, out);
}

/* A replay has them in the run: the item of an iteration, the output that is undone. */
static bool is_output_found(const struct record *record)
{
    return record->type == RECORD_FRAME_STARTED;
}

const struct document *record_document(const struct record *record, size_t i, const char **out_name)
{
    switch (i) {
    case 0:
        *out_name = "output";
        return is_output_found(record) ? NULL : record->output;
    case 1:
        *out_name = "error";
        return record->error;
    case 2:
        *out_name = "detail";
        return record->detail;
    default:
        *out_name = "done";
        return record->done;
    }
}

void record_write_document(const char *name, const struct document *document, struct strbuf *out)
{
    begin_member(name, out);
    json_write(document_root(document), JSON_COMPACT, out);
}

void record_write_body(const struct record *record, struct strbuf *out)
{
    strbuf_append_char(out, '{');
    record_write_members(record, out);
    for (size_t i = 0; i < RECORD_DOCUMENTS; i++) {
        const char *name = NULL;
        const struct document *document = record_document(record, i, &name);
        if (document != NULL) {
            record_write_document(name, document, out);
        }
    }
    strbuf_append_char(out, '}');
}

/* ---- reading ---- */

/* Documents of any size that was once made; depth is bounded in any case. */
static const struct json_limits document_limits = {
    .max_bytes = SIZE_MAX, .max_depth = VALUE_MAX_DEPTH, .max_values = SIZE_MAX};

static bool read_number(struct str text, uint64_t most, uint64_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        if (digit > 9 || number > (most - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out = number;
    return text.n > 0;
}

/* The place of a quoted word in the table, or -1. */
static int read_word(const char *const *words, size_t count, struct str text)
{
    if (text.n < 2 || text.p[0] != '"') {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal_text((struct str){text.p + 1, text.n - 2}, words[i])) {
            return (int)i;
        }
    }
    return -1;
}

#define READ_WORD(words, text) read_word((words), sizeof(words) / sizeof((words)[0]), (text))

static void set_frame(struct record *record, uint64_t number)
{
    record->frame = number;
}

static void set_node(struct record *record, uint64_t number)
{
    record->node = (uint32_t)number;
}

static void set_child(struct record *record, uint64_t number)
{
    record->child = number;
}

static void set_body(struct record *record, uint64_t number)
{
    record->body = (uint32_t)number;
}

static void set_index(struct record *record, uint64_t number)
{
    record->index = number;
}

static void set_due(struct record *record, uint64_t number)
{
    record->due_unix_ms = (int64_t)number;
}

static void set_outcome(struct record *record, uint64_t number)
{
    record->outcome = (uint32_t)number;
}

static const struct number_member {
    const char *key;
    uint64_t most;
    void (*set)(struct record *record, uint64_t number);
} number_members[] = {
    {"frame", INT64_MAX, set_frame},      {"node", UINT32_MAX - 1, set_node},
    {"child", INT64_MAX, set_child},      {"body", UINT32_MAX, set_body},
    {"index", INT64_MAX, set_index},      {"due", RECORD_LAST_MS, set_due},
    {"outcome", UINT32_MAX, set_outcome},
};

/* Each of these: 1: the key is none of theirs; 0: read; negative: what stands there cannot be. */

static int read_number_member(struct record *record, struct str key, struct str text)
{
    for (size_t i = 0; i < sizeof(number_members) / sizeof(number_members[0]); i++) {
        uint64_t number = 0;
        if (!str_equal_text(key, number_members[i].key)) {
            continue;
        }
        if (!read_number(text, number_members[i].most, &number)) {
            return E_INVALID;
        }
        number_members[i].set(record, number);
        return 0;
    }
    return 1;
}

static int read_flag_member(struct record *record, struct str key, struct str text)
{
    bool *flag = str_equal_text(key, "last")             ? &record->is_last
                 : str_equal_text(key, "is_due_timeout") ? &record->is_due_timeout
                 : str_equal_text(key, "has_undo")       ? &record->has_undo
                 : str_equal_text(key, "is_done")        ? &record->is_done
                 : str_equal_text(key, "dead")           ? &record->is_dead
                 : str_equal_text(key, "is_handled")     ? &record->is_handled
                                                         : NULL;
    if (flag == NULL) {
        return 1;
    }
    *flag = str_equal_text(text, "true");
    return *flag ? 0 : E_INVALID;
}

static int read_state(struct record *record, struct str text)
{
    bool is_node = record->type == RECORD_NODE_ENDED;
    int state = is_node ? READ_WORD(node_state_words, text) : READ_WORD(run_state_words, text);
    if (state < 0) {
        return E_INVALID;
    }
    if (is_node) {
        record->node_state = (enum node_state)state;
    } else {
        record->run_state = (enum run_state)state;
    }
    return 0;
}

static int read_word_member(struct record *record, struct str key, struct str text)
{
    if (str_equal_text(key, "state")) {
        return read_state(record, text);
    }
    if (str_equal_text(key, "kind")) {
        int kind = READ_WORD(frame_kind_words, text);
        record->kind = kind < 0 ? FRAME_ROOT : (enum frame_kind)kind;
        return kind < 0 ? E_INVALID : 0;
    }
    if (str_equal_text(key, "reason")) {
        int reason = READ_WORD(reason_words, text);
        record->reason = reason < 1 ? STOP_REQUESTED : (enum stop_reason)reason;
        return reason < 1 ? E_INVALID : 0;
    }
    if (str_equal_text(key, "priority")) {
        bool is_word = text.n >= 2 && text.p[0] == '"';
        struct str word = is_word ? str_make(text.p + 1, text.n - 2) : STR("");
        record->has_priority = queue_priority_find(word, &record->priority);
        return record->has_priority ? 0 : E_INVALID;
    }
    if (str_equal_text(key, "from")) {
        int from = READ_WORD(from_words, text);
        record->from = from < 1 ? 0 : (unsigned)from;
        return from < 1 ? E_INVALID : 0;
    }
    return 1;
}

static int read_document_member(struct record *record, struct str key, struct str text)
{
    struct document *read = NULL;
    const struct document **document = str_equal_text(key, "output")   ? &record->output
                                       : str_equal_text(key, "error")  ? &record->error
                                       : str_equal_text(key, "detail") ? &record->detail
                                       : str_equal_text(key, "done")   ? &record->done
                                                                       : NULL;
    if (document == NULL) {
        return 1;
    }
    int status = *document == NULL ? json_read(text, &document_limits, &read, NULL) : E_INVALID;
    *document = status == 0 ? read : *document;
    return status;
}

static int read_member(struct record *record, struct str key, struct str text,
                       struct str *out_taken)
{
    int status = read_number_member(record, key, text);
    if (status == 1) {
        status = read_flag_member(record, key, text);
    }
    if (status == 1) {
        status = read_word_member(record, key, text);
    }
    if (status == 1 && str_equal_text(key, "taken")) {
        *out_taken = text;
        return 0;
    }
    return status == 1 ? read_document_member(record, key, text) : status;
}

int record_read_body(struct str body, struct record *record, struct str *out_taken,
                     struct error *err)
{
    struct json_split split = json_split_begin(body);
    struct str key;
    struct str value;
    int more = 0;
    record->node = RECORD_NO_NODE;
    *out_taken = STR("");
    while ((more = json_split_next(&split, &key, &value)) > 0) {
        int status = read_member(record, key, value, out_taken);
        if (status == E_NOMEM) {
            record_finish(record);
            return error_nomem(err);
        }
        if (status != 0) {
            record_finish(record);
            return error_set(err, E_INVALID, "its '%.*s' is not what it has to be", STR_ARG(key));
        }
    }
    if (more < 0) {
        record_finish(record);
        return error_set(err, E_INVALID, "its body is broken off");
    }
    return 0;
}

int record_read_taken(struct str taken, struct edge_set *set)
{
    struct json_split split = json_split_begin(taken);
    struct str key;
    struct str value;
    int more = 0;
    while ((more = json_split_next(&split, &key, &value)) > 0) {
        uint64_t edge = 0;
        if (!read_number(value, UINT32_MAX, &edge) || edge >= set->count) {
            return E_INVALID;
        }
        edge_set_put(set, (uint32_t)edge, true);
    }
    return more;
}

void record_finish(struct record *record)
{
    document_unref(record->output);
    document_unref(record->error);
    document_unref(record->detail);
    document_unref(record->done);
    edge_set_finish(&record->taken);
    record->output = NULL;
    record->error = NULL;
    record->detail = NULL;
    record->done = NULL;
    record->taken = EDGE_SET_INIT;
}
