"""What a row costs that SQL writes: CPU of the whole server a row until it is durable, seen, and in the table, by the way it comes. A row
is a span with ten columns and two attributes; `otlp` are spans of the load generator, for comparison."""
import time

from monoscope import Server

COLUMNS = ("timestamp", "name", "kind", "duration", "status_code", "context___trace_id", "context___span_id", "resource___service___name",
           "attributes___http___request___method", "attributes")
NOW = time.strftime("%Y-%m-%d %H:%M:%S+00")


def rows(count):
    return [(NOW, "GET /cart/%d" % (i % 50), "server", 1000 * i, "OK", "%032x" % (i // 5 + 1), "%016x" % (i + 1), "service-%d" % (i % 10), "GET",
             '{"http.route": "/cart/{id}", "tenant": "t%d"}' % (i % 100)) for i in range(count)]


def single(connection, sent):
    sql = "INSERT INTO otel_logs_and_spans (%s) VALUES (%s)" % (", ".join(COLUMNS), ", ".join(["%s"] * len(COLUMNS)))
    for row in sent:
        connection.execute(sql, row)


def executemany(connection, sent):
    sql = "INSERT INTO otel_logs_and_spans (%s) VALUES (%s)" % (", ".join(COLUMNS), ", ".join(["%s"] * len(COLUMNS)))
    with connection.transaction():
        connection.cursor().executemany(sql, sent)


def multi(connection, sent):
    for at in range(0, len(sent), 500):
        part = sent[at:at + 500]
        sql = "INSERT INTO otel_logs_and_spans (%s) VALUES %s" % (", ".join(COLUMNS), ", ".join(["(%s)" % ", ".join(["%s"] * len(COLUMNS))] * len(part)))
        connection.execute(sql, [value for row in part for value in row])


def unnest(connection, sent):
    types = ["timestamptz", "text", "text", "int8", "text", "text", "text", "text", "text", "jsonb"]
    sql = "INSERT INTO otel_logs_and_spans (%s) SELECT * FROM unnest(%s)" % (", ".join(COLUMNS), ", ".join("%%s::%s[]" % name for name in types))
    for at in range(0, len(sent), 10000):
        connection.execute(sql, [list(column) for column in zip(*sent[at:at + 10000])])


def copy_text(connection, sent):
    with connection.cursor().copy("COPY otel_logs_and_spans (%s) FROM STDIN" % ", ".join(COLUMNS)) as copy:
        for row in sent:
            copy.write_row(row)


def copy_csv(connection, sent):
    data = "".join('%s,%s,%s,%d,%s,%s,%s,%s,%s,"%s"\n' % (row[:9] + (row[9].replace('"', '""'),)) for row in sent)
    with connection.cursor().copy("COPY otel_logs_and_spans (%s) FROM STDIN (FORMAT CSV)" % ", ".join(COLUMNS)) as copy:
        for at in range(0, len(data), 1 << 20):
            copy.write(data[at:at + (1 << 20)])


def bench_writing(figure, cpu_seconds):
    with Server(options=["--telemetry", "off"]) as server, server.connect() as connection:
        connection.execute("INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES (now(), 'first', 1)")  # what is made once
        for way, count in ((single, 500), (executemany, 3000), (multi, 20000), (unnest, 100000), (copy_text, 200000), (copy_csv, 200000)):
            sent, pid = rows(count), server.process.pid
            before, start = cpu_seconds(pid), time.monotonic()
            way(connection, sent)
            seconds = time.monotonic() - start
            connection.execute("FLUSH")
            figure("write_%s_us" % way.__name__, (cpu_seconds(pid) - before) * 1e6 / count, "us of CPU a row")
            figure("write_%s_rows_s" % way.__name__, count / seconds, "rows/s of one client")
        figure("write_memory_mib", server.memory_kib()["VmHWM"] / 1024, "MiB at most")
        before = cpu_seconds(server.process.pid)
        loaded = server.load(3, rate=20000)
        connection.execute("FLUSH")
        figure("write_otlp_us", (cpu_seconds(server.process.pid) - before) * 1e6 / loaded["spans"], "us of CPU a span of OTLP")
