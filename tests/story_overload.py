# time_limit_s: 200, tries: 2
"""More load than the server can take, on the least memory it may have (--memory 256MiB): what it cannot take it refuses with a time
to come back, before memory runs out, and what it said is kept is there, once. By gRPC and by HTTP at the same time."""
import gzip
import http.client
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from monoscope import ROUNDS, STORY_DIR, MemoryWatch, Server, acknowledged, check
from otlp import Broken, Sender, log, logs, span, traces

MEMORY_MIB = 256
SECONDS = 10 if ROUNDS <= 5 else 60


class Asker(threading.Thread):
    """Asks wide questions meanwhile; it may be told that memory or time is short, and nothing else."""

    def __init__(self, server, until):
        super().__init__()
        self.server, self.until, self.answers, self.refused, self.wrong = server, until, 0, 0, []

    def run(self):
        while time.monotonic() < self.until and not self.wrong:
            try:
                with self.server.connect() as connection:
                    connection.execute("SET statement_timeout = '5s'")
                    for sql in ("SELECT name, count(*), percentile_cont(0.9) WITHIN GROUP (ORDER BY duration) FROM otel_logs_and_spans GROUP BY 1",
                                "SELECT * FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 200",
                                "SELECT attributes, count(*) FROM otel_logs_and_spans GROUP BY 1 ORDER BY 2 DESC LIMIT 5"):
                        connection.execute(sql).fetchall()
                        self.answers += 1
            except (psycopg.errors.OutOfMemory, psycopg.errors.QueryCanceled):
                self.refused += 1
            except psycopg.Error as error:
                self.wrong.append("a query fails: %s %s" % (error.sqlstate, error))


