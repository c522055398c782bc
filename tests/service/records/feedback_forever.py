"""Records feedback until it is killed, and prints each card once its entry is acknowledged. For test_kill.py."""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from service.records.feedback_log import FeedbackLog
from service.records.log import open_log
from tests.service.records.builders import AS_OF, SENDER, a_feedback


async def record_forever(log: FeedbackLog, prefix: str) -> None:
    for number in itertools.count():
        card = f"{prefix}-{number}"
        await log.record([a_feedback(card)], SENDER, AS_OF)
        os.write(
            sys.stdout.fileno(), f"{card}\n".encode()
        )  # unbuffered: it has left this process when the call returns


async def main(folder: Path, name: str) -> None:
    decisions = open_log(folder)
    decisions.start()
    log = FeedbackLog(decisions)
    await asyncio.gather(*(record_forever(log, f"{name}-{caller}") for caller in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
