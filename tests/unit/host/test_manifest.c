/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/host/manifest.h"
#include "core/host/manifest_schema.h"
#include "core/host/version.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

static const char whole[] =
    "{\"id\":\"acme.issues\",\"version\":\"2.10.0-rc.1\",\"summary\":\"s\",\"license\":\"MIT\","
    "\"docs\":\"d\",\"abi\":{\"epoch\":1,\"minor_needed\":0},\"isolation\":\"any\","
    "\"interfaces\":{\"required\":{\"ops.http\":1},\"optional\":{\"ops.process\":1}},"
    "\"capabilities\":{\"exec\":true,\"secret.read\":false},"
    "\"settings_schema\":{\"type\":\"object\"},\"rate_limit\":\"200/minute\",\"nodes\":["
    "{\"type\":\"acme.issues\",\"summary\":\"one\",\"config_schema\":{}},"
    "{\"type\":\"acme.issues.create\",\"summary\":\"two\",\"config_version\":3,\"risk\":\"high\","
    "\"config_schema\":{\"type\":\"object\",\"required\":[\"a\"]},\"output_schema\":{},"
    "\"ports\":[\"late\",\"never\"],\"ports_from\":\"/r/*\",\"side_effects\":false,"
    "\"idempotent\":true,\"processes\":true,\"streams\":true,\"check\":true}]}";

static int read(const char *text, struct manifest **out, struct error *err)
{
    struct schema *form = NULL;
    *err = (struct error){0};
    int status = manifest_form_create(&form, err);
    if (status == 0) {
        struct manifest_source source = {
            .path = STR("/x/a.so"), .text = str_from(text), .crc = 7, .form = form};
        status = manifest_read(&source, out, err);
    }
    schema_destroy(form);
    return status;
}

static void test_manifest__gives_all_that_it_says(void **state)
{
    struct manifest *m = NULL;
    struct error err;
    (void)state;
    assert_int_equal(read(whole, &m, &err), 0);
    assert_true(str_equal(m->plugin.id, STR("acme.issues")));
    assert_true(str_equal(m->plugin.version, STR("2.10.0-rc.1")));
    assert_true(str_equal(m->plugin.path, STR("/x/a.so")));
    assert_non_null(m->plugin.settings_schema);
    assert_int_equal(m->plugin.rate_limit.count, 200);
    assert_int_equal(m->plugin.rate_limit.per_ms, 60000);
    assert_int_equal(m->crc, 7);
    assert_int_equal(m->node_count, 2);
    assert_true(manifest_has_capability(m, STR("exec")));
    assert_false(manifest_has_capability(m, STR("secret.read")));
    assert_false(manifest_has_capability(m, STR("fs")));
    assert_true(manifest_find_interface(m, STR("ops.http"))->is_required);
    assert_false(manifest_find_interface(m, STR("ops.process"))->is_required);
    assert_null(manifest_find_interface(m, STR("ops.value")));
    manifest_destroy(m);
}

/* Of the first node type of the manifest: "KEY DEFAULT", and " of the settings". */
static void assert_origin(const char *config, const char *settings, const char *wanted)
{
    char text[1024];
    char found[256];
    struct manifest *m = NULL;
    struct error err;
    (void)snprintf(text, sizeof(text),
                   "{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"settings_schema\":{"
                   "\"properties\":{%s}},\"nodes\":[{\"type\":\"a\",\"summary\":\"s\","
                   "\"config_schema\":{\"properties\":{%s}}}]}",
                   settings, config);
    assert_int_equal(read(text, &m, &err), 0);
    const struct node_type *type = &m->nodes[0].type;
    (void)snprintf(found, sizeof(found), "%.*s %.*s%s%s%.*s%.*s", STR_ARG(type->origin_key),
                   STR_ARG(type->origin_default),
                   (type->flags & NODE_TYPE_SET_ORIGIN) != 0 ? " of the settings" : "",
                   (type->flags & NODE_TYPE_NAMED_ORIGIN) != 0 ? " named " : "",
                   STR_ARG(type->origin_map), STR_ARG(type->origin_name));
    assert_string_equal(found, wanted);
    manifest_destroy(m);
}

static void test_manifest__says_where_the_url_of_the_service_is(void **state)
{
    static const char url[] = "\"u\":{\"x-ops-origin\":true}";
    static const char base[] = "\"x\":{},\"b\":{\"x-ops-origin\":true,\"default\":\"https://h\"}";
    (void)state;
    assert_origin(url, "", "u ");
    assert_origin("", base, "b https://h of the settings");
    assert_origin(url, base, "u ");
    assert_origin("\"u\":{\"x-ops-origin\":false}", "\"b\":{}", " ");
    assert_origin("\"u\":{\"x-ops-origin\":\"/all/*/url\"}", base, "url  named allu");
}

