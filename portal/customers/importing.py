"""Many meters at once from a file of pairs: each is attached, or told why not, by itself (A.1, IMP-09)."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.identifiers import EsiId, MeterNumber
from portal.acting import Acting
from portal.customers.guessing import Guesses
from portal.customers.pairs import Pair
from portal.faults import PeopleRefused
from portal.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of a row: attached, or why not."""

    esi_id: EsiId
    number: MeterNumber
    attached: bool
    why: str | None


async def import_pairs(
    guesses: Guesses, acting: Acting, viewer: Viewer, address: str, pairs: Sequence[Pair]
) -> list[Imported]:
    """Attach what can be attached, in the order of the list. After too many misses the rest is not tried."""
    done = []
    for pair in pairs:
        answer = await guesses.attach(acting, viewer, address, pair)
        why = answer.words if isinstance(answer, PeopleRefused) else None
        done.append(Imported(esi_id=pair.esi_id, number=pair.number, attached=why is None, why=why))
    return done
