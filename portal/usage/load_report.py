"""What loads came to, for each file and in total, in words."""

from dataclasses import dataclass

from portal.usage.store import Loaded


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts over files: loaded, known before, refused; and over their meter-days."""

    loaded: int = 0
    already: int = 0
    refused: int = 0
    new: int = 0
    revised: int = 0
    identical: int = 0

    @property
    def files(self) -> int:
        """All that were tried."""
        return self.loaded + self.already + self.refused

    def add(self, loaded: Loaded) -> None:
        """One more file is in the store."""
        self.loaded += not loaded.already
        self.already += loaded.already
        self.new += loaded.new
        self.revised += loaded.revised
        self.identical += loaded.identical


def sentence(label: str, loaded: Loaded, seconds: float, what: str) -> str:
    """What became of one file; what is what it counts."""
    if loaded.already:
        return f"{label}: loaded before as version {loaded.version}; nothing changed"
    return f"{label}: {_counts(loaded)} {what} in {seconds:.1f} s, version {loaded.version}"


def total(tally: Tally, seconds: float) -> str:
    """What became of several files."""
    files = f"{tally.files:,} files in {seconds:.1f} s: {tally.loaded:,} loaded"
    for count, words in ((tally.already, "loaded before"), (tally.refused, "refused")):
        files += f", {count:,} {words}" if count else ""
    return f"{files}; {_counts(tally)} in total"


def _counts(of: Loaded | Tally) -> str:
    return f"{of.new:,} new, {of.revised:,} revised, {of.identical:,} identical"
