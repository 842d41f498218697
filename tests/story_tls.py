# time_limit_s: 240, tries: 2
"""TLS on all ports: the OpenTelemetry SDKs of Go and Python send over it, by gRPC and by HTTP, and pgx, psql and psycopg ask with
sslmode=verify-full. SIGHUP changes the certificate while senders are at work, whose connections also grow old every second:
nothing is refused or lost. With a clients' CA only its clients get in. Who comes the wrong way is told so."""
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import grpc
import otlp
import psycopg
import requests
from authority import make_authority, openssl, path, sign
from goprogram import build
from monoscope import BINARY, ROUNDS, STORY_DIR, Server, check, wait_until
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

SHOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python", "shop.py")
COUNT = "SELECT count(*) FROM otel_logs_and_spans WHERE name = 'under load'"


def serial_in(name):
    return openssl("x509", "-in", path(name), "-noout", "-serial").strip().partition("=")[2].lstrip("0")


def serial_shown(port, alpn):
    context = ssl.create_default_context(cafile=path("ca.crt"))
    context.set_alpn_protocols([alpn])
    with socket.create_connection(("127.0.0.1", port)) as raw, context.wrap_socket(raw, server_hostname="localhost") as tls:
        check(tls.selected_alpn_protocol() == alpn, "port %d speaks %s: %s" % (port, alpn, tls.selected_alpn_protocol()))
        return tls.getpeercert()["serialNumber"].lstrip("0")


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def pg_url(server, more):
    return "postgres://default:%s@localhost:%d/monoscope?%s" % (server.key, server.pg_port, more)


def run_psql(server, sql, more):
    return subprocess.run(["psql", "-Atqc", sql, "host=localhost port=%d user=default dbname=monoscope %s" % (server.pg_port, more)],
                          env=dict(os.environ, PGPASSWORD=server.key), capture_output=True, text=True, timeout=30)


def sdk_environment(server, **more):
    return dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT="https://localhost:%d" % server.grpc_port,
                OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer %s" % server.key, OTEL_EXPORTER_OTLP_CERTIFICATE=path("ca.crt"),
                OTEL_SERVICE_NAME="shop-tls", OTEL_RESOURCE_ATTRIBUTES="team=story", **more)


def check_sdks(server):
    shop = subprocess.run([sys.executable, SHOP], env=sdk_environment(server), capture_output=True, text=True, timeout=60)
    check(shop.returncode == 0 and "error" not in shop.stderr.lower(), "the Python SDK sends over TLS: %s" % shop)
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'shop-tls' AND kind <> 'log'", 4)
    url = pg_url(server, "sslmode=verify-full&sslrootcert=" + path("ca.crt"))
    go = subprocess.run([build("go")], env=sdk_environment(server, MONOSCOPE_PG_URL=url), capture_output=True, text=True, timeout=90)
    check(go.returncode == 0, "the Go SDK sends and pgx asks over TLS: " + go.stderr)
    told = json.loads(go.stdout)["read"]
    check(len(told["spans"]) == 2 and told["cancelled"] == "57014", "what pgx reads: %r" % told)


def check_http(server):
    message = otlp.traces([otlp.span("by https")])
    answer = requests.post("https://localhost:%d/v1/traces" % server.http_port, data=message.SerializeToString(),
                           headers={"content-type": "application/x-protobuf", "authorization": "Bearer " + server.key},
                           verify=path("ca.crt"), timeout=20)
    check(answer.status_code == 200, "OTLP/HTTP over https: %d %s" % (answer.status_code, answer.text))
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'by https'", 1)


