# time_limit_s: 240, tries: 2
"""A server before a bucket with a small cache: answers are those of a server without one; rows just flushed cost no GET, nor do they
after a restart or a kill -9 (of a full cache, and in the middle of its writes); what is damaged or deleted in DATA/cache by hand is fetched again, once; rows that are deleted and vacuumed are gone from it."""
import os
import random
import shutil
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from monoscope import STORY_DIR, Server, check
from storage import FaultProxy, Versitygw

SMALL = ["--cache-memory", "16MiB", "--cache-disk", "512MiB"]
NONE = ["--cache-memory", "0", "--cache-disk", "0"]
QUESTIONS = ["SELECT count(*), count(DISTINCT context___trace_id), sum(duration) FROM otel_logs_and_spans",
             "SELECT attributes->'load'->>'sender' AS s, count(*), max((attributes->'load'->>'seq')::bigint) FROM otel_logs_and_spans GROUP BY s",
             "SELECT name, context___span_id, attributes FROM otel_logs_and_spans ORDER BY timestamp DESC, context___span_id LIMIT 300"]


def metric(server, name, **labels):
    """The sum of that metric's points with these labels."""
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.web_port) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if line.startswith("monoscope_cache_" + name)
             and all('%s="%s"' % label in line for label in labels.items())]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)


class Story:
    def __init__(self, s3, proxy):
        self.proxy = proxy
        self.server = Server(data=os.path.join(STORY_DIR, "cached"), flush="1h", environment=dict(
            s3.environment(proxy.endpoint), MONOSCOPE_STORAGE_URL=s3.url("cached")))
        self.folder = os.path.join(self.server.data, "cache")

    def start(self, cache, environment=None):
        self.server.options = ["--telemetry", "off", "--maintenance", "off", "--log-disk", "256MiB"] + cache
        self.server.start(environment)

    def ask(self):
        """Answers, and the GETs of data files that they cost."""
        self.proxy.reset()
        answers = [self.server.query(question) for question in QUESTIONS]
        answers[1].sort()
        gets = [entry for entry in self.proxy.log() if entry["kind"].startswith("GET") and entry["path"].split("?")[0].endswith(".parquet")
                and "_delta_log" not in entry["path"]]
        return answers, len(gets)

    def restarted(self, cache, words, is_free):
        """Starts, asks, and tells whether it cost GETs as it should; the server runs on."""
        self.start(cache)
        answers, gets = self.ask()
        check(answers == self.right, "%s: the answers are the same" % words)
        check((gets == 0) == is_free, "%s: %d GETs" % (words, gets))
        print("%s: %d GETs" % (words, gets), flush=True)
        return gets

    def holds(self, marks):
        """How many of these bytes are somewhere in DATA/cache."""
        slabs = []
        for name in os.listdir(self.folder):
            with open(os.path.join(self.folder, name), "rb") as slab:
                slabs.append(slab.read())
        return sum(any(mark in slab for slab in slabs) for mark in marks)

    def deleted_is_gone(self, s3):
        """Rows that are deleted and vacuumed are neither in the bucket nor on the disk of the cache."""
        marks = []
        for folder, _, names in os.walk(os.path.join(s3.folder, s3.bucket)):
            for name in names:
                if name.endswith(".parquet") and "_delta_log" not in folder:
                    with open(os.path.join(folder, name), "rb") as file:
                        content = file.read()
                    marks += [content[at:at + 64] for at in range(0, len(content) - 64, len(content) // 40 + 1)]
        held = self.holds(marks)
        check(held > 10, "the cache holds what was read: %d of %d" % (held, len(marks)))
        with self.server.connect() as connection:
            connection.execute("DELETE FROM otel_logs_and_spans WHERE name IS NOT NULL")
            connection.execute("VACUUM otel_logs_and_spans RETAIN 0 HOURS")
        check(self.server.one("SELECT count(*) FROM otel_logs_and_spans") == 0, "no row is left")
        check(metric(self.server, "removed_total", reason="deleted") > 0, "blocks are dropped")
        print("deleted: %d of %d marks were in DATA/cache, %d are" % (held, len(marks), self.holds(marks)), flush=True)
        check(self.holds(marks) == 0, "the bytes are gone from DATA/cache: %d of %d" % (self.holds(marks), len(marks)))

    def slabs_damage(self):
        dice = random.Random(5)
        for name in os.listdir(self.folder):
            path = os.path.join(self.folder, name)
            with open(path, "r+b") as slab:
                for at in range(8192, os.path.getsize(path), 40000):
                    slab.seek(at + dice.randrange(30000))
                    slab.write(bytes([dice.randrange(256)]))


def main():
    with Versitygw() as s3, FaultProxy(s3.endpoint) as proxy:
        story = Story(s3, proxy)
        server = story.server
        story.start(SMALL)
        server.load(2, rate=30000)
        server.stop()

        story.start(NONE)
        story.right, gets = story.ask()
        check(story.right[0][0][0] > 1000 and gets > 0, "without a cache it reads the bucket: %s" % story.right[0])
        again = story.ask()
        check(again[0] == story.right and again[1] > 0, "and does so again: %d GETs" % again[1])
        check(metric(server, "requests_total") == 0, "there is no cache to count")
        server.stop()

        story.restarted(SMALL, "what was flushed is warm after a restart", True)
        check(metric(server, "blocks_total", source="disk") > 0, "it came from the disk")
        check(metric(server, "requests_total", result="miss") == 0, "no read missed")
        check(story.ask() == (story.right, 0) and metric(server, "blocks_total", source="memory") > 0, "then from memory")
        server.kill()
        story.restarted(SMALL, "warm after kill -9", True)
        server.stop()

        story.slabs_damage()
        story.restarted(SMALL, "with a damaged disk", False)
        check(metric(server, "corrupt_total") > 0, "damaged blocks are counted")
        server.stop()
        story.restarted(SMALL, "repaired", True)
        check(metric(server, "corrupt_total") == 0, "nothing is damaged any more")
        server.stop()

        shutil.rmtree(story.folder)
        cold = story.restarted(SMALL, "with DATA/cache deleted", False)
        check(story.ask() == (story.right, 0), "a second look is free")
        check(metric(server, "fetches_total") == cold, "each GET is counted: %s" % metric(server, "fetches_total"))
        server.kill()
        story.restarted(SMALL, "filled by reading, warm after kill -9", True)
        server.stop()

        for point in ("before_head:9", "after_head:5"):
            shutil.rmtree(story.folder)
            story.start(SMALL, {"MONOSCOPE_FAIL_POINT": "cache." + point})
            try:
                story.ask()
            except psycopg.OperationalError:
                pass
            check(server.process.wait(20) == -9, "it is killed at cache." + point)
            story.restarted(SMALL, "killed at cache." + point, False)
            check(story.ask() == (story.right, 0), "a second look is free")
            server.stop()
        story.start(SMALL)
        story.ask()
        check(metric(server, "usage_bytes", tier="memory") <= metric(server, "limit_bytes", tier="memory") <= 16 << 20, "memory is bounded")
        story.deleted_is_gone(s3)
        server.stop()
        check(not server.events("app.flush_unfinished"), "it stops well")


main()
