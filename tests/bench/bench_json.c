/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON reading and writing against jansson with JSON_REJECT_DUPLICATES, and the memory of a read
 * document. Two texts: an object of about 2 KB as nodes pass them on, and an array of such
 * objects of about 1 MB.
 */
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

/* jansson has a macro of the name of our enumerator. */
enum { YARDSTICK_COMPACT = JSON_COMPACT };
#undef JSON_COMPACT

#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/bench/bench.h"

enum { OBJECT_BYTES = 2048, ARRAY_BYTES = 1024 * 1024, ROUNDS = 15 };

struct work {
    struct str text;
    const struct value *value;
    json_t *yardstick;
    int repeats;
};

static void add_record(struct builder *b, int i)
{
    static const char *const hosts[] = {"db-1.example.net", "web-12.example.net", "cache.local"};
    builder_map_begin(b);
    builder_member_int(b, STR("id"), 1000000 + i * 37);
    builder_member_string(b, STR("name"), str_from(hosts[i % 3]));
    builder_member_bool(b, STR("is_active"), i % 2 == 0);
    builder_member_double(b, STR("load"), (double)(i * 7919 % 1000) / 100.0);
    builder_member_double(b, STR("ratio"), 1.0 / (i + 3));
    builder_member_string(b, STR("note"),
                          STR("the disk is \"nearly\" full;\nclear /var/log or grow it"));
    builder_member_string(b, STR("city"), i % 2 == 0 ? STR("Zürich") : STR("Bern"));
    builder_key(b, STR("tags"));
    builder_list_begin(b);
    for (int tag = 0; tag < 4; tag++) {
        builder_int(b, tag * i);
    }
    builder_string(b, STR("production"));
    builder_null(b);
    builder_list_end(b);
    builder_map_end(b);
}

/* A list of records whose text has about `bytes` bytes. */
static struct document *make_records(size_t bytes)
{
    size_t count = bytes / 230;
    struct document *document = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("kind"), STR("report"));
    builder_key(b, STR("records"));
    builder_list_begin(b);
    for (size_t i = 0; i < count; i++) {
        add_record(b, (int)i);
    }
    builder_list_end(b);
    builder_map_end(b);
    return builder_finish(b, &document, NULL) == 0 ? document : NULL;
}

static int read_ours(void *user)
{
    const struct work *work = user;
    for (int i = 0; i < work->repeats; i++) {
        struct document *document = NULL;
        if (json_read(work->text, NULL, &document, NULL) != 0) {
            return -1;
        }
        document_unref(document);
    }
    return 0;
}

static int read_yardstick(void *user)
{
    const struct work *work = user;
    for (int i = 0; i < work->repeats; i++) {
        json_t *json = json_loadb(work->text.p, work->text.n, JSON_REJECT_DUPLICATES, NULL);
        if (json == NULL) {
            return -1;
        }
        json_decref(json);
    }
    return 0;
}

static int write_ours(void *user)
{
    const struct work *work = user;
    for (int i = 0; i < work->repeats; i++) {
        struct strbuf out = STRBUF_INIT;
        json_write(work->value, JSON_COMPACT, &out);
        if (strbuf_status(&out) != 0) {
            return -1;
        }
        strbuf_finish(&out);
    }
    return 0;
}

static int write_yardstick(void *user)
{
    const struct work *work = user;
    for (int i = 0; i < work->repeats; i++) {
        char *text = json_dumps(work->yardstick, YARDSTICK_COMPACT);
        if (text == NULL) {
            return -1;
        }
        free(text);
    }
    return 0;
}

static int measure(const char *name, bench_round_cb ours, bench_round_cb yardstick,
                   struct work *work)
{
    struct bench_times times = {0};
    if (bench_interleave(ours, yardstick, work, ROUNDS, &times) != 0) {
        return -1;
    }
    double bytes = (double)work->text.n * work->repeats;
    bench_print_row(&(struct bench_row){.name = name,
                                        .unit = "MB/s",
                                        .ours = bytes / times.ours_ns * 1e3,
                                        .yardstick = bytes / times.yardstick_ns * 1e3,
                                        .goal = 8.0,
                                        .is_least = true});
    return 0;
}

static size_t count_values(const struct value *root)
{
    const struct value *records = value_get(root, STR("records"));
    const size_t values_in_record = 15;
    return 3 + value_count(records) * values_in_record;
}

static size_t allocated_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static int measure_memory(const char *name, const struct work *work)
{
    size_t before = allocated_bytes();
    struct document *document = NULL;
    if (json_read(work->text, NULL, &document, NULL) != 0) {
        return -1;
    }
    double bytes = (double)(allocated_bytes() - before);
    size_t count = count_values(document_root(document));
    document_unref(document);
    bench_print_row(&(struct bench_row){
        .name = name, .unit = "bytes/value", .ours = bytes / (double)count, .goal = 110.0});
    return 0;
}

struct names {
    const char *read;
    const char *write;
    const char *memory;
};

static int run(const struct names *names, size_t bytes, int repeats)
{
    struct document *document = make_records(bytes);
    struct strbuf text = STRBUF_INIT;
    if (document == NULL) {
        return -1;
    }
    json_write(document_root(document), JSON_COMPACT, &text);
    struct work work = {.text = strbuf_str(&text),
                        .value = document_root(document),
                        .yardstick = json_loadb(text.p, text.n, 0, NULL),
                        .repeats = repeats};
    int status = work.yardstick == NULL ||
                         measure(names->read, read_ours, read_yardstick, &work) != 0 ||
                         measure(names->write, write_ours, write_yardstick, &work) != 0 ||
                         measure_memory(names->memory, &work) != 0
                     ? -1
                     : 0;
    json_decref(work.yardstick);
    strbuf_finish(&text);
    document_unref(document);
    return status;
}

int main(void)
{
    static const struct names object = {"json: read a 2 KB object", "json: write a 2 KB object",
                                        "json: memory of a 2 KB object"};
    static const struct names array = {"json: read a 1 MB array", "json: write a 1 MB array",
                                       "json: memory of a 1 MB array"};
    if (run(&object, OBJECT_BYTES, 400) != 0 || run(&array, ARRAY_BYTES, 1) != 0) {
        fprintf(stderr, "bench_json could not run: out of memory\n");
        return 1;
    }
    return 0;
}
