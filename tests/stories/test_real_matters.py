"""A real district's 1,135 matters: typed, measured and told apart; what nobody stated is no data."""

from pathlib import Path

import pytest

from catalogue import indicators
from catalogue.district import DEPARTMENTS, ITEMS, read_district
from catalogue.indicators import INDICATORS, District
from catalogue.materials import MatterType

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "d01-guangan-approval-items"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"{FOLDER} is not here: it lies beside the project"
)


def a_real_district() -> District:
    departments, matters = read_district(
        (FOLDER / DEPARTMENTS).read_bytes(), (FOLDER / ITEMS).read_bytes()
    )
    return District(
        departments={one.code: one for one in departments.rows},
        connected={},
        matters={one.code: one for one in matters.rows},
        supplied={},
        answers=(),
        deliveries=(),
        scores=(),
        late={},
        names={},
        online_depth=2,
    )


def test_every_real_matter_has_its_type_and_nothing_else_is_made_up() -> None:
    real = a_real_district()
    assert (len(real.departments), len(real.matters)) == (34, 1_135)
    types = [one.type for one in real.matters.values()]
    assert None not in types
    assert types.count(MatterType.LICENCE) == 536
    found = indicators.measure(real)
    for indicator in set(INDICATORS) - {"departments-connected"}:
        value = found.value(indicator)
        assert value.share is None, indicator
    assert found.value("matters-no-trip").missing == 1_135
    connected = found.value("departments-connected")
    assert (connected.numerator, connected.denominator) == (0, 34)