def check_send(server):
    """The line that the welcome prints, and what is told when it is not followed."""
    with open(server.log_path + ".out") as f:
        welcome = f.read()
    line = re.search(r"^  build/release/(monoscope send .*)$", welcome, re.M).group(1)
    check("--tls --ca" in line and "https://" in welcome, "the welcome speaks of TLS:\n" + welcome)
    sent = subprocess.run(os.path.dirname(BINARY) + "/" + line, shell=True, capture_output=True, text=True, timeout=30)
    check(sent.returncode == 0 and "acknowledged" in sent.stdout, "the printed line sends: %s" % sent)
    for options, words in ((["--tls"], "unable to get local issuer certificate"), ([], "--tls --ca FILE"),
                           (["--tls", "--ca", path("ca.crt"), "--server-name", "example.org"], "hostname mismatch")):
        sent = subprocess.run([BINARY, "send", "--port", str(server.grpc_port), "--key", server.key, "x"] + options,
                              capture_output=True, text=True, timeout=30)
        check(sent.returncode == 1 and words in sent.stderr, "send %s says \"%s\": %s" % (options, words, sent))


def check_sql(server):
    full = "sslmode=verify-full sslrootcert=" + path("ca.crt")
    ran = run_psql(server, "SELECT 40 + 2", full)
    check(ran.stdout == "42\n", "psql with verify-full: %s" % ran)
    ran = run_psql(server, "SELECT 1", "sslmode=verify-full sslrootcert=" + path("other.crt"))
    check(ran.returncode != 0 and "certificate verify failed" in ran.stderr, "psql that trusts another CA: %s" % ran)
    check(run_psql(server, "SELECT 1", "sslmode=disable").stdout == "1\n", "without TLS on the loopback")
    with socket.create_connection(("127.0.0.1", server.pg_port), timeout=20) as raw:  # CVE-2021-23214
        raw.sendall(struct.pack(">ii", 8, 80877103) + b"what a man in the middle puts in")
        heard = raw.recv(1000)
        check(heard[:1] == b"E" and b"in the clear after an SSLRequest" in heard, "bytes ahead of TLS are refused: %r" % heard)
    rows = "SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) g(i)"
    with psycopg.connect(pg_url(server, full.replace(" ", "&")), autocommit=True) as connection:
        check(connection.pgconn.ssl_in_use, "psycopg uses TLS")
        check(len(connection.execute(rows).fetchall()) == 20000, "20 MB of rows through TLS")
        check_cancel(connection, connection.cancel, "in the clear")  # libpq's old way
        check_cancel(connection, connection.cancel_safe, "over TLS" if psycopg.pq.version() >= 170000 else "as libpq does")


def check_cancel(connection, cancel, words):
    result = []

    def ask():
        try:
            connection.execute("SELECT count(*) FROM generate_series(1, 3000000) a, generate_series(1, 3000000) b WHERE a + b = 7")
        except psycopg.errors.QueryCanceled as error:
            result.append(error)
    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    cancel()
    thread.join(20)
    check(result, "a cancel request %s ends the query" % words)


class Load:
    """Senders over gRPC and https that count what was acknowledged; one that fails ends the story."""

    def __init__(self, server):
        self.server, self.acknowledged, self.failures, self.is_over = server, 0, [], False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(sender,)) for sender in (self.grpc, self.grpc, self.https)]
        for thread in self.threads:
            thread.start()

    def message(self):
        return otlp.traces([otlp.span("under load") for _ in range(5)])

    def run(self, sender):
        try:
            sender()
        except Exception as error:
            self.failures.append("%s: %s" % (sender.__name__, error))

    def took(self, answer):
        check(not answer, "all are taken: %s" % answer)
        with self.lock:
            self.acknowledged += 5

    def grpc(self):
        credentials = grpc.ssl_channel_credentials(read("ca.crt"))
        with grpc.secure_channel("localhost:%d" % self.server.grpc_port, credentials) as channel:
            stub = trace_service_pb2_grpc.TraceServiceStub(channel)
            while not self.is_over:
                answer = stub.Export(trace_service_pb2.ExportTraceServiceRequest.FromString(self.message().SerializeToString()),
                                     metadata=[("authorization", "Bearer " + self.server.key)], timeout=20)
                self.took(answer.partial_success.error_message)

    def https(self):
        with requests.Session() as session:
            while not self.is_over:
                answer = session.post("https://localhost:%d/v1/traces" % self.server.http_port, data=self.message().SerializeToString(),
                                      headers={"content-type": "application/x-protobuf", "authorization": "Bearer " + self.server.key},
                                      verify=path("ca.crt"), timeout=20)
                self.took("" if answer.status_code == 200 else answer.text)

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        check(not self.failures, "no request is lost or refused: %s" % self.failures)
        return self.acknowledged


