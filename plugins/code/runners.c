/* SPDX-License-Identifier: Apache-2.0 */
/* The assembler puts the files in as they are; RUNNER_FOLDER is this folder. */
#include "runners.h"

#define EMBED(symbol, file)                                                                        \
    __asm__(".section .rodata\n"                                                                   \
            ".global " #symbol "\n"                                                                \
            ".hidden " #symbol "\n"                                                                \
            ".type " #symbol ", @object\n" #symbol ":\n"                                           \
            ".incbin \"" RUNNER_FOLDER "/" file "\"\n"                                             \
            ".byte 0\n"                                                                            \
            ".size " #symbol ", . - " #symbol "\n"                                                 \
            ".text\n")

EMBED(runner_python, "runner.py");
EMBED(runner_javascript, "runner.js");
