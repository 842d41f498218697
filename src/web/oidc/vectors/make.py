#!/usr/bin/env python3
"""Makes keys.json and tokens.txt (words of the refusal, or "ok"; a blank line apart: the token) for id_token_test.c: ID tokens of
a client "monoscope" at 1,800,000,000 s, signed with Python's cryptography and keys that are thrown away."""
import base64
import hashlib
import hmac
import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = 1800000000
GOOD = {"iss": "https://id.example.com", "aud": "monoscope", "sub": "248289761001", "exp": NOW + 300, "iat": NOW - 2,
        "nonce": "n-0S6_WzA2Mj", "email": "jane@example.com", "email_verified": True, "name": "Jane Döe",
        "groups": ["sre", "on call", 7, ""]}


def b64(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def number(value, size):
    return b64(value.to_bytes(size, "big"))


rsa_key, other_rsa, ec_key = (rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048),
                              ec.generate_private_key(ec.SECP256R1()))
rsa_public, ec_public = rsa_key.public_key().public_numbers(), ec_key.public_key().public_numbers()
KEYS = [{"kty": "RSA", "use": "enc", "kid": "r1", "n": number(other_rsa.public_key().public_numbers().n, 256), "e": "AQAB"},
        {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "r1", "n": number(rsa_public.n, 256), "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "kid": "e1", "x": number(ec_public.x, 32), "y": number(ec_public.y, 32)},
        {"kty": "RSA", "alg": "RS256", "kid": "short", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": "o1", "k": "c2VjcmV0"}]


def token(claims, alg="RS256", kid="r1", key=None, header=None):
    head = dict({"alg": alg, "typ": "JWT"}, **(header or {}))
    if kid:
        head["kid"] = kid
    text = b64(json.dumps(head).encode()) + "." + b64(json.dumps(claims).encode())
    if alg == "RS256":
        signature = (key or rsa_key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    elif alg == "ES256":
        r, s = decode_dss_signature((key or ec_key).sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    elif alg == "HS256":
        signature = hmac.new(KEYS[1]["n"].encode(), text.encode(), hashlib.sha256).digest()
    else:
        signature = b""
    return text + "." + b64(signature)


def but(**changes):
    return {name: value for name, value in dict(GOOD, **changes).items() if value is not None}


good = token(GOOD)
head, body, signature = good.split(".")
CASES = [
    ("ok", good), ("ok", token(GOOD, "ES256", "e1")), ("ok", token(GOOD, "ES256", None)),
    ("ok", token(but(aud=["other", "monoscope"], azp="monoscope"))), ("ok", token(but(exp=NOW - 59))),
    ("ok", token(but(aud=["monoscope"], nbf=NOW + 30, iat=NOW + 59))),
    ("RS256 or ES256", token(GOOD, "none", None)), ("RS256 or ES256", token(GOOD, "HS256", "r1")),
    ("RS256 or ES256", token(GOOD, "RS512", "r1")), ("unknown extension", token(GOOD, header={"crit": ["exp"]})),
    ("does not show", token(GOOD, kid="r9")), ("does not show", token(GOOD, kid="e1")), ("does not show", token(GOOD, kid=None)),
    ("does not hold", token(GOOD, key=other_rsa)), ("is none", token(GOOD, kid="short")),
    ("does not hold", head + "." + b64(json.dumps(but(sub="1")).encode()) + "." + signature),
    ("does not hold", head + "." + body + "."), ("does not hold", head + "." + body + "." + signature[:-2]),
    ("is none", head + "." + body), ("is none", good + ".x"), ("is none", "..."), ("is none", good + "="),
    ("is none", b64(b"[]") + "." + body + "." + signature), ("is none", token([1])),
    ("another issuer", token(but(iss="https://id.example.com/"))), ("another issuer", token(but(iss=None))),
    ("another client", token(but(aud="other"))), ("another client", token(but(aud=None))), ("another client", token(but(aud=[]))),
    ("another client", token(but(aud=["other", "monoscope"]))), ("another client", token(but(azp="other"))),
    ("another client", token(but(azp=5))), ("has expired", token(but(exp=NOW - 60))), ("has expired", token(but(exp=None))),
    ("has expired", token(but(exp="soon"))), ("has expired", token(but(exp=-1))), ("issued just now", token(but(iat=NOW + 61))),
    ("issued just now", token(but(iat=NOW - 3601))), ("issued just now", token(but(iat=None))),
    ("not valid yet", token(but(nbf=NOW + 61))), ("not valid yet", token(but(nbf="x"))),
    ("another sign-in", token(but(nonce="x"))), ("another sign-in", token(but(nonce=None))),
    ("no subject", token(but(sub=None))), ("no subject", token(but(sub="a\nb"))), ("no subject", token(but(sub="x" * 256))),
]
with open(os.path.join(HERE, "keys.json"), "w") as f:
    json.dump(KEYS, f, indent=1)
    f.write("\n")
with open(os.path.join(HERE, "tokens.txt"), "w") as f:
    f.writelines("%s\t%s\n" % case for case in CASES)
CORPUS = os.path.join(os.path.dirname(HERE), "corpus", "id_token")
for name, text in (("good", good), ("claims", "{" + json.dumps(GOOD)[1:]), ("audiences", json.dumps(but(aud=["a", "monoscope"], azp="monoscope")))):
    with open(os.path.join(CORPUS, name), "w") as f:
        f.write(text)
