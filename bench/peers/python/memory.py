# What each idle connection adds to a server's memory. VARIANT: conn (held by a list), serve (asyncio's streams)
import asyncio
import os
import socket

import clock
import tls

context = tls.server("ecdsa")


def held_by_list():
    listener = tls.listen()
    idle = clock.Idle(listener.getsockname()[1])
    full = False
    while not full:
        plain = listener.accept()[0]
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far = context.wrap_socket(plain, server_side=True)
        far.send(b"x")
        far.recv(1)
        full = idle.opened(far)


async def in_tasks():
    ended = asyncio.Event()

    async def serve(reader, writer):
        writer.write(b"x")
        await reader.readexactly(1)
        if idle.opened(writer):
            ended.set()
        await reader.read(1)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, backlog=1024)
    idle = clock.Idle(server.sockets[0].getsockname()[1])
    await ended.wait()
    os._exit(0)  # the tasks that wait need not be told


if clock.variant == "serve":
    asyncio.run(in_tasks())
else:
    held_by_list()
