# time_limit_s: 120
"""Rows that SQL writes with Kafka as the buffer: each is there with its answer, one record a statement or transaction in the topic, and
after kill -9 of the server all that was answered is there once. A broker that does not answer is told as 53000, with what to do."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from kafka import Kafka
from monoscope import Server, check

METRIC = "INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES (now(), %s, %s)"


def main():
    with Kafka("4.1") as kafka, Server(options=["--telemetry", "off", "--peer-port", "0"] + kafka.options(), environment=kafka.environment()) as server:
        before = sum(end for _, end in kafka.ends("monoscope.telemetry").values())
        start = time.monotonic()
        with server.connect() as connection:
            for i in range(5):
                connection.execute(METRIC, ["kafka", i])
                check(connection.execute("SELECT count(*) FROM otel_metrics WHERE metric_name = 'kafka'").fetchone() == (i + 1,), "row %d is there with its answer" % i)
            print("5 rows, each seen with its answer: %.0f ms each" % ((time.monotonic() - start) * 200), flush=True)
            with connection.transaction():
                connection.execute(METRIC, ["kafka.tx", 1])
                connection.execute("INSERT INTO otel_logs_and_spans (timestamp, name) SELECT now(), 'kafka.tx' FROM generate_series(1, 1000)")
            with connection.cursor().copy("COPY otel_logs_and_spans (timestamp, name) FROM STDIN") as copy:
                for _ in range(1000):
                    copy.write_row(("2026-01-02", "kafka.copy"))
        records = sum(end for _, end in kafka.ends("monoscope.telemetry").values()) - before
        check(records == 7, "a record a statement or transaction: %d" % records)
        server.kill()
        server.start()
        server.wait_count("SELECT count(*) FROM telemetry WHERE name LIKE 'kafka%'", 2006)
        kafka.pause()
        try:
            server.execute(METRIC, ["refused", 1])
            check(False, "a row is taken while the broker does not answer")
        except psycopg.Error as error:
            check(error.sqlstate == "53000" and "run it again" in (error.diag.message_hint or ""), "%s: %s" % (error.sqlstate, error))
        kafka.go_on()
        server.stop(timeout_s=40)


main()
