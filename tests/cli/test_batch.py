"""A manifest becomes videos."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from grok_imagine import Ledger
from grok_imagine_cli.manifest import BadLine, Line, Manifest
from grok_imagine_cli.plan import Folder, Known, Plan, planned
from grok_imagine_sandbox import Sandbox

from .manifests import count, one, outcomes, write
from .programs import OWN, QUICK, troubles

CLIP = "https://example.com/street.mp4"


class TestItsWay:
    def test_each_line_becomes_a_file_and_an_outcome_and_the_next_run_fetches_what_is_missing(
        self, program: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "sub").mkdir()
        Image.new("RGB", (64, 64), "teal").save(tmp_path / "sub" / "sky.png")
        extension = {"prompt": "The camera rises", "video": CLIP, "mode": "extend-video", "duration": 2}
        sky = one("The clouds move", image="sky.png", output="clouds.mp4")
        write(tmp_path / "sub" / "all.jsonl", sky, extension, one("A heron"), one("A heron"))
        with Sandbox(speed=100.0) as service:
            line = f"--base-url {service.base_url} batch sub/all.jsonl -o videos --yes {QUICK}"
            done = program(line)
            assert done.code == 0, done
            paths = [tmp_path / path for path in done.out.splitlines()]
            assert len(paths) == 4 and all(path.read_bytes()[4:8] == b"ftyp" for path in paths)
            assert "4 requests: 3 new" in done.err and "1 equal to one before" in done.err
            assert "line 1: done, $0.052" in done.err and "4 of 4: 4 done" in done.err
            noted = sorted(outcomes(tmp_path / "videos"), key=lambda outcome: outcome["position"])
            assert [outcome["line"] for outcome in noted] == [1, 2, 3, 4] and {o["state"] for o in noted} == {"done"}
            assert noted[0]["path"] == "videos/clouds.mp4" and noted[2]["request_id"] == noted[3]["request_id"]
            assert noted[1]["path"] == f"videos/1-{noted[1]['request_id']}.mp4" and noted[1]["error"] is None
            assert program.first_colour("videos/clouds.mp4") == pytest.approx((0, 128, 128), abs=3)
            modes = {entry["mode"] for entry in program("jobs --json").of("entry")}
            assert len(service.jobs) == 3 and modes == {"image-to-video", "extend-video", "text-to-video"}
            (tmp_path / "videos" / "clouds.mp4").unlink()
            posted, fetched = count(service, "POST"), count(service, "GET", "/xai-vidgen-bucket/")
            again = program(f"{line.replace(' --yes', '')} --json")
            assert again.code == 0 and not troubles(again.err)
            (estimate,), (total,) = again.of("estimate"), again.of("total")
            assert (estimate["new"], estimate["known"], estimate["cost_usd"]) == (0, 3, 0)
            assert (total["saved"], total["kept"], total["exit_code"]) == (1, 3, 0)
            assert [o["path"] for o in again.of("outcome") if o["line"] == 1] == ["videos/clouds.mp4"]
            assert again.of("outcome") == outcomes(tmp_path / "videos")[4:]
            assert count(service, "POST") == posted and count(service, "GET", "/xai-vidgen-bucket/") == fetched + 1

    def test_csv_has_a_heading_and_cells_of_all_types(self, program: Any, tmp_path: Path) -> None:
        for name in ("my cat.png", "dog.png"):
            Image.new("RGB", (64, 64), "teal").save(tmp_path / name)
        (tmp_path / "all.CSV").write_text(
            '\ufeffprompt,duration,model,generate_audio,reference,output\r\n"A ""heron"",\r\nin the fog",1,,,,heron.mp4\r\n'
            ",,,,,\r\nA cat,1,grok-imagine-video-1.5,FALSE,,\r\n<IMAGE_1> meets <IMAGE_2>,1,,,my cat.png; dog.png\r\n",
            encoding="utf-8",
        )
        done = program(f"batch all.CSV -o videos {OWN} --json")
        found = {outcome["line"]: outcome for outcome in done.of("outcome")}
        assert done.code == 0 and {line: o["position"] for line, o in found.items()} == {2: 0, 5: 1, 6: 2}, done
        assert found[2]["path"] == "videos/heron.mp4" and round(found[6]["cost_usd"], 4) == 0.054

    def test_stdin(self, program: Any, tmp_path: Path) -> None:
        done = program(f"batch - -o videos {OWN} --json", text='"A heron"\n\n"A cat"')
        assert done.code == 0 and sorted(outcome["line"] for outcome in done.of("outcome")) == [1, 3]
        unasked = program("--base-url http://127.0.0.1:9 batch - -o videos", text='"A heron"\n')
        assert unasked.code == 2 and "--yes" in unasked.err

    def test_equal_lines_may_be_meant(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", one("A heron"), one("A heron"))
        done = program(f"batch all.jsonl -o videos --repeat {OWN} --json")
        assert done.of("estimate")[0]["new"] == 2 and len({o["request_id"] for o in done.of("outcome")}) == 2

    def test_another_manifest_is_another_batch_unless_it_is_named(self, program: Any, tmp_path: Path) -> None:
        for name in ("a.jsonl", "b.jsonl"):
            write(tmp_path / name, one("A heron"))
        with Sandbox(speed=100.0) as service:
            base = f"--base-url {service.base_url} batch --yes {QUICK} -o"
            for line, jobs in (
                ("one a.jsonl", 1),
                ("two a.jsonl", 1),
                ("two b.jsonl", 2),
                ("two b.jsonl --name spring", 3),
                ("one a.jsonl --name spring", 3),
            ):
                assert program(f"{base} {line}").code == 0
                assert len(service.jobs) == jobs, line


BAD = {
    1: ({"prompt": "x", "duration": 99}, "`duration`: is 1 to 15 s; got 99"),
    2: ({"prompt": "x", "image": "none.png"}, "`image`: none.png: no such file"),
    3: ({"prompt": "x", "image": "empty.png"}, "empty.png' is empty"),
    4: ({"prompt": "x", "image": "folder"}, "folder' is a directory"),
    5: ({"prompt": "x", "image": "notes.png"}, "notes.png' has an unknown type"),
    6: ({"prompt": "x", "image": "cut.png"}, "cut.png' begins as image/png and is truncated"),
    7: ({"prompt": "x", "image": "a.png", "image_url": CLIP}, "`image`, `image_url`: exclude each other"),
    8: ({"prompt": "x", "image": 5}, "`image`: is a file or a URL"),
    9: ({"prompt": "x", "image_url": "cat.png"}, "a file of this machine goes into `image`"),
    10: ({"prompt": "x", "colour": "red"}, "`colour`: no such key"),
    11: ({"prompt": "x", "mode": "extend-video"}, "`video`: is required"),
    12: ({"prompt": "x", "mode": "edit-video"}, "`mode` is 'edit-video'"),
    13: ([1], "is an object or a text; got list"),
    14: ("", "`prompt`"),
    15: ({"prompt": "x", "output": "../a.mp4"}, "`output`: is the name of a file in the batch's folder"),
    16: ({"prompt": "x", "output": "/tmp/a.mp4"}, "`output`: is the name of a file in the batch's folder"),
    17: ({"prompt": "x", "output": "outcomes.jsonl"}, "is a name that the program needs itself"),
    18: ({"prompt": "x", "output": "taken.mp4"}, "videos/taken.mp4 exists"),
}  # fmt: skip


class TestMistakesAreRefusedBeforeTheyCost:
    def test_all_lines_are_checked_before_the_first_is_sent(self, program: Any, tmp_path: Path) -> None:
        (tmp_path / "empty.png").touch()
        (tmp_path / "folder").mkdir()
        (tmp_path / "notes.png").write_text("no picture")
        Image.new("RGB", (64, 64), "teal").save(tmp_path / "cut.png")
        (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:-9])
        (tmp_path / "videos").mkdir()
        (tmp_path / "videos" / "taken.mp4").write_text("mine")
        write(tmp_path / "all.jsonl", *(line for line, _ in BAD.values()), one("x", output="a.mp4"))
        with (tmp_path / "all.jsonl").open("ab") as file:
            file.write(b'{"prompt": "x", "prompt": "y"}\n{"prompt": NaN}\n5\nnonsense\n')
            file.write(b'\n{"prompt": "y", "output": "A.mp4"}')
        plain, as_json = program.all(
            [f"{form}--base-url http://127.0.0.1:9 batch all.jsonl -o videos --yes" for form in ("", "--json ")]
        )
        assert plain.code == as_json.code == 2 and plain.out == as_json.err == ""
        lines = plain.err.splitlines()
        assert lines[-1] == "all.jsonl: 22 bad lines and 1 unknown key; the first 20 are shown; nothing was sent"
        assert len(lines) == 23 and lines[-2].startswith("all.jsonl: the keys are ")
        assert lines[0].startswith("all.jsonl:10: `colour`: no such key")
        told = {int(line.split(":")[1]): line for line in lines[:-2]}
        assert sorted(told) == [*range(1, 19), 20, 21, 22]
        assert all(said in told[number] for number, (_, said) in BAD.items())
        assert "`prompt` stands twice" in told[20] and "`prompt`: is required" in told[21]
        (error,) = as_json.of("error")
        assert sorted(line["line"] for line in error["lines"]) == [*range(1, 19), 20, 21, 22]
        assert "22 bad lines" in error["message"] and error["exit_code"] == 2
        assert not (tmp_path / "videos" / "outcomes.jsonl").exists()
        assert program("jobs --json").of("entry") == []

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("batch good.jsonl -o videos", "--yes"),
            ("batch none.jsonl -o videos --yes", "none.jsonl: No such file"),
            ("batch . -o videos --yes", ".: Is a directory"),
            ("batch empty.csv -o videos --yes", "empty.csv holds no request"),
            ("batch good.jsonl -o good.jsonl --yes", "good.jsonl is no directory"),
            ("batch good.jsonl -o good.jsonl/below --yes", "Not a directory"),
            ("batch good.jsonl --yes", "Missing option '--output'"),
            ("batch good.jsonl -o videos --max-cost -1", "--max-cost"),
            ("batch good.jsonl -o videos --yes --timeout -1", "timeout"),
            ("batch good.jsonl -o videos --yes --max-cost nan", "--max-cost"),  # since 0.29 typer sees it first
        ],
    )
    def test_and_say_what_is_wrong(self, program: Any, tmp_path: Path, line: str, said: str) -> None:
        write(tmp_path / "good.jsonl", one("x"))
        (tmp_path / "empty.csv").write_text("prompt\n\n")
        done = program(f"--base-url http://127.0.0.1:9 {line}")
        assert (done.code, done.out) == (2, "") and said in " ".join(done.err.split()), done

    @pytest.mark.parametrize(
        ("text", "bad"),
        [
            (b"prompt,colour\nx,red\ny,blue\n", [(1, "`colour`: no such key, on 2 lines")]),
            (b"prompt,prompt\nx,y\n", [(1, "the heading has `prompt` twice")]),
            (b"prompt,\nx,y\n", [(1, "column 2 has no name")]),
            (b"prompt,duration\nx,five\ny,1,2\n", [(2, "got 'five'"), (3, "has 3 cells, and the heading 2")]),
            (b"prompt,generate_audio\nx,yes\n", [(2, "`generate_audio`: is true or false; got 'yes'")]),
            (
                b"prompt,storage_options\nx,name\n",
                [(2, "`storage_options`: is no JSON: Expecting value at character 1")],
            ),
            (b'prompt\nx\n"y\nz', [(3, "is no CSV: a quotation mark that opens a cell of this row is never closed")]),
            (b'prompt\n"x"y\nz\n"a"b\n', [(2, "is no CSV"), (4, "is no CSV")]),
        ],
    )
    def test_csv_too(self, tmp_path: Path, text: bytes, bad: list[tuple[int, str]]) -> None:
        (tmp_path / "all.csv").write_bytes(text)
        with pytest.raises(Exception, match=r"bad line|unknown key") as caught:
            plan_of(tmp_path / "all.csv")
        assert [line.number for line in caught.value.lines] == [number for number, _ in bad]
        assert all(said in line.message for line, (_, said) in zip(caught.value.lines, bad, strict=True))

    def test_a_manifest_that_changes_meanwhile(self, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", one("x"))
        with Manifest(str(tmp_path / "all.jsonl")) as manifest:
            manifest.check_unchanged()
            with (tmp_path / "all.jsonl").open("a") as file:
                file.write('"y"\n')
            with pytest.raises(Exception, match="was changed while it was checked"):
                manifest.check_unchanged()


def plan_of(path: Path, on_line: Callable[[int], object] = lambda number: None) -> Plan:
    ledger = Ledger(path.parent / "jobs.db")
    known = Known(ledger, "http://127.0.0.1:9", "batch")
    with Manifest(str(path)) as manifest, Folder(path.parent / "videos") as folder:
        try:
            return planned(manifest, folder, known, repeat=False, strict=True, overwrite=False, on_line=on_line)
        finally:
            ledger.close()


class TestManifests:
    def test_lists_of_csv(self, tmp_path: Path) -> None:
        data = "data:image/png;base64,AAAA"
        for cell, items in (
            (f'"a b.png;{data} ; c.png;"', [tmp_path / "a b.png", data, tmp_path / "c.png"]),
            (f'"[""{data}"", ""c;d.png""]"', [data, tmp_path / "c;d.png"]),
        ):
            (tmp_path / "all.csv").write_text(f"prompt,reference\nx,{cell}\n")
            with Manifest(str(tmp_path / "all.csv")) as manifest:
                (line,) = manifest.lines()
            assert line == Line(2, {"prompt": "x", "reference_image_urls": items}, None)

    def test_a_name_that_is_too_long(self, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", one("x", output="ä" * 121), one("y", output="ä" * 120), one("z", output=5))
        with Manifest(str(tmp_path / "all.jsonl")) as manifest:
            assert [isinstance(line, BadLine) for line in manifest.lines()] == [True, False, True]

    def test_memory_does_not_grow_with_it(self, tmp_path: Path) -> None:
        def tidy(number: int) -> None:
            # Collecting empties the interpreter's lists of free tuples, which are kept for the next.
            if number % 100 == 0:
                gc.collect()

        peaks = []
        for lines in (50, 200, 1500):  # the first only warms what is kept once
            write(tmp_path / "all.jsonl", *(one(f"A heron, number {n}") for n in range(lines)))
            tracemalloc.start()
            try:
                assert plan_of(tmp_path / "all.jsonl", tidy).new == lines
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
        assert peaks[2] < peaks[1] + 30_000
