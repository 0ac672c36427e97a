"""The companies' folders and who serves them: section [portal.files]."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.config import settings


@settings
class FilesSettings:
    """Where the companies' files lie, and for how long."""

    folder: Annotated[Path, Field(description="The folder of files; each company has one inside, by its number.")] = (
        Path("var/files")
    )
    kept_days: Annotated[int, Field(description="Days after which a file is removed.", ge=1)] = 10
