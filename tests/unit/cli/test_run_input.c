/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <unistd.h>

#include <cmocka.h>

#include "core/cli/command.h"
#include "core/cli/run_input.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/unit/cli/capture.h"
#include "tests/unit/cli/pipeline_fixture.h"

static const struct command_option options[] = {
    {"set", 'i', "KEY=VALUE", "set one key", true},
    {"input", 0, "FILE", "read the input", false},
    {NULL, 0, NULL, NULL, false},
};

static const struct command cmd_run = {.name = "run", .options = options};
const struct command *const command_table[] = {NULL};

enum { OPTION_SET = 0, OPTION_INPUT = 1 };

static const char typed_yaml[] = "id: t\n"
                                 "input:\n"
                                 "  type: object\n"
                                 "  required: [repo]\n"
                                 "  additionalProperties: false\n"
                                 "  properties:\n"
                                 "    repo: {type: string, pattern: '^[^/]+/[^/]+$'}\n"
                                 "    count: {type: integer, minimum: 1, default: 3}\n"
                                 "    share: {type: number}\n"
                                 "    dry: {type: boolean}\n"
                                 "    tags: {type: array, items: {type: string}}\n"
                                 "    more: {type: object}\n"
                                 "    maybe: {type: [string, 'null']}\n"
                                 "    either: {type: [string, integer]}\n"
                                 "    level: {enum: ['1', '2', high]}\n"
                                 "    any: {}\n"
                                 "nodes: [{id: a, type: start}]\n";
static const char free_yaml[] = "id: t\nnodes: [{id: a, type: start}]\n";

