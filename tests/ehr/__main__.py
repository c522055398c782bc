"""`make ehr`: the service and an EHR beside it, for a person with a browser. Nothing is kept at the end."""

import argparse
import logging
import os
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from service.app import create_app
from service.log import set_up_logs
from service.settings import Settings
from tests.ehr.run import serving, serving_ehr


def main() -> None:
    parser = argparse.ArgumentParser(prog="make ehr", description="A service and an EHR beside it, on this machine.")
    parser.add_argument("--port", type=int, default=8080, help="of the service; the page of the EHR is at the next one")
    port = parser.parse_args().port
    if not 0 < port < 65535:
        parser.error("--port should be a number from 1 to 65534.")
    set_up_logs(logging.WARNING)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("Loading the rule library …", flush=True)
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(port=port, data=Path(data))
        try:
            with (
                serving(create_app(settings), port) as service,
                serving_ehr(service, port + 1, lambda: datetime.now(UTC)) as page,
            ):
                print(f"Open {page} in a browser. The service is at {service}.")
                print("All patients are made up, and nothing is kept. Ctrl-C stops both.", flush=True)
                signal.pause()
        except OSError as error:
            why = os.strerror(error.errno or 0)
            sys.exit(f"Port {port} or {port + 1} cannot be used ({why}). Choose another: make ehr PORT=9000")
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()
