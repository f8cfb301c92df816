#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The test host for plugins as authors get it: installed, and linked into a program of theirs.

usage: plugin_test.py BUILD
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = sys.argv[1]

MANIFEST = """{"id": "shout", "version": "1.0.0", "abi": {"epoch": 1},
 "nodes": [{"type": "shout", "summary": "Says it louder", "side_effects": false,
  "config_schema": {"type": "object", "additionalProperties": false,
   "properties": {"text": {"type": "string", "pattern": "^[a-z]+$"}}}}]}
"""

PLUGIN = """#include "opstream/sdk.h"

static void shout_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    (void)node;
    ops_map_str(&out, "said", ops_get_str(config, "text", ""));
    ops_complete_map(task, &out);
}

static const ops_node_type shout = OPS_NODE("shout", OPS_NODE_PARALLEL, shout_execute);

OPS_PLUGIN("shout", "1.0.0", &shout);
"""

# It has names that the library uses inside: they are two things.
TEST = """#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "opstream/test.h"

int host_open(void);
int json_read(void);
int host_open(void) { return 1; }
int json_read(void) { return 2; }

static void test_shout(void **state)
{
    ops_test_problem why = {""};
    ops_test_host *host = NULL;
    ops_test_spec spec = {.config = "{\\"text\\":\\"hey\\"}"};
    ops_test_task task = 0;
    (void)state;
    if (ops_test_open(PLUGIN, NULL, &host, &why) != OPS_OK) {
        fail_msg("%s", why.text);
    }
    assert_int_equal(ops_test_start(host, &spec, &task, &why), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output, "{\\"said\\":\\"hey\\"}");
    spec.config = "{\\"text\\":\\"HEY\\"}";
    assert_int_equal(ops_test_start(host, &spec, &task, &why), OPS_E_CONFIG);
    assert_non_null(strstr(why.text, "^[a-z]+$"));
    assert_string_equal(ops_test_complaints(host), "");
    assert_int_equal(ops_test_close(host), OPS_OK);
    assert_int_equal(host_open() + json_read(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shout)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
"""

CMAKE = """cmake_minimum_required(VERSION 3.25)
project(shout LANGUAGES C)
enable_testing()
find_package(OpstreamPlugin REQUIRED)
opstream_add_plugin(shout SOURCES shout.c)
opstream_add_plugin_test(shout SOURCES test.c)
"""


class PluginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = os.path.join(folder.name, "usr")
        cls.source = os.path.join(folder.name, "source")
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix],
                       check=True, stdout=subprocess.DEVNULL)
        cls.libraries = next(os.path.dirname(root) for root, _, files in os.walk(cls.prefix)
                             if "opstream-plugin-test-1.pc" in files)
        # The modules of the program are found beside the opstream of the PATH.
        cls.environment = dict(os.environ, PKG_CONFIG_PATH=f"{cls.libraries}/pkgconfig",
                               PATH=f"{cls.prefix}/bin:{os.environ['PATH']}")
        os.makedirs(cls.source)
        for name, text in (("manifest.json", MANIFEST), ("shout.c", PLUGIN), ("test.c", TEST),
                           ("CMakeLists.txt", CMAKE)):
            with open(os.path.join(cls.source, name), "w", encoding="utf-8") as file:
                file.write(text)
        cls.run_in_source("cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={cls.prefix}",
                          "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror")
        cls.run_in_source("cmake", "--build", "build")

    @classmethod
    def run_in_source(cls, *command):
        done = subprocess.run(command, cwd=cls.source, env=cls.environment, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{command} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def test_ctest_runs_it(self):
        self.assertIn("100% tests passed", self.run_in_source("ctest", "--test-dir", "build"))

    def test_tests_that_are_left_out_name_what_is_missing(self):
        folder = os.path.join(self.source, "pkgconfig")
        os.makedirs(folder)
        for module, missing in (("libmd", "libmd"), ("cmocka", "cmocka"), ("nothing", "opstream-plugin-test-1")):
            with self.subTest(missing):
                # A folder of modules that has all but one; the SDK's own is there in the first two.
                modules = os.path.join(folder, module)
                os.makedirs(modules)
                for name in {"libuv", "libmd", "cmocka"} - {module}:
                    with open(os.path.join(modules, f"{name}.pc"), "w", encoding="utf-8") as file:
                        file.write(f"Name: {name}\nDescription: {name}\nVersion: 1\n")
                own = f"{self.libraries}/pkgconfig/opstream-plugin-test-1.pc"
                if module != "nothing":
                    shutil.copy(own, modules)
                environment = dict(self.environment, PKG_CONFIG_PATH="", PKG_CONFIG_LIBDIR=modules)
                done = subprocess.run(["cmake", "-S", ".", "-B", f"build-{module}",
                                       "-DPKG_CONFIG_USE_CMAKE_PREFIX_PATH=OFF", f"-DOpstreamPlugin_ROOT={self.prefix}"],
                                      cwd=self.source, env=environment, text=True, check=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertIn(f"the tests of shout are left out: pkg-config does not find {missing};", done.stdout)

    def install(self, prefix, root=""):
        done = subprocess.run(["cmake", "--install", "build", "--prefix", prefix], cwd=self.source,
                              env=dict(self.environment, DESTDIR=root), umask=0o002, text=True,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, " ".join(done.stdout.split())

    def test_an_install_makes_folders_that_the_host_takes(self):
        for root in (False, True):
            with self.subTest(root=root), tempfile.TemporaryDirectory() as folder:
                prefix = "/opt" if root else folder
                code, said = self.install(prefix, folder if root else "")
                self.assertEqual(code, 0, said)
                place = next(place for place, _, names in os.walk(folder) if "shout.so" in names)
                while place != folder:
                    self.assertEqual(os.stat(place).st_mode & 0o777, 0o755, place)
                    place = os.path.dirname(place)
                self.assertEqual(self.install(prefix, folder if root else "")[0], 0)

    def test_an_install_is_refused_where_others_can_write(self):
        for mode in (0o777, 0o775, 0o757):
            for depth in (0, 1):
                with self.subTest(mode=mode, depth=depth), tempfile.TemporaryDirectory() as folder:
                    self.assertEqual(self.install("/usr", folder)[0], 0)
                    own = next(place for place, _, names in os.walk(folder) if "shout.so" in names)
                    os.unlink(f"{own}/shout.so")
                    place = own if depth else os.path.dirname(own)
                    os.chmod(place, mode)
                    code, said = self.install("/usr", folder)
                    self.assertNotEqual(code, 0)
                    self.assertIn(f"the folder '{place}' can be written to by others", said)
                    self.assertIn("use chmod go-w", said)
                    self.assertFalse(os.path.exists(f"{own}/shout.so"))
                    os.chmod(place, mode & ~0o022)
                    self.assertEqual(self.install("/usr", folder)[0], 0)

    def test_an_install_is_refused_below_a_folder_that_others_can_write_to(self):
        with tempfile.TemporaryDirectory() as folder:
            outer = os.path.join(folder, "outer")
            os.mkdir(outer)
            os.chmod(outer, 0o777)
            code, said = self.install(f"{outer}/inner")
            self.assertNotEqual(code, 0)
            self.assertIn(f"the folder '{outer}' can be written to by others, so opstream would not "
                          "load plugins from", said)
            self.assertIn(f"use chmod go-w '{outer}'", said)
            self.assertEqual([names for _, _, names in os.walk(outer) if names], [])
            os.chmod(outer, 0o1777)  # as /tmp is
            self.assertEqual(self.install(f"{outer}/inner")[0], 0)
            os.chmod(outer, 0o777)  # where it is packed is not where it is unpacked
            self.assertEqual(self.install("/usr", outer)[0], 0)

    def test_flags_of_pkg_config_are_enough(self):
        flags = self.run_in_source("pkg-config", "--cflags", "--libs", "opstream-plugin-test-1",
                                   "cmocka").split()
        plugin = os.path.join(self.source, "build", "plugins", "shout", "shout.so")
        self.run_in_source("cc", f'-DPLUGIN="{plugin}"', "-o", "by-hand", "test.c", *flags)
        self.run_in_source("./by-hand")

    def test_nothing_else_can_be_seen(self):
        library = os.path.join(self.libraries, "libopstream-plugin-test.a")
        names = [line.split()[2] for line in
                 self.run_in_source("nm", "-g", "--defined-only", library).splitlines()
                 if len(line.split()) == 3]
        self.assertIn("ops_test_open", names)
        self.assertEqual([name for name in names if not name.startswith("ops_test_")], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
