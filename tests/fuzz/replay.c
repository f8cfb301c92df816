/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over every file of the folders named on the command line, in order of name,
 * so that what the fuzzer once found stays found under every compiler.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "tests/fuzz/fuzz.h"

static int read_file(const char *path, struct strbuf *content)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return -1;
    }
    char block[4096];
    size_t n = 0;
    while ((n = fread(block, 1, sizeof(block), file)) > 0) {
        strbuf_append(content, block, n);
    }
    int status = ferror(file) != 0 || strbuf_status(content) != 0 ? -1 : 0;
    (void)fclose(file); /* it was only read */
    return status;
}

/* The target gets a block of exactly the file's size, so that a sanitizer sees each overrun. */
static int replay_file(const char *path)
{
    struct strbuf content = STRBUF_INIT;
    int status = read_file(path, &content);
    uint8_t *exact = malloc(content.n > 0 ? content.n : 1);
    if (status != 0 || exact == NULL) {
        fprintf(stderr, "cannot read '%s': %s\n", path, strerror(errno));
        free(exact);
        strbuf_finish(&content);
        return -1;
    }
    memcpy(exact, strbuf_str(&content).p, content.n);
    printf("%s (%zu bytes)\n", path, content.n);
    (void)fflush(stdout); /* shows the file at fault before an abort */
    (void)LLVMFuzzerTestOneInput(exact, content.n);
    free(exact);
    strbuf_finish(&content);
    return 0;
}

static int replay_folder(const char *folder, size_t *count)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0) {
        fprintf(stderr, "cannot list '%s': %s\n", folder, strerror(errno));
        return -1;
    }
    int status = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        bool is_file = entries[i]->d_name[0] != '.';
        if (is_file && (length >= (int)sizeof(path) || replay_file(path) != 0)) {
            status = -1;
        }
        *count += is_file ? 1 : 0;
        free(entries[i]);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    int status = 0;
    for (int i = 1; i < argc; i++) {
        status |= replay_folder(argv[i], &count);
    }
    printf("%zu files replayed\n", count);
    return status == 0 && count > 0 ? 0 : 1;
}
