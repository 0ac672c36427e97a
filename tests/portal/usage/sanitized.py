"""Damaged files through a C kernel that was compiled with sanitizers: a program of its own, given the library.

python -m tests.portal.usage.sanitized library
"""

import random
import sys
from pathlib import Path

import numpy as np

from portal.usage.kernel import c_kernel
from tests.portal.usage.canonical import DAYS, lse_day, smt_day
from tests.portal.usage.files import METER, OTHER

FILES, DAMAGES = 25, 20


def main(library: Path) -> None:
    """Parse, pack and unpack; whatever is wrong ends the process."""
    kernel = c_kernel.opened(library)
    for seed in range(FILES):
        chance = random.Random(seed)
        csv = b"".join(smt_day(chance, chance.choice(DAYS), meter) for meter in (METER, OTHER))
        lse = lse_day(chance, chance.choice(DAYS), METER, triples=chance.choice([1, 4]), tail=chance.choice(["", ","]))
        for good, parse in ((csv, kernel.parse_smt), (lse, kernel.parse_lse)):
            for _ in range(DAMAGES):
                bad, at = bytearray(good), chance.randrange(len(good))
                bad[at : at + chance.randrange(3)] = chance.choice([b"", b",", b"\n", b"\r\n", b"9", b"\0"])
                end = chance.choice([len(bad), chance.randrange(len(bad) + 1)])
                start = chance.choice([0, 0, chance.randrange(end + 1)])
                found = parse(bytes(bad[:end]), start, final=chance.random() < 0.5)
                kernel.unpack(found.batch.blocks)
        values = np.array([[chance.randint(-(2**31), 2**31 - 1) for _ in range(96)]], dtype=np.int32)
        kernel.unpack(kernel.pack(values, values > 2**30, values < 0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
