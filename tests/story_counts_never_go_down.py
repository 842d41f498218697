# time_limit_s: 120
"""A row is visible once, from one moment on: while spans are sent and move from small segments to merged, sealed and joined
ones and into Delta, and there are joined further and vacuumed, a client asks without pause. Its counts never go down, no number is seen twice, and at the end all are there."""
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monoscope import Server, check, wait_until


def main():
    with Server(flush="1s", options=["--publish-interval", "50ms", "--maintenance-interval", "100ms", "--vacuum-interval", "1s",
                                              "--vacuum-keep", "0s"]) as server:
        load = subprocess.Popen(server.load_command(20, sender="n", connections=3, spans=300, rate=30000),
                                stdout=subprocess.PIPE, text=True)
        counts = []
        wrong, is_over = [], threading.Event()

        def ask(sql, is_unique):
            with server.connect() as connection:
                last = 0
                while not is_over.is_set() and not wrong:
                    row = connection.execute(sql).fetchone()
                    if row[0] < last:
                        wrong.append("%s went from %d to %d" % (sql, last, row[0]))
                    if is_unique and row[0] != row[1]:
                        wrong.append("%d rows of %d numbers" % (row[0], row[1]))
                    last = row[0]
                    counts.append(last)
        threads = [threading.Thread(target=ask, args=("SELECT count(*) FROM otel_logs_and_spans", False)),
                   threading.Thread(target=ask, args=("SELECT count(*), count(DISTINCT id) FROM otel_logs_and_spans", True))]
        for thread in threads:
            thread.start()
        load.wait()
        moved = lambda: server.events("maintenance.joined") and server.events("maintenance.vacuumed")
        try:
            wait_until(lambda: wrong or moved(), "files were joined and vacuumed while being asked for")
        finally:
            is_over.set()
        for thread in threads:
            thread.join()
        output, _ = load.communicate()
        check(not wrong, "; ".join(wrong) + "\n" + server.log_text()[-3000:])
        import json
        spans = json.loads(output)["spans"]
        check(spans > 50000, "enough was sent: %d" % spans)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", spans)
        commits = len(server.events("flush.committed"))
        check(commits >= 5, "rows moved into Delta while being asked for: %d commits" % commits)
        check(not server.events("maintenance.failed"), "no unit fails: %s" % server.events("maintenance.failed"))
        print("%d queries while %d spans moved through %d commits; counts only grew" % (len(counts), spans, commits))
        took = server.stop()
        check(took < 30, "it stops within 30 s: %.1f" % took)


main()
