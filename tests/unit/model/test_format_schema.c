/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/model/failure_codes.h"
#include "core/model/format.h"
#include "core/model/format_help.h"
#include "core/model/format_schema.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/model/node_types.h"

static struct node_types types;
static struct document *document;
static struct schema *schema;

static int set_up(void **state)
{
    struct error err = {0};
    (void)state;
    node_types_init(&types);
    if (format_schema_build(&types.catalogue, types.engine_types, &document, &err) != 0 ||
        schema_compile(document, &schema, &err) != 0) {
        print_error("%s\n", err.message);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    schema_destroy(schema);
    document_unref(document);
    node_types_finish(&types);
    return 0;
}

static const struct value *defined(const char *pointer)
{
    return value_pointer(document_root(document), str_from(pointer));
}

static void assert_fits(const char *json)
{
    cleanup_document struct document *text = NULL;
    struct error err = {0};
    assert_int_equal(json_read(str_from(json), NULL, &text, &err), 0);
    if (schema_validate(schema, document_root(text), NULL, &err) != 0) {
        fail_msg("%s\ndoes not fit: %s", json, err.message);
    }
}

/* One of the violations is at `pointer`. */
static void assert_breaks(const char *json, const char *pointer)
{
    cleanup_document struct document *text = NULL;
    struct schema_report *report = NULL;
    bool is_there = false;
    assert_int_equal(json_read(str_from(json), NULL, &text, NULL), 0);
    if (schema_validate(schema, document_root(text), &report, NULL) != E_INVALID) {
        fail_msg("%s\nfits", json);
    }
    for (size_t i = 0; i < schema_report_count(report); i++) {
        is_there = is_there || str_equal_text(schema_report_at(report, i)->pointer, pointer);
    }
    if (!is_there) {
        struct str found = schema_report_at(report, 0)->pointer;
        fail_msg("%s\nbreaks at '%.*s', not at '%s'", json, STR_ARG(found), pointer);
    }
    schema_report_destroy(report);
}

static void assert_node_fits(const char *members)
{
    struct strbuf json = STRBUF_INIT;
    strbuf_append_format(&json, "{\"name\": \"a\", \"nodes\": [{\"id\": \"x\", %s}]}", members);
    assert_fits(json.p);
    strbuf_finish(&json);
}

static void assert_node_breaks(const char *members, const char *pointer)
{
    struct strbuf json = STRBUF_INIT;
    struct strbuf full = STRBUF_INIT;
    strbuf_append_format(&json, "{\"name\": \"a\", \"nodes\": [{\"id\": \"x\", %s}]}", members);
    strbuf_append_format(&full, "/nodes/0%s", pointer);
    assert_breaks(json.p, full.p);
    strbuf_finish(&json);
    strbuf_finish(&full);
}

static void test_format_schema__tells_the_forms_of_a_file_apart(void **state)
{
    (void)state;
    assert_fits("{\"name\": \"a\", \"nodes\": [{\"id\": \"x\", \"type\": \"set\"}]}");
    assert_fits("{\"id\": \"a\", \"type\": \"http\", \"config\": {\"url\": \"u\"}}");
    assert_fits("{\"workflow\": {\"name\": \"a\", \"resilience\": {\"timeout\": \"3s\"}}}");
    assert_fits("{\"workflows\": {\"a\": {\"nodes\": [{\"id\": \"x\", \"type\": \"set\"}]}}}");
    assert_breaks("{\"nodes\": [{\"id\": \"x\", \"type\": \"set\"}]}", "");
    assert_breaks("{\"workflow\": {\"name\": \"a\"}, \"nodes\": []}", "/nodes");
    assert_breaks("{\"workflows\": {\"a\": {\"notes\": []}}}", "/workflows/a/notes");
    assert_breaks("{\"workflows\": {\"a\": 1}}", "/workflows/a");
    assert_fits("{\"name\": \"a\", \"workflows\": [\"b\", \"c\"]}");
    assert_breaks("{\"name\": \"a\", \"workflows\": [[]]}", "/workflows/0");
    assert_breaks("{\"name\": \"a\", \"workflows\": []}", "/workflows");
    assert_breaks("{\"name\": \"a\", \"nodes\": {}}", "/nodes");
    assert_breaks("{\"name\": \"a\", \"edges\": []}", "/edges");
    assert_breaks("[]", "");
}

static void test_format_schema__knows_every_key(void **state)
{
    (void)state;
    assert_fits("{\"name\": \"a\", \"x-mine\": 1, \"$schema\": \"s\"}");
    assert_breaks("{\"name\": \"a\", \"nodse\": []}", "/nodse");
    assert_node_fits("\"type\": \"set\", \"x-mine\": 1");
    assert_node_breaks("\"type\": \"set\", \"whn\": true", "/whn");
    assert_breaks("{\"name\": \"a\", \"scaling\": {\"max\": 1}}", "/scaling/max");
}

static void test_format_schema__leaves_out_what_is_refused(void **state)
{
    (void)state;
    assert_null(defined("/$defs/pipeline/properties/concurrency"));
    assert_breaks("{\"name\": \"a\", \"concurrency\": {}, \"nodes\": []}", "/concurrency");
    assert_node_breaks("\"type\": \"set\", \"fallback\": {}", "/fallback");
    assert_fits("{\"name\": \"a\", \"concurrency\": {}, \"resilience\": {\"retry\": {}}}");
}

static void test_format_schema__checks_the_kinds_of_values(void **state)
{
    (void)state;
    assert_fits("{\"name\": \"a\", \"version\": 2.0, \"timeout\": \"1h30m\", \"input\": null}");
    assert_breaks("{\"name\": \"a\", \"timeout\": 30}", "/timeout");
    assert_breaks("{\"name\": \"a\", \"timeout\": \"30\"}", "/timeout");
    assert_breaks("{\"name\": \"a\", \"scaling\": {\"max_parallel_nodes\": 0}}",
                  "/scaling/max_parallel_nodes");
    assert_breaks("{\"name\": \"a\", \"error_policy\": \"go_on\"}", "/error_policy");
    assert_breaks("{\"name\": \"a\", \"labels\": {\"a\": []}}", "/labels/a");
    assert_breaks("{\"name\": \"a\", \"labels\": {\"a\": null}}", "/labels/a");
    assert_fits("{\"name\": \"a\", \"retention\": {\"keep\": \"30d\", \"max_runs\": 1}}");
    assert_breaks("{\"name\": \"a\", \"retention\": {\"keep\": \"0s\"}}", "/retention/keep");
    assert_breaks("{\"name\": \"a\", \"retention\": {\"max_runs\": 0}}", "/retention/max_runs");
    assert_breaks("{\"name\": \"a\", \"retention\": {\"keeps\": \"1d\"}}", "/retention/keeps");
    assert_breaks("{\"name\": \"a\", \"input\": {\"type\": \"text\"}}", "/input/type");
    assert_node_fits("\"type\": \"set\", \"when\": true, \"depends_on\": [\"y\", 2]");
    assert_node_breaks("\"type\": \"set\", \"depends_on\": \"y\"", "/depends_on");
    assert_node_breaks("\"type\": \"set\", \"milestone\": \"yes\"", "/milestone");
    assert_node_fits("\"type\": \"set\", \"on_error\": {\"goto\": \"y\"}");
    assert_node_breaks("\"type\": \"set\", \"on_error\": {\"go\": \"y\"}", "/on_error/go");
    assert_node_breaks("\"type\": \"set\", \"on_error\": \"stop\"", "/on_error");
}

static void test_format_schema__checks_names(void **state)
{
    (void)state;
    assert_fits("{\"name\": \"a\", \"nodes\": [{\"id\": \"deploy-prod 2\", \"type\": \"set\"},"
                " {\"id\": 7, \"type\": \"set\"}]}");
    assert_breaks("{\"name\": \"a\", \"nodes\": [{\"id\": \"\", \"type\": \"set\"}]}",
                  "/nodes/0/id");
    assert_breaks("{\"name\": \"a\", \"nodes\": [{\"id\": \" a\", \"type\": \"set\"}]}",
                  "/nodes/0/id");
    assert_breaks("{\"name\": \"a\", \"nodes\": [{\"id\": \"a\\u0001b\", \"type\": \"set\"}]}",
                  "/nodes/0/id");
    assert_breaks("{\"name\": \"a\", \"nodes\": [{\"id\": \"input\", \"type\": \"set\"}]}",
                  "/nodes/0/id");
    assert_breaks("{\"name\": \"a\", \"nodes\": [{\"id\": \"while\", \"type\": \"set\"}]}",
                  "/nodes/0/id");
    assert_breaks("{\"name\": \"a\", \"initial_state\": \"s\", \"states\": {\"in\": {}}}",
                  "/states/in");
    assert_breaks("{\"id\": \"a b\", \"nodes\": []}", "/id");
    assert_breaks("{\"workflows\": {}}", "/workflows");
    assert_node_breaks("\"type\": \"set\", \"for_each\": [1], \"as\": \"my-item\"", "/as");
    assert_node_breaks("\"type\": \"set\", \"for_each\": [1], \"as_batch\": \"loop\"", "/as_batch");
}

static void test_format_schema__knows_what_a_wait_waits_for(void **state)
{
    (void)state;
    assert_node_fits("\"type\": \"wait\", \"config\": {\"seconds\": 1}");
    assert_node_fits("\"type\": \"wait\", \"params\": {\"event\": \"go\"}");
    assert_node_breaks("\"type\": \"wait\", \"config\": {}", "/config");
    assert_node_breaks("\"type\": \"wait\"", "");
    assert_node_breaks("\"type\": \"wait\", \"config\": {\"seconds\": 1, \"event\": \"go\"}",
                       "/config");
}

static void test_format_schema__checks_edges(void **state)
{
    (void)state;
    assert_fits("{\"name\": \"a\", \"nodes\": [{\"id\": \"x\", \"type\": \"set\"}], \"edges\":"
                " [{\"source\": \"x\", \"target\": \"y\", \"on\": true, \"when\": \"1 > 0\"}]}");
    assert_breaks("{\"name\": \"a\", \"nodes\": [{\"id\": \"x\", \"type\": \"set\"}], \"edges\":"
                  " [{\"source\": \"x\"}]}",
                  "/edges/0");
    assert_breaks("{\"name\": \"a\", \"nodes\": [{\"id\": \"x\", \"type\": \"set\"}], \"edges\":"
                  " [{\"source\": \"x\", \"target\": \"y\", \"on\": \"a\", \"outcome\": \"a\"}]}",
                  "/edges/0/on");
}

static void test_format_schema__takes_one_body(void **state)
{
    (void)state;
    assert_fits("{\"name\": \"a\", \"steps\": [{\"id\": \"x\", \"type\": \"set\"}],"
                " \"on_failure\": [{\"id\": \"y\", \"type\": \"set\"}], \"rollback\": true}");
    assert_breaks("{\"name\": \"a\", \"steps\": [{\"id\": \"x\", \"type\": \"set\"}],"
                  " \"nodes\": [{\"id\": \"x\", \"type\": \"set\"}]}",
                  "/steps");
    assert_breaks("{\"name\": \"a\", \"steps\": [{\"id\": \"x\", \"type\": \"set\"}],"
                  " \"edges\": []}",
                  "/edges");
    assert_breaks("{\"name\": \"a\", \"steps\": [{\"id\": \"x\"}]}", "/steps/0");
    assert_breaks("{\"name\": \"a\", \"tools\": [\"http\"], \"interval\": \"3s\"}", "/interval");
    assert_breaks("{\"name\": \"a\", \"nodes\": [{\"id\": \"x\", \"type\": \"set\"}],"
                  " \"finally\": [{\"type\": \"set\"}]}",
                  "/finally/0");
}

static void test_format_schema__orders_steps(void **state)
{
    (void)state;
    static const char *const keys[] = {"steps", "finally", "on_failure"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct strbuf json = STRBUF_INIT;
        struct strbuf pointer = STRBUF_INIT;
        strbuf_append_format(&json,
                             "{\"name\": \"a\", \"%s\": [{\"id\": \"y\", \"type\": \"set\","
                             " \"depends_on\": [\"x\"]}]%s}",
                             keys[i], i == 0 ? "" : ", \"nodes\": []");
        strbuf_append_format(&pointer, "/%s/0/depends_on", keys[i]);
        assert_breaks(json.p, pointer.p);
        strbuf_finish(&json);
        strbuf_finish(&pointer);
    }
    assert_node_breaks("\"type\": \"set\", \"compensate\": {\"type\": \"set\","
                       " \"depends_on\": [\"y\"]}",
                       "/compensate/depends_on");
}

static void test_format_schema__checks_loops(void **state)
{
    (void)state;
    assert_node_fits("\"for_each\": \"input.items\", \"as\": \"it\", \"max_failures\": \"10%\","
                     " \"collect\": {\"reduce\": \"acc + item\", \"init\": 0}, \"output\": 1,"
                     " \"nodes\": [{\"id\": \"y\", \"type\": \"set\"}]");
    assert_node_fits("\"for_each\": [1], \"type\": \"http\", \"config\": {\"url\": \"u\"}");
    assert_node_fits("\"for_each\": {\"a\": [1], \"b\": \"input.b\"}, \"type\": \"set\"");
    assert_node_breaks("\"for_each\": [1], \"nodes\": [{\"id\": \"y\", \"type\": \"sat\"}]",
                       "/nodes/0/type");
    assert_node_breaks("\"nodes\": [{\"id\": \"y\", \"type\": \"set\"}]", "");
    assert_node_breaks("\"for_each\": [1], \"type\": \"set\","
                       " \"nodes\": [{\"id\": \"y\", \"type\": \"set\"}]",
                       "/nodes");
    assert_node_breaks("\"type\": \"loop\", \"for_each\": [1]", "");
    assert_node_breaks("\"for_each\": [1], \"config\": {},"
                       " \"nodes\": [{\"id\": \"y\", \"type\": \"set\"}]",
                       "/config");
    assert_node_breaks("\"type\": \"set\", \"as\": \"it\"", "/as");
    assert_node_breaks("\"type\": \"set\", \"for_each\": 3", "/for_each");
    assert_node_breaks("\"type\": \"set\", \"for_each\": [1], \"repeat\": {}", "/repeat");
    assert_node_breaks("\"type\": \"set\", \"for_each\": [1], \"max_failures\": \"few\"",
                       "/max_failures");
    assert_node_breaks("\"type\": \"set\", \"for_each\": [1], \"max_failures\": \"150%\"",
                       "/max_failures");
    assert_node_fits("\"type\": \"set\", \"for_each\": [1], \"max_failures\": \"100%\"");
    assert_node_fits("\"type\": \"set\", \"for_each\": [1], \"max_failures\": \"012.5%\"");
    assert_node_breaks("\"type\": \"set\", \"for_each\": [1], \"collect\": {\"init\": 0}",
                       "/collect");
    assert_node_breaks("\"type\": \"set\", \"repeat\": {\"until\": true, \"delay\": 3}",
                       "/repeat/delay");
}

static void test_format_schema__checks_compensations(void **state)
{
    (void)state;
    assert_node_fits("\"type\": \"set\", \"compensate\": {\"type\": \"set\"}");
    assert_node_breaks("\"type\": \"set\", \"compensate\": {\"type\": \"http\"}", "/compensate");
    assert_node_breaks("\"type\": \"set\", \"compensate\": {\"type\": \"set\","
                       " \"for_each\": [1]}",
                       "/compensate/for_each");
}

/* A machine whose one state is `state`. */
static void assert_state_breaks(const char *machine, const char *pointer)
{
    struct strbuf json = STRBUF_INIT;
    struct strbuf full = STRBUF_INIT;
    strbuf_append_format(
        &json, "{\"name\": \"a\", \"initial_state\": \"s\", \"states\": {\"s\": %s}}", machine);
    strbuf_append_format(&full, "/states/s%s", pointer);
    assert_breaks(json.p, full.p);
    strbuf_finish(&json);
    strbuf_finish(&full);
}

static void test_format_schema__checks_states(void **state)
{
    (void)state;
    assert_fits(
        "{\"name\": \"a\", \"initial_state\": \"s\", \"states\": {\"s\": {\"action\":"
        " {\"service\": \"internal\", \"method\": \"wait\", \"params\": {\"seconds\": 1}},"
        " \"transitions\": {\"success\": \"t\", \"go\": [{\"when\": true, \"to\": \"t\"}]}},"
        " \"t\": {\"result\": \"failed\"}}}");
    assert_fits("{\"name\": \"a\", \"initial_state\": \"s\", \"states\": ["
                "{\"name\": \"s\", \"type\": \"http\", \"config\": {\"url\": \"u\"}}]}");
    assert_breaks("{\"name\": \"a\", \"states\": {\"s\": {}}}", "");
    assert_breaks("{\"name\": \"a\", \"initial_state\": \"s\", \"states\": [{}]}", "/states/0");
    assert_state_breaks("{\"action\": {\"service\": \"internal\", \"method\": \"wait\","
                        " \"params\": {\"second\": 1}}}",
                        "/action/params/second");
    assert_state_breaks("{\"action\": {\"service\": \"internal\"}}", "/action");
    assert_state_breaks("{\"type\": \"http\", \"config\": {}}", "/config");
    assert_state_breaks("{\"transitions\": {\"success\": {\"to\": \"t\"}}}",
                        "/transitions/success");
    assert_state_breaks("{\"transitions\": {\"success\": [{\"when\": true}]}}",
                        "/transitions/success/0");
    assert_state_breaks("{\"result\": \"bad\"}", "/result");
    assert_state_breaks("{\"action\": \"post\"}", "");
    assert_state_breaks("{\"action\": {\"type\": \"set\"}, \"type\": \"set\"}", "/action");
    assert_state_breaks("{\"action\": {\"type\": \"set\"}, \"config\": {}}", "/config");
    assert_state_breaks("{\"action\": {\"type\": \"set\"}, \"params\": {}}", "/params");
    assert_state_breaks("{\"action\": {\"service\": \"a\", \"method\": \"b\", \"action\":"
                        " \"c\"}}",
                        "/action/action");
    assert_state_breaks("{\"action\": {\"service\": \"a\", \"method\": \"b\"}, \"service\":"
                        " \"a\"}",
                        "/service");
    assert_state_breaks("{\"transition\": {}}", "/transition");
}

static void test_format_schema__checks_tools(void **state)
{
    (void)state;
    assert_fits("{\"name\": \"a\", \"tools\": [\"http\", {\"name\": \"code\", \"config\": {}}],"
                " \"sequence\": true, \"duration\": \"2h\", \"interval\": \"60s\"}");
    assert_breaks("{\"name\": \"a\", \"tools\": [\"htp\"]}", "/tools/0");
    assert_breaks("{\"name\": \"a\", \"tools\": [{\"config\": {}}]}", "/tools/0");
    assert_breaks("{\"name\": \"a\", \"tools\": [{\"name\": \"set\", \"args\": {}}]}",
                  "/tools/0/args");
    assert_breaks("{\"name\": \"a\", \"tools\": []}", "/tools");
}

static void test_format_schema__knows_the_types(void **state)
{
    (void)state;
    assert_node_breaks("\"type\": \"htp\"", "/type");
    assert_node_breaks("\"name\": \"n\"", "");
    assert_node_breaks("\"type\": \"set\", \"service\": \"internal\"", "/service");
    assert_node_breaks("\"service\": \"internal\"", "");
    assert_node_breaks("\"action\": \"wait\"", "");
    assert_node_fits(
        "\"service\": \"internal\", \"action\": \"wait\", \"params\": {\"seconds\": 1}");
    assert_node_breaks("\"service\": \"internal\", \"action\": \"wait\", \"params\": {\"s\": 1}",
                       "/params/s");
    assert_node_fits("\"type\": \"internal.wait\", \"config\": {\"seconds\": 1}");
}

static void test_format_schema__checks_configs_by_type(void **state)
{
    (void)state;
    assert_node_fits("\"type\": \"http\", \"config\": {\"url\": \"u\", \"method\": \"POST\"}");
    assert_node_fits("\"type\": \"http\", \"params\": {\"url\": \"u\"}");
    assert_node_breaks("\"type\": \"http\"", "");
    assert_node_breaks("\"type\": \"http\", \"config\": {}", "/config");
    assert_node_breaks("\"type\": \"http\", \"config\": null", "/config");
    assert_node_breaks("\"type\": \"http\", \"config\": {\"url\": \"u\", \"mthod\": 1}",
                       "/config/mthod");
    assert_node_breaks("\"type\": \"http\", \"config\": {\"url\": \"u\", \"method\": \"PUSH\"}",
                       "/config/method");
    assert_node_breaks("\"type\": \"set\", \"config\": {}, \"params\": {}", "/params");
    assert_node_fits("\"type\": \"start\", \"config\": null");
    assert_node_breaks("\"type\": \"start\", \"config\": {\"a\": 1}", "/config/a");
    assert_breaks("{\"id\": \"a\", \"type\": \"http\", \"config\": {\"uri\": \"u\"}}",
                  "/config/uri");
}

static void test_format_schema__takes_templates_where_values_stand(void **state)
{
    (void)state;
    assert_node_fits("\"type\": \"http\", \"config\": {\"url\": 5, \"tries\": \"{{ input.n }}\","
                     " \"method\": \"${METHOD}\", \"headers\": \"{{ input.h }}\"}");
    assert_node_breaks("\"type\": \"http\", \"config\": {\"url\": \"u\", \"tries\": \"three\"}",
                       "/config/tries");
    assert_node_breaks("\"type\": \"http\", \"config\": {\"url\": \"u\", \"tries\": 0}",
                       "/config/tries");
    assert_node_breaks("\"type\": \"http\", \"config\": \"{{ input }}\"", "/config");
    assert_node_fits("\"type\": \"filter\", \"config\": {\"keep\": \"item > 1\"}");
}

static void test_format_schema__leaves_raw_fields_as_they_are(void **state)
{
    (void)state;
    const struct value *code = defined("/$defs/config.code/properties/code");
    assert_non_null(code);
    assert_null(value_get(code, STR("x-ops-raw")));
    assert_true(value_is(value_get(code, STR("type")), VALUE_STRING));
    assert_node_breaks("\"type\": \"code\", \"config\": {\"language\": \"bash\", \"code\": 1}",
                       "/config/code");
}

static void test_format_schema__allows_limits_where_there_are_processes(void **state)
{
    (void)state;
    assert_node_fits("\"type\": \"code\", \"limits\": {\"memory\": \"64MiB\", \"wall\": \"3s\"},"
                     " \"config\": {\"language\": \"bash\", \"code\": \"true\"}");
    assert_node_breaks("\"type\": \"code\", \"limits\": {\"memory\": \"64MiBs\"},"
                       " \"config\": {\"language\": \"bash\", \"code\": \"true\"}",
                       "/limits/memory");
    assert_node_breaks("\"type\": \"set\", \"limits\": {}", "/limits");
}

static void test_format_schema__allows_at_most_once_where_something_is_changed(void **state)
{
    (void)state;
    assert_node_fits("\"type\": \"http\", \"at_most_once\": true, \"config\": {\"url\": \"x\"}");
    assert_node_breaks("\"type\": \"http\", \"at_most_once\": 1, \"config\": {\"url\": \"x\"}",
                       "/at_most_once");
    assert_node_breaks("\"type\": \"set\", \"at_most_once\": true", "/at_most_once");
    assert_node_breaks("\"for_each\": [1], \"at_most_once\": true, \"nodes\":"
                       " [{\"id\": \"x\", \"type\": \"set\"}]",
                       "/at_most_once");
}

static void test_format_schema__checks_integrations_by_plugin(void **state)
{
    (void)state;
    assert_fits("{\"name\": \"a\", \"integrations\": {\"http\": {\"base_url\": \"${URL}\","
                " \"timeout\": \"3s\"}, \"absent\": {\"any\": 1, \"max_concurrency\": 2}}}");
    assert_fits("{\"name\": \"a profile\", \"integrations\": {\"http\": {\"base\": 1}}}");
    assert_breaks("{\"name\": \"a\", \"nodes\": [], \"integrations\": {\"http\": {\"base\": 1}}}",
                  "/integrations/http/base");
    assert_breaks(
        "{\"name\": \"a\", \"nodes\": [], \"integrations\": {\"code\": {\"timeout\": 3}}}",
        "/integrations/code/timeout");
    assert_breaks("{\"name\": \"a\", \"nodes\": [], \"integrations\": {\"code\": {\"any\": 1}}}",
                  "/integrations/code/any");
    assert_breaks("{\"name\": \"a\", \"nodes\": [], \"integrations\": {\"absent\": "
                  "{\"max_concurrency\": 0}}}",
                  "/integrations/absent/max_concurrency");
}

static void test_format_schema__checks_retry_in_each_place(void **state)
{
    struct strbuf node = STRBUF_INIT;
    struct str code = {0};
    (void)state;
    assert_node_fits(
        "\"type\": \"http\", \"config\": {\"url\": \"u\"}, \"retry\": {\"max_attempts\": 0,"
        " \"deadline\": \"1h\", \"on\": [503, \"429\", \"TIMEOUT\"], \"budget\": \"off\"}");
    assert_fits("{\"name\": \"a\", \"tools\": [\"http\"], \"resilience\": {\"retry\": \"off\"}, "
                "\"integrations\":"
                " {\"http\": {\"retry\": {\"budget\": \"5%\"}}, \"code\": {\"retry\": \"off\"}}}");
    assert_breaks("{\"name\": \"a\", \"nodes\": [], \"resilience\": {\"retry\": 3}}",
                  "/resilience/retry");
    assert_breaks("{\"name\": \"a\", \"nodes\": [], \"integrations\": {\"code\": {\"retry\":"
                  " {\"tries\": 1}}}}",
                  "/integrations/code/retry/tries");
    assert_breaks("{\"name\": \"a\", \"nodes\": [], \"integrations\": {\"other\": {\"retry\":"
                  " {\"jitter\": 1}}}}",
                  "/integrations/other/retry/jitter");
    static const char *const faults[][2] = {
        {"\"max_attempts\": -1", "/retry/max_attempts"},
        {"\"initial_interval\": \"0s\"", "/retry/initial_interval"},
        {"\"backoff_multiplier\": 0.5", "/retry/backoff_multiplier"},
        {"\"on\": []", "/retry/on"},
        {"\"on\": [\"timeout\"]", "/retry/on/0"},
        {"\"on\": [\"99\"]", "/retry/on/0"},
        {"\"on\": [600]", "/retry/on/0"},
        {"\"on\": [{}]", "/retry/on/0"},
        {"\"budget\": \"0%\"", "/retry/budget"},
        {"\"budget\": 20", "/retry/budget"},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        strbuf_clear(&node);
        strbuf_append_format(&node, "\"type\": \"filter\", \"retry\": {%s}", faults[i][0]);
        assert_node_breaks(node.p, faults[i][1]);
    }
    for (size_t i = 0; (code = failure_codes_at(i)).n > 0; i++) {
        strbuf_clear(&node);
        strbuf_append_format(&node, "\"type\": \"filter\", \"retry\": {\"on\": [\"%.*s\"]}",
                             STR_ARG(code));
        assert_node_fits(node.p);
    }
    strbuf_finish(&node);
    assert_node_breaks("\"type\": \"set\", \"retry\": {}", "/retry");
    assert_node_breaks("\"type\": \"workflow\", \"config\": {\"workflow\": \"w\"}, \"retry\": {}",
                       "/retry");
    assert_node_breaks("\"for_each\": [1], \"retry\": {}, \"nodes\":"
                       " [{\"id\": \"x\", \"type\": \"set\"}]",
                       "/retry");
}

static void test_format_schema__checks_breakers(void **state)
{
    static const char *const faults[][2] = {
        {"\"failure_threshold\": 0", "/circuit_breaker/failure_threshold"},
        {"\"failure_rate\": 0.5", "/circuit_breaker/failure_rate"},
        {"\"window\": 30", "/circuit_breaker/window"},
        {"\"slow_call\": \"0s\"", "/circuit_breaker/slow_call"},
        {"\"slow_call\": false", "/circuit_breaker/slow_call"},
        {"\"reset_timeout_seconds\": 0", "/circuit_breaker/reset_timeout_seconds"},
        {"\"reset_timeout_seconds\": \"20s\"", "/circuit_breaker/reset_timeout_seconds"},
        {"\"reset_timeout\": \"1s\", \"reset_timeout_seconds\": 1",
         "/circuit_breaker/reset_timeout_seconds"},
        {"\"treshold\": 1", "/circuit_breaker/treshold"},
    };
    struct strbuf node = STRBUF_INIT;
    (void)state;
    assert_node_fits("\"type\": \"filter\", \"circuit_breaker\": \"off\"");
    assert_node_fits("\"type\": \"filter\", \"circuit_breaker\": {\"failure_rate\": \"50%\","
                     " \"slow_call\": \"off\", \"reset_timeout_seconds\": 0.5}");
    assert_fits(
        "{\"name\": \"a\", \"resilience\": {\"circuit_breaker\": \"off\"}, \"tools\": [{\"name\":"
        " \"http\", \"circuit_breaker\": {\"slow_call\": \"5s\"}}]}");
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        strbuf_clear(&node);
        strbuf_append_format(&node, "\"type\": \"filter\", \"circuit_breaker\": {%s}",
                             faults[i][0]);
        assert_node_breaks(node.p, faults[i][1]);
    }
    strbuf_finish(&node);
    assert_node_breaks("\"type\": \"filter\", \"circuit_breaker\": 5", "/circuit_breaker");
    assert_node_breaks("\"type\": \"set\", \"circuit_breaker\": {}", "/circuit_breaker");
    assert_node_breaks("\"for_each\": [1], \"circuit_breaker\": {}, \"nodes\":"
                       " [{\"id\": \"x\", \"type\": \"set\"}]",
                       "/circuit_breaker");
}

