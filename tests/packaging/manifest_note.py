#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manifest in a plugin: what the tool takes and refuses, and what stands in the .so.

usage: manifest_note.py TOOL PLUGIN.so
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL, PLUGIN = sys.argv[1:3]


def crc64(data):
    """CRC-64/XZ, written again by its definition: bits in, highest power first, all reflected."""
    polynomial, crc = 0x42F0E1EBA9EA3693, (1 << 64) - 1
    for byte in data:
        for bit in range(8):
            top = (crc >> 63) ^ ((byte >> bit) & 1)
            crc = ((crc << 1) & ((1 << 64) - 1)) ^ (polynomial if top else 0)
    return int(f"{crc ^ ((1 << 64) - 1):064b}"[::-1], 2)


def sections(path):
    """Name, type, flags, alignment and content of each section of a 64-bit ELF file."""
    data = open(path, "rb").read()
    start, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    rows = [struct.unpack_from("<IIQQQQIIQQ", data, start + i * size) for i in range(count)]
    texts = data[rows[names][4]:rows[names][4] + rows[names][5]]
    for row in rows:
        name = texts[row[0]:texts.index(b"\0", row[0])].decode()
        content = data[row[4]:row[4] + row[5]] if row[1] != 8 else b""
        yield name, row[1], row[2], row[8], content


class Tool(unittest.TestCase):
    def run_tool(self, manifest):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        at = folder.name
        with open(f"{at}/m.json", "wb") as file:
            file.write(manifest)
        done = subprocess.run([TOOL, f"{at}/m.json", f"{at}/made", f"{at}/plugin.json"],
                              capture_output=True, text=True, check=False)
        return done, at

    def test_check_value_of_the_crc(self):
        self.assertEqual(crc64(b"123456789"), 0x995DC9BBDF1939FA)

    def test_takes_json_and_drops_white_space(self):
        for text in ['{ }', '\n{"a" : [ 1 , -2.5e+3, "x y", true,false , null, [], {}, 0 ] }\t\r\n',
                     '{"ä":"\\"\\\\\\/\\b\\u00e4 😀"}', '{"a":' + '[' * 63 + ']' * 63 + '}']:
            with self.subTest(text=text):
                done, at = self.run_tool(text.encode())
                self.assertEqual(done.returncode, 0, done.stderr)
                made = open(f"{at}/plugin.json", "rb").read()
                self.assertEqual(json.loads(made), json.loads(text))
                self.assertNotIn(b": ", made)
                note = open(f"{at}/made/note.bin", "rb").read()
                self.assertEqual(note, struct.pack("<Q", crc64(made)) + made)
                self.assertEqual(open(f"{at}/made/crc.h").read(),
                                 f"#define OPS_MANIFEST_CRC 0x{crc64(made):016x}u\n")

    def test_faults_have_their_place(self):
        for text, wanted in [(b'{\n  "id": "a",\n  "abi": {"epoch": 1},\n  "id": "b"\n}',
                              ":4:3: error: this key is there twice\n"),
                             (b'{"a": {"x": 1}, "b": {"x": 1},\n "c" 1}',
                              ":2:6: error: a ':' is missing here\n"),
                             (b'{"a": [1,\n 2,\n 3}', ":3:3: error: a ',' or the end")]:
            with self.subTest(text=text):
                done, _ = self.run_tool(text)
                self.assertEqual(done.returncode, 1)
                self.assertIn("m.json" + wanted, done.stderr)

    def test_refuses_what_is_no_manifest(self):
        bad = [b"", b"[]", b"1", b"{", b"{]", b"{}x", b"{} {}", b'{"a"}', b'{"a":}', b'{"a":1,}',
               b'{,}', b'{a:1}', b"{'a':1}", b'{"a":01}', b'{"a":+1}', b'{"a":1.}', b'{"a":.5}',
               b'{"a":1e}', b'{"a":-}', b'{"a":tru}', b'{"a":"', b'{"a":"\n"}', b'{"a":"\\x"}',
               b'{"a":"\\u12g4"}', b'{"a":"\xff"}', b'{"a":"\xc0\x80"}', b'{"a":"\xed\xa0\x80"}',
               b'{"a":"\xe2\x82"}', b'{"a":1 2}', b'{"a":[1 2]}', b'{"a":[1,]}', b'{"a":1;}',
               b'{"a":1,"b":2,"a":3}', b'{"x":{"a":1,"a":1}}',
               b'{"a":"\0"}', b'{}\0', b'{"a":NaN}', b"\xef\xbb\xbf{}",
               b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", b'{"a":' + b"[" * 1000000,
               b'{"a":"' + b"x" * (1 << 20) + b'"}']
        for text in bad:
            with self.subTest(text=text[:40]):
                done, at = self.run_tool(text)
                self.assertEqual(done.returncode, 1)
                self.assertIn("error: ", done.stderr)
                self.assertFalse(os.path.exists(f"{at}/plugin.json"))

    def test_says_where(self):
        done, at = self.run_tool(b'{\n  "a": 1,\n  "b": x\n}')
        self.assertEqual(done.stderr, f"{at}/m.json:3:8: error: a value is missing here\n")


class Plugin(unittest.TestCase):
    def test_note_and_sidecar_and_code_agree(self):
        notes = [s for s in sections(PLUGIN) if s[0] == ".note.opstream.manifest"]
        self.assertEqual(len(notes), 1)
        _, kind, flags, alignment, content = notes[0]
        self.assertEqual((kind, flags, alignment), (7, 2, 4))  # SHT_NOTE, SHF_ALLOC
        name_size, size, note_type = struct.unpack_from("<III", content)
        self.assertEqual((name_size, note_type), (9, 1))
        self.assertEqual(content[12:24], b"opstream\0\0\0\0")
        descriptor = content[24:24 + size]
        sidecar = open(os.path.join(os.path.dirname(PLUGIN), "plugin.json"), "rb").read()
        self.assertEqual(descriptor[8:], sidecar)
        self.assertEqual(struct.unpack("<Q", descriptor[:8])[0], crc64(sidecar))
        self.assertEqual(json.loads(sidecar)["id"], "packaging_example")
        code = [s[4] for s in sections(PLUGIN) if s[0] == ".rodata"][0]
        self.assertIn(struct.pack("<Q", crc64(sidecar)), code)

    def test_exports_only_what_it_says(self):
        names = subprocess.run(["nm", "-D", "--defined-only", PLUGIN], capture_output=True,
                               text=True, check=True).stdout.split()[2::3]
        self.assertEqual([n for n in names if not n.startswith("__")], ["example_manifest_crc"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
