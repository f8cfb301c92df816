#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads and runs every piece of the museum in the built program, and compares what it tells with what it told then.

usage: run.py BUILD [--write]     (--write, for a new version: makes its told.json of what is told now)
"""
import contextlib
import json
import os
import pathlib
import platform
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

import pieces

MUSEUM = pathlib.Path(__file__).parent.resolve()
PROGRAM = pathlib.Path(sys.argv[1]).resolve() / "bin/opstream"
SKIPPED = 77  # for ctest
LIMIT_SECONDS = 120
KEY = "a-key-that-is-hidden"


class Web(socketserver.StreamRequestHandler):
    """HTTP: answers a GET with two pages of names, a POST with its headers' interesting part, and pages who is on call.
    Who asks for /hold waits until all is over."""

    def handle(self):
        method, path, _ = self.rfile.readline().decode().split(" ", 2)
        headers = {}
        while (line := self.rfile.readline().decode().strip()):
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        sent = self.rfile.read(int(headers.get("content-length", "0")))
        if path == "/hold":
            self.server.is_over.wait(LIMIT_SECONDS)
        status = "200 OK"
        if path == "/up" and headers.get("authorization") != f"Key {KEY}":
            status = "401 Unauthorized"
        if path == "/page" and (headers.get("authorization") != f"Key {KEY}" or json.loads(sent)["text"] != "What happened"):
            status = "403 Forbidden"
        body = {"/1": '{"names":["a","b"],"next":"%s/2"}' % self.server.url, "/2": '{"names":["c"],"next":null}'}.get(path, "{}")
        shown = "" if method == "GET" else (f"X-Tour: {headers.get('x-one')} {headers.get('authorization')} "
                                            f"{'idempotency-key' in headers}\r\n")
        self.wfile.write(f"HTTP/1.1 {status}\r\n{shown}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())


class Mail(socketserver.StreamRequestHandler):
    """SMTP: takes every message."""

    def handle(self):
        self.wfile.write(b"220 here\r\n")
        is_data = False
        for line in self.rfile:
            words = line.strip().upper()
            if is_data:
                is_data = words != b"."
                if not is_data:
                    self.server.messages += 1
                    self.wfile.write(b"250 taken\r\n")
            elif words.startswith(b"DATA"):
                is_data = True
                self.wfile.write(b"354 go on\r\n")
            elif words.startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 good\r\n")


@contextlib.contextmanager
def serve(handler):
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        server.messages = 0
        server.is_over = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def environment(folder):
    return {"HOME": str(folder), "PATH": os.environ["PATH"], "OPSTREAM_STATE": str(folder / "state"),
            "OPSTREAM_PLUGIN_PATH": str(folder / "plugins"), "OPSTREAM_SECRET_KEY": KEY,
            "OPSTREAM_SECRET_OTHER_KEY": "another-key"}


def opstream(folder, *words):
    return subprocess.run([PROGRAM, *words], cwd=folder, env=environment(folder), capture_output=True, text=True,
                          timeout=LIMIT_SECONDS, check=False)


def told_by(folder, pipeline):
    """What each node of a pipeline ended with."""
    (folder / "p.json").write_text(json.dumps(pipeline))
    done = opstream(folder, "run", "p.json", "--json")
    if not done.stdout.startswith("{"):
        raise AssertionError(done.stdout + done.stderr)
    steps = json.loads(done.stdout)["step_results"]
    return {s["step_id"]: pieces.without_texts(s["error"]) if s.get("error") else s.get("output") for s in steps}


def wait_for(what):
    """What is true of `what()` in the end."""
    until = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def told_by_check(folder, web, plugin, pipeline, is_asked):
    """What the engine knows of the service that check() asks for: state, and the code of why. The plugin `http` is asked at
    the same time, so that what does not know is known to have been asked."""
    (folder / "c.json").write_text(json.dumps(pipeline))

    def service():
        done = opstream(folder, "status", "--json")
        rows = {row["plugin"]: row for row in json.loads(done.stdout)["services"]} if done.returncode == 0 else {}
        states = [rows.get(name, {"state": "unknown"})["state"] for name in ("http", plugin)]
        return rows[plugin] if states[0] != "unknown" and (states[1] != "unknown" or not is_asked) else None

    web.is_over.clear()
    with open(folder / "log", "w", encoding="utf-8") as log, \
            subprocess.Popen([PROGRAM, "serve", "--port", "0"], cwd=folder, env=environment(folder), stdout=log,
                             stderr=subprocess.STDOUT) as engine:
        try:
            wait_for(lambda: " serving " in (folder / "log").read_text())
            run = opstream(folder, "start", "c.json")
            assert run.returncode == 0, run.stderr
            row = wait_for(service)
            assert opstream(folder, "cancel", run.stdout.strip()).returncode == 0
            return {"state": row["state"], "code": row["why"].split(":")[0] if row["why"] else None}
        finally:
            web.is_over.set()
            engine.terminate()


def run_piece(plugins):
    """All plugins of one compiler."""
    names = sorted(path.name for path in plugins.iterdir())
    with tempfile.TemporaryDirectory() as name, serve(Web) as web, serve(Mail) as mail:
        folder = pathlib.Path(name)
        # as an installation has them: whoever checked the sources out may have given them to a group
        for plugin in names:
            (folder / "plugins" / plugin).mkdir(parents=True)
            for file in (plugins / plugin).iterdir():
                shutil.copyfile(file, folder / "plugins" / plugin / file.name)
                (folder / "plugins" / plugin / file.name).chmod(0o644)
        for path in [folder / "plugins", *(folder / "plugins").iterdir()]:
            path.chmod(0o755)
        told = {}
        for plugin in names:
            for run, pipeline in pieces.pipelines(plugin, web.url, mail.server_address[1]).items():
                told[f"{plugin}: {run}"] = told_by(folder, pipeline)
            for check, (pipeline, is_asked) in pieces.checks(plugin, web.url).items():
                told[f"{plugin}: check: {check}"] = told_by_check(folder, web, plugin, pipeline, is_asked)
            manifest = json.loads((plugins / plugin / "plugin.json").read_text())
            has_check = any(node.get("check") for node in manifest["nodes"])
            assert has_check == bool(pieces.checks(plugin, web.url)), f"pieces.py has no checks of {plugin}"
        assert mail.messages == int("tour" in names), f"{mail.messages} messages came"
        return told


def show(wanted, found):
    for key in sorted(set(wanted) | set(found)):
        if wanted.get(key) != found.get(key):
            print(f"{key}:\n    then {json.dumps(wanted.get(key))}\n    now  {json.dumps(found.get(key))}")


def main():
    if platform.machine() != "x86_64":
        print(f"the pieces are built for x86_64; this is {platform.machine()}")
        sys.exit(SKIPPED)
    os.umask(0o022)
    is_good, count = True, 0
    for version in sorted(path for path in MUSEUM.iterdir() if (path / "interface.so").exists()):
        file = version / "told.json"
        for plugins in sorted(path for path in version.iterdir() if path.is_dir()):
            found = run_piece(plugins)
            if "--write" in sys.argv and not file.exists():
                file.write_text(json.dumps({}))
            then = json.loads(file.read_text())
            if "--write" in sys.argv:
                file.write_text(json.dumps({**found, **then}, indent=1, sort_keys=True) + "\n")
                then = json.loads(file.read_text())
            wanted = {key: then.get(key) for key in found}
            print(f"{version.name} {plugins.name}: {len(found)} runs {'as then' if found == wanted else 'OTHERWISE'}")
            show(wanted, found)
            is_good = is_good and found == wanted
            count += len(found)
    sys.exit(0 if is_good and count > 0 else 1)


main()