static void test_format_schema__checks_on_open(void **state)
{
    (void)state;
    assert_node_fits("\"type\": \"filter\", \"circuit_breaker\": {}, \"on_open\": \"fail\"");
    assert_node_breaks("\"type\": \"filter\", \"on_open\": \"skip\"", "/on_open");
    assert_node_breaks("\"type\": \"set\", \"on_open\": \"wait\"", "/on_open");
    assert_node_breaks("\"for_each\": [1], \"on_open\": \"wait\", \"nodes\":"
                       " [{\"id\": \"x\", \"type\": \"set\"}]",
                       "/on_open");
}

static void test_format_schema__checks_rates(void **state)
{
    static const char *const wrong[] = {"0/hour", "00/hour", "5/hours", "5", "-5/hour", "5/Hour"};
    static const char *const right[] = {"5/second", "05/minute", "1/hour", "2147483647/day", "off"};
    struct strbuf node = STRBUF_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        strbuf_clear(&node);
        strbuf_append_format(&node, "\"type\": \"filter\", \"rate_limit\": \"%s\"", wrong[i]);
        assert_node_breaks(node.p, "/rate_limit");
    }
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        strbuf_clear(&node);
        strbuf_append_format(&node, "\"type\": \"filter\", \"rate_limit\": \"%s\"", right[i]);
        assert_node_fits(node.p);
    }
    strbuf_finish(&node);
    assert_node_fits("\"type\": \"filter\", \"rate_limit\": {\"rate\": \"5/hour\", \"burst\": 2}");
    assert_node_breaks("\"type\": \"filter\", \"rate_limit\": {\"rate\": \"off\"}",
                       "/rate_limit/rate");
    assert_node_breaks("\"type\": \"filter\", \"rate_limit\": {\"burst\": 0}", "/rate_limit/burst");
    assert_node_breaks("\"type\": \"filter\", \"rate_limit\": 5", "/rate_limit");
    assert_node_breaks("\"type\": \"set\", \"rate_limit\": \"off\"", "/rate_limit");
    assert_breaks(
        "{\"name\": \"a\", \"tools\": [\"http\"], \"integrations\": {\"http\": {\"rate_limit\":"
        " \"5\"}}}",
        "/integrations/http/rate_limit");
}