def reload(server, event):
    before = len(server.events(event))
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(server.events(event)) > before, "SIGHUP leads to " + event)
    return server.events(event)[-1]


def check_reload(server):
    load = Load(server)
    seen = set()
    for number in range(ROUNDS):
        sign("ca", "server", "rsa" if number % 2 else "ec")
        reload(server, "app.reloaded")
        wanted = serial_in("server.crt")
        for port, alpn in ((server.grpc_port, "h2"), (server.http_port, "http/1.1")):
            check(serial_shown(port, alpn) == wanted, "new connections get the new certificate")
        seen.add(wanted)
        time.sleep(1)
    os.rename(path("server.key"), path("right.key"))
    told = reload(server, "tls.reload_failed")
    check("cannot open the key" in told["err"] and path("server.key") in told["err"], "a missing key is told: %s" % told)
    with open(path("server.key"), "wb") as f:
        f.write(read("other.key"))
    told = reload(server, "tls.reload_failed")
    check("does not belong to the certificate" in told["err"], "a key of another certificate is told: %s" % told)
    check(serial_shown(server.grpc_port, "h2") == wanted, "a reload that fails changes nothing")
    os.rename(path("right.key"), path("server.key"))
    reload(server, "app.reloaded")
    acknowledged = load.stop()
    for port in ("otlp_grpc", "otlp_http"):
        drained = metric(server, "monoscope_server_connections_drained_total", port=port)
        check(drained >= 3, "connections of %s grew old under load: %d" % (port, drained))
    check(len(seen) == ROUNDS, "each round has a certificate of its own")
    server.wait_count(COUNT, acknowledged)
    return acknowledged


def metric(server, name, **labels):
    """The sum of a metric's series that have these labels, from /metrics."""
    found = 0
    for line in requests.get("https://127.0.0.1:%d/metrics" % server.web_port, timeout=20, verify=False).text.splitlines():
        if line.startswith(name + "{") and all('%s="%s"' % pair in line for pair in labels.items()):
            found += float(line.rsplit(" ", 1)[1])
    return found


def check_wrong_ways(server):
    for port, words in ((server.grpc_port, "gRPC with TLS"), (server.http_port, "HTTP/1.1 with TLS")):
        answer = requests.get("http://127.0.0.1:%d/" % port, timeout=20)
        check(answer.status_code == 400 and words in answer.text, "http at a port with TLS: %s" % answer.text)
    for event in ("grpc.tls_missing", "http.tls_missing"):
        told = wait_until(lambda: server.events(event), "the log tells of " + event)
        check(len(told) == 1 and "https://" in told[0]["why"], "once, with what to do: %s" % told)
        failed = metric(server, "monoscope_server_connections_failed_total", port="otlp_" + event[:4], error_type="tls_missing")
        check(failed >= 1, "/metrics counts %s" % event)


