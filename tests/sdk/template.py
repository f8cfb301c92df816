#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `opstream plugin new` makes is built, tested, checked and packaged, by what is installed.

usage: template.py BUILD
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = sys.argv[1]
SDK = "opstream-plugin-1"


class Template(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = os.path.join(folder.name, "usr")
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix], check=True,
                       stdout=subprocess.DEVNULL)
        pkgconfig = next(pathlib.Path(cls.prefix).glob("lib/**/pkgconfig"))
        cls.environment = {
            "PATH": f"{cls.prefix}/bin:/usr/bin:/bin", "HOME": folder.name, "LC_ALL": "C.UTF-8",
            "CMAKE_PREFIX_PATH": cls.prefix, "PKG_CONFIG_PATH": str(pkgconfig),
            "OPSTREAM_STATE": f"{folder.name}/state",
            "DEBFULLNAME": "Ada Example", "DEBEMAIL": "ada@example.org"}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = folder.name

    def run_in(self, folder, *words, expected=0):
        done = subprocess.run(words, cwd=os.path.join(self.work, folder), env=self.environment,
                              umask=0o022, text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, expected, f"{words}:\n{done.stdout}")
        return done.stdout

    def new(self, name, *more):
        said = self.run_in(".", "opstream", "plugin", "new", name, *more)
        self.assertIn(f"{name}: 14 files. Next:", said)

    def check(self, folder, name, place):
        """What can be seen of a plugin from outside, and that its node runs."""
        path = os.path.join(self.work, folder, place, f"{name}.so")
        said = self.run_in(folder, "opstream", "plugin", "check", path)
        self.assertRegex(said, r"\d+ rules: (\d+) ok, 0 failed, 0 warnings")
        shown = subprocess.run(["nm", "-D", "--defined-only", path], text=True, check=True,
                               stdout=subprocess.PIPE).stdout.split()
        self.assertEqual(shown[2::3], ["opstream_plugin_v1"])
        manifest = json.loads((pathlib.Path(self.work) / folder / "manifest.json").read_text())
        self.assertEqual([node["type"] for node in manifest["nodes"]],
                         [f"{name}.greet", f"{name}.fetch"])
        (pathlib.Path(self.work) / "try.yaml").write_text(
            f'name: Try\nversion: "1.0"\nnodes:\n  - {{id: hello, type: {name}.greet, config: {{name: you}}}}\n'
            'output: "{{ hello.output.greeting }}"\n')
        plugins = os.path.join(self.work, folder, place, "..")
        said = self.run_in(".", "opstream", "run", "--ephemeral", "--json", "--plugins", plugins, "try.yaml")
        self.assertEqual(json.loads(said)["output"], "hello, you")

    def build(self, name, *more):
        self.new(name, *more)
        said = self.run_in(name, "./ci")
        self.assertNotIn("warning:", said)
        self.assertIn("100% tests passed, 0 tests failed out of 1", said)
        self.check(name, name, f"build/plugins/{name}")
        readme = pathlib.Path(self.work, name, "README.md").read_text()
        pathlib.Path(self.work, "shown.yaml").write_text(re.search(r"^```yaml\n(.*?)^```$", readme, re.M | re.S).group(1))
        self.run_in(".", "opstream", "validate", "--plugins", f"{name}/build/plugins", "shown.yaml")
        return said

    def test_c(self):
        said = self.build("acme.c")
        self.assertNotIn("CXX", said)

    def test_cxx(self):
        self.build("acme.cxx", "--lang", "c++")

    def test_cmake_installs_where_plugins_are_looked_for(self):
        self.new("acme.place")
        self.run_in("acme.place", "cmake", "-S", ".", "-B", "build", "-DBUILD_TESTING=OFF")
        self.run_in("acme.place", "cmake", "--build", "build")
        folders = self.run_in(".", "opstream", "plugin", "list").split("searched: ")[1]
        own, local = folders.strip().split(", ")
        triplet = os.path.basename(os.path.dirname(os.path.dirname(local)))
        self.assertEqual(local, f"/usr/local/lib/{triplet}/opstream/plugins")
        for prefix, place in (("/usr/local", f"/usr/local/lib/{triplet}/opstream/plugins"),
                              (self.prefix, os.path.realpath(own))):
            with self.subTest(prefix=prefix):
                self.run_in("acme.place", "cmake", "build", f"-DCMAKE_INSTALL_PREFIX={prefix}")
                self.run_in("acme.place", "env", f"DESTDIR={self.work}/root", "cmake", "--install", "build")
                for suffix in ("acme.place.so", "plugin.json"):
                    self.assertTrue(os.path.exists(f"{self.work}/root{place}/acme.place/{suffix}"))

    def test_by_the_source_tree(self):
        """With -D OpstreamPlugin_DIR, where nothing is installed but the headers' tree is there."""
        sdk = pathlib.Path(__file__).resolve().parents[2] / "sdk"
        for name, language in (("acme.c", "c"), ("acme.cxx", "c++")):
            with self.subTest(language=language):
                self.new(name, "--lang", language)
                self.run_in(name, "cmake", "-S", ".", "-B", "build", f"-DOpstreamPlugin_DIR={sdk}", "-DBUILD_TESTING=OFF")
                cache = (pathlib.Path(self.work) / name / "build/CMakeCache.txt").read_text()
                self.assertEqual(re.findall("^OpstreamPlugin_DIR:[A-Z]+=(.*)$", cache, re.M), [str(sdk)])
                self.run_in(name, "cmake", "--build", "build")
                self.check(name, name, f"build/plugins/{name}")

    def make(self, name):
        """With the Makefile of sdk/README.md."""
        guide = (pathlib.Path(__file__).resolve().parents[2] / "sdk/README.md").read_text()
        makefile = re.search(r"^```make file=Makefile\n(.*?)^```$", guide, re.M | re.S).group(1)
        self.new(name)
        pathlib.Path(self.work, name, "Makefile").write_text(makefile)
        self.run_in(name, "make")

    def test_make_and_pkg_config(self):
        self.make("acme.thing")
        self.check("acme.thing", "acme.thing", "acme.thing")
        self.assertIn("up to date", self.run_in("acme.thing", "make"))

    def test_make_installs_where_plugins_are_looked_for(self):
        self.make("acme.thing")
        local = self.run_in(".", "pkg-config", "--variable=localplugindir", SDK).strip()
        for prefix in ("/usr/local", "/opt/x"):
            with self.subTest(prefix=prefix):
                root = pathlib.Path(self.work, "root")
                more = [] if prefix == "/usr/local" else [f"PREFIX={prefix}"]
                for mask in ("022", "002", "077"): # into new folders, and over what is there
                    self.run_in("acme.thing", "sh", "-c", f"umask {mask}; exec \"$@\"", "sh", "make", "install",
                                f"DESTDIR={root}", *more)
                    plugins = root / f"{prefix}{local.removeprefix('/usr/local')}"[1:]
                    modes = {path.name: oct(path.stat().st_mode & 0o777)
                             for path in (plugins, plugins / "acme.thing", *(plugins / "acme.thing").iterdir())}
                    self.assertEqual(modes, {"plugins": "0o755", "acme.thing": "0o755", "acme.thing.so": "0o644",
                                             "plugin.json": "0o644"})
                said = self.run_in(".", "opstream", "plugin", "list", "--plugins", str(plugins))
                self.assertRegex(said, rf"acme\.thing 1\.0\.0  {re.escape(str(plugins))}/acme\.thing/acme\.thing\.so  2 node")

    def test_neither_installs_where_others_can_write(self):
        self.make("acme.thing")
        self.run_in("acme.thing", "cmake", "-S", ".", "-B", "build", "-DBUILD_TESTING=OFF", "-DCMAKE_INSTALL_PREFIX=/usr/local")
        self.run_in("acme.thing", "cmake", "--build", "build")
        local = self.run_in(".", "pkg-config", "--variable=localplugindir", SDK).strip()
        root = pathlib.Path(self.work, "root")
        plugins = root / local[1:]
        for folder, mode in ((plugins, 0o775), (plugins / "acme.thing", 0o757)):
            (plugins / "acme.thing").mkdir(parents=True, exist_ok=True)
            plugins.chmod(0o755)
            folder.chmod(mode)
            for words in (("make", "install", f"DESTDIR={root}"), ("env", f"DESTDIR={root}", "cmake", "--install", "build")):
                with self.subTest(folder=folder.name, words=words[0]):
                    expected = 2 if words[0] == "make" else 1
                    said = " ".join(self.run_in("acme.thing", *words, expected=expected).split())
                    self.assertIn(str(folder), said)
                    self.assertIn("so opstream would not load plugins from", said)
                    self.assertIn("use chmod go-w", said)
                    self.assertEqual(list((plugins / "acme.thing").iterdir()), [])

    def test_pkg_config_says_where_things_are(self):
        def variable(name):
            return self.run_in(".", "pkg-config", f"--variable={name}", SDK).strip()
        self.assertTrue(os.access(variable("manifest_note"), os.X_OK))
        self.assertTrue(os.path.isdir(variable("plugindir")))
        self.assertRegex(variable("localplugindir"), "^/usr/local/lib/.+/opstream/plugins$")
        self.assertEqual(variable("abi_epoch"), "1")
        header = pathlib.Path(self.prefix, "include/opstream/abi.h").read_text()
        self.assertIn(f'OPS_SDK_VERSION "{self.run_in(".", "pkg-config", "--modversion", SDK).strip()}"', header)

    def test_cmake_knows_the_version(self):
        for wanted, expected in (("1", 0), ("1.0", 0), ("2", 1)):
            folder = pathlib.Path(self.work, wanted)
            folder.mkdir()
            (folder / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES C)\n"
                f"find_package(OpstreamPlugin {wanted} REQUIRED)\n")
            self.run_in(wanted, "cmake", ".", expected=expected)

    @unittest.skipUnless(shutil.which("dh") and shutil.which("dpkg-buildpackage"), "needs debhelper")
    def test_package(self):
        for name, more in (("acme.package", ()), ("acme.package-cxx", ("--lang", "c++"))):
            with self.subTest(name=name):
                self.new(name, *more)
                # Not -b with the build dependencies looked at: what is tested here is not installed as packages.
                self.run_in(name, "dpkg-buildpackage", "-us", "-uc", "-b", "-d")
                package = f"opstream-plugin-{name.replace('.', '-')}"
                made, = pathlib.Path(self.work).glob(f"{package}_1.0.0_*.deb")
                content = self.run_in(".", "dpkg-deb", "--contents", str(made))
                for suffix in (f"{name}.so", "plugin.json"):
                    self.assertRegex(content, rf"\./usr/lib/[^/]+/opstream/plugins/{name}/{suffix}\n")
                self.assertIn("Ada Example <ada@example.org>", self.run_in(".", "dpkg-deb", "--field", str(made)))
                if shutil.which("lintian"):
                    said = self.run_in(".", "lintian", "--allow-root", "--fail-on", "none", str(made))
                    self.assertEqual([line for line in said.splitlines() if line[:2] in ("E:", "W:")], [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
