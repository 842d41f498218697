# time_limit_s: 240
"""Tables keep themselves good. Many small flushes become few files, a day that is over is recoded once, a day past its retention goes,
files that nothing needs are deleted, while a client asks without pause: counts never go down, no question fails, delta-rs reads the same
values before and after; so in a folder and in a bucket. Then the same work is killed at its fail points: nothing is lost, doubled or left
lying."""
import glob
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from deltalake import DeltaTable
from monoscope import ROUNDS, STORY_DIR, Server, check, wait_until
from otlp import OK, Sender, span, traces
from rows import hash_rows, rows_of_delta, stored_columns
from storage import Versitygw

TABLE = "otel_logs_and_spans"
DAY_NS = 86400 * 10 ** 9
OVER_DAYS, PAST_DAYS, KEPT_DAYS = 5, 40, 20
PLACES = ["maintenance." + name for name in (
    "after_join", "after_put", "after_commit", "after_build", "after_recode", "after_recode_commit", "before_drop", "after_drop",
    "after_vacuum_start", "between_deletes", "before_vacuum_end")]
BUSY = ["--maintenance-interval", "20ms", "--recode-after", "1s", "--vacuum-interval", "50ms", "--vacuum-keep", "0s"]
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)
print("seed", seed)


def send(server, number, days_ago, count=20):
    """count spans of one day, in a commit of their own once the flush has come round."""
    at_ns = time.time_ns() - days_ago * DAY_NS
    spans = [span("op %d" % (i % 5), {"round": number, "i": i, "http.request.method": "GET"}, at_ns + i * 1000003) for i in range(count)]
    sender = Sender(server.grpc_port, server.key)
    answer = sender.send("traces", traces(spans, {"service.name": "s%d" % (number % 3)}))
    check(answer.status == OK and answer.rejected == 0, "spans are taken: %r" % answer)
    sender.close()


class Kept(Server):
    """A server whose tables are in a folder, or in a bucket."""

    def __init__(self, name, s3=None, **more):
        self.s3, self.name = s3, name
        environment = dict(s3.environment(), MONOSCOPE_STORAGE_URL=s3.url(name)) if s3 else {}
        super().__init__(data=os.path.join(STORY_DIR, name), flush="100ms", environment=environment, **more)

    def stored(self):
        """Parquet files of rows there are, live or not."""
        if self.s3:
            keys = self.s3.client().list(self.s3.bucket, "%s/%s/project_id=" % (self.name, TABLE))
            return [key for key in keys if key.endswith(".parquet")]
        return glob.glob(os.path.join(self.delta_tables(), TABLE, "project_id=*", "date=*", "*.parquet"))


def delta(server):
    if server.s3:
        return DeltaTable("%s/%s" % (server.s3.url(server.name), TABLE), storage_options=server.s3.storage_options())
    return DeltaTable(os.path.join(server.delta_tables(), TABLE))


def delta_hash(server, since_days):
    """(rows, hash, files by name) of what delta-rs reads, without the days past the retention."""
    table = delta(server)
    columns = stored_columns(TABLE)
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - since_days * 86400))
    rows = list(rows_of_delta(table.to_pyarrow_dataset().to_table().to_pylist(), columns))
    rows = [row for row in rows if str(row["date"]) >= since]
    return len(rows), hash_rows(rows, columns)


def files(server):
    """Live files: (warm, cold, past), by delta-rs; and those in the folder."""
    live = [uri for uri in delta(server).file_uris()]
    past = sum("date=" + past_date() in uri for uri in live)
    cold = sum(os.path.basename(uri).startswith("cold-") and "date=" + past_date() not in uri for uri in live)
    return {"warm": len(live) - cold - past, "cold": cold, "past": past, "stored": len(server.stored())}


def past_date():
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - PAST_DAYS * 86400))


