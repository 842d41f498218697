# time_limit_s: 240, tries: 2
"""Clients that make the server work by HTTP/2 itself, frame by frame over raw sockets: rapid resets, CONTINUATION, PING and SETTINGS
floods, header bombs and the rest. Each is cut off in words, again and again, before it has sent much; meanwhile an exporter keeps
sending and misses nothing, and the server's memory stays where it was. What a flood costs in CPU time is printed."""
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

import hpack

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monoscope import ROUNDS, STORY_DIR, MemoryWatch, Server, acknowledged, check, wait_until
from otlp import PATHS, Sender, span, traces

SECONDS = 1.5 if ROUNDS <= 5 else 15  # for each flood
MEMORY_MIB = 256
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
ENHANCE_YOUR_CALM = 11
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def head(key="nobody"):
    """The same bytes for each call: nothing of it goes into the peer's table."""
    fields = [(":method", "POST"), (":scheme", "http"), (":path", PATHS["traces"]), (":authority", "x"),
              ("content-type", "application/grpc"), ("te", "trailers"), ("authorization", "Bearer " + key)]
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields], huffman=False)


def message(name):
    raw = traces([span(name)]).SerializeToString()
    return struct.pack(">BI", 0, len(raw)) + raw


class Floods:
    """Each gives what one connection sends: first a start, then pieces for as long as it is heard."""

    def __init__(self, key):
        self.head = head(key)
        self.body = message("flood")

    def opening(self, stream, flags=END_HEADERS):
        return frame(HEADERS, flags, stream, self.head)

    def pings(self):
        while True:
            yield frame(PING, 0, 0, b"12345678") * 500

    def ping_answers(self):
        while True:
            yield frame(PING, ACK, 0, b"12345678") * 500

    def settings(self):
        while True:
            yield frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100)) * 500

    def rapid_reset(self):
        stream = 1
        while True:
            piece = b""
            for stream in range(stream, stream + 200, 2):
                piece += self.opening(stream) + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
            stream += 2
            yield piece

    def rapid_reset_of_whole_calls(self):
        """What it asks for is true, with a key: work that nobody waits for."""
        stream = 1
        while True:
            piece = b""
            for stream in range(stream, stream + 200, 2):
                piece += self.opening(stream) + frame(DATA, END_STREAM, stream, self.body) + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
            stream += 2
            yield piece

    def resets_by_the_server(self):
        """A window of more than 2^31: the server must reset the stream itself."""
        stream = 1
        while True:
            piece = b""
            for stream in range(stream, stream + 200, 2):
                piece += self.opening(stream) + frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 2 ** 31 - 1))
            stream += 2
            yield piece

    def continuations(self):
        yield frame(HEADERS, 0, 1, self.head)
        while True:
            yield frame(CONTINUATION, 0, 1, b"\0\1a\1b") * 500

    def empty_continuations(self):
        yield frame(HEADERS, 0, 1, self.head)
        while True:
            yield frame(CONTINUATION, 0, 1) * 500

    def header_bomb(self):
        bomb = b"\x40\x01b\x7f" + bytes([0x80 | (3873 & 0x7F), 3873 >> 7]) + b"x" * 4000
        while True:
            yield frame(HEADERS, END_HEADERS, 1, self.head + bomb + b"\xBE" * 50000)

    def large_block(self):
        while True:
            yield frame(HEADERS, END_HEADERS, 1, self.head + b"\x83" * 900000)

    def window_updates(self):
        while True:
            yield frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 500

    def priorities(self):
        while True:
            yield b"".join(frame(PRIORITY, 0, stream, struct.pack(">IB", 0, 15)) for stream in range(1, 1001, 2))

    def unknown_frames(self):
        while True:
            yield frame(0x77, 0, 0, b"?") * 500

    def empty_data(self):
        yield self.opening(1)
        while True:
            yield frame(DATA, 0, 1) * 500

    def one_byte_data(self):
        yield self.opening(1) + frame(DATA, 0, 1, struct.pack(">BI", 0, 10 << 20))
        while True:
            yield frame(DATA, 0, 1, b"x") * 500


WANTED = {
    "pings": "too_many_pings", "ping_answers": "too_many_pings", "settings": "too many SETTINGS frames",
    "rapid_reset": "too many streams were reset", "rapid_reset_of_whole_calls": "too many streams were reset",
    "resets_by_the_server": "too many streams were reset",
    "continuations": "too many CONTINUATION frames", "empty_continuations": "too many CONTINUATION frames",
    "header_bomb": "the header list is too large", "large_block": "the header block is too large",
    "window_updates": "too many WINDOW_UPDATE, PRIORITY or unknown frames", "priorities": "too many WINDOW_UPDATE, PRIORITY or unknown frames",
    "unknown_frames": "too many WINDOW_UPDATE, PRIORITY or unknown frames",
    "empty_data": "too many empty frames", "one_byte_data": "too many small DATA frames",
}
# More of them than streams may be open, in one read: nghttp2 ends the connection before ours counts them.
OTHERWISE = {"resets_by_the_server": (1, "request HEADERS: max concurrent streams exceeded")}
SENT_BYTES_MAX = 16 << 20  # of one connection until it hears so; what waits in sockets counts


def last_words(received):
    """(code, text) of the GOAWAY among the frames received, or None."""
    at = 0
    while len(received) - at >= 9:
        length, kind = int.from_bytes(received[at:at + 3], "big"), received[at + 3]
        if len(received) - at - 9 < length:
            return None
        payload = received[at + 9:at + 9 + length]
        if kind == GOAWAY and int.from_bytes(payload[4:8], "big") != 0:
            return int.from_bytes(payload[4:8], "big"), payload[8:].decode()
        at += 9 + length
    return None


