from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from rules.engine.facts import Interval
from service.fhir.moments import age_in_years, days_before, read_moment

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1960", date(1960, 1, 1), date(1960, 12, 31)),
        ("1960-03", date(1960, 3, 1), date(1960, 3, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("1960-03-14", date(1960, 3, 14), date(1960, 3, 14)),
        ("2026-11-21T08:30:00+01:00", date(2026, 11, 21), date(2026, 11, 21)),
        ("2026-11-21T08:30:00.123Z", date(2026, 11, 21), date(2026, 11, 21)),
    ],
)
def test_a_date_means_all_the_days_that_it_leaves_open(text: str, first: date, last: date) -> None:
    moment = read_moment(text)

    assert moment is not None
    assert (first, last) == (moment.first, moment.last)


@pytest.mark.parametrize("text", ["1960", "1960-03", "1960-03-14", "2024-02-29"])
def test_a_date_is_written_as_precisely_as_it_was_recorded(text: str) -> None:
    assert text == str(read_moment(text))


def test_a_moment_is_written_as_its_day() -> None:
    assert str(read_moment("2026-11-20T23:30:00-05:00")) == "2026-11-20"


@pytest.mark.parametrize("text", ["2026-11-21 08:30:00", "2026-11-21T08:30", "2026-11-21T08:30:00", "20261121"])
def test_spellings_of_real_records_are_read(text: str) -> None:
    moment = read_moment(text)

    assert moment is not None
    assert date(2026, 11, 21) == moment.first


@pytest.mark.parametrize("text", ["2026-11-21T09:00:00+01:00", "2026-11-21T03:00:00-05:00", "2026-11-21T08:00:00"])
def test_moments_of_different_zones_are_ordered_by_when_they_were(text: str) -> None:
    moment, same = read_moment(text), read_moment("2026-11-21T08:00:00Z")

    assert moment is not None
    assert same is not None
    assert moment.stamp == same.stamp


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "yesterday", "0000", "2026-13", "2026-11-31", "2026-1-2", "60", "2026-11-", "2026-W47"),
        *("９９９９", "2026\n", "2026-11-21Tnoon", "21.11.2026", "2026-11-21T99:00:00Z"),
    ],
)
def test_what_is_not_a_date_is_none(text: str | None) -> None:
    assert read_moment(text) is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-11-21", Decimal(0)),
        ("2026-11-11", Decimal(10)),
        ("2026-11-20T23:59:59Z", Decimal(1)),
        ("2026-10", Interval(Decimal(21), Decimal(51))),
        ("2025", Interval(Decimal(325), Decimal(689))),
    ],
)
def test_days_are_counted_by_the_calendar(text: str, days: Decimal | Interval) -> None:
    moment = read_moment(text)

    assert moment is not None
    assert days == days_before(moment, NOON)


@pytest.mark.parametrize(("text", "days"), [("2026", Interval(Decimal(0), Decimal(324))), ("2026-11-22", Decimal(0))])
def test_what_has_begun_did_not_begin_after_the_call(text: str, days: Decimal | Interval) -> None:
    moment = read_moment(text)

    assert moment is not None
    assert days == days_before(moment, NOON)


@pytest.mark.parametrize(
    ("recorded", "as_of", "days"),
    [
        # 20:00 in New York on the 21st; in UTC it is the 22nd.
        ("2026-11-21T09:00:00-05:00", datetime(2026, 11, 22, 1, 0, tzinfo=UTC), 0),
        ("2026-11-20T09:00:00-05:00", datetime(2026, 11, 22, 1, 0, tzinfo=UTC), 1),
        # 08:00 in Auckland on the 22nd; in UTC it is the 21st.
        ("2026-11-22T07:00:00+13:00", datetime(2026, 11, 21, 19, 0, tzinfo=UTC), 0),
        ("2026-11-21T07:00:00+13:00", datetime(2026, 11, 21, 19, 0, tzinfo=UTC), 1),
    ],
)
def test_a_day_is_a_day_where_it_was_recorded(recorded: str, as_of: datetime, days: int) -> None:
    moment = read_moment(recorded)

    assert moment is not None
    assert Decimal(days) == days_before(moment, as_of)


def test_the_clock_of_the_server_may_run_in_any_zone() -> None:
    moment = read_moment("2026-11-11T08:00:00Z")
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-8)))

    assert moment is not None
    assert days_before(moment, NOON) == days_before(moment, elsewhere)


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("1965-11-21", Decimal(61)),
        ("1965-11-22", Decimal(60)),
        ("2008-11-22", Decimal(17)),
        ("2004-02-29", Decimal(22)),
        ("1965-11", Interval(Decimal(60), Decimal(61))),
        ("1965-10", Decimal(61)),
        ("1965", Interval(Decimal(60), Decimal(61))),
        ("2026", Decimal(0)),
    ],
)
def test_age_is_in_completed_years(born: str, age: Decimal | Interval) -> None:
    moment = read_moment(born)

    assert moment is not None
    assert age == age_in_years(moment, NOON.date())


@pytest.mark.parametrize(("today", "age"), [(date(2025, 2, 28), 20), (date(2025, 3, 1), 21)])
def test_who_is_born_on_a_leap_day_turns_a_year_older_on_the_first_of_march(today: date, age: int) -> None:
    moment = read_moment("2004-02-29")

    assert moment is not None
    assert Decimal(age) == age_in_years(moment, today)
