"""X-Road-Request-Hash, computed from the protocol's description alone.

Reads one JSON object a line: verb, target, headers as sent, the id that the
server appended, the message id that it made up (or none), the body in base64.
Writes one hash a line.
"""
import base64
import hashlib
import json
import sys

SKIPPED = {
    "transfer-encoding", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade",
    "connection", "user-agent", "host", "content-length", "server", "expect", "x-road-request-id", "x-road-request-hash",
}

for line in sys.stdin:
    asked = json.loads(line)
    kept = [f"{name}:{value}" for name, value in asked["headers"] if name.lower() not in SKIPPED]
    kept.append("x-road-request-id:" + asked["request_id"])
    if asked.get("made_up_id"):
        kept.append("x-road-id:" + asked["made_up_id"])
    head = "".join(part + "\r\n" for part in [asked["verb"], asked["target"], *kept])
    digest = hashlib.sha512(head.encode()).digest()
    body = base64.b64decode(asked.get("body", ""))
    if body:
        digest = hashlib.sha512(digest + hashlib.sha512(body).digest()).digest()
    print(base64.b64encode(digest).decode())
