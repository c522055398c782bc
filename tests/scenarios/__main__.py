"""Write the golden files of all scenarios anew."""

from tests.scenarios.scenario import scenarios

for scenario in scenarios():
    scenario.write()
