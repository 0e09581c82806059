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


def run(report: Report, seed: int, faults: int) -> None:
    """See the module."""
    chooser = random.Random(seed)
    live: dict[int, Any] = {}
    lost = refused = checked = number = 0
    with scratch() as folder:
        disks = _Disks(folder, chooser)
        config = {"type": "filesystem", "params": {"directory_path": [str(path) for path in disks.paths]}}
        settings = {"object_spilling_config": config, "min_spilling_size": 4 * MIB}
        with storm_session(report, num_cpus=1, object_store_memory=STORE_MIB * MIB, _system_config=settings):
            while disks.faults < faults and not report.is_late():
                number += 1
                try:
                    live[number] = gnomon.put(content(number, VALUE_BYTES))
                except (OutOfDiskError, ObjectStoreFullError):
                    refused += 1
                    for path in disks.paths:
                        disks.mend(path)
                    live.clear()
                if chooser.random() < 0.5:
                    disks.strike()
                while len(live) > LIVE:
                    victim = chooser.choice(list(live))
                    try:
                        value = zlib.crc32(gnomon.get(live.pop(victim)))
                    except ObjectLostError:
                        lost += 1
                    else:
                        expected = zlib.crc32(content(victim, VALUE_BYTES))
                        report.expect(value == expected, f"value {victim} is wrong")
                        checked += 1
                report.progress(f"{disks.faults} faults, {checked} values checked, {lost} lost")
            live.clear()
            for path in disks.paths:
                disks.mend(path)
        report.expect(checked > lost, f"of {checked + lost} values {lost} are lost")
        report.facts = {"faults": disks.faults, "checked": checked, "lost": lost, "refused": refused}