class HttpSender:
    """As otlp.Sender, by HTTP/1.1: status 0 is 200, retry_s is Retry-After."""

    class Answer:
        def __init__(self, status, retry_s, text):
            self.status, self.retry_s, self.text = status, retry_s, text

        def __repr__(self):
            return "HTTP %d, Retry-After %s: %s" % (self.status, self.retry_s, self.text)

    def __init__(self, port, key):
        self.headers = {"authorization": "Bearer " + key, "content-type": "application/x-protobuf"}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(self, signal, body, encoding):
        headers = dict(self.headers, **({"content-encoding": encoding} if encoding else {}))
        try:
            self.connection.request("POST", "/v1/" + signal, gzip.compress(body, 1) if encoding == "gzip" else body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the body was read: the answer tells why
        try:
            answer = self.connection.getresponse()
            body = answer.read()
        except (http.client.HTTPException, ConnectionError) as error:
            self.connection.close()
            raise Broken("HTTP: %r" % error)
        retry = answer.getheader("retry-after")
        if answer.status == 200:
            return self.Answer(0, None, "")
        # As a gRPC status, for one check of both.
        return self.Answer({429: 8, 503: 14}.get(answer.status, answer.status), None if retry is None else int(retry), body)


class Flood(threading.Thread):
    """Large requests over a connection of its own; the same bytes again after a refusal, as SDKs do."""

    def __init__(self, server, number, until):
        super().__init__()
        self.server, self.number, self.until, self.is_http = server, number, until, number % 4 == 3
        self.encoding = (None, "gzip")[number % 8 > 3] if self.is_http else (None, "gzip", "zstd")[number % 3]
        self.taken, self.refusals, self.delays, self.wrong = 0, 0, set(), []

    def run(self):
        sender = HttpSender(self.server.http_port, self.server.key) if self.is_http else Sender(self.server.grpc_port, self.server.key)
        filler = "x" * 2000
        while time.monotonic() < self.until and not self.wrong:
            records = [log(filler, {"flood": self.number, "seq": self.taken + i}) for i in range(2000)]
            request = logs(records).SerializeToString()
            while not self.wrong:
                try:
                    answer = sender.send("logs", request, self.encoding)
                except Broken as error:
                    self.wrong.append("a connection broke: %s" % error)
                    break
                if answer.status == 0:
                    self.taken += len(records)
                    break
                self.refusals += 1
                if answer.status not in (8, 14) or answer.retry_s is None or not answer.text:
                    self.wrong.append("a refusal without a time to come back: %r" % answer)
                else:
                    self.delays.add(answer.retry_s)
                    time.sleep(min(answer.retry_s, 0.2))


def check_load(server, acks_path, words):
    rows = server.query("""SELECT attributes->'load'->>'sender', count(*), count(DISTINCT (attributes->'load'->>'seq')::bigint)
                           FROM otel_logs_and_spans WHERE name IS NOT NULL AND kind <> 'log' GROUP BY 1""")
    found = {sender: (count, distinct) for sender, count, distinct in rows if sender}
    total = 0
    for sender, sequences in acknowledged(acks_path).items():
        count, distinct = found.get(sender, (0, 0))
        check(count == distinct == len(sequences), "%s: %s has %d rows of %d numbers, acknowledged were %d" %
              (words, sender, count, distinct, len(sequences)))
        total += len(sequences)
    return total


def main():
    with Server(flush="2s", options=["--memory", "%dMiB" % MEMORY_MIB]) as server:
        watch = MemoryWatch(server)
        acks = os.path.join(STORY_DIR, "acks")
        loads = [subprocess.Popen(server.load_command(SECONDS, sender="o%d" % i, ack_log="%s.%d" % (acks, i), connections=24, spans=500,
                                                      encoding=encoding), stdout=subprocess.PIPE, text=True)
                 for i, encoding in enumerate(("none", "gzip"))]
        floods = [Flood(server, number, time.monotonic() + SECONDS) for number in range(16)]
        asker = Asker(server, time.monotonic() + SECONDS)
        for thread in floods + [asker]:
            thread.start()
        for thread in floods + [asker]:
            thread.join()
        figures = [json.loads(load.communicate(timeout=120)[0]) for load in loads]
        check(server.process.poll() is None, "the server lives\n" + server.log_text()[-3000:])
        wrong = [words for thread in floods + [asker] for words in thread.wrong]
        check(not wrong, "; ".join(wrong[:3]))
        refusals = sum(flood.refusals for flood in floods) + sum(figure["refused"] for figure in figures)
        by_http = sum(flood.refusals for flood in floods if flood.is_http)
        delays = set().union(*(flood.delays for flood in floods))
        check(refusals > by_http > 0, "it was more than the server could take: %s, %d by HTTP" % (figures, by_http))
        answer = Sender(server.grpc_port, server.key).send("traces", traces([span("after the flood")]))
        check(answer.status == 0, "it takes a request after the flood: %r" % answer)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'after the flood'", 1, 60)
        spans = sum(check_load(server, "%s.%d" % (acks, i), "after the load") for i in range(2))
        check(spans == sum(figure["spans"] for figure in figures), "load counted %s, the log of answers %d" % (figures, spans))
        for flood in floods:
            count, distinct = server.query("""SELECT count(*), count(DISTINCT (attributes->>'seq')::bigint) FROM otel_logs_and_spans
                                              WHERE kind = 'log' AND (attributes->>'flood')::int = %s""", (flood.number,))[0]
            check(count == distinct == flood.taken, "flood %d: %d rows of %d numbers, acknowledged were %d" %
                  (flood.number, count, distinct, flood.taken))
        mib = watch.stop()
        print("%d wide queries answered meanwhile, %d refused for memory or time" % (asker.answers, asker.refused))
        print("%d spans and %d log records taken, each there once; %d refusals (%d by HTTP) with retry after %s s; of %d MiB: RssAnon at "
              "most %d, RssFile %d, VmHWM %d" % (spans, sum(flood.taken for flood in floods), refusals, by_http, sorted(delays), MEMORY_MIB, mib["RssAnon"],
                                        mib["RssFile"], mib["VmHWM"]))
        check(mib["RssAnon"] < MEMORY_MIB, "what the process holds stays under --memory")
        server.stop()
        server.start()
        spans = sum(check_load(server, "%s.%d" % (acks, i), "after a restart") for i in range(2))


main()
