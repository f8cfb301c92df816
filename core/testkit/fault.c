/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/fault.h"

#include <stdlib.h>
#include <string.h>

enum { COUNTS = 1, LATE = 2 };

static const struct point {
    const char *name;
    ops_status at_once;
    ops_status in_callback;
    unsigned flags;
} points[FAULT_POINT_COUNT] = {
#define X(point, name, at_once, in_callback, flags) {name, at_once, in_callback, flags},
    FAULT_POINTS(X)
#undef X
};

const char *fault_point_name(enum fault_point point)
{
    return points[point].name;
}

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t x = *state;
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

void faults_init(struct faults *faults, uint64_t seed)
{
    *faults = (struct faults){.random = seed, .last_hit = ""};
    faults->last = &faults->first;
}

void faults_clear(struct faults *faults)
{
    while (faults->first != NULL) {
        struct fault *fault = faults->first;
        faults->first = fault->next;
        free(fault);
    }
    faults->last = &faults->first;
    faults->hits = 0;
    faults->last_hit = "";
}

/* ---- What a name means ---- */

/* A service is the point's name up to its last dot. */
static bool names_point(const char *where, const struct point *point)
{
    size_t n = strlen(where);
    if (strcmp(where, point->name) == 0) {
        return true;
    }
    bool is_service = n == 0 || (strncmp(where, point->name, n) == 0 && point->name[n] == '.' &&
                                 strchr(point->name + n + 1, '.') == NULL);
    return is_service && (point->flags & COUNTS) != 0;
}

uint64_t fault_calls(const struct faults *faults, const char *where)
{
    uint64_t sum = 0;
    for (size_t i = 0; where != NULL && i < FAULT_POINT_COUNT; i++) {
        sum += names_point(where, &points[i]) ? faults->calls[i] : 0;
    }
    return sum;
}

uint64_t fault_all_calls(const struct faults *faults)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < FAULT_POINT_COUNT; i++) {
        sum += faults->calls[i];
    }
    return sum;
}

/* ---- Adding ---- */

/* What a fault asks of a point that it names alone; of many, those that cannot are left out. */
static bool can_do(const struct point *point, const ops_test_fault *fault)
{
    if (fault->late_ms > 0) {
        return (point->flags & LATE) != 0;
    }
    return (fault->flags & OPS_TEST_IN_CALLBACK) == 0 || point->in_callback != OPS_OK;
}

static bool is_mixed_up(const ops_test_fault *fault)
{
    bool is_late = fault->late_ms > 0;
    return fault->where == NULL || (fault->n > 0 && fault->one_in > 0) || fault->reserved0 != 0 ||
           (fault->flags & ~OPS_TEST_IN_CALLBACK) != 0 ||
           (is_late && (fault->status != OPS_OK || fault->flags != 0)) || fault->status < 0 ||
           fault->status > OPS_E_BUDGET;
}

ops_status fault_add(struct faults *faults, const ops_test_fault *wanted)
{
    bool is_known = false;
    bool is_able = false;
    if (is_mixed_up(wanted)) {
        return OPS_E_INPUT;
    }
    struct fault *fault = calloc(1, sizeof *fault);
    if (fault == NULL) {
        return OPS_E_RESOURCE;
    }

    for (size_t i = 0; i < FAULT_POINT_COUNT; i++) {
        bool is_named = names_point(wanted->where, &points[i]);
        fault->is_of[i] = is_named && can_do(&points[i], wanted);
        is_known = is_known || is_named;
        is_able = is_able || fault->is_of[i];
    }
    if (!is_able) {
        free(fault);
        return is_known && wanted->late_ms > 0 ? OPS_E_UNSUPPORTED : OPS_E_INPUT;
    }
    fault->n = wanted->n;
    fault->one_in = wanted->one_in;
    fault->status = wanted->status;
    fault->is_in_callback = wanted->flags != 0;
    fault->late_ms = wanted->late_ms;
    *faults->last = fault;
    faults->last = &fault->next;
    return OPS_OK;
}

/* ---- Deciding ---- */

static bool hits_now(struct faults *faults, struct fault *fault)
{
    fault->seen++;
    if (fault->n > 0) {
        return fault->seen == fault->n;
    }
    return fault->one_in < 2 || next_random(&faults->random) % fault->one_in == 0;
}

static void note_hit(struct faults *faults, enum fault_point point)
{
    faults->hits++;
    faults->last_hit = points[point].name;
}

enum fault_deed fault_decide(struct faults *faults, enum fault_point point, ops_status *out_status)
{
    enum fault_deed deed = FAULT_GO_ON;
    faults->calls[point]++;
    for (struct fault *fault = faults->first; fault != NULL; fault = fault->next) {
        bool is_hit = fault->is_of[point] && fault->late_ms == 0 && hits_now(faults, fault);
        if (!is_hit || deed != FAULT_GO_ON) {
            continue;
        }
        ops_status usual = fault->is_in_callback ? points[point].in_callback
                                                 : points[point].at_once;
        deed = fault->is_in_callback ? FAULT_IN_CALLBACK : FAULT_AT_ONCE;
        *out_status = fault->status != OPS_OK ? fault->status : usual;
        note_hit(faults, point);
    }
    return deed;
}

uint64_t fault_late_ms(struct faults *faults, enum fault_point point)
{
    uint64_t late_ms = 0;
    for (struct fault *fault = faults->first; fault != NULL; fault = fault->next) {
        if (fault->is_of[point] && fault->late_ms > 0 && hits_now(faults, fault)) {
            late_ms += fault->late_ms;
            note_hit(faults, point);
        }
    }
    return late_ms;
}
