"""Files of queries and what they must answer (sqllogictest's .slt, tests/slt): read, and asked over the protocol's simple form.

    for record in records("tests/slt/text.slt", {"monoscope"}):
        answer = ask(connection, record.sql)          # (types, rows of texts), or Failed
        record.difference(answer)                     # None, or words

Of the format there are: comments, `query TYPES` with `----` and rows, `statement ok`, `statement error`, and `skipif` and `onlyif`
before one. As sqllogictest does, a row's values are joined by a blank, NULL is NULL, an empty text (empty), and any run of blanks one."""
import glob
import os
import re

from monoscope import REPO

FOLDER = os.path.join(REPO, "tests", "slt")


class Failed(Exception):
    pass


class Record:
    def __init__(self, place, kind, sql, rows):
        self.place, self.kind, self.sql, self.rows = place, kind, sql, rows

    def difference(self, answer):
        if self.kind == "statement error":
            return None if isinstance(answer, Failed) else "it is not refused"
        if isinstance(answer, Failed):
            return str(answer)
        if self.rows is None:
            return None
        given = [shown(row) for row in answer[1]]
        return None if given == self.rows else "it gives\n%s\nand not\n%s" % ("\n".join(given[:20]), "\n".join(self.rows[:20]))


def shown(row):
    return re.sub(r"\s+", " ", " ".join("NULL" if value is None else value or "(empty)" for value in row)).strip()


def records(path, labels):
    """labels: who asks: what is skipif of one of them, or onlyif of none, is left out."""
    with open(path) as f:
        blocks = re.split(r"\n\s*\n", f.read())
    for block in blocks:
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        is_left_out = False
        while lines and lines[0].split()[0] in ("skipif", "onlyif"):
            word, label = lines.pop(0).split()
            is_left_out = is_left_out or (label in labels) == (word == "skipif")
        if not lines or is_left_out:
            continue
        head = lines.pop(0)
        kind = "query" if head.startswith("query") else head.strip()
        at = lines.index("----") if "----" in lines else len(lines)
        rows = [re.sub(r"\s+", " ", line).strip() for line in lines[at + 1:]] if kind == "query" else None
        yield Record("%s: %s" % (os.path.basename(path), lines[0][:100]), kind, "\n".join(lines[:at]), rows)


def files():
    return sorted(glob.glob(os.path.join(FOLDER, "*.slt")))


def ask(connection, sql):
    """Over libpq, so that types and texts are what the server sent."""
    result = connection.pgconn.exec_(sql.encode())
    if result.error_message:
        return Failed(result.error_message.decode(errors="replace").strip())
    return ([result.ftype(c) for c in range(result.nfields)],
            [tuple(None if result.get_value(r, c) is None else result.get_value(r, c).decode() for c in range(result.nfields))
             for r in range(result.ntuples)])
