"""A TCP proxy before PostgreSQL that cuts the connection at a stated message of the protocol.

    with CutProxy(postgres.port) as proxy:
        proxy.cut("request", 7)       # the 7th message of the client from now on: not handed on, both ends closed
        proxy.cut("answer", 3)        # the 3rd request that the server answers is done, and its answer is lost
        proxy.away = True             # and refuse whoever comes, until it is False
        proxy.count("request")        # seen since the last cut()

`away_after` of cut(): the seconds that it is away after the cut; `then_target`: the port of another server from then on."""
import socket
import struct
import threading
import time

ANSWERED = b"QSpF"  # Query, Sync, password messages, FunctionCall; the startup message too


class CutProxy:
    def __init__(self, port):
        self.target = port
        self.lock = threading.Lock()
        self.counts = {"request": 0, "answer": 0}
        self.wanted = None
        self.away_after = 0.0
        self.then_target = None
        self.away = False
        self.cuts = 0
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.close_all()

    def cut(self, kind, number, away_after=0.0, then_target=None):
        with self.lock:
            self.counts = {"request": 0, "answer": 0}
            self.wanted = (kind, number) if number else None
            self.away_after = away_after
            self.then_target = then_target
            self.cuts = 0

    def count(self, kind):
        with self.lock:
            return self.counts[kind]

    def close_all(self):
        for one in list(self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def go_away(self, seconds):
        self.away = True

        def come_back():
            time.sleep(seconds)
            self.away = False
        threading.Thread(target=come_back, daemon=True).start()

    def hits(self, kind):
        """Counts one; True when it is the one to cut at."""
        with self.lock:
            self.counts[kind] += 1
            if self.wanted != (kind, self.counts[kind]):
                return False
            self.wanted = None
            self.cuts += 1
            self.target = self.then_target or self.target
        if self.away_after:
            self.go_away(self.away_after)
        return True

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.away:
                client.close()
                continue
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        pair = (client, server)
        for one in pair:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open.update(pair)
        state = {"swallow": False}
        answers = threading.Thread(target=self.answers, args=(client, server, state), daemon=True)
        answers.start()
        try:
            self.requests(client, server, state, answers)
        except (OSError, EOFError, struct.error):
            pass
        for one in pair:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        answers.join()
        for one in pair:
            one.close()
            self.open.discard(one)

    @staticmethod
    def read(one, count):
        found = b""
        while len(found) < count:
            more = one.recv(count - len(found))
            if not more:
                raise EOFError
            found += more
        return found

    def requests(self, client, server, state, answers):
        is_first = True
        while True:
            kind = b"" if is_first else self.read(client, 1)
            head = self.read(client, 4)
            message = kind + head + self.read(client, struct.unpack("!I", head)[0] - 4)
            if self.hits("request"):
                return
            if (is_first or kind in ANSWERED) and self.hits("answer"):
                state["swallow"] = True
                server.sendall(message)
                answers.join(10)  # until it has answered
                return
            is_first = is_first and struct.unpack("!I", message[4:8])[0] in (80877103, 80877104)  # asks for TLS, GSS
            server.sendall(message)

    def answers(self, client, server, state):
        try:
            while True:
                found = server.recv(65536)
                if state["swallow"] or not found:
                    return
                client.sendall(found)
        except OSError:
            return
        finally:
            if not state["swallow"]:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
