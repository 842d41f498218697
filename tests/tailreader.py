"""A reader of a live tail: the events of GET /api/v1/projects/{project}/tail, read on a thread of its own.

    with Tail(server, token, "default", q="level:error") as tail:
        wait_until(lambda: len(tail.rows) == 3, "they come")
        tail.rates[-1]["matched"] == len(tail.rows) + tail.dropped
"""
import json
import socket
import threading
import time
import urllib.parse

from monoscope import check


class Tail:
    def __init__(self, server, token, project, slow_s=0, last_event_id=None, receive_bytes=None, **query):
        self.rows, self.rates, self.dropped, self.came, self.reason = [], [], 0, [], None
        self.status, self.problem, self.started, self.last_id, self.is_over = None, None, None, None, False
        self.slow_s = slow_s
        query = {name: value for name, value in query.items() if value not in (None, "")}
        path = "/api/v1/projects/%s/tail?%s" % (project, urllib.parse.urlencode(query))
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect(("127.0.0.1", server.web_port))
        head = "GET %s HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n" % (path, token)
        if last_event_id:
            head += "last-event-id: %s\r\n" % last_event_id
        self.socket.sendall((head + "\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(10)
        self.file.close()
        self.socket.close()

    def wait_started(self):
        end = time.monotonic() + 20
        while self.started is None and not self.is_over and time.monotonic() < end:
            time.sleep(0.01)
        check(self.started is not None, "the tail starts: %s %s" % (self.status, self.problem))
        return self

    def pieces(self):
        """Chunks of the answer, without their frames."""
        while True:
            size = int(self.file.readline().strip() or b"0", 16)
            if size == 0:
                return
            yield self.file.read(size)
            self.file.read(2)
            if self.slow_s:
                time.sleep(self.slow_s)

    def run(self):
        try:
            self.status = int(self.file.readline().split()[1])
            headers = {}
            for line in iter(self.file.readline, b"\r\n"):
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            if self.status != 200:
                self.problem = json.loads(self.file.read(int(headers["content-length"])))
                return
            check(headers["content-type"] == "text/event-stream", "it is a stream of events: %s" % headers)
            rest = b""
            for piece in self.pieces():
                *events, rest = (rest + piece).split(b"\n\n")
                for event in events:
                    self.take(dict(line.split(": ", 1) for line in event.decode().split("\n")))
        except (OSError, ValueError):
            pass
        finally:
            self.is_over = True

    def take(self, event):
        data = json.loads(event["data"])
        if event["event"] == "start":
            self.started = data
        elif event["event"] == "rows":
            now = time.time()
            self.rows += data["rows"]
            self.came += [now] * len(data["rows"])
        elif event["event"] == "dropped":
            self.dropped += data["count"]
        elif event["event"] == "rate":
            self.rates.append(data)
        elif event["event"] == "end":
            self.reason = data["reason"]
        if "id" in event:
            self.last_id = event["id"]
