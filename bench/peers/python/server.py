# An echo server on the port COUNT, until it is ended: a protocol of asyncio for each connection.
import asyncio

import clock
import tls


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", clock.count, ssl=tls.server("ecdsa"), reuse_port=True)
    await server.serve_forever()


asyncio.run(main())
