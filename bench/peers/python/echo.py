# 64 bytes there and back. VARIANT: 64
import clock
import tls

near, far = tls.over_sockets(tls.listen(), tls.client("ecdsa"), tls.server("ecdsa"))
out = b"a" * 64


def round_trip():
    near.send(out)
    far.send(tls.read(far, 64))
    assert tls.read(near, 64) == out


clock.repeated(round_trip)
