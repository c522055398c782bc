"""
`make mutants`: change every rule and every code in every small way and see that a case fails.

    python -m tests.mutants                      the whole library
    python -m tests.mutants causes/sciatica      some of it; `definitions` are the shared criteria,
                                                 `codes` the value sets

What survives is listed in survivors.yaml with the reason why no case could tell the difference; any other survivor, or
fewer than 95 % found, is a failure.
"""

import sys
from concurrent.futures import ProcessPoolExecutor

from tests.mutants.run import LEAST_FOUND, Outcome, listed_survivors, names, try_out


def main(wanted: list[str]) -> int:
    known = names()
    chosen = [name for name in known if not wanted or name in wanted or name.split("/")[0] in wanted]
    if not chosen:
        print(f"There is no {', '.join(wanted)}. There are: {', '.join(known)}.")
        return 2
    reasons = listed_survivors()
    with ProcessPoolExecutor() as pool:
        outcomes = list(pool.map(try_out, chosen))
    for outcome in outcomes:
        print(f"{outcome.name}: {outcome.found} of {outcome.all} changes found")
        for survivor in outcome.survivors:
            print(f"    {survivor}: {reasons.get(f'{outcome.name} {survivor}', 'SURVIVED, no reason listed')}")
    return _verdict(outcomes, reasons)


def _verdict(outcomes: list[Outcome], reasons: dict[str, str]) -> int:
    found, made = sum(each.found for each in outcomes), sum(each.all for each in outcomes)
    survived = {f"{each.name} {survivor}" for each in outcomes for survivor in each.survivors}
    new = survived - reasons.keys()
    tried = {each.name for each in outcomes}
    gone = {name for name in reasons.keys() - survived if name.split(" ")[0] in tried}
    share = f"{found} of {made} changes found ({found / max(made, 1):.1%})"
    print(f"\n{share}; {len(survived)} survived, {len(new)} of them unlisted.")
    for name in sorted(gone):
        print(f"Listed as a survivor, but it is found now; take it off the list: {name}")
    return 1 if new or gone or found < LEAST_FOUND * made else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
