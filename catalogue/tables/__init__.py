"""The registry's tables.

Every row of a protected table carries `entry`, the index in the log of the act that made it so, and the
`salt` of its digest. Values are text and integers only: flags are 0 and 1, times are milliseconds since the
epoch, lists are JSON, bytes are base64url. So the digest covers exactly what the database holds, whatever
it is.
"""

from catalogue.tables import entries, keeping, oversight, sharing
from catalogue.tables.columns import metadata

__all__ = ["entries", "keeping", "metadata", "oversight", "sharing"]
