"""Many records held item by item: what is done with one value of an item is done with all of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from types import MappingProxyType
from typing import Any, final, overload

from catalogue.model import ItemType
from gateway.model import Row


@final
class Columns(Sequence[Row]):
    """Records as one list of values an item; a record is put together where somebody looks at one.

    Of the values of one item those that are equal are of one type, so that what is worked out of a
    value holds for each that equals it. The lists are nobody's to change. Whoever asks whether rows are held
    so asks for the very type: `isinstance` with a sequence's class calls a function each time.
    """

    __slots__ = ("_size", "_values", "_without_none", "written")

    def __init__(
        self,
        values: Mapping[str, Sequence[Any]],
        *,
        size: int,
        written: Mapping[str, ItemType] = MappingProxyType({}),
        without_none: bool = False,
    ) -> None:
        """`without_none`: an item that is None is left out of its record.

        `written` are the items whose values `gateway.formats` wrote, each with the type as which it did.
        """
        wrong = {name: len(one) for name, one in values.items() if len(one) != size}
        if wrong:
            raise ValueError(f"values of {size} records needed, found {wrong}")
        self._values = values
        self._size = size
        self._without_none = without_none
        self.written = written

    def of(self, name: str) -> Sequence[Any]:
        """Return an item's value of each record; None of each where the records do not have it."""
        found = self._values.get(name)
        return (None,) * self._size if found is None else found

    def picked(self, flags: Sequence[bool]) -> "Columns":
        """Return the records whose flag is set."""
        return Columns(
            {name: list(compress(one, flags)) for name, one in self._values.items()},
            size=sum(flags),
            written=self.written,
            without_none=self._without_none,
        )

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> "Columns": ...
    def __getitem__(self, at: int | slice) -> "Row | Columns":
        if isinstance(at, slice):
            return Columns(
                {name: one[at] for name, one in self._values.items()},
                size=len(range(self._size)[at]),
                written=self.written,
                without_none=self._without_none,
            )
        place = range(self._size)[at]
        return self._record([one[place] for one in self._values.values()])

    def __iter__(self) -> Iterator[Row]:
        if not self._values:
            return ({} for _ in range(self._size))
        return map(self._record, zip(*self._values.values(), strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Columns, list, tuple)) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as of any list

    def __repr__(self) -> str:
        return f"Columns({self._size} records of {len(self._values)} items)"

    def _record(self, values: Sequence[Any]) -> Row:
        record = dict(zip(self._values, values, strict=True))
        if self._without_none:
            return {name: value for name, value in record.items() if value is not None}
        return record


def column(rows: Sequence[Row], name: str) -> Sequence[Any]:
    """Return an item's value of each record, however the records are held."""
    return rows.of(name) if type(rows) is Columns else [row.get(name) for row in rows]


@final
class Places(Sequence[tuple[Any, ...]]):
    """The values of some items of each record, put together where somebody looks at one.

    Of a page that is mostly its last.
    """

    __slots__ = ("_columns", "_size")

    def __init__(self, rows: Sequence[Row], names: Sequence[str]) -> None:
        self._columns = [column(rows, name) for name in names]
        self._size = len(rows)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, at: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[tuple[Any, ...]]: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return list(self)[at]
        place = range(self._size)[at]
        return tuple([values[place] for values in self._columns])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return map(self.__getitem__, range(self._size))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Places, list, tuple)) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as of any list

    def __repr__(self) -> str:
        return f"Places({self._size} of {len(self._columns)} items)"
