"""The person: age, administrative sex, and whether the record says that they died."""

from decimal import Decimal

from rules.engine.facts import Absent, Interval, Known, Reason
from service.fhir.chart import Candidate, Chart
from service.fhir.moments import Moment, age_in_years, read_moment
from service.fhir.resources import Patient

__all__ = ["read_patient"]

_SEXES = ("male", "female", "other")
_OLDEST = 130
"""Years. Systems write 0001-01-01 and the like where they know no date of birth."""


def read_patient(chart: Chart, patient: Patient, source: str) -> None:
    """Offer what the Patient resource says; a date of birth that cannot be is refused."""
    birth = read_moment(patient.birth_date)
    dead = bool(patient.deceased_boolean or patient.deceased_date_time)
    for name, fact in chart.pack.demographic_facts.items():
        if fact.of == "age":
            _read_age(chart, name, birth, bool(patient.birth_date), source)
        elif fact.of == "deceased":
            _offer(chart, name, Known(True, source=source) if dead else Absent(source=source))
        elif patient.gender in _SEXES:
            _offer(chart, name, Known(frozenset((patient.gender,)), source=source))


def _read_age(chart: Chart, name: str, birth: Moment | None, stated: bool, source: str) -> None:
    if birth is None:
        if stated:
            chart.refuse(name, Reason.UNREADABLE)
        return
    age = age_in_years(birth, chart.today)
    if birth.stamp > chart.as_of.timestamp() or _oldest(age) > _OLDEST:
        chart.refuse(name, Reason.IMPLAUSIBLE)
    else:
        _offer(chart, name, Known(age, str(birth), source))


def _oldest(age: Decimal | Interval) -> Decimal:
    return age if isinstance(age, Decimal) else age.high or Decimal(0)


def _offer(chart: Chart, name: str, known: Known | Absent) -> None:
    chart.offer(name, Candidate(chart.now, known))