def flood_once(port, pieces):
    """One connection: (bytes sent, GOAWAY's words or None)."""
    received, sent, left = b"", 0, PREFACE + frame(SETTINGS, 0, 0) + frame(SETTINGS, ACK, 0)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.setblocking(False)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            readable, writable, _ = select.select([sock], [sock] if left else [], [], 1)
            try:
                if readable:
                    more = sock.recv(1 << 16)
                    if not more:
                        break
                    received += more
                    if last_words(received):
                        break
                if writable:
                    taken = sock.send(left)
                    sent, left = sent + taken, left[taken:]
                    if not left and sent < 2 * SENT_BYTES_MAX:
                        left = next(pieces)
            except (ConnectionResetError, BrokenPipeError):
                break
    return sent, last_words(received)


class Flooder(threading.Thread):
    def __init__(self, port, floods, name, until):
        super().__init__()
        self.port, self.floods, self.flood, self.until = port, floods, name, until
        self.connections, self.sent, self.wrong = 0, 0, None

    def run(self):
        while time.monotonic() < self.until and not self.wrong:
            sent, words = flood_once(self.port, getattr(self.floods, self.flood)())
            self.connections += 1
            self.sent += sent
            if words not in ((ENHANCE_YOUR_CALM, WANTED[self.flood]), OTHERWISE.get(self.flood)) or sent > SENT_BYTES_MAX or not words:
                self.wrong = "%s: after %d bytes the server says %r" % (self.flood, sent, words)


def cpu_s(server):
    with open("/proc/%d/stat" % server.process.pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def hold_answers(server, count):
    """Connections whose windows are 0: 100 answers wait on each."""
    held = []
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", server.grpc_port), timeout=10)
        start = PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0))
        calls = b"".join(frame(HEADERS, END_HEADERS, stream, head(server.key)) + frame(DATA, END_STREAM, stream, b"\0\0\0\0\0")
                         for stream in range(1, 201, 2))
        sock.sendall(start + calls)
        held.append(sock)
    return held


def check_told(server, cut_count):
    """The log says why, a minute's worth in a line; the metrics count each."""
    told = server.events("grpc.cut_off")
    check(told and told[0]["why"] == "too_many_pings", "the log tells why: %r" % told)

    def counted():
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.web_port, timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("monoscope_server_connections_failed_total{") and 'error_type="cut_off"' in line and 'port="otlp_grpc"' in line:
                    return int(float(line.split()[-1])) >= cut_count
        return False
    wait_until(counted, "the metrics count %d connections cut off" % cut_count, 60)


def main():
    ack_log = os.path.join(STORY_DIR, "acks")
    with Server(options=["--memory", "%dMiB" % MEMORY_MIB]) as server:
        memory = MemoryWatch(server)
        seconds = SECONDS * len(WANTED) + 4
        # A steady exporter, at a rate that leaves the machine to the flood.
        exporter = subprocess.Popen(server.load_command(round(seconds), sender="steady", ack_log=ack_log, connections=1, spans=50, rate=2000),
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        held = hold_answers(server, 10)
        floods, cut_count = Floods(server.key), 0
        for name in WANTED:
            before_s, start = cpu_s(server), time.monotonic()
            flooders = [Flooder(server.grpc_port, floods, name, start + SECONDS) for _ in range(2)]
            for flooder in flooders:
                flooder.start()
            for flooder in flooders:
                flooder.join()
                check(not flooder.wrong, flooder.wrong)
            cut_count += sum(flooder.connections for flooder in flooders) if name not in OTHERWISE else 0
            took_s, spent_s = time.monotonic() - start, cpu_s(server) - before_s
            print("%-28s %4d connections cut, %6.0f KB each; the server's CPU: %.2f of a core" % (
                name, sum(f.connections for f in flooders), sum(f.sent for f in flooders) / sum(f.connections for f in flooders) / 1000,
                spent_s / took_s), flush=True)
        out, errors = exporter.communicate(timeout=60)
        load = json.loads(out)
        check(exporter.returncode == 0 and load["failed"] == load["refused"] == 0, "the exporter is never turned away: %s%s" % (out, errors))
        for sock in held:
            sock.close()
        check_told(server, cut_count)
        acks = acknowledged(ack_log)
        seqs = set().union(*({(sender, seq) for seq in seen} for sender, seen in acks.items()))
        check(len(seqs) > 1000, "the exporter was heard all the while: %d spans" % len(seqs))
        stored = []

        def is_there():
            rows = server.query("SELECT attributes->'load'->>'sender', (attributes->'load'->>'seq')::bigint FROM otel_logs_and_spans WHERE name <> 'flood'")
            stored[:] = [row for row in rows if row[0] is not None]
            return seqs <= set(stored)
        wait_until(is_there, "what was acknowledged is there", 60)
        check(len(stored) == len(set(stored)), "no row is there twice: %d rows of %d numbers" % (len(stored), len(set(stored))))
        answer = Sender(server.grpc_port, server.key).send("traces", traces([span("after all")]))
        check(answer.status == 0, "the port takes spans afterwards: %r" % answer)
        highest = memory.stop()
        check(highest["RssAnon"] < MEMORY_MIB, "memory stays under the cap of %d MiB: %r" % (MEMORY_MIB, highest))
        server.stop()
    print("the exporter meanwhile: %d spans acknowledged, all there once; RSS at most %d MiB of anonymous memory (cap %d)" % (
        len(seqs), highest["RssAnon"], MEMORY_MIB))
    print("it was answered within %.1f ms as a rule, 99 of 100 times within %.1f ms" % (load["ack_p50_ms"], load["ack_p99_ms"]))


main()
