# SPDX-License-Identifier: Apache-2.0
"""A Debian of its own in a folder, for packages to be installed in."""
import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

STATE = "/var/lib/opstream"
SLOW = """
id: slow
nodes:
  - {id: one, type: set, config: {x: 1}}
  - {id: two, type: wait, depends_on: [one], config: {seconds: 3}}
  - {id: three, type: set, depends_on: [two], config: {sum: "{{ one.output.x + 2 }}"}}
"""


def say(text):
    print(f"   {text}", flush=True)


def check(is_true, text):
    if not is_true:
        raise SystemExit(f"tests/packaging/{pathlib.Path(sys.argv[0]).name}: {text}")


class Root:
    """The system, in the folder `path`."""

    def __init__(self, path):
        self.path = path
        self.enter = ["chroot", path]

    def __truediv__(self, name):
        return self.path / str(name).lstrip("/")

    def run(self, command, user="root", code=0, **environment):
        """What `command`, for sh, prints; it must end with `code`."""
        home = "/root" if user == "root" else f"/home/{user}"
        script = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "sh", "-ec",
                  f"cd; {command}"]
        done = subprocess.run([*self.enter, *script], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280,
                              check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home,
                                                "LC_ALL": "C.UTF-8",
                                                "DEBIAN_FRONTEND": "noninteractive", **environment})
        check(code is None or done.returncode == code,
              f"{user}: {command}\nended with {done.returncode}, not {code}:\n{done.stdout}")
        return done.stdout

    def write(self, name, text, mode=0o644):
        path = self / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def user(self, name):
        for line in (self / "etc/passwd").read_text().splitlines():
            row = line.split(":")
            if row[0] == name:
                return int(row[2]), int(row[3]), row[5]
        return None

    def about(self, name):
        """Mode and owner of a file, like '700 opstream'."""
        return self.run(f"stat -c '%a %U' {name}").strip()


# ---- a bare system ----

def sources():
    """The sources of this machine's apt for its Debian, as lines for a list."""
    rows = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)",
                           "Origin: Debian", "Created-By: Packages"], check=True, text=True,
                          capture_output=True).stdout.split("\n")
    rows = sorted({row for row in rows if row})
    check(rows, "apt knows no source of Debian's packages here: apt-get update")
    return rows


def codename():
    release = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    return re.search(r"^VERSION_CODENAME=(.*)$", release, re.MULTILINE)[1]


def make_bare(folder, root, base):
    """Debian in `root` as debootstrap leaves it, kept as `base`."""
    name = codename()
    site = next(row.split()[0] for row in sources() if row.split()[1] == name)
    say(f"debootstrap {name} (kept in {base.name} for the next time)")
    log = folder / "debootstrap.log"
    with log.open("w") as out:
        done = subprocess.run(["debootstrap", "--variant=minbase", name, root.path, site],
                              stdout=out, stderr=out, check=False)
    check(done.returncode == 0, f"debootstrap failed: see {log}")
    subprocess.run(["tar", "-C", root.path, "-cf", f"{base}.new", "."], check=True)
    os.rename(f"{base}.new", base)


def make_root(folder, name="root"):
    """What is mounted in it is gone with the namespace of this process."""
    root = Root(folder / name)
    base = folder / f"{codename()}.tar"
    shutil.rmtree(root.path, ignore_errors=True)
    root.path.mkdir(parents=True)
    if base.exists():
        subprocess.run(["tar", "-C", root.path, "-xf", base], check=True)
    else:
        make_bare(folder, root, base)
    archives = folder / "archives"
    archives.mkdir(exist_ok=True)
    for what in (["-t", "proc", "proc", root / "proc"], ["-t", "tmpfs", "tmpfs", root / "run"],
                 ["--bind", archives, root / "var/cache/apt/archives"],
                 *(["--bind", f"/dev/{name}", root / "dev" / name] for name in ("null", "zero", "urandom"))):
        subprocess.run(["mount", *what], check=True)
    root.write("etc/apt/sources.list", "".join(f"deb {row}\n" for row in sources()))
    proxies = subprocess.run(["apt-config", "dump", "Acquire"], check=True, text=True, capture_output=True).stdout
    root.write("etc/apt/apt.conf.d/90test", "APT::Keep-Downloaded-Packages true;\n" + "".join(
        line + "\n" for line in proxies.splitlines() if "proxy" in line.lower()))
    root.write("etc/dpkg/dpkg.cfg.d/90test", "force-unsafe-io\n")
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{name}", root / "etc" / name)
    return root


# ---- the packages ----

def package(folder, name):
    found = glob.glob(f"{folder}/{name}_*.deb")
    check(len(found) == 1, f"there must be one {name}_VERSION_ARCH.deb in {folder}, not {len(found)}")
    return found[0]


def repack(root, version, names):
    """The packages with a higher version, and with other settings that they ship."""
    for name in names:
        folder = f"/packages/{name}"
        root.run(f"dpkg-deb -R /packages/{name}.deb {folder}; "
                 f"sed -i 's/^Version: .*/Version: {version}/; s/(= [^)]*)/(= {version})/' "
                 f"{folder}/DEBIAN/control")
        if name == "opstream":
            with (root / folder / "etc/opstream/opstream.yaml").open("a") as settings:
                settings.write("\n# news\n")
        root.run(f"dpkg-deb --root-owner-group -b {folder} /packages/{name}.deb; rm -r {folder}")


# ---- runs ----

def wait_for(root, run, text):
    for _ in range(300):
        if text in root.run(f"opstream status {run}", code=None):
            return
        time.sleep(0.1)
    check(False, f"'{text}' never came:\n" + root.run(f"opstream status {run}", code=None))
