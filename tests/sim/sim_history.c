/* SPDX-License-Identifier: Apache-2.0 */
/* A seed repeats itself: when a promise is broken it lives once more, with its history printed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/sim.h"

void sim_note(const struct sim *sim, const char *format, ...)
{
    va_list args;
    if (!sim->has_trace) {
        return;
    }
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
    (void)fflush(stdout);
}

/* A plant that is caught is what its test wants. */
_Noreturn void sim_broken(const struct sim *sim, const char *promise, const char *file, int line)
{
    char seed[24];
    if (sim->plant != SIM_PLANT_NONE) {
        bool is_order = sim->plant < SIM_PLANT_B1;
        printf("%c%d broken: caught by seed %llu, step %llu: %s (%s:%d)\n", is_order ? 'O' : 'B',
               is_order ? (int)sim->plant : (int)sim->plant - SIM_PLANT_B1 + 1,
               (unsigned long long)sim->seed, (unsigned long long)sim->steps, promise, file, line);
        exit(0);
    }
    (void)snprintf(seed, sizeof(seed), "%llu", (unsigned long long)sim->seed);
    if (!sim->has_trace) {
        (void)fflush(stdout);
        (void)execl("/proc/self/exe", "sim_engine", seed, (char *)NULL);
    }
    (void)fprintf(stderr,
                  "seed %s, step %llu, time %lld: does not hold: %s (%s:%d)\n"
                  "once more: sim_engine %s\n",
                  seed, (unsigned long long)sim->steps, (long long)sim->now, promise, file, line,
                  seed);
    exit(1);
}

void sim_check_promise(const struct sim *sim, const char *broken, const char *file, int line)
{
    if (broken != NULL) {
        sim_broken(sim, broken, file, line);
    }
}
