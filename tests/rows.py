"""Rows of a table as one hash, whichever engine read them: SQL, delta-rs, Spark, Trino.

    columns = stored_columns("otel_metrics")
    hash_rows(rows_of_delta(DeltaTable(path).to_pyarrow_dataset().to_table().to_pylist(), columns), columns)

SQL gives `attributes` and `resource` whole; the files hold their flat columns and a remainder (docs/delta.md), which
rows_of_delta puts together again."""
import datetime
import hashlib
import json
import os
import uuid

from monoscope import REPO


def columns_of(table):
    """[(name, type, flags)] of the schema file."""
    found = []
    with open(os.path.join(REPO, "schemas", table + ".schema")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, kind, *flags = line.split()
                found.append((name, kind, flags))
    return found


def stored_columns(table):
    return [column for column in columns_of(table) if "derived" not in column[2]]


def nested(flat):
    """docs/delta.md: the whole set, nested by dots; where a key stands beside one that begins with it, the dotted key stays."""
    out = {}
    for key, content in flat.items():
        parts = key.split(".")
        if any(".".join(parts[:i]) in flat for i in range(1, len(parts))) or any(other.startswith(key + ".") for other in flat):
            out[key] = content
            continue
        at = out
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = content
    return out


def whole_set(row, column, flat_columns):
    """What SQL gives for `attributes` or `resource`, from a row of the files: its flat columns and the remainder, which wins."""
    flat = {}
    for name in flat_columns:
        if row[name] is not None:
            flat[name[len(column) + 3:].replace("___", ".").replace("__", ".")] = row[name]
    flat.update(json.loads(row[column]) if row[column] is not None else {})
    return nested(flat) if flat else None


def canonical(content):
    """One text for a value, whichever reader it came from."""
    if content is None:
        return "-"
    if isinstance(content, datetime.datetime):
        return content.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(content, (datetime.date, uuid.UUID, str)):
        return str(content)
    if isinstance(content, (dict, list)):
        return json.dumps(content, sort_keys=True, ensure_ascii=False)
    return repr(content)


def hash_rows(rows, columns):
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: str(row["id"])):
        for name, _, _ in columns:
            digest.update(canonical(row[name]).encode() + b"\x1f")
        digest.update(b"\x1e")
    return digest.hexdigest()


def rows_of_delta(table_rows, columns):
    """Rows of the files with the types of SQL."""
    flat = {column: [name for name, _, _ in columns if name.startswith(column + "___")] for column in ("attributes", "resource")}
    for row in table_rows:
        whole = {column: whole_set(row, column, names) for column, names in flat.items() if column in row}
        for name, kind, _ in columns:
            if kind == "json" and name not in whole and row[name] is not None:
                row[name] = json.loads(row[name])
        row.update(whole)
        yield row


def rounded_to_ms(rows):
    """Times as Trino has them: it reads Delta's microseconds as timestamp(3)."""
    for row in rows:
        yield {name: content + datetime.timedelta(microseconds=(content.microsecond + 500) // 1000 * 1000 - content.microsecond)
               if isinstance(content, datetime.datetime) else content for name, content in row.items()}


def first_difference(ours, theirs, columns):
    by_id = {str(row["id"]): row for row in theirs}
    for row in ours:
        other = by_id.get(str(row["id"]))
        if other is None:
            return "row %s is not in the files" % row["id"]
        for name, _, _ in columns:
            if canonical(row[name]) != canonical(other[name]):
                return "row %s: %s is %s in SQL, %s in the files" % (row["id"], name, canonical(row[name]), canonical(other[name]))
    return "the files have %d rows, SQL %d" % (len(theirs), len(ours))
