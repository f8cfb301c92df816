/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SDK_DEADLY_FILE_H
#define TESTS_SDK_DEADLY_FILE_H

/* Deadly file: copies of plugins/deadly.c with a wish of their own, "init:segv"; "none:nothing" is
 * a good plugin. Fails the test when one cannot be made. */

/* Writes FOLDER/NAME.so; `path` gets its path. */
void deadly_file_make(const char *folder, const char *name, const char *wish, char path[512]);

/* Writes over the bytes of the file as they lie there, the beginning first. */
void deadly_file_overwrite(const char *path, const char *wish);

#endif