/* A mark that leads nowhere would leave all services of a plugin with one breaker. */
static void test_manifest__a_url_that_cannot_be_found_is_refused(void **state)
{
    static const char *const pointers[] = {"",        "all/*/url", "/all/url", "/all/*/",
                                           "//*/url", "/a/b/*/c",  "/a/*/b/c", "true"};
    struct manifest *m = NULL;
    struct error err;
    char text[1024];
    (void)state;
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        (void)snprintf(text, sizeof(text),
                       "{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{"
                       "\"type\":\"a\",\"summary\":\"s\",\"config_schema\":{\"properties\":{\"u\":"
                       "{\"x-ops-origin\":\"%s\"}}}}]}",
                       pointers[i]);
        assert_int_equal(read(text, &m, &err), E_INVALID);
        assert_non_null(strstr(err.message, "'x-ops-origin' of 'u' must be true or"));
    }
    assert_int_equal(
        read("{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"settings_schema\":{"
             "\"properties\":{\"u\":{\"x-ops-origin\":\"/all/*/url\"}}},\"nodes\":[{\"type\":\"a\","
             "\"summary\":\"s\",\"config_schema\":{}}]}",
             &m, &err),
        E_INVALID);
    assert_non_null(strstr(err.message, "only a config can name one of the settings"));
}

static void test_manifest__fills_node_types_for_the_catalogue(void **state)
{
    struct manifest *m = NULL;
    struct error err;
    (void)state;
    assert_int_equal(read(whole, &m, &err), 0);
    const struct manifest_node *node = manifest_find_node(m, STR("acme.issues.create"));
    assert_non_null(node);
    assert_ptr_equal(manifest_node_of(&node->type), node);
    assert_int_equal(node->config_version, 3);
    assert_int_equal(node->type.flags, NODE_TYPE_IDEMPOTENT | NODE_TYPE_PURE | NODE_TYPE_PROCESSES |
                                           NODE_TYPE_STREAMS | NODE_TYPE_CALLS | NODE_TYPE_CHECKS);
    assert_int_equal(node->type.port_count, 2);
    assert_true(str_equal(node->type.ports[1], STR("never")));
    assert_true(str_equal(node->type.ports_from, STR("/r/*")));
    assert_true(str_equal(node->type.risk, STR("high")));
    assert_int_equal(
        schema_validate(node->type.config_schema, document_root(document_empty_map()), NULL, NULL),
        E_INVALID);
    assert_true(
        value_is(value_get(document_root(node->type.description), STR("ports")), VALUE_LIST));

    node = manifest_find_node(m, STR("acme.issues"));
    assert_int_equal(node->type.flags, NODE_TYPE_CALLS);
    assert_int_equal(node->config_version, 1);
    assert_true(str_equal(node->type.risk, STR("low")));
    assert_null(node->type.output_schema);
    manifest_destroy(m);
}

