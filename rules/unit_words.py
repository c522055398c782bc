"""UCUM units as they are printed for a clinician."""

__all__ = ["unit_words"]

_UNITS = {
    "{ratio}": "",
    "{score}": "",
    "{xULN}": "times the upper limit",
    "{#}": "",
    "{INR}": "",
    "{SG}": "",
    "a": "years",
    "mo": "months",
    "wk": "weeks",
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "mm[Hg]": "mmHg",
    "10*3/uL": "thousand/uL",
    "ng/mL{FEU}": "ng/mL FEU",
    "m[IU]/L": "mIU/L",
    "[IU]/mL": "IU/mL",
    "mg/g{creat}": "mg/g",
    "/[HPF]": "per field",
    "mL/min/{1.73_m2}": "mL/min/1.73 m2",
    "Cel": "degrees C",
}


def unit_words(unit: str | None) -> str:
    """A UCUM unit as it is printed for a clinician."""
    return _UNITS.get(unit or "", unit or "")
