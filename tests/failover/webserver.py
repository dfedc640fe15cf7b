"""An HTTP server in a process of its own, which may be killed, stopped and filled up.

Run as a program: `webserver.py HOST PORT`. It writes an octet to stdout once it listens,
and one after each request that it has answered.
"""

from __future__ import annotations

import os
import socket
import sys

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def serve(host: str, port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1)
        os.write(1, b".")
        while True:
            client, _ = listener.accept()
            with client:
                client.settimeout(5)
                try:
                    request = b""
                    while b"\r\n\r\n" not in request and (octets := client.recv(4096)):
                        request += octets
                    client.sendall(RESPONSE)
                except OSError:
                    continue
            os.write(1, b".")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