static void test_manifest__says_what_is_wrong(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"", "its manifest is not valid JSON: line 1, column 1: "},
        {"[]", "its manifest is not valid: "},
        {"{\"id\":\"a\",\"id\":\"b\"}", "its manifest is not valid JSON: "},
        {"{\"id\":\"A b\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"A b\","
         "\"summary\":\"s\",\"config_schema\":{}}]}",
         "/id 'A b' must be made of lower-case letters"},
        {"{\"id\":\"a\",\"version\":\"1.x.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\"config_schema\":{}}]}",
         "/version '1.x.0' must be MAJOR.MINOR.PATCH, such as '1.2.3'"},
        {"{\"id\":\"a\",\"version\":\"1.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\"config_schema\":{}}]}",
         "line 1, column 11, at '\"version\":\"1.0\",\"abi\":{\"epoch\":1},\"nodes...': "
         "/version '1.0' must be MAJOR.MINOR.PATCH, such as '1.2.3'"},
        {"{\"id\":\"a\",\n\"version\":1,\n  \"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\n\"riks\":\"low\",\"config_schema\":3}]}",
         "line 2, column 1, at '\"version\":1,': /version must be text, found 1; "
         "line 4, column 1: /nodes/0/riks unknown key"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"capabilities\":{"
         "\"exec\":\"yes\"},\"nodes\":[{\"type\":\"a\",\"summary\":\"s\",\"config_schema\":{}}]}",
         "at '\"exec\":\"yes\"},"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"settings_schema\":{"
         "\"requried\":[\"u\"]},\"nodes\":[{\"type\":\"a\",\"summary\":\"s\",\"config_schema\":{}}]"
         "}",
         "at '\"requried\":[\"u\"]},\"nodes\":[{\"type\":\"a\",\"...': the settings_schema of 'a': "
         "/requried: is no keyword of JSON Schema: did you mean 'required'?"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\n\"config_schema\":{\"properties\":{\"t\":{\n "
         "\"maxLenght\":20000}}}}]}",
         "line 3, column 2, at '\"maxLenght\":20000}}}}]}': the config_schema of 'a': "
         "/properties/t/maxLenght: is no keyword of JSON Schema: did you mean 'maxLength'?"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\n\"config_schema\":{\"oneOf\":[{\"items\":{\n "
         "\"x-ops-secert\":true}}]}}]}",
         "line 3, column 2, at '\"x-ops-secert\":true}}]}}]}': the config_schema of 'a': "
         "/oneOf/0/items/x-ops-secert: is no mark of OpStream: did you mean 'x-ops-secret'?"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\"config_schema\":{},\"output_schema\":{\"anyOf\":[{},{\"colour\":1}]}}"
         "]}",
         "the output_schema of 'a': /anyOf/1/colour: is no keyword of JSON Schema; marks of your "
         "own begin with 'x-'"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"ab\","
         "\"summary\":\"s\",\"config_schema\":{}}]}",
         "the node type 'ab' must be 'a' or begin with 'a.'"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\"config_schema\":{}},{\"type\":\"a\",\"summary\":\"s\","
         "\"config_schema\":{}}]}",
         "the node type 'a' is there twice"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\"config_schema\":{},\"ports\":[\"x\",\"error\"]}]}",
         "the ports of 'a' name 'error', which every node has"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\"config_schema\":{},\"output_schema\":{\"minimum\":\"x\"}}]}",
         "the output_schema of 'a': /"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[]}", "/nodes "},
        {"{\"id\": \"\xC3\xA9\",\n \"version\": \"1.0.0\", \"abi\": {\"epoch\": 1},\n"
         " \"nodes\": [1, {\"a/b\": [\"]\", {}], \"type\": 3}]}",
         "line 3, column 12, at '1, {"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":[{\"type\":\"a\","
         "\"summary\":\"s\",\"config_schema\":{\"properties\":{\"x/y\":{\"enum\":3}}}}]}",
         "line 1, column 120, at '\"enum\":3}}}}]}': the config_schema of 'a': "
         "/properties/x~1y/enum"},
        {"{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"rate_limit\":\"9/fortnight\","
         "\"nodes\":[{\"type\":\"a\",\"summary\":\"s\",\"config_schema\":{}}]}",
         "its manifest is not valid: line 1, column 47, at "
         "'\"rate_limit\":\"9/fortnight\",\"nodes\":[{\"ty...': "
         "/rate_limit: '9/fortnight'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct manifest *m = NULL;
        struct error err;
        assert_int_equal(read(cases[i].text, &m, &err), E_INVALID);
        if (strstr(err.message, cases[i].part) == NULL) {
            fail_msg("'%s' is not in '%s'", cases[i].part, err.message);
        }
    }
}

static void test_manifest__of_another_epoch_may_have_any_form(void **state)
{
    struct manifest *m = NULL;
    struct error err;
    (void)state;
    assert_int_equal(read("{\"id\":\"new\",\"version\":\"9.0.0\",\"abi\":{\"epoch\":3},"
                          "\"things\":1,\"nodes\":[{\"type\":\"new.x\",\"colour\":2},7]}",
                          &m, &err),
                     0);
    assert_int_equal(m->node_count, 1);
    assert_int_equal(version_check(m, &err), E_VERSION);
    assert_non_null(strstr(err.message, "plugin 'new' 9.0.0 (/x/a.so) needs ABI epoch 3; "));
    manifest_destroy(m);
}

/* Nobody could grant it, and the author would believe that it was there. */
static void test_manifest__asks_for_capabilities_that_there_are(void **state)
{
    struct manifest *m = NULL;
    struct error err;
    (void)state;
    assert_int_equal(
        read("{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"capabilities\":{"
             "\"exec\":true,\"fly\":[\"far\"]},\"nodes\":[{\"type\":\"a\",\"summary\":\"s\","
             "\"config_schema\":{}}]}",
             &m, &err),
        0);
    assert_int_equal(version_check(m, &err), E_VERSION);
    assert_non_null(
        strstr(err.message, "plugin 'a' 1.0.0 (/x/a.so) needs the capability 'fly'; this "));
    assert_non_null(strstr(err.message, " offers 'exec' and 'secret.read': "));
    manifest_destroy(m);
    assert_int_equal(read(whole, &m, &err), 0);
    assert_int_equal(version_check(m, &err), 0);
    manifest_destroy(m);
}

