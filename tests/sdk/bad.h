/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SDK_BAD_H
#define TESTS_SDK_BAD_H

/*
 * Bad: how tests say that a plugin with a fault is refused, and what is said about it. The plugin
 * is FOLDER/bad/bad.so.
 */

/* Fails unless `message` has `wanted` in it. */
void assert_message(const char *message, const char *wanted);

/* Its node type is not there, with error `code`; the list of plugins says the same. */
void assert_refused(const char *folder, int code, const char *wanted);

/* It is there, and a task of it is not begun: its code was looked at. */
void assert_not_loaded(const char *folder, int code, const char *wanted);

#endif