def check_from_outside(server):
    """A client on another machine must ask for TLS before it sends its key: here, one at another address of this one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "not tried: this machine has the loopback alone"
        address = probe.getsockname()[0]
    words = "hostaddr=%s host=localhost port=%d user=default dbname=monoscope " % (address, server.pg_port)
    environment = dict(os.environ, PGPASSWORD=server.key)
    ran = subprocess.run(["psql", "-Atqc", "SELECT 1", words + "sslmode=disable"], env=environment, capture_output=True, text=True)
    check(ran.returncode != 0 and "asks for TLS" in ran.stderr, "from %s in the clear: %s" % (address, ran))
    ran = subprocess.run(["psql", "-Atqc", "SELECT 1", words + "sslmode=verify-full sslrootcert=" + path("ca.crt")], env=environment,
                         capture_output=True, text=True)
    check(ran.stdout == "1\n", "from %s with TLS: %s" % (address, ran))
    return "refused from %s in the clear" % address


def check_clients(server):
    """mTLS: who has a certificate of the clients' CA gets in, by each way; who has none, or another's, does not."""
    def export(certificate):
        pair = {"private_key": read(certificate + ".key"), "certificate_chain": read(certificate + ".crt")} if certificate else {}
        with grpc.secure_channel("localhost:%d" % server.grpc_port, grpc.ssl_channel_credentials(read("ca.crt"), **pair)) as channel:
            try:
                trace_service_pb2_grpc.TraceServiceStub(channel).Export(
                    trace_service_pb2.ExportTraceServiceRequest(), metadata=[("authorization", "Bearer " + server.key)], timeout=10)
                return True
            except grpc.RpcError as error:
                check(error.code() == grpc.StatusCode.UNAVAILABLE, "a client without our certificate: %s" % error)
                return False

    def post(certificate):
        try:
            return requests.post("https://localhost:%d/v1/traces" % server.http_port, data=b"", verify=path("ca.crt"), timeout=10,
                                 cert=(path(certificate + ".crt"), path(certificate + ".key")) if certificate else None,
                                 headers={"content-type": "application/x-protobuf",
                                          "authorization": "Bearer " + server.key}).status_code == 200
        except requests.exceptions.ConnectionError:
            return False

    def ask(certificate):
        more = " sslcert=%s sslkey=%s" % (path(certificate + ".crt"), path(certificate + ".key")) if certificate else ""
        return run_psql(server, "SELECT 1", "sslmode=verify-full sslrootcert=%s%s" % (path("ca.crt"), more)).stdout == "1\n"

    for name, way in (("gRPC", export), ("https", post), ("psql", ask)):
        check(way("client"), "%s with a client's certificate" % name)
        check(not way(None), "%s without one is refused" % name)
        check(not way("stranger"), "%s with one of another CA is refused" % name)
    shop = subprocess.run([sys.executable, SHOP], capture_output=True, text=True, timeout=60, env=sdk_environment(
        server, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=path("client.crt"), OTEL_EXPORTER_OTLP_CLIENT_KEY=path("client.key")))
    check(shop.returncode == 0 and "error" not in shop.stderr.lower(), "the Python SDK with a client's certificate: %s" % shop)
    sent = subprocess.run([BINARY, "send", "--port", str(server.grpc_port), "--key", server.key, "--tls", "--ca", path("ca.crt"),
                           "--cert", path("client.crt"), "--key-file", path("client.key"), "x"], capture_output=True, text=True)
    check(sent.returncode == 0, "send with a client's certificate: %s" % sent)
    for event in ("grpc.tls_failed", "http.tls_failed", "pgwire.tls_failed"):
        check("sent no certificate" in server.events(event)[0]["why"], "the log says why: %s" % server.events(event))


def main():
    os.makedirs(STORY_DIR, exist_ok=True)
    for name in ("ca", "other", "clients"):
        make_authority(name)
    sign("ca", "server")
    sign("clients", "client")
    sign("other", "stranger")
    tls = ["--tls-cert", path("server.crt"), "--tls-key", path("server.key")]
    with Server(options=tls + ["--listen", "0.0.0.0", "--connection-age", "1s"]) as server:
        check_sdks(server)
        check_http(server)
        check_send(server)
        check_sql(server)
        print("SDKs of Go and Python, https, send, psql, psycopg and pgx over TLS", flush=True)
        print("%d spans under load, %d certificates: all there" % (check_reload(server), ROUNDS), flush=True)
        check_wrong_ways(server)
        print("SQL in the clear from elsewhere: " + check_from_outside(server), flush=True)
        server.stop()
    with Server(data=path("data-2"), options=tls + ["--tls-client-ca", path("clients.crt")]) as server:
        check_clients(server)
        print("only clients with a certificate get in")
        server.stop()


main()
