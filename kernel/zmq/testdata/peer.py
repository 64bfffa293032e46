# What libzmq's side of a test begins with. The tests append their own lines and talk to them over stdin and stdout.
import hashlib, hmac, json, sys, uuid
import zmq

conn = json.loads(sys.argv[1])
key = conn["key"].encode()
ctx = zmq.Context()
PORTS = {"shell": "shell_port", "control": "control_port", "stdin": "stdin_port", "iopub": "iopub_port", "hb": "hb_port"}


def endpoint(channel):
    sep = ":" if conn["transport"] == "tcp" else "-"
    return f"{conn['transport']}://{conn['ip']}{sep}{conn[PORTS[channel]]}"


def open_socket(kind, channel, bind=False, **options):
    s = ctx.socket(kind)
    s.linger = 1000
    for name, value in options.items():
        s.setsockopt(getattr(zmq, name), value)
    (s.bind if bind else s.connect)(endpoint(channel))
    return s


def subscriber(**options):
    return open_socket(zmq.SUB, "iopub", SUBSCRIBE=b"", **options)


def sign(parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).hexdigest().encode()


def frames(kind, content, parent=None):
    header = {"msg_id": str(uuid.uuid4()), "session": "s", "username": "u", "date": "2026-01-01T00:00:00Z",
              "msg_type": kind, "version": "5.4"}
    return [json.dumps(p).encode() for p in (header, parent or {}, {}, content)]


def send(s, kind, content, parent=None, idents=()):
    parts = frames(kind, content, parent)
    s.send_multipart([*idents, b"<IDS|MSG>", sign(parts), *parts])


def recv(s, ms=20000):
    if not s.poll(ms):
        raise SystemExit("nothing came")
    raw = s.recv_multipart()
    at = raw.index(b"<IDS|MSG>")
    assert raw[at + 1] == sign(raw[at + 2:at + 6]), "wrong signature"
    header, parent, _, content = (json.loads(p) for p in raw[at + 2:at + 6])
    return raw[:at], header, parent, content


def say(*words):
    print(*words, flush=True)


def hear():
    return sys.stdin.readline().strip()

