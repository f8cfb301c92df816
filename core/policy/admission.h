/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POLICY_ADMISSION_H
#define CORE_POLICY_ADMISSION_H

/*
 * Admission: whether one more thing is accepted, so that memory stays within bounds whatever comes
 * in. What is refused was not begun, and is told after which time it may ask again; what was
 * accepted is never dropped, so a load may be above its limit (runs call runs).
 *
 * | the load                                              | answer           |
 * |-------------------------------------------------------|------------------|
 * | below each limit                                      | ADMISSION_OPEN   |
 * | as many writes wait for the disk as may               | ADMISSION_WRITES |
 * | as many runs are in memory as may, or more            | ADMISSION_RUNS   |
 * | values of runs take as much memory as they may        | ADMISSION_MEMORY |
 *
 * Used by:  loop.
 * Uses:     nothing.
 * Threads:  one admission belongs to one thread at a time; pure.
 */

#include <stdint.h>

enum {
    ADMISSION_DEFAULT_RUNS = 10000,
    ADMISSION_DEFAULT_WRITES = 5000,
    ADMISSION_DEFAULT_MEMORY_MB = 1024,
    ADMISSION_WINDOW_S = 10,  /* of the ends that say when there will be room */
    ADMISSION_LONGEST_S = 60, /* nobody is told to stay away for longer */
};

enum admission_answer {
    ADMISSION_OPEN,
    ADMISSION_WRITES,
    ADMISSION_RUNS,
    ADMISSION_MEMORY,
    ADMISSION_ANSWERS,
};

/* What there is, or what there may be at most; of limits 0 is the default. */
struct admission_load {
    uint64_t runs;
    uint64_t writes;
    uint64_t memory_bytes;
};

struct admission {
    struct admission_load limits;
    int64_t second;                     /* the latest one of the window, unix seconds */
    uint32_t ended[ADMISSION_WINDOW_S]; /* runs, by second */
};

void admission_init(struct admission *admission, const struct admission_load *limits);

/* Other limits from here on; what was noted stays. */
void admission_set_limits(struct admission *admission, const struct admission_load *limits);

/* A run has ended, and its place is free. A clock that goes back changes nothing before `now`. */
void admission_note_end(struct admission *admission, int64_t now_unix_ms);

enum admission_answer admission_ask(const struct admission *admission,
                                    const struct admission_load *load);

/*
 * In how many seconds there probably is room for what was refused as `answer`, 1 to
 * ADMISSION_LONGEST_S: the disk is asked again in a second; runs end as fast as they did in the
 * last ADMISSION_WINDOW_S, and when none did, that long is waited.
 */
uint32_t admission_retry_after_s(const struct admission *admission, enum admission_answer answer,
                                 const struct admission_load *load, int64_t now_unix_ms);

/* "runs", for metrics; static. */
const char *admission_answer_name(enum admission_answer answer);

#endif
