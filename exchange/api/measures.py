"""The management API's part on matters, evidence, quality and indicators."""

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from exchange.api import types
from exchange.api.fields import act, change, field, paged
from exchange.api.types import made

PAGE = 20


@strawberry.type
class SuppliedMaterial:
    """A material of a matter; of an earlier version it is not told how sharing stands with it now."""

    code: str
    name: str
    name_en: str
    required: bool
    origin: str
    certificate: str
    waived: bool
    reason: str
    matter: str | None
    state: str | None
    supplied_by: str | None
    source: str | None
    grant: str | None
    again: bool | None
    avoidable: bool | None


@strawberry.type
class ReadyQuery:
    """A query in a system's own contract; where there is nothing to ask, `why` says why."""

    system: str | None
    document: str | None
    digest: str | None
    left_out: list[str]
    why: str | None


@strawberry.type
class MatterVersion:
    version: int
    ended_at: str | None
    """Null: it holds."""


@strawberry.type
class MatterWhole:
    code: str
    department: str
    name: str
    version: int
    holds: bool
    materials: list[SuppliedMaterial]
    versions: list[MatterVersion]


@strawberry.type
class Proof:
    resource: str
    name: str
    name_en: str
    certificate: str | None
    department: str
    sharing_class: str
    state: str
    grant: str | None
    matters: list[str]


@strawberry.type
class Evidence:
    words: str
    proofs: list[Proof]
    query: ReadyQuery


@strawberry.type
class DuplicatesOfDepartment:
    department: str
    again: int
    avoidable: int
    materials: list[SuppliedMaterial]


@strawberry.type
class Duplicates:
    law: str
    listed: int
    matters: int
    departments: list[DuplicatesOfDepartment]


@strawberry.type
class Quality:
    resource: str
    department: str
    points: int
    most: int
    share: float
    grade: str
    dimensions: JSON


@strawberry.type
class QualityMark:
    criterion: str
    dimension: str
    points: int | None
    """Null: it does not apply."""
    most: int
    evidence: list[str]


@strawberry.type
class QualityWhole:
    resource: str
    points: int
    most: int
    share: float
    grade: str
    marks: list[QualityMark]
    next: list[str]


@strawberry.type
class IndicatorTarget:
    id: str
    indicator: str
    percent: int
    due: str
    lead: str
    state: str
    reached: bool | None


@strawberry.type
class IndicatorPoint:
    day: str
    numerator: int
    denominator: int
    missing: int
    share: float | None
    """Null: there was no data."""


@strawberry.type
class Indicator:
    id: str
    title: str
    title_en: str
    definition: str
    definition_en: str
    source: str
    source_en: str
    numerator: int
    denominator: int
    missing: int
    share: float | None
    """Null: there is no data."""
    targets: list[IndicatorTarget]


@strawberry.type
class IndicatorLine:
    key: str
    name: str
    department: str
    numerator: int
    denominator: int
    missing: bool
    note: str


@strawberry.type
class MaterialsTaken:
    taken: bool
    differences: JSON
    misfits: JSON


@strawberry.input
class MaterialInput:
    code: str
    name: str
    name_en: str = ""
    required: bool = True
    origin: str = "applicant"
    resource: str = ""
    certificate: str = ""
    department: str = ""
    waived: bool = False
    reason: str = ""


@strawberry.type
class MeasuringQuery:
    @field
    async def matters(
        self,
        info: Info,
        department: str | None = None,
        words: str = "",
        first: int = PAGE,
        after: str | None = None,
    ) -> list[types.Matter] | None:
        return await paged(
            info,
            types.Matter,
            "matter.list",
            department=department,
            words=words,
            first=first,
            after=after,
        )

    @field
    async def matter(self, info: Info, code: str, version: int | None = None) -> MatterWhole | None:
        told = await act(info, "matter.show", code=code, version=version)
        parts = {
            "materials": [made(SuppliedMaterial, one) for one in told["materials"]],
            "versions": [made(MatterVersion, one) for one in told["versions"]],
        }
        return made(MatterWhole, told | parts)

    @field
    async def matter_query(
        self, info: Info, code: str, system: str | None = None
    ) -> ReadyQuery | None:
        return made(ReadyQuery, await act(info, "matter.query", code=code, system=system))

    @field
    async def evidence(
        self, info: Info, words: str, matter: str | None = None, system: str | None = None
    ) -> Evidence | None:
        told = await act(info, "evidence.find", words=words, matter=matter, system=system)
        return Evidence(
            words=told["words"],
            proofs=[made(Proof, one) for one in told["proofs"]],
            query=made(ReadyQuery, told["query"]),
        )

    @field
    async def duplicates(self, info: Info, department: str | None = None) -> Duplicates | None:
        told = await act(info, "evidence.duplicates", department=department)
        rows = [
            made(
                DuplicatesOfDepartment,
                one | {"materials": [made(SuppliedMaterial, row) for row in one["materials"]]},
            )
            for one in told["departments"]
        ]
        return made(Duplicates, told | {"departments": rows})

    @field
    async def qualities(
        self,
        info: Info,
        department: str | None = None,
        grade: str | None = None,
        first: int = PAGE,
        after: str | None = None,
    ) -> list[Quality] | None:
        return await paged(
            info,
            Quality,
            "quality.list",
            department=department,
            grade=grade,
            first=first,
            after=after,
        )

    @field
    async def quality(self, info: Info, code: str) -> QualityWhole | None:
        told = await act(info, "quality.show", code=code)
        marks = [made(QualityMark, one) for one in told["marks"]]
        return made(QualityWhole, told | {"marks": marks})

    @field
    async def indicators(self, info: Info, department: str | None = None) -> list[Indicator] | None:
        told = await act(info, "indicator.list", department=department)
        return [
            made(
                Indicator,
                one | {"targets": [made(IndicatorTarget, held) for held in one["targets"]]},
            )
            for one in told["indicators"]
        ]

    @field
    async def indicator_trend(
        self,
        info: Info,
        indicator: str,
        department: str | None = None,
        by: str = "day",
    ) -> list[IndicatorPoint] | None:
        told = await act(info, "indicator.trend", indicator=indicator, department=department, by=by)
        return [made(IndicatorPoint, one) for one in told["points"]]

    @field
    async def indicator_lines(
        self,
        info: Info,
        indicator: str,
        department: str | None = None,
        first: int = PAGE,
        after: str | None = None,
    ) -> list[IndicatorLine] | None:
        told = await act(
            info,
            "indicator.show",
            indicator=indicator,
            department=department,
            first=first,
            after=after,
        )
        return [made(IndicatorLine, one) for one in told["behind"]["rows"]]


@strawberry.type
class MeasuringMutation:
    @change
    async def import_matters(self, info: Info, rows: list[types.MatterInput]) -> types.Taken | None:
        told = await act(info, "matter.import", rows=[strawberry.asdict(row) for row in rows])
        return made(types.Taken, told)

    @change
    async def list_materials(
        self,
        info: Info,
        matter: str,
        materials: list[MaterialInput],
        dry_run: bool = False,  # noqa: FBT001, FBT002 - an argument of the schema, by name there
    ) -> MaterialsTaken | None:
        listed = {matter: [strawberry.asdict(one) for one in materials]}
        told = await act(info, "matter.materials", listed=listed, dry_run=dry_run)
        return made(MaterialsTaken, told)

    @change
    async def set_target(
        self, info: Info, indicator: str, percent: int, due: str, lead: str
    ) -> IndicatorTarget | None:
        told = await act(
            info, "target.set", indicator=indicator, percent=percent, due=due, lead=lead
        )
        return made(IndicatorTarget, told)
