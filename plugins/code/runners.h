/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_CODE_RUNNERS_H
#define PLUGINS_CODE_RUNNERS_H

/*
 * Runners: the small programs, in the language of the code, that call it. Each reads
 * {"code": text, "inputs": map} from its standard input and writes one JSON object to descriptor 3:
 *
 *     {"value": ...}                                        the code's result
 *     {"none": true}                                        there is no process(): look at stdout
 *     {"error": type, "message": text, "line": n or null, "trace": text}
 */

extern const char runner_python[];
extern const char runner_javascript[];

#endif
