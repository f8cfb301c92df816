/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_FORMAT_H
#define CORE_MODEL_FORMAT_H

/*
 * Format: every key that a pipeline file may have, what its value must be, and whether it works
 * yet. A key that is not in these tables is an error; one that is not built yet is refused.
 *
 * Used by:  model.
 * Uses:     tree, report, base (quantities).
 * Threads:  [any]; the tables are constant.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

struct report;
struct tree;

enum format_kind {
    FORMAT_ANY,
    FORMAT_TEXT,      /* any scalar; its source counts */
    FORMAT_BOOL,      /* true or false */
    FORMAT_COUNT,     /* a whole number, at least 1 */
    FORMAT_DURATION,  /* 30s */
    FORMAT_TIMEOUT,   /* a duration of more than 0 */
    FORMAT_SIZE,      /* bytes, or 64KiB */
    FORMAT_WHOLE,     /* a whole number, 0 too */
    FORMAT_FACTOR,    /* 1 to 1000 */
    FORMAT_SHARE,     /* more than 0 to 100%, or `off` */
    FORMAT_RATE,      /* 0 to 1, or 0% to 100% */
    FORMAT_POLICY,    /* a map, or `off` */
    FORMAT_BOUND,     /* a duration of more than 0, or `off` */
    FORMAT_SECONDS,   /* a number of more than 0 */
    FORMAT_MONEY,     /* the same, US dollars */
    FORMAT_CALL_RATE, /* 5000/hour */
    FORMAT_LIMIT,     /* a rate, a map, or `off` */
    FORMAT_MAP,
    FORMAT_LIST,
    FORMAT_TEXTS,  /* a list of texts */
    FORMAT_CHOICE, /* one of `choices` */
    FORMAT_WAY,    /* the same, or a map that says more of one of them */
};

enum format_state {
    FORMAT_WORKS,
    FORMAT_WARNS, /* loads with a warning, until the daemon acts on it */
    FORMAT_LATER, /* refused: not built yet */
};

struct format_key {
    struct str name; /* empty in the entry that ends a table */
    enum format_kind kind;
    enum format_state state;
    const char *const *choices; /* FORMAT_CHOICE and FORMAT_WAY: ended by NULL */
};

/* Tables, each ended by an entry without a name. */
extern const struct format_key format_file_keys[];         /* beside `workflow` and `workflows` */
extern const struct format_key format_settings_keys[];     /* of opstream.yaml */
extern const struct format_key format_backpressure_keys[]; /* of opstream.yaml */
extern const struct format_key format_secret_keys[];       /* of a secret in opstream.yaml */
extern const struct format_key format_room_keys[];         /* `cache` of opstream.yaml */
extern const struct format_key format_retention_keys[];    /* of a pipeline and of opstream.yaml */
extern const struct format_key format_sanitize_keys[];     /* a map in `sanitize` */
extern const struct format_key format_monitoring_keys[];
extern const struct format_key format_thresholds_keys[]; /* `alert_thresholds` in it */
extern const struct format_key format_pipeline_keys[];
extern const struct format_key format_single_keys[]; /* a pipeline of one node */
extern const struct format_key format_node_keys[];
extern const struct format_key format_edge_keys[];
extern const struct format_key format_state_keys[];
extern const struct format_key format_action_keys[];     /* `action` of a state */
extern const struct format_key format_transition_keys[]; /* {when, to} */
extern const struct format_key format_tool_keys[];
extern const struct format_key format_repeat_keys[];
extern const struct format_key format_collect_keys[];
extern const struct format_key format_on_error_keys[];
extern const struct format_key format_resilience_keys[];
extern const struct format_key format_scaling_keys[];
extern const struct format_key format_limits_keys[];
extern const struct format_key format_policy_keys[]; /* of an integration, beside its settings */
extern const struct format_key format_retry_keys[];
extern const struct format_key format_breaker_keys[];
extern const struct format_key format_rate_keys[];
extern const struct format_key format_fallback_keys[];
extern const struct format_key format_cache_keys[]; /* of a node */
extern const struct format_key format_budget_keys[];
extern const struct format_key format_exceeded_keys[]; /* `on_exceeded` in it */
extern const struct format_key format_on_open_keys[];
extern const struct format_key format_queue_keys[]; /* `queue` in it */

/* A key that says what becomes of the result of one node: it has no wider place. */
bool format_is_of_a_node(struct str key);

const struct format_key *format_find(const struct format_key *table, struct str key);

/* The key that was meant by one that is not in the table, or the empty slice. */
struct str format_nearest(const struct format_key *table, struct str wrong);

/*
 * Whether a key of `map` that is not in the table was meant to be `key`: then the unknown key is
 * reported, and a second report that `key` is missing would only confuse.
 */
bool format_is_misspelt(const struct tree *map, const struct format_key *table, const char *key);

enum format_flags {
    FORMAT_OTHER_KEYS = 1u << 0, /* keys that the table does not have are somebody else's */
    FORMAT_PROFILE = 1u << 1,    /* keys that do not work yet are fine */
};

/*
 * Checks keys and kinds of the members of `map`, which `what` names for messages ("node 'a'",
 * "'limits' of node 'a'"); what is wrong goes to the report. When `map` is no map, that is said.
 */
void format_check(const struct report *report, const struct tree *map,
                  const struct format_key *table, const char *what, unsigned flags);

/*
 * The following read the value of a member; false when it is not there or not what the table
 * wants, which format_check() has reported.
 */
bool format_text(const struct tree *map, const char *key, struct str *out);
bool format_bool(const struct tree *map, const char *key, bool *out);
bool format_count(const struct tree *map, const char *key, uint32_t *out);
bool format_duration(const struct tree *map, const char *key, int64_t *out_ms);
bool format_size(const struct tree *map, const char *key, uint64_t *out_bytes);
bool format_whole(const struct tree *map, const char *key, uint32_t *out);
bool format_factor(const struct tree *map, const char *key, double *out);
bool format_share(const struct tree *map, const char *key, double *out); /* `off`: 0; 20%: 0.2 */
bool format_rate(const struct tree *map, const char *key, double *out);
bool format_bound(const struct tree *map, const char *key, int64_t *out_ms); /* `off`: 0 */
bool format_seconds(const struct tree *map, const char *key, int64_t *out_ms);
/* US dollars, as billionths of one. */
bool format_money(const struct tree *map, const char *key, int64_t *out_billionths);
/* The value when it is a map or list as the key wants it; else NULL. */
const struct tree *format_map(const struct tree *map, const char *key);
const struct tree *format_list(const struct tree *map, const char *key);

#endif
