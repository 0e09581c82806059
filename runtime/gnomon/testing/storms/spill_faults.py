"""spill-faults: the directories that values are spilled to vanish, come back, lose files and find them damaged. What was
in a file that is gone or damaged is lost, with an error that says so; nothing else is, and none is ever wrong.
"""

from __future__ import annotations

import os
import random
import zlib
from pathlib import Path
from typing import Any

import gnomon
from gnomon.exceptions import ObjectLostError, ObjectStoreFullError, OutOfDiskError
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import scratch, storm_session
from gnomon.testing.storms.store_pressure import MIB, content

STORE_MIB = 32

LIVE = 40
"""Values of 2 MiB kept: two and a half times the store."""

VALUE_BYTES = 2 * MIB


class _Disks:
    """Two directories, and what is done to them."""

    def __init__(self, folder: Path, chooser: random.Random) -> None:
        self.paths = [folder / "one", folder / "two"]
        self.chooser = chooser
        self.losses = 0
        self.faults = 0
        for path in self.paths:
            path.mkdir()

    def strike(self) -> None:
        """One fault."""
        self.faults += 1
        path = self.chooser.choice(self.paths)
        away = path.with_suffix(".away")
        if away.exists():
            self.mend(path)
        elif self.chooser.random() < 0.5:
            path.rename(away)
            path.write_text("in the way: no directory can be made here")
            self.losses += 1
        else:
            self._hurt_file(path)

    def mend(self, path: Path) -> None:
        """The directory is back."""
        away = path.with_suffix(".away")
        if away.exists():
            path.unlink()
            away.rename(path)

    def _hurt_file(self, path: Path) -> None:
        files = sorted(each for each in path.glob("*/*") if each.is_file())
        if not files:
            return
        victim = self.chooser.choice(files)
        self.losses += 1
        try:
            if self.chooser.random() < 0.5:
                victim.unlink()
            else:
                with victim.open("r+b") as file:
                    file.seek(self.chooser.randrange(max(1, os.path.getsize(victim))))
                    file.write(b"damage")
        except FileNotFoundError:
            return  # its last value was dropped at this moment


class _Values:
    """Values that are kept, and what became of those that were read again."""

    def __init__(self, report: Report, chooser: random.Random) -> None:
        self.report = report
        self.chooser = chooser
        self.live: dict[int, Any] = {}
        self.made = self.checked = self.lost = 0

    def make(self) -> None:
        """One more."""
        self.made += 1
        self.live[self.made] = gnomon.put(content(self.made, VALUE_BYTES))

    def read(self, left: int) -> None:
        """Read values at random, and drop them, until so many are left."""
        while len(self.live) > left:
            number = self.chooser.choice(list(self.live))
            try:
                value = zlib.crc32(gnomon.get(self.live.pop(number)))
            except ObjectLostError:
                self.lost += 1
            else:
                expected = zlib.crc32(content(number, VALUE_BYTES))
                self.report.expect(value == expected, f"value {number} is wrong")
                self.checked += 1


def run(report: Report, seed: int, faults: int) -> None:
    """See the module."""
    chooser = random.Random(seed)
    refused = 0
    with scratch() as folder:
        disks = _Disks(folder, chooser)
        values = _Values(report, chooser)
        config = {"type": "filesystem", "params": {"directory_path": [str(path) for path in disks.paths]}}
        settings = {"object_spilling_config": config, "min_spilling_size": 4 * MIB}
        with storm_session(report, num_cpus=1, object_store_memory=STORE_MIB * MIB, _system_config=settings):
            while disks.faults < faults and not report.is_late():
                try:
                    values.make()
                except (OutOfDiskError, ObjectStoreFullError):
                    refused += 1
                    for path in disks.paths:
                        disks.mend(path)
                    values.read(LIVE // 4)
                if chooser.random() < 0.5:
                    disks.strike()
                values.read(LIVE)
                report.progress(f"{disks.faults} faults, {values.checked} values checked, {values.lost} lost")
            for path in disks.paths:
                disks.mend(path)
            values.read(0)
        report.expect(
            values.checked > values.lost, f"of {values.checked + values.lost} values {values.lost} are lost"
        )
        report.expect(
            values.checked > faults // 4,
            f"{values.checked} values checked in {disks.faults} faults is too few",
        )
        report.facts = {
            "faults": disks.faults,
            "checked": values.checked,
            "lost": values.lost,
            "refused": refused,
        }