static void test_format_schema__says_what_each_key_means(void **state)
{
    static const struct format_key *const tables[] = {
        format_file_keys,       format_pipeline_keys, format_single_keys,     format_node_keys,
        format_edge_keys,       format_on_error_keys, format_resilience_keys, format_scaling_keys,
        format_limits_keys,     format_policy_keys,   format_state_keys,      format_action_keys,
        format_transition_keys, format_tool_keys,     format_repeat_keys,     format_collect_keys,
        format_retention_keys,  format_retry_keys,    format_breaker_keys,    format_rate_keys,
    };
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct format_key *key = tables[i]; key->name.n > 0; key++) {
            if (format_help_find(tables[i], key->name) == NULL) {
                fail_msg("no help for the key '%s' of table %zu", key->name.p, i);
            }
        }
    }
    assert_null(format_help_find(format_edge_keys, STR("no_such_key")));
}

static void test_format_schema__is_the_same_each_time(void **state)
{
    cleanup_document struct document *again = NULL;
    struct strbuf first = STRBUF_INIT;
    struct strbuf second = STRBUF_INIT;
    (void)state;
    assert_int_equal(format_schema_build(&types.catalogue, types.engine_types, &again, NULL), 0);
    json_write(document_root(document), JSON_COMPACT, &first);
    json_write(document_root(again), JSON_COMPACT, &second);
    assert_true(str_equal(strbuf_str(&first), strbuf_str(&second)));
    strbuf_finish(&first);
    strbuf_finish(&second);
}

