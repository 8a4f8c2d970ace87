"""The registry's use cases: each loads, decides, records in the log, and only then saves."""

from catalogue.lifecycle import NewOfficer
from catalogue.service.answers import Answering
from catalogue.service.differing import Differing
from catalogue.service.documents import Documents
from catalogue.service.emergency import Emergencies
from catalogue.service.entries import Entries
from catalogue.service.grants import Granting
from catalogue.service.harvest import Harvesting
from catalogue.service.interchange import ImportPlan, Interchange
from catalogue.service.keeping import Keeping
from catalogue.service.matters import Listed, Matters
from catalogue.service.office import Office
from catalogue.service.people import People, Taken
from catalogue.service.policy import Policies
from catalogue.service.recovery import Recovered, Recovery
from catalogue.service.requests import Sharing, Wanted
from catalogue.service.reviews import Reviewing
from catalogue.service.searching import Searching
from catalogue.service.source_addresses import SourceAddresses
from catalogue.service.sources import Loaded, Sources
from catalogue.service.supervision import Supervising
from catalogue.service.targets import Targets

__all__ = [
    "ImportPlan", "Listed", "Loaded", "NewOfficer", "Recovered", "Registry", "Taken", "Wanted",
]  # fmt: skip


class Registry(
    People,
    Matters,
    Targets,
    SourceAddresses,
    Entries,
    Sources,
    Harvesting,
    Interchange,
    Sharing,
    Answering,
    Granting,
    Differing,
    Supervising,
    Office,
    Emergencies,
    Policies,
    Keeping,
    Documents,
    Reviewing,
    Searching,
    Recovery,
):
    """All acts on the registry. Plain blocking calls; run them in a worker thread, never on the loop.

    Each takes the authenticated actor (`by`), looks up again who that is now, and raises an error of
    `catalogue.errors` where the act may not be. When a call returns, its entry is durable and the registry
    committed; when it raises, nothing has taken effect, and an entry made on the way is declared void.
    """
