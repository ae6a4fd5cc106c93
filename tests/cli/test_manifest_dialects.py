"""Manifests as people have them: whatever wrote the file, its requests are the same, or it says which line to change."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_imagine_cli.keys import OUTCOME_KEYS, Columns, keys, nearest
from grok_imagine_cli.manifest import BadLine, BadManifest, Line, Manifest
from grok_imagine_cli.manifest_file import BadFile

from .manifests import outcomes, write
from .programs import OWN

Row = dict[str, Any]

TEXT = st.text(st.characters(codec="cp1252", exclude_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), min_size=1)
MISSING = ("nan", "NaN", "<NA>", "NaT", "None", "null", "NULL", "N/A", "#N/A")
"""What tables write for no value."""

PROMPTS = TEXT.map(str.strip).filter(lambda text: text not in ("", *MISSING))
ROWS = st.lists(
    st.fixed_dictionaries(
        {"prompt": PROMPTS},
        optional={
            "duration": st.integers(1, 15),
            "generate_audio": st.booleans(),
            "aspect_ratio": st.sampled_from(["16:9", "1:1"]),
            "reference": st.lists(st.sampled_from(["https://example.com/a.png", "data:image/png;base64,AAAA"]), min_size=1),
            "x_campaign": TEXT.map(str.strip).filter(bool),
        },
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip
COLUMNS = ("prompt", "duration", "generate_audio", "aspect_ratio", "reference", "x_campaign")

DURATIONS: Sequence[Callable[[int], str]] = (
    str,
    lambda n: f"{n}.0",
    lambda n: f"{n}.00",
    lambda n: f"{n},0",
    lambda n: f" {n} ",
)
"""A whole number as pandas has it beside an empty cell, as Excel has it in half of Europe, and plainly."""


def cell(row: Row, name: str, duration: Callable[[int], str]) -> str:
    value = row.get(name, "")
    if name == "duration" and value:
        return duration(value)
    return "; ".join(value) if isinstance(value, list) else str(value)


def requests(path: Path, **options: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    with Manifest(str(path), **options) as manifest:
        lines = list(manifest.lines())
    assert all(isinstance(line, Line) and not line.unknown for line in lines), lines
    return [(line.keywords, line.extra) for line in lines if isinstance(line, Line)]


def expected(rows: list[Row]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    short = {"reference": "reference_image_urls"}
    return [
        (
            {short.get(name, name): value for name, value in row.items() if not name.startswith("x_")},
            {name: value for name, value in row.items() if name.startswith("x_")},
        )
        for row in rows
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("manifests")


@settings(max_examples=200, deadline=None)
@given(
    ROWS,
    st.permutations(COLUMNS),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\r\n", "\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"]),
    st.sampled_from(DURATIONS),
    st.booleans(),
    st.sampled_from(["all.csv", "all.tsv", "all.txt", "all"]),
)
def test_every_dialect_of_csv_means_the_same(
    folder: Path, rows: list[Row], columns: list[str], delimiter: str, quoting: Any, end: str, encoding: str,
    duration: Callable[[int], str], has_sep: bool, name: str,
) -> None:  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(cell(row, column, duration) for column in columns)
    data = (f"sep={delimiter}{end}" if has_sep else "") + text.getvalue()
    (folder / name).write_bytes(data.encode(encoding))
    found = requests(folder / name, encoding="cp1252" if encoding == "cp1252" else None)
    assert found == expected(rows)


@settings(max_examples=100, deadline=None)
@given(
    ROWS, st.sampled_from([None, 0, 2]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.booleans(), st.booleans()
)
def test_an_array_and_lines_of_json_mean_the_same(
    folder: Path, rows: list[Row], indent: int | None, encoding: str, is_ascii: bool, is_array: bool
) -> None:
    if is_array:
        text = json.dumps(rows, indent=indent, ensure_ascii=is_ascii)
    else:
        text = "\r\n".join(json.dumps(row, ensure_ascii=is_ascii) for row in rows)
    (folder / "all.json").write_bytes(text.encode(encoding))
    assert requests(folder / "all.json") == expected(rows)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=200_000 // 40), max_size=60), st.integers(0, 3))
def test_an_array_longer_than_a_piece_is_read_whole_with_its_lines(folder: Path, texts: list[str], blank: int) -> None:
    (folder / "long.json").write_text(
        "\n" * blank + "[" + ",\n".join(json.dumps(text) for text in texts) + "\n]\n", encoding="utf-8"
    )
    with Manifest(str(folder / "long.json")) as manifest:
        lines = list(manifest.lines())
    assert [line.number for line in lines] == [blank + 1 + number for number in range(len(texts))]
    assert [line.keywords["prompt"] for line in lines if isinstance(line, Line)] == texts


@settings(max_examples=150, deadline=None)
@given(ROWS, st.data())
def test_a_fault_in_an_array_is_named_by_its_line(folder: Path, rows: list[Row], data: st.DataObject) -> None:
    lines = json.dumps(rows, indent=1).split("\n")
    text = "\n".join(lines)
    at = data.draw(st.integers(1, len(text) - 1))
    (folder / "cut.json").write_text(text[:at], encoding="utf-8")
    with Manifest(str(folder / "cut.json")) as manifest:
        found = list(manifest.lines())
    assert isinstance(found[-1], BadLine) and 1 <= found[-1].number <= text[:at].count("\n") + 1
    assert all(isinstance(line, Line) for line in found[:-1])
    assert expected(rows)[: len(found) - 1] == [
        (line.keywords, line.extra) for line in found[:-1] if isinstance(line, Line)
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(PROMPTS, min_size=1, max_size=4), st.integers(0, 3), st.sampled_from(["all.csv", "all.jsonl"]))
def test_another_encoding_is_told_once_with_its_line_and_the_option(
    folder: Path, prompts: list[str], place: int, name: str
) -> None:
    lines = [json.dumps(prompt.replace("\n", " "), ensure_ascii=False) for prompt in prompts]
    lines.insert(min(place, len(lines)), '"Ein Käfer"')
    text = "\n".join(["prompt", *lines] if name == "all.csv" else lines)
    data = text.encode("cp1252", "replace")
    (folder / name).write_bytes(data)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        with pytest.raises(BadFile) as caught:
            Manifest(str(folder / name))
        (told,) = caught.value.told
        assert told.startswith(f"{folder / name}:{data[: error.start].count(10) + 1}: is no UTF-8 text")
        assert "--encoding cp1252" in told
        Manifest(str(folder / name), encoding="cp1252").__exit__(None, None, None)


def test_lines_of_old_macs(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_bytes(b"prompt,duration\rA heron,3\rA cat,\r")
    assert requests(tmp_path / "all.csv") == [({"prompt": "A heron", "duration": 3}, {}), ({"prompt": "A cat"}, {})]


FOREIGN = {
    "all.parquet": (b"PAR1....", "pandas.read_parquet('all.parquet').to_json('all.jsonl', orient='records', lines=True)"),
    "all.xlsx": (b"PK\x03\x04....", "pandas.read_excel('all.xlsx').to_csv('all.csv', index=False)"),
    "all.xls": (b"\xd0\xcf\x11\xe0....", "pandas.read_excel('all.xls').to_csv('all.csv', index=False)"),
    "all.feather": (b"ARROW1..", "pandas.read_feather('all.feather').to_json('all.jsonl', orient='records', lines=True)"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_other_formats_are_told_the_two_lines_that_convert_them(program: Any, tmp_path: Path, name: str) -> None:
    data, code = FOREIGN[name]
    (tmp_path / name).write_bytes(data)
    plain, as_json = program.all([f"{form}batch {name} -o videos --yes --sandbox" for form in ("", "--json ")])
    assert plain.code == 2 and plain.err.splitlines()[1:] == ["  import pandas", f"  {code}"]
    assert as_json.code == 2 and code in as_json.of("error")[0]["message"]


def test_a_folder_of_parquet_and_packed_files_are_told_what_to_do(program: Any, tmp_path: Path) -> None:
    (tmp_path / "all.parquet").mkdir()
    (tmp_path / "a b.jsonl.gz").write_bytes(b"\x1f\x8b....")
    parquet, packed = program.all([f"batch {name} -o videos --sandbox" for name in ("all.parquet", "'a b.jsonl.gz'")])
    assert "read_parquet" in parquet.err
    assert "gunzip -c 'a b.jsonl.gz' | grok-imagine batch - ..." in packed.err


class TestColumns:
    @settings(max_examples=100, deadline=None)
    @given(st.integers(1, 400), st.sampled_from(["id", "campaign", "duraton", "Prompt text", "\u202e", "state"]))
    def test_an_unknown_column_is_one_error_however_many_rows_have_it(self, rows: int, name: str) -> None:
        from grok_imagine_cli.keys import Unknown

        told = Unknown(name, 1, rows).message()
        assert told.count("no such key") == 1 and (rows == 1 or f"on {rows} lines" in told)

    @pytest.mark.parametrize("form", ["csv", "jsonl"])
    def test_367_rows_make_one_error_with_the_keys_and_the_nearest(
        self, program: Any, tmp_path: Path, form: str
    ) -> None:
        rows = [{"prompt": f"A heron, number {n}", "duraton": 3, "id": n} for n in range(367)]
        if form == "csv":
            text = "prompt,duraton,id\n" + "".join(f'"{r["prompt"]}",3,{r["id"]}\n' for r in rows)
            (tmp_path / "all.csv").write_text(text)
        else:
            write(tmp_path / "all.jsonl", *rows)
        done, as_json = program.all(
            [f"{way}--base-url http://127.0.0.1:9 batch all.{form} -o videos --yes" for way in ("", "--json ")]
        )
        lines = done.err.splitlines()
        assert done.code == 2 and len(lines) == 4, done
        assert lines[0].startswith(f"all.{form}:1: `duraton`: no such key, on 367 lines; is `duration` meant?")
        assert lines[1].startswith(f"all.{form}:1: `id`: no such key, on 367 lines;")
        assert "--extra-columns id" in lines[1] and lines[2] == f"all.{form}: the keys are {', '.join(keys())}"
        assert lines[3] == f"all.{form}: 2 unknown keys; nothing was sent"
        (error,) = as_json.of("error")
        assert len(error["lines"]) == 2 and "the keys are" in error["message"]

    def test_a_columns_own_values_are_in_the_outcomes(self, program: Any, tmp_path: Path) -> None:
        (tmp_path / "all.csv").write_text(
            "id;prompt;duration;x_note;campaign\n007;A heron;1.0;a,b;spring\n008;A cat;1;;\n"
        )
        done = program(f"batch all.csv -o videos --extra-columns id,campaign {OWN} --json")
        assert done.code == 0, done
        noted = sorted(outcomes(tmp_path / "videos"), key=lambda outcome: outcome["position"])
        assert [(o["id"], o.get("campaign"), o.get("x_note")) for o in noted] == [
            ("007", "spring", "a,b"),
            ("008", None, None),
        ]
        assert sorted(done.of("outcome"), key=lambda outcome: outcome["position"]) == noted
        write(tmp_path / "all.jsonl", {"prompt": "A heron", "duration": 1, "meta": {"id": [1, None]}})
        assert program(f"batch all.jsonl -o more --extra-columns * {OWN}".replace("*", "'*'")).code == 0
        assert outcomes(tmp_path / "more")[0]["meta"] == {"id": [1, None]}

    def test_an_outcomes_own_names_are_not_taken(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", {"prompt": "A heron", "state": "x", "path": "y"})
        done = program("batch all.jsonl -o videos --sandbox --extra-columns '*'")
        assert done.code == 2 and "`x_state` is passed on" in done.err and "`x_path` is passed on" in done.err
        for name in ("state", "prompt"):
            refused = program(f"batch all.jsonl -o videos --sandbox --extra-columns {name}")
            assert refused.code == 2 and f"`{name}` is a key of" in refused.err

    def test_without_strictness_other_keys_are_the_services(self) -> None:
        given = {"prompt": "x", "style": "noir", "x_id": 1}
        assert Columns(strict=False).split(given) == ({"prompt": "x", "style": "noir"}, {"x_id": 1}, ())
        assert Columns(["style"]).split(given) == ({"prompt": "x"}, {"style": "noir", "x_id": 1}, ())
        assert Columns().split(given) == ({"prompt": "x"}, {"x_id": 1}, ("style",))

    @pytest.mark.parametrize(
        ("name", "near"),
        [("Prompt", "prompt"), ("Aspect Ratio", "aspect_ratio"), ("aspectRatio", "aspect_ratio"), ("seconds", "duration"),
         ("promt", "prompt"), ("images", "image"), ("id", None), ("campaign", None), ("\x1b[2J" * 9000, None)],
    )  # fmt: skip
    def test_the_nearest_name(self, name: str, near: str | None) -> None:
        assert nearest(name) == near

    def test_a_heading_without_keys_shows_them(self, tmp_path: Path) -> None:
        for text, said in (
            ("promt\nx\n", "is `prompt` meant by `promt`?"),
            ('{"prompt": "x"}\n', "call it .jsonl"),
            ("a,b\n1,2\n", "names the columns"),
        ):
            (tmp_path / "all.csv").write_text(text)
            with Manifest(str(tmp_path / "all.csv")) as manifest:
                (line,) = manifest.lines()
            assert isinstance(line, BadLine) and said in line.message and ", ".join(keys()) in line.message

    def test_rows_that_a_spreadsheet_filled_up(self, tmp_path: Path) -> None:
        (tmp_path / "all.csv").write_text("prompt,duration,,\nA heron,3,,,,\n,,,\n")
        assert requests(tmp_path / "all.csv") == [({"prompt": "A heron", "duration": 3}, {})]

    def test_the_index_of_pandas_is_one_error(self, program: Any, tmp_path: Path) -> None:
        (tmp_path / "all.csv").write_text(",prompt\n" + "".join(f"{n},A heron {n}\n" for n in range(50)))
        done = program("batch all.csv -o videos --sandbox")
        assert (
            done.code == 2 and done.err.count("column 1 has no name, and 50 cells") == 1 and "index=False" in done.err
        )

    def test_the_keys_of_an_outcome_are_those_that_are_kept_free(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", {"prompt": "A heron", "duration": 1})
        assert program(f"batch all.jsonl -o videos {OWN} --exec 'ls {{path}}'").code == 0
        assert set(outcomes(tmp_path / "videos")[0]) == set(OUTCOME_KEYS)


def test_no_error_of_a_manifest_is_longer_than_a_screen(tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", *({"prompt": "x", f"column {n}": 1} for n in range(3000)))
    from .test_batch import plan_of

    with pytest.raises(BadManifest) as caught:
        plan_of(tmp_path / "all.jsonl")
    assert len(caught.value.told) < 25


@pytest.mark.parametrize("name", ["nothing", "rot13", "hex", "", "\x1b"])
def test_an_encoding_that_is_none(tmp_path: Path, name: str) -> None:
    write(tmp_path / "all.jsonl", "A heron")
    with pytest.raises(Exception, match="there is no encoding"):
        Manifest(str(tmp_path / "all.jsonl"), encoding=name)


def test_a_wrong_encoding_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_bytes(b"prompt\nA heron\n\x81\n")
    with pytest.raises(BadFile, match=r"all\.csv:\d: can't be read as cp1252, as --encoding says"):
        Manifest(str(tmp_path / "all.csv"), encoding="cp1252")
    (tmp_path / "all.csv").write_bytes(codecs.BOM_UTF16_LE + "prompt\nA heron".encode("utf-16-le")[:-1])
    with pytest.raises(BadFile, match="can't be read as utf-16"):
        Manifest(str(tmp_path / "all.csv"))


@pytest.mark.parametrize("word", MISSING)
@pytest.mark.parametrize("key", ["duration", "image", "aspect_ratio", "generate_audio", "reference", "output"])
def test_what_tables_write_for_no_value_is_none(tmp_path: Path, word: str, key: str) -> None:
    path = tmp_path / "all.csv"
    path.write_text(f"prompt,{key},x_note\nA heron,{word},{word}\n")
    with Manifest(str(path)) as manifest:
        assert [*manifest.lines()] == [Line(2, {"prompt": "A heron"}, extra={"x_note": word})]


@pytest.mark.parametrize("word", MISSING)
def test_a_prompt_that_is_missing_is_not_paid_for(program: Any, tmp_path: Path, word: str) -> None:
    (tmp_path / "all.csv").write_text(f"prompt,duration\nA heron,1\n{word},1\n")
    (tmp_path / "all.jsonl").write_text('{"prompt": "A heron", "duration": NaN}\n{"prompt": NaN}\n')
    for name, line in (("all.csv", 3), ("all.jsonl", 2)):
        done = program(f"--base-url http://127.0.0.1:9 batch {name} -o videos --yes")
        assert done.code == 2 and f"{name}:{line}: text-to-video: `prompt`: is required" in done.err, done
        assert "1 bad line;" in done.err


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("a.json", '[\n// one\n{"prompt": "x"}]', 2, "has no comments; take it out"),
        ("a.json", '[\n{"prompt": "x"}, /* two */\n"y"]', 2, "has no comments"),
        ("a.jsonl", '# one\n{"prompt": "x"}', 1, "has no comments"),
        ("a.jsonl", '{"prompt": "x"}\n{"prompt": "x" // two\n', 2, "has no comments"),
        ("a.json", '[{"prompt": "x"},\n]', 2, "a comma stands before the end of the array"),
        ("a.json", '{"requests": [\n{"prompt": "x"}]}', 1, "an object spans lines"),
        ("a.jsonl", '{"prompt": "x"}\n{\n"prompt": "y"}', 2, "an object spans lines"),
        ("a.csv", 'prompt,duration\nx,1\n"y,2\nz,3\n', 3, "a quotation mark that opens a cell of this row is never closed"),
        ("a.csv", 'prompt,duration\n"y" said,2\n', 2, "one within a cell is written twice"),
        ("a.csv", "Prompt,Duration,Aspect Ratio\nx,1,16:9\n", 1, "`duration` meant by `Duration`, `aspect_ratio` meant by `Aspect Ratio`?"),
    ],
)  # fmt: skip
def test_what_people_write_is_told_with_the_line_to_change(
    tmp_path: Path, name: str, text: str, line: int, said: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with Manifest(str(path)) as manifest:
        bad = [each for each in manifest.lines() if isinstance(each, BadLine)]
    assert bad[0].number == line and said in bad[0].message, bad


def test_a_path_of_another_system_is_told_with_its_own(program: Any, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "sky.png").touch()
    write(
        tmp_path / "all.jsonl", {"prompt": "x", "image": "pictures\\sky.png"}, {"prompt": "x", "image": "file:///a.png"}
    )
    done = program("--base-url http://127.0.0.1:9 batch all.jsonl -o videos --yes")
    assert done.code == 2 and "pictures/sky.png is there: folders are separated by /" in done.err
    assert "by its path, without file://" in done.err
