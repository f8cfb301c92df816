#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Steps in control groups of a real kernel: a small machine is started in QEMU, without a network,
whose only programs are opstream, bash and busybox. Skipped where QEMU or a kernel is not installed."""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
HERE = Path(__file__).resolve().parent
TIMEOUT_S = 300
LINKS = "sh cat chmod chown env find grep head kill ls mkdir mount pidof poweroff rm seq setsid sleep " \
        "su test timeout touch tr uname wc".split()

MILD = "id: mild\nnodes: [{id: well, type: code, limits: {memory: 64MiB, cpu_time: 1m}, config: " \
       "{language: bash, code: echo 7}}]\n"
KILLED = "id: killed\nnodes: [{id: a, type: code, limits: {memory: 64MiB}, config: {language: bash, " \
         "code: \"for i in 1 2; do setsid env -i /bin/sleep 3205 & done; sleep 3205\"}}]\n"
OUTER = "id: outer\nnodes: [{id: a, type: code, limits: {memory: 200MiB}, config: {language: bash, " \
        "result: none, code: /opstream/bin/opstream start --state /tmp/state /inner.yaml}}]\n"
INNER = "id: inner\nnodes: [{id: a, type: code, limits: {memory: 64MiB}, config: {language: bash, " \
        "result: none, code: \"sleep 3; grep ^0:: /proc/self/cgroup > /tmp/inner.new; " \
        "mv /tmp/inner.new /tmp/inner.done\"}}]\n"


def many(limits):
    return "id: many\nnodes:\n" + "".join(
        f"  - {{id: n{i}, type: code,{limits} {after} config: {{language: bash, result: none, code: ':'}}}}\n"
        for i in range(40) for after in [f"depends_on: [n{i - 1}]," if i else ""])


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def find_kernel():
    named = os.environ.get("OPSTREAM_TEST_KERNEL")
    kernels = [named] if named else sorted(glob.glob("/boot/vmlinuz-*"))
    kernels = [kernel for kernel in kernels if os.access(kernel, os.R_OK)]
    return kernels[-1] if kernels else skip(
        "no kernel in /boot: install linux-image-cloud-amd64, or name one in OPSTREAM_TEST_KERNEL")


def add_with_libraries(root, program, to):
    target = root / to.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(program, target)
    found = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for path in re.findall(r"(?:=> )?(/\S+) \(", found):
        library = root / path.lstrip("/")
        if not library.exists():
            library.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, library)


def make_root(build, root):
    for folder in ("dev", "proc", "sys", "tmp", "etc", "bin"):
        (root / folder).mkdir(parents=True)
    add_with_libraries(root, "/usr/bin/bash", "/bin/bash")
    add_with_libraries(root, shutil.which("busybox"), "/bin/busybox")
    for name in LINKS + ["mv"]:
        (root / "bin" / name).symlink_to("busybox")
    add_with_libraries(root, build / "bin/opstream", "/opstream/bin/opstream")
    modules = build / "lib/opstream"
    for file in [*modules.glob("opstream-*"), *modules.glob("plugins/*/*.so")]:
        add_with_libraries(root, file, f"/opstream/lib/opstream/{file.relative_to(modules)}")
    (root / "etc/passwd").write_text("root:x:0:0::/tmp:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nuser:x:1000:\n")
    shutil.copy2(HERE / "limits.yaml", root)
    for name, text in (("mild", MILD), ("killed", KILLED), ("outer", OUTER), ("inner", INNER),
                       ("many", many(" limits: {memory: 64MiB, processes: 9},")), ("many_free", many(""))):
        (root / f"{name}.yaml").write_text(text)
    shutil.copy2(HERE / "cgroup_init.sh", root / "init")
    (root / "init").chmod(0o755)


def pack(root, image):
    files = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
    with open(image, "wb") as out:
        subprocess.run(["busybox", "cpio", "-o", "-H", "newc"], cwd=root, input=files, stdout=out,
                       stderr=subprocess.DEVNULL, check=True)


def start(kernel, image, console):
    """What the machine prints until it ends."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "2",
               "-m", "1536", "-display", "none", "-monitor", "none", "-no-reboot", "-nic", "none",
               "-kernel", kernel, "-initrd", str(image), "-serial", f"file:{console}",
               "-append", "console=ttyS0 quiet panic=-1 rdinit=/init"]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        print(f"FAILED: it did not end in {TIMEOUT_S} s")
    return console.read_text(errors="replace").replace("\r", "")


