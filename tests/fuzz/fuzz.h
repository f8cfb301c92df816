/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/*
 * The one function that a fuzz target defines; libFuzzer or replay.c calls it.
 *
 * Used by:  tests/fuzz.
 * Uses:     nothing.
 * Threads:  [main]
 */

#include <stddef.h>
#include <stdint.h>

/* Feeds `size` bytes (borrowed, exactly that long) to the parser; aborts on a broken promise. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
