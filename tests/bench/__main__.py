"""
`make bench`: CPU per hook call, the decision committed, against the bars of the project. It reports; it fails nothing.

A call goes through the whole ASGI app in process: routing, decoding, facts, rules, cards, and the record committed with
synchronous=FULL. Sizes are run in turn, round after round, and the minimum and median of the rounds are printed, since
the machine is shared. CPU is that of the whole process, the writer thread included.
"""

import asyncio
import json
import logging
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cds_hooks.discovery import discovery_document
from rules.loader import LIBRARY
from rules.pack import load_pack
from service.app import create_app
from service.log import set_up_logs
from service.settings import Settings
from tests.bench.bodies import body_of
from tests.bench.libraries import multiplied

SIZES = (20, 50, 200, 500, 2000)
BARS = {50: 1.4 * 1.5, 500: 6.0 * 1.5}
"""Milliseconds of CPU: one and a half times what was measured for a prototype of this stack."""
ROUNDS, CALLS = 9, {20: 40, 50: 40, 200: 20, 500: 10, 2000: 4}
REFERENCE_PARSE = 16.7
"""Microseconds of json.loads per resource on the machine where the bars were measured."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_bench(Path(folder)))


async def _bench(folder: Path) -> None:
    set_up_logs(logging.ERROR)
    pack = load_pack(LIBRARY)
    services = discovery_document(pack, datetime.now(UTC).date())["services"]
    service = next(each for each in services if each["hook"] == "patient-view")
    bodies = {size: body_of(size, service, pack.library.intake_url) for size in SIZES}
    parse = _parse_cost(bodies[500]) / 500
    print(
        f"json.loads: {parse * 1000:.1f} us a resource, {parse * 1000 / REFERENCE_PARSE:.2f} of the reference machine"
    )
    apps = {"shipped rules": _app(folder / "one", LIBRARY)}
    for name, fresh in (("ten times, new facts", True), ("ten times, same facts", False)):
        apps[name] = _app(folder / name.replace(" ", "-"), multiplied(LIBRARY, folder / f"library-{fresh}", 10, fresh))
    costs: dict[tuple[str, int], list[float]] = {(name, size): [] for name in apps for size in SIZES}
    started = [(name, app, app.router.lifespan_context(app)) for name, app in apps.items()]
    for _, _, context in started:
        await context.__aenter__()
    for _ in range(ROUNDS):
        for size in SIZES:
            for name, app, _ in started:
                costs[name, size].append(await _cost(app, service["id"], bodies[size], CALLS[size]))
    for _, _, context in started:
        await context.__aexit__(None, None, None)
    _report(costs, {size: len(body) for size, body in bodies.items()}, list(apps), parse * 1000 / REFERENCE_PARSE)


def _app(data: Path, library: Path) -> Any:
    return create_app(Settings(data=data, library=library))


def _parse_cost(body: bytes) -> float:
    """Milliseconds of CPU for json.loads of a body: the yardstick for the speed of this machine."""
    costs = []
    for _ in range(9):
        began = time.process_time()
        for _ in range(10):
            json.loads(body)
        costs.append((time.process_time() - began) * 100)
    return min(costs)


async def _cost(app: Any, service: str, body: bytes, calls: int) -> float:
    """Milliseconds of CPU per call."""
    began = time.process_time()
    for number in range(calls):
        await _post(app, f"/cds-services/{service}", body.replace(b"@@@@", b"%04d" % number))
    return (time.process_time() - began) * 1000 / calls


async def _post(app: Any, path: str, body: bytes) -> bytes:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
    }
    answer: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answer.append(message)

    await app(scope, receive, send)
    if answer[0]["status"] != 200:
        raise RuntimeError(f"the call was answered {answer[0]['status']}: {answer[1]['body'][:300]!r}")
    return bytes(answer[1]["body"])


def _report(costs: dict[tuple[str, int], list[float]], sizes: dict[int, int], names: list[str], speed: float) -> None:
    base = names[0]
    print(
        f"\n{'resources':>9} {'KiB':>6} " + " ".join(f"{name:>24}" for name in names) + f" {'bar':>6} {'bar here':>9}"
    )
    for size in SIZES:
        cells = []
        for name in names:
            values, own = costs[name, size], costs[base, size]
            ratio = statistics.median(a / b for a, b in zip(values, own, strict=True))
            cells.append(f"{min(values):6.2f} / {statistics.median(values):6.2f} x{ratio:5.2f}")
        bar = BARS.get(size)
        text = f"{bar:6.2f} {bar * speed:9.2f}" if bar else f"{'':>6} {'':>9}"
        print(f"{size:>9} {sizes[size] // 1024:>6} " + " ".join(f"{cell:>24}" for cell in cells) + f" {text}")
    print("\nms of CPU per call, minimum / median of the rounds, and the median ratio to the shipped rules.")
    print("Bar: 1.5 times the prototype's figure; 'bar here' is scaled by this machine's json.loads.")


if __name__ == "__main__":
    main()