/* Words are the values of -i; the last one but NULL may be "<FILE" for --input. */
static int read_input(const char *yaml, const char *const *words, char **out_json, char **out_said)
{
    struct pipeline_fixture fixture;
    struct command_args args = {.command = &cmd_run};
    struct document *input = NULL;
    struct strbuf json = STRBUF_INIT;
    struct capture capture;
    for (; *words != NULL; words++) {
        bool is_file = (*words)[0] == '<';
        args.given[args.given_count].option = is_file ? OPTION_INPUT : OPTION_SET;
        args.given[args.given_count++].value = *words + (is_file ? 1 : 0);
    }
    pipeline_fixture_init(&fixture, yaml);
    capture_begin(&capture, STDERR_FILENO);
    int code = run_input_read(&args, fixture.pipeline, &input);
    *out_said = capture_end(&capture);
    if (code == EXIT_DONE) {
        json_write(document_root(input), JSON_COMPACT, &json);
    }
    *out_json = strbuf_take(&json);
    document_unref(input);
    pipeline_fixture_finish(&fixture);
    return code;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check_taken(const char *yaml, const char *const *words, const char *wanted)
{
    char *json = NULL;
    char *said = NULL;
    int code = read_input(yaml, words, &json, &said);
    assert_string_equal(said, "");
    assert_int_equal(code, EXIT_DONE);
    assert_string_equal(json, wanted);
    free(json);
    free(said);
}

static void check_refused(const char *yaml, const char *const *words, const char *wanted)
{
    char *json = NULL;
    char *said = NULL;
    int code = read_input(yaml, words, &json, &said);
    assert_string_equal(said, wanted);
    assert_int_equal(code, EXIT_USAGE);
    free(json);
    free(said);
}

static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void test_run_input__values_have_the_type_of_the_schema(void **state)
{
    (void)state;
    check_taken(typed_yaml,
                WORDS("repo=1/2", "count=7", "share=2", "dry=true", "tags=[\"a\",\"b\"]",
                      "more={\"x\":null}"),
                "{\"repo\":\"1/2\",\"count\":7,\"share\":2,\"dry\":true,\"tags\":[\"a\",\"b\"],"
                "\"more\":{\"x\":null}}");
}

static void test_run_input__several_types_take_what_fits(void **state)
{
    (void)state;
    check_taken(typed_yaml, WORDS("repo=a/b", "maybe=null", "either=5", "level=1"),
                "{\"repo\":\"a/b\",\"maybe\":null,\"either\":5,\"level\":\"1\",\"count\":3}");
    check_taken(typed_yaml, WORDS("repo=a/b", "maybe=5", "either=5.5", "level=high"),
                "{\"repo\":\"a/b\",\"maybe\":\"5\",\"either\":\"5.5\",\"level\":\"high\","
                "\"count\":3}");
}

static void test_run_input__without_a_type_json_is_json(void **state)
{
    (void)state;
    check_taken(free_yaml,
                WORDS("a=1", "b=x y", "c=[1]", "d=", "e=\"q\"", "f=true", "g=a=b", "h= 2"),
                "{\"a\":1,\"b\":\"x y\",\"c\":[1],\"d\":\"\",\"e\":\"q\",\"f\":true,"
                "\"g\":\"a=b\",\"h\":2}");
    check_taken(typed_yaml, WORDS("repo=a/b", "any=5"), "{\"repo\":\"a/b\",\"any\":5,\"count\":3}");
}

static void test_run_input__nothing_given_is_an_empty_map(void **state)
{
    (void)state;
    check_taken(free_yaml, WORDS(NULL), "{}");
}

static void test_run_input__the_later_key_wins(void **state)
{
    (void)state;
    char path[] = "/tmp/run-input-XXXXXX";
    write_file(path, "{\"a\":1,\"b\":{\"c\":[2]},\"d\":3}");
    char option[64];
    (void)snprintf(option, sizeof(option), "<%s", path);
    check_taken(free_yaml, WORDS(option, "d=4", "a=5", "a=6"),
                "{\"b\":{\"c\":[2]},\"d\":4,\"a\":6}");
    (void)unlink(path);
}

static void test_run_input__every_mistake_is_told_at_once(void **state)
{
    (void)state;
    check_refused(typed_yaml, WORDS("count=0", "dry=yes", "tags=x", "repo=x"),
                  "opstream: input /count: must be at least 1, found 0\n"
                  "opstream: input /dry: must be true or false, found text 'yes'\n"
                  "opstream: input /tags: must be a list, found text 'x'\n"
                  "opstream: input /repo: must match the pattern '^[^/]+/[^/]+$', found 'x'\n"
                  "opstream: the input does not fit the schema of 't' (t.yaml)\n");
}

static void test_run_input__a_wrong_key_gets_a_suggestion(void **state)
{
    (void)state;
    check_refused("id: t\ninput: {properties: {count: {}, dry: {}}, required: [dry],"
                  " additionalProperties: false}\nnodes: [{id: a, type: start}]\n",
                  WORDS("conut=2"),
                  "opstream: input: must have the key 'dry'\n"
                  "opstream: input /conut: unknown key 'conut'; allowed: 'count', 'dry'; "
                  "did you mean 'count'?\n"
                  "opstream: the input does not fit the schema of 't' (t.yaml)\n");
}

static void test_run_input__malformed_options_are_told(void **state)
{
    (void)state;
    check_refused(free_yaml, WORDS("novalue"), "opstream: -i 'novalue': write KEY=VALUE\n");
    check_refused(free_yaml, WORDS("=x"), "opstream: -i '=x': write KEY=VALUE\n");
    check_refused(
        free_yaml, WORDS("a={\"b\":}"),
        "opstream: -i a: not JSON: expected a value, found '}' (column 6); put a text that "
        "begins so in double quotes\n");
    check_refused(free_yaml, WORDS("a=[1,"),
                  "opstream: -i a: not JSON: expected a value, found the end of the text (column "
                  "4); put a text "
                  "that begins so in double quotes\n");
    check_refused(free_yaml, WORDS("a=\xFF"), "opstream: -i 'a=\\xff': not UTF-8\n");
}

static void test_run_input__malformed_files_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *said;
        bool is_placed; /* begins with the file's name */
    } cases[] = {
        {"{\"a\":\n 1,}", ":2:4: error: expected a key in double quotes, found '}'", true},
        {"[1]", "opstream: the input must be a JSON object", false},
        {"{\"a\":1,\"a\":2}", ":1:8: error: the key 'a' is there twice", true},
        {"", ":1:1: error: no input is in it: the file is empty", true},
        {"42", "opstream: the input must be a map", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[] = "/tmp/run-input-XXXXXX";
        char option[64];
        char said[256];
        write_file(path, cases[i].text);
        (void)snprintf(option, sizeof(option), "<%s", path);
        (void)snprintf(said, sizeof(said), cases[i].is_placed ? "%s%s\n" : "%.0s%s\n", path,
                       cases[i].said);
        check_refused(free_yaml, WORDS(option), said);
        (void)unlink(path);
    }
    check_refused(free_yaml, WORDS("<no-such-file.json"),
                  "opstream: cannot open 'no-such-file.json': No such file or directory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_input__values_have_the_type_of_the_schema),
        cmocka_unit_test(test_run_input__several_types_take_what_fits),
        cmocka_unit_test(test_run_input__without_a_type_json_is_json),
        cmocka_unit_test(test_run_input__nothing_given_is_an_empty_map),
        cmocka_unit_test(test_run_input__the_later_key_wins),
        cmocka_unit_test(test_run_input__every_mistake_is_told_at_once),
        cmocka_unit_test(test_run_input__a_wrong_key_gets_a_suggestion),
        cmocka_unit_test(test_run_input__malformed_options_are_told),
        cmocka_unit_test(test_run_input__malformed_files_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
