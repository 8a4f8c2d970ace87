"""Puts together what the work on exports needs of a node."""

from exchange.exports.working import Bench
from exchange.node import Node
from gateway.limits import Limits
from gateway.pipeline import Terms


def terms_of(node: Node) -> Terms:
    """Return the bounds of every call on a node, in bulk or not."""
    settings = node.settings
    return Terms(
        zone=node.zone,
        limits=Limits(
            calls_per_officer=settings.calls_per_officer,
            rows_per_officer=settings.rows_per_officer,
            subjects_per_officer=settings.subjects_per_officer,
            subjects_per_case=settings.subjects_per_case,
        ),
        deadline_s=node.settings.deadline_ms / 1000,
        allow_introspection=node.settings.profile == "development",
    )


def bench_of(node: Node) -> Bench:
    return Bench(
        home=node.settings.home,
        engine=node.databases.registry,
        sealer=node.sealer,
        gate=node.gate,
        log=node.log,
        ports=node.ports,
        terms=terms_of(node),
        picture=node.live.latest,
    )
