"""Writes src/errors/wordpiece_data.c: what BERT's normaliser does to a character, from Python's unicodedata.

    python3 src/errors/wordpiece_generate.py

The normaliser (J. Devlin and others, "BERT", 2018; bert-base-uncased): control characters go, accents go (NFD without marks),
letters become small; punctuation stands alone. Run by hand when Unicode changes."""
import os
import sys
import unicodedata

CLASSES = {"GONE": lambda c, k: k in ("Cc", "Cf", "Co", "Cs", "Mn") and c not in "\t\n\r",
           "SPACE": lambda c, k: c in "\t\n\r" or k in ("Zs", "Zl", "Zp"),
           "ALONE": lambda c, k: k.startswith("P") or (ord(c) < 128 and c in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")}
CJK = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]


def class_of(n):
    if any(a <= n <= b for a, b in CJK):
        return "ALONE"
    c = chr(n)
    return next((name for name, is_of in CLASSES.items() if is_of(c, unicodedata.category(c))), None)


def plain(n):
    if 0xAC00 <= n <= 0xD7A3:
        return [n]  # Hangul: by arithmetic
    text = "".join(c for c in unicodedata.normalize("NFD", chr(n)) if unicodedata.category(c) != "Mn").lower()
    return [ord(c) for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn"]


def main():
    ranges, maps = [], []
    for n in range(128, 0x30000):
        if 0xD800 <= n <= 0xDFFF:
            continue
        kind = class_of(n)
        if kind:
            if ranges and ranges[-1][2] == kind and ranges[-1][1] == n - 1:
                ranges[-1][1] = n
            else:
                ranges.append([n, n, kind])
        to = plain(n)
        if to != [n] and kind not in ("GONE", "SPACE"):
            maps.append((n, (to + [0, 0, 0])[:3]))
            assert len(to) <= 3 and to, hex(n)
    for n in range(0xE0000, 0xE0FFF):
        if class_of(n) == "GONE":
            if ranges[-1][2] == "GONE" and ranges[-1][1] == n - 1:
                ranges[-1][1] = n
            else:
                ranges.append([n, n, "GONE"])
    ranges += [[0xF0000, 0x10FFFF, "GONE"]]
    lines = ["/* Made by wordpiece_generate.py from Unicode %s; not to be edited. */" % unicodedata.unidata_version, '#include "errors/wordpiece_inside.h"', "",
             "/* clang-format off */", "const struct wordpiece_range wordpiece_ranges[] = {"]
    row = ""
    for a, b, kind in ranges:
        row += " { 0x%X, 0x%X, WORDPIECE_%s }," % (a, b, kind)
        if len(row) > 100:
            lines.append("   " + row)
            row = ""
    lines += (["   " + row] if row else []) + ["};", "const size_t wordpiece_range_count = sizeof wordpiece_ranges / sizeof wordpiece_ranges[0];", "",
              "const struct wordpiece_map wordpiece_maps[] = {"]
    row = ""
    for n, to in maps:
        row += " { 0x%X, { %s } }," % (n, ", ".join("0x%X" % t for t in to))
        if len(row) > 100:
            lines.append("   " + row)
            row = ""
    lines += (["   " + row] if row else []) + ["};", "const size_t wordpiece_map_count = sizeof wordpiece_maps / sizeof wordpiece_maps[0];", "/* clang-format on */", ""]
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "wordpiece_data.c"), "w") as f:
        f.write("\n".join(lines))
    print("%d ranges, %d maps" % (len(ranges), len(maps)), file=sys.stderr)


main()
