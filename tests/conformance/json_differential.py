#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds our JSON reader and writer against Python's json module.

    json_differential.py PATH-OF-json_filter [SEED [COUNT]]

COUNT documents are made from SEED, written by Python in several styles, and half of them broken
by small changes. Both sides must agree on what is JSON and on every value: type, order of keys,
each bit of a double. Python's looser rules are tightened by hooks: no NaN, no doubled keys, no
lone surrogates, nothing deeper than 64 levels; integers beyond 64 bits are doubles.
"""
import json
import math
import random
import subprocess
import sys

MAX_DEPTH = 64
FRAGMENTS = [b'"', b"\\", b",", b":", b"[", b"]", b"{", b"}", b"0", b"-", b"+", b".", b"e", b"E9",
             b"null", b"NaN", b"\\u", b"\\ud800", b"\\udc00", b" ", b"\n", b"\x00", b"\x1f",
             b"\x7f", b"\x80", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
             b"\xef\xbb\xbf", b"99999999999999999999", b"e400", b"\xc2\xa0", b"/"]
STRINGS = ["", "a", "key", "\0", "\x1f", "\x7f", '"', "\\", "/", "\n\r\t\b\f", "\u00e9", "\u20ac",
           "\U0001f600", "\uffff", "\ue000", "z\u00fcrich and more plain text", "x" * 40]
NUMBERS = [0, -0.0, 0.1, 1e16, 1e-5, 1e22, 1e23, 5e-324, 1.7976931348623157e308, 2 ** 53 + 1,
           2 ** 63 - 1, -2 ** 63, 2 ** 63, 10 ** 30, 1 / 3, 123456789.125, 9007199254740993.0]


class Refused(Exception):
    """Not JSON by our rules."""


def as_double(text):
    number = float(text)
    if math.isinf(number):
        raise Refused("overflow")
    return number


def as_integer(text):
    if text == "-0":
        return -0.0
    number = int(text)
    return number if -2 ** 63 <= number < 2 ** 63 else as_double(text)


def as_map(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise Refused("doubled key")
    return dict(pairs)


def refuse_constant(text):
    raise Refused(text)


def check_tree(value, depth=0):
    """Refuses what the hooks cannot see: lone surrogates and too many levels."""
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, (list, dict)):
        if depth == MAX_DEPTH:
            raise Refused("depth")
        children = list(value) + list(value.values()) if isinstance(value, dict) else value
        for child in children:
            check_tree(child, depth + 1)


def read_strictly(text):
    """The value, or Refused."""
    try:
        value = json.loads(text.decode("utf-8"), parse_float=as_double, parse_int=as_integer,
                           parse_constant=refuse_constant, object_pairs_hook=as_map)
        check_tree(value)
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error
    return value


def random_number(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return rng.randrange(-2 ** 63, 2 ** 63)
    if kind == 2:
        return rng.randrange(-1000, 1000)
    if kind == 3:
        return rng.randrange(10 ** 6) / rng.choice([1, 10, 100, 1000])
    number = math.ldexp(rng.random() - 0.5, rng.randrange(-1073, 1024))
    return number


def random_string(rng):
    return "".join(rng.choice(STRINGS) for _ in range(rng.randrange(4)))


def random_value(rng, depth=0):
    kind = rng.randrange(4 if depth > 5 else 7)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind <= 2:
        return random_number(rng)
    if kind == 3:
        return random_string(rng)
    count = rng.choice([0, 1, 2, 3, 9, 20]) if depth < 3 else rng.randrange(3)
    if kind == 4:
        return [random_value(rng, depth + 1) for _ in range(count)]
    return {random_string(rng): random_value(rng, depth + 1) for _ in range(count)}


def write_somehow(rng, value):
    style = rng.randrange(4)
    text = json.dumps(value, ensure_ascii=style % 2 == 0, indent=rng.choice([None, None, 1, "\t"]),
                      separators=(",", ":") if style == 3 else None)
    return text.encode("utf-8")


def break_somehow(rng, text):
    for _ in range(rng.randrange(1, 3)):
        at = rng.randrange(len(text) + 1)
        cut = rng.choice([0, 0, 1, 1, 2, 8])
        text = text[:at] + rng.choice(FRAGMENTS + [b""]) + text[at + cut:]
    return text


def is_same(a, b):
    """Equal, with types, order of keys and every bit of doubles."""
    return repr(a) == repr(b)


def judge(text, line):
    """What is wrong with the filter's answer, or None."""
    try:
        wanted = read_strictly(text)
    except Refused as reason:
        return None if line == "refused" else f"accepted, but: {reason}"
    if line == "refused":
        return "refused"
    compact, pretty, canonical = (bytes.fromhex(part) for part in line.split(" "))
    if not is_same(read_strictly(compact), wanted):
        return f"compact text differs: {compact!r}"
    if not is_same(read_strictly(pretty), wanted):
        return f"pretty text differs: {pretty!r}"
    if read_strictly(canonical) != wanted:
        return f"canonical form differs: {canonical!r}"
    return None


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: json_differential.py PATH-OF-json_filter [SEED [COUNT]]")
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 4000
    rng = random.Random(seed)
    texts = []
    for i in range(count):
        text = write_somehow(rng, random_value(rng))
        texts.append(break_somehow(rng, text) if i % 2 else text)
    done = subprocess.run([sys.argv[1]], input="".join(text.hex() + "\n" for text in texts),
                          capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    if len(lines) != len(texts):
        sys.exit(f"{len(texts)} texts, {len(lines)} answers")
    faults = [(text, fault) for text, line in zip(texts, lines) if (fault := judge(text, line))]
    for text, fault in faults[:10]:
        print(f"{text!r}: {fault}")
    refused = lines.count("refused")
    print(f"seed {seed}: {count - refused} accepted, {refused} refused, {len(faults)} differ")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
