"""What other clients do when the answer to a paid call is lost: `python tests/benchmarks/peers.py`.

Each client starts one job at a server of this machine, which reads the call whole and then breaks the connection, or answers as a
broken gateway does. Counted is how often the call arrived: each arrival may be a paid job. The clients are installed in a temporary
folder, the one for Node only if there is npm.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import venv
from pathlib import Path

PYTHON_PEERS = ("xai-sdk==1.21.0", "openai==3.57.0", "httpx==0.28.1")
NODE_PEERS = ("ai@7.0.173", "@ai-sdk/xai@5.0.12")

OURS = """
from grok_imagine import Client
Client("k", base_url=URL).video.start("x", duration=1)
"""
OPENAI = """
import openai
openai.OpenAI(api_key="k", base_url=URL).videos.create(prompt="x")
"""
LOOP = """
import httpx
httpx.post(URL + "/videos/generations", json={"model": "grok-imagine-video", "prompt": "x"})
"""
NODE = """
import { experimental_generateVideo as generateVideo } from 'ai';
import { createXai } from '@ai-sdk/xai';
const xai = createXai({ baseURL: process.argv[2], apiKey: 'k' });
await generateVideo({ model: xai.video('grok-imagine-video'), prompt: 'x', duration: 1 });
"""
GRPC = """
import socket, struct, sys, threading
from concurrent import futures
import grpc, xai_sdk
from xai_sdk.proto import deferred_pb2, video_pb2_grpc

calls, ends = [], []

class Service(video_pb2_grpc.VideoServicer):
    def GenerateVideo(self, request, context):
        calls.append(request)
        for end in ends:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        ends.clear()
        return deferred_pb2.StartDeferredResponse(request_id="r")

server = grpc.server(futures.ThreadPoolExecutor(8))
video_pb2_grpc.add_VideoServicer_to_server(Service(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
door = socket.create_server(("127.0.0.1", 0))

def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass

def accept():
    while True:
        near, far = door.accept()[0], socket.create_connection(("127.0.0.1", port))
        ends.extend((near, far))
        for pair in ((near, far), (far, near)):
            threading.Thread(target=pump, args=pair, daemon=True).start()

threading.Thread(target=accept, daemon=True).start()
try:
    xai_sdk.Client("k", api_host=f"127.0.0.1:{door.getsockname()[1]}", use_insecure_channel=True).video.start("x", "m")
except Exception as error:
    print(type(error).__name__, file=sys.stderr)
print(len(calls), flush=True)
server.stop(0)
import os
os._exit(0)
"""


class Service:
    """Takes each call whole, and gives no answer that is one. `posts` counts them."""

    def __init__(self, answer: bytes) -> None:
        self.posts, self._answer = 0, answer
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._door.accept()
            threading.Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                if not (more := connection.recv(65536)):
                    return
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            while len(body) < int(fields.get(b"content-length", b"0")):
                body += connection.recv(65536)
            self.posts += head.startswith(b"POST")
            if self._answer:
                connection.sendall(self._answer)
            else:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/plain\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbad"


def arrivals(command: list[str], answer: bytes) -> int:
    """How often one call of a client arrives. The address is its last argument."""
    service = Service(answer)
    subprocess.run([*command, service.url], capture_output=True, timeout=300, check=False)
    return service.posts


def python(interpreter: Path | str, code: str) -> list[str]:
    """The command of a Python program that finds the address in URL."""
    return [str(interpreter), "-W", "ignore", "-c", f"import sys\nURL = sys.argv[1]\n{code}"]


def main() -> None:
    """Measures, and prints a table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "env", with_pip=True)
        theirs = folder / "env" / "bin" / "python"
        subprocess.run([theirs, "-m", "pip", "install", "--quiet", *PYTHON_PEERS], check=True)
        print("| Calls that arrive when one job is started | connection reset | 502 |\n|---|---|---|")
        clients = {"grok-imagine": python(sys.executable, OURS)}
        if npm := shutil.which("npm"):
            (folder / "peer.mjs").write_text(NODE)
            subprocess.run([npm, "init", "--yes"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            subprocess.run([npm, "install", "--silent", *NODE_PEERS], cwd=folder, check=True)
            clients[" with ".join(NODE_PEERS)] = ["node", str(folder / "peer.mjs")]
        clients |= {PYTHON_PEERS[1]: python(theirs, OPENAI), f"{PYTHON_PEERS[2]}, called once": python(theirs, LOOP)}
        for client, command in clients.items():
            print(f"| {client} | {arrivals(command, b'')} | {arrivals(command, GATEWAY)} |", flush=True)
        environment = {**os.environ, "GRPC_VERBOSITY": "NONE"}
        done = subprocess.run([theirs, "-c", GRPC], capture_output=True, text=True, timeout=120, env=environment)
        print(f"| {PYTHON_PEERS[0]} | {done.stdout.strip()} | |")


if __name__ == "__main__":
    main()
