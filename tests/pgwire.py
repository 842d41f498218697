"""A client of PostgreSQL's protocol on a bare socket, that sends what it is told to and shows what comes.

    with Wire(server, "cert.pem") as wire:       # SSLRequest, TLS
        wire.start()                             # startup, SCRAM-SHA-256(-PLUS), up to ReadyForQuery
        rows, tags = wire.query("SELECT 1")      # simple protocol
        wire.send(wire.parse("", "SELECT 1") + wire.bind("", "") + wire.execute() + wire.sync())
        wire.read_types(1)                       # "12DCZ": the types of what comes, up to the first ReadyForQuery
"""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct
import subprocess


def certificate(folder):
    """Paths of a certificate for localhost, signed by itself, and of its key."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def field(message, name):
    """Of an ErrorResponse or NoticeResponse."""
    for part in (message or b"").split(b"\0"):
        if part[:1] == name.encode():
            return part[1:].decode()
    return None


def cancel(server, pid, secret):
    with socket.create_connection(("127.0.0.1", server.pg_port), timeout=10) as raw:
        raw.sendall(struct.pack("!III", 12 + len(secret), 80877102, pid) + secret)
        raw.recv(1)


def frame(kind, payload):
    return kind + struct.pack("!I", len(payload) + 4) + payload


class Wire:
    def __init__(self, server, cert, direct=False, alpn="postgresql", gss=False, key=None):
        self.key, self.cert = key or server.key, cert
        self.last_error = self.last_notice = None
        self.parameters, self.negotiated, self.status, self.buffer = {}, [], None, b""
        raw = socket.create_connection(("127.0.0.1", server.pg_port), timeout=30)
        for wanted, code in ((gss, 80877104), (not direct, 80877103)):
            if wanted:
                raw.sendall(struct.pack("!II", 8, code))
                answer = raw.recv(1)
                if answer != (b"N" if code == 80877104 else b"S"):
                    raise ConnectionError("request %d is answered %r" % (code, answer))
        context = ssl.create_default_context(cafile=cert)
        if direct and alpn:
            context.set_alpn_protocols([alpn])
        self.socket = context.wrap_socket(raw, server_hostname="localhost")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def take(self, count):
        while len(self.buffer) < count:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read(self):
        head = self.take(5)
        kind, payload = head[:1].decode(), self.take(struct.unpack("!I", head[1:])[0] - 4)
        if kind == "E":
            self.last_error = payload
        elif kind == "N":
            self.last_notice = payload
        elif kind == "S":
            name, value = payload.split(b"\0")[:2]
            self.parameters[name.decode()] = value.decode()
        elif kind == "Z":
            self.status = payload.decode()
        return kind, payload

    # -- startup

    def start(self, version=0x0003_0000, user="default", **options):
        words = dict({"user": user, "database": "monoscope"}, **options)
        packet = struct.pack("!I", version) + b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in words.items()) + b"\0"
        self.send(struct.pack("!I", len(packet) + 4) + packet)
        while True:
            kind, payload = self.read()
            if kind == "v":
                newest, count = struct.unpack("!II", payload[:8])
                self.negotiated.append((newest, [name.decode() for name in payload[8:].split(b"\0")[:count]]))
            elif kind == "R":
                self.authenticate(struct.unpack("!I", payload[:4])[0], payload[4:])
            elif kind == "K":
                self.pid, self.secret = struct.unpack("!I", payload[:4])[0], payload[4:]
            elif kind == "E":
                raise ConnectionError(field(payload, "M"))
            elif kind == "Z":
                return self.negotiated

    def authenticate(self, step, data):
        if step == 10:
            self.mechanisms = [name.decode() for name in data.split(b"\0") if name]
            with open(self.cert) as f:
                end_point = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).digest()
            header = b"p=tls-server-end-point,,"
            self.binding = base64.b64encode(header + end_point)
            self.first_bare = b"n=,r=" + base64.b64encode(os.urandom(18))
            first = header + self.first_bare
            self.send(frame(b"p", b"SCRAM-SHA-256-PLUS\0" + struct.pack("!I", len(first)) + first))
        elif step == 11:
            parts = dict((part[:1], part[2:]) for part in data.split(b","))
            salted = hashlib.pbkdf2_hmac("sha256", self.key.encode(), base64.b64decode(parts[b"s"]), int(parts[b"i"]))
            sign = lambda key, text: hmac.new(key, text, "sha256").digest()
            last = b"c=" + self.binding + b",r=" + parts[b"r"]
            auth = self.first_bare + b"," + data + b"," + last
            client_key = sign(salted, b"Client Key")
            signature = sign(hashlib.sha256(client_key).digest(), auth)
            self.server_signature = sign(sign(salted, b"Server Key"), auth)
            self.send(frame(b"p", last + b",p=" + base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature)))))
        elif step == 12 and base64.b64decode(data[2:]) != self.server_signature:
            raise ConnectionError("the server does not know the key")

    # -- messages

    @staticmethod
    def parse(name, sql, types=()):
        return frame(b"P", name.encode() + b"\0" + sql.encode() + b"\0" + struct.pack("!H", len(types)) + b"".join(struct.pack("!I", oid) for oid in types))

    @staticmethod
    def bind(portal, name, values=(), formats=()):
        return frame(b"B", portal.encode() + b"\0" + name.encode() + b"\0" + struct.pack("!HH", 0, len(values)) +
                     b"".join(struct.pack("!I", len(value)) + value for value in values) + struct.pack("!H", len(formats)) +
                     b"".join(struct.pack("!H", one) for one in formats))

    @staticmethod
    def describe(kind, name):
        return frame(b"D", kind.encode() + name.encode() + b"\0")

    @staticmethod
    def execute(portal="", rows=0):
        return frame(b"E", portal.encode() + b"\0" + struct.pack("!I", rows))

    @staticmethod
    def close(kind, name):
        return frame(b"C", kind.encode() + name.encode() + b"\0")

    @staticmethod
    def sync():
        return frame(b"S", b"")

    @staticmethod
    def flush():
        return frame(b"H", b"")

    @staticmethod
    def query_message(sql):
        return frame(b"Q", sql.encode() + b"\0")

    # -- answers

    def read_types(self, readies, until=None):
        """The types of what comes up to so many ReadyForQuery, or up to one of a type; without parameters and notices."""
        seen = ""
        while True:
            kind, _ = self.read()
            if kind not in "SN":
                seen += kind
            readies -= kind == "Z"
            if kind == until or (until is None and readies == 0):
                return seen

    def query(self, sql, may_end=False):
        """(rows, tags); a failure is in last_error."""
        self.last_error, rows, tags = None, [], []
        self.send(self.query_message(sql))
        while True:
            try:
                kind, payload = self.read()
            except (EOFError, ConnectionError, ssl.SSLError):
                if may_end:
                    return rows, tags
                raise
            if kind == "D":
                at, row = 2, []
                for _ in range(struct.unpack("!H", payload[:2])[0]):
                    size = struct.unpack("!i", payload[at:at + 4])[0]
                    row.append(None if size < 0 else payload[at + 4:at + 4 + size])
                    at += 4 + max(size, 0)
                rows.append(row)
            elif kind == "C":
                tags.append(payload[:-1].decode())
            elif kind == "I":
                tags.append(None)
            elif kind == "Z":
                return rows, tags

    def read_end(self):
        """Until the server has closed the connection."""
        try:
            while True:
                self.read()
        except (EOFError, ConnectionError, ssl.SSLError):
            pass