def split(text):
    parts = re.split(r"^@@ (.+)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


class Checks:
    def __init__(self, parts):
        self.parts = parts
        self.failed = 0

    def check(self, name, holds, seen):
        if not holds:
            self.failed += 1
        print(("ok     " if holds else "FAILED ") + name + ("" if holds else f"\n{seen}"), flush=True)

    def has(self, part, *texts):
        seen = self.parts.get(part, "")
        for text in texts:
            self.check(f"{part}: {text}", text in seen, seen)

    def run(self, part):
        """The steps of a run by their ids."""
        text = self.parts.get(part, "")
        try:  # lines of the log stand before the document
            found = json.loads(text[text.index("{\n"):text.rindex("}") + 1])
            return {node["step_id"]: node for node in found["step_results"]}
        except (ValueError, KeyError):
            self.check(f"{part}: a run", False, text)
            return {}

    def step(self, part, steps, name, symbol=None, message=None, output=None):
        step = steps.get(name, {})
        error = step.get("error") or {}
        seen = json.dumps(step)
        if symbol is None:
            self.check(f"{part}: {name} = {output}", not error and step.get("output") == output, seen)
        else:
            self.check(f"{part}: {name}: {symbol}", error.get("symbol") == symbol and
                       (message is None or error.get("message") == message), seen)


def check_limits(checks, part, group):
    """All of limits.yaml, where both controllers are there."""
    steps = checks.run(part)
    checks.step(part, steps, "tree", "code.memory_limit", "bash was killed at its limit of 40 MiB of memory")
    checks.step(part, steps, "file", "code.memory_limit", "bash was killed at its limit of 24 MiB of memory")
    checks.step(part, steps, "again", output=8)
    check_anywhere(checks, part, steps)
    where = (steps.get("where") or {}).get("output") or ""
    checks.check(f"{part}: a group of its own", re.fullmatch(rf"0::{group}/opstream-engine-\d+/step-\d+", where),
                 where)
    free = (steps.get("free") or {}).get("output") or ""
    checks.check(f"{part}: none without limits", "step-" not in free and free.startswith("0::"), free)


def check_anywhere(checks, part, steps):
    checks.step(part, steps, "bomb", "code.processes_limit", "bash was killed at its limit of 20 processes")
    checks.step(part, steps, "hidden", "code.processes_limit", "bash was killed at its limit of 8 processes")
    checks.step(part, steps, "burn", "code.cpu_limit", "bash was killed at its limit of 3s of computing time")
    checks.step(part, steps, "well", output=7)


def judge(parts):
    checks = Checks(parts)
    checks.has("top version", "in /sys/fs/cgroup\n", "memory     used", "processes  used", "cpu_time   used")
    check_limits(checks, "top run", "")
    checks.check("top left", parts.get("top left") == "sleepers 0\n", parts.get("top left"))
    checks.has("svc version", "in /sys/fs/cgroup/svc\n", "memory     used", "processes  used")
    check_limits(checks, "svc run", "/svc")
    checks.check("svc left", parts.get("svc left") == "sleepers 0\n", parts.get("svc left"))
    checks.has("shared version", "in /sys/fs/cgroup/shared\n",
               "memory     skipped: other processes are in that group",
               "processes  skipped: other processes are in that group", "cpu_time   used", "kill       used")
    check_anywhere(checks, "shared run", checks.run("shared run"))
    checks.check("shared left", parts.get("shared left") == "sleepers 0\n", parts.get("shared left"))
    checks.has("user version", "in /sys/fs/cgroup/user\n", "memory     used", "processes  used")
    check_limits(checks, "user run", "/user")
    checks.check("user left", parts.get("user left") == "sleepers 0\n", parts.get("user left"))
    checks.has("stranger version", "skipped: /sys/fs/cgroup is not given to this user")
    checks.has("only version", "memory     skipped: there is no controller 'memory'", "processes  used")
    checks.has("full run", "control groups do not limit all steps; rlimits do")
    checks.step("full run", checks.run("full run"), "well", output=7)
    before = parts.get("killed before left", "")
    checks.check("killed before left: a group with processes", "/step-1\n" in before and
                 "sleepers 0" not in before, before)
    checks.step("killed run", checks.run("killed run"), "well", output=7)
    checks.check("killed after left", parts.get("killed after left") == "sleepers 0\n",
                 parts.get("killed after left"))
    checks.has("nested done", "0::/nested/opstream-engine-")
    print("cost of 40 steps, without and with groups:", parts.get("cost", "").split()[::2])
    return checks


def main():
    build = Path(sys.argv[1]).resolve()
    if os.uname().machine != "x86_64" or not shutil.which("qemu-system-x86_64"):
        skip("qemu-system-x86_64 is not here: apt install qemu-system-x86")
    if not shutil.which("busybox"):
        skip("busybox is not here: apt install busybox-static")
    kernel = find_kernel()
    with tempfile.TemporaryDirectory() as folder:
        root, image = Path(folder) / "root", Path(folder) / "image"
        make_root(build, root)
        pack(root, image)
        text = start(kernel, image, Path(folder) / "console")
    parts = split(text)
    if "end" not in parts:
        print(text)
        print("FAILED: the machine did not come to its end")
        return 1
    checks = judge(parts)
    if checks.failed > 0 or os.environ.get("OPSTREAM_TEST_VERBOSE"):
        print(text)
    return 1 if checks.failed > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
