"""Write the page of conformance anew."""

from tests.conformance.table import PAGE, as_page

PAGE.write_text(as_page(), encoding="utf-8")