static void test_manifest__reports_lack_of_memory(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct manifest *m = NULL;
        struct error err;
        failing_alloc_arm(n);
        int status = read(whole, &m, &err);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, 0);
            manifest_destroy(m);
            break;
        }
        assert_int_equal(status, E_NOMEM);
        assert_null(m);
    }
}

/* The defaults of `map`, written out, beside what it needs. */
static void put_defaults(struct builder *b, const struct value *map)
{
    const struct value *keys = value_get(map, STR("properties"));
    for (size_t i = 0; i < value_count(keys); i++) {
        const struct value_member *member = value_member_at(keys, i);
        const struct value *fallback = value_get(&member->value, STR("default"));
        if (fallback != NULL) {
            builder_key(b, value_str(&member->key));
            builder_copy(b, fallback);
        }
    }
}

static void put_map(struct builder *b, const char *key, const struct value *map)
{
    builder_key(b, str_from(key));
    builder_map_begin(b);
    put_defaults(b, map);
}

/* A manifest that says all defaults of the schema. */
static void write_defaults(struct strbuf *out)
{
    struct document *schema = NULL;
    struct document *said = NULL;
    struct builder *b = builder_create();
    assert_int_equal(manifest_schema_read(&schema, NULL), 0);
    const struct value *root = document_root(schema);
    builder_map_begin(b);
    put_defaults(b, root);
    builder_member_string(b, STR("id"), STR("a"));
    builder_member_string(b, STR("version"), STR("1.0.0"));
    put_map(b, "abi", value_pointer(root, STR("/properties/abi")));
    builder_key(b, STR("epoch"));
    builder_int(b, 1);
    builder_map_end(b);
    put_map(b, "capabilities", value_pointer(root, STR("/properties/capabilities")));
    builder_map_end(b);
    builder_key(b, STR("nodes"));
    builder_list_begin(b);
    builder_map_begin(b);
    put_defaults(b, value_pointer(root, STR("/$defs/node")));
    builder_member_string(b, STR("type"), STR("a"));
    builder_member_string(b, STR("summary"), STR("s"));
    builder_key(b, STR("config_schema"));
    builder_map_begin(b);
    builder_map_end(b);
    builder_map_end(b);
    builder_list_end(b);
    builder_map_end(b);
    assert_int_equal(builder_finish(b, &said, NULL), 0);
    json_write(document_root(said), JSON_COMPACT, out);
    document_unref(said);
    document_unref(schema);
}

/* What the manual says is what is done. */
static void test_manifest__defaults_are_those_of_its_schema(void **state)
{
    static const char least[] =
        "{\"id\":\"a\",\"version\":\"1.0.0\",\"abi\":{\"epoch\":1},\"nodes\":["
        "{\"type\":\"a\",\"summary\":\"s\",\"config_schema\":{}}]}";
    struct manifest *silent = NULL;
    struct manifest *said = NULL;
    struct strbuf text = STRBUF_INIT;
    struct error err;
    (void)state;
    write_defaults(&text);
    assert_non_null(strstr(text.p, "\"side_effects\":true"));
    assert_int_equal(read(least, &silent, &err), 0);
    assert_int_equal(read(text.p, &said, &err), 0);
    assert_int_equal(said->minor_needed, silent->minor_needed);
    assert_int_equal(said->needs_process, silent->needs_process);
    assert_int_equal(said->nodes[0].config_version, silent->nodes[0].config_version);
    assert_int_equal(said->nodes[0].type.flags, silent->nodes[0].type.flags);
    assert_true(str_equal(said->nodes[0].type.risk, silent->nodes[0].type.risk));
    static const char *const capabilities[] = {"exec", "secret.read"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(manifest_has_capability(said, str_from(capabilities[i])),
                         manifest_has_capability(silent, str_from(capabilities[i])));
    }
    manifest_destroy(said);
    manifest_destroy(silent);
    strbuf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest__gives_all_that_it_says),
        cmocka_unit_test(test_manifest__says_where_the_url_of_the_service_is),
        cmocka_unit_test(test_manifest__a_url_that_cannot_be_found_is_refused),
        cmocka_unit_test(test_manifest__fills_node_types_for_the_catalogue),
        cmocka_unit_test(test_manifest__says_what_is_wrong),
        cmocka_unit_test(test_manifest__of_another_epoch_may_have_any_form),
        cmocka_unit_test(test_manifest__asks_for_capabilities_that_there_are),
        cmocka_unit_test(test_manifest__defaults_are_those_of_its_schema),
        cmocka_unit_test(test_manifest__reports_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
