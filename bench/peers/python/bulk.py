# One write, as far as it goes, and all of it read into a buffer. VARIANT: 16k 64k
import clock
import tls

size = 16384 if clock.variant == "16k" else 65536
near, far = tls.over_sockets(tls.listen(), tls.client("ecdsa"), tls.server("ecdsa"))
source, target = memoryview(bytes(size)), memoryview(bytearray(size))


def move():
    sent = got = 0
    while got < size:
        if sent < size:
            try:
                sent += near.send(source[sent:])
            except tls.WAITS:
                pass
        while got < sent:
            try:
                got += far.recv_into(target[got:])
            except tls.WAITS:
                break


clock.repeated(move)
