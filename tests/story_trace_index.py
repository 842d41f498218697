# time_limit_s: 120, tries: 2
"""A trace among 1,000 files in a bucket is found with at most ten GETs, the first after a start too, small files or large ones;
a second process finds what the first indexed. So does what delta-rs has compacted, once its files are indexed. Runs that are damaged
or gone cost time, and no rows."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from deltalake import DeltaTable
from monoscope import check
from storage import FaultProxy, Versitygw
from tracetable import PROJECT, TraceTable

INDEX = "/otel_logs_and_spans/_monoscope/index/%s/" % PROJECT


def runs_of(s3, prefix):
    return [entry for entry in s3.client().list(s3.bucket, prefix + INDEX)]


def live_files(s3, prefix):
    return len(DeltaTable(s3.url(prefix) + "/otel_logs_and_spans", storage_options=s3.storage_options()).file_uris())


def check_gets(table, s3, proxy, words):
    proxy.reset()
    asked = table.ask(s3.environment(proxy.endpoint), 12, 3)
    for gets, lists, ms, rows in asked:
        check(gets <= 10, "%s: a look-up takes at most ten GETs, not %d" % (words, gets))
        check(rows in (3, 4), "%s: the trace's rows come" % words)
    print("%s: GETs of look-ups %s, LISTs %s" % (words, [one[0] for one in asked], [one[1] for one in asked]), flush=True)


def main():
    with Versitygw() as s3, FaultProxy(s3.endpoint) as proxy:
        small = TraceTable(s3.url("small"), 1000, 60)
        small.build(s3.environment())
        runs = runs_of(s3, "small")
        check(1 <= len(runs) <= 5, "1,000 files have few runs, not %d" % len(runs))
        check_gets(small, s3, proxy, "1,000 files of one row group")
        large = TraceTable(s3.url("large"), 24, 2000, 8)
        large.build(s3.environment())
        check_gets(large, s3, proxy, "24 files of eight row groups")

        # Files of another writer, compressed by snappy, in place of all those that the runs cover.
        other = TraceTable(s3.url("other"), 200, 60)
        other.build(s3.environment())
        before = live_files(s3, "other")
        DeltaTable(s3.url("other") + "/otel_logs_and_spans", storage_options=s3.storage_options()).optimize.compact()
        check(live_files(s3, "other") < before / 10, "delta-rs has compacted 200 files")
        for _, _, _, rows in other.ask(s3.environment(), 2, 5):
            check(rows in (3, 4), "the rows come before its files are indexed")
        other.work(s3.environment())
        check_gets(other, s3, proxy, "what delta-rs made of 200 files")

        # Damage: the rows must come all the same, read by footers and blooms.
        for key in runs:
            whole = s3.client().get(s3.bucket, key)
            s3.client().put(s3.bucket, key, whole[:len(whole) // 3] + b"\0" + whole[len(whole) // 3 + 1:])
        for gets, _, _, rows in small.ask(s3.environment(), 2, 5):
            check(rows in (3, 4), "the trace's rows come although the runs are damaged")
        for key in runs:
            s3.client().delete(s3.bucket, key)
        asked = small.ask(s3.environment(), 2, 9)
        check(asked[0][0] > 900, "without runs every footer is read, so the count above counts: %s GETs" % asked[0][0])


main()