static void test_format_schema__survives_failing_allocations(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct document *built = NULL;
        failing_alloc_arm(n);
        int status = format_schema_build(&types.catalogue, types.engine_types, &built, NULL);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_true(is_reached == (built == NULL));
        document_unref(built);
        if (!is_reached) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_schema__tells_the_forms_of_a_file_apart),
        cmocka_unit_test(test_format_schema__knows_every_key),
        cmocka_unit_test(test_format_schema__leaves_out_what_is_refused),
        cmocka_unit_test(test_format_schema__checks_the_kinds_of_values),
        cmocka_unit_test(test_format_schema__checks_names),
        cmocka_unit_test(test_format_schema__knows_what_a_wait_waits_for),
        cmocka_unit_test(test_format_schema__checks_edges),
        cmocka_unit_test(test_format_schema__takes_one_body),
        cmocka_unit_test(test_format_schema__orders_steps),
        cmocka_unit_test(test_format_schema__checks_loops),
        cmocka_unit_test(test_format_schema__checks_compensations),
        cmocka_unit_test(test_format_schema__checks_states),
        cmocka_unit_test(test_format_schema__checks_tools),
        cmocka_unit_test(test_format_schema__knows_the_types),
        cmocka_unit_test(test_format_schema__checks_configs_by_type),
        cmocka_unit_test(test_format_schema__takes_templates_where_values_stand),
        cmocka_unit_test(test_format_schema__leaves_raw_fields_as_they_are),
        cmocka_unit_test(test_format_schema__allows_limits_where_there_are_processes),
        cmocka_unit_test(test_format_schema__allows_at_most_once_where_something_is_changed),
        cmocka_unit_test(test_format_schema__checks_integrations_by_plugin),
        cmocka_unit_test(test_format_schema__checks_retry_in_each_place),
        cmocka_unit_test(test_format_schema__checks_breakers),
        cmocka_unit_test(test_format_schema__checks_on_open),
        cmocka_unit_test(test_format_schema__checks_rates),
        cmocka_unit_test(test_format_schema__says_what_each_key_means),
        cmocka_unit_test(test_format_schema__is_the_same_each_time),
        cmocka_unit_test(test_format_schema__survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
