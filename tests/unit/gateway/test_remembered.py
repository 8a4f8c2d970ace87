"""What calls share is worked out once, and never mistaken for what belongs to other objects."""

from gateway.remembered import Remembered


class Thing:
    """An object that equals every other of its kind, and is none of them."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing)

    def __hash__(self) -> int:
        return 1


def test_a_value_is_made_once_for_the_very_same_objects() -> None:
    remembered: Remembered[object] = Remembered()
    one, other = Thing(), Thing()
    first = remembered.of((one, other), object)
    assert remembered.of((one, other), object) is first
    assert remembered.of((other, one), object) is not first
    assert remembered.of((one, Thing()), object) is not first


def test_what_stands_beside_is_compared_by_value() -> None:
    remembered: Remembered[object] = Remembered()
    thing = Thing()
    first = remembered.of((thing,), object, beside=("s1", 2))
    assert remembered.of((thing,), object, beside=("s1", 2)) is first
    assert remembered.of((thing,), object, beside=("s2", 2)) is not first


def test_an_object_that_is_gone_never_lends_its_value_to_a_later_one() -> None:
    remembered: Remembered[str] = Remembered()
    for number in range(200):
        # Each is dropped at once: without being held its identity would be given away again.
        assert remembered.of((Thing(),), lambda n=number: str(n)) == str(number)


def test_the_oldest_go_first() -> None:
    remembered: Remembered[object] = Remembered(most=2)
    things = [Thing() for _ in range(3)]
    made = [remembered.of((thing,), object) for thing in things]
    assert remembered.of((things[2],), object) is made[2]
    assert remembered.of((things[1],), object) is made[1]
    assert remembered.of((things[0],), object) is not made[0]
