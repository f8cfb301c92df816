/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

/*
 * UTF-8 (RFC 3629): strict validation and the few steps that the readers need.
 * Overlong forms, surrogates and code points above U+10FFFF are not UTF-8.
 *
 * Used by:  error, value, expr, model, cli.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The offset of the first byte that is no part of valid UTF-8, or `n` when all is valid. */
size_t utf8_valid_prefix(const char *text, size_t n);

/* The largest length <= n that does not end inside a character of (valid) `text`. */
size_t utf8_whole_prefix(const char *text, size_t n);

/*
 * Decodes the character at `text` (n >= 1 bytes) into `*out_code` and returns its length in
 * bytes, or returns 0 when the bytes there are not valid UTF-8.
 */
size_t utf8_decode(const char *text, size_t n, uint32_t *out_code);

/* Encodes `code` into `out` (4 bytes) and returns the length; 0 for what UTF-8 cannot hold. */
size_t utf8_encode(uint32_t code, char out[4]);

/* The number of characters in valid `text`. */
size_t utf8_count(const char *text, size_t n);

/*
 * The cells that a character takes on a terminal: 0 (it joins the one before), 1 or 2 (East Asian
 * and emoji). An estimate that needs no locale.
 */
unsigned utf8_width(uint32_t code);

#endif
