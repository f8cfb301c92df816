/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/alert.h"

#include <stddef.h>
#include <string.h>

const char *alert_kind_name(enum alert_kind kind)
{
    return kind == ALERT_ERROR_RATE ? "error_rate" : "latency_p99";
}

void alert_init(struct alert *alert, const struct alert_settings *settings)
{
    *alert = (struct alert){.settings = *settings};
}

void alert_set(struct alert *alert, const struct alert_settings *settings)
{
    alert->settings = *settings;
}

/* ---- the window ---- */

static struct alert_bucket *bucket_at(struct alert *alert, int64_t number)
{
    return &alert->buckets[(uint64_t)number % ALERT_BUCKETS];
}

static void slide(struct alert *alert, int64_t now)
{
    int64_t newest = now > 0 ? now / ALERT_BUCKET_MS : 0;
    if (newest < alert->newest || newest - alert->newest >= ALERT_BUCKETS) {
        memset(alert->buckets, 0, sizeof(alert->buckets));
    } else {
        for (int64_t i = alert->newest + 1; i <= newest; i++) {
            *bucket_at(alert, i) = (struct alert_bucket){0};
        }
    }
    alert->newest = newest;
}

struct sum {
    uint32_t runs;
    uint32_t failures;
    uint32_t slow;
    uint32_t slots[ALERT_SLOTS];
    uint32_t in_slots; /* of the runs */
};

static struct sum sum_of(const struct alert *alert)
{
    struct sum sum = {0};
    for (size_t i = 0; i < ALERT_BUCKETS; i++) {
        const struct alert_bucket *bucket = &alert->buckets[i];
        sum.runs += bucket->runs;
        sum.failures += bucket->failures;
        sum.slow += bucket->slow;
        for (size_t slot = 0; slot < ALERT_SLOTS; slot++) {
            sum.slots[slot] += bucket->slots[slot];
            sum.in_slots += bucket->slots[slot];
        }
    }
    return sum;
}

/* Four slots to each doubling: the highest bit of the number, and the two below it. */
static size_t slot_of(int64_t took_ms)
{
    uint64_t ms = took_ms > 1 ? (uint64_t)took_ms : 1;
    unsigned bit = 0;
    while (ms >> (bit + 1) > 0) { /* it has 63 bits at most */
        bit++;
    }
    uint64_t part = (bit >= 2 ? ms >> (bit - 2) : ms << (2 - bit)) & 3u;
    size_t slot = bit * 4u + (size_t)part;
    return slot < ALERT_SLOTS ? slot : ALERT_SLOTS - 1;
}

/* The longest duration of a slot, ms. */
static double slot_end(size_t slot)
{
    uint64_t base = UINT64_C(1) << (slot / 4);
    uint64_t part = slot % 4;
    return (double)(base >= 4 ? base + (part + 1) * (base / 4) - 1 : base + part * base / 4);
}

static double error_rate_of(const struct sum *sum)
{
    return sum->runs > 0 ? (double)sum->failures / (double)sum->runs : 0.0;
}

/* More than one of a hundred is beyond it. */
static bool has_too_many(uint32_t beyond, uint32_t runs)
{
    return (uint64_t)beyond * 100 > runs;
}

static double latency_of(const struct sum *sum)
{
    uint32_t beyond = 0;
    size_t slot = ALERT_SLOTS;
    while (slot > 0 && !has_too_many(beyond + sum->slots[slot - 1], sum->in_slots)) {
        beyond += sum->slots[--slot];
    }
    return sum->runs > 0 ? slot_end(slot - 1) : 0.0;
}

double alert_error_rate(const struct alert *alert)
{
    struct sum sum = sum_of(alert);
    return error_rate_of(&sum);
}

double alert_latency_p99(const struct alert *alert)
{
    struct sum sum = sum_of(alert);
    return latency_of(&sum);
}

/* ---- thresholds ---- */

static void judge(struct alert *alert, enum alert_kind kind, bool is_above, int64_t now,
                  struct alert_change *out)
{
    bool was_above = alert->is_above[kind];
    alert->is_above[kind] = is_above;
    out->news = is_above && !was_above   ? ALERT_CROSSED
                : was_above && !is_above ? ALERT_OVER
                                         : ALERT_SAME;
    if (out->news == ALERT_CROSSED) {
        alert->since[kind] = now;
    }
}

/* Whether the p99 is above is counted exactly; its value is as exact as the slots are. */
static void judge_all(struct alert *alert, int64_t now, struct alert_change out[ALERT_KINDS])
{
    const struct alert_settings *settings = &alert->settings;
    struct sum sum = sum_of(alert);
    double limit = (double)settings->latency_p99_ms;
    double latency = latency_of(&sum);
    bool is_slow = limit > 0.0 && has_too_many(sum.slow, sum.runs);
    bool is_failing = settings->has_error_rate && error_rate_of(&sum) > settings->error_rate;
    out[ALERT_ERROR_RATE].value = error_rate_of(&sum);
    out[ALERT_LATENCY_P99].value = is_slow && latency <= limit ? limit + 1.0 : latency;
    judge(alert, ALERT_ERROR_RATE, is_failing, now, &out[ALERT_ERROR_RATE]);
    judge(alert, ALERT_LATENCY_P99, is_slow, now, &out[ALERT_LATENCY_P99]);
}

void alert_pass(struct alert *alert, int64_t now, struct alert_change out[ALERT_KINDS])
{
    slide(alert, now);
    judge_all(alert, now, out);
}

void alert_add(struct alert *alert, bool has_failed, int64_t took_ms, int64_t now,
               struct alert_change out[ALERT_KINDS])
{
    slide(alert, now);
    struct alert_bucket *bucket = bucket_at(alert, alert->newest);
    bool is_slow = alert->settings.latency_p99_ms > 0 && took_ms > alert->settings.latency_p99_ms;
    bucket->runs++;
    bucket->failures += has_failed ? 1u : 0u;
    bucket->slow += is_slow ? 1u : 0u;
    uint16_t *slot = &bucket->slots[slot_of(took_ms)];
    *slot = *slot < UINT16_MAX ? (uint16_t)(*slot + 1) : UINT16_MAX;
    judge_all(alert, now, out);
}
