/* SPDX-License-Identifier: Apache-2.0 */
/* What is accepted, and what has to ask again later: before anything of it is decided or kept. */
#include <stdio.h>

#include "core/base/clock.h"
#include "core/engine/run.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"
#include "core/value/value.h"

void loop_set_admission(struct loop *loop, const struct admission_load *limits)
{
    admission_set_limits(&loop->admission, limits);
}

static struct admission_load load_of(const struct loop *loop)
{
    return (struct admission_load){.runs = loop->run_count,
                                   .writes = loop->numbers.writes_waiting,
                                   .memory_bytes = document_total_bytes()};
}

static void explain(enum admission_answer answer, const struct admission_load *load,
                    const struct admission_load *limits, struct loop_refusal *out)
{
    const uint64_t mib = 1024 * 1024;
    char *text = out->message;
    size_t size = sizeof(out->message);
    if (answer == ADMISSION_WRITES) {
        (void)snprintf(text, size, "%llu writes wait for the disk, as many as may (%llu)",
                       (unsigned long long)load->writes, (unsigned long long)limits->writes);
    } else if (answer == ADMISSION_RUNS) {
        (void)snprintf(text, size, "%llu runs are in memory, as many as may (%llu)",
                       (unsigned long long)load->runs, (unsigned long long)limits->runs);
    } else {
        (void)snprintf(text, size, "the values of runs take %llu MiB, as much as they may (%llu)",
                       (unsigned long long)(load->memory_bytes / mib),
                       (unsigned long long)(limits->memory_bytes / mib));
    }
}

static bool refuse(struct loop *loop, enum admission_answer answer,
                   const struct admission_load *load, struct loop_refusal *out)
{
    if (answer == ADMISSION_OPEN) {
        return false;
    }
    loop->numbers.refused[answer]++;
    out->answer = answer;
    out->retry_after_s = admission_retry_after_s(&loop->admission, answer, load, clock_unix_ms());
    explain(answer, load, &loop->admission.limits, out);
    return true;
}

bool loop_refuses_start(struct loop *loop, struct loop_refusal *out_refusal)
{
    const struct admission_load load = load_of(loop);
    return refuse(loop, admission_ask(&loop->admission, &load), &load, out_refusal);
}

bool loop_refuses_event(struct loop *loop, uint64_t number, struct loop_refusal *out_refusal)
{
    struct admission_load load = load_of(loop);
    const struct loop_run *run = run_table_find(loop, number);
    if (run != NULL) { /* it may be what lets the run end */
        load.runs = 0;
        load.memory_bytes = run_event_count(run->run) == 0 ? 0 : load.memory_bytes;
    }
    return refuse(loop, admission_ask(&loop->admission, &load), &load, out_refusal);
}
