"""Pages of the other x- blocks: waiting, errors, limits, prices, regions; what is new; the list of all sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contract_page import Raw, history, matcher_words, names, plain, usd
from site_markup import Register, heading, lean, link, mark

CLIENT = """An argument of the library itself, such as a ledger that is missing or a key that belongs to another request. No fact of the
service is behind it: the message has the rule and the way out, and the [API reference](../api/index.md) the argument.
"""


class Figures:
    """Writes the pages of a document's x-waiter, x-errors, x-limits, x-pricing, x-regions and x-eras.

    Args:
        document: The document.
        register: Where its facts come from.
    """

    def __init__(self, document: Mapping[str, Any], register: Register) -> None:
        self._document, self._register = document, register

    def pages(self) -> Iterator[tuple[str, str]]:
        """All of them, by name."""
        yield "waiter", "\n".join(self._waiter())
        yield "errors", "\n".join(self._errors())
        yield "limits", "\n".join(self._limits())
        yield "prices", "\n".join(self._prices())
        yield "changes", "\n".join(self._changes())

    def _block(self, title: str, name: str, *sources: str) -> str:
        where = ", ".join(self._register.under(source) for source in sources)
        return f"{heading(1, title, name)}\n`{name}` {self._document[name]['version']}. Register: {where}.\n"

    def _waiter(self) -> Iterator[str]:
        data = self._document["x-waiter"]
        yield self._block("Waiting", "x-waiter", "Waiting", "Job statuses", "What this contract chose")
        yield f"How to wait for a job: look at it by {link(data['operation'], data['operation'])} until an acceptor says that it has ended.\n"
        yield heading(2, "Acceptors", "x-waiter.acceptors")
        yield "The first row whose conditions all hold decides what an answer means. *present*: a text that is not empty; *missing*: not present.\n"
        rows = [
            [
                number,
                f"`{each['outcome']}`",
                Raw("<br>".join(f"`{path}` {matcher_words(matcher)}" for path, matcher in each["when"].items())),
                (each.get("note") or "") + (" The client warns, once." if "warn" in each else ""),
                each["source"],
            ]
            for number, each in enumerate(data["acceptors"], 1)
        ]
        yield lean(["", "Outcome", "Conditions", "", "Source"], rows)
        yield f"A success status that no row names is read as {data['other_success']}. A body that can't be read is a failed poll.\n"
        yield heading(2, "Schedule", "x-waiter.schedule")
        yield f"For clients without a history: the pause goes by the age of the job. Source: {data['source']}.\n"
        rows = [
            ["any" if each["until"] is None else f"below {each['until']:g} s", f"{each['every']:g} s"]
            for each in data["schedule"]
        ]
        yield lean(["Age", "Next poll after"], rows)
        last, failed = data["last_poll"], data["failed_poll"]
        yield f"- A wait ends after {data['timeout']:g} s, unless the caller says otherwise."
        yield (
            f"- The last poll is {last['before_end']:g} s before the end, or {last['part']:g} of the timeout before it, if that is less: a poll "
            "that is due then or later is made then."
        )
        yield (
            f"- A poll that failed says nothing of the job. The next comes after at most {failed['longest_pause']:g} s, or after the "
            f"`Retry-After` of the answer, up to {failed['longest_retry_after']:g} s.\n"
        )
        yield heading(2, "Result", "x-waiter.result")
        yield f"The finished file is at the first of these that is present: {names(data['result']['url'])}. It is another host: the key never goes there.\n"

    def _errors(self) -> Iterator[str]:
        data = self._document["x-errors"]
        yield self._block("Errors", "x-errors", "HTTP statuses", "Code vocabulary", "ErrorBody")
        yield (
            "The first row whose status, code and text hold says what a failure is. Whether the request may be sent again: *again*, no job "
            "exists; *never*, it is useless; *unknown*, a job may exist, and a second POST could bill it twice. An answer that tells a "
            "cost is never followed by another POST.\n"
        )
        yield heading(2, "Kinds", "x-errors.kinds")
        rows = [
            [
                each["http_status"],
                f"`{each['kind']}`",
                ", ".join(
                    [*(f"code `{one}`" for one in each.get("code", [])), *(f'"{one}"' for one in each.get("text", []))]
                ),
                each["post"],
                each["get"],
                each["source"],
            ]
            for each in data["kinds"]
        ]
        yield lean(["HTTP", "Kind", "Told by", "POST", "GET", "Source"], rows)
        yield heading(2, "Statuses without a kind", "x-errors.unlisted")
        rows = [
            [
                f"{each['from']} to {each['to']}" if each["from"] != each["to"] else each["from"],
                f"`{each['kind']}`",
                each["post"],
                each["get"],
            ]
            for each in data["unlisted"]
        ]
        yield lean(["HTTP", "Kind", "POST", "GET"], rows)
        yield heading(2, "Failures without an error status", "x-errors.failures")
        rows = [
            [
                f"`{name}`",
                each.get("note") or "A success whose body is not what it should be",
                each["post"],
                each["get"],
            ]
            for name, each in data["failures"].items()
        ]
        yield lean(["Failure", "", "POST", "GET"], rows)
        yield heading(2, "Bodies", "x-errors.bodies")
        yield (
            f"The code of a body is at the first of {names(data['bodies']['code'])} that is there, its text at the first of "
            f"{names(data['bodies']['text'])}. A body without a text is its own text. Source: {data['bodies']['source']}.\n"
        )
        yield heading(2, "Codes", "x-errors.codes")
        yield "A token since summer 2026, a phrase before. Both mean the same kinds.\n"
        rows = [
            [f"`{each['token']}`", each["phrase"], names(each["kinds"]), each["since"], each["source"]]
            for each in data["codes"]
        ]
        yield lean(["Token", "Phrase", "Kinds", "Since", "Source"], rows)
        yield heading(2, "Literal texts", "x-errors.texts")
        yield "Names in braces stand for what differs.\n"
        rows = [
            [
                Raw(f"{mark(f'x-errors.texts.{name}')}`{each['kind']}`"),
                self._text(each),
                each["confidence"],
                each.get("since"),
                each.get("note"),
                each["source"],
            ]
            for name, each in data["texts"].items()
        ]
        yield lean(["Kind", "Text", "Conf.", "Since", "", "Source"], rows)

    @staticmethod
    def _text(each: Mapping[str, Any]) -> Raw:
        earlier = f"<br>Before: {plain(each['earlier'])}" if "earlier" in each else ""
        return Raw(plain(each["text"]) + earlier)

    def _limits(self) -> Iterator[str]:
        data = self._document["x-limits"]
        yield self._block("Limits", "x-limits", "Limits", "Files", "Batches")
        yield "One figure each, the careful one where sources differ. Ranges of fields are those of [modes](modes.md) and [models](models.md).\n"
        rows = [
            [
                Raw(f"{mark(f'x-limits.{name}')}`{name}`"),
                f"{each['value']:,} {each['unit']}",
                each["confidence"],
                each["source"],
                self._limit_row(name),
                each.get("note"),
            ]
            for name, each in data.items()
            if isinstance(each, Mapping)
        ]
        yield lean(["Limit", "Value", "Conf.", "Source", "Register", ""], rows)
        yield heading(2, "Rates", "x-limits.rates")
        yield "What is said of the rate, and does not agree. The client uses the lower figures until a header or a 429 shows otherwise.\n"
        rows = [
            [
                f"{each['value']:g} a {each['per']}",
                names(each["models"]) if each["models"] else "any",
                each["confidence"],
                each["source"],
                each["note"],
            ]
            for each in data["rates"]
        ]
        yield lean(["Rate", "Models", "Conf.", "Source", ""], rows)
        yield heading(2, "Tiers", "x-limits.tiers")
        yield "By what a team has spent since 1 January 2026; `Limits.tier(2)` goes by one.\n"
        rows = [
            [
                each["tier"],
                f"{each['requests_per_second']:g}",
                f"${each['spend_usd']:,g}",
                each["confidence"],
                each["source"],
            ]
            for each in data["tiers"]
        ]
        yield lean(["Tier", "Requests a second", "Spent", "Conf.", "Source"], rows)

    def _limit_row(self, name: str) -> Raw:
        """The register's row of a limit, which may name only how the limit begins, or ends."""
        tails = [name, f"_{name.rpartition('_')[2]}", "batch_*" if name.startswith("batch_") else name]
        for word in tails:
            found = self._register.about("Limits", word)
            if found != self._register.under("Limits"):
                return found
        return self._register.under("Limits")

    def _prices(self) -> Iterator[str]:
        data = self._document["x-pricing"]
        yield self._block("Prices", "x-pricing", "Prices")
        yield f"In {data['currency']}. The wire tells costs in ticks: {data['ticks_per_usd']:,} are 1 {data['currency']}.\n"
        sizes = list(dict.fromkeys(size for each in data["models"].values() for size in each["output_second"]))
        rows = [
            [
                Raw(f"{mark(f'x-pricing.models.{model}')}{link(f'x-modes.models.{model}', model)}"),
                *(usd(each["output_second"].get(size)) for size in sizes),
                usd(each["input_image"]),
                usd(each["input_second"]),
                each["confidence"],
                each["source"],
                self._register.about("Prices", model),
                each.get("note"),
            ]
            for model, each in data["models"].items()
        ]
        columns = [
            "",
            *(f"Second at {size}" for size in sizes),
            "Input image",
            "Second of input video",
            "Conf.",
            "Source",
            "Register",
            "",
        ]
        yield lean(columns, rows)
        yield heading(2, "What a mode adds up", "x-pricing.charges")
        rows = [
            [link(f"x-modes.modes.{mode}", mode), names(each), data["seconds"][mode]]
            for mode, each in data["charges"].items()
        ]
        yield lean(["Mode", "Items", "Seconds are those of"], rows)
        yield f"Source: {data['charges_source']}. Pinned frames and keyframes count as images.\n"
        yield heading(2, "What an estimate assumes", "x-pricing.assume")
        assume = data["assume"]
        rows = [
            ["no resolution, and the mode has no default", f"the {assume['resolution']}"],
            ["the length of an input video", f"the {assume['input_seconds']} that the mode takes"],
            ["the size of a stored result", f"{assume['stored_bytes']:,} bytes"],
            ["how long it is stored", f"the {assume['stored_seconds']} time"],
        ]
        yield lean(["Not said", "Assumed"], rows)
        yield heading(2, "Moderation, batches, storage", "x-pricing.moderated")
        moderated, batch, storage = data["moderated"], data["batch"], data["storage"]
        yield f"- A video that moderation withholds is charged in {moderated['charged']} ({moderated['confidence']}, {moderated['source']})."
        yield f"- A request of a batch is charged in {batch['charged']} ({batch['confidence']}, {batch['source']})."
        yield (
            f"- A result that is kept costs ${storage['gib_day']:g} a GiB and day, and ${storage['gib_download']:g} a GiB downloaded "
            f"({storage['confidence']}, {storage['source']}).\n"
        )

    def _changes(self) -> Iterator[str]:
        eras = self._document["x-eras"]
        yield self._block("Eras and regions", "x-eras", "What changed with version 0.2.0 of the document")
        rows = [[f"`{name}`", each["month"], each["note"]] for name, each in eras["eras"].items()]
        yield lean(["Era", "Month", ""], rows)
        yield f"The sandbox is of {eras['default']} unless told otherwise.\n"
        yield from history(self._document)
        yield heading(2, "Regions", "x-regions")
        rows = [
            [
                Raw(f"{mark(f'x-regions.hosts.{host}')}`{host}`"),
                each["rule"],
                each["instead"],
                each["confidence"],
                each["source"],
            ]
            for host, each in self._document["x-regions"]["hosts"].items()
        ]
        yield lean(["Host", "Rule", "Instead", "Conf.", "Source"], rows)
        yield f"Register: {self._register.about('Limits', 'x-regions')}.\n"


def sections(pages: Mapping[str, str]) -> str:
    """The page that lists all sections, by page. It has the one that is no fact of the service, too."""
    parts = [
        "# Sections\n",
        "An `InvalidRequest` and a `ContractWarning` name the section of the contract that they go by, in their message and as `.section`. "
        "Each is an anchor:\n",
        heading(2, "The library's own rules", "client"),
        CLIENT,
    ]
    for text in pages.values():
        found = [
            one for one in re.findall(r'<span id="([^"]+)"', text) if not re.match(r"register:|row|[A-Z]\d+$", one)
        ]
        title = re.sub(r"<[^>]+>", "", text.partition("\n")[0]).lstrip("# ")
        if found:
            parts += [f"## {title}\n", *(f"- {link(section)}" for section in found), ""]
    return "\n".join(parts)
