"""A TLS peer for specs, in Python: one line is read and answered with what is known of the connection.

peer.py server PORT CERT KEY VERSION [CLIENT_CA]
peer.py client PORT CA VERSION [CERT KEY]
"""
import socket
import ssl
import sys

ROLE, PORT = sys.argv[1], int(sys.argv[2])


def limit(context, version):
    wanted = ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2
    context.minimum_version = context.maximum_version = wanted
    context.set_alpn_protocols(["none", "echo"])


def facts(tls, name):
    peer = tls.getpeercert() or {}
    subject = ",".join(value for part in peer.get("subject", ()) for key, value in part if key == "commonName")
    return f"{tls.version()} {tls.selected_alpn_protocol()} {name} {tls.session_reused} [{subject}]"


def serve(cert, key, version, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    limit(context, version)
    names = {}
    context.sni_callback = lambda tls, name, _: names.update({"last": name})
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    with socket.create_server(("127.0.0.1", PORT)) as listener:
        while True:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as tls:
                    line = tls.recv(1000)
                    tls.sendall(line[:-1][::-1] + b" " + facts(tls, names.get("last")).encode() + b"\n")
                    tls.unwrap()
            except OSError:
                pass


def talk(context, session):
    with socket.create_connection(("127.0.0.1", PORT)) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
            tls.sendall(b"hello\n")
            print(tls.makefile().readline().strip(), "/", facts(tls, "localhost"))
            return tls.session


def connect(ca, version, cert=None, key=None):
    context = ssl.create_default_context(cafile=ca)
    limit(context, version)
    if cert:
        context.load_cert_chain(cert, key)
    session = talk(context, None)
    talk(context, session)


{"server": serve, "client": connect}[ROLE](*sys.argv[3:])