class Asker(threading.Thread):
    """Asks without pause; counts of days that are kept never go down, and no number is seen twice."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.wrong, self.asked, self.ends = server, [], 0, False
        self.start()

    def run(self):
        sql = ("SELECT count(*), count(DISTINCT id), count(attributes) FROM %s WHERE name LIKE 'op %%'"
               " AND timestamp > now() - interval '%d days'" % (TABLE, KEPT_DAYS))
        last = 0
        try:
            with self.server.connect() as connection:
                while not self.ends:
                    count, distinct, _ = connection.execute(sql).fetchone()
                    if count < last or count != distinct:
                        self.wrong.append("%d rows of %d numbers after %d" % (count, distinct, last))
                    last = count
                    self.asked += 1
        except Exception as error:
            self.wrong.append(repr(error))

    def stop(self):
        self.ends = True
        self.join()
        check(not self.wrong, "counts never go down, no question fails: %s\n%s" % (self.wrong[:3], self.server.log_text()[-2000:]))
        return self.asked


def keeps_itself_good(name, s3=None):
    server = Kept(name, s3, options=["--publish-interval", "10ms", "--maintenance", "off", "--telemetry", "off"])
    with server:
        for number in range(24):
            send(server, number, 0)
            if number % 3 == 0:
                send(server, number, OVER_DAYS)
                send(server, number, PAST_DAYS)
            time.sleep(0.12)
        wait_until(lambda: delta_hash(server, KEPT_DAYS)[0] == 24 * 20 + 8 * 20, "all rows are in the table")
        before, files_before = delta_hash(server, KEPT_DAYS), files(server)
        check(files_before["warm"] >= 20 and files_before["past"] >= 6, "many small files: %s" % files_before)
        server.stop()

        server.options = ["--publish-interval", "10ms", "--telemetry", "off"] + BUSY
        server.start()
        asker = Asker(server)
        for number in range(24, 48): # while it works
            send(server, number, 0)
            time.sleep(0.05)
        wait_until(lambda: len(server.events("maintenance.recoded")) >= 2, "both days that are over are recoded", 60)
        print(server.command("retention", "set", "default", TABLE, "%dd" % KEPT_DAYS).strip(), flush=True)
        check("20d" in server.command("retention", "list"), "the retention is listed")

        def is_good():
            now = files(server)
            return now["cold"] >= 1 and now["past"] == 0 and now["warm"] <= 10 and now["stored"] == now["warm"] + now["cold"] and now
        after = wait_until(is_good, "few files, and only those the table names: %s" % files(server), 60)
        server.wait_count("SELECT count(*) FROM %s WHERE name LIKE 'op %%'" % TABLE, 24 * 20 + 8 * 20 + 24 * 20)
        time.sleep(0.3)
        asked = asker.stop()
        rows = delta(server).to_pyarrow_dataset().to_table(columns=["id", "attributes"]).to_pylist()
        check(len(rows) == 56 * 20 and len({row["id"] for row in rows}) == 56 * 20, "delta-rs counts %d rows" % len(rows))
        table = delta(server)
        columns = stored_columns(TABLE)
        old = [row for row in rows_of_delta(table.to_pyarrow_dataset().to_table().to_pylist(), columns)
               if row["attributes"]["round"] < 24]
        check((len(old), hash_rows(old, columns)) == before, "delta-rs reads the same values before and after: %d rows" % len(old))
        operations = {entry["operation"] for entry in table.history()}
        check({"WRITE", "OPTIMIZE", "DELETE", "VACUUM START", "VACUUM END"} <= operations, "the history tells: %s" % operations)
        recoded = server.events("maintenance.recoded")
        check([event["files_in"] for event in recoded] == [8, 8], "the days that are over are recoded once: %s" % recoded)
        check(not server.events("maintenance.failed"), "no unit fails: %s" % server.events("maintenance.failed"))
        took = server.stop()
        check(took < 30, "it stops within 30 s: %.1f" % took)
        # Started anew it finds nothing to do.
        server.start()
        time.sleep(1)
        check(not server.events("maintenance.recoded") and not server.events("maintenance.joined"), "what was done is not done again")
        server.stop()
        print("%s: %s, then %s; %d questions meanwhile" % (name, files_before, after, asked), flush=True)


def is_killed_inside(server, place):
    """Gives the maintenance all kinds of work until the fail point is met: small files, then quiet for days that are over."""
    server.start(environment={"MONOSCOPE_FAIL_POINT": "%s:%d" % (place, rng.choice([1, 1, 2]) if "recode" not in place else 1)}, wait=False)
    sent = 0
    if server.wait_ready():
        begin, end = time.monotonic(), time.monotonic() + 25
        number = 1000
        while time.monotonic() < end and server.process.poll() is None:
            number += 1
            try:
                for days_ago in (0, OVER_DAYS, PAST_DAYS) if time.monotonic() < begin + 1.5 else (0, PAST_DAYS):
                    send(server, number, days_ago, 5)
                    sent += 5 * (days_ago < KEPT_DAYS)
            except SystemExit:
                raise
            except Exception:
                break # killed under the call
            time.sleep(0.1)
    is_inside = server.process.poll() is not None
    if not is_inside:
        server.kill()
    return is_inside, sent


def is_killed():
    server = Kept("killed", options=["--publish-interval", "10ms", "--telemetry", "off"] + BUSY)
    places = PLACES if ROUNDS > 5 else rng.sample(PLACES, 4)
    reached, sent = [], 0
    with server:
        server.command("retention", "set", "default", "all", "%dd" % KEPT_DAYS)
        server.kill()
        kept = "SELECT count(*), count(DISTINCT id) FROM %s WHERE name LIKE 'op %%' AND timestamp > now() - interval '%d days'" % (TABLE, KEPT_DAYS)
        for place in places:
            was_inside, more = is_killed_inside(server, place)
            sent += more
            if was_inside:
                reached.append(place)
            server.start()
            count, distinct = server.query(kept)[0]
            check(count == distinct, "%s: %d rows of %d numbers: some are doubled" % (place, count, distinct))
            check(sent <= count <= sent + 15, "%s: %d rows, %d were acknowledged" % (place, count, sent))
            sent = count # the call that was cut may have been kept
            server.kill()
        # What a kill left in the folder is deleted once it is old enough to be nobody's work in progress.
        for path in server.stored():
            os.utime(path, (time.time() - 86400, time.time() - 86400))
        server.start()
        with server.connect() as connection: # what the log held of days past their time goes into the table first, to be dropped there
            connection.execute("FLUSH")

        def is_clean():
            now = files(server)
            return now["past"] == 0 and now["stored"] == now["warm"] + now["cold"] and now["warm"] < 14
        wait_until(is_clean, "nothing is left lying: %s" % files(server), 30)
        server.stop() # files that it takes out go at once (--vacuum-keep 0s), under whoever reads
        check(delta(server).to_pyarrow_dataset().count_rows() == sent, "delta-rs counts what SQL counts")
        check(not os.listdir(os.path.join(server.data, "tmp")) or all(os.path.isdir(os.path.join(server.data, "tmp", name))
              for name in os.listdir(os.path.join(server.data, "tmp"))), "tmp is empty")
    print("killed inside %s" % ", ".join(reached), flush=True)
    check(len(reached) >= len(places) - 1, "fail points were reached: %s of %s" % (reached, places))


def main():
    keeps_itself_good("folder")
    with Versitygw() as s3:
        keeps_itself_good("bucket", s3)
    is_killed()


main()
