"""Contexts of the material, and both ends of a connection in one process."""
import socket
import ssl

import clock

WAITS = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def server(kind):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    base = clock.directory + kind
    context.load_cert_chain(base + "-chain.pem", base + "-leaf.key")
    return context


def client(kind):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(clock.directory + kind + "-root.pem")
    return context


def listen(port=0):
    return socket.create_server(("127.0.0.1", port), backlog=1024)


def prepared(plain):
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setblocking(False)
    return plain


def shaken(end):
    try:
        end.do_handshake()
        return True
    except WAITS:
        return False


def shake(near, far):
    opened = accepted = False
    while not (opened and accepted):
        opened = opened or shaken(near)
        accepted = accepted or shaken(far)
    return near, far


def over_sockets(listener, to_server, to_client, session=None):
    """Two connections over loopback, their handshakes done."""
    near = prepared(socket.create_connection(listener.getsockname()))
    far = prepared(listener.accept()[0])
    lazy = {"do_handshake_on_connect": False}
    return shake(to_server.wrap_socket(near, server_hostname="localhost", session=session, **lazy),
                 to_client.wrap_socket(far, server_side=True, **lazy))


def over_memory(to_server, to_client, session=None):
    """The same over memory that both ends share."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    return shake(to_server.wrap_bio(down, up, server_hostname="localhost", session=session),
                 to_client.wrap_bio(up, down, server_side=True))


def connection(kind, where, look=None):
    """A function that makes one connection from nothing to closed; `look` sees the client and gives the next session."""
    to_server, to_client, listener = client(kind), server(kind), listen()
    last = [None]

    def one():
        if where == "mem":
            near, far = over_memory(to_server, to_client, last[0])
        else:
            near, far = over_sockets(listener, to_server, to_client, last[0])
        far.write(b"x")
        assert read(near, 1) == b"x"
        if look:
            last[0] = look(near, last[0])
        for end in (near, far):
            goodbye(end)
            if where != "mem":
                end.close()

    return one


def read(end, size):
    """Reads so many bytes."""
    got = b""
    while len(got) < size:
        try:
            got += end.read(size - len(got))
        except WAITS:
            pass
    return got


def goodbye(end):
    try:
        end.unwrap()
    except OSError:  # nobody waits for the other's close_notify
        pass
