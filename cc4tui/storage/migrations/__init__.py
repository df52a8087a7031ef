"""Changes of the schema, one file each in `versions`, applied in order and never edited afterwards.

To add one: change `cc4tui.storage.tables`, write ``versions/000N_what.py`` with `upgrade`, add its
number to `cc4tui.storage.schema.REVISIONS`. The tests compare both ways to the newest schema.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Apply what is missing up to `revision`, inside the connection's transaction."""
    config = Config()
    # ConfigParser would interpolate a % in the path.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
