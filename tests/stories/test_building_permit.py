"""The story of the demonstration: the very one that `exchange demo` tells, each of its sentences checked."""

from pathlib import Path

import pytest

from audit.note import parse_vkey
from exchange.cli.demo import WITNESS, WITNESSES
from exchange.clock import now
from exchange.demo.setup import found_district, join_systems, publish
from exchange.demo.sources import LabourService
from exchange.demo.story import Story
from exchange.demo.witness import DepartmentWitness, write_policy
from exchange.node import create_home, open_node
from exchange.serving import Serving
from exchange.settings import Settings
from tests.fakes.node import a_free_port, say_nothing


@pytest.mark.proves("L1", "L3", "R1")
def test_the_building_permit_story_comes_out_as_told(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path / "home",
        port=a_free_port(),
        origin="exchange.yunxiu.example/log",
        demo=True,
        witness_policy=WITNESSES,
    )
    key = parse_vkey(create_home(settings))
    witness = DepartmentWitness(settings.home / "witness", name=WITNESS, now=now)
    witness.start(origin=settings.origin, key=key)
    write_policy(settings.home / WITNESSES, key=key, witness=witness)
    labour = LabourService(token="labour-token-of-the-story")
    labour.start()
    node = open_node(settings)
    place = found_district(node, say=say_nothing)
    serving = Serving(node)
    serving.start()
    said: list[str] = []
    try:
        join_systems(place, base_url=settings.base_url, vkey=node.vkey, say=say_nothing)
        publish(
            place, labour_url=f"http://127.0.0.1:{labour.port}", token=labour.token, say=say_nothing
        )
        story = Story(place, base_url=settings.base_url, say=said.append, witness=witness)
        try:
            story.tell(labour)
        finally:
            story.close()
    finally:
        labour.stop()
        serving.stop()
        witness.stop()
    assert story.failed == []
    assert sum("✓" in sentence for sentence in said) >= 25
    assert sum(sentence.startswith("\n") for sentence in said) >= 9
