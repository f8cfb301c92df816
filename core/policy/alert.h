/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_ALERT_H
#define CORE_POLICY_ALERT_H

/*
 * Alert: how the runs of one pipeline went in the last five minutes, against its thresholds. A
 * threshold is crossed once: not again until what it bounds has fallen to it or below, which time
 * alone may do. Time is passed in, unix ms; a clock that is set back begins a new window.
 *
 * Used by:  loop.
 * Uses:     nothing.
 * Threads:  one alert belongs to one thread at a time; pure.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
    ALERT_WINDOW_MS = 5 * 60 * 1000,
    ALERT_BUCKET_MS = 10 * 1000,
    ALERT_BUCKETS = ALERT_WINDOW_MS / ALERT_BUCKET_MS,
    ALERT_SLOTS = 96, /* of durations: four to each doubling, up to four hours and more */
};

enum alert_kind {
    ALERT_ERROR_RATE,
    ALERT_LATENCY_P99,
    ALERT_KINDS,
};

/* "error_rate", "latency_p99"; static. */
const char *alert_kind_name(enum alert_kind kind);

struct alert_settings {
    bool has_error_rate;
    double error_rate;      /* of the runs, 0 to 1 */
    int64_t latency_p99_ms; /* 99 of 100 runs take no longer; 0: off */
};

struct alert_bucket {
    uint32_t runs;
    uint32_t failures;
    uint32_t slow;               /* longer than latency_p99_ms */
    uint16_t slots[ALERT_SLOTS]; /* more are as many as fit: they only say how slow it was */
};

/* To be read by all, changed by the functions below. */
struct alert {
    struct alert_settings settings;
    bool is_above[ALERT_KINDS];
    int64_t since[ALERT_KINDS]; /* when it was crossed last */
    int64_t newest;             /* the number of the newest bucket */
    struct alert_bucket buckets[ALERT_BUCKETS];
};

void alert_init(struct alert *alert, const struct alert_settings *settings);

/* Other settings from here on; what was counted as slow stays what it was. */
void alert_set(struct alert *alert, const struct alert_settings *settings);

/* What has changed, and by which value: a share, or milliseconds. */
enum alert_news { ALERT_SAME, ALERT_CROSSED, ALERT_OVER };
struct alert_change {
    enum alert_news news;
    double value;
};

/* Time has passed: thresholds may be kept again. */
void alert_pass(struct alert *alert, int64_t now, struct alert_change out[ALERT_KINDS]);

/* A run has ended. After alert_pass() of the same moment. */
void alert_add(struct alert *alert, bool has_failed, int64_t took_ms, int64_t now,
               struct alert_change out[ALERT_KINDS]);

/* Of the window as it is: the share of failures, and what 99 of 100 runs took at most, ms. */
double alert_error_rate(const struct alert *alert);
double alert_latency_p99(const struct alert *alert);

#endif
