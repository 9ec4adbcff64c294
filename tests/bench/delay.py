"""A network that is far away: what goes through it arrives ten milliseconds later, in either direction.

``python -m tests.bench.delay PORT`` prints the port on which it listens, and passes all on to PORT.
"""

import asyncio
import contextlib
import sys
from functools import partial

ONE_WAY = 0.010  # seconds: a round trip of 20 ms


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(65536):
        loop.call_later(ONE_WAY, writer.write, data)
    await asyncio.sleep(ONE_WAY)
    writer.close()


async def _connected(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))


async def _serve(port: int) -> None:
    server = await asyncio.start_server(partial(_connected, port), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
